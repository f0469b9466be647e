"""What was found: the maxima of a matrix, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        """Yield ``(row, column, value)`` of each."""
        return iter(zip(self.rows.tolist(), self.columns.tolist(), self.values.tolist(), strict=True))

    def __getitem__(self, index: Any) -> Maxima:
        """Return some of them, by slice, mask or indices."""
        chosen = {name: getattr(self, name)[index] for name in _COLUMNS}
        return Maxima(**chosen, mode=self.mode, k=self.k, names=self.names)


_COLUMNS = ("rows", "columns", "values", "margin", "ties", "missing")


def sorted_by_value(maxima: Maxima) -> Maxima:
    """Return them in their order: value from the largest down, then row, then column."""
    values = maxima.values
    down = -values if values.dtype.kind == "f" else np.unique(values, return_inverse=True)[1] * -1
    width = int(maxima.columns.max(initial=0)) + 1
    return maxima[np.lexsort((maxima.rows * width + maxima.columns, down))]
