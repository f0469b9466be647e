"""The maxima of a matrix, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.search_options import Mode

__all__ = ["Maxima", "Places", "descending_order", "margin_over", "sorted_by_value"]

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
        ties: Number of other entries of the window that are as large.
        missing: Number of entries of the window that were not measured or lie outside the matrix; 0 in graph mode.
        mode: ``ordered`` or ``graph``.
        k: Rows and columns of the windows; None in graph mode.
        names: Names of the rows and of the columns, if the input has them; else None.
        scores: The values after normalisation, float64. The search compares these, ``margin`` is theirs, and the
            largest is first. None without normalisation.
        steps: Names of the normalisations, in the order applied.
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
        """Yield ``(row, column, value)``, one tuple a maximum."""
        return iter(zip(self.rows.tolist(), self.columns.tolist(), self.values.tolist(), strict=True))

    def __getitem__(self, index: Any) -> Maxima:
        """Select maxima by slice, mask or indices."""
        chosen = {name: getattr(self, name)[index] for name in _COLUMNS}
        scores = None if self.scores is None else self.scores[index]
        return replace(self, **chosen, scores=scores)


_COLUMNS = ("rows", "columns", "values", "margin", "ties", "missing")


def sorted_by_value(maxima: Maxima) -> Maxima:
    """Sort maxima by value in place, the largest first; equal ones keep their order."""
    order = descending_order(maxima.values)
    for name in _COLUMNS:  # column by column: there may be many maxima, and memory is short
        column = getattr(maxima, name)
        if column.any():
            column[:] = column[order]
    return maxima


def margin_over(rivals: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Subtract rivals that are no larger from values; whole numbers are subtracted before they are rounded.

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
"""Approximate number of values sorted together: more need memory and exceed the processor's cache."""


def descending_order(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the stable order that sorts values from the largest down; none is NaN.

    Cost: two passes of a radix sort; for many values, one more comparison of all of them for each piece.

    Example:
        >>> descending_order(np.array([-0.0, 3, -1, 3, 0], dtype=np.float32))
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
    """Sort in single precision, by the lower half of the bits and then by the upper; correct the rest by a sort."""
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
