"""Thresholds for single entries: a matrix of the same shape that values must exceed, such as a background."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.array_storage import hands_out_slices
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import entries_beside
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.search_options import SearchOptions, has_shape
from gnnmax.detection.sparse_storage import is_sparse
from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array

__all__ = ["above_background", "background_of"]


def background_of(source: MatrixSource, options: SearchOptions) -> MatrixSource | None:
    """Return the thresholds of single entries, checked; None if there are none.

    Raises:
        InputError: another shape, no real numbers, or not symmetric although the matrix is undirected.
    """
    given: Any = options.threshold
    if not has_shape(given):
        return None
    if not (is_sparse(given) or hands_out_slices(given)):
        given = as_array(given, "the thresholds")
    if tuple(given.shape) != source.shape:
        raise InputError(f"the thresholds have shape {tuple(given.shape)}, not {source.shape}, that of the matrix")
    return entries_beside(source, given, "the thresholds")


def above_background(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Maxima:
    """Keep the maxima that are strictly above the thresholds of their entries, if there are any.

    Of an undirected matrix one half is enough. An unstored threshold is 0; where one is NaN, no maximum is kept.

    Example:
        >>> from gnnmax import find_maxima
        >>> matrix, background = np.diag([9.0, 0, 5, 0, 3]), np.diag([9.0, 0, 4, 0, np.nan])
        >>> list(find_maxima(matrix, 3, threshold=background))
        [(2, 2, 5.0)]
    """
    background = background_of(source, options)
    if background is None:
        return maxima
    thresholds = background.values_at(maxima.rows, maxima.columns)
    above: npt.NDArray[np.bool_] = np.asarray(maxima.values > thresholds, dtype=np.bool_)
    return maxima[above]
