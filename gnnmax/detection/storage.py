"""How a matrix is kept, and how parts of it are read: dense arrays here, others in modules of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gnnmax.task.arrays import plain_layout

__all__ = ["DenseStorage", "Places", "Storage", "computable", "lowest", "tiles_of"]

Places = npt.NDArray[np.intp]


class Storage(Protocol):
    """A matrix that can be read in parts."""

    @property
    def matrix(self) -> Any:
        """The matrix itself."""

    @property
    def sparse(self) -> bool:
        """Whether only some entries are stored."""

    def part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a rectangle; also True where nothing is stored, None if every entry is."""
        ...

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read some entries; an entry that is not stored is 0."""
        ...


@dataclass(frozen=True, eq=False)
class DenseStorage:
    """An array in memory, or mapped into it."""

    matrix: npt.NDArray[Any]
    sparse: bool = False

    def part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Return a view of a rectangle."""
        return self.matrix[top:bottom, first:last], None

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read some entries."""
        return plain_layout(np.asarray(self.matrix[rows, columns])).reshape(-1)


def tiles_of(shape: tuple[int, ...], tile: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield first row, first column, rows and columns of the tiles of a rectangle, by row and column.

    Example:
        >>> list(tiles_of((3, 2), (2, 2)))
        [(0, 0, 2, 2), (2, 0, 1, 2)]
    """
    (n, m), (height, width) = shape, tile
    for row in range(0, n, height):
        for column in range(0, m, width):
            yield row, column, min(height, n - row), min(width, m - column)


def lowest(dtype: np.dtype[Any]) -> Any:
    """Return the lowest number of a type: it exceeds nothing."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def computable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type to compute in: native, wider for half precision and for types whose lowest number is common."""
    dtype = dtype.newbyteorder("=")
    if dtype == np.float16:
        return np.dtype(np.float32)
    widened = {1: np.int16, 2: np.int32, 4: np.int64}
    if dtype.kind in "bu" and dtype.itemsize in widened:
        return np.dtype(widened[dtype.itemsize])
    return dtype
