"""A matrix as a search reads it: which blocks of it, and its measured entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.array_storage import ArrayStorage, PageTiles
from gnnmax.detection.bands import gaps_between, joined_runs, near_unscored, pieces_of, runs_of
from gnnmax.detection.block_reading import BlockReader
from gnnmax.detection.blocks import Block
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.sparse_storage import GAP, HalfStorage
from gnnmax.detection.storage import Places, tiles_of

__all__ = ["MatrixSource"]

TILE = (128, 1024)
"""Rows and columns of a block: the block and its copies fit into a processor's cache."""

TALLEST = 2048
"""Most rows of a block of a narrow band."""


class _LoneLines(NamedTuple):
    """Measured rows and columns that have no others in their windows, and the border of these."""

    border: tuple[int, int]
    rows: Places
    columns: Places


@dataclass(frozen=True, eq=False)
class MatrixSource(BlockReader):
    """A matrix that is searched: its blocks, and its measured entries."""

    def edges(self) -> MatrixSource:
        """The same matrix with only its edges measured: stored entries, or those of a dense matrix that are not 0."""
        from scipy.sparse import csr_array

        if self.sparse:
            return replace(self, matrix=self.matrix.tocsr(), unstored="missing")
        # scipy has no sparse arrays in half precision or foreign byte order
        dtype = np.float32 if self.matrix.dtype == np.float16 else self.matrix.dtype.newbyteorder("=")
        (n, m), values, columns = self.shape, [], []
        counts = np.zeros(n + 1, dtype=np.int64)
        for row in range(0, n, TILE[0]):
            part = np.asarray(self.matrix[row : row + TILE[0], 0:m])
            there = part != 0
            counts[row + 1 : row + 1 + len(part)] = there.sum(axis=1)
            values.append(part[there].astype(dtype))
            columns.append(np.nonzero(there)[1].astype(np.int32 if m <= np.iinfo(np.int32).max else np.int64))
        stored = np.concatenate(values), np.concatenate(columns), np.cumsum(counts)
        return replace(self, matrix=csr_array(stored, shape=self.shape), unstored="missing")

    def tiles(
        self, border: tuple[int, int], *, upper: bool, rectangles: bool = False, hole: int = 0
    ) -> Iterator[Block]:
        """Yield blocks that cover the matrix, each entry once; in a sparse matrix, only blocks near stored entries.

        Args:
            border: Entries around each block.
            upper: Whether blocks wholly below the diagonal may be left out.
            rectangles: Whether blocks are rectangles of rows and columns, also those near a diagonal. The border may
                then reach one entry further than windows do.
            hole: How many rows and columns around its centre a window leaves out.
        """
        if self.sparse and (self.unstored == "missing" or self._special(border) is not None):
            yield from self._band_tiles(border, upper=upper, rectangles=rectangles, hole=hole)
        else:
            yield from self.every_block(border, upper=upper)

    def every_block(self, border: tuple[int, int], *, upper: bool) -> Iterator[Block]:
        """Yield blocks that cover the matrix, each entry once, also where a sparse one stores nothing."""
        return self._rectangles(border, TILE, upper=upper)

    def _rectangles(self, border: tuple[int, int], tile: tuple[int, int], *, upper: bool) -> Iterator[Block]:
        """Yield blocks that cover the matrix, each entry once."""
        pages: Iterable[PageTiles | tuple[Any, Iterator[tuple[int, int, int, int]]]]
        if isinstance(self.storage, ArrayStorage):
            pages = self.storage.pages((border[0] + self.reach, border[1] + self.reach), tile)
        else:
            pages = [(self.matrix, tiles_of(self.shape, tile))]
        for page, tiles in pages:
            source = replace(self, matrix=page)
            for whole in tiles:
                for row, column, rows, width in self.parts.cut(whole):
                    if not upper or column + width > row:
                        yield source.block(row, column, rows, width, border)
            del page, source  # before the next page is read

    def _band_tiles(
        self, border: tuple[int, int], *, upper: bool, rectangles: bool = False, hole: int = 0
    ) -> Iterator[Block]:
        """Yield blocks near stored entries, and rows in which a lone zero may be a maximum."""
        if isinstance(self.storage, HalfStorage) and not upper:
            whole = replace(self, matrix=self.storage.whole.matrix)
            yield from whole._band_tiles(border, upper=False, rectangles=rectangles, hole=hole)
            return
        storage, m, around = self._sparse_storage, self.shape[1], max(border) + self.reach
        zero = self.unstored == "zero"
        special = (self._special(border) if zero else None) or []
        negative = not storage.least >= 0 or any(step.signed for step in self.steps)
        wider = sum(border) if zero and negative else 0  # a zero is above negative entries
        wider += 2 * self.reach if zero else 0  # a zero beside other entries may have another score
        height = TILE[0] * TILE[1] // (storage.width + 2 * (wider + sum(border)) + 1)
        height = TILE[0] if rectangles else max(TILE[0], min(height, TALLEST))
        for row, rows in self._strips(height, None if zero else storage.filled):
            stored = storage.rows(row - around, row + rows + around).runs(GAP)
            bounds = 0 if upper else 1 - row - rows, m - 1 - row
            runs = joined_runs([*((a - wider, b + wider) for a, b in stored), *special], bounds, GAP)
            if rectangles:  # runs of columns, in place of runs of offsets
                bounds = row if upper else 0, m - 1
                runs = joined_runs([(row + a, row + rows - 1 + b) for a, b in runs], bounds, GAP)
            for run in runs:
                for first, count in pieces_of(run, TILE[1]):
                    yield from self._parts_of_block((row, first, rows, count), border, rectangles=rectangles)
            if zero and (self.breaks is not None or isinstance(self.missing, MissingLines)):
                gaps = list(gaps_between(runs, bounds))
                lone = self._lone_lines(border, wider=int(rectangles), hole=hole)
                yield from self._lone_zeros((row, rows), lone, gaps, shear=0 if rectangles else 1)

    def _parts_of_block(
        self, tile: tuple[int, int, int, int], border: tuple[int, int], *, rectangles: bool
    ) -> Iterator[Block]:
        """Yield a block for each part of columns that it has entries in."""
        if not rectangles:
            yield from self._band_blocks(*tile, border=border)
            return
        for part in self.parts.cut(tile):
            yield self.block(*part, border)

    def _strips(self, height: int, filled: tuple[int, int] | None = None) -> Iterator[tuple[int, int]]:
        """Yield the first row and the number of rows of strips without a break between their rows.

        Args:
            height: Most rows of a strip.
            filled: The first row and the last one, plus 1, that have to be covered; None: all.
        """
        first, last = (0, self.shape[0]) if filled is None else filled
        for row in range(first // height * height, last, height):
            for first, last in self.parts.rows_within(row, min(row + height, self.shape[0])):
                yield first, last - first

    def _band_blocks(
        self, row: int, offset: int, rows: int, offsets: int, *, border: tuple[int, int]
    ) -> Iterator[Block]:
        """Yield a block along the diagonal for each part of columns that it has entries in."""
        for first, last in self.parts.columns_within(row + offset, row + rows - 1 + offset + offsets - 1):
            start = max(offset, first - (row + rows - 1))
            stop = min(offset + offsets, last - row)
            yield self.band_block(row, start, rows, stop - start, border=border, columns=(first, last))

    def _lone_zeros(
        self, strip: tuple[int, int], lines: _LoneLines, gaps: list[tuple[int, int]], *, shear: int
    ) -> Iterator[Block]:
        """Yield blocks of one row around zeros in gaps that have nothing measured in their windows.

        Gaps are runs of columns, or with shear of offsets.
        """
        (row, rows), (border, lone_rows, lone_columns) = strip, lines
        for place in lone_rows[np.searchsorted(lone_rows, row) : np.searchsorted(lone_rows, row + rows)].tolist():
            for first, last in gaps:
                ends = [shear * place + first, shear * place + last + 1]
                if len(found := lone_columns[slice(*np.searchsorted(lone_columns, ends))]):
                    for column, count in pieces_of((int(found[0]), int(found[-1])), TILE[0] * TILE[1]):
                        for part in self.parts.cut((place, column, 1, count)):
                            yield self.block(*part, border)

    def _lone_lines(self, border: tuple[int, int], *, wider: int, hole: int) -> _LoneLines:
        """Return measured rows and columns without others in their windows, which reach less far than a border may."""
        n, m = self.shape
        lines = self.missing if isinstance(self.missing, MissingLines) else MissingLines.none((n, m))
        half = max(0, border[0] - wider), max(0, border[1] - wider)
        return _LoneLines(border, *lines.isolated(half, (self.parts.rows, self.parts.columns), hole=hole))

    def _special(self, border: tuple[int, int]) -> list[tuple[int, int]] | None:
        """Return runs of offsets where a window without stored entries may have a maximum; None if anywhere.

        A zero alone among missing entries is a maximum: near a left out diagonal, and beside offsets without scores. A
        normalisation by position may give zeros different scores. Lone zeros between missing lines are no matter of
        offsets.
        """
        if self._masks_entries or not self._equal_zeros():
            return self._scored_runs()
        spread = sum(border)
        diagonal = [] if self.diagonal else [(-spread, spread)]
        return [*diagonal, *(run for scored in self._scored() for run in near_unscored(scored, spread))]

    def _equal_zeros(self) -> bool:
        """Return whether zeros at all positions have equal scores, or none."""
        moved = False
        for step in self.steps:
            if moved and not step.by_value:
                return False
            moved |= not step.keeps_zero
        return True

    @property
    def has_flat_zeros(self) -> bool:
        """Whether unstored entries far from stored ones are zeros, or without a score as offsets or lines say."""
        zeros = self.sparse and self.unstored == "zero" and not self._masks_entries
        return zeros and all(step.flat_zeros for step in self.steps)

    def scored_offsets(self) -> list[tuple[int, int]]:
        """Return the runs of offsets from the diagonal in which entries have scores."""
        least, largest = 1 - self.shape[0], self.shape[1] - 1
        kept = np.ones(largest - least + 1, dtype=np.bool_)
        for scored in self._scored():
            kept &= scored[np.abs(np.arange(least, largest + 1))]
        return runs_of(kept, least)

    def _scored(self) -> list[npt.NDArray[np.bool_]]:
        """Return, for each step by distance, at which distances entries have scores."""
        return [step.scored for step in self.steps if step.scored is not None]

    def _scored_runs(self) -> list[tuple[int, int]] | None:
        """Return a run of offsets outside which no entry has a score; None if they are not bounded."""
        lasts = [int(np.flatnonzero(scored)[-1]) for scored in self._scored() if scored.any()]
        if not lasts or min(lasts) >= max(self.shape) - 1:
            return None
        return [(-min(lasts), min(lasts))]

    @property
    def stored_once(self) -> bool:
        """Whether only the upper half of a symmetric matrix is stored, and no other entry is measured by itself."""
        once = self.unstored == "missing" or self.skips_zeros
        return isinstance(self.storage, HalfStorage) and once and not self.reach

    def measured(self, *, once: bool = False) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the entries that have a score, some rows at a time.

        Zeros that a sparse matrix does not store are left out where :attr:`skips_zeros`.

        Args:
            once: Whether the lower half is left out where :attr:`stored_once`.
        """
        if self.sparse and (self.unstored == "missing" or self.skips_zeros):
            yield from self.measured_stored(once=once)
            return
        yield from self._known_in(self._scored_blocks())

    def _known_in(self, blocks: Iterable[Block]) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the measured entries of blocks without a border."""
        for block in blocks:
            known = np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing
            yield block.values[known], *block.places(*np.nonzero(known))

    def near_stored(self, *, upper: bool) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the measured entries of a sparse matrix that may not be those of zeros.

        Some zeros are among them. Parts of rows come one after the other.
        """
        border = (1, 1)  # without one, each zero would be alone in its window, and read
        for block in self._band_tiles(border, upper=upper):
            values = block.inside(block.values, border)
            hidden = None if block.missing is None else block.inside(block.missing, border)
            known = np.ones(values.shape, dtype=np.bool_) if hidden is None else ~hidden
            yield values[known], *block.places(*np.nonzero(known))

    def _scored_blocks(self) -> Iterator[Block]:
        """Yield blocks that hold every entry with a score, each once."""
        runs, m, height = self._scored_runs() if self.sparse else None, self.shape[1], TILE[0]
        if runs is None:
            yield from self._rectangles((0, 0), (height, m), upper=False)
            return
        for row, rows in self._strips(height):
            for first, last in joined_runs(runs, (1 - row - rows, m - 1 - row), 1):
                yield from self._band_blocks(row, first, rows, last - first + 1, border=(0, 0))

    @property
    def skips_zeros(self) -> bool:
        """Whether unstored zeros are known without reading them: there is no normalisation and no mask of entries."""
        return self.sparse and self.unstored == "zero" and not self._masks_entries and not self.steps

    def stored(self, *, once: bool = False) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the stored entries of a sparse matrix, missing ones too.

        Args:
            once: Whether the lower half is left out where :attr:`stored_once`.
        """
        return self._sparse_storage.listed(once=once)

    def measured_stored(self, *, once: bool = False) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the stored entries of a sparse matrix that have a score.

        If scores depend on entries around, those near stored entries are among them, unless unstored ones are missing.

        Args:
            once: Whether the lower half is left out where :attr:`stored_once`.
        """
        if self.reach:
            yield from self.near_stored(upper=False)
            return
        for part in self.stored(once=once):
            values, rows, columns = part
            kept = np.ones(len(values), dtype=np.bool_)
            if not self.diagonal:
                kept &= rows != columns
            if self.missing is not None:
                kept &= ~self.missing[rows, columns]
            if values.dtype.kind == "f":
                kept &= ~np.isnan(values)
            found = part if kept.all() else (values[kept], rows[kept], columns[kept])
            if self.steps:
                scores = self.transformed(*found)
                scored = ~np.isnan(scores)
                found = scores[scored], found[1][scored], found[2][scored]
            yield found
