"""Breaks between rows and between columns, such as borders of chromosomes: neighbours across one are no neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.storage import Places
from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array

__all__ = ["Breaks", "as_breaks"]

Tile = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Breaks:
    """The parts that rows and columns fall into. Windows, distances and decoys do not reach from one into another.

    Attributes:
        rows: First row of each part, and the number of rows.
        columns: First column of each part, and the number of columns.

    Example:
        >>> breaks = Breaks(np.array([0, 2, 5]), np.array([0, 2, 5]))
        >>> breaks.same_part(np.array([0, 1, 4]), np.array([1, 2, 3]))
        array([ True, False,  True])
        >>> list(breaks.cut((1, 0, 3, 2)))
        [(1, 0, 1, 2), (2, 0, 2, 2)]
    """

    rows: Places
    columns: Places

    @classmethod
    def none(cls, shape: tuple[int, int]) -> Breaks:
        """Return a single part of all rows and all columns."""
        return cls(np.array([0, shape[0]]), np.array([0, shape[1]]))

    @property
    def inner(self) -> tuple[Places, Places]:
        """The first row and the first column of each further part, as :func:`as_breaks` takes them."""
        return self.rows[1:-1], self.columns[1:-1]

    @property
    def equal_sides(self) -> bool:
        """Whether rows and columns have the same parts."""
        return np.array_equal(self.rows, self.columns)

    def limits(self, rows: Any, columns: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Return the first row and the last one, plus 1, of the parts of some rows; and the same for some columns."""
        parts = [
            np.searchsorted(edges, places, "right") for edges, places in ((self.rows, rows), (self.columns, columns))
        ]
        return (self.rows[parts[0] - 1], self.rows[parts[0]]), (self.columns[parts[1] - 1], self.columns[parts[1]])

    def same_part(self, rows: Places, columns: Places) -> npt.NDArray[np.bool_]:
        """Return whether a row and a column of the same number space are in one part, shapes that broadcast."""
        if len(self.rows) == 2:
            return np.ones(np.broadcast_shapes(np.shape(rows), np.shape(columns)), dtype=np.bool_)
        first, last = self.limits(rows, 0)[0]
        return np.asarray((columns >= first) & (columns < last))

    def apart(self, rows: Places, columns: Places, distance: int) -> tuple[Places, Places]:
        """Move rows and columns so that those of different parts are at least a distance apart."""
        parts = self._numbers(rows, columns)
        return rows + distance * parts[0], columns + distance * parts[1]

    def _numbers(self, rows: Any, columns: Any) -> tuple[Any, Any]:
        """Return the numbers of the parts of some rows and columns, from 1 on."""
        return np.searchsorted(self.rows, rows, "right"), np.searchsorted(self.columns, columns, "right")

    def cut(self, tile: Tile) -> Iterator[Tile]:
        """Cut a tile (first row, first column, rows, columns) at the breaks."""
        row, column, height, width = tile
        sides = (_pieces(self.rows, row, row + height), _pieces(self.columns, column, column + width))
        for (top, bottom), (first, last) in product(*sides):
            yield top, first, bottom - top, last - first

    def columns_within(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return the first column, and the last one plus 1, of each part that has columns from first to last."""
        parts = np.searchsorted(self.columns, [max(first, 0), min(last, self.columns[-1] - 1)], "right")
        return list(pairwise(self.columns[parts[0] - 1 : parts[1] + 1].tolist()))

    def rows_within(self, first: int, last: int) -> list[tuple[int, int]]:
        """Cut rows from first to last, exclusive, at the breaks."""
        return _pieces(self.rows, first, last)


def _pieces(edges: Places, first: int, last: int) -> list[tuple[int, int]]:
    inner = edges[slice(*np.searchsorted(edges, [first + 1, last]))].tolist()
    return list(pairwise([first, *inner, last]))


def as_breaks(given: Any, shape: tuple[int, int]) -> Breaks:
    """Check breaks: for rows and for columns, the first one of each further part, in rising order.

    Raises:
        InputError: not two lists of whole numbers that rise inside the matrix.

    Example:
        >>> as_breaks(([2], []), (5, 3)).rows.tolist()
        [0, 2, 5]
    """
    if not isinstance(given, tuple) or len(given) != 2:
        raise InputError("breaks must be a tuple of two lists, for rows and for columns")
    edges = []
    for side, length, name in zip(given, shape, ("rows", "columns"), strict=True):
        places = as_array(side, f"the breaks between {name}") if len(side) else np.empty(0, dtype=np.int64)
        inside = places.ndim == 1 and places.dtype.kind in "iu" and (np.diff([0, *places.tolist(), length]) > 0).all()
        if not inside:
            raise InputError(
                f"breaks between {name} must be whole numbers that rise, from 1 to {length - 1}: the first of each "
                "further part"
            )
        edges.append(np.array([0, *places.tolist(), length], dtype=np.intp))
    return Breaks(*edges)
