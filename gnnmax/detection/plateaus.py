"""Plateaus of a matrix whose order means something: equal entries that touch, each of them unbeaten in its window."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.blocks import Block
from gnnmax.detection.candidates import Found, candidates_at, described
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima, Places
from gnnmax.detection.ordered_mode import as_maxima, check_number, counts, joined, no_maxima, rising
from gnnmax.detection.running_maximum import rivals
from gnnmax.detection.search_options import SearchOptions, has_shape

__all__ = ["plateau_maxima"]

Mask = npt.NDArray[np.bool_]


def plateau_maxima(source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the plateaus: equal entries that touch, at a corner too, none of them beaten in its own window.

    One of them must rise above another entry of its window, or have no other: so a constant matrix has no plateau. An
    entry whose window has more missing entries than allowed is no maximum, and neither is a plateau that holds it. The
    first entry, by row and then by column, represents its plateau. A window of one row has no entries above and below
    that could touch, and one of one column none beside.

    Cost: the plateaus of each block are labelled, and joined across the borders of blocks. Zeros that a sparse matrix
    does not store are read only if a plateau of zeros may be a maximum: if it rises above a negative entry.
    """
    parts = _Parts(source, options)
    reach = parts.reach
    border = options.sides[0] // 2 + reach[0], options.sides[1] // 2 + reach[1]
    parts.add(source.tiles(border, upper=source.undirected, rectangles=True))
    if parts.may_extend():
        parts = _Parts(source, options)
        parts.add(source.every_block(border, upper=source.undirected))
    return as_maxima(parts.plateaus(), source, options)


class _Region(NamedTuple):
    """Entries of a block and of those that touch it: values, which were measured, are unbeaten, rise above another."""

    values: npt.NDArray[Any]
    measured: Mask
    unbeaten: Mask
    rises: Mask

    def touches_beaten(self, reach: tuple[int, int]) -> Mask:
        """Find the unbeaten entries of the block that touch an equal one that is beaten."""
        (up, left), (height, width) = reach, self.values.shape
        found = np.zeros((height - 2 * up, width - 2 * left), dtype=np.bool_)
        beaten = self.measured & ~self.unbeaten
        if not beaten.any():
            return found
        inner = (slice(up, height - up), slice(left, width - left))
        for row, column in product(range(2 * up + 1), range(2 * left + 1)):
            there = (slice(row, row + found.shape[0]), slice(column, column + found.shape[1]))
            found |= beaten[there] & (self.values[there] == self.values[inner])
        return found & self.unbeaten[inner]


