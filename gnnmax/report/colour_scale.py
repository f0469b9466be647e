"""The colour scale of a matrix: from values to shares of the strongest colour, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ColourScale", "fitted_scale"]

SKEWED = 0.1
"""A scale is logarithmic if half of the values above the lowest one lie below this share of the range."""


@dataclass(frozen=True)
class ColourScale:
    """A scale between two values, beyond which the colour does not change.

    Attributes:
        low: Value of the weakest colour.
        high: Value of the strongest colour, at least ``low``.
        bend: 0 for a linear scale. A logarithmic one grows as ``log(1 + bend x)`` over the share x of the range.
    """

    low: float
    high: float
    bend: float = 0.0

    def shares(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return shares of the strongest colour, from 0 to 1; NaN stays NaN.

        Example:
            >>> ColourScale(1.0, 5.0).shares(np.array([0.0, 3.0, np.inf, np.nan]))
            array([0. , 0.5, 1. , nan])
        """
        if not self.high > self.low:
            return np.where(np.isnan(values), np.nan, (values > self.low).astype(np.float64))
        largest = max(abs(self.low), abs(self.high))  # divided by it, a range neither overflows nor vanishes
        low, high = self.low / largest, self.high / largest
        range_share = (np.clip(values, self.low, self.high) / largest - low) / (high - low)
        return np.asarray(np.log1p(self.bend * range_share) / np.log1p(self.bend) if self.bend else range_share)

    def value(self, share: float) -> float:
        """Return the value of a share of the strongest colour.

        Example:
            >>> ColourScale(0.0, 10.0).value(0.5), round(ColourScale(0.0, 99.0, bend=99.0).value(0.5), 6)
            (5.0, 9.0)
        """
        range_share = float(np.expm1(share * np.log1p(self.bend))) / self.bend if self.bend else share
        return self.low * (1 - range_share) + self.high * range_share


def fitted_scale(values: npt.NDArray[np.float64]) -> ColourScale | None:
    """Fit a scale to the values of a picture, None if there are no finite ones.

    It reaches from the 1st percentile to the 99th percentile of the values above the lowest one: the many zeros of a
    sparse matrix do not count there.

    Example:
        >>> fitted_scale(np.array([0.0, 0.0, 0.0, 4.0]))
        ColourScale(low=0.0, high=4.0, bend=0.0)
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low = float(np.percentile(known, 1))
    above = known[known > known.min()]
    if not len(above):
        return ColourScale(low, low)
    high = float(np.percentile(above, 99))
    if not high > low:
        low, high = float(known.min()), float(known.max())
    linear = ColourScale(low, high)
    middle = float(np.median(linear.shares(above)))
    return ColourScale(low, high, 1 / max(middle, 1e-3)) if known.min() >= 0 and middle < SKEWED else linear
