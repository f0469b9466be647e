"""The strength at which a mean over matrices crosses a level, with its bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

__all__ = ["Crossing", "crossing", "crossing_point"]

RESAMPLES = 1_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Crossing:
    """Where a curve crosses a level.

    Attributes:
        point: The strength; NaN if the curve does not cross the level.
        low: Lower end of its 95 % interval.
        high: Upper end.
        error: Standard error.
    """

    point: float
    low: float
    high: float
    error: float


def crossing(strengths: Floats, found: Floats, level: float) -> Crossing:
    """Return the strength at which the mean over matrices crosses a level.

    The mean curve is made monotone by least squares, and interpolated linearly in the logarithm of the strength. The
    interval resamples whole matrices, with a fixed seed.

    Args:
        strengths: Increasing, shape ``(S,)``.
        found: Share found at each strength in each matrix, shape ``(S, M)``.
        level: The level.

    References:
        Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.

    Example:
        >>> found = crossing(np.array([1.0, 4.0]), np.array([[0.0, 0.0], [1.0, 1.0]]), 0.5)
        >>> round(found.point, 6), round(found.low, 6)
        (2.0, 2.0)
    """
    chosen = np.random.default_rng(0).integers(found.shape[1], size=(RESAMPLES, found.shape[1]))
    again = _crossings(strengths, found[:, chosen].mean(axis=2), level)
    again = again[np.isfinite(again)]
    point = float(_crossings(strengths, found.mean(axis=1, keepdims=True), level)[0])
    if not len(again):
        return Crossing(point, np.nan, np.nan, np.nan)
    low, high = np.quantile(again, (0.025, 0.975)).tolist()
    return Crossing(point, low, high, float(again.std()))


def crossing_point(strengths: Floats, curve: Floats, level: float) -> float:
    """Return where one curve crosses a level, as :func:`crossing` does, without an interval.

    Args:
        strengths: Increasing, shape ``(S,)``.
        curve: Shape ``(S,)``.
        level: The level.

    Returns:
        The first or the last strength where the curve starts above the level, or ends below it.

    Example:
        >>> crossing_point(np.array([1.0, 4.0]), np.array([0.9, 1.0]), 0.5)
        1.0
    """
    if curve[0] >= level:
        return float(strengths[0])
    point = float(_crossings(strengths, curve[:, None], level)[0]) if len(curve) > 1 else np.nan
    return point if np.isfinite(point) else float(strengths[-1])


def _crossings(strengths: Floats, curves: Floats, level: float) -> Floats:
    """Return where each curve, shape ``(S, R)``, crosses a level; NaN if it starts above or ends below."""
    rising = np.stack([isotonic_regression(curve).x for curve in curves.T], axis=1)
    first = (rising >= level).argmax(axis=0)
    crosses = (rising[-1] >= level) & (rising[0] < level)
    first = np.maximum(first, 1)
    each = np.arange(curves.shape[1])
    below, above = rising[first - 1, each], rising[first, each]
    share = (level - below) / np.where(above > below, above - below, 1.0)
    logs = np.log(strengths)
    return np.where(crosses, np.exp(logs[first - 1] + share * (logs[first] - logs[first - 1])), np.nan)
