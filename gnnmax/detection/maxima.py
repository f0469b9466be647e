"""What was found: the maxima of a matrix, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Border", "Maxima", "Mode", "Ties", "sorted_by_value"]

Mode = Literal["ordered", "graph"]
"""Whether the order of rows and columns means something, or is an accident."""

Ties = Literal["strict", "all", "first", "plateau"]
"""Which of several equal largest entries count."""

Border = Literal["shrink", "drop"] | int
"""How many entries of a window may be missing: any number, none, or so many."""

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Maxima:
    """The maxima of a matrix, the largest first, equal ones by row, then by column.

    Attributes:
        rows: Row of each, shape ``(M,)``.
        columns: Its column.
        values: Its value, in the type of the matrix.
        margin: By how much it exceeds the largest other entry of its window (of its row and column, in graph mode), in
            the matrix's own units, float64; 0 at a tie, ``inf`` where there is no other.
        ties: How many other entries of the window are as large.
        missing: How many entries of the window were not measured or lie outside the matrix; 0 in graph mode.
        mode: ``ordered`` or ``graph``.
        k: Side of the windows as ``(rows, columns)``; None in graph mode.
        names: What the rows are called, and the columns, where the input says so; else None.
        scores: What steps made of each value, float64: these were compared, ``margin`` is theirs, and the largest is
            first; None where no step was asked for.
        steps: Names of the steps, in their order.
    """

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    margin: npt.NDArray[np.float64]
    ties: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    mode: Mode
    k: tuple[int, int] | None
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    scores: npt.NDArray[np.float64] | None = None
    steps: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        """Yield ``(row, column, value)`` of each."""
        return iter(zip(self.rows.tolist(), self.columns.tolist(), self.values.tolist(), strict=True))

    def __getitem__(self, index: Any) -> Maxima:
        """Return some of them, by slice, mask or indices."""
        chosen = {name: getattr(self, name)[index] for name in _COLUMNS}
        scores = None if self.scores is None else self.scores[index]
        return replace(self, **chosen, scores=scores)


_COLUMNS = ("rows", "columns", "values", "margin", "ties", "missing")


def sorted_by_value(maxima: Maxima) -> Maxima:
    """Order maxima, given by row and column, by value from the largest down, in place; equal ones keep their order."""
    order = _from_largest(maxima.values)
    for name in _COLUMNS:  # one after the other: there may be many, and memory is short
        column = getattr(maxima, name)
        if column.any():
            column[:] = column[order]
    return maxima


def _from_largest(values: npt.NDArray[Any]) -> Places:
    """Return the order of values from the largest down, equal ones as they come; none is NaN.

    Single precision leaves room for a value and its place in one integer, and integers are sorted twice as fast.

    Example:
        >>> _from_largest(np.array([-0.0, 3, -1, 3, 0], dtype=np.float32))
        array([1, 3, 0, 4, 2])
    """
    if values.dtype != np.float32 or len(values) >= 2**32:
        keys = -values if values.dtype.kind == "f" else -np.unique(values, return_inverse=True)[1]
        return np.argsort(keys, kind="stable")
    bits = (values + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    bits ^= (bits >> 31) & np.int32(2**31 - 1)  # as integers with a sign they are in order now
    places = ~bits.astype(np.int64)
    places <<= 32
    places |= np.arange(len(values), dtype=np.uint32)
    places.sort()
    places &= 2**32 - 1
    return places
