"""Registry entries of the nets that read a window as a graph or as a table of interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, structs
from torch import nn

from gnnmax.models.entry import BLURRED, Config, Depth, Encoding, Form, Mark, ModelEntry, Pool, Width
from gnnmax.models.graphs.bipartite import BipartiteNet
from gnnmax.models.graphs.fused import FusedNet
from gnnmax.models.graphs.message_passing import MessagePassingNet
from gnnmax.models.graphs.product import ProductNet
from gnnmax.models.sets.exchangeable import ExchangeableNet
from gnnmax.task.symmetry_groups import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "GRAPH_NETS",
]


class GnnConfig(Config, frozen=True):
    """The graph net: features of a node and of an entry, rounds of message passing, encoding."""

    width: Width = 16
    rounds: Depth = 2
    encoding: Encoding = "standard"


class ExchangeableConfig(Config, frozen=True):
    """The exchangeable net: features of an entry, layers, mark of the centre, pools, encoding."""

    width: Width = 32
    rounds: Depth = 2
    mark: Mark = "both"
    pools: Annotated[tuple[Pool, ...], Meta(min_length=1)] = ("max", "mean")
    encoding: Encoding = "standard"

    def __post_init__(self) -> None:
        if len(set(self.pools)) < len(self.pools):
            raise ValueError("name each pool once")


class MessagePassingConfig(Config, frozen=True):
    """Message passing: features of a node and of an edge, rounds, mark, encoding, and form."""

    width: Width = 16
    rounds: Depth = 2
    mark: Mark = "both"
    encoding: Encoding = "standard"
    form: Form = "dense"


class AttentionConfig(MessagePassingConfig, frozen=True):
    """Message passing by attention: the heads share the width."""

    heads: Depth = 2

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads cannot share a width of {self.width}: take a divisor")


class ProductConfig(Config, frozen=True):
    """The product net: features of an entry and of a pair, operators and their channels, rounds, encoding, sums."""

    width: Width = 16
    edge: Width = 24
    heads: Depth = 6
    channels: Depth = 4
    refinements: Depth = 3
    rounds: Depth = 2
    encoding: Encoding = "standard"
    neighbours: Annotated[int, Meta(ge=1, le=1024)] | None = None


class FusedConfig(Config, frozen=True):
    """The fused net: features of an entry, rounds of message passing and convolution, encoding."""

    width: Width = 16
    rounds: Depth = 2
    encoding: Encoding = "standard"


def _gnn(_k: int, config: GnnConfig) -> nn.Module:
    return BipartiteNet(**structs.asdict(config))


def _exchangeable(_k: int, config: ExchangeableConfig) -> nn.Module:
    return ExchangeableNet(**structs.asdict(config))


def _message_passing(name: str) -> Callable[[int, MessagePassingConfig], nn.Module]:
    def build(_k: int, config: MessagePassingConfig) -> nn.Module:
        return MessagePassingNet(name, **structs.asdict(config))

    return build


def _passing_orbit(k: int, config: MessagePassingConfig) -> int:
    group = {"both": "label", "row": "row_rooted", "none": "exchangeable_transposed"}[config.mark]
    return GROUPS[group].centre_orbit(k)


def _passing_entry(name: str, summary: str, source: str, cannot: str, config: type[Config]) -> ModelEntry:
    """Make the registry entry of a layer of torch_geometric on the rooted bipartite window."""
    return ModelEntry(
        name=name,
        summary=f"The matrix as a rooted bipartite graph, {summary}.",
        build=_message_passing(name),
        config=config,
        group=GROUPS["label"],
        any_k=True,
        source=source,
        cannot=cannot,
        orbit=_passing_orbit,
    )


def _exchangeable_orbit(k: int, config: ExchangeableConfig) -> int:
    group = {"both": "rooted", "row": "row_rooted", "none": "exchangeable"}[config.mark]
    return GROUPS[group].centre_orbit(k)


def _product(_k: int, config: ProductConfig) -> nn.Module:
    return ProductNet(**structs.asdict(config))


def _fused(_k: int, config: FusedConfig) -> nn.Module:
    return FusedNet(**structs.asdict(config))


GRAPH_NETS: dict[str, ModelEntry] = {
    "gnn": ModelEntry(
        name="gnn",
        summary="The matrix as a rooted bipartite graph: message passing over rows, columns and entries.",
        build=_gnn,
        config=GnnConfig,
        group=GROUPS["label"],
        any_k=True,
        source="Fey and Lenssen, ICLR workshop 2019; Hartford et al., ICML 2018; Zhang et al., NeurIPS 2021",
    ),
    "exchangeable": ModelEntry(
        name="exchangeable",
        summary="The matrix as a table between two sets: every linear map that commutes with them, and pools.",
        build=_exchangeable,
        config=ExchangeableConfig,
        group=GROUPS["rooted"],
        any_k=True,
        source="Hartford et al., ICML 2018",
        cannot="Anything with mark none: all entries look the same. With mark row, find the centre's column.",
        orbit=_exchangeable_orbit,
    ),
    "gine": _passing_entry(
        "gine",
        "sums of messages (GINE)",
        "Hu et al., ICLR 2020",
        "Carry over to sides far from the training side: sums grow with the side.",
        MessagePassingConfig,
    ),
    "gatv2": _passing_entry(
        "gatv2",
        "attention that depends on both ends (GATv2)",
        "Brody et al., ICLR 2022",
        BLURRED + " Entries only weight the messages of nodes: unmarked, all messages and thus all scores are equal.",
        AttentionConfig,
    ),
    "pna": _passing_entry(
        "pna",
        "mean, minimum, maximum and deviation of messages (PNA)",
        "Corso et al., NeurIPS 2020",
        "",
        MessagePassingConfig,
    ),
    "graph-transformer": _passing_entry(
        "graph-transformer", "attention by keys and queries", "Shi et al., IJCAI 2021", BLURRED, AttentionConfig
    ),
    "product": ModelEntry(
        name="product",
        summary="The matrix as a product graph: convolution along neighbours found in the contexts, not in the order.",
        build=_product,
        config=ProductConfig,
        group=GROUPS["label"],
        any_k=True,
        source="Maron et al., NeurIPS 2019; Monti et al., NeurIPS 2017",
        needs_contexts=True,
    ),
    "fused": ModelEntry(
        name="fused",
        summary="The matrix as a graph and as an image: message passing alternating with convolution.",
        build=_fused,
        config=FusedConfig,
        group=GROUPS["none"],
        any_k=True,
        source="gnn and cnn of this registry; related: Wang et al. (GILoop), iScience 2022",
    ),
}
