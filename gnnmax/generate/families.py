"""Families of host graphs: who is joined to whom. Every sampler is our own, so bytes never change with a library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.errors import InputError

__all__ = [
    "BarabasiAlbert",
    "Complete",
    "ErdosRenyi",
    "Family",
    "Host",
    "RandomGeometric",
    "Real",
    "StochasticBlockModel",
    "WattsStrogatz",
]

Nodes = Annotated[int, Meta(ge=6, le=5_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Edges = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Host:
    """An undirected simple graph in its family's natural order.

    Attributes:
        nodes: How many nodes.
        edges: Shape ``(E, 2)``, each edge once, smaller end first, in lexicographic order.
        weights: Shape ``(E,)``, float32, where the graph brings its own; else None.
    """

    nodes: int
    edges: Edges
    weights: npt.NDArray[np.float32] | None = None


class ErdosRenyi(Struct, frozen=True, forbid_unknown_fields=True, tag="erdos_renyi"):
    """Every pair is joined independently with one probability; with probability 1 the complete graph.

    References:
        Gilbert, "Random graphs", Annals of Mathematical Statistics, 1959. Batagelj and Brandes, "Efficient generation
        of large random networks", Physical Review E, 2005 (skipping over the pairs that are not joined).

    Example:
        >>> len(ErdosRenyi(nodes=10, probability=1.0).sample(np.random.default_rng(0)).edges)
        45
    """

    nodes: Nodes
    probability: Share

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host, in time linear in its edges."""
        return Host(self.nodes, _unranked(_skips(self.nodes * (self.nodes - 1) // 2, self.probability, rng)))


class BarabasiAlbert(Struct, frozen=True, forbid_unknown_fields=True, tag="barabasi_albert"):
    """Nodes arrive one by one and attach to existing nodes in proportion to their degree; natural order is age.

    The first arrival joins a star of ``attachments`` nodes, so every later one finds enough distinct targets.

    References:
        Barabasi and Albert, "Emergence of scaling in random networks", Science, 1999.

    Example:
        >>> len(BarabasiAlbert(nodes=10, attachments=3).sample(np.random.default_rng(0)).edges)
        21
    """

    nodes: Nodes
    attachments: Annotated[int, Meta(ge=1)]

    def __post_init__(self) -> None:
        if self.attachments >= self.nodes:
            raise ValueError(f"attachments must be below nodes = {self.nodes}, not {self.attachments}")

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host, in time linear in its edges."""
        m = self.attachments
        # Every edge puts both its ends here, so a uniform entry is a node drawn in proportion to its degree.
        ends = np.empty(2 * m * (self.nodes - m), dtype=np.int64)
        filled = 0
        for arrival in range(m, self.nodes):
            targets = np.arange(m) if arrival == m else _distinct(ends[:filled], m, rng)
            ends[filled : filled + m] = targets
            ends[filled + m : filled + 2 * m] = arrival
            filled += 2 * m
        pairs = ends.reshape(-1, 2, m).transpose(0, 2, 1).reshape(-1, 2)  # (E, 2), target before arrival
        return Host(self.nodes, _sorted_edges(pairs))


class WattsStrogatz(Struct, frozen=True, forbid_unknown_fields=True, tag="watts_strogatz"):
    """A ring on which each node knows its nearest ``degree`` nodes, with some edges rewired at random.

    References:
        Watts and Strogatz, "Collective dynamics of small-world networks", Nature, 1998.

    Example:
        >>> len(WattsStrogatz(nodes=20, degree=4, rewiring=0.1).sample(np.random.default_rng(0)).edges)
        40
    """

    nodes: Nodes
    degree: Annotated[int, Meta(ge=2)]
    rewiring: Share

    def __post_init__(self) -> None:
        if self.degree % 2 or self.degree >= self.nodes - 1:
            raise ValueError(f"degree must be even and below nodes - 1 = {self.nodes - 1}, not {self.degree}")

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host, in time linear in its edges."""
        n = self.nodes
        sources = np.tile(np.arange(n), self.degree // 2)
        targets = (sources + np.repeat(np.arange(1, self.degree // 2 + 1), n)) % n
        taken = {(int(min(u, v)), int(max(u, v))) for u, v in zip(sources, targets, strict=True)}
        for edge in np.flatnonzero(rng.random(len(sources)) < self.rewiring):
            u, old = int(sources[edge]), int(targets[edge])
            v = int(rng.integers(n))
            pair = (min(u, v), max(u, v))
            if v != u and pair not in taken:  # a rewiring onto itself or an existing edge leaves the edge as it is
                taken.remove((min(u, old), max(u, old)))
                taken.add(pair)
        return Host(n, _sorted_edges(np.array(list(taken), dtype=np.int64)))


class StochasticBlockModel(Struct, frozen=True, forbid_unknown_fields=True, tag="stochastic_block_model"):
    """Equal blocks of nodes, joined with one probability inside and another between; natural order is block by block.

    References:
        Holland, Laskey and Leinhardt, "Stochastic blockmodels: first steps", Social Networks, 1983.

    Example:
        >>> host = StochasticBlockModel(nodes=20, blocks=2, inside=1.0, between=0.0).sample(np.random.default_rng(0))
        >>> len(host.edges)
        90
    """

    nodes: Nodes
    blocks: Annotated[int, Meta(ge=1, le=1_000)]
    inside: Share
    between: Share

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host, in time linear in the edges at the larger probability."""
        highest = max(self.inside, self.between)
        edges = _unranked(_skips(self.nodes * (self.nodes - 1) // 2, highest, rng))
        block = edges * self.blocks // self.nodes
        wanted = np.where(block[:, 0] == block[:, 1], self.inside, self.between)
        return Host(self.nodes, edges[rng.random(len(edges)) * highest < wanted])


class RandomGeometric(Struct, frozen=True, forbid_unknown_fields=True, tag="random_geometric"):
    """Points in the unit square, joined where closer than a radius; natural order is from left to right.

    References:
        Penrose, "Random geometric graphs", Oxford University Press, 2003.

    Example:
        >>> len(RandomGeometric(nodes=10, radius=1.5).sample(np.random.default_rng(0)).edges)
        45
    """

    nodes: Nodes
    radius: Annotated[float, Meta(gt=0.0, le=1.5)]

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host; the cost grows with the number of pairs in reach."""
        from scipy.spatial import cKDTree

        points = rng.random((self.nodes, 2))
        points = points[np.argsort(points[:, 0], kind="stable")]
        pairs = cKDTree(points).query_pairs(self.radius, output_type="ndarray").astype(np.int64)
        return Host(self.nodes, _sorted_edges(pairs))


class Complete(Struct, frozen=True, forbid_unknown_fields=True, tag="complete"):
    """The complete graph on as many nodes as the windows need: each window takes 2k nodes of its own.

    Its weights are independent and so are its windows; it is never laid out as a matrix, for entries that no window
    looks at need not be drawn.
    """


class Real(Struct, frozen=True, forbid_unknown_fields=True, tag="real"):
    """A real weighted graph that networkx carries in its code, with its own weights and order.

    ``les_miserables``: 77 characters, 254 weighted co-appearances (Knuth, "The Stanford GraphBase", 1993).
    ``karate_club``: 34 members, 78 weighted friendships (Zachary, Journal of Anthropological Research, 1977).

    Example:
        >>> Real(name="les_miserables").sample(np.random.default_rng(0)).weights.max()
        np.float32(31.0)
    """

    name: Literal["les_miserables", "karate_club"]

    def sample(self, rng: np.random.Generator) -> Host:  # noqa: ARG002
        """Return the graph; nothing is drawn."""
        import networkx as nx

        graph = {"les_miserables": nx.les_miserables_graph, "karate_club": nx.karate_club_graph}[self.name]()
        index = {node: position for position, node in enumerate(graph)}
        rows = sorted((*sorted((index[u], index[v])), weight) for u, v, weight in graph.edges(data="weight"))
        table = np.array(rows, dtype=np.float64)
        return Host(len(index), table[:, :2].astype(np.int64), table[:, 2].astype(np.float32))


Family = ErdosRenyi | BarabasiAlbert | WattsStrogatz | StochasticBlockModel | RandomGeometric | Complete | Real


def _skips(pairs: int, probability: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Choose each of ``range(pairs)`` with one probability, by geometric jumps from one chosen to the next."""
    if probability == 0.0 or pairs == 0:
        return np.empty(0, dtype=np.int64)
    chunks, last = [], -1
    while last < pairs:
        expected = (pairs - last) * probability
        jumps = rng.geometric(probability, size=int(expected + 4 * expected**0.5) + 8)
        chunk = last + np.cumsum(jumps)
        chunks.append(chunk)
        last = int(chunk[-1])
    chosen = np.concatenate(chunks)
    return chosen[chosen < pairs]


def _unranked(ranks: npt.NDArray[np.int64]) -> Edges:
    """Turn ranks of pairs u < v, counted column by column, into lexicographically sorted edges."""
    v = ((1.0 + np.sqrt(1.0 + 8.0 * ranks)) / 2.0).astype(np.int64)
    # The square root may be off by one near the corners of the triangle.
    v -= v * (v - 1) // 2 > ranks
    v += (v + 1) * v // 2 <= ranks
    return _sorted_edges(np.stack([ranks - v * (v - 1) // 2, v], axis=1))


def _sorted_edges(pairs: npt.NDArray[np.int64]) -> Edges:
    ordered = np.sort(pairs.reshape(-1, 2), axis=1)
    return ordered[np.lexsort((ordered[:, 1], ordered[:, 0]))]


def _distinct(pool: npt.NDArray[np.int64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw ``count`` distinct values, one after the other, each uniform over the entries of ``pool`` left."""
    found: dict[int, None] = {}
    while len(found) < count:
        for value in pool[rng.integers(len(pool), size=count)].tolist():
            found.setdefault(value)
            if len(found) == count:
                break
    return np.fromiter(found, dtype=np.int64, count=count)


def check_edges(host: Host) -> None:
    """Refuse a host whose edges are not sorted, simple and in range.

    Example:
        >>> check_edges(Host(3, np.array([[0, 1], [1, 1]])))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a host's edges must join two different nodes below 3, smaller end first, each once
    """
    u, v = host.edges[:, 0], host.edges[:, 1]
    ranks = u * host.nodes + v
    if (u < 0).any() or (u >= v).any() or (v >= host.nodes).any() or (np.diff(ranks) <= 0).any():
        raise InputError(
            f"a host's edges must join two different nodes below {host.nodes}, smaller end first, each once"
        )
