"""The registry's entries of nets that take the window for a graph, a set or a table of interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, structs

from gnnmax.groups import GROUPS
from gnnmax.models.entry import Config, Depth, Encoding, Mark, ModelEntry, Pool, Width

if TYPE_CHECKING:
    from torch import nn

__all__ = ["GRAPH_NETS", "ExchangeableConfig", "GnnConfig", "ProductConfig"]


class GnnConfig(Config, frozen=True):
    """Size of the graph net: features of a node and of an entry, rounds of message passing, and how values are read."""

    width: Width = 16
    rounds: Depth = 2
    encoding: Encoding = "standard"


class ExchangeableConfig(Config, frozen=True):
    """The exchangeable net: features of an entry, layers, what of the centre is known, pools, how values are read."""

    width: Width = 32
    rounds: Depth = 2
    mark: Mark = "both"
    pools: Annotated[tuple[Pool, ...], Meta(min_length=1)] = ("max", "mean")
    encoding: Encoding = "standard"

    def __post_init__(self) -> None:
        if len(set(self.pools)) < len(self.pools):
            raise ValueError("name each pool once")


class ProductConfig(Config, frozen=True):
    """Size of the product net: features of an entry and of a pair, operators, what each carries, and rounds."""

    width: Width = 16
    edge: Width = 24
    heads: Depth = 6
    channels: Depth = 4
    refinements: Depth = 3
    rounds: Depth = 2


# Each net is imported where it is built, so that names are listed without torch.
def _gnn(_k: int, config: GnnConfig) -> nn.Module:
    from gnnmax.models.gnn import BipartiteNet

    return BipartiteNet(**structs.asdict(config))


def _exchangeable(_k: int, config: ExchangeableConfig) -> nn.Module:
    from gnnmax.models.exchangeable import ExchangeableNet

    return ExchangeableNet(**structs.asdict(config))


def _exchangeable_orbit(k: int, config: ExchangeableConfig) -> int:
    group = {"both": "rooted", "row": "row_rooted", "none": "exchangeable"}[config.mark]
    return GROUPS[group].centre_orbit(k)


def _product(_k: int, config: ProductConfig) -> nn.Module:
    from gnnmax.models.product import ProductNet

    return ProductNet(**structs.asdict(config))


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
        cannot="With mark none nothing: all entries look alike. With mark row it takes its whole row for the centre.",
        orbit=_exchangeable_orbit,
    ),
    "product": ModelEntry(
        name="product",
        summary="The matrix as a product graph: convolution along neighbours that the contexts tell, not the order.",
        build=_product,
        config=ProductConfig,
        group=GROUPS["label"],
        any_k=True,
        source="Maron et al., NeurIPS 2019; Monti et al., NeurIPS 2017",
        needs_contexts=True,
    ),
}
