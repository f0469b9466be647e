"""Whole rows and columns that were not measured, as two vectors instead of a mask of every entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MissingLines"]

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class MissingLines:
    """A mask that is True in whole rows and whole columns; it is indexed as a mask of every entry.

    Attributes:
        rows: True for each row that was not measured, shape ``(n,)``.
        columns: The same for columns, shape ``(m,)``.

    Example:
        >>> lines = MissingLines(np.array([False, True]), np.array([True, False, False]))
        >>> lines[0:2, 0:2]
        array([[ True, False],
               [ True,  True]])
        >>> lines[np.array([0, 1]), np.array([1, 1])]
        array([False,  True])
    """

    rows: Flags
    columns: Flags

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return len(self.rows), len(self.columns)

    @property
    def T(self) -> MissingLines:  # noqa: N802  # as arrays have it
        """The mask of the transposed matrix."""
        return MissingLines(self.columns, self.rows)

    def __getitem__(self, key: tuple[Any, Any]) -> Flags:
        """Return a rectangle as two slices give it, or some entries as two arrays of places give them."""
        rows, columns = self.rows[key[0]], self.columns[key[1]]
        mask: Flags = rows[:, None] | columns if isinstance(key[0], slice) else rows | columns
        return mask

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Flags:
        """Return the mask of every entry, for small matrices."""
        return self[:, :]

    def __or__(self, other: MissingLines | Flags) -> MissingLines | Flags:
        """Join two masks."""
        if isinstance(other, MissingLines):
            return MissingLines(self.rows | other.rows, self.columns | other.columns)
        return self[:, :] | other

    def first_unmatched(self) -> tuple[int, int] | None:
        """Return an entry of a square mask that is True while its mirror image is not; None if there is none.

        Example:
            >>> MissingLines(np.array([False, True]), np.array([False, False])).first_unmatched()
            (1, 0)
        """
        for line in np.flatnonzero(self.rows != self.columns).tolist():
            others = np.flatnonzero(~(self.rows if self.rows[line] else self.columns))
            if len(others):
                other = int(others[0])
                return (line, other) if self.rows[line] else (other, line)
        return None

    @classmethod
    def none(cls, shape: tuple[int, int]) -> MissingLines:
        """Return a mask that is False everywhere."""
        return cls(np.zeros(shape[0], dtype=np.bool_), np.zeros(shape[1], dtype=np.bool_))

    def isolated(self, half: tuple[int, int], edges: tuple[Places, Places], *, hole: int = 0) -> tuple[Places, Places]:
        """Return the rows and the columns that were measured, but none other within ``half`` rows or columns of them.

        Args:
            half: Reach in rows and in columns.
            edges: First row of each part, and the number of rows; the same for columns. Nothing reaches across.
            hole: Rows and columns that are at most so far away do not count.

        Example:
            >>> lines = MissingLines(np.array([False, True, False, False]), np.zeros(2, dtype=bool))
            >>> edges = np.array([0, 4]), np.array([0, 1, 2])
            >>> [places.tolist() for places in lines.isolated((1, 1), edges)]
            [[0], [0, 1]]
        """
        lines = zip((self.rows, self.columns), half, edges, strict=True)
        rows, columns = (_lonely(~line, reach, parts, hole) for line, reach, parts in lines)
        return rows, columns


def _lonely(measured: Flags, reach: int, edges: Places, hole: int) -> Places:
    """Return the places that are True while all others within reach are False, but for those in a hole around."""
    before = np.concatenate([[0], np.cumsum(measured)])
    places = np.flatnonzero(measured)
    part = np.searchsorted(edges, places, "right")

    def counted(apart: int) -> Places:
        low, high = np.maximum(places - apart, edges[part - 1]), np.minimum(places + apart + 1, edges[part])
        return np.asarray(before[high] - before[low])

    return np.asarray(places[counted(reach) == counted(min(hole, reach))])
