"""Standard graph nets on the nodes of a map, by torch_geometric: GIN, GAT and a graph transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseGINConv, GATv2Conv, TransformerConv

from gnnmax.models.graphs.generated_files import remove_generated_files
from gnnmax.models.nodes.observed import Observed, observed, outside_masked
from gnnmax.models.nodes.spectral import SignInvariant
from gnnmax.models.nodes.strongest import Edges, laplacian_encoding, strongest_edges

__all__ = ["GatNodes", "GinNodes", "GraphTransformerNodes"]

FEATURES = 2
"""Features of a node at first: its row sum in standard units, and 1."""


class GinNodes(nn.Module):
    """A graph isomorphism network on the whole weighted map: each node sums its neighbours, times the weights.

    The sum is divided by sqrt(n), which keeps the noise in it at one size. It is message passing without memory, with
    the weights of each layer its own.

    Args:
        width: Features of a node.
        layers: Number of layers.

    References:
        Xu et al., "How Powerful are Graph Neural Networks?", ICLR 2019; Fey and Lenssen, "Fast Graph Representation
        Learning with PyTorch Geometric", ICLR workshop 2019.

    Example:
        >>> GinNodes(width=4, layers=2)(torch.zeros(2, 9, 9)).shape
        torch.Size([2, 9])
    """

    def __init__(self, *, width: int = 24, layers: int = 6) -> None:
        super().__init__()
        self.embed = nn.Linear(FEATURES, width)
        self.layers = nn.ModuleList(DenseGINConv(_mlp(width), train_eps=True) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.head = nn.Linear(width, 1)

    def forward(self, values: Tensor) -> Tensor:
        """Score nodes; see :meth:`gnnmax.models.nodes.unrolled_amp.UnrolledAMP.forward`."""
        seen = observed(values)
        adjacency = seen.weights / seen.nodes.sqrt()[:, None, None]
        nodes = self.embed(_first(seen))
        for layer, norm in zip(self.layers, self.norms, strict=True):
            nodes = nodes + layer(norm(nodes) * seen.inside[..., None], adjacency)
        return outside_masked(self.head(nodes)[..., 0], seen.inside)


class GatNodes(nn.Module):
    """A graph attention network on the strongest entries of each row.

    Attention over all n^2 entries would hold them once for every head and layer, so each row keeps a few.

    Args:
        width: Features of a node.
        heads: Number of heads.
        layers: Number of layers.
        kept: Number of entries that a row keeps, see :func:`gnnmax.models.nodes.strongest.strongest_edges`.

    References:
        Brody, Alon and Yahav, "How Attentive are Graph Attention Networks?", ICLR 2022.

    Example:
        >>> GatNodes(width=4, heads=2, layers=2, kept=3)(torch.randn(1, 9, 9)).shape
        torch.Size([1, 9])
    """

    def __init__(self, *, width: int = 16, heads: int = 4, layers: int = 3, kept: int = 16) -> None:
        super().__init__()
        self.kept = kept
        self.embed = nn.Linear(FEATURES, width)
        self.layers = nn.ModuleList(self._layer(width, heads) for _ in range(layers))
        self.mixes = nn.ModuleList(_mlp(width) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.head = nn.Linear(width, 1)

    def forward(self, values: Tensor) -> Tensor:
        """Score nodes; see :meth:`gnnmax.models.nodes.unrolled_amp.UnrolledAMP.forward`."""
        seen = observed(values)
        edges = strongest_edges(seen, self.kept)
        nodes = self._start(seen, edges).flatten(0, 1)
        for layer, mix, norm in zip(self.layers, self.mixes, self.norms, strict=True):
            nodes = nodes + mix(layer(norm(nodes), edges.ends, edges.weight))
        return outside_masked(self.head(nodes)[:, 0].view(seen.inside.shape), seen.inside)

    @staticmethod
    def _layer(width: int, heads: int) -> nn.Module:
        """Make one layer of attention along edges."""
        return _made(GATv2Conv(width, width // heads, heads=heads, edge_dim=1, add_self_loops=False))

    def _start(self, seen: Observed, edges: Edges) -> Tensor:
        """Return the first features of nodes, shape ``(B, n, width)``."""
        del edges
        return self.embed(_first(seen))  # type: ignore[no-any-return]


class GraphTransformerNodes(GatNodes):
    """A graph transformer on the strongest entries of each row, with Laplacian encodings of the places of nodes.

    The encodings are read whatever their signs are.

    Args:
        width: Features of a node.
        heads: Number of heads.
        layers: Number of layers.
        kept: As for :class:`GatNodes`.
        vectors: Number of eigenvectors of the Laplacian.

    References:
        Dwivedi and Bresson, "A Generalization of Transformer Networks to Graphs", AAAI workshop 2021; Shi et al.,
        "Masked Label Prediction", IJCAI 2021 (the layer).

    Example:
        >>> GraphTransformerNodes(width=4, heads=2, layers=1, kept=3, vectors=2)(torch.randn(1, 9, 9)).shape
        torch.Size([1, 9])
    """

    def __init__(self, *, width: int = 16, heads: int = 4, layers: int = 3, kept: int = 16, vectors: int = 4) -> None:
        super().__init__(width=width, heads=heads, layers=layers, kept=kept)
        self.vectors = vectors
        self.read = SignInvariant(vectors, width // 2)
        self.place = nn.Linear(self.read.features, width)

    @staticmethod
    def _layer(width: int, heads: int) -> nn.Module:
        return _made(TransformerConv(width, width // heads, heads=heads, edge_dim=1))

    def _start(self, seen: Observed, edges: Edges) -> Tensor:
        n = seen.inside.shape[1]
        found = []
        for index in range(len(seen.inside)):
            own = edges.ends[1] // n == index
            one = Edges(edges.ends[:, own] - index * n, edges.weight[own])
            found.append(laplacian_encoding(one, n, self.vectors))
        sizes, vectors = (torch.stack(each) for each in zip(*found, strict=True))
        places = self.read(vectors, sizes, seen.nodes)
        return self.embed(_first(seen)) + self.place(places)  # type: ignore[no-any-return]


def _made(layer: nn.Module) -> nn.Module:
    remove_generated_files(layer)
    return layer


def _mlp(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))


def _first(seen: Observed) -> Tensor:
    """Return the first features of nodes, shape ``(B, n, 2)``."""
    sums = seen.weights.sum(dim=2) / seen.nodes.sqrt()[:, None]
    return torch.stack([sums, torch.ones_like(sums)], dim=-1)
