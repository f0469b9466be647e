"""Families of host graphs. The samplers are our own, so the bytes do not depend on a library."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from gnnmax.data.hosts.degree_based import DegreeCorrected, PowerLaw
from gnnmax.data.hosts.host import (
    Host,
    HostFamily,
    Nodes,
    Share,
    directed_edges,
    edges_of_keys,
    pair_keys,
    skips,
    sorted_edges,
    unranked,
)
from gnnmax.data.hosts.own_files import File
from gnnmax.data.hosts.spatial import Bipartite, Contact, Lattice, RingLattice, Similarity

__all__ = [
    "BarabasiAlbert",
    "Bipartite",
    "Complete",
    "Contact",
    "DegreeCorrected",
    "ErdosRenyi",
    "Family",
    "File",
    "Host",
    "Lattice",
    "Line",
    "PowerLaw",
    "RandomGeometric",
    "Real",
    "RingLattice",
    "Similarity",
    "StochasticBlockModel",
    "WattsStrogatz",
]


class ErdosRenyi(HostFamily, frozen=True, omit_defaults=True, tag="erdos_renyi"):
    """Every pair is joined independently with one probability; probability 1 gives the complete graph.

    All nodes have the same distribution, so natural order means nothing here. In a directed host the two directions of
    a pair are drawn independently.

    References:
        Gilbert, "Random graphs", Annals of Mathematical Statistics, 1959. Batagelj and Brandes, "Efficient generation
        of large random networks", Physical Review E, 2005 (skipping over the pairs that are not joined).

    Example:
        >>> len(ErdosRenyi(nodes=10, probability=1.0).sample(np.random.default_rng(0)).edges)
        45
    """

    nodes: Nodes
    probability: Share
    directed: bool = False  # omitted from plain data if False, so older digests stay valid

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host in time linear in its edges."""
        n = self.nodes
        if not self.directed:
            return Host(n, unranked(skips(n * (n - 1) // 2, self.probability, rng), n))
        source, target = np.divmod(skips(n * (n - 1), self.probability, rng), n - 1)
        return Host(n, directed_edges(source, target + (target >= source), n), directed=True)


class BarabasiAlbert(HostFamily, frozen=True, tag="barabasi_albert"):
    """Preferential attachment: new nodes join existing ones in proportion to their degree; natural order is by age.

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
        """Draw a host in time linear in its edges."""
        m = self.attachments
        # Every edge puts both its ends here, so a uniform entry is a node drawn in proportion to its degree.
        ends = [*range(m), *[m] * m]
        batches = _bits(rng, m)
        for arrival in range(m + 1, self.nodes):
            ends += _distinct(ends, m, batches)
            ends += [arrival] * m
        sides = np.fromiter(ends, np.int64, len(ends)).reshape(-1, 2, m)  # arrivals, targets and themselves, m times
        return Host(self.nodes, sorted_edges(sides[:, 0], sides[:, 1], self.nodes))


class WattsStrogatz(HostFamily, frozen=True, tag="watts_strogatz"):
    """A ring in which each node is joined to its nearest ``degree`` nodes, with some edges rewired at random.

    An edge whose new end would be its own first end or a neighbour already is kept unchanged (networkx draws again).
    Natural order is around the ring.

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
        """Draw a host in time linear in its edges."""
        n = self.nodes
        sources = np.tile(np.arange(n), self.degree // 2)
        targets = (sources + np.repeat(np.arange(1, self.degree // 2 + 1), n)) % n
        keys: list[int] = pair_keys(sources, targets, n).tolist()
        taken = set(keys)
        rewired = np.flatnonzero(rng.random(len(sources)) < self.rewiring)
        ends = sources[rewired]
        aims = rng.integers(n, size=len(rewired))
        wanted = np.where(ends == aims, -1, pair_keys(ends, aims, n))
        for edge, key in zip(rewired.tolist(), wanted.tolist(), strict=True):
            if key >= 0 and key not in taken:  # no loop and no double edge: otherwise the edge is kept
                taken.remove(keys[edge])
                taken.add(key)
                keys[edge] = key
        return Host(n, edges_of_keys(np.array(keys, dtype=np.int64), n))


class StochasticBlockModel(HostFamily, frozen=True, tag="stochastic_block_model"):
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
        """Draw a host in time linear in the number of edges at the larger probability."""
        highest = max(self.inside, self.between)
        edges = unranked(skips(self.nodes * (self.nodes - 1) // 2, highest, rng), self.nodes)
        block = edges * self.blocks // self.nodes
        wanted = np.where(block[:, 0] == block[:, 1], self.inside, self.between)
        return Host(self.nodes, edges[rng.random(len(edges)) * highest < wanted])


class RandomGeometric(HostFamily, frozen=True, tag="random_geometric"):
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
        """Draw a host; the cost grows with the number of pairs within the radius."""
        from scipy.spatial import cKDTree

        points = rng.random((self.nodes, 2))
        points = points[np.argsort(points[:, 0], kind="stable")]
        pairs = cKDTree(points).query_pairs(self.radius, output_type="ndarray").astype(np.int64)
        return Host(self.nodes, sorted_edges(pairs[:, 0], pairs[:, 1], self.nodes))


class Complete(HostFamily, frozen=True, tag="complete"):
    """The complete graph on as many nodes as the windows need: each window has its own 2k nodes.

    Its weights are independent, and so are its windows. The matrix is never stored, and entries outside the windows are
    never drawn.
    """


class Line(HostFamily, frozen=True, tag="line"):
    """Nodes along a line; nearby nodes are joined, with weights that decay exponentially.

    The weight between nodes a and b near each other is ``exp(-|a - b| / reach)`` plus Gaussian noise, symmetric. Each
    window has its own two stretches of the line, far from each other: the entries between them are noise of the
    recipe's weight law, and the plant. So the order can be inferred from the contexts, and only from them. Natural
    order is along the line, and so are the nodes' numbers.

    Attributes:
        reach: Distance at which a weight decays to 1/e.
        spread: Standard deviation of the weights around it.
    """

    reach: Annotated[float, Meta(gt=0.0, le=1e3)] = 3.0
    spread: Annotated[float, Meta(ge=0.0, le=1e3)] = 0.1


class Real(HostFamily, frozen=True, tag="real"):
    """A real graph that networkx contains, with its own weights and order.

    ``les_miserables``: 77 characters, 254 weighted co-appearances (Knuth, "The Stanford GraphBase", 1993).
    ``karate_club``: 34 members, 78 weighted friendships (Zachary, Journal of Anthropological Research, 1977).
    ``florentine_families``: 15 families, 20 marriages, all of weight 1 (Padgett, "Marriage and elite structure in
    Renaissance Florence", 1994), so no entry is ever a strict maximum.

    Example:
        >>> Real(name="les_miserables").sample(np.random.default_rng(0)).weights.max()
        np.float32(31.0)
    """

    name: Literal["les_miserables", "karate_club", "florentine_families"]

    @property
    def own_weights(self) -> bool:
        """True: the graph has its own weights."""
        return True

    @property
    def fixed(self) -> bool:
        """True: there is only one such graph."""
        return True

    def sample(self, rng: np.random.Generator) -> Host:
        """Return the graph; nothing is drawn."""
        import networkx as nx

        graph = getattr(nx, f"{self.name}_graph")()
        index = {node: position for position, node in enumerate(graph)}
        rows = sorted(
            (*sorted((index[u], index[v])), weight) for u, v, weight in graph.edges(data="weight", default=1.0)
        )
        table = np.array(rows, dtype=np.float64)
        return Host(len(index), table[:, :2].astype(np.int64), table[:, 2].astype(np.float32))


Family = (
    ErdosRenyi
    | BarabasiAlbert
    | WattsStrogatz
    | StochasticBlockModel
    | DegreeCorrected
    | PowerLaw
    | RandomGeometric
    | Similarity
    | RingLattice
    | Lattice
    | Contact
    | Bipartite
    | Complete
    | Line
    | Real
    | File
)


def _distinct(pool: list[int], count: int, batches: Iterator[list[int]]) -> list[int]:
    """Draw ``count`` distinct values, each uniform over the remaining entries of ``pool``.

    References:
        Lemire, "Fast random integer generation in an interval", ACM Transactions on Modeling and Computer Simulation,
        2019: from 32 bits to an index; implemented here because numpy is slow for a handful of numbers.
    """
    bound, refused = len(pool), 2**32 % len(pool)
    drawn: list[int] = []
    while len(set(drawn)) < count:
        drawn += [pool[x >> 32] for bits in next(batches) if (x := bits * bound) & 0xFFFFFFFF >= refused]
    return drawn if len(drawn) == count else list(dict.fromkeys(drawn))[:count]


def _bits(rng: np.random.Generator, size: int) -> Iterator[list[int]]:
    """Return endless batches of ``size`` numbers of 32 random bits."""
    blocks = (rng.integers(2**32, size=(64, size), dtype=np.uint32).tolist() for _ in repeat(None))
    return chain.from_iterable(blocks)
