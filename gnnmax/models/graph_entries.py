"""The registry's entries of nets that take the window for a graph, a set or a table of interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from gnnmax.groups import GROUPS
from gnnmax.models.entry import Config, Depth, ModelEntry, Width

if TYPE_CHECKING:
    from torch import nn

__all__ = ["GRAPH_NETS", "GnnConfig", "ProductConfig"]


class GnnConfig(Config, frozen=True):
    """Size of the graph net: features of a node and of an entry, and rounds of message passing."""

    width: Width = 16
    rounds: Depth = 2


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

    return BipartiteNet(width=config.width, rounds=config.rounds)


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
