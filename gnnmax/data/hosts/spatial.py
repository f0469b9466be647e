"""Families in which nodes have positions: lattices, nearest-neighbour similarity, contacts along a chain, two sets."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from gnnmax.data.hosts.host import (
    Edges,
    Host,
    HostFamily,
    Nodes,
    Share,
    directed_edges,
    edges_of_keys,
    skips,
    sorted_edges,
    unranked,
)
from gnnmax.data.hosts.weights import Unit, check_unit, draw_unit

__all__ = ["Bipartite", "Contact", "Lattice", "RingLattice", "Similarity"]

Side = Annotated[int, Meta(ge=2, le=2_500)]
Radius = Annotated[int, Meta(ge=1, le=2_499)]


class RingLattice(HostFamily, frozen=True, tag="ring_lattice"):
    """Nodes on a ring, each joined to all within ``radius`` steps; natural order is around the ring.

    Only the weights are drawn.

    Example:
        >>> RingLattice(nodes=6, radius=1).sample(np.random.default_rng(0)).edges.tolist()
        [[0, 1], [0, 5], [1, 2], [2, 3], [3, 4], [4, 5]]
    """

    nodes: Nodes
    radius: Radius

    def __post_init__(self) -> None:
        if 2 * self.radius >= self.nodes:
            raise ValueError(f"radius must be below half of nodes = {self.nodes}, not {self.radius}")

    def sample(self, rng: np.random.Generator) -> Host:
        """Return the ring; nothing is drawn."""
        sources = np.tile(np.arange(self.nodes), self.radius)
        targets = (sources + np.repeat(np.arange(1, self.radius + 1), self.nodes)) % self.nodes
        return Host(self.nodes, sorted_edges(sources, targets, self.nodes))


class Lattice(HostFamily, frozen=True, tag="lattice"):
    """A grid of rows and columns, each node joined to all within ``radius`` steps along it; natural order is row-major.

    The steps from (a, b) to (c, d) are ``|a - c| + |b - d|``, without wrapping around the border. Only the weights are
    drawn.

    Example:
        >>> Lattice(rows=2, columns=3, radius=1).sample(np.random.default_rng(0)).edges.tolist()
        [[0, 1], [0, 3], [1, 2], [1, 4], [2, 5], [3, 4], [4, 5]]
    """

    rows: Side
    columns: Side
    radius: Radius

    def __post_init__(self) -> None:
        if not 6 <= self.nodes <= 5_000:
            raise ValueError(f"rows * columns must be between 6 and 5000, not {self.nodes}")

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.rows * self.columns

    def sample(self, rng: np.random.Generator) -> Host:
        """Return the grid; nothing is drawn."""
        row, column = np.divmod(np.arange(self.nodes), self.columns)
        found = []
        for down in range(min(self.radius, self.rows - 1) + 1):
            reach = min(self.radius - down, self.columns - 1)
            for right in range(-reach if down else 1, reach + 1):
                inside = (row + down < self.rows) & (column + right >= 0) & (column + right < self.columns)
                here = np.flatnonzero(inside)
                found.append(here * self.nodes + here + down * self.columns + right)
        return Host(self.nodes, edges_of_keys(np.concatenate(found), self.nodes))


class Similarity(HostFamily, frozen=True, tag="similarity"):
    """Points in the unit cube, joined to their nearest neighbours with weights that decrease with distance.

    Two points are joined if either is among the ``neighbours`` nearest of the other, with weight
    ``exp(-d^2 / (2 s^2))``; s is ``scale`` times the mean distance to the farthest joined neighbour. Natural order is
    along the first coordinate. Directed, each point points to its own nearest neighbours only.

    Attributes:
        nodes: Number of points.
        neighbours: Number of nearest neighbours of each point.
        dimensions: Dimension of the cube.
        scale: Width of the Gaussian kernel.
        directed: Whether to keep the one-sided relation of neighbours.
        unit: Least and greatest factor of a host's weights, drawn log-uniformly.

    References:
        von Luxburg, "A tutorial on spectral clustering", Statistics and Computing, 2007 (section 2.2).

    Example:
        >>> host = Similarity(nodes=20, neighbours=3).sample(np.random.default_rng(0))
        >>> 30 <= len(host.edges) <= 60, bool(0 < host.weights.min() < host.weights.max() <= 1)
        (True, True)
    """

    nodes: Nodes
    neighbours: Annotated[int, Meta(ge=1, le=1_000)]
    dimensions: Annotated[int, Meta(ge=1, le=20)] = 2
    scale: Annotated[float, Meta(ge=0.1, le=100.0)] = 0.5
    directed: bool = False
    unit: Unit = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_unit(self.unit)
        if self.neighbours >= self.nodes:
            raise ValueError(f"neighbours must be below nodes = {self.nodes}, not {self.neighbours}")

    @property
    def own_weights(self) -> bool:
        """True: the weights are the similarities."""
        return True

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host in time n log n for few dimensions."""
        points = rng.random((self.nodes, self.dimensions))
        points = points[np.argsort(points[:, 0], kind="stable")]
        sources, targets, last = self._nearest(points)
        lay_out = directed_edges if self.directed else sorted_edges
        edges = np.unique(lay_out(sources, targets, self.nodes), axis=0)
        width = 2.0 * (self.scale * math.fsum(np.sqrt(last).tolist()) / len(last)) ** 2
        # Vectorised exponentials are rounded differently by machine; math.exp depends on the C library alone.
        weights = [math.exp(-square / width) for square in _squares(points, edges[:, 0], edges[:, 1]).tolist()]
        unit = draw_unit(self.unit, rng)
        return Host(self.nodes, edges, (np.array(weights) * unit).astype(np.float32), self.directed)

    def _nearest(
        self, points: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the ends of the pairs (point, neighbour), and each point's squared distance to its last neighbour."""
        from scipy.spatial import cKDTree

        _, nearest = cKDTree(points).query(points, k=self.neighbours + 1)
        sources = np.repeat(np.arange(len(points)), self.neighbours)
        targets = np.asarray(nearest, dtype=np.int64)[:, 1:]  # each point is nearest to itself
        return sources, targets.reshape(-1), _squares(points, np.arange(len(points)), targets[:, -1])


def _squares(
    points: npt.NDArray[np.float64], first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Sum squared distances coordinate by coordinate: the order of a sum over an axis depends on the machine."""
    total = np.zeros(len(first))
    for axis in range(points.shape[1]):
        total += (points[first, axis] - points[second, axis]) ** 2
    return total


class Contact(HostFamily, frozen=True, tag="contact"):
    """Contacts of a folded chain, as in a Hi-C map: weights decay with distance and are higher within a domain.

    The weight between nodes u and v is ``|u - v| ** -decay``, times ``boost`` where both lie in one domain, times a
    multiplicative spread of mean one. Natural order is along the chain; domains are its stretches between uniform
    breaks.

    Attributes:
        nodes: Number of positions (bins) of the chain.
        decay: Exponent of the decay; near 1 in Hi-C maps.
        domains: Number of domains.
        boost: Factor within a domain.
        law: Law of the spread, ``gamma`` or ``lognormal``.
        spread: Standard deviation of a gamma factor, or of the logarithm of a lognormal factor.
        density: Share of the pairs that are in contact.
        unit: Least and greatest factor of a host's weights, drawn log-uniformly.

    References:
        Lieberman-Aiden et al., "Comprehensive mapping of long-range interactions reveals folding principles of the
        human genome", Science, 2009. Dixon et al., "Topological domains in mammalian genomes identified by analysis of
        chromatin interactions", Nature, 2012.

    Example:
        >>> host = Contact(nodes=30, domains=3).sample(np.random.default_rng(0))
        >>> len(host.edges), bool((host.weights > 0).all())
        (435, True)
    """

    nodes: Annotated[int, Meta(ge=6, le=2_000)]
    decay: Annotated[float, Meta(ge=0.0, le=5.0)] = 1.0
    domains: Annotated[int, Meta(ge=1, le=500)] = 4
    boost: Annotated[float, Meta(ge=1.0, le=1e3)] = 3.0
    law: Literal["gamma", "lognormal"] = "gamma"
    spread: Annotated[float, Meta(gt=0.0, le=3.0)] = 0.5
    density: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    unit: Unit = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_unit(self.unit)
        if self.domains > self.nodes:
            raise ValueError(f"domains must be at most nodes = {self.nodes}, not {self.domains}")

    @property
    def own_weights(self) -> bool:
        """True: the weights are the contacts."""
        return True

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host in time linear in its edges."""
        edges = unranked(skips(self.nodes * (self.nodes - 1) // 2, self.density, rng), self.nodes)
        breaks = rng.choice(self.nodes - 1, size=self.domains - 1, replace=False, shuffle=False) + 1
        domain = np.bincount(breaks, minlength=self.nodes).cumsum()
        fall = np.array([0.0, *(d**-self.decay for d in range(1, self.nodes))])
        weights = fall[edges[:, 1] - edges[:, 0]]
        weights[domain[edges[:, 0]] == domain[edges[:, 1]]] *= self.boost
        weights *= self._factors(len(edges), rng) * draw_unit(self.unit, rng)
        return Host(self.nodes, edges, weights.astype(np.float32))

    def _factors(self, size: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Draw factors of mean one."""
        if self.law == "lognormal":
            return rng.lognormal(-(self.spread**2) / 2, self.spread, size)
        shape = self.spread**-2
        # A gamma variate of tiny shape can round to 0, which would not be a contact.
        return np.maximum(rng.gamma(shape, 1.0 / shape, size), 1e-12)


class Bipartite(HostFamily, frozen=True, tag="bipartite"):
    """Bipartite: two sets of nodes, with edges between them only, each drawn independently with one probability.

    Natural order is the first set, then the second: the adjacency matrix is a rectangle and its mirror image.

    References:
        Newman, Strogatz and Watts, "Random graphs with arbitrary degree distributions and their applications",
        Physical Review E, 2001 (section IV, two kinds of nodes).

    Example:
        >>> Bipartite(first=4, second=3, probability=1.0).sample(np.random.default_rng(0)).edges[:3].tolist()
        [[0, 4], [0, 5], [0, 6]]
    """

    first: Annotated[int, Meta(ge=1, le=4_999)]
    second: Annotated[int, Meta(ge=1, le=4_999)]
    probability: Share

    def __post_init__(self) -> None:
        if not 6 <= self.nodes <= 5_000:
            raise ValueError(f"first + second must be between 6 and 5000, not {self.nodes}")

    @property
    def nodes(self) -> int:
        """Number of nodes of both sets."""
        return self.first + self.second

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host in time linear in its edges."""
        row, column = np.divmod(skips(self.first * self.second, self.probability, rng), self.second)
        edges: Edges = np.stack([row, self.first + column], axis=1)
        return Host(self.nodes, edges)
