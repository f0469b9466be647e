"""The entries of a square matrix beside their mirror images, and how far the two halves differ."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.array_storage import page_side
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.storage import tiles_of

__all__ = ["Comparison", "DensePairs", "SparsePairs"]

Places = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

SIDE = 256
"""Rows and columns of the blocks of a dense matrix that are compared."""

MOST = 1024
"""The same of an array in larger chunks."""

COMPARED = 2**18
"""Approximate number of stored entries of a sparse matrix that are compared together."""

ROUNDINGS = 32
"""Largest difference of entries that count as equal, in roundings of the type: sums in another order reach a few."""

HALF_ROUNDINGS = 2
"""The same in half precision: a type for storage, which is rounded once."""


Half = Literal["upper", "lower"]


class _Pairs(NamedTuple):
    """Entries above the diagonal, and their mirror images; in a block, shape ``(rows, columns)``, or one by one.

    Where an entry is missing it holds 0 and is marked. ``there`` says whether a half holds anything else.
    """

    rows: Places
    columns: Places
    upper: npt.NDArray[Any]
    lower: npt.NDArray[Any]
    no_upper: Mask
    no_lower: Mask
    there: tuple[bool, bool]


class DensePairs:
    """The pairs of a dense matrix, block by block."""

    unmatched: tuple[int, int] | None = None
    """An entry that is missing while its mirror image was measured, and that no pair shows."""

    only: Half | None = None
    """The half that alone holds entries, where that shows without a comparison."""

    def __init__(self, matrix: Any, missing: Any) -> None:
        self.matrix, self.missing, n = matrix, missing, matrix.shape[0]
        side = max(SIDE, min(page_side(matrix), MOST))
        self.cuts = [slice(start, min(start + side, n)) for start in range(0, n, side)]

    def equal(self) -> bool:
        """Find out whether the matrix is its own transpose, missing entries included."""
        for rows, columns in combinations_with_replacement(self.cuts, 2):
            (one, no_one), (other, no_other) = self._block(rows, columns), self._block(columns, rows)
            if no_one is None or no_other is None:
                if no_one is not no_other:
                    return False
            elif not np.array_equal(no_one, no_other.T):
                return False
            if not np.array_equal(one, other.T):
                return False
        return True

    def strips(self) -> Iterator[tuple[slice, Iterator[_Pairs]]]:
        """Yield some rows and their pairs with later rows, in order."""
        for number, rows in enumerate(self.cuts):
            yield rows, (pairs for columns in self.cuts[number:] for pairs in self._pairs(rows, columns))

    def _pairs(self, rows: slice, columns: slice) -> Iterator[_Pairs]:
        """Read two blocks, and yield their pairs in parts that need little memory."""
        (upper, no_upper), (lower, no_lower) = self._block(rows, columns), self._block(columns, rows)
        for i, j, height, width in tiles_of(upper.shape, (SIDE, SIDE)):
            if rows == columns and i > j:
                continue
            one, none = (slice(i, i + height), slice(j, j + width)), np.zeros((height, width), dtype=np.bool_)
            parts = [upper[one], lower[one[::-1]].T, none if no_upper is None else no_upper[one]]
            parts.append(none if no_lower is None else no_lower[one[::-1]].T)
            if rows == columns and i == j:
                parts = [np.triu(part, 1) for part in parts]
            yield _Pairs(
                rows=rows.start + i + np.arange(height),
                columns=columns.start + j + np.arange(width),
                upper=parts[0],
                lower=parts[1],
                no_upper=parts[2],
                no_lower=parts[3],
                there=(bool(parts[0].any()), bool(parts[1].any())),
            )

    def _block(self, rows: slice, columns: slice) -> tuple[npt.NDArray[Any], Mask | None]:
        """Read a block, with 0 where an entry is missing, and the mask of these; None if there are none."""
        block, hidden = np.asarray(self.matrix[rows, columns]), None
        if self.missing is not None:
            hidden = np.asarray(self.missing[rows, columns])
        if block.dtype.kind == "f" and np.isnan(block.max()):
            hidden = np.isnan(block) if hidden is None else np.isnan(block) | hidden
        return (block, None) if hidden is None or not hidden.any() else (np.where(hidden, 0, block), hidden)


class SparsePairs:
    """The pairs of a sparse matrix with at least one stored entry, some rows at a time.

    ``unmatched`` is an entry that is missing while its mirror image is an unstored zero.
    """

    def __init__(self, matrix: Any, missing: Any, unstored: str) -> None:
        self.matrix, self.missing, self.hides = matrix, missing, unstored == "missing"
        rows = np.flatnonzero(np.diff(matrix.indptr))
        first, last = matrix.indices[matrix.indptr[rows]], matrix.indices[matrix.indptr[rows + 1] - 1]
        above, below = bool((last > rows).any()), bool((first < rows).any())
        self.only: Half | None = None if above == below else "upper" if above else "lower"
        zeros_count = unstored == "zero" and missing is not None
        self.unmatched = _first_unmatched(missing) if zeros_count else None

    @functools.cached_property
    def turned(self) -> Any:
        """The transposed matrix."""
        turned = self.matrix.T.tocsr()
        turned.sort_indices()
        return turned

    def equal(self) -> bool:
        """Find out whether the matrix is its own transpose, missing entries included."""
        one, other = self.matrix, self.turned
        return (
            np.array_equal(one.indptr, other.indptr)
            and np.array_equal(one.indices, other.indices)
            and (np.array_equal(one.data, other.data) or np.array_equal(one.data, other.data, equal_nan=True))
            and (self.missing is None or _first_unmatched(self.missing) is None)
        )

    def strips(self) -> Iterator[tuple[slice, Iterator[_Pairs]]]:
        """Yield some rows and their pairs with later rows, in order."""
        stored = self.matrix.indptr.astype(np.int64) + self.turned.indptr
        steps = np.arange(COMPARED, int(stored[-1]), COMPARED)
        starts = np.unique([0, *np.searchsorted(stored, steps), len(stored) - 1])
        for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            yield slice(start, stop), iter([self._pairs(slice(start, stop))])

    def _pairs(self, rows: slice) -> _Pairs:
        n = self.matrix.shape[0]
        (one, values), (other, mirrored) = (self._above(part, rows) for part in (self.matrix, self.turned))
        places = np.union1d(one, other)
        (upper, no_upper), (lower, no_lower) = (
            self._spread(places, at, entries) for at, entries in ((one, values), (other, mirrored))
        )
        i, j = (part.astype(np.intp) for part in np.divmod(places, n))
        if self.missing is not None:
            no_upper, no_lower = no_upper | self.missing[i, j], no_lower | self.missing[j, i]
        upper[no_upper], lower[no_lower] = 0, 0
        there = tuple(
            bool((~hidden[np.searchsorted(places, stored)]).any())
            for hidden, stored in ((no_upper, one), (no_lower, other))
        )
        return _Pairs(i, j, upper, lower, no_upper, no_lower, (there[0], there[1]))

    def _above(self, matrix: Any, rows: slice) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return the entries above the diagonal in some rows: their places, numbered by row, and their values."""
        start, stop = matrix.indptr[rows.start], matrix.indptr[rows.stop]
        row = np.repeat(np.arange(rows.start, rows.stop), np.diff(matrix.indptr[rows.start : rows.stop + 1]))
        column, values = matrix.indices[start:stop], matrix.data[start:stop]
        above = column > row
        return row[above].astype(np.int64) * matrix.shape[1] + column[above], values[above]

    def _spread(
        self, places: npt.NDArray[np.int64], stored: npt.NDArray[np.int64], values: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[Any], Mask]:
        """Put stored values at some places, and mark the missing ones."""
        entries, hidden = np.zeros(len(places), dtype=values.dtype), np.full(len(places), self.hides)
        at = np.searchsorted(places, stored)
        entries[at] = values
        hidden[at] = np.isnan(values) if values.dtype.kind == "f" else False
        return entries, hidden


