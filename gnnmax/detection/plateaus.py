"""Plateaus of a matrix whose order means something: equal entries that touch, each of them unbeaten in its window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.blocks import Block
from gnnmax.detection.candidates import Found, candidates_at, described
from gnnmax.detection.connected_groups import joined_in_pairs
from gnnmax.detection.footprints import footprint_of, hole_of
from gnnmax.detection.labels import labels_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima, Places
from gnnmax.detection.ordered_mode import as_maxima, check_number, joined, no_maxima
from gnnmax.detection.plateau_regions import Region, compared_entries
from gnnmax.detection.search_options import SearchOptions, has_shape

__all__ = ["plateau_maxima"]

Mask = npt.NDArray[np.bool_]


def plateau_maxima(source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the plateaus: equal entries that touch, at a corner too, none of them beaten in its own window.

    One of them must rise above another entry of its window, or have no other: so a constant matrix has no plateau. An
    entry whose window has more missing entries than allowed is no maximum, and neither is a plateau that holds it. The
    first entry, by row and then by column, represents its plateau. A window of one row has no entries above and below
    that could touch, and one of one column none beside. A footprint says which entries are rivals; entries touch
    whether or not they are. Entries of different labels are of different plateaus.

    Cost: the plateaus of each block are labelled, and joined across the borders of blocks. Zeros that a sparse matrix
    does not store are read only if a plateau of zeros may be a maximum: if it rises above a negative entry.
    """
    parts = _Parts(source, options)
    border = options.sides[0] // 2 + parts.reach[0], options.sides[1] // 2 + parts.reach[1]
    lone = options.labels is not None and options.unstored == "zero"  # a zero may be the only entry of its label
    if not lone:
        hole = hole_of(options.footprint) // 2
        parts.add(source.tiles(border, upper=source.undirected, rectangles=True, hole=hole))
    if lone or parts.may_extend():
        parts = _Parts(source, options)
        parts.add(source.every_block(border, upper=source.undirected))
    return as_maxima(parts.plateaus(), source, options)


class _Parts:
    """The parts of plateaus that lie in single blocks, and how they are connected.

    A part has a number. ``_edges`` holds the places of its entries at the border of its block, ``_links`` those of
    entries that it touches outside, ``_spoilt`` those of entries that touch an equal one that is beaten; places are
    numbered row by row.
    """

    def __init__(self, source: MatrixSource, options: SearchOptions) -> None:
        self.source, self.options = source, options
        self.reach = min(1, options.sides[0] // 2), min(1, options.sides[1] // 2)
        self._footprint, self._labels = footprint_of(options.footprint, options.sides), labels_of(source, options)
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
        border = self.options.sides[0] // 2 + self.reach[0], self.options.sides[1] // 2 + self.reach[1]
        marks = None if self._labels is None else self._labels.of_block(block, border)
        region = compared_entries(self.source, block, self.options, self.reach, marks)
        (up, left), (height, width) = self.reach, region.values.shape
        inner = (slice(up, height - up), slice(left, width - left))
        if not region.unbeaten[inner].any():
            if self._across:
                self._connect_mirrored(block, region, np.full(region.values.shape, -1), marks)
            return
        labels, count = region.numbered(self.reach, rivals=self._footprint is None and self._labels is None)
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
            self._connect_mirrored(block, region, numbers[labels], marks)
        self._describe(block, (rows[first], columns[first]), ~lost, marks)
        self._lost.append(lost)
        self._rises.append(rises)
        self._first.append(self._place(block, rows[first], columns[first]))
        self._number += len(present)

    def _place(self, block: Block, rows: Places, columns: Places) -> npt.NDArray[np.int64]:
        return np.asarray((rows + block.row) * self.source.shape[1] + columns + block.column, dtype=np.int64)

    def _connect(self, block: Block, region: Region, numbers: Places, entries: tuple[Places, Places, Places]) -> None:
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

    def _connect_mirrored(self, block: Block, region: Region, numbers: Places, marks: npt.NDArray[Any] | None) -> None:
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
        if marks is not None and region.marks is not None:
            equal &= marks[there] == region.marks[inner][row, column]
        row, column = row[equal], column[equal]
        place = self._place(block, row + above[0], column + above[1])
        unbeaten = region.unbeaten[inner][row, column]
        self._links.append((place[unbeaten], numbers[inner][row, column][unbeaten]))
        self._spoilt.append(place[~unbeaten])

    def _describe(
        self, block: Block, firsts: tuple[Places, Places], kept: Mask, marks: npt.NDArray[Any] | None
    ) -> None:
        """Describe the first entries of parts that may count."""
        up, left = self.reach
        inside = slice(up, block.values.shape[0] - up), slice(left, block.values.shape[1] - left)
        missing = None if block.missing is None else block.missing[inside]
        block = block._replace(values=block.values[inside], missing=missing)
        some = np.flatnonzero(kept)
        rows, columns = firsts[0][some], firsts[1][some]
        marks = None if marks is None else marks[inside]
        pairs, footprint = self.source.undirected, self._footprint
        for part in candidates_at(
            block, rows, columns, self.options.sides, pairs=pairs, footprint=footprint, labels=marks
        ):
            self._found.append(described(self.source, part)[0])
        self._of_found.append(some + self._number)

    def _groups(self) -> tuple[Places, Mask, Mask, Mask]:
        """Join the parts of each plateau.

        Returns:
            The plateau of each part; and of each plateau, whether it is lost, whether it rises, and whether it touches
            equal entries outside all blocks.
        """
        places, of_place = (np.concatenate(part) for part in zip(*self._edges, strict=True))
        asked, asking = (np.concatenate(part) for part in zip(*self._links, strict=True))
        order = np.argsort(places)
        known = np.isin(asked, places)
        at = order[np.searchsorted(places, asked[known], sorter=order)]
        count, group = joined_in_pairs(self._number, asking[known], of_place[at])
        lost, rises, open_end = (np.zeros(count, dtype=np.bool_) for _ in range(3))
        lost[group[np.concatenate(self._lost)]] = True
        lost[group[of_place[np.isin(places, np.concatenate(self._spoilt))]]] = True
        rises[group[np.concatenate(self._rises)]] = True
        open_end[group[asking[~known]]] = True
        return group, lost, rises, open_end

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
