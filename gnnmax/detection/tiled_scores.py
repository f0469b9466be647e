"""Scores of all entries of a matrix in square tiles: in memory while they are few, else in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["TiledScores"]

IN_MEMORY = 2**27
"""Most bytes of scores that are kept in memory."""

Scores = npt.NDArray[np.float32]


class TiledScores:
    """A score map that is written strip by strip and read in slices, as a search reads arrays of zarr and h5py.

    Args:
        shape: Rows and columns.
        side: Side of the tiles, and rows of a strip.
        mirrored: Whether the matrix is symmetric: only tiles on and above the diagonal are kept.

    Example:
        >>> scores = TiledScores((3, 3), side=2, mirrored=True)
        >>> scores.write(0, np.array([[1, 2, 3], [9, 4, 5]], dtype=np.float32))
        >>> scores.write(2, np.array([[9, 9, 6]], dtype=np.float32))
        >>> scores[0:3, 0:3]
        array([[1., 2., 3.],
               [2., 4., 5.],
               [3., 5., 6.]], dtype=float32)
    """

    def __init__(self, shape: tuple[int, int], *, side: int, mirrored: bool) -> None:
        self.shape, self.dtype, self.chunks = shape, np.dtype(np.float32), (side, side)
        self._mirrored = mirrored
        self._places: dict[tuple[int, int], int] = {}
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # closed with this object
        weakref.finalize(self, self._file.close)

    def write(self, row: int, strip: Scores) -> None:
        """Write the strip whose first row is this one, a multiple of the side; its rows are those of one tile."""
        side = self.chunks[0]
        self._file.seek(0, 2)
        for column in range(row if self._mirrored else 0, self.shape[1], side):
            tile = np.array(strip[:, column : column + side])
            if self._mirrored and column == row:
                tile = np.triu(tile) + np.triu(tile, 1).T
            self._places[row // side, column // side] = self._file.tell()
            self._file.write(tile.tobytes())

    def __getitem__(self, index: tuple[Any, Any]) -> Scores:
        """Read a rectangle, given by two slices."""
        (top, bottom, _), (first, last, _) = (part.indices(size) for part, size in zip(index, self.shape, strict=True))
        found, side = np.empty((max(bottom - top, 0), max(last - first, 0)), dtype=np.float32), self.chunks[0]
        for i in range(top - top % side, bottom, side):
            for j in range(first - first % side, last, side):
                rows, columns = slice(max(top, i), min(bottom, i + side)), slice(max(first, j), min(last, j + side))
                tile = self._tile(i // side, j // side)[
                    rows.start - i : rows.stop - i, columns.start - j : columns.stop - j
                ]
                found[rows.start - top : rows.stop - top, columns.start - first : columns.stop - first] = tile
        return found

    def _tile(self, row: int, column: int) -> Scores:
        """Read a tile by its number; one below the diagonal of a symmetric matrix is a mirror image."""
        if self._mirrored and row > column:
            return self._tile(column, row).T
        height, width = (
            min(side, size - at * side) for side, size, at in zip(self.chunks, self.shape, (row, column), strict=True)
        )
        self._file.seek(self._places[row, column])
        return np.frombuffer(self._file.read(4 * height * width), dtype=np.float32).reshape(height, width)
