"""Hosts: nodes and edges of a graph in a canonical form, and the numbering of pairs that all families share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.errors import InputError

__all__ = [
    "Edges",
    "Host",
    "HostFamily",
    "Nodes",
    "Share",
    "check_edges",
    "degrees",
    "directed_edges",
    "edges_of_keys",
    "pair_keys",
    "skips",
    "sorted_edges",
    "unranked",
]

Nodes = Annotated[int, Meta(ge=6, le=5_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Edges = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Host:
    """A simple graph in its family's natural order.

    In a directed host an edge (u, v) is the entry in row u and column v alone: the adjacency matrix is not symmetric,
    nor are the contexts A[R, R] and A[C, C].

    Attributes:
        nodes: Number of nodes.
        edges: Shape ``(E, 2)``, each edge once, in lexicographic order; smaller end first unless directed.
        weights: Shape ``(E,)``, float32, if the graph has its own; else None.
        directed: Whether an edge leads from its first end to its second only.
        numbers: Number of each node in a larger graph that this one is a part of, shape ``(nodes,)``; None where it is
            no part.
    """

    nodes: int
    edges: Edges
    weights: npt.NDArray[np.float32] | None = None
    directed: bool = False
    numbers: npt.NDArray[np.int64] | None = None


class HostFamily(Struct, frozen=True, forbid_unknown_fields=True):
    """The properties of every family, besides drawing a host."""

    @property
    def own_weights(self) -> bool:
        """Whether its hosts have their own weights; the recipe then gives no law."""
        return False

    @property
    def fixed(self) -> bool:
        """Whether every draw is the same host, topology and weights; it then occurs once, in one split."""
        return False


def check_edges(host: Host) -> None:
    """Refuse a host whose edges are not sorted, simple and in range.

    Example:
        >>> check_edges(Host(3, np.array([[0, 1], [1, 1]])))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a host's edges must join two different nodes below 3, smaller end first, each once
        >>> check_edges(Host(3, np.array([[0, 1], [1, 0]]), directed=True))
    """
    u, v = host.edges[:, 0], host.edges[:, 1]
    ranks = u * host.nodes + v
    turned = u == v if host.directed else u >= v
    outside = (host.edges < 0) | (host.edges >= host.nodes)
    if outside.any() or turned.any() or (np.diff(ranks) <= 0).any():
        first = "sorted" if host.directed else "smaller end first"
        raise InputError(f"a host's edges must join two different nodes below {host.nodes}, {first}, each once")


def degrees(host: Host) -> npt.NDArray[np.int64]:
    """Count the edges at each node, in both directions, shape ``(nodes,)``.

    Example:
        >>> degrees(Host(4, np.array([[0, 1], [1, 2]]))).tolist()
        [1, 2, 1, 0]
    """
    return np.bincount(host.edges.reshape(-1), minlength=host.nodes)


def skips(pairs: int, probability: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Choose each of ``range(pairs)`` with one probability, by geometric jumps between the chosen ones.

    References:
        Batagelj and Brandes, "Efficient generation of large random networks", Physical Review E, 2005.

    Example:
        >>> skips(5, 1.0, np.random.default_rng(0)).tolist()
        [0, 1, 2, 3, 4]
    """
    if probability == 0.0 or pairs == 0:
        return np.empty(0, dtype=np.int64)
    chunks, last = [], -1
    while last < pairs:
        expected = (pairs - last) * probability
        jumps = rng.geometric(probability, size=int(expected + 4 * expected**0.5) + 8)
        chunk = last + np.cumsum(np.minimum(jumps, pairs + 1))  # rare jumps are so long that their sum overflows
        chunks.append(chunk)
        last = int(chunk[-1])
    chosen = np.concatenate(chunks)
    return chosen[chosen < pairs]


def unranked(ranks: npt.NDArray[np.int64], n: int) -> Edges:
    """Convert ranks of pairs u < v, counted column by column, to sorted edges of n nodes.

    Example:
        >>> unranked(np.array([0, 1, 2]), 3).tolist()
        [[0, 1], [0, 2], [1, 2]]
    """
    v = ((1.0 + np.sqrt(1.0 + 8.0 * ranks)) / 2.0).astype(np.int64)
    # The square root may be off by one near the corners of the triangle.
    v -= v * (v - 1) // 2 > ranks
    v += (v + 1) * v // 2 <= ranks
    return edges_of_keys((ranks - v * (v - 1) // 2) * n + v, n)


def sorted_edges(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], n: int) -> Edges:
    """Convert pairs of ends to sorted edges, smaller end first.

    Example:
        >>> sorted_edges(np.array([2, 1]), np.array([1, 0]), 3).tolist()
        [[0, 1], [1, 2]]
    """
    return edges_of_keys(pair_keys(first, second, n).reshape(-1), n)


def directed_edges(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], n: int) -> Edges:
    """Convert pairs of ends to sorted edges that keep their direction.

    Example:
        >>> directed_edges(np.array([2, 1]), np.array([1, 0]), 3).tolist()
        [[1, 0], [2, 1]]
    """
    return edges_of_keys(first * n + second, n)


def pair_keys(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """Number the pairs of nodes below ``n`` by their smaller end, then by their larger end.

    Example:
        >>> pair_keys(np.array([2]), np.array([1]), 3).tolist()
        [5]
    """
    return np.asarray(np.minimum(first, second) * n + np.maximum(first, second))


def edges_of_keys(numbers: npt.NDArray[np.int64], n: int) -> Edges:
    """Convert numbers of pairs to lexicographically sorted edges.

    Example:
        >>> edges_of_keys(np.array([5, 1]), 3).tolist()
        [[0, 1], [1, 2]]
    """
    return np.stack(np.divmod(np.sort(numbers), n), axis=1)
