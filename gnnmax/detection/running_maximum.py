"""The largest other entry of every window of a block, in a number of passes logarithmic in its side."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["rivals", "running_maximum"]

Array = npt.NDArray[Any]


def running_maximum(values: Array, width: int, axis: int) -> Array:
    """Return the maximum of every ``width`` consecutive entries along an axis of a matrix.

    Cost: about ``log2(width)`` passes.

    References:
        Maxima over spans double: those over 2 w are maxima of two over w. van Herk, "A fast algorithm for local minimum
        and maximum filters", 1992, needs three comparisons an entry for any width, one entry after the other; these
        passes go over whole rows.

    Example:
        >>> running_maximum(np.array([[3, 1, 4, 1, 5]]), 3, 1)
        array([[4, 4, 5]])
    """
    span, done = values, 1
    while done < width:
        step = min(done, width - done)
        length = span.shape[axis] - step
        here, there = _cut(span, 0, length, axis), _cut(span, step, length, axis)
        span, done = np.maximum(here, there), done + step
    return span


def _cut(values: Array, start: int, length: int, axis: int) -> Array:
    return values[start : start + length] if axis == 0 else values[:, start : start + length]


def rivals(values: Array, half: tuple[int, int]) -> tuple[Array, Array]:
    """Return the largest entry before and after the centre of each window, in row-major order.

    Args:
        values: A block with its border, shape ``(n + 2 hr, m + 2 hc)``, no NaN.
        half: ``(hr, hc)``: windows have ``2 hr + 1`` rows and ``2 hc + 1`` columns; not both 0.

    Returns:
        Two arrays of shape ``(n, m)``. The larger of the two is the largest other entry.

    Example:
        >>> before, after = rivals(np.array([[1, 2, 3], [4, 9, 5], [6, 7, 8]]), (1, 1))
        >>> before.item(), after.item()
        (4, 8)
    """
    hr, hc = half
    n, m = values.shape[0] - 2 * hr, values.shape[1] - 2 * hc
    if not hc:
        spans = running_maximum(values, hr, 0)
        return spans[:n], spans[hr + 1 : hr + 1 + n]
    sides = running_maximum(values, hc, 1)
    left, right = sides[:, :m], sides[:, hc + 1 : hc + 1 + m]
    if not hr:
        return left, right
    whole = np.maximum(left, right)
    np.maximum(whole, values[:, hc : hc + m], out=whole)
    spans = running_maximum(whole, hr, 0)
    before = np.maximum(spans[:n], left[hr : hr + n])
    after = np.maximum(spans[hr + 1 : hr + 1 + n], right[hr : hr + n])
    return before, after
