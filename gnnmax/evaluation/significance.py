"""Tests of significance: sign-flip over graphs, McNemar over windows, and Holm's correction for several pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

__all__ = ["holm", "mcnemar", "sign_flip"]

_EXACT_COST = 30_000_000  # additions that the exact sign-flip distribution may take
_FLIPS = 10_000


def sign_flip(differences: npt.NDArray[np.integer[Any]], rng: np.random.Generator) -> float:
    """Return the two-sided p-value of "the sign of each graph's difference is a fair coin".

    The statistic is the absolute sum. Its distribution is computed exactly, over all sign patterns at once, unless that
    takes too long; then from 10,000 random patterns, the observed one counted among them.

    Args:
        differences: One integer a graph, shape ``(G,)``: windows that only the first scorer decides correctly, less
            those that only the second does.
        rng: Used by the Monte Carlo version only.

    Returns:
        In ``(0, 1]``; 1 where all differences are 0.

    References:
        R. A. Fisher, "The Design of Experiments", 1935. B. Phipson and G. K. Smyth, "Permutation p-values should never
        be zero", Statistical Applications in Genetics and Molecular Biology 9, 2010.

    Example:
        >>> sign_flip(np.array([3, 1, 2, 4, 1]), np.random.default_rng(0))
        0.0625
    """
    sizes = np.abs(differences[differences != 0]).astype(np.int64)
    observed = abs(int(differences.sum()))
    if not len(sizes):
        return 1.0
    if len(sizes) * int(sizes.sum()) <= _EXACT_COST:
        return _exact_sign_flip(sizes, observed)
    # A sum of m signs is 2 Binomial(m, 1/2) - m, so graphs of equal difference are flipped together.
    values, counts = np.unique(sizes, return_counts=True)
    sums = sum(v * (2 * rng.binomial(m, 0.5, size=_FLIPS) - m) for v, m in zip(values, counts, strict=True))
    return float((1 + np.count_nonzero(np.abs(sums) >= observed)) / (1 + _FLIPS))


def _exact_sign_flip(sizes: npt.NDArray[np.int64], observed: int) -> float:
    """P(|sum of signed sizes| >= observed): the distribution of the sum, grown one graph at a time."""
    total = int(sizes.sum())
    chance = np.ones(1)  # chance[i]: probability that the negative sizes sum to i
    for size in sizes:
        grown = np.zeros(len(chance) + size)
        grown[: len(chance)] = chance / 2
        grown[size:] += chance / 2
        chance = grown
    sums = total - 2 * np.arange(total + 1)
    return float(min(1.0, chance[np.abs(sums) >= observed].sum()))


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the exact two-sided p-value of "either scorer is as likely to be the one that is right".

    It takes windows for independent; where they share graphs, :func:`sign_flip` is the test to read.

    Args:
        first_only: Windows that only the first scorer decides correctly.
        second_only: Windows that only the second decides correctly.

    References:
        Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947; here with binomial probabilities in place of chi squared.

    Example:
        >>> mcnemar(5, 0)
        0.0625
    """
    n = first_only + second_only
    return float(min(1.0, 2 * bdtr(min(first_only, second_only), n, 0.5))) if n else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number, so that any false alarm among all has the stated probability.

    References:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    m, corrected, highest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (m - rank) * p_values[place]))
        corrected[place] = highest
    return corrected
