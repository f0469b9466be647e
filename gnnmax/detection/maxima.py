"""What was found: the maxima of a matrix, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Border", "Maxima", "Mode", "Ties", "from_largest", "margin_over", "sorted_by_value"]

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
    order = from_largest(maxima.values)
    for name in _COLUMNS:  # one after the other: there may be many, and memory is short
        column = getattr(maxima, name)
        if column.any():
            column[:] = column[order]
    return maxima


def margin_over(rivals: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return by how much values exceed others that are no larger; whole numbers are subtracted before they are rounded.

    Example:
        >>> margin_over(np.array([2**62, -(2**63)]), np.array([2**62 + 1, 2**63 - 1]))
        array([1.00000000e+00, 1.84467441e+19])
    """
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            return values.astype(np.float64) - rivals.astype(np.float64)
    difference: npt.NDArray[np.unsignedinteger[Any]] = (values - rivals).view(f"u{values.dtype.itemsize}")
    return difference.astype(np.float64)


PIECE = 2**19
"""Values sorted together, about: more take memory, and leave the processor's cache."""


def from_largest(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the order of values from the largest down, equal ones as they come; none is NaN.

    Cost: two passes of a radix sort; of many values, a glance at all of them for every piece too.

    Example:
        >>> from_largest(np.array([-0.0, 3, -1, 3, 0], dtype=np.float32))
        array([1, 3, 0, 4, 2])
    """
    if len(values) <= PIECE:
        return _by_digits(values)
    sample = np.sort(values[:: max(1, PIECE // 1024)])
    pieces = -(-len(values) // PIECE)
    cuts = np.unique(sample[len(sample) * np.arange(1, pieces) // pieces])[::-1]
    order, start = np.empty(len(values), dtype=np.intp), 0
    for above, least in pairwise([None, *cuts, None]):
        inside = np.ones(len(values), dtype=np.bool_) if least is None else values >= least
        if above is not None:
            inside &= values < above
        places = np.flatnonzero(inside)
        order[start : start + len(places)] = places[_by_digits(values[places])]
        start += len(places)
    return order


def _by_digits(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Sort in single precision, by the lower half of the bits and then by the upper, and put right what is left."""
    with np.errstate(over="ignore"):
        bits = np.add(values, 0, dtype=np.float32, casting="unsafe").view(np.int32)  # -0.0 becomes 0.0
    bits ^= (bits >> 31) & np.int32(2**31 - 1)  # as integers with a sign they are in order now
    bits = ~bits
    order = np.argsort(bits.astype(np.uint16), kind="stable")
    order = order[np.argsort((bits >> 16).astype(np.int16)[order], kind="stable")]
    if values.dtype == np.float32:
        return order
    ordered = values[order]
    if (ordered[1:] > ordered[:-1]).any():  # nearly in order: the sort takes little more than a pass
        order = order[np.argsort(-ordered if values.dtype.kind == "f" else ~ordered, kind="stable")]
    return order
