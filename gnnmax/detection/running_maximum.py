"""The largest other entry of every window of a block, in a number of passes logarithmic in its side."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["rivals", "running_maximum"]

Array = npt.NDArray[Any]


def running_maximum(values: Array, width: int, axis: int, *, shear: int = 0) -> Array:
    """Return the maximum of every ``width`` consecutive entries along an axis of a matrix.

    Cost: about ``log2(width)`` passes.

    Args:
        values: Shape ``(n, m)``.
        width: At least 1.
        axis: 0 or 1.
        shear: 1 if each row begins one column further right than the row above it: the next entry down is then one
            place to the left. Only along axis 0; the first result begins at the entry in row 0, place ``width - 1``.

    References:
        Maxima over spans double: those over 2 w are maxima of two over w. van Herk, "A fast algorithm for local minimum
        and maximum filters", 1992, needs three comparisons an entry for any width, one entry after the other; these
        passes go over whole rows.

    Example:
        >>> running_maximum(np.array([[3, 1, 4, 1, 5]]), 3, 1)
        array([[4, 4, 5]])
        >>> running_maximum(np.array([[3, 1, 4], [1, 5, 9]]), 2, 0, shear=1)
        array([[1, 5]])
    """
    span, done = values, 1
    while done < width:
        step = min(done, width - done)
        if axis == 1:
            span = np.maximum(span[:, :-step], span[:, step:])
        else:
            aside = step * shear
            span = np.maximum(span[:-step, aside:], span[step:, : span.shape[1] - aside])
        done += step
    return span


def rivals(values: Array, half: tuple[int, int], *, shear: int = 0) -> tuple[Array, Array]:
    """Return the largest entry before and after the centre of each window, in row-major order.

    Args:
        values: A block with its border, shape ``(n + 2 hr, m + 2 hc)``, no NaN; with shear, ``(n + 2 hr,
            m + 2 (hc + hr))``.
        half: ``(hr, hc)``: windows have ``2 hr + 1`` rows and ``2 hc + 1`` columns; not both 0.
        shear: 1 if each row begins one column further right than the row above it, else 0.

    Returns:
        Two arrays of shape ``(n, m)``. The larger of the two is the largest other entry.

    Example:
        >>> before, after = rivals(np.array([[1, 2, 3], [4, 9, 5], [6, 7, 8]]), (1, 1))
        >>> before.item(), after.item()
        (4, 8)
    """
    hr, hc = half
    aside = hr * shear
    width = values.shape[1] - 2 * hc
    n, m = values.shape[0] - 2 * hr, width - 2 * aside
    rows, columns = slice(hr, hr + n), slice(aside, aside + m)
    whole = values
    if hc:
        sides = running_maximum(values, hc, 1)
        left, right = sides[:, :width], sides[:, hc + 1 : hc + 1 + width]
        if not hr:
            return left, right
        whole = np.maximum(left, right)
        np.maximum(whole, values[:, hc : hc + width], out=whole)
    spans = running_maximum(whole, hr, 0, shear=shear)
    above, below = spans[:n, shear * (hr + 1) :][:, :m], spans[hr + 1 : hr + 1 + n, :m]
    if not hc:
        return above, below
    return np.maximum(above, left[rows, columns]), np.maximum(below, right[rows, columns])