class Comparison:
    """What the pairs of a matrix have shown so far.

    Attributes:
        rounded: Whether every pair that is complete agrees within rounding.
        upper: Whether the half above the diagonal holds anything.
        lower: Whether the half below does.
        difference: The largest difference of a pair.
        place: Where it is, above the diagonal; None if no two entries differ.
        unmatched: The first entry that is missing while its mirror image was measured.
    """

    def __init__(self, n: int) -> None:
        self.rounded, self.upper, self.lower = True, False, False
        self.difference, self.place, self.unmatched = 0.0, None, None
        self._worst, self._scale = np.zeros(n), np.zeros(n)

    difference: float
    place: tuple[int, int] | None
    unmatched: tuple[int, int] | None

    @classmethod
    def of(cls, pairs: DensePairs | SparsePairs, matrix: Any, *, early: bool) -> Comparison:
        """Compare all pairs, or stop ``early``, when neither rounding nor an empty half is possible any more."""
        found, tolerance = cls(matrix.shape[0]), _tolerance(matrix.dtype)
        found.unmatched, found.rounded = pairs.unmatched, pairs.unmatched is None
        for rows, parts in pairs.strips():
            for part in parts:
                found._add(part)
            # All pairs of these rows have been seen by now.
            found.rounded &= bool((found._worst[rows] <= tolerance * found._scale[rows]).all())
            if early and not found.rounded and found.upper and found.lower:
                break
        return found

    def _add(self, pairs: _Pairs) -> None:
        self.upper |= pairs.there[0]
        self.lower |= pairs.there[1]
        odd = pairs.no_upper != pairs.no_lower
        if odd.any():
            self.rounded = False
            if self.unmatched is None:
                first = int(np.argmax(odd))
                i, j = self._place(pairs, first)
                self.unmatched = (i, j) if pairs.no_upper.flat[first] else (j, i)
        both = ~(pairs.no_upper | pairs.no_lower)
        wide = np.promote_types(pairs.upper.dtype, np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(np.subtract(pairs.upper, pairs.lower, dtype=wide))
        unequal = (pairs.upper != pairs.lower) & both
        least = np.finfo(np.float64).tiny if pairs.upper.dtype.kind == "f" else 1.0  # doubles merge large integers
        apart = np.where(unequal, np.maximum(apart, least), 0.0).astype(np.float64)
        sizes = [np.abs(half.astype(wide)) for half in (pairs.upper, pairs.lower)]
        scale = np.maximum(*(np.where(np.isfinite(size), size, 0) for size in sizes)).astype(np.float64)
        for ends, axis in ((pairs.rows, 1), (pairs.columns, 0)):
            _raise(self._worst, ends, apart, axis)
            _raise(self._scale, ends, scale, axis)
        if apart.size and (largest := float(apart.max())) > self.difference:
            self.difference, self.place = largest, self._place(pairs, int(apart.argmax()))

    @staticmethod
    def _place(pairs: _Pairs, index: int) -> tuple[int, int]:
        row, column = np.unravel_index(index, pairs.upper.shape) if pairs.upper.ndim == 2 else (index, index)
        return int(pairs.rows[row]), int(pairs.columns[column])

    def described(self, matrix: Any) -> str:
        """Name the two entries that differ most, or a pair with one missing entry."""
        if self.place is None and self.unmatched is not None:
            return f"entry {self.unmatched} is missing and {self.unmatched[::-1]} is not"
        assert self.place is not None
        (i, j), (one, other) = self.place, (matrix[self.place], matrix[self.place[::-1]])
        return f"entry {(i, j)} is {one!s} and {(j, i)} is {other!s}, the largest difference"


def _first_unmatched(mask: Any) -> tuple[int, int] | None:
    """Find an entry that a mask hides, but not its mirror image."""
    if isinstance(mask, MissingLines):
        return mask.first_unmatched()
    for _, parts in DensePairs(mask, None).strips():
        for part in parts:
            odd = part.upper != part.lower
            if odd.any():
                row, column = np.unravel_index(int(np.argmax(odd)), odd.shape)
                i, j = int(part.rows[row]), int(part.columns[column])
                return (i, j) if part.upper[row, column] else (j, i)
    return None


def _raise(target: npt.NDArray[np.float64], places: Places, values: npt.NDArray[np.float64], axis: int) -> None:
    """Raise some numbers to the largest of the values that belong to each."""
    if values.ndim == 2:
        target[places] = np.maximum(target[places], values.max(axis=axis))
    else:
        np.maximum.at(target, places, values)


def _tolerance(dtype: np.dtype[Any]) -> float:
    """Return the largest difference that rounding explains, relative to the entries; 0 for whole numbers."""
    if dtype.kind != "f":
        return 0.0
    return float(np.finfo(dtype.newbyteorder("=")).eps) * (HALF_ROUNDINGS if dtype.itemsize == 2 else ROUNDINGS)
