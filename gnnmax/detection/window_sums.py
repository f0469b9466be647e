"""Sums over the windows around some entries of a matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource, Places

__all__ = ["window_sums"]


def window_sums(
    source: MatrixSource, rows: Places, columns: Places, side: int, *, upper: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum the measured entries of the window around each place, and count them.

    Args:
        source: The matrix.
        rows: Row of each place, shape ``(M,)``.
        columns: Column of each.
        side: Side of the windows, odd.
        upper: Whether entries below the diagonal are left out: those of a symmetric matrix are mirror images.

    Example:
        >>> from gnnmax.detection.matrix import as_source
        >>> ones = as_source(np.ones((5, 5)))
        >>> window_sums(ones, np.array([0, 2]), np.array([0, 2]), 3, upper=False)
        (array([4., 9.]), array([4, 9]))
        >>> window_sums(ones, np.array([0, 2]), np.array([0, 2]), 3, upper=True)[1]
        array([3, 6])
    """
    sums, counts, half = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64), side // 2
    for block in source.tiles((half, half), upper=False):
        n, m = block.values.shape[0] - 2 * half, block.values.shape[1] - 2 * half
        top, left = rows - block.row, columns - block.column
        here = np.flatnonzero((top >= 0) & (top < n) & (left >= 0) & (left < m))
        if not len(here):
            continue
        known = np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing
        if upper:
            across = np.arange(block.values.shape[1]) + block.column
            known = known & (across >= (np.arange(block.values.shape[0]) + block.row)[:, None])
        parts = (np.where(known, block.values, 0).astype(np.float64), known)
        views = [np.lib.stride_tricks.sliding_window_view(part, (side, side)) for part in parts]
        sums[here], counts[here] = (view[top[here], left[here]].sum(axis=(1, 2)) for view in views)
    return sums, counts
