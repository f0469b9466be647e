"""A matrix whose one half is read, as both halves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.halves import Symmetry

__all__ = ["UpperHalf", "as_upper_half"]


class UpperHalf:
    """A dense matrix whose one half is read, as both halves: a block below the diagonal is a mirror image.

    Args:
        matrix: Square, with blocks ``matrix[a:b, c:d]`` and entries ``matrix[rows, columns]``.
        lower: Whether the half below the diagonal is the one that is read.

    Example:
        >>> half = UpperHalf(np.array([[1, 2, 3], [0, 4, 5], [0, 0, 6]]))
        >>> half[0:2, 0:2].tolist(), half[np.array([2]), np.array([1])].tolist()
        ([[1, 2], [2, 4]], [5])
    """

    def __init__(self, matrix: Any, *, lower: bool = False) -> None:
        self._matrix, self._lower = matrix, lower
        self.shape, self.dtype = matrix.shape, matrix.dtype

    def __getitem__(self, index: tuple[Any, Any]) -> npt.NDArray[Any]:
        rows, columns = index
        if not isinstance(rows, slice):
            ends = np.minimum(rows, columns), np.maximum(rows, columns)
            return np.asarray(self._matrix[ends[::-1] if self._lower else ends])
        (top, bottom, _), (first, last, _) = (part.indices(self.shape[0]) for part in (rows, columns))
        if bottom <= first + 1:
            return self._above(top, bottom, first, last)
        mirrored = self._above(first, last, top, bottom).T
        if last <= top + 1:
            return mirrored
        below = np.arange(top, bottom)[:, None] > np.arange(first, last)
        return np.where(below, mirrored, self._above(top, bottom, first, last))

    def _above(self, top: int, bottom: int, first: int, last: int) -> npt.NDArray[Any]:
        if self._lower:
            return np.asarray(self._matrix[first:last, top:bottom]).T
        return np.asarray(self._matrix[top:bottom, first:last])


def as_upper_half(matrix: Any, symmetry: Symmetry) -> Any:
    """Return a matrix, or a mask, with both halves equal, where only one is to be read; a dense one is not copied.

    Example:
        >>> from scipy.sparse import csr_array
        >>> as_upper_half(csr_array(np.array([[1, 0], [2, 3]])), Symmetry("lower", True)).toarray().tolist()
        [[1, 2], [2, 3]]
    """
    if matrix is None or not symmetry.undirected or symmetry.found == "exact":
        return matrix
    if not hasattr(matrix, "nnz"):
        return UpperHalf(matrix, lower=symmetry.found == "lower")
    from scipy.sparse import csr_array

    stored = (matrix.T if symmetry.found == "lower" else matrix).tocoo()
    kept = stored.row <= stored.col
    rows, columns, values = stored.row[kept], stored.col[kept], stored.data[kept]
    off = rows != columns
    places = np.concatenate([rows, columns[off]]), np.concatenate([columns, rows[off]])
    whole = csr_array((np.concatenate([values, values[off]]), places), shape=matrix.shape)
    whole.sum_duplicates()  # there are none; this sorts every row
    return whole
