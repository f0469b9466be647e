"""Intervals and tests over graphs: from a metric and its values without each graph in turn.

Windows of one graph resemble each other, so graphs are left out, never windows. One mechanism gives every interval of a
metric, every interval of a difference and its p-value.

References:
    B. Efron and C. Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981. A. C. Cameron and
    D. L. Miller, "A practitioner's guide to cluster-robust inference", Journal of Human Resources 50, 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, expit, logit, stdtr, stdtrit

__all__ = ["Estimate", "binomial_interval", "effective_number"]

Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-13


def effective_number(sizes: Floats) -> Floats:
    """Return how many units of equal size weigh as much as these, ``(sum x)^2 / sum x^2`` over the last axis.

    Args:
        sizes: Not negative, shape ``(..., U)``.

    Returns:
        Shape ``(...,)``, between 1 and U; 0 where every size is 0.

    References:
        A. V. Carter, K. T. Schnepel and D. G. Steigerwald, "Asymptotic behavior of a t-test robust to cluster
        heterogeneity", Review of Economics and Statistics 99, 2017 (why t needs the effective number of clusters).

    Example:
        >>> effective_number(np.array([[5.0, 5.0, 5.0], [9.0, 0.0, 0.0]]))
        array([3., 1.])
    """
    squares = np.square(sizes).sum(axis=-1)
    return np.asarray(np.divide(np.square(sizes.sum(axis=-1)), squares, where=squares > 0, out=np.zeros_like(squares)))


@dataclass(frozen=True)
class Estimate:
    """A metric, or a difference of two, with its variance over graphs and over seeds.

    Attributes:
        value: On all windows.
        of_graphs: Variance over other graphs, by the jackknife.
        of_seeds: Variance over other seeds; 0 for a single seed.
        seeds: Number of seeds.
        graphs: Effective number of graphs, the least of those of the sums that it divides by.
        freedom: Degrees of freedom of ``of_graphs``.
        upward: Effective number of graphs that lift the value off the low end of its range; few may be rare events.
        downward: Effective number of graphs that keep it below the high end.
        odds: Its odds over those of the share of graphs that are right as a whole, where the others show nothing.
    """

    value: float
    of_graphs: float
    of_seeds: float
    seeds: int
    graphs: float
    freedom: float
    upward: float
    downward: float
    odds: float = 1.0

    @classmethod
    def of(
        cls,
        by_seed: Floats,
        left_out: Floats,
        *,
        shares: Floats,
        graphs: Floats,
        ends: tuple[float, float],
        odds: float = 1.0,
    ) -> Estimate:
        """Estimate from values without each unit.

        Args:
            by_seed: The value on all windows, one a seed, shape ``(S,)``.
            left_out: Mean over the seeds of the value without each unit, shape ``(U,)``; NaN where it does not exist.
            shares: Share of each unit in each of the m sums that the value divides by, shape ``(m, U)``.
            graphs: Effective number of graphs in each of these sums, shape ``(m,)``.
            ends: The least and the greatest value.
            odds: 1 for a share; 2 for F1, as ``F1 / (1 - F1)`` is twice the odds of right ones among all that are
                asked for or called.
        """
        value, units, seeds = float(_rounded(by_seed.mean())), len(left_out), len(by_seed)
        shift = _rounded(value - left_out)
        share = shares.mean(axis=0)
        weight = len(shares) * share
        moved = shift * (1 - share)  # of a plain share: exactly each unit's part of the value, less its expected part
        away = (
            np.maximum(weight * abs(value - end) + sign * moved, 0) for end, sign in zip(ends, (1, -1), strict=True)
        )
        upward, downward = (float(effective_number(part)) for part in away)
        others = graphs - 1
        freedom = 0.0
        if units > 1 and others.min() > 1e-9 and not np.isnan(left_out).any():
            freedom = min(float(effective_number(share)) - 1, len(graphs) ** 2 / float((1 / others).sum()))
        return cls(
            value=value,
            of_graphs=float(np.square(shift).sum()) * (units - 1) / units,
            of_seeds=float(_rounded(by_seed - value).var(ddof=1)) / seeds if seeds > 1 else 0.0,
            seeds=seeds,
            graphs=float(graphs.min()),
            freedom=freedom,
            upward=upward,
            downward=downward,
            odds=odds,
        )

    @property
    def variance(self) -> float:
        """Variance over other graphs and other seeds."""
        return self.of_graphs + self.of_seeds

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.variance)

    def degrees(self, most: float = math.inf) -> float:
        """Return Satterthwaite's degrees of freedom of the variance; of its part of the graphs, ``most`` at most."""
        freedom = min(self.freedom, max(most, 1.0))
        if self.of_seeds == 0:
            return freedom
        return self.variance**2 / (self.of_graphs**2 / freedom + self.of_seeds**2 / (self.seeds - 1))

    def interval(self, confidence: float, ends: tuple[float, float], *, of_graphs: bool = False) -> tuple[float, float]:
        """Return an interval of a metric: of t on the logit scale of its range, within that of whole graphs.

        Few graphs may hold all errors, or all successes: then the variance is hardly known, and t gets their
        effective number as degrees of freedom at most. The interval is never wider than the binomial one of as many
        graphs, each right or wrong as a whole, the least that the graphs can say; and it is that one where the value is
        at an end of the range, or is a share of graphs. Where nothing follows about other graphs it is the whole range.

        Args:
            confidence: Share of the cases in which the interval contains the truth.
            ends: The least and the greatest value.
            of_graphs: Whether the value is a share of graphs.
        """
        least, greatest = ends
        if self.freedom <= 0:
            return ends
        place = (self.value - least) / (greatest - least)
        if not 0 < place < 1 or (of_graphs and self.of_seeds == 0):
            low, high = self._of_whole_graphs(place, lambda share: binomial_interval(share, self.graphs, confidence))
        else:
            low, high = self._logit_interval(place, self.error / (greatest - least), (1 - confidence) / 2)
        return least + (greatest - least) * min(low, place), least + (greatest - least) * max(high, place)

    def _of_whole_graphs(self, place: float, interval: Callable[[float], tuple[float, float]]) -> tuple[float, float]:
        """Return the wider of the intervals of a share of graphs: those not right are wrong, or they show nothing."""
        scales = {1.0, self.odds}
        ends = [_with_odds(end, odds) for odds in scales for end in interval(_with_odds(place, 1 / odds))]
        return min(ends), max(ends)

    def _logit_interval(self, place: float, error: float, tail: float) -> tuple[float, float]:
        """Return a t interval on the logit scale, not wider than the exact one of whole graphs."""
        deviation = error / (place * (1 - place))
        low = float(expit(logit(place) + stdtrit(self.degrees(self.downward), tail) * deviation))
        high = float(expit(logit(place) - stdtrit(self.degrees(self.upward), tail) * deviation))
        if self.of_seeds > 0:
            return low, high

        def exact(share: float) -> tuple[float, float]:
            held, others = share * self.graphs, (1 - share) * self.graphs
            return float(betaincinv(held, others + 1, tail)), float(betaincinv(held + 1, others, 1 - tail))

        least, greatest = self._of_whole_graphs(place, exact)
        return max(low, least), min(high, greatest)

    def mean_interval(self, confidence: float, ends: tuple[float, float]) -> tuple[float, float]:
        """Return a t interval of a number without a scale of its own, cut to ``ends``, which are it where none follows.

        Few graphs may hold most of it: then t gets their effective number as degrees of freedom at most.
        """
        if self.freedom <= 0:
            return ends
        half = -float(stdtrit(self.degrees(self.upward), (1 - confidence) / 2)) * self.error
        return max(ends[0], self.value - half), min(ends[1], self.value + half)

    def difference_interval(self, confidence: float, *, ends: tuple[float, float] = (-1.0, 1.0)) -> tuple[float, float]:
        """Return a t interval of a difference, cut to ``ends``; it excludes 0 exactly where the p-value is small.

        Where no graph shows a difference, at most the share of graphs that may have been missed can be stated.
        """
        if self.freedom <= 0:
            return ends
        if self.value == 0 and self.variance == 0:
            half = _with_odds(binomial_interval(0.0, self.graphs, confidence)[1], self.odds)
        else:
            half = -float(stdtrit(self.degrees(), (1 - confidence) / 2)) * self._difference_error
        return max(ends[0], self.value - half), min(ends[1], self.value + half)

    def p_value(self) -> float:
        """Return the two-sided p-value of "the difference is 0"."""
        if self.freedom <= 0 or self.value == 0:
            return 1.0
        error = self._difference_error
        return float(2 * stdtr(self.degrees(), -abs(self.value) / error)) if error > 0 else 0.0

    @property
    def _difference_error(self) -> float:
        """Standard error; where all graphs differ equally, that which gives the p-value of a sign test."""
        if self.variance > 0:
            return self.error
        return -abs(self.value) / float(stdtrit(self.freedom, 2.0**-self.graphs))


