"""Backgrounds of maps: the mean of every entry before peaks and noise."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.data.hosts.families import Complete, Family, Line
from gnnmax.data.hosts.weights import Law, weigh
from gnnmax.data.random_streams import stream

__all__ = ["Background", "ContactBackground", "HostBackground", "LineBackground"]

Matrix = npt.NDArray[np.float64]
Height = Annotated[float, Meta(gt=0.0, le=1e6)]


class LineBackground(Struct, frozen=True, forbid_unknown_fields=True, tag="line"):
    """Affinity along a line: near nodes are strongly joined, so the order is written in the matrix itself.

    The mean between nodes i and j is ``affinity * exp(-|i - j| / reach)``.

    Attributes:
        affinity: Height at distance 0.
        reach: Distance at which the mean decays to 1/e of it.

    Example:
        >>> LineBackground(affinity=4.0, reach=3.0).mean(4, seed=0, graph=0)[0].round(2).tolist()
        [0.0, 2.87, 2.05, 1.47]
    """

    affinity: Height
    reach: Annotated[float, Meta(gt=0.0, le=1e3)] = 3.0

    def mean(self, n: int, *, seed: int, graph: int) -> Matrix:
        """Return the mean of every pair, shape ``(n, n)``; nothing is drawn."""
        del seed, graph
        # Few distances occur: with a table the bytes do not depend on how a machine rounds vectorised exponentials.
        fall = np.array([0.0, *(self.affinity * math.exp(-d / self.reach) for d in range(1, n))])
        return np.asarray(fall[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))])


class ContactBackground(Struct, frozen=True, forbid_unknown_fields=True, tag="contact"):
    """Contacts of a folded chain, as in a Hi-C map: the mean decays with distance and is higher within a domain.

    The mean count between bins i and j is ``depth * |i - j| ** -decay``, times ``boost`` where both lie in one domain.
    Domains are the stretches between uniform breaks, drawn for each map.

    Attributes:
        depth: Mean count of neighbouring bins of different domains.
        decay: Exponent of the decay; near 1 in Hi-C maps.
        domains: Number of domains.
        boost: Factor within a domain.

    References:
        Lieberman-Aiden et al., "Comprehensive mapping of long-range interactions reveals folding principles of the
        human genome", Science, 2009. Dixon et al., "Topological domains in mammalian genomes identified by analysis of
        chromatin interactions", Nature, 2012.

    Example:
        >>> ContactBackground(depth=100.0, domains=1, boost=1.0).mean(5, seed=0, graph=0)[0].round(1).tolist()
        [0.0, 100.0, 50.0, 33.3, 25.0]
    """

    depth: Height
    decay: Annotated[float, Meta(ge=0.0, le=5.0)] = 1.0
    domains: Annotated[int, Meta(ge=1, le=500)] = 4
    boost: Annotated[float, Meta(ge=1.0, le=1e3)] = 3.0

    def mean(self, n: int, *, seed: int, graph: int) -> Matrix:
        """Return the mean of every pair, shape ``(n, n)``; the breaks are drawn."""
        rng = stream(seed, "host", graph)
        breaks = rng.choice(n - 1, size=min(self.domains, n) - 1, replace=False, shuffle=False) + 1
        domain = np.bincount(breaks, minlength=n).cumsum()
        fall = np.array([0.0, *(self.depth * d**-self.decay for d in range(1, n))])
        mean = fall[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))]
        return np.asarray(np.where(domain[:, None] == domain, self.boost * mean, mean))


class HostBackground(Struct, frozen=True, forbid_unknown_fields=True, tag="host"):
    """The weights of a host of any family, drawn for each map.

    Attributes:
        family: The family, with as many nodes as the map.
        weights: Law of the weights; None where the family has its own.

    Example:
        >>> from gnnmax.data.hosts.spatial import RingLattice
        >>> from gnnmax.data.hosts.weights import Uniform
        >>> made = HostBackground(RingLattice(nodes=6, radius=1), Uniform(low=1.0, high=2.0))
        >>> int((made.mean(6, seed=0, graph=0) > 0).sum())
        12
    """

    family: Family
    weights: Law | None = None

    def __post_init__(self) -> None:
        name = self.family.__struct_config__.tag
        if self.family.fixed or isinstance(self.family, Complete | Line) or not hasattr(self.family, "nodes"):
            raise ValueError(f"a background needs a family that draws a host of n nodes, which {name} is not")
        if (self.weights is None) != self.family.own_weights:
            raise ValueError(
                f"hosts of type {name} have their own weights: give no weights"
                if self.family.own_weights
                else f"hosts of type {name} need weights: give a law"
            )

    @property
    def nodes(self) -> int:
        """Number of nodes of a host."""
        return int(self.family.nodes)  # type: ignore[union-attr]  # checked when it was made

    @property
    def directed(self) -> bool:
        """Whether the two directions of a pair have weights of their own."""
        return bool(getattr(self.family, "directed", False))

    def mean(self, n: int, *, seed: int, graph: int) -> Matrix:
        """Return the weights of a host, shape ``(n, n)``, 0 where there is no edge."""
        host = self.family.sample(stream(seed, "host", graph))  # type: ignore[union-attr]  # checked when it was made
        weights = host.weights
        if weights is None:
            assert self.weights is not None
            weights = weigh(self.weights, host, stream(seed, "weights", graph))
        mean = np.zeros((n, n))
        mean[host.edges[:, 0], host.edges[:, 1]] = weights
        if not host.directed:
            mean[host.edges[:, 1], host.edges[:, 0]] = weights
        return mean


Background = LineBackground | ContactBackground | HostBackground
