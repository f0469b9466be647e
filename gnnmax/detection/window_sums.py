"""Sums over the windows around some entries of a matrix."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.storage import Places

__all__ = ["window_sums"]


def window_sums(
    source: MatrixSource, rows: Places, columns: Places, side: int, *, upper: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum the measured entries of the window around each place, up to breaks, and count them.

    Args:
        source: A matrix before normalisation, in which NaN is the only mark of missing entries.
        rows: Row of each place, shape ``(M,)``.
        columns: Column of each.
        side: Side of the windows, odd.
        upper: Whether entries below the diagonal are left out: those of a symmetric matrix are mirror images.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> ones = as_source(np.ones((5, 5)))
        >>> window_sums(ones, np.array([0, 2]), np.array([0, 2]), 3, upper=False)
        (array([4., 9.]), array([4, 9]))
        >>> window_sums(ones, np.array([0, 2]), np.array([0, 2]), 3, upper=True)[1]
        array([3, 6])
    """
    (top, bottom), (first, last) = source.parts.limits(rows, columns)
    sums, counts, half = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64), side // 2
    stored = _stored(source)
    for down, right in itertools.product(range(-half, half + 1), repeat=2):
        row, column = rows + down, columns + right
        inside = (row >= top) & (row < bottom) & (column >= first) & (column < last)
        if upper:
            inside &= row <= column
        if not source.diagonal:
            inside &= row != column
        here = np.flatnonzero(inside)
        row, column = row[here], column[here]
        values = source.values_at(row, column).astype(np.float64)
        known = ~np.isnan(values) if stored is None else stored.values_at(row, column) > 0
        sums[here[known]] += values[known]
        counts[here] += known
    return sums, counts


def _stored(source: MatrixSource) -> MatrixSource | None:
    """Return where a sparse matrix has entries, if the others are missing."""
    if not source.sparse or source.unstored == "zero":
        return None
    pattern = source.matrix.tocsr().copy()
    pattern.data = np.ones(len(pattern.data), dtype=np.int8)
    return replace(source, matrix=pattern)