class _Parts:
    """The parts of plateaus that lie in single blocks, and how they are connected.

    A part has a number. ``_edges`` holds the places of its entries at the border of its block, ``_links`` those of
    entries that it touches outside, ``_spoilt`` those of entries that touch an equal one that is beaten; places are
    numbered row by row.
    """

    def __init__(self, source: MatrixSource, options: SearchOptions) -> None:
        self.source, self.options = source, options
        self.reach = min(1, options.sides[0] // 2), min(1, options.sides[1] // 2)
        self._number = 0
        self._lost: list[Mask] = []
        self._rises: list[Mask] = []
        self._first: list[npt.NDArray[np.int64]] = []
        self._edges: list[tuple[npt.NDArray[np.int64], Places]] = []
        self._links: list[tuple[npt.NDArray[np.int64], Places]] = []
        self._across = source.undirected and min(self.reach) == 0
        self._spoilt: list[npt.NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        self._found: list[Found] = [no_maxima(source.dtype)]
        self._of_found: list[Places] = []

    def add(self, blocks: Iterable[Block]) -> None:
        """Label the plateaus of some blocks."""
        for block in blocks:
            self._add(block)
            check_number(self._number)

    def _add(self, block: Block) -> None:
        from scipy.ndimage import label

        region = _compared(self.source, block, self.options, self.reach)
        (up, left), (height, width) = self.reach, region.values.shape
        inner = (slice(up, height - up), slice(left, width - left))
        if not region.unbeaten[inner].any():
            if self._across:
                self._connect_mirrored(block, region, np.full(region.values.shape, -1))
            return
        touching = np.zeros((3, 3), dtype=np.int8)
        touching[1 - up : 2 + up, 1 - left : 2 + left] = 1
        # Unbeaten entries that touch lie in each other's windows, so they are equal.
        labels, count = label(region.unbeaten, touching)
        rows, columns = np.nonzero(region.unbeaten[inner])
        here = labels[inner][rows, columns]
        first = np.full(count + 1, -1)
        first[here[::-1]] = np.arange(len(here))[::-1]  # of equal indices, the last one is kept
        present = np.flatnonzero(first >= 0)
        first, numbers = first[present], np.full(count + 1, -1)
        numbers[present] = np.arange(len(present)) + self._number
        own = numbers[here]
        lost, rises = np.zeros(len(present), dtype=np.bool_), np.zeros(len(present), dtype=np.bool_)
        lost[numbers[labels[inner][region.touches_beaten(self.reach)]] - self._number] = True
        rises[numbers[labels[inner][(region.unbeaten & region.rises)[inner]]] - self._number] = True
        values = region.values[inner][rows, columns][first]
        if self.options.threshold is not None and not has_shape(self.options.threshold):
            lost |= ~(values > self.options.threshold)
        self._connect(block, region, numbers[labels], (rows, columns, own))
        if self._across:
            self._connect_mirrored(block, region, numbers[labels])
        self._describe(block, (rows[first], columns[first]), ~lost)
        self._lost.append(lost)
        self._rises.append(rises)
        self._first.append(self._place(block, rows[first], columns[first]))
        self._number += len(present)

    def _place(self, block: Block, rows: Places, columns: Places) -> npt.NDArray[np.int64]:
        return np.asarray((rows + block.row) * self.source.shape[1] + columns + block.column, dtype=np.int64)

    def _connect(self, block: Block, region: _Region, numbers: Places, entries: tuple[Places, Places, Places]) -> None:
        """Note the entries of parts at the border of a block, and the entries outside that belong to them too."""
        (up, left), (height, width), (rows, columns, own) = self.reach, region.values.shape, entries
        edge = (rows < 1) | (rows >= height - 2 * up - 1) | (columns < 1) | (columns >= width - 2 * left - 1)
        self._edges.append((self._place(block, rows[edge], columns[edge]), own[edge]))
        ring = numbers >= 0
        ring[up : height - up, left : width - left] = False
        outer = np.nonzero(ring)
        self._links.append((self._place(block, outer[0] - up, outer[1] - left), numbers[outer]))
        if self._across:
            beside = columns + block.column == rows + block.row + 1
            self._edges.append((self._place(block, rows[beside], columns[beside]), own[beside]))

    def _connect_mirrored(self, block: Block, region: _Region, numbers: Places) -> None:
        """Connect entries that touch only across the diagonal, in windows of one row or one column.

        The window of ``(i, i)`` holds the pair of ``i - 1`` and ``i`` in its row, and that of ``i`` and ``i + 1`` in
        its column, although the entry above the diagonal is in another row or column.
        """
        (up, left), (hr, hc) = self.reach, (side // 2 for side in self.options.sides)
        inner = slice(up, region.values.shape[0] - up), slice(left, region.values.shape[1] - left)
        row = np.arange(inner[0].stop - up)
        column = row + block.row - block.column
        inside = (column >= 0) & (column < inner[1].stop - left)
        row, column = row[inside], column[inside]
        below, above = ((1, 0), (0, 1)) if up else ((0, -1), (-1, 0))  # the same pair, on both sides of the diagonal
        there = row + hr + up + below[0], column + hc + left + below[1]
        equal = region.measured[inner][row, column] & (block.values[there] == region.values[inner][row, column])
        if block.missing is not None:
            equal &= ~block.missing[there]
        row, column = row[equal], column[equal]
        place = self._place(block, row + above[0], column + above[1])
        unbeaten = region.unbeaten[inner][row, column]
        self._links.append((place[unbeaten], numbers[inner][row, column][unbeaten]))
        self._spoilt.append(place[~unbeaten])

    def _describe(self, block: Block, firsts: tuple[Places, Places], kept: Mask) -> None:
        """Describe the first entries of parts that may count."""
        up, left = self.reach
        inside = slice(up, block.values.shape[0] - up), slice(left, block.values.shape[1] - left)
        missing = None if block.missing is None else block.missing[inside]
        block = block._replace(values=block.values[inside], missing=missing)
        some = np.flatnonzero(kept)
        rows, columns = firsts[0][some], firsts[1][some]
        for part in candidates_at(block, rows, columns, self.options.sides, pairs=self.source.undirected):
            self._found.append(described(self.source, part)[0])
        self._of_found.append(some + self._number)

    def _groups(self) -> tuple[Places, Mask, Mask, Mask]:
        """Join the parts of each plateau.

        Returns:
            The plateau of each part; and of each plateau, whether it is lost, whether it rises, and whether it touches
            equal entries outside all blocks.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        places, of_place = (np.concatenate(part) for part in zip(*self._edges, strict=True))
        asked, asking = (np.concatenate(part) for part in zip(*self._links, strict=True))
        order = np.argsort(places)
        known = np.isin(asked, places)
        at = order[np.searchsorted(places, asked[known], sorter=order)]
        ends = asking[known], of_place[at]
        graph = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(self._number,) * 2)
        count, group = connected_components(graph, directed=False)
        lost, rises, open_end = (np.zeros(count, dtype=np.bool_) for _ in range(3))
        lost[group[np.concatenate(self._lost)]] = True
        lost[group[of_place[np.isin(places, np.concatenate(self._spoilt))]]] = True
        rises[group[np.concatenate(self._rises)]] = True
        open_end[group[asking[~known]]] = True
        return np.asarray(group, dtype=np.intp), lost, rises, open_end

    def may_extend(self) -> bool:
        """Find out whether a plateau that may count touches equal entries that no block held."""
        if not self._number:
            return False
        _, lost, rises, open_end = self._groups()
        return bool((~lost & rises & open_end).any())

    def plateaus(self) -> Found:
        """Return the first entry of every plateau that counts, sorted by row and column."""
        if not self._number:
            return self._found[0]
        group, lost, rises, open_end = self._groups()
        first = np.concatenate(self._first)
        order = np.argsort(first)
        plateau, at = np.unique(group[order], return_index=True)
        counts = ~lost & rises & ~open_end
        parts = np.sort(order[at[counts[plateau]]])
        found = joined([list(column) for column in zip(*self._found, strict=True)])
        index = np.searchsorted(np.concatenate(self._of_found), parts)
        index = index[np.argsort(first[parts])]
        columns: list[Any] = [column[index] for column in found]
        return Found(*columns)


def _compared(source: MatrixSource, block: Block, options: SearchOptions, reach: tuple[int, int]) -> _Region:
    """Compare every entry of a block, and those that touch it, with the others of its window."""
    k = options.sides
    hr, hc = k[0] // 2, k[1] // 2
    below = block.below_diagonal((hr + reach[0], hc + reach[1])) if source.undirected else None
    hidden = np.zeros(block.values.shape, dtype=np.bool_) if block.missing is None else block.missing
    gone = hidden if below is None else hidden | below
    values = block.values if below is None else np.where(below, source.lowest, block.values)
    height, width = values.shape[0] - 2 * hr, values.shape[1] - 2 * hc
    inner = slice(hr, hr + height), slice(hc, hc + width)
    centre, measured = values[inner], ~gone[inner]
    before, after = rivals(values, (hr, hc))
    unbeaten = measured & (centre >= before) & (centre >= after)
    some_gone = block.missing is not None or below is not None
    rises = measured & rising(values, gone if some_gone else None, source.lowest, k)
    if some_gone and options.allowed_missing is not None:
        unbeaten &= counts(hidden if below is None else hidden & ~below, k) <= options.allowed_missing
    region = _Region(centre, measured, unbeaten, rises)
    if below is not None and hr != hc:
        _correct(source, block, options, region, reach)
    return region


def _correct(
    source: MatrixSource, block: Block, options: SearchOptions, region: _Region, reach: tuple[int, int]
) -> None:
    """Compare entries near the diagonal with all pairs of windows that are not square.

    Such a window holds pairs below the diagonal whose mirror images are outside.
    """
    half = options.sides[0] // 2, options.sides[1] // 2
    top, left = block.row - reach[0], block.column - reach[1]
    rows, columns = np.nonzero(region.unbeaten)
    near = np.abs(columns + left - rows - top) < abs(half[0] - half[1])
    shifted = block._replace(row=top, column=left)
    at = 0
    rows, columns = rows[near], columns[near]
    for part in candidates_at(shifted, rows, columns, options.sides, pairs=True):
        found, beaten, rises = described(source, part)
        here = rows[at : at + len(beaten)], columns[at : at + len(beaten)]
        if options.allowed_missing is not None:
            beaten |= found.missing > options.allowed_missing
        region.unbeaten[here], region.rises[here] = ~beaten, rises
        at += len(beaten)