def binomial_interval(share: float, n: float, confidence: float) -> tuple[float, float]:
    """Return the mid-P interval of a share of n independent units.

    Args:
        share: Between 0 and 1.
        n: Number of units; an effective number need not be an integer.
        confidence: Share of the cases in which the interval contains the truth.

    References:
        G. Berry and P. Armitage, "Mid-P confidence intervals: a brief review", The Statistician 44, 1995.

    Example:
        >>> [round(end, 3) for end in binomial_interval(0.9, 20, 0.95)]
        [0.707, 0.983]
        >>> binomial_interval(1.0, 20, 0.95)[0] == 0.05 ** (1 / 20)
        True
    """
    if share > 0.5:
        low, high = binomial_interval(1 - share, n, confidence)
        return 1 - high, 1 - low
    tail, found = (1 - confidence) / 2, share * n
    if found <= 0:
        return 0.0, 1 - float((2 * tail) ** (1 / n))

    def at_least(chance: float) -> float:  # more than found, and half of exactly found
        return float(betainc(found, n - found + 1, chance) + betainc(found + 1, n - found, chance)) / 2

    return _root(lambda chance: at_least(chance) - tail), _root(lambda chance: at_least(chance) - (1 - tail))


def _root(increasing: Callable[[float], float]) -> float:
    """Return where an increasing function on [0, 1] is 0, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if increasing(middle) > 0 else (middle, high)
    return (low + high) / 2


def _with_odds(share: float, ratio: float) -> float:
    """Return the share whose odds are ``ratio`` times those of another."""
    return ratio * share / (1 + (ratio - 1) * share)


def _rounded(values: Floats) -> Floats:
    """Return 0 in place of what rounding leaves of it."""
    return np.where(np.abs(values) < _ROUNDING, 0.0, values)
