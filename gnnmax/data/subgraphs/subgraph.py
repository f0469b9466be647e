"""Subgraphs: an ordered tuple of nodes of a host, and its adjacency matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.data.hosts.host import Host
from gnnmax.data.subgraphs.node_order import ORDERS, Order
from gnnmax.data.subgraphs.node_sampling import CHOICES, Choice
from gnnmax.errors import InputError

__all__ = ["LARGEST", "Order", "Subgraph", "SubgraphSpec"]

LARGEST = 5_000
"""Largest number of nodes of a subgraph: it is stored as a dense matrix."""


@dataclass(frozen=True, eq=False)
class Subgraph:
    """An ordered tuple of m nodes and its adjacency matrix.

    Attributes:
        nodes: The host's node at each position of the order, shape ``(m,)``; the number of a part's node in the whole.
        adjacency: Shape ``(m, m)``, float32, symmetric unless directed; 0 where there is no edge.
        edge_mask: Shape ``(m, m)``, bool: which entries are edges, whatever their weights.
        directed: Whether the entry in row u and column v is the edge from u to v alone.
    """

    nodes: npt.NDArray[np.int64]
    adjacency: npt.NDArray[np.float32]
    edge_mask: npt.NDArray[np.bool_]
    directed: bool = False


class SubgraphSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The nodes of a host that make the subgraph, and their order.

    Attributes:
        nodes: Number of nodes, at most the host's; None takes the whole host.
        choose: ``range``: consecutive nodes of the natural order; ``uniform``: uniformly random nodes; ``ego``: a node
            and those nearest to it; ``random_walk``: the nodes that a walk visits; ``snowball``: nodes named
            breadth first. See :mod:`gnnmax.data.subgraphs.node_sampling`.
        order: ``natural``: the family's own; ``shuffled``: uniformly random; ``degree``: decreasing; ``rcm``: reverse
            Cuthill-McKee; ``spectral``: along the Fiedler vector. See :mod:`gnnmax.data.subgraphs.node_order`.
        separation: Least distance between the centres of two planted windows of one host; 0 lets them share an edge.
            For contiguous cuts it is measured in positions, the larger of the distances along rows and along columns:
            from k on, no two windows share an entry, so they are tiles of one matrix with a peak in each; from 2k - 1
            on, no window reaches the centre of another by moving. For cuts along neighbours it is measured in hops
            between the nearest ends: 1 means no shared end. See :mod:`gnnmax.data.subgraphs.min_distance`.

    Example:
        >>> host = Host(4, np.array([[0, 1], [2, 3]]))
        >>> rng = np.random.default_rng(0)
        >>> SubgraphSpec(nodes=2).sample(host, np.array([5, 6], dtype=np.float32), rng).adjacency
        array([[0., 6.],
               [6., 0.]], dtype=float32)
    """

    nodes: Annotated[int, Meta(ge=6, le=LARGEST)] | None = None
    choose: Choice = "range"
    order: Order = "natural"
    separation: Annotated[int, Meta(ge=0, le=LARGEST)] = 0

    def sample(self, host: Host, weights: npt.NDArray[np.float32], rng: np.random.Generator) -> Subgraph:
        """Cut the subgraph out of a host with the given edge weights, shape ``(E,)``.

        Raises:
            InputError: the host has fewer nodes than the subgraph needs, or too many for a dense matrix.
        """
        m = host.nodes if self.nodes is None else self.nodes
        if m > min(host.nodes, LARGEST):
            raise InputError(
                f"a subgraph needs at most {LARGEST} nodes and no more than its host, which has {host.nodes}: "
                f"choose another number of nodes than {m}"
            )
        nodes = CHOICES[self.choose](host, m, rng)
        if self.order == "shuffled":
            nodes = rng.permutation(nodes)
        subgraph = _induced(host, weights, nodes)
        if self.order in ORDERS:
            places = ORDERS[self.order](subgraph.adjacency, subgraph.edge_mask)
            return _induced(host, weights, nodes[places])
        return subgraph


def _induced(host: Host, weights: npt.NDArray[np.float32], nodes: npt.NDArray[np.int64]) -> Subgraph:
    """Return the edges between some nodes as dense matrices."""
    m = len(nodes)
    place = np.full(host.nodes, -1, dtype=np.int64)
    place[nodes] = np.arange(m)
    ends = place[host.edges]  # (E, 2), -1 outside
    inside = (ends >= 0).all(axis=1)
    rows, columns = ends[inside].T
    adjacency = np.zeros((m, m), dtype=np.float32)
    edge_mask = np.zeros((m, m), dtype=np.bool_)
    adjacency[rows, columns] = weights[inside]
    edge_mask[rows, columns] = True
    if not host.directed:
        adjacency[columns, rows] = weights[inside]
        edge_mask[columns, rows] = True
    numbers = nodes.astype(np.int64) if host.numbers is None else host.numbers[nodes]
    return Subgraph(numbers, adjacency, edge_mask, host.directed)
