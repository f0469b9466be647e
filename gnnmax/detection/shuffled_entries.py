"""The measured entries of a matrix, each pair of a symmetric one once, and the matrix with others in their places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["SHUFFLED", "StatisticError", "in_memory", "with_entries"]

SHUFFLED = 2**26
"""Most entries that are shuffled: each decoy is a whole copy, about 60 bytes an entry while it is made."""


class StatisticError(InputError):
    """The statistic that is compared with decoys is not finite, so that maxima have no q-values."""


def in_memory(source: MatrixSource) -> MatrixSource:
    """Return a matrix before normalisation as an array, or as it is if only stored entries are measured.

    Raises:
        InputError: more entries than can be shuffled.
    """
    n, m = source.shape
    stored = source.sparse and source.unstored == "missing"
    entries = source.matrix.nnz if stored else n * m
    if entries > SHUFFLED:
        raise InputError(f"decoys are copies of the matrix, of at most {SHUFFLED:,} entries, not {entries:,}")
    if stored:
        return source
    block = source.block(0, 0, n, m, (0, 0))
    return replace(source, matrix=block.values, unstored="zero", missing=block.missing, diagonal=True)


def with_entries(source: MatrixSource, values: npt.NDArray[Any], rows: Places, columns: Places) -> MatrixSource:
    """Return a matrix with other values in its measured entries; of an undirected one both halves are written."""
    if source.sparse:
        from scipy.sparse import csr_array

        off = (rows != columns) & source.undirected
        places = np.concatenate([rows, columns[off]]), np.concatenate([columns, rows[off]])
        stored = csr_array((np.concatenate([values, values[off]]), places), shape=source.shape)
        stored.sum_duplicates()
        return replace(source, matrix=stored)
    matrix = source.matrix.astype(values.dtype)
    matrix[rows, columns] = values
    if source.undirected:
        matrix[columns, rows] = values
    return replace(source, matrix=matrix)
