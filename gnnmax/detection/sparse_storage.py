"""Sparse matrices: read in rectangles, or as strips along the diagonal where their entries lie near it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.storage import Places, computable
from gnnmax.task.arrays import plain_layout

__all__ = ["HalfStorage", "SparseStorage", "StoredRows", "UpperTriangle", "is_sparse"]

PART = 2**20
"""Stored entries that are listed together."""

FEW = 8
"""Parts of a strip up to which its entries are looked through for each part; for more, they are sorted once."""

FULL = 4
"""A strip is one run of offsets if at least one entry in this number is stored."""

GAP = 64
"""Offsets without stored entries that are read rather than passed over."""


def is_sparse(matrix: Any) -> bool:
    """Return whether a matrix is a sparse one of scipy, or one half of one."""
    return hasattr(matrix, "tocsr") and hasattr(matrix, "nnz")


@dataclass(frozen=True, eq=False)
class SparseStorage:
    """Compressed sorted rows.

    Attributes:
        matrix: Compressed sparse rows, sorted, no entry twice.
    """

    matrix: Any
    sparse: bool = True

    def part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a rectangle, 0 where nothing is stored, and where that is."""
        block = self.matrix[top:bottom, first:last]
        unstored = np.ones(block.shape, dtype=np.bool_)
        stored = block.tocoo()
        unstored[stored.row, stored.col] = False
        return block.toarray(), unstored

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read some entries, 0 where nothing is stored."""
        found = self.matrix[rows, columns]
        return plain_layout(np.asarray(found.toarray() if is_sparse(found) else found)).reshape(-1)

    @property
    def entries(self) -> int:
        """Number of stored entries."""
        return int(self.matrix.nnz)

    @cached_property
    def least(self) -> Any:
        """The smallest stored value, NaN if one is NaN; 0 if there is none."""
        return self.matrix.data.min() if len(self.matrix.data) else 0

    @cached_property
    def offsets(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The first and the last offset from the diagonal in each row; the first exceeds the last in an empty row."""
        n = self.matrix.shape[0]
        starts, stops = self.matrix.indptr[:-1], self.matrix.indptr[1:]
        first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
        filled = np.flatnonzero(stops > starts)
        first[filled] = self.matrix.indices[starts[filled]].astype(np.int64) - filled
        last[filled] = self.matrix.indices[stops[filled] - 1].astype(np.int64) - filled
        return first, last

    @cached_property
    def filled(self) -> tuple[int, int]:
        """The first row with stored entries, and the last one plus 1; an empty range if there are none."""
        rows = np.flatnonzero(np.diff(self.matrix.indptr))
        return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)

    @cached_property
    def width(self) -> int:
        """Number of offsets from the first to the last one that is stored in any row."""
        return int(max(0, self.offsets[1].max() - self.offsets[0].min() + 1)) if self.entries else 0

    def rows(self, top: int, bottom: int) -> StoredRows:
        """Return the stored entries of some rows, which may begin or end outside the matrix."""
        return StoredRows(self.matrix, top, bottom, self.offsets)

    def listed(self, *, once: bool = False) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the stored entries, some rows at a time."""
        indptr, n = self.matrix.indptr, self.matrix.shape[0]
        row = 0
        while row < n:
            stop = max(row + 1, int(np.searchsorted(indptr, indptr[row] + PART, side="right")) - 1)
            some = slice(indptr[row], indptr[stop])
            rows = np.repeat(np.arange(row, stop), np.diff(indptr[row : stop + 1]))
            values = self.matrix.data[some]
            yield (
                values.astype(computable(values.dtype), copy=False),
                rows,
                self.matrix.indices[some].astype(np.intp),
            )
            row = stop


class StoredRows:
    """Stored entries of neighbouring rows, by row and offset from the diagonal."""

    def __init__(self, matrix: Any, top: int, bottom: int, offsets: tuple[Any, Any]) -> None:
        self.top, self.bottom = top, bottom
        self.start, self.stop = max(0, top), max(0, min(matrix.shape[0], bottom))
        pointers = matrix.indptr[self.start : self.stop + 1]
        self._counts = np.diff(pointers)
        self._columns = matrix.indices[pointers[0] : pointers[-1]]
        self._values = matrix.data[pointers[0] : pointers[-1]]
        here = slice(self.start, self.stop)
        self.first = int(offsets[0][here].min(initial=np.iinfo(np.int64).max))
        self.last = int(offsets[1][here].max(initial=np.iinfo(np.int64).min))

    def runs(self, gap: int) -> list[tuple[int, int]]:
        """Return runs of offsets, first and last, that hold all stored entries; runs nearer than ``gap`` are joined."""
        if self.first > self.last:
            return []
        width = self.last - self.first + 1
        if width <= 2 * gap or len(self._columns) * FULL >= width * (self.stop - self.start):
            return [(self.first, self.last)]
        rows = np.arange(self.start, self.stop)
        stored = np.zeros(width, dtype=np.bool_)
        stored[self._columns - np.repeat(rows + self.first, self._counts)] = True
        places = np.flatnonzero(stored) + self.first
        cuts = np.flatnonzero(np.diff(places) > gap)
        firsts, lasts = places[np.append(0, cuts + 1)], places[np.append(cuts, len(places) - 1)]
        return list(zip(firsts.tolist(), lasts.tolist(), strict=True))

    def filled(
        self, offset: int, width: int, dtype: np.dtype[Any], *, mask: bool
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
        """Return the values by row and offset, shape ``(bottom - top, width)``, 0 where nothing is stored.

        Args:
            offset: The first offset.
            width: Number of offsets.
            dtype: Type of the values.
            mask: Whether True is returned where nothing is stored, besides the values; else None is.
        """
        values = np.zeros((self.bottom - self.top, width), dtype=dtype)
        places, chosen = self._places(offset, width)
        values.reshape(-1)[places] = self._values if chosen is None else self._values[chosen]
        if not mask:
            return values, None
        unstored = np.ones(values.shape, dtype=np.bool_)
        unstored.reshape(-1)[places] = False
        return values, unstored

    def _places(self, offset: int, width: int) -> tuple[Places, Any]:
        """Return the place of each stored entry in such a rectangle, and which entries lie in it, None if all do."""
        rows = np.arange(self.start, self.stop, dtype=np.intp)
        whole = self.first >= offset and self.last < offset + width
        if not whole and width * FEW < self.last - self.first:  # a small part: sort the entries once for all parts
            order, offsets, starts = self._by_offset
            part = slice(*np.searchsorted(offsets, [offset, offset + width]))
            return (starts[part] - self.top) * width + offsets[part] - offset, order[part]
        places = np.repeat((rows - self.top) * width * whole - rows - offset, self._counts)
        places += self._columns
        if whole:
            return places, None
        chosen = np.flatnonzero(places.view(np.uintp) < width)
        return places[chosen] + np.repeat((rows - self.top) * width, self._counts)[chosen], chosen

    @cached_property
    def _by_offset(self) -> tuple[Places, npt.NDArray[Any], Places]:
        """The order of the entries by offset; their offsets and their rows in that order."""
        rows = np.repeat(np.arange(self.start, self.stop), self._counts)
        offsets = self._columns - rows
        order = np.argsort(offsets, kind="stable")
        return order, offsets[order], rows[order]


@dataclass(frozen=True, eq=False)
class UpperTriangle:
    """A symmetric sparse matrix that keeps only its entries on and above the diagonal.

    Attributes:
        upper: These entries, compressed sorted rows, no entry twice.

    Example:
        >>> from scipy.sparse import csr_array
        >>> UpperTriangle(csr_array(np.array([[1, 2], [0, 0]]))).toarray()
        array([[1, 2],
               [2, 0]])
    """

    upper: Any
    ndim: int = 2

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.upper.shape
        return int(rows), int(columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        dtype: np.dtype[Any] = self.upper.dtype
        return dtype

    @property
    def nnz(self) -> int:
        """Number of stored entries of the whole matrix."""
        return int(2 * self.upper.nnz - self.on_diagonal)

    @cached_property
    def on_diagonal(self) -> int:
        """Number of stored entries on the diagonal."""
        filled = np.flatnonzero(np.diff(self.upper.indptr))
        return int((self.upper.indices[self.upper.indptr[filled]] == filled).sum())

    def tocsr(self) -> Any:
        """Return the whole matrix in compressed sorted rows."""
        from scipy.sparse import coo_array, csr_array

        stored = self.upper.tocoo()
        off = np.flatnonzero(stored.row != stored.col)
        rows, columns = np.append(stored.row, stored.col[off]), np.append(stored.col, stored.row[off])
        whole = csr_array(coo_array((np.append(stored.data, stored.data[off]), (rows, columns)), shape=self.shape))
        whole.sum_duplicates()  # there are none; this sorts every row
        return whole

    def toarray(self) -> npt.NDArray[Any]:
        """Return the whole matrix as an array."""
        dense: npt.NDArray[Any] = self.tocsr().toarray()
        return dense


@dataclass(frozen=True, eq=False)
class HalfStorage:
    """A symmetric sparse matrix whose lower half is read from the upper one.

    Attributes:
        matrix: The matrix.
    """

    matrix: UpperTriangle
    sparse: bool = True

    @cached_property
    def upper(self) -> SparseStorage:
        """The upper half."""
        return SparseStorage(self.matrix.upper)

    @cached_property
    def whole(self) -> SparseStorage:
        """Both halves; they are written out when they are first asked for."""
        return SparseStorage(self.matrix.tocsr())

    def part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a rectangle, 0 where nothing is stored, and where that is."""
        above = self.upper.part(top, bottom, first, last)
        if first >= bottom - 1:
            return above
        below = np.arange(top, bottom)[:, None] > np.arange(first, last)
        mirrored = self.upper.part(first, last, top, bottom)
        values, unstored = (np.where(below, m.T, one) for one, m in zip(above, mirrored, strict=True))
        return values, unstored

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read some entries, 0 where nothing is stored."""
        return self.upper.at(np.minimum(rows, columns), np.maximum(rows, columns))

    @property
    def entries(self) -> int:
        """Number of stored entries of both halves."""
        return self.matrix.nnz

    @property
    def least(self) -> Any:
        """The smallest stored value, NaN if one is NaN; 0 if there is none."""
        return self.upper.least

    @property
    def filled(self) -> tuple[int, int]:
        """The first row of the upper half with stored entries, and the last one plus 1."""
        return self.upper.filled

    @property
    def width(self) -> int:
        """Number of offsets from the first to the last one that is stored in the upper half."""
        return self.upper.width

    def rows(self, top: int, bottom: int) -> _MirroredRows:
        """Return the stored entries of some rows; runs of offsets are those of the upper half alone."""
        return _MirroredRows(self.upper, top, bottom)

    def listed(self, *, once: bool = False) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the stored entries, some rows of the upper half at a time.

        Args:
            once: Whether the lower half is left out.
        """
        for values, rows, columns in self.upper.listed():
            yield values, rows, columns
            if not once:
                off = np.flatnonzero(rows != columns)
                yield values[off], columns[off], rows[off]


