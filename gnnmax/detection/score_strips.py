"""Score maps of matrices strip by strip: the net's score of the window around every entry of some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.breaks import Tile
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.pair_cells import repeated_cells
from gnnmax.detection.part_scoring import scores_of_parts
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.storage import Places, tiles_of
from gnnmax.detection.window_batches import DiagonalBand, has_contexts, windows_around
from gnnmax.detection.window_cuts import with_nan
from gnnmax.detection.window_scoring import SCORED, Scorer, WindowBatch, needs_contexts, scores_of, unscorable
from gnnmax.detection.window_values import as_read
from gnnmax.errors import InputError
from gnnmax.io.workers import ExecutorLike
from gnnmax.task.arrays import as_floats

__all__ = ["StripScorer", "check_contexts"]

STRIP = 256
"""Rows of a strip."""

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Strip:
    """Some rows of a matrix, as a net reads them.

    Attributes:
        row: The first row.
        rows: Number of rows.
        columns: Number of columns of the matrix.
        tiles: Tiles whose windows may have a score, each with its values and the border of its windows: ``k // 2``
            entries on each side, NaN where an entry is missing.
        merged: Rows and columns of entries without a score, because float32 merges values of their windows.
    """

    row: int
    rows: int
    columns: int
    tiles: list[tuple[Tile, npt.NDArray[np.floating]]]
    merged: tuple[Places, Places]


@dataclass(frozen=True, eq=False)
class TileScorer:
    """Scores the windows of a strip that was read; it knows nothing else of the matrix, so any process may call it.

    Attributes:
        model: The net.
        k: Side of the windows.
        partly: Whether entries of a window may be missing, outside the matrix too; a net must take missing entries.
        undirected: Whether entries ``(i, j)`` and ``(j, i)`` are one pair.
        band: The weights among neighbouring nodes, for nets that read contexts; else None.
    """

    model: Scorer
    k: int
    partly: bool
    undirected: bool
    band: DiagonalBand | None

    def __call__(self, strip: Strip) -> Scores:
        """Score a strip, shape ``(rows, m)``, NaN where there is no score."""
        convolved = _dense_form(self.model, self.k)
        scores = np.full((strip.rows, strip.columns), np.nan, dtype=np.float32)
        for tile, values in strip.tiles:
            row, column, rows, columns = tile
            found = scores[row - strip.row : row - strip.row + rows, column : column + columns]
            if convolved is not None:
                found[:] = self._convolved(tile, values, convolved)
                continue
            for i, j, height, width in tiles_of((rows, columns), (max(1, SCORED // columns), min(columns, SCORED))):
                part = values[i : i + height + self.k - 1, j : j + width + self.k - 1]
                found[i : i + height, j : j + width] = self._windows((row + i, column + j, height, width), part)
        scores[strip.merged[0] - strip.row, strip.merged[1]] = np.nan
        return scores

    def _convolved(
        self, tile: Tile, values: npt.NDArray[np.floating], convolved: Callable[[npt.NDArray[Any]], Scores]
    ) -> Scores:
        """Score a tile by one convolution of it."""
        scores = np.array(convolved(values)).reshape(tile[2:])
        if self.undirected:  # towers take no missing entries
            scores[_near_diagonal(tile, self.k)] = np.nan
        return scores

    def _windows(self, tile: Tile, values: npt.NDArray[np.floating]) -> Scores:
        """Score the windows around the entries of a tile one by one."""
        k, (row, column, rows, columns) = self.k, tile
        windows = np.lib.stride_tricks.sliding_window_view(values, (k, k)).reshape(-1, k, k)
        batch = WindowBatch(windows)
        if self.band is not None:
            down, across = np.divmod(np.arange(rows * columns), columns)
            batch = WindowBatch(windows, self.band.at(row + down), self.band.at(column + across))
        if not self.undirected:
            return self._scored(batch, partly=self.partly).reshape(rows, columns)
        windows = np.array(windows)  # a copy
        near = np.flatnonzero(_near_diagonal(tile, k))
        down, across = np.divmod(near, columns)
        again = repeated_cells(down + row, across + column, (k, k))
        whole = np.isfinite(windows[near]).all(axis=(1, 2))
        windows[near[:, None, None], np.arange(k)[:, None], np.arange(k)] = np.where(again, np.nan, windows[near])
        batch = WindowBatch(windows, batch.row_context, batch.column_context)
        scores = self._scored(batch, partly=self.partly)
        if getattr(self.model, "takes_missing", False) and not self.partly:
            scores[near[whole]] = self._scored(batch[near[whole]], partly=True)
        return scores.reshape(rows, columns)

    def _scored(self, batch: WindowBatch, *, partly: bool) -> Scores:
        """Return the scores of windows that are measured, wholly or at least partly; NaN for others."""
        scores = np.full(len(batch), np.nan, dtype=np.float32)
        read, reasons = unscorable(self.model, batch, partly=partly)
        if len(read):
            kept = np.flatnonzero(reasons == "")
            scores[kept] = scores_of(self.model, batch, read, kept)
        return scores


@dataclass(frozen=True, eq=False)
class StripScorer:
    """Scores the windows around the entries of a strip of rows.

    Strips do not depend on each other: each reads ``k // 2`` rows around it, the receptive field of the net. They are
    read in this process; any executor may score them.

    Attributes:
        score: Scores a strip that was read.
        source: The matrix.
        upper: Whether entries on the left of the square on the diagonal that a strip holds are left out.
        merged: Rows and columns of entries without a score, because float32 merges values of their windows.
    """

    score: TileScorer
    source: MatrixSource
    upper: bool = False
    merged: tuple[Places, Places] = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))

    @classmethod
    def of(
        cls, model: Scorer, source: MatrixSource, k: int, *, partly: bool = False, upper: bool = False
    ) -> StripScorer:
        """Prepare the strips of a matrix.

        Raises:
            InputError: ``k`` is even or larger than the matrix, or the net reads contexts that the matrix does not
                have.
        """
        n, m = source.shape
        if k < 3 or k % 2 == 0 or k > min(n, m):
            raise InputError(f"k must be odd, at least 3 and no larger than the matrix of {n} x {m}, not {k}")
        band = None
        if needs_contexts(model):
            check_contexts(model, source)
            band = DiagonalBand.of(source, k)
        partly = partly and bool(getattr(model, "takes_missing", False))
        merged = _merged_places(source, k) if _dense_form(model, k) is not None else (np.empty(0, np.intp),) * 2
        return cls(TileScorer(model, k, partly, source.undirected, band), source, upper, merged)

    @property
    def height(self) -> int:
        """Rows of a strip; the last one may have fewer."""
        return STRIP

    def strips(self) -> Iterator[tuple[int, int]]:
        """Yield the first row and the number of rows of each strip."""
        n, height = self.source.shape[0], self.height
        return ((row, min(height, n - row)) for row in range(0, n, height))

    def __call__(self, row: int, rows: int) -> Scores:
        """Score a strip, shape ``(rows, m)``, NaN where there is no score.

        Args:
            row: Its first row.
            rows: Its number of rows.
        """
        return self.score(self.read(row, rows))

    def scored(self, *, workers: int = 1, executor: ExecutorLike | None = None) -> Iterator[tuple[int, Scores]]:
        """Yield the first row and the scores of each strip, in order; several strips are scored at a time.

        Args:
            workers: Number of worker processes; with 1, all strips are scored in this process.
            executor: Scores in place of worker processes, see :func:`gnnmax.io.ordered_map.map_ahead`.

        Raises:
            InputError: the net cannot be sent to worker processes.
            LostWorkerError: a strip ended its worker every time.
        """
        rows = [row for row, _ in self.strips()]
        strips = (self.read(*strip) for strip in self.strips())
        few = min(workers, len(rows))
        scores = scores_of_parts(self.score, strips, workers=few, executor=executor, name=_name_of)
        return zip(rows, scores, strict=True)

    def read(self, row: int, rows: int) -> Strip:
        """Read a strip with the border of its windows."""
        m, first = self.source.shape[1], row if self.upper else 0
        parts = (self._scorable(part) for part in self.source.parts.cut((row, first, rows, m - first)))
        here = (self.merged[0] >= row) & (self.merged[0] < row + rows)
        return Strip(
            row,
            rows,
            m,
            [(tile, self._values(tile)) for tile in parts if min(tile[2:]) > 0],
            (self.merged[0][here], self.merged[1][here]),
        )

    def _scorable(self, part: Tile) -> Tile:
        """Return the part of a tile with windows that a net scores; those that must be whole lie in one part."""
        row, column, rows, columns = part
        if self.score.partly:
            return part
        last_row, last_column = row + rows, column + columns
        half, (down, across) = self.score.k // 2, self.source.parts.limits(row, column)
        row, column = max(row, int(down[0]) + half), max(column, int(across[0]) + half)
        last_row, last_column = min(last_row, int(down[1]) - half), min(last_column, int(across[1]) - half)
        return row, column, last_row - row, last_column - column

    def _values(self, tile: Tile) -> npt.NDArray[np.floating]:
        """Read a tile with the border of its windows, NaN where an entry is missing."""
        block = self.source.block(*tile, (self.score.k // 2, self.score.k // 2))
        return with_nan(block.values, block.missing)


def _name_of(strip: Strip) -> str:
    return f"rows {strip.row} to {strip.row + strip.rows - 1}"


def check_contexts(model: Scorer, source: MatrixSource) -> None:
    """Refuse a net that reads contexts where a matrix has none.

    Raises:
        InputError: its rows and columns are different nodes, or fall into different parts.
    """
    if needs_contexts(model) and not has_contexts(source):
        n, m = source.shape
        name = getattr(model, "name", "it")
        raise InputError(
            f"the net {name} reads the weights among the rows, and among the columns, of a window, and a matrix of "
            f"{n} x {m} whose rows and columns are different nodes has none: give a square matrix, or a net that reads "
            "the window alone"
        )


def _dense_form(model: Scorer, k: int) -> Any:
    """Return the scorer of all windows of a matrix in one pass; None if a model has none."""
    return model.dense(k) if hasattr(model, "dense") else None


def _merged_places(source: MatrixSource, k: int) -> tuple[Places, Places]:
    """List the entries whose windows are centred, and tied in float32; rounding changes no others."""
    none = np.empty(0, dtype=np.intp)
    if as_floats(np.empty(0, dtype=source.dtype)).dtype == np.float32:
        return none, none
    maxima = search_matrix(source, SearchOptions(k, border="drop", triangle="both"))
    places, start = (maxima.rows.astype(np.intp), maxima.columns.astype(np.intp)), 0
    merged = [none]
    for batch in windows_around(source, *places, k, cut=np.ones(len(maxima), dtype=np.bool_), graph=False):
        merged.append(start + np.flatnonzero(~as_read(batch.values, "none")[1]))
        start += len(batch)
    chosen = np.concatenate(merged)
    return places[0][chosen], places[1][chosen]


def _near_diagonal(tile: Tile, k: int) -> npt.NDArray[np.bool_]:
    """Mark the entries of a tile whose windows hold pairs in two cells: both ends are among rows and columns."""
    row, column, rows, columns = tile
    apart = np.arange(row, row + rows)[:, None] - np.arange(column, column + columns)
    return np.asarray(np.abs(apart) < k - 1)
