"""Tests of real values for a change: a difference is compared with the differences at other places."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit

from gnnmax.detection.change_rates import Changes

__all__ = ["Means", "value_changes"]

Floats = npt.NDArray[np.float64]

NEIGHBOURS = 200
"""Windows of a similar level, without overlap, that the scatter of a difference is estimated from."""

NORMAL = 74.0
"""Degrees of freedom for normal values: as many as a median absolute deviation of 200 values is worth."""

TAIL = 50
"""Fewest differences that show how a heavy tail falls off."""

FARTHEST = 1e100
"""Largest difference in units of the scatter, which may be none at all."""


class Means(NamedTuple):
    """Two matrices around some places.

    Attributes:
        first: Means over windows of the first matrix, shape ``(M,)``.
        second: Those of the second.
        entries: Number of entries that each mean is made of.
    """

    first: Floats
    second: Floats
    entries: npt.NDArray[np.int64]

    def joined(self, other: Means) -> Means:
        """Return the places of both."""
        return Means(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def value_changes(tested: Means, others: Means, alone: Means, *, candidates: int) -> Changes:
    """Test real values.

    The median of the differences at a similar level is what a difference is without a change, their median absolute
    deviation its scale. All differences on this scale show how heavy the tails are: the p-values are those of Student's
    law with these tails.

    The sum and the difference of normal values are independent, so the places may be chosen by the sum. Those of values
    with heavier tails are not: a maximum may be a stray value of one matrix. Then all candidates count as tests, and
    the tail is that of a power law.

    Args:
        tested: The places that are tested.
        others: Places that are not, to compare with; the tested ones are added to these.
        alone: All these places without the windows around them.
        candidates: Number of places that the tested ones were chosen from.
    """
    residual, number = _residuals(tested.joined(others))
    own, freedom = residual[: len(tested.first)], _freedom(np.abs(residual), number)
    # on the scale of Student's law, whose median absolute value is not that of the normal one
    size = np.asarray(np.abs(own) * float(stdtrit(freedom, 0.75)), dtype=np.float64)
    p, tests = np.asarray(2 * stdtr(freedom, -size), dtype=np.float64), len(own)
    of_entries, entries = _residuals(alone)
    if _freedom(np.abs(of_entries), entries) < NORMAL:
        p, tests = np.maximum(p, _tail(np.abs(own), np.abs(residual))), max(candidates, tests)
    both = (tested.first > 0) & (tested.second > 0)
    first, second = (np.log2(np.where(both, values, np.nan)) for values in (tested.first, tested.second))
    return Changes(p, own, second - first, np.ones(len(own), dtype=np.bool_), tests)


def _residuals(means: Means) -> tuple[Floats, float]:
    """Return the differences on the scale of their level, and how many of them are worth an independent one.

    The scale is the median absolute deviation of the nearest neighbours by level, along a resistant line: at the
    highest levels, where the maxima are, it grows with the level as it does among the neighbours.
    """
    largest = int(means.entries.max(initial=1))
    order = np.argsort(means.first + means.second, kind="stable")
    level = (means.first + means.second)[order]
    difference = ((means.second - means.first) * np.sqrt(means.entries / largest))[order]
    number = len(level)
    width = min(number, NEIGHBOURS * largest, max(NEIGHBOURS, number // 4))
    step = max(1, width // 50)
    starts = np.arange(0, number - width + 1, step)
    levels, differences = (
        np.lib.stride_tricks.sliding_window_view(part, width)[starts] for part in (level, difference)
    )
    at = np.clip((np.arange(number) - width // 2) // step, 0, len(starts) - 1)
    middle, centre = np.median(differences, axis=1), np.median(levels, axis=1)
    sizes, third = np.abs(differences - middle[:, None]), max(1, width // 3)
    rise = np.median(sizes[:, -third:], axis=1) - np.median(sizes[:, :third], axis=1)
    run = np.median(levels[:, -third:], axis=1) - np.median(levels[:, :third], axis=1)
    slope = np.divide(rise, run, out=np.zeros(len(run)), where=(run > 0) & (rise > 0))
    scale = np.median(sizes, axis=1)[at] + slope[at] * np.maximum(level - centre[at], 0)
    overall = float(np.median(np.abs(difference - np.median(difference))))
    scale = np.where(scale > 0, scale, max(overall, float(np.finfo(np.float64).tiny)))
    residual = np.empty(number)
    with np.errstate(over="ignore"):
        residual[order] = np.clip((difference - middle[at]) / scale, -FARTHEST, FARTHEST)
    return residual, number / largest


def _freedom(sizes: Floats, number: float) -> float:
    """Return the degrees of freedom of the Student law with the tails of these absolute values.

    The quotient of two quantiles decides, which a few changes hardly move; one standard error of it, for this number of
    independent values, is taken off.
    """
    half, most = np.quantile(sizes, [0.5, 0.97])
    if half <= 0:
        return 1.0
    ratio = most / half - 3.3 / np.sqrt(number)

    def excess(log_freedom: float) -> float:
        freedom = np.exp(log_freedom)
        return float(stdtrit(freedom, 0.985) / stdtrit(freedom, 0.75) - ratio)

    if excess(np.log(NORMAL)) >= 0:
        return NORMAL
    return float(np.exp(brentq(excess, 0.0, np.log(NORMAL)))) if excess(0.0) > 0 else 1.0


def _tail(sizes: Floats, all_sizes: Floats) -> Floats:
    """Return the probability of such a size or more, where all sizes have a tail that falls off as a power.

    References:
        Hill, "A simple general approach to inference about the tail of a distribution", Annals of Statistics 3, 1975.
    """
    ordered = np.sort(all_sizes)[::-1]
    most = min(len(ordered) - 1, max(TAIL, len(ordered) // 50))
    threshold = ordered[most]
    if threshold <= 0:
        return np.ones(len(sizes))
    index = max(0.01, float(np.log(ordered[:most] / threshold).mean()))
    beyond = most / len(ordered) * (np.maximum(sizes, threshold) / threshold) ** (-1 / index)
    return np.where(sizes > threshold, beyond, 1.0)
