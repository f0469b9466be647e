"""Blocks of a matrix as they are read: with a border, missing entries marked, values normalised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gnnmax.detection.array_storage import ArrayStorage, Page, hands_out_slices
from gnnmax.detection.blocks import Block
from gnnmax.detection.breaks import Breaks
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.given_order import GivenOrder
from gnnmax.detection.halves import UNCHECKED, Symmetry
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.search_options import Unstored
from gnnmax.detection.sparse_storage import HalfStorage, SparseStorage, UpperTriangle, is_sparse
from gnnmax.detection.storage import DenseStorage, Places, computable, lowest
from gnnmax.detection.upper_half import UpperHalf

__all__ = ["BlockReader", "FittedNormalisation"]


@dataclass(frozen=True)
class FittedNormalisation:
    """A normalisation that was fitted to a whole matrix and maps its entries one by one.

    Attributes:
        name: Name of the normalisation.
        mapped: Takes values, rows and columns, shapes that broadcast; returns float64, NaN where there is no score.
        by_value: Whether equal values are mapped to equal scores at every position.
        keeps_zero: Whether 0 is mapped to 0 or to no score.
        flat_zeros: Whether zeros whose surroundings are zeros have the score 0, or none where ``scored`` says so.
        signed: Whether entries of at least 0 may have negative scores.
        lost: Number of measured entries without a score.
        reason: Why these have none.
        scored: For each distance ``|i - j|``, whether entries there have scores; None if all entries have.
        reach: How many rows and columns away an entry may be that a score depends on. Where it is above 0, ``mapped``
            gives the score of an entry among equal ones, and missing entries stay missing.
        around: Where reach is above 0, returns the scores inside the border of a block in float64, NaN where an entry
            is missing; takes the block, the keyword ``shear`` of :class:`gnnmax.detection.blocks.Block`,
            ``below``: the entries of the result below the diagonal of an undirected matrix, or None; and ``corner``:
            row and column of the first entry of the block with its border, which may lie outside the matrix.
    """

    name: str
    mapped: Callable[[npt.NDArray[Any], Places, Places], npt.NDArray[np.float64]]
    by_value: bool = False
    keeps_zero: bool = True
    flat_zeros: bool = False
    signed: bool = False
    lost: int = 0
    reason: str = ""
    scored: npt.NDArray[np.bool_] | None = None
    reach: int = 0
    around: Callable[..., npt.NDArray[np.float64]] | None = None


@dataclass(frozen=True, eq=False)
class BlockReader:
    """A matrix that is read block by block: rectangles of it, or parallelograms along its diagonal.

    Attributes:
        matrix: Dense, or sparse with sorted rows; never changed.
        unstored: The value of an entry that a sparse matrix does not store.
        missing: True where nothing was measured, besides NaN, or the rows and columns where nothing was; or None.
        diagonal: Whether the diagonal takes part.
        names: Names of rows and of columns.
        symmetry: How its two halves agree, and whether it is read as undirected: then both halves are the same.
        steps: Normalisations, applied in this order to the values that are read; nothing is copied beforehand.
        breaks: Parts of rows and columns between which no window and no distance reaches; None: a single part.
        bins: The bins of a genome that rows and columns are; or None.
        attributes: Attributes of the nodes by name, one array each; or None.
        given_order: That in which it was given, if the nodes were put in another one; or None.
    """

    matrix: Any
    unstored: Unstored
    missing: npt.NDArray[np.bool_] | MissingLines | UpperHalf | None
    diagonal: bool
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    symmetry: Symmetry = UNCHECKED
    steps: tuple[FittedNormalisation, ...] = ()
    breaks: Breaks | None = None
    bins: GenomeBins | None = None
    attributes: Mapping[str, npt.NDArray[Any]] | None = None
    given_order: GivenOrder | None = None

    @cached_property
    def plain(self) -> Self:
        """The same matrix before normalisation."""
        return replace(self, steps=()) if self.steps else self

    @cached_property
    def parts(self) -> Breaks:
        """The parts of rows and columns, all in one if there are no breaks."""
        return Breaks.none(self.shape) if self.breaks is None else self.breaks

    def distances(self, rows: Places, columns: Places) -> Places:
        """Return the distance ``|i - j|`` of some entries; across a break, the larger side of the matrix."""
        apart: Places = np.abs(rows - columns)
        if self.breaks is not None and self.breaks.equal_sides:
            apart[~self.breaks.same_part(rows, columns)] = max(self.shape)
        return apart

    @cached_property
    def storage(self) -> DenseStorage | ArrayStorage | Page | SparseStorage | HalfStorage:
        """The matrix in parts."""
        if isinstance(self.matrix, Page):
            return self.matrix
        if isinstance(self.matrix, UpperTriangle):
            return HalfStorage(self.matrix)
        if is_sparse(self.matrix):
            return SparseStorage(self.matrix)
        in_memory = isinstance(self.matrix, UpperHalf) and self.matrix.in_memory
        return (
            DenseStorage(self.matrix) if in_memory or not hands_out_slices(self.matrix) else ArrayStorage(self.matrix)
        )

    @property
    def _sparse_storage(self) -> SparseStorage | HalfStorage:
        assert isinstance(self.storage, (SparseStorage, HalfStorage))
        return self.storage

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.matrix.shape
        return int(rows), int(columns)

    @property
    def sparse(self) -> bool:
        """Whether only some entries are stored."""
        return self.storage.sparse

    @property
    def undirected(self) -> bool:
        """Whether entries ``(i, j)`` and ``(j, i)`` are one pair."""
        return self.symmetry.undirected

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values that blocks hold."""
        return np.dtype(np.float64) if self.steps else computable(self.matrix.dtype)

    @property
    def given(self) -> np.dtype[Any]:
        """The type of the values that are reported: that of the matrix, float64 after normalisation."""
        return np.dtype(np.float64) if self.steps else self.matrix.dtype.newbyteorder("=")

    def values_at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Return the values of some entries as the matrix holds them, before normalisation."""
        return self.storage.at(rows, columns)

    @cached_property
    def reach(self) -> int:
        """How many rows and columns away an entry may be that the score of another one depends on."""
        return sum(step.reach for step in self.steps)

    def transformed(self, values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Normalise values of some rows and columns, shapes that broadcast; NaN means no score.

        A step that looks at the entries around takes them all for equal.
        """
        for step in self.steps:
            values = step.mapped(values, rows, columns)
        return values

    def _scores(
        self, values: npt.NDArray[Any], hidden: npt.NDArray[np.bool_] | None, row: int, column: int, *, shear: int
    ) -> npt.NDArray[Any]:
        """Normalise a block that has a border of :attr:`reach`, and return what is inside; NaN means no score.

        Args:
            values: The block; with shear, its border at both sides is twice as wide.
            hidden: Which entries are missing; None: those that are NaN.
            row: Row of its first entry, which may lie outside the matrix.
            column: Its column.
            shear: See :class:`Block`.
        """
        n, m = self.shape
        for step in self.steps:
            up, aside = step.reach, step.reach * (1 + shear)
            rows = row + up + np.arange(values.shape[0] - 2 * up)[:, None]
            columns = column + shear * up + aside + np.arange(values.shape[1] - 2 * aside)
            columns = columns + shear * (rows - rows[0])
            if step.around is None:
                values = step.mapped(values, np.clip(rows, 0, n - 1), np.clip(columns, 0, m - 1))
                continue
            known = values.astype(np.float64)
            if hidden is not None:
                known[hidden] = np.nan
            below = np.broadcast_to(rows > columns, (len(rows), columns.shape[-1])) if self.undirected else None
            values, hidden = step.around(known, corner=(row, column), shear=shear, below=below), None
            row, column = row + up, column + shear * up + aside
        return values

    @property
    def lowest(self) -> Any:
        """The number that a missing entry holds: it exceeds nothing."""
        return lowest(self.dtype)

    def block(self, row: int, column: int, rows: int, columns: int, border: tuple[int, int]) -> Block:
        """Copy a block with its border; entries of the border outside the matrix, or across a break, are missing."""
        (up, left), lowest = border, self.lowest
        (above, _), (before, _) = self.parts.limits(row, column)
        (_, below), (_, after) = self.parts.limits(row + rows - 1, column + columns - 1)
        values = np.full((rows + 2 * up, columns + 2 * left), lowest, dtype=self.dtype)
        top, bottom = max(int(above), row - up), min(int(below), row + rows + up)
        first, last = max(int(before), column - left), min(int(after), column + columns + left)
        inner = (slice(top - row + up, bottom - row + up), slice(first - column + left, last - column + left))
        part, hidden = (self._part_of_scores if self.reach else self._part)(top, bottom, first, last)
        if hidden is not None:
            part = np.where(hidden, lowest, part)
        values[inner] = part
        outside = part.shape != values.shape
        if hidden is None and not outside:
            return Block(values, None, False, row, column)
        missing = np.ones(values.shape, dtype=np.bool_)
        missing[inner] = False if hidden is None else hidden
        holes = hidden is not None or _alone(border, (int(below - above), int(after - before)))
        return Block(values, missing, holes, row, column)

    def _part_of_scores(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a part of the scores that depend on entries around, and the mask of missing ones, None if none is."""
        found, reach = np.empty((bottom - top, last - first)), self.reach
        for row, column, rows, columns in self.parts.cut((top, first, bottom - top, last - first)):
            block = self.plain.block(row, column, rows, columns, (reach, reach))
            scores = self._scores(block.values, block.missing, row - reach, column - reach, shear=0)
            found[row - top : row - top + rows, column - first : column - first + columns] = scores
        return found, _unknown(found)

    def _part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a part of the matrix and the mask of its missing entries, None if there are none."""
        part, unstored = self.storage.part(top, bottom, first, last)
        hidden = unstored if self.unstored == "missing" else None
        part = np.asarray(part, dtype=computable(part.dtype))
        hidden = _either(hidden, _unknown(part))
        if self.missing is not None:
            hidden = _either(hidden, self.missing[top:bottom, first:last])
        low, high = max(top, first), min(bottom, last)
        if not self.diagonal and low < high:
            hidden = np.zeros(part.shape, dtype=np.bool_) if hidden is None else hidden.copy()
            on = np.arange(low, high)
            hidden[on - top, on - first] = True
        if self.steps:
            part = self.transformed(part, np.arange(top, bottom)[:, None], np.arange(first, last))
            hidden = _either(hidden, _unknown(part))
        return part, hidden

    def band_block(
        self, row: int, offset: int, rows: int, offsets: int, *, border: tuple[int, int], columns: tuple[int, int]
    ) -> Block:
        """Copy a block of a sparse matrix along the diagonal, with its border: one column of it for each offset.

        Args:
            row: First row; no break lies between the rows.
            offset: First offset from the diagonal.
            rows: Number of rows.
            offsets: Number of offsets.
            border: Entries around the block.
            columns: First column, and last one plus 1, between which entries are not outside.
        """
        up, left = border
        top, bottom, pad = row - up, row + rows + up, left + up
        start, width = offset - pad, offsets + 2 * pad
        (above, below), (first, last) = self.parts.limits(row, 0)[0], columns
        if self.reach:
            around = up + self.reach, left + self.reach
            block = self.plain.band_block(row, offset, rows, offsets, border=around, columns=columns)
            corner = top - self.reach, top - self.reach + start - 2 * self.reach
            values = self._scores(block.values, block.missing, *corner, shear=1)
            hidden = _unknown(values)
        else:
            values, hidden = self._band_part(top, bottom, start, width)
        holes = hidden is not None or row + offset < first or row + rows - 1 + offset + offsets > last
        holes |= _alone(border, (int(below - above), last - first))
        if top < above or bottom > below or top + start < first or bottom - 1 + start + width > last:
            places = np.arange(top, bottom)[:, None]
            sheared = places + np.arange(start, start + width)
            hidden = _either(hidden, (sheared < first) | (sheared >= last) | (places < above) | (places >= below))
        if hidden is not None:
            np.copyto(values, self.lowest, where=hidden)
        return Block(values, hidden, holes, row, row + offset, shear=1)

    def _band_part(
        self, top: int, bottom: int, start: int, width: int
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
        """Read offsets from the diagonal in some rows, and the mask of missing ones, None if there are none."""
        stored = self._sparse_storage.rows(top, bottom)
        mask = self.unstored == "missing"
        values, hidden = stored.filled(start, width, computable(self.matrix.dtype), mask=mask)
        hidden = _either(hidden, _unknown(values))
        if self.missing is not None:
            hidden = _either(hidden, self._masked(top, start, bottom - top, width))
        if not self.diagonal and start <= 0 < start + width:
            hidden = np.zeros(values.shape, dtype=np.bool_) if hidden is None else hidden
            hidden[:, -start] = True
        if self.steps:
            (n, m), places = self.shape, np.arange(top, bottom)[:, None]
            columns = places + np.arange(start, start + width)
            values = self.transformed(values, np.clip(places, 0, n - 1), np.clip(columns, 0, m - 1))
            hidden = _either(hidden, _unknown(values))
        return values, hidden

    def _masked(self, top: int, start: int, height: int, width: int) -> npt.NDArray[np.bool_]:
        """Return the mask of a rectangle along the diagonal; entries outside the matrix may be True or False."""
        n, m = self.shape
        rows = np.clip(np.arange(top, top + height), 0, n - 1)
        columns = np.clip(np.arange(top + start, top + start + height + width - 1), 0, m - 1)
        if isinstance(self.missing, MissingLines):
            aside = np.lib.stride_tricks.sliding_window_view(self.missing.columns[columns], width)
            return self.missing.rows[rows][:, None] | aside
        assert self.missing is not None
        return self.missing[rows[:, None], np.lib.stride_tricks.sliding_window_view(columns, width)]

    @property
    def _masks_entries(self) -> bool:
        """Whether there is a mask of single entries."""
        return self.missing is not None and not isinstance(self.missing, MissingLines)


def _alone(border: tuple[int, int], sides: tuple[int, int]) -> bool:
    """Return whether windows in a part of such sides hold a single entry each."""
    return min(border[0], sides[0] - 1) == min(border[1], sides[1] - 1) == 0


def _either(one: npt.NDArray[np.bool_] | None, other: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    """Join two masks; None is a mask that is False everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return one | other


def _unknown(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """Return a mask of NaN, None if there is none."""
    if values.dtype.kind != "f" or not values.size or not np.isnan(np.max(values)):
        return None
    unknown: npt.NDArray[np.bool_] = np.isnan(values)
    return unknown
