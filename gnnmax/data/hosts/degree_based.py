"""Families with heavy-tailed degrees: the degree-corrected block model and the power-law configuration model."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from gnnmax.data.hosts.host import Host, HostFamily, Nodes, Share, edges_of_keys, pair_keys

__all__ = ["DegreeCorrected", "PowerLaw"]


class DegreeCorrected(HostFamily, frozen=True, tag="degree_corrected"):
    """Equal blocks of nodes that differ in their propensity to have edges: hubs inside blocks.

    Node u has a propensity t_u with a power-law tail and mean one in its block. Pairs have Poisson numbers of edges
    with mean ``t_u t_v inside`` in one block, ``t_u t_v between`` across blocks; repeated edges count once and loops
    are dropped, so a pair is joined with probability ``1 - exp(-mean)``. Natural order is block by block, and by
    decreasing propensity within a block. In a directed host, each direction of a pair is drawn independently.

    Attributes:
        nodes: Number of nodes.
        blocks: Number of blocks.
        inside: Mean number of edges between two average nodes of one block.
        between: The same for nodes of different blocks.
        exponent: Exponent of the power law of the propensities' density, and hence of the tail of the degrees.
        directed: Whether edges have a direction.

    References:
        Karrer and Newman, "Stochastic blockmodels and community structure in networks", Physical Review E, 2011.

    Example:
        >>> family = DegreeCorrected(nodes=100, blocks=2, inside=0.2, between=0.02)
        >>> host = family.sample(np.random.default_rng(0))
        >>> 300 < len(host.edges) < 700
        True
    """

    nodes: Nodes
    blocks: Annotated[int, Meta(ge=1, le=1_000)]
    inside: Share
    between: Share
    exponent: Annotated[float, Meta(gt=2.0, le=20.0)] = 3.0
    directed: bool = False

    def __post_init__(self) -> None:
        if self.blocks > self.nodes:
            raise ValueError(f"blocks must be at most nodes = {self.nodes}, not {self.blocks}")

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host in time linear in the number of edges at the larger mean."""
        n, highest = self.nodes, max(self.inside, self.between)
        block = np.arange(n) * self.blocks // n
        drawn = 1.0 + rng.pareto(self.exponent - 1.0, n)
        drawn = drawn[np.lexsort((-drawn, block))]
        propensity = drawn / (np.bincount(block, drawn) / np.bincount(block))[block]
        # Each ordered pair at rate t_u t_v highest, thinned to its own mean; an edge has two ordered pairs.
        count = rng.poisson(highest * n**2 / (1 if self.directed else 2))
        reach = np.cumsum(propensity)
        ends = np.searchsorted(reach, rng.random((2, count)) * reach[-1], side="right")
        u, v = np.minimum(ends, n - 1)
        wanted = np.where(block[u] == block[v], self.inside, self.between)
        kept = (u != v) & (rng.random(count) * highest < wanted)
        numbers = u[kept] * n + v[kept] if self.directed else pair_keys(u[kept], v[kept], n)
        return Host(n, edges_of_keys(np.unique(numbers), n), directed=self.directed)


class PowerLaw(HostFamily, frozen=True, tag="power_law"):
    """Degrees drawn from a power law, and the ends of edges matched at random: the erased configuration model.

    The probability of degree d is proportional to ``d ** -exponent``, from ``least`` to ``greatest``; if the sum is
    odd, one node has one more (or, at the greatest, one less). Repeated edges count once and loops are dropped, so hubs
    have somewhat fewer edges than drawn. Natural order is by decreasing drawn degree.

    Attributes:
        nodes: Number of nodes.
        exponent: Exponent of the power law.
        least: The smallest degree.
        greatest: The largest degree; None allows up to ``nodes - 1``.

    References:
        Molloy and Reed, "A critical point for random graphs with a given degree sequence", Random Structures and
        Algorithms, 1995. Britton, Deijfen and Martin-Lof, "Generating simple random graphs with prescribed degree
        distribution", Journal of Statistical Physics, 2006 (erasing).

    Example:
        >>> host = PowerLaw(nodes=100, exponent=2.5, least=3).sample(np.random.default_rng(0))
        >>> 150 < len(host.edges) < 450
        True
    """

    nodes: Nodes
    exponent: Annotated[float, Meta(gt=1.0, le=20.0)]
    least: Annotated[int, Meta(ge=1, le=4_999)] = 2
    greatest: Annotated[int, Meta(ge=1, le=4_999)] | None = None

    def __post_init__(self) -> None:
        if not self.least <= self._greatest <= self.nodes - 1:
            raise ValueError(
                f"least and greatest must rise and be below nodes = {self.nodes}, not {self.least} and {self._greatest}"
            )

    @property
    def _greatest(self) -> int:
        return self.nodes - 1 if self.greatest is None else self.greatest

    def sample(self, rng: np.random.Generator) -> Host:
        """Draw a host in time linear in its edges."""
        n = self.nodes
        ends = rng.permutation(np.repeat(np.arange(n), self._degrees(rng)))
        u, v = ends.reshape(-1, 2).T
        numbers = pair_keys(u, v, n)[u != v]
        return Host(n, edges_of_keys(np.unique(numbers), n))

    def _degrees(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Draw degrees with an even sum, in decreasing order."""
        shares = np.cumsum([d**-self.exponent for d in range(self.least, self._greatest + 1)])
        places = np.searchsorted(shares, rng.random(self.nodes) * shares[-1], side="right")
        drawn = np.sort(self.least + np.minimum(places, len(shares) - 1))[::-1].copy()
        if drawn.sum() % 2:
            drawn[-1] += 1 if drawn[-1] < self._greatest else -1
        return drawn.astype(np.int64)
