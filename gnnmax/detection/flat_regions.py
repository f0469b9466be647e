"""The zeros that a sparse matrix does not store, as few regions: zeros that touch are one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.bands import runs_of
from gnnmax.detection.connected_groups import joined_in_pairs
from gnnmax.detection.storage import Places

__all__ = ["Cells", "FlatRegions", "Part", "flat_regions"]


class Cells(NamedTuple):
    """Places of entries, by row and then by column."""

    rows: Places
    columns: Places


class Part(NamedTuple):
    """A part of a matrix, and which of its entries were measured.

    Attributes:
        top: Its first row.
        first: Its first column.
        rows: Whether each row was measured.
        columns: The same for columns.
        offsets: Runs of offsets from the diagonal in which entries have scores, first and last.
        upper: Whether only entries on and above the diagonal count.
    """

    top: int
    first: int
    rows: npt.NDArray[np.bool_]
    columns: npt.NDArray[np.bool_]
    offsets: list[tuple[int, int]]
    upper: bool


class FlatRegions:
    """Runs of zeros in single rows, and the region that each belongs to.

    Attributes:
        count: Number of regions.
    """

    def __init__(self, part: Part, rows: Places, starts: Places, ends: Places) -> None:
        self._part, self._width = part, len(part.columns) + 4
        self._starts, self._ends = self._key(rows, starts), self._key(rows, ends)
        self.count, self._region = joined_in_pairs(len(rows), *self._beside(rows + 1, starts, ends))

    def _key(self, rows: Places, columns: Places) -> Places:
        """Number places by row and column; neighbours of the part have numbers of their own."""
        return np.asarray((rows - self._part.top + 1) * self._width + columns - self._part.first + 2)

    def _beside(self, rows: Places, starts: Places, ends: Places) -> tuple[Places, Places]:
        """Return pairs: the index of a piece of a row, and that of a run that touches it from within this row."""
        low = np.searchsorted(self._ends, self._key(rows, starts - 1), "left")
        high = np.searchsorted(self._starts, self._key(rows, ends + 1), "right")
        counts = np.maximum(high - low, 0)
        piece = np.repeat(np.arange(len(rows)), counts)
        return piece, np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts - low, counts)

    def touching(self, cells: Cells) -> tuple[Places, Places]:
        """Return pairs: the index of a cell, and the number of a region that touches it, at a corner too."""
        found = [self._beside(cells.rows + down, cells.columns, cells.columns) for down in (-1, 0, 1)]
        cell, run = (np.concatenate(part) for part in zip(*found, strict=True))
        return cell, self._region[run]

    def holding(self, cells: Cells) -> Places:
        """Return the region that each of some cells belongs to; they are zeros of the part."""
        return self._region[np.searchsorted(self._ends, self._key(*cells))]


def flat_regions(part: Part, others: Cells, asked: Cells) -> FlatRegions:
    """Return the regions of zeros of a part of a matrix, near entries that are none.

    Rectangles between missing rows and missing columns are separate, so those that hold neither another entry nor one
    that is asked for are left out: the cost follows the entries, and the rows of the rectangles that they lie in.

    Args:
        part: The part.
        others: The entries that are not 0, and those that are missing by themselves.
        asked: Further entries, whose rectangles are not left out.

    Example:
        >>> whole = np.ones(3, dtype=bool)
        >>> part = Part(0, 0, whole, whole, [(-2, 2)], False)
        >>> wall = Cells(np.array([0, 1, 2]), np.array([1, 1, 1]))
        >>> flat_regions(part, wall, wall).count
        2
    """
    rows, starts, ends = _segments(part, Cells(*(np.concatenate(ends) for ends in zip(others, asked, strict=True))))
    width = len(part.columns) + 2
    keys = others.rows * width + others.columns - part.first
    order = np.argsort(keys, kind="stable")
    keys, columns = keys[order], others.columns[order]
    low = np.searchsorted(keys, rows * width + starts - part.first, "left")
    high = np.searchsorted(keys, rows * width + ends - part.first, "right")
    gaps = high - low + 1
    segment = np.repeat(np.arange(len(rows)), gaps)
    gap = np.arange(len(segment)) - np.repeat(np.cumsum(gaps) - gaps, gaps)
    place = low[segment] + gap
    columns = np.concatenate([columns, [0]])  # read in vain at the end of the last segment
    begins = np.where(gap == 0, starts[segment], columns[place - 1] + 1)
    stops = np.where(gap == gaps[segment] - 1, ends[segment], columns[np.minimum(place, len(columns) - 1)] - 1)
    kept = begins <= stops
    return FlatRegions(part, rows[segment][kept], begins[kept], stops[kept])


def _segments(part: Part, cells: Cells) -> tuple[Places, Places, Places]:
    """Return row, first and last column of the measured pieces of rows, in the rectangles that hold some cells."""
    sides = [runs_of(part.rows, part.top), runs_of(part.columns, part.first)]
    (firsts, lasts), (begins, stops) = (np.array(side, dtype=np.intp).reshape(-1, 2).T for side in sides)
    across = max(1, len(begins))
    measured = part.rows[cells.rows - part.top] & part.columns[cells.columns - part.first]
    held = (np.searchsorted(firsts, cells.rows[measured], "right") - 1) * across
    down, aside = np.divmod(np.unique(held + np.searchsorted(begins, cells.columns[measured], "right") - 1), across)
    heights = lasts[down] - firsts[down] + 1
    rectangle = np.repeat(np.arange(len(down)), heights)
    rows = firsts[down][rectangle] + np.arange(len(rectangle)) - np.repeat(np.cumsum(heights) - heights, heights)
    starts, ends = begins[aside][rectangle], stops[aside][rectangle]
    pieces = []
    for least, largest in part.offsets:
        low, high = np.maximum(starts, rows + least), np.minimum(ends, rows + largest)
        low = np.maximum(low, rows) if part.upper else low
        kept = low <= high
        pieces.append((rows[kept], low[kept], high[kept]))
    found = [np.concatenate(side) for side in zip(*pieces, strict=True)]
    order = np.lexsort((found[1], found[0]))
    return found[0][order], found[1][order], found[2][order]
