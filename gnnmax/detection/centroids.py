"""Centroids of maxima: their places between the entries, from the values around them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.window_cuts import windows_at

__all__ = ["centroid_offsets", "centroids_of"]

CUT = 4096
"""Windows that are cut together."""


def centroids_of(
    source: MatrixSource, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], *, sides: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Return row and column of the centroid of the window around each entry, see :func:`centroid_offsets`.

    In an undirected matrix the second cell of a pair does not count; after a normalisation the scores do.

    Args:
        source: The matrix.
        rows: Row of each entry, shape ``(M,)``.
        columns: Its column.
        sides: Rows and columns of the windows.

    Returns:
        Shape ``(M, 2)``; NaN along an axis without a centroid.
    """
    places = np.stack([rows, columns], axis=1)
    found = np.empty(places.shape)
    for start in range(0, len(places), CUT):
        here = slice(start, start + CUT)
        windows = windows_at(source, rows[here], columns[here], k=sides)
        found[here] = places[here] + centroid_offsets(windows)
    return found


def centroid_offsets(windows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the offset of the centroid of windows from their centre.

    The centroid is the mean place of the entries of a window, each weighted by its excess over the background, the
    median of the window. Entries at or below the median have no weight. An entry counts only if it was measured and the
    entry opposite to it, as far from the centre on the other side, was too: so missing entries, and those outside the
    matrix, do not pull the centroid away.

    There is no centroid along an axis on which no other entry counts, as that of the rows at the upper end of a matrix;
    and none at all if no entry is above the median, or if one is infinite.

    Args:
        windows: Shape ``(M, rows, columns)``, NaN where nothing was measured; centres are measured.

    Returns:
        Along rows and along columns, shape ``(M, 2)``, at most half a window; NaN where there is none.

    References:
        Centroids of stars over a background that is subtracted: Stetson, "DAOPHOT: a computer program for crowded-field
        stellar photometry", Publications of the Astronomical Society of the Pacific 99, 1987.

    Example:
        >>> window = np.array([[0.0, 0, 0], [0, 6, 2], [0, 0, 0]])
        >>> centroid_offsets(window[None]).tolist()
        [[0.0, 0.25]]
        >>> window[0, 0] = np.nan
        >>> centroid_offsets(window[None]).tolist()
        [[0.0, 0.25]]
    """
    counted = ~np.isnan(windows)
    counted &= counted[:, ::-1, ::-1]
    values = np.where(counted, windows, np.nan).astype(np.result_type(windows.dtype, np.float64)) / 2
    flat = values.reshape(len(values), values.shape[1] * values.shape[2])
    unknown = ~counted.any(axis=(1, 2)) | np.isinf(flat).any(axis=1)
    flat[unknown] = 0
    background = np.nanmedian(flat, axis=1) if len(flat) else np.empty(0)
    excess = np.nan_to_num(values - background[:, None, None])
    weights = np.maximum(excess, 0)  # halves, so that the excess is finite
    largest = weights.max(axis=(1, 2), initial=0)
    unknown |= largest == 0
    weights = (weights / np.where(largest > 0, largest, 1)[:, None, None]).astype(np.float64)
    total = np.where(unknown, 1, weights.sum(axis=(1, 2)))
    found = np.empty((len(windows), 2))
    for axis in (1, 2):
        steps = np.arange(windows.shape[axis]) - windows.shape[axis] // 2
        found[:, axis - 1] = (weights.sum(axis=3 - axis) * steps).sum(axis=1) / total
        alone = ~(counted.any(axis=3 - axis) & (steps != 0)).any(axis=1)
        found[unknown | alone, axis - 1] = np.nan
    return found