class _MirroredRows:
    """Stored entries of neighbouring rows of a symmetric matrix, read from its upper half."""

    def __init__(self, upper: SparseStorage, top: int, bottom: int) -> None:
        self._upper, self._rows, self.top, self.bottom = upper, upper.rows(top, bottom), top, bottom

    def runs(self, gap: int) -> list[tuple[int, int]]:
        """Return runs of offsets of the upper half, see :meth:`StoredRows.runs`."""
        return self._rows.runs(gap)

    def filled(
        self, offset: int, width: int, dtype: np.dtype[Any], *, mask: bool
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
        """Return the values by row and offset, see :meth:`StoredRows.filled`."""
        if offset >= 0:
            return self._rows.filled(offset, width, dtype, mask=mask)
        rows = self._upper.rows(self.top + offset, self.bottom)
        values, unstored = rows.filled(0, max(offset + width, 1 - offset), dtype, mask=mask)
        mirrored = None if unstored is None else self._mirrored(unstored, -offset, width)
        return self._mirrored(values, -offset, width), mirrored

    def _mirrored(self, upper: npt.NDArray[Any], below: int, width: int) -> npt.NDArray[Any]:
        """Put the mirror image in front of offsets from 0 on, given ``below`` more rows above.

        Entry ``(i, i - e)`` is entry ``(i - e, i)``: e rows up, at offset e.
        """
        height = self.bottom - self.top
        values = np.empty((height, width), dtype=upper.dtype)
        above = max(0, width - below)
        values[:, width - above :] = upper[below:, :above]
        for apart in range(below, max(0, below - width), -1):
            values[:, below - apart] = upper[below - apart : below - apart + height, apart]
        return values
