"""Scales of windows: each window on its own scale, by its mean and standard deviation, or by ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["SCALES", "ScaleName", "ranked", "standardised"]

ScaleName = Literal["standard", "rank", "none"]
Values = npt.NDArray[np.float32]


def standardised(values: Values) -> Values:
    """Subtract the mean of each window and divide by its standard deviation; NaN is left out of both and stays.

    Args:
        values: Windows, shape ``(N, k, k)``.

    Returns:
        Shape ``(N, k, k)``, float32; zeros where a window is constant. Nets of the encoding ``standard`` read the same
        values, up to rounding.

    Example:
        >>> standardised(np.array([[[0, 0, 0], [0, 3, 0], [0, 0, 0]]], dtype=np.float32))[0, 1].round(3)
        array([-0.354,  2.828, -0.354], dtype=float32)
    """
    entries = values.astype(np.float64)
    known = ~np.isnan(entries)
    count = np.maximum(known.sum(axis=(1, 2), keepdims=True), 1)
    filled = np.where(known, entries, 0.0)
    largest = np.abs(filled).max(axis=(1, 2), keepdims=True, initial=0.0)
    filled /= np.where(largest > 0, largest, 1.0)
    centred = np.where(known, filled - filled.sum(axis=(1, 2), keepdims=True) / count, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True) / count)
    constant = _constant(values)
    scaled = np.where(constant, 0.0, centred / np.where(spread > 0, spread, 1.0))
    return np.where(known, scaled, np.nan).astype(np.float32)


def ranked(values: Values) -> Values:
    """Replace each entry by minus the logarithm of its rank from the top; NaN ranks below all and stays.

    An entry with ``above`` larger and ``equal`` equal ones, itself included, becomes ``-log(2 above + equal)``: 0 at
    the strict maximum. Nets of the encoding ``rank`` read the same values, up to rounding.

    Args:
        values: Windows, shape ``(N, k, k)``.

    Example:
        >>> window = np.array([[[1, 2, 2], [3, 9, 4], [5, 6, 7]]], dtype=np.float32)
        >>> np.exp(-ranked(window))[0].round().astype(int).tolist()
        [[17, 14, 14], [11, 1, 9], [7, 5, 3]]
    """
    entries = values.reshape(len(values), values.shape[1] * values.shape[2])
    twice = np.empty(entries.shape, dtype=np.float64)
    for index, row in enumerate(entries):
        known = np.sort(row[~np.isnan(row)])
        below, not_above = np.searchsorted(known, row), np.searchsorted(known, row, side="right")
        twice[index] = 2 * len(known) - not_above - below  # 2 above + equal
    with np.errstate(divide="ignore"):
        found = -np.log(twice)
    return np.where(np.isnan(entries), np.nan, found).astype(np.float32).reshape(values.shape)


def _constant(values: Values) -> npt.NDArray[np.bool_]:
    """Return which windows hold one value only, shape ``(N, 1, 1)``."""
    known = ~np.isnan(values)
    low = np.where(known, values, np.inf).min(axis=(1, 2), keepdims=True, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=(1, 2), keepdims=True, initial=-np.inf)
    return np.asarray(low >= high)


SCALES: dict[str, Callable[[Values], Values]] = {
    "standard": standardised,
    "rank": ranked,
    "none": lambda values: values,
}
"""Scales by name."""
