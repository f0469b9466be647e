"""Tests of counts for a change: given the sum of two, the first is binomial."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import betainc
from scipy.stats import chi2

from gnnmax.detection.change_rates import Changes

__all__ = ["binomial_p_values", "can_be_significant", "count_changes", "dispersion_of"]

Floats = npt.NDArray[np.float64]

LIMIT = 4.0
"""Squared residuals above it count as this much: a true change does not raise the dispersion of all."""

FEWEST = 50
"""Fewest places that a dispersion is estimated from."""


def count_changes(first: Floats, second: Floats, share: Floats, excess: Floats, *, rate: float) -> Changes:
    """Test counts: given the sum, the first count is binomial.

    Args:
        first: Counts of the first matrix, shape ``(M,)``.
        second: Counts of the second.
        share: Expected share of the first in the sum.
        excess: The variance is ``1 + excess`` times that of the binomial law.
        rate: The false-discovery rate that is asked for.
    """
    total = first + second
    inflation = 1 + excess
    p = binomial_p_values(first / inflation, total / inflation, share)
    least = np.minimum(*(binomial_p_values(end / inflation, total / inflation, share) for end in (0 * total, total)))
    ratio = np.log2((second + 0.5) / (1 - share)) - np.log2((first + 0.5) / share)
    possible = can_be_significant(least, rate)
    return Changes(p, total * share - first, ratio, possible, int(possible.sum()))


def binomial_p_values(successes: Floats, trials: Floats, chance: Floats) -> Floats:
    """Return two-sided mid p-values of binomial counts; counts need not be whole numbers.

    Example:
        >>> binomial_p_values(np.array([1.0, 5.0]), np.array([5.0, 10.0]), np.array([0.5, 0.5])).round(4)
        array([0.2188, 1.    ])
    """
    lower, upper = (
        _tail(count, trials, chance) for count, chance in ((successes, chance), (trials - successes, 1 - chance))
    )
    return np.asarray(np.minimum(1.0, 2 * np.minimum(lower, upper)))


def _tail(successes: Floats, trials: Floats, chance: Floats) -> Floats:
    """Return the probability of fewer successes, and half of that of as many, by the incomplete beta function."""
    whole, fewer = (_at_most(count, trials, chance) for count in (successes, successes - 1))
    return np.asarray((whole + fewer) / 2)


def _at_most(successes: Floats, trials: Floats, chance: Floats) -> Floats:
    rest = trials - successes
    inside = betainc(np.maximum(rest, 1e-300), np.maximum(successes, 0) + 1, 1 - chance)
    return np.asarray(np.where(successes < 0, 0.0, np.where(rest > 0, inside, 1.0)))


def can_be_significant(least: Floats, rate: float) -> npt.NDArray[np.bool_]:
    """Find the tests whose least possible p-value is small enough to be significant among them.

    References:
        Tarone, "A modified Bonferroni method for discrete data", Biometrics 46, 1990. Gilbert, "A modified false
        discovery rate multiple-comparisons procedure for discrete data", Applied Statistics 54, 2005: ours.

    Example:
        >>> can_be_significant(np.array([0.5, 0.001, 0.02, 0.04]), 0.05)
        array([False,  True,  True, False])
    """
    ordered = np.sort(least)
    sizes = np.arange(1, len(least) + 1)
    enough = np.searchsorted(ordered, rate / sizes, side="right") <= sizes
    size = int(sizes[np.argmax(enough)]) if len(least) else 1
    return np.asarray(least <= rate / size)


def dispersion_of(first: Floats, total: Floats, share: Floats, squares: Floats) -> float:
    """Estimate how much counts scatter beyond Poisson's law, from places that mostly did not change.

    An entry with a sum of ``n`` counts has ``1 + n * dispersion`` times the variance of the binomial law, independently
    of other entries.

    Squared residuals are limited, so that a few changes matter little; 0 for counts that scatter no more than Poisson's
    law says, and for fewer than 50 places with at least 5 counts.
    """
    enough = total >= 5
    first, total, share, size = first[enough], total[enough], share[enough], (squares / np.maximum(total, 1))[enough]
    if len(total) < FEWEST:
        return 0.0
    residual = (first - total * share) ** 2 / (total * share * (1 - share))
    # the mean of a limited chi-squared variable with one degree of freedom
    expected = chi2.cdf(LIMIT, 3) + LIMIT * chi2.sf(LIMIT, 1)

    def excess(dispersion: float) -> float:
        return float(np.minimum(residual / (1 + size * dispersion), LIMIT).mean() - expected)

    return float(brentq(excess, 0.0, 1.0)) if excess(0.0) > 0 > excess(1.0) else 0.0 if excess(0.0) <= 0 else 1.0
