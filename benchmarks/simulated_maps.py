"""Simulated contact maps: counts that fall off with distance, with biases, bad bins, domains, chromosomes and bumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "BORDER", "BUMPS", "ContactMap", "balanced"]

BINS = 200
BORDER = 80
BUMPS = ((20, 48), (35, 70), (100, 118), (130, 172))
"""Bins of the bumps, which lie in one chromosome each, apart from each other and from the diagonal."""

DEPTH = 40.0
"""Expected count on the diagonal."""

ROUNDS = 60
"""Rounds of balancing."""


@dataclass(frozen=True)
class ContactMap:
    """A kind of contact map; called with a generator, it draws one.

    Attributes:
        biases: Standard deviation of the logarithm of the biases of the bins.
        bad: Share of the bins that were not measured.
        balanced: Whether counts are balanced.
        domains: How many times contacts within a domain are as frequent; domains are 12 to 40 bins long.
        chromosomes: Whether there are two chromosomes, with few contacts between them.
        bumps: How many times contacts in the middle of a bump are as frequent; 1: there are none.
    """

    biases: float = 0.4
    bad: float = 0.0
    balanced: bool = False
    domains: float = 1.0
    chromosomes: bool = False
    bumps: float = 1.0

    def expected(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return the expected counts of unbiased bins."""
        place = np.arange(BINS)
        apart = np.abs(np.subtract.outer(place, place))
        counts = DEPTH / (1 + apart) ** 0.9
        domain = np.searchsorted(np.cumsum(rng.integers(12, 41, BINS // 12)), place, side="right")
        counts *= np.where(domain[:, None] == domain, self.domains, 1.0)
        if self.chromosomes:
            part = place >= BORDER
            counts = np.where(part[:, None] == part, counts, DEPTH / 250)
        for i, j in BUMPS:
            bump = np.exp(-((place - i)[:, None] ** 2 + (place - j) ** 2) / 4)
            counts *= 1 + (self.bumps - 1) * (bump + bump.T)
        return counts

    def __call__(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Draw a map, NaN in bins that were not measured."""
        expected = self.expected(rng)
        bias = rng.lognormal(0, self.biases, BINS)
        counts = np.triu(rng.poisson(expected * np.outer(bias, bias))).astype(np.float64)
        counts += np.triu(counts, 1).T
        lost = rng.random(BINS) < self.bad
        lost[np.ravel(BUMPS)] = False
        counts[lost] = np.nan
        counts[:, lost] = np.nan
        return balanced(counts) if self.balanced else counts


def balanced(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Balance counts: the same sum in each bin, the diagonal and its neighbours left out, as ``cooler balance`` does.

    References:
        Imakaev et al., "Iterative correction of Hi-C data reveals hallmarks of chromosome organization", Nature
        Methods, 2012.
    """
    place = np.arange(len(counts))
    used = np.where(np.abs(np.subtract.outer(place, place)) < 2, 0, np.nan_to_num(counts))
    known = used.sum(axis=1) > 0
    weights = known.astype(np.float64)
    for _ in range(ROUNDS):
        sums = weights * (used @ weights)
        weights[known] /= np.sqrt(sums[known] / sums[known].mean())
    weights /= np.sqrt((weights * (used @ weights))[known].mean())
    weights[~known] = np.nan
    return counts * np.outer(weights, weights)
