"""Gaussian smoothing of a matrix that may have missing entries: each score is a weighted mean of measured entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.block_reading import FittedNormalisation
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.running_maximum import running_maximum
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["by_gaussian", "gaussian_means", "gaussian_weights"]

Floats = npt.NDArray[np.float64]

TRUNCATED = 4.0
"""Standard deviations after which the Gaussian is cut off, as in scipy."""

PIECE = 2**14
"""Entries that are summed together."""

LEAST, LARGEST = 0.25, 64.0
"""Bounds of the scale: below, no neighbour has any weight; above, blocks would consist of borders."""


def by_gaussian(source: MatrixSource, scale: float) -> FittedNormalisation:
    """Replace each entry by the mean of the measured entries around it, with Gaussian weights.

    The weight of an entry ``a`` rows and ``b`` columns away is ``exp(-(a^2 + b^2) / (2 scale^2))``, up to 4 scales in
    rows and in columns. The weights of missing entries, of those outside the matrix and of those across a break are
    left out, and the others are divided by their sum: nothing is filled in. A missing entry stays missing. In an
    undirected matrix both halves are smoothed as the one symmetric matrix that they are.

    Cost: nothing is read beforehand; blocks are read with a wider border, and smoothed as they are searched.

    Raises:
        InputError: a scale that is too small or too large; while it is searched, a matrix with infinite values.

    References:
        Knutsson and Westin, "Normalized and differential convolution", CVPR 1993: means over the known entries.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> step = by_gaussian(as_source(np.eye(3)), 1.0)
        >>> step.reach
        4
    """
    del source
    if not LEAST <= scale <= LARGEST:
        raise InputError(f"the step smooth takes a scale from {LEAST:g} to {LARGEST:g}, not {scale:g}")
    weights = gaussian_weights(scale)

    def constant(values: npt.NDArray[Any], rows: Places, columns: Places) -> Floats:
        del rows, columns
        return np.asarray(values, dtype=np.float64)

    def around(values: Floats, *, corner: tuple[int, int], **block: Any) -> Floats:
        del corner  # the same everywhere
        return gaussian_means(values, weights, **block)

    return FittedNormalisation(
        f"smooth:{scale:g}", constant, by_value=True, flat_zeros=True, reach=len(weights) - 1, around=around
    )


def gaussian_weights(scale: float) -> Floats:
    """Return the weights of the centre and of the entries at distances 1, 2, ... from it, on one side.

    The sum over both sides is 1.

    Example:
        >>> gaussian_weights(0.5).round(3)
        array([0.787, 0.106, 0.   ])
    """
    weights = np.exp(-0.5 * (np.arange(int(TRUNCATED * scale + 0.5) + 1) / scale) ** 2)
    return np.asarray(weights / (weights[0] + 2 * weights[1:].sum()))


def gaussian_means(
    values: Floats,
    weights: Floats,
    *,
    step: str = "smooth",
    shear: int = 0,
    below: npt.NDArray[np.bool_] | None = None,
) -> Floats:
    """Return weighted means of the known entries around each one, from the border inwards.

    Rows and columns are smoothed one after the other. Which comes first matters for the last bit: below the diagonal of
    an undirected matrix rows take the part of columns, so both halves stay equal. Equal entries have exactly their own
    value as mean.

    Args:
        values: A block with its border, NaN where an entry is missing, shape ``(n + 2 r, m + 2 (1 + shear) r)``.
        weights: The weights at distances from 0 to r.
        step: The name of the step in an error.
        shear: 1 if each row begins one column further right than the row above it.
        below: Which entries of the result lie below the diagonal of an undirected matrix; None: of a directed one.

    Returns:
        Shape ``(n, m)``; NaN where the entry itself is missing.

    Example:
        >>> gaussian_means(np.full((5, 5), 7.0), gaussian_weights(0.5))
        array([[7.]])
    """
    reach = len(weights) - 1
    side = 2 * reach + 1
    known = ~np.isnan(values)
    complete = bool(known.all())
    filled = values if complete else np.where(known, values, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = _sums(filled, weights, shear, below)
    if not np.isfinite(sums).all():
        raise InputError(f"the step {step} needs finite values: replace infinite ones, or leave them out as missing")
    totals = _sums(np.ones((side, side + 2 * reach * shear)) if complete else known * 1.0, weights, shear, None)
    if below is not None and not complete:
        totals = np.where(below, _sums(known * 1.0, weights, shear, np.ones_like(below)), totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / totals
    if not complete or (values[:, 1:] == values[:, :-1]).any():
        lows, highs = (np.where(known, part, -np.inf) for part in (-filled, filled))
        largest, smallest = (
            running_maximum(running_maximum(part, side, 1), side, 0, shear=shear) for part in (highs, lows)
        )
        np.copyto(means, largest, where=largest == -smallest)
    if not complete:
        first = reach * (1 + shear)
        means[~known[reach : reach + means.shape[0], first : first + means.shape[1]]] = np.nan
    return np.asarray(means)


def _sums(values: Floats, weights: Floats, shear: int, below: npt.NDArray[np.bool_] | None) -> Floats:
    """Sum along the rows and then along the columns; where ``below``, along the columns first."""

    def in_order(*axes: int) -> Floats:
        found = values
        for axis in axes:
            found = _along(found, weights, axis, shear)
        return found

    if below is None or not below.any():
        return in_order(1, 0)
    return in_order(0, 1) if below.all() else np.where(below, in_order(0, 1), in_order(1, 0))


def _along(values: Floats, weights: Floats, axis: int, shear: int) -> Floats:
    """Sum entries along an axis; those at both sides of the centre are added first: mirror images have equal sums."""
    reach = len(weights) - 1
    n, m = values.shape
    down, aside = (0, reach) if axis == 1 else (reach, reach * shear)
    height, width = n - 2 * down, m - 2 * aside
    total = np.empty((height, width))
    step = max(1, PIECE // width)  # rows whose copies stay in the cache
    for row in range(0, height, step):
        rows = min(step, height - row)

        def shifted(by: int, row: int = row, rows: int = rows) -> Floats:
            first, left = (row, aside + by) if axis == 1 else (row + down + by, aside - by * shear)
            return values[first : first + rows, left : left + width]

        part = total[row : row + rows]
        np.multiply(shifted(0), weights[0], out=part)
        pair = np.empty_like(part)
        for distance, weight in enumerate(weights[1:].tolist(), 1):
            np.add(shifted(-distance), shifted(distance), out=pair)
            pair *= weight
            part += pair
    return total
