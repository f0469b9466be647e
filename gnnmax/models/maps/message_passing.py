"""The map as a weighted graph: each node's neighbours are found in the weights, and entries are passed along them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from gnnmax.errors import InputError
from gnnmax.models.graphs.generated_files import remove_generated_files
from gnnmax.models.maps.encoding import CHANNELS, encode_maps, standardise_maps

__all__ = ["MapGnn", "Neighbourhoods", "neighbourhoods"]

HIGHEST = 3.0
"""Standard units beyond which an affinity counts no more, so that a single entry decides nothing."""

COLUMNS = 2**24
"""Numbers that are passed along edges at a time, in the sparse form."""

PAIR = 3
"""Features of an edge: affinity, likeness, and how far both are above those of the nodes beyond."""


class Neighbourhoods(NamedTuple):
    """The edges among the nodes of a batch of maps, as one graph.

    Attributes:
        ends: Source and target of each edge, shape ``(2, E)``; node i of map b is ``b * n + i``.
        features: Affinity, likeness and lead of each edge, shape ``(E, 3)``.
    """

    ends: Tensor
    features: Tensor


def neighbourhoods(units: Tensor, seen: Tensor, most: int) -> Neighbourhoods:
    """Find the neighbours of each node from the weights alone.

    The affinity of two nodes is their weight in standard units, at most 3; their likeness is the sum over third nodes
    of the products of both affinities, in standard units of the map. Neighbours of a node are those whose sum of both
    is positive and above that of the one that follows the ``most`` highest; by how much is their *lead*. Equal nodes
    are neighbours together or not at all, so no order decides.

    Args:
        units: Maps in standard units, shape ``(B, n, n)``, 0 where nothing is observed.
        seen: True where something is observed.
        most: Number of neighbours of a node at most.

    Example:
        >>> line = torch.exp(-(torch.arange(9.0)[:, None] - torch.arange(9.0)).abs())[None]
        >>> edges = neighbourhoods(*standardise_maps(line), most=2)
        >>> edges.ends[0, edges.ends[1] == 4].tolist()
        [3, 5]
    """
    n = units.shape[1]
    apart = ~torch.eye(n, dtype=torch.bool, device=units.device)
    known = (seen | seen.mT) & apart
    count = (seen.to(units.dtype) + seen.mT.to(units.dtype)).clamp(min=1)
    affinity = ((units + units.mT) / count).masked_fill(~known, 0.0).clamp(max=HIGHEST)
    positive = affinity.clamp(min=0)
    likeness, _ = standardise_maps((positive @ positive).masked_fill(~known, torch.nan))
    near = (affinity + likeness).masked_fill(~known, -torch.inf)
    beyond = near.topk(min(most, n - 1) + 1, dim=2).values[..., -1:].clamp(min=0)  # 0 where all others are neighbours
    at, target, source = (near > beyond).nonzero().unbind(1)  # the neighbours of a row are columns
    lead = (near - beyond)[at, target, source]
    features = torch.stack([affinity[at, target, source], likeness[at, target, source].asinh(), lead.asinh()], dim=1)
    return Neighbourhoods(torch.stack([at * n + source, at * n + target]), features)


class _Passing(MessagePassing):  # type: ignore[misc]  # torch_geometric has no types
    """Sum the signals of the neighbours of each node, weighted by edge and head."""

    def __init__(self) -> None:
        super().__init__(aggr="add", node_dim=0)
        remove_generated_files(self)

    def forward(self, signals: Tensor, index: Tensor, weight: Tensor) -> Tensor:
        """Return the sums, shape ``(N, ..., heads, C)`` as the signals; weights have shape ``(E, heads)``."""
        passed: Tensor = self.propagate(index, x=signals, weight=weight)
        return passed

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        """Weigh the signals of the sources of the edges."""
        return x_j * weight[:, None, :, None]


class _Operator:
    """Weighted means over the neighbours of each node: as dense matrices, or along edges.

    Args:
        edges: The edges.
        weight: Of each edge and head, shape ``(E, heads)``.
        sides: Number of maps and of nodes.
        passing: Passes messages along edges; None takes dense matrices.
    """

    def __init__(self, edges: Neighbourhoods, weight: Tensor, sides: tuple[int, int], passing: _Passing | None) -> None:
        self.ends, self.weight, self.sides, self.passing = edges.ends, weight, sides, passing
        self.matrix = None
        if passing is None:
            batch, n = sides
            at, target = edges.ends[1] // n, edges.ends[1] % n
            whole = weight.new_zeros(batch, n, n, weight.shape[1])
            self.matrix = whole.index_put((at, target, edges.ends[0] % n), weight).movedim(-1, 1)  # (B, heads, n, n)

    def rows(self, signals: Tensor) -> Tensor:
        """Average signals ``(B, n, m, heads, C)`` over the neighbours of each row."""
        batch, n = self.sides
        if self.matrix is not None:
            m, heads, channels = signals.shape[2:]
            flat = signals.permute(0, 3, 1, 2, 4).reshape(batch, heads, n, m * channels)
            return (self.matrix @ flat).view(batch, heads, n, m, channels).permute(0, 2, 3, 1, 4)
        assert self.passing is not None
        flat = signals.flatten(0, 1)  # (B * n, m, heads, C)
        step = max(1, COLUMNS // max(1, len(self.weight) * flat.shape[2] * flat.shape[3]))
        parts = [self.passing(part, self.ends, self.weight) for part in torch.split(flat, step, dim=1)]
        return torch.cat(parts, dim=1).view(batch, n, *flat.shape[1:])

    def columns(self, signals: Tensor) -> Tensor:
        """Average signals ``(B, n, m, heads, C)`` over the neighbours of each column."""
        return self.rows(signals.transpose(1, 2)).transpose(1, 2)


class _Round(nn.Module):
    """One round: ``X <- X + f(X, W X + X W^T, W X W^T)``, one operator W for each head."""

    def __init__(self, width: int, heads: int, channels: int) -> None:
        super().__init__()
        self.heads = heads
        self.send = nn.Linear(width, heads * channels)
        self.gather = nn.Linear(width + 2 * heads * channels, 2 * width)
        self.change = nn.Linear(2 * width, width)

    def forward(self, entries: Tensor, means: _Operator) -> Tensor:
        """Update entries ``(B, n, n, H)``."""
        sent = self.send(entries).unflatten(-1, (self.heads, -1))  # (B, n, n, heads, C)
        down = means.rows(sent)
        one, both = down + means.columns(sent), means.columns(down)
        seen = torch.cat([entries, one.flatten(-2), both.flatten(-2)], dim=-1)
        change: Tensor = self.change(functional.relu(self.gather(seen)))
        return entries + change


class MapGnn(nn.Module):
    """Message passing on the weighted graph of a map, with a readout at every entry.

    Each node's neighbours are found in the weights: by affinity and by the likeness of rows, see
    :func:`neighbourhoods`. Every column of the map is a signal on the nodes, and so is every row: rounds of message
    passing average the features of entries over the neighbours of their rows, of their columns and of both, with
    weights learned from the features of an edge. Weighted means do not depend on the number of nodes, so the net
    carries over to other sizes. Where the order of the nodes is written in their weights, this is a convolution without
    an order.

    Exactly equivariant to renumbering the nodes and to transposition. Small maps are computed with dense matrices,
    large ones along the edges by torch_geometric, with the same weights and results.

    Cost: ``O(n^3)`` for the likeness, once; ``O(rounds * n^2 * (neighbours * heads * channels + width^2))``.

    Args:
        width: Features of an entry.
        heads: Operators on nodes.
        channels: Features that each operator carries.
        neighbours: Number of neighbours of a node at most.
        rounds: Rounds of message passing.
        sparse_from: Number of nodes from which messages go along edges.

    References:
        Gilmer et al., "Neural Message Passing for Quantum Chemistry", ICML 2017. Zhang et al., "Labeling Trick",
        NeurIPS 2021: every node in turn is the marked one. Fey, Lenssen, "Fast Graph Representation Learning with
        PyTorch Geometric", ICLR workshop 2019. Levin, Ma, Diaz, Villar, NeurIPS 2025: which normalisations carry over
        to other sizes.

    Example:
        >>> net = MapGnn(width=8, heads=2, rounds=1)
        >>> values, order = torch.rand(1, 12, 12), torch.randperm(12)
        >>> moved = net(values[:, order][:, :, order])
        >>> bool((moved - net(values)[:, order][:, :, order]).abs().max() < 1e-5)
        True
    """

    def __init__(
        self,
        *,
        width: int = 16,
        heads: int = 4,
        channels: int = 4,
        neighbours: int = 8,
        rounds: int = 3,
        sparse_from: int = 512,
    ) -> None:
        super().__init__()
        self.neighbours, self.sparse_from = neighbours, sparse_from
        self.embed = nn.Sequential(nn.Linear(CHANNELS, width), nn.ReLU(), nn.Linear(width, width))
        self.gates = nn.Sequential(nn.Linear(PAIR, width), nn.ReLU(), nn.Linear(width, heads))
        self.rounds = nn.ModuleList(_Round(width, heads, channels) for _ in range(rounds))
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.passing = _Passing()

    def forward(self, values: Tensor) -> Tensor:
        """Return the evidence of a peak at each entry, shape ``(B, n, n)``, of maps ``(B, n, n)``.

        Raises:
            InputError: rows and columns are not the same nodes.
        """
        batch, n, m = values.shape
        if n != m:
            raise InputError(f"a map of {n} rows and {m} columns has no weights among rows: use a net on images")
        image, _ = encode_maps(values)
        entries = self.embed(image.movedim(1, -1))  # (B, n, n, H)
        means = self._means(values, batch, n)
        for mix in self.rounds:
            entries = mix(entries, means)
        evidence: Tensor = self.head(entries)
        return evidence.squeeze(-1)

    def _means(self, values: Tensor, batch: int, n: int) -> _Operator:
        """Return weighted means over neighbours; an edge without lead weighs nothing, so that rounding adds none."""
        with torch.autocast(values.device.type, enabled=False):  # in half precision many likenesses would be equal
            edges = neighbourhoods(*standardise_maps(values), self.neighbours)
        lead = edges.features[:, -1:]
        gates = functional.softplus(self.gates(edges.features)) * lead / (1 + lead)  # (E, heads)
        total = scatter(gates, edges.ends[1], dim=0, dim_size=batch * n, reduce="sum")
        weight = gates / total[edges.ends[1]].clamp(min=1e-12)
        return _Operator(edges, weight, (batch, n), self.passing if n >= self.sparse_from else None)
