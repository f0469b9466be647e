"""Arrays that hand out slices, such as those of zarr, h5py and dask: read page by page, aligned with their chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.storage import Places, tiles_of
from gnnmax.errors import InputError
from gnnmax.task.arrays import plain_layout

__all__ = ["ArrayStorage", "Page", "PlainSlices", "hands_out_slices", "page_side"]

PAGE = 2**22
"""Approximate number of bytes that are read together; a chunk that is larger is read in parts."""

LEAST_ROWS = 128
"""Rows of a page if chunks have fewer."""


def hands_out_slices(matrix: Any) -> bool:
    """Return whether an object is no array of numpy, but has a shape, a type of numpy's and slices."""
    return (
        not isinstance(matrix, np.ndarray)
        and hasattr(matrix, "__getitem__")
        and isinstance(getattr(matrix, "dtype", None), np.dtype)
        and isinstance(getattr(matrix, "shape", None), tuple)
    )


class PlainSlices:
    """An array that hands out slices, each as a plain array of numpy: masked entries are NaN.

    Args:
        matrix: The array, such as those of zarr, h5py and dask.

    Raises:
        InputError: its sides are not known.
    """

    def __init__(self, matrix: Any) -> None:
        if not all(isinstance(side, (int, np.integer)) for side in matrix.shape):
            raise InputError(
                f"the matrix has sides that are not known yet, {tuple(matrix.shape)}: compute them first, in dask by "
                "compute_chunk_sizes()"
            )
        self._matrix = matrix
        self.shape, self.dtype = tuple(map(int, matrix.shape)), matrix.dtype
        self.chunks = getattr(matrix, "chunks", None)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Read a slice.

        Raises:
            InputError: masked entries of a type that has no NaN.
        """
        part = self._matrix[key]
        found = np.asanyarray(_computed(part) if hasattr(part, "compute") else part)  # dask drops masks on conversion
        if not isinstance(found, np.ma.MaskedArray):
            return np.asarray(found)
        if not np.ma.getmaskarray(found).any():
            return np.asarray(found.data)
        if found.dtype.kind != "f":
            raise InputError(
                f"the matrix hands out masked {found.dtype}, which has no NaN: convert it to float64, or give the mask "
                "as missing"
            )
        return np.asarray(found.filled(np.nan))


def _computed(part: Any) -> Any:
    """Compute a slice, of dask in this thread unless a scheduler was chosen.

    A slice is one chunk or a few. The threads of dask each keep the memory of chunks that were freed.
    """
    if type(part).__module__.partition(".")[0] != "dask":
        return part.compute()
    chosen = import_module("dask.base").get_scheduler()
    return part.compute(**{"scheduler": "synchronous"} if chosen is None else {})


@dataclass(frozen=True, eq=False)
class Page:
    """A part of a matrix in memory, which reads like the matrix inside this part.

    Attributes:
        values: The part.
        top: Its first row.
        first: Its first column.
        shape: Rows and columns of the matrix.
    """

    values: npt.NDArray[Any]
    top: int
    first: int
    shape: tuple[int, int]
    sparse: bool = False

    @property
    def matrix(self) -> npt.NDArray[Any]:
        """The part."""
        return self.values

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.values.dtype

    def part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Return a view of a rectangle."""
        rows, columns = slice(top - self.top, bottom - self.top), slice(first - self.first, last - self.first)
        return self.values[rows, columns], None

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read some entries."""
        return plain_layout(np.asarray(self.values[rows - self.top, columns - self.first])).reshape(-1)


class PageTiles(NamedTuple):
    """A page, and the tiles that are searched in it: first row, first column, rows and columns of each."""

    page: Page
    tiles: list[tuple[int, int, int, int]]


@dataclass(frozen=True, eq=False)
class ArrayStorage:
    """An array that hands out slices.

    Attributes:
        matrix: The array; what its slices give is converted by ``numpy.asarray``.
    """

    matrix: Any
    sparse: bool = False

    def part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a rectangle."""
        return np.asarray(self.matrix[top:bottom, first:last]), None

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read some entries, page by page."""
        found = np.empty(len(rows), dtype=self.matrix.dtype.newbyteorder("="))
        order = np.argsort(rows, kind="stable")
        down, across = self.page_sides
        for row, column, height, width in tiles_of(self.matrix.shape, (down, across)):
            some = order[slice(*np.searchsorted(rows[order], [row, row + height]))]
            some = some[(columns[some] >= column) & (columns[some] < column + width)]
            if len(some):
                page = np.asarray(self.matrix[row : row + height, column : column + width])
                found[some] = page[rows[some] - row, columns[some] - column]
        return plain_layout(found)

    @property
    def page_sides(self) -> tuple[int, int]:
        """Rows and columns of a page: whole chunks, unless one is too large."""
        n, m = self.matrix.shape
        entries = PAGE // self.matrix.dtype.itemsize
        rows, columns = (_chunk_side(self.matrix, axis) for axis in (0, 1))
        rows *= -(-LEAST_ROWS // rows)
        rows = min(rows, n, max(LEAST_ROWS, entries // columns))
        columns *= max(1, entries // (rows * columns))
        return rows, min(columns, m)

    def pages(self, border: tuple[int, int], tile: tuple[int, int]) -> Iterator[PageTiles]:
        """Yield pages and their tiles: each entry of the matrix in one tile, each tile with its border in its page.

        Pages go down one after the other, and then to the right. Rows are read once, as the last ones of a page are
        kept for the next one; columns of the border are read for both pages beside it.
        """
        (n, m), (up, left), (height, width) = self.matrix.shape, border, self.page_sides
        for column in range(0, m, width):
            columns = min(width, m - column)
            first, last = max(0, column - left), min(m, column + columns + left)
            kept, done = np.empty((0, last - first), dtype=self.matrix.dtype), 0
            for row in range(0, n, height):
                bottom = min(n, row + height)
                values = np.concatenate([kept, np.asarray(self.matrix[row:bottom, first:last])])
                top, ready = row - len(kept), n if bottom == n else max(done, bottom - up)
                inside = tiles_of((ready - done, columns), tile)
                tiles = [(i + done, j + column, rows, wide) for i, j, rows, wide in inside]
                yield PageTiles(Page(values, top, first, (n, m)), tiles)
                done = ready
                kept = values[max(0, ready - up) - top :].copy()
                del values  # before the next page is read


def page_side(matrix: Any) -> int:
    """Return the side of squares that hold whole chunks of an array; 1 if it has none."""
    return max(_chunk_side(matrix, axis) for axis in (0, 1)) if getattr(matrix, "chunks", None) else 1


def _chunk_side(matrix: Any, axis: int) -> int:
    """Return rows or columns of a chunk, where they differ those of the first one; 1 row and all columns if unknown."""
    chunks = getattr(matrix, "chunks", None)
    if not chunks or len(chunks) != 2:
        return int(matrix.shape[1]) if axis else 1
    side: Any = chunks[axis]
    return max(1, min(int(side[0] if isinstance(side, tuple) else side), int(matrix.shape[axis])))
