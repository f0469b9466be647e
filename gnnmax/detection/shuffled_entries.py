"""The measured entries of a matrix, each pair of a symmetric one once, and the matrix with others in their places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.sparse_storage import UpperTriangle
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["SHUFFLED", "StatisticError", "in_memory", "of_entries", "place_type", "with_entries"]

SHUFFLED = 2**26
"""Most entries that are shuffled: about 150 bytes are taken for each."""


class StatisticError(InputError):
    """The statistic that is compared with decoys is not finite, so that maxima have no q-values."""


def in_memory(source: MatrixSource) -> MatrixSource:
    """Return a matrix before normalisation as an array, or as it is if only stored entries are measured."""
    if source.sparse and source.unstored == "missing":
        return source
    block = source.block(0, 0, *source.shape, (0, 0))
    return replace(source, matrix=block.values, unstored="zero", missing=block.missing, diagonal=True)


def place_type(shape: tuple[int, int]) -> np.dtype[Any]:
    """Return the type of rows and columns that are held by the million.

    Example:
        >>> place_type((5, 9))
        dtype('int32')
    """
    return np.dtype(np.int32 if max(shape) <= np.iinfo(np.int32).max else np.int64)


def of_entries(source: MatrixSource, values: npt.NDArray[Any], rows: Places, columns: Places) -> MatrixSource:
    """Return a sparse matrix that has these entries alone, 0 too; of an undirected one they are above the diagonal."""
    from scipy.sparse import csr_array

    stored = csr_array((values, (rows, columns)), shape=source.shape)
    stored.sum_duplicates()  # there are none; this sorts every row
    matrix = UpperTriangle(stored) if source.undirected else stored
    return replace(source, matrix=matrix, unstored="missing", missing=None, diagonal=True)


def with_entries(source: MatrixSource, values: npt.NDArray[Any], rows: Places, columns: Places) -> MatrixSource:
    """Return a matrix with other values in its measured entries; of an undirected one both halves are written."""
    if source.sparse:
        return of_entries(source, values, rows, columns)
    matrix = source.matrix.astype(values.dtype)
    matrix[rows, columns] = values
    if source.undirected:
        matrix[columns, rows] = values
    return replace(source, matrix=matrix)
