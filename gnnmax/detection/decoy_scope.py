"""Which entries decoys hold: those that the filters by place leave, with the windows around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.breaks import Breaks
from gnnmax.detection.local_background_model import surroundings_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.place_filters import parts_within
from gnnmax.detection.ranges import distance_range, region_of
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.shuffled_entries import SHUFFLED, in_memory, of_entries, place_type
from gnnmax.detection.sparse_storage import HalfStorage, SparseStorage
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["Scope", "entries_in", "needed_scopes", "scope_of"]

STRIP = 128
"""Rows that are read together."""

TOGETHER = 2**22
"""Least number of entries of a group of parts, such as chromosomes, whose decoys are drawn together."""


@dataclass(frozen=True)
class Scope:
    """Entries of a matrix by their place.

    Attributes:
        first: First row, and first column of a square matrix.
        last: Last one, plus 1.
        apart: Largest distance ``|i - j|``; None: any.
        parts: Entries across these breaks are left out; None: none are.
        margin: How many rows and columns around an entry its windows and their surroundings reach.
    """

    first: int
    last: int
    apart: int | None
    parts: Breaks | None
    margin: int

    def columns_of(self, source: MatrixSource, rows: Places) -> tuple[Places, Places]:
        """Return the first column of each of some rows, and the last one plus 1; of an undirected matrix, of pairs."""
        n, m = source.shape
        low, high = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), m)
        if (self.first, self.last) != (0, n):
            low, high = np.maximum(low, self.first), np.minimum(high, self.last)
        if self.parts is not None:
            starts, stops = self.parts.limits(rows, 0)[0]
            low, high = np.maximum(low, starts), np.minimum(high, stops)
        if self.apart is not None:
            low, high = np.maximum(low, rows - self.apart), np.minimum(high, rows + self.apart + 1)
        if source.undirected:
            low = np.maximum(low, rows)
        return low, np.maximum(high, low)

    def number(self, source: MatrixSource) -> int:
        """Count the measured entries; single missing ones that no list or vector names count too."""
        return int(self.counts(source).sum())

    def counts(self, source: MatrixSource) -> Places:
        """Count the measured entries of each row, see :meth:`number`."""
        if source.sparse and source.unstored == "missing":
            counts = np.zeros(self.last - self.first, dtype=np.intp)
            for _, rows, columns in source.plain.measured(once=True):
                inside = rows[self.holds(source, rows, columns)] - self.first
                counts += np.bincount(inside, minlength=len(counts))
            return counts
        rows = np.arange(self.first, self.last)
        lines = source.missing if isinstance(source.missing, MissingLines) else MissingLines.none(source.shape)
        before = np.concatenate([[0], np.cumsum(~lines.columns)])
        low, high = self.columns_of(source, rows)
        return np.where(lines.rows[rows], 0, before[high] - before[low])

    def groups(self, source: MatrixSource) -> list[Scope]:
        """Cut the scope into groups of whole parts that hold some millions of entries each.

        Entries of different parts have nothing to do with each other if those across breaks are left out. Parts with
        few entries stay with their neighbours, because a background is not fitted to a few entries.
        """
        if self.parts is None:
            return [self]
        sums = np.concatenate([[0], np.cumsum(self.counts(source))])
        cuts, held = [self.first], 0
        for _, last in self.parts.rows_within(self.first, self.last):
            if (total := int(sums[last - self.first])) - held >= TOGETHER and sums[-1] - total >= TOGETHER:
                cuts, held = [*cuts, last], total
        return [replace(self, first=first, last=last) for first, last in pairwise([*cuts, self.last])]

    def holds(self, source: MatrixSource, rows: Places, columns: Places) -> npt.NDArray[np.bool_]:
        """Return which entries are in the scope; of an undirected matrix, of pairs the one above the diagonal."""
        inside = (rows >= self.first) & (rows < self.last)
        low, high = self.columns_of(source, rows)
        return np.asarray(inside & (columns >= low) & (columns < high))

    def rows_of(self, rows: Places) -> Places:
        """Return which of some rows lie in the scope."""
        return np.flatnonzero((rows >= self.first) & (rows < self.last))

    def is_whole(self, source: MatrixSource) -> bool:
        """Return whether no entry is left out."""
        within = self.parts is not None and len(self.parts.rows) > 2
        bounded = self.apart is not None and self.apart < max(source.shape) - 1
        return (self.first, self.last) == (0, source.shape[0]) and not within and not bounded


def needed_scopes(source: MatrixSource, options: SearchOptions, *, zeros: bool) -> list[Scope]:
    """Return the entries that decoys need: one scope, or one for each group of parts that has decoys of its own.

    Maxima that the filters by distance, region or contacts drop need no decoys, so only the entries that these leave
    are needed, and those within the windows and the surroundings around them.

    Args:
        source: The matrix.
        options: How it is searched.
        zeros: Whether zeros of a sparse matrix, and entries across breaks, count wherever they are. Else zeros beyond
            its last stored distance, and entries across breaks if these have no scores, may be left out; this is done
            if there are too many otherwise.

    Raises:
        InputError: too many entries; the message names the filters that leave fewer.
    """
    scope = scope_of(source, options)
    if not zeros and scope.number(source.plain) > SHUFFLED:
        scope = _without_zeros(source, scope)
    groups = [scope] if zeros else scope.groups(source.plain)
    number = max(group.number(source.plain) for group in groups)
    if number > SHUFFLED:
        raise InputError(
            f"decoys hold at most {SHUFFLED:,} entries, and these would hold {number:,}"
            f"{_remedy(source, options, scope.margin, together=zeros)}"
        )
    return groups


def entries_in(source: MatrixSource, scope: Scope) -> MatrixSource:
    """Return a matrix before normalisation with the entries of a scope: all others are missing.

    Returns:
        An array; or, if entries are left out, a sparse matrix that stores every entry that is measured, 0 too.
    """
    source = source.plain
    return in_memory(source) if scope.is_whole(source) else _limited(source, scope)


def scope_of(source: MatrixSource, options: SearchOptions) -> Scope:
    """Return the entries that the filters by place leave, with the windows around them.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> scope = scope_of(as_source(np.eye(99)), SearchOptions(3, distance="2:20"))
        >>> scope.margin, scope.apart
        (4, 28)
    """
    n, _ = source.shape
    if options.mode == "graph":
        return Scope(0, n, None, parts=None, margin=0)
    window = max(max(sides) // 2 for sides in options.scales)
    margin = window + max(surroundings_of(options.sides)) + source.reach + options.min_distance - 1
    first, last, apart = 0, n, None
    if options.distance is not None:
        apart = _places_within(source, options)
        apart = None if apart is None else apart + 2 * margin
    if options.region is not None and source.bins is not None:
        inside = np.flatnonzero(source.bins.inside(region_of(options.region)))
        first, last = max(0, int(inside[0]) - margin), min(n, int(inside[-1]) + 1 + margin)
    return Scope(first, last, apart, parts_within(source, options), margin)


def _places_within(source: MatrixSource, options: SearchOptions) -> int | None:
    """Return the largest distance in places that the filter by distance leaves; None: there is no bound."""
    wanted = distance_range(options.distance)
    if wanted.largest is None or not wanted.base_pairs:
        return wanted.largest
    assert source.bins is not None  # the filter was checked
    most, bins = 0, source.bins
    for first, last in pairwise([0, *bins.chromosome_starts().tolist(), len(bins.start)]):
        start = bins.start[first:last].astype(np.int64)
        if (np.diff(start) < 0).any():
            return None
        reached = np.searchsorted(start, start + wanted.largest, "right") - 1
        most = max(most, int((reached - np.arange(last - first)).max()))
    return most


def _without_zeros(source: MatrixSource, scope: Scope) -> Scope:
    """Leave out zeros beyond the last stored distance, and entries across breaks if these have no scores."""
    if any(step.scored is not None for step in source.steps):
        scope = replace(scope, parts=source.parts)
    storage = source.storage
    if not isinstance(storage, (SparseStorage, HalfStorage)) or source.unstored == "missing":
        return scope
    first, last = (storage.upper if isinstance(storage, HalfStorage) else storage).offsets
    filled = first <= last
    farthest = np.maximum(np.abs(first[filled]), np.abs(last[filled])).max(initial=0)
    stored = int(farthest) + 2 * scope.margin
    return replace(scope, apart=stored if scope.apart is None else min(stored, scope.apart))


def _remedy(source: MatrixSource, options: SearchOptions, margin: int, *, together: bool) -> str:
    """Say which filters would leave fewer entries.

    Args:
        source: The matrix.
        options: How it is searched.
        margin: That of the scope.
        together: Whether the decoys of all parts are drawn together.
    """
    if options.mode == "graph":
        return ": search a part of the graph"
    n, m = source.shape
    rows = n if together else int(np.diff(source.parts.rows).max())
    remedies = []
    if (
        n == m
        and source.parts.equal_sides
        and (most := SHUFFLED // (rows if source.undirected else 2 * rows) - 2 * margin) > 0
    ):
        remedies.append(f"distances up to {most:,} (--distance 0:{most})")
    if source.bins is not None:
        remedies.append("a part of the genome (--region)")
    return f": keep {' or '.join(remedies)}" if remedies else ": search a part of the matrix"


def _limited(source: MatrixSource, scope: Scope) -> MatrixSource:
    """Return the entries of a scope as a sparse matrix."""
    if source.sparse and source.unstored == "missing":
        found = list(_chosen(source, scope))
    else:
        found = [part for piece in _pieces(source, scope) for part in _measured_in(source, scope, piece)]
    dtype = place_type(source.shape)
    none = np.empty(0, source.dtype), np.empty(0, dtype), np.empty(0, dtype)
    values, rows, columns = (np.concatenate(part) for part in zip(none, *found, strict=True))
    found.clear()
    return of_entries(source, values, rows.astype(dtype, copy=False), columns.astype(dtype, copy=False))


Listed = tuple[npt.NDArray[Any], Places, Places]


def _chosen(source: MatrixSource, scope: Scope) -> Iterator[Listed]:
    """Yield values, rows and columns of stored entries."""
    for values, rows, columns in source.measured(once=True):
        kept = scope.holds(source, rows, columns)
        yield values[kept], rows[kept], columns[kept]


def _pieces(source: MatrixSource, scope: Scope) -> Iterator[tuple[int, int, int, int]]:
    """Yield first row, first column, rows and columns of rectangles that cover the scope."""
    for start in range(scope.first, scope.last, STRIP):
        for top, bottom in source.parts.rows_within(start, min(start + STRIP, scope.last)):
            low, high = scope.columns_of(source, np.arange(top, bottom))
            if low.min() < high.max():
                yield from source.parts.cut((top, int(low.min()), bottom - top, int(high.max() - low.min())))


def _measured_in(source: MatrixSource, scope: Scope, piece: tuple[int, int, int, int]) -> Iterator[Listed]:
    """Yield values, rows and columns of the measured entries of a rectangle that are in the scope."""
    top, left, height, width = piece
    block = source.block(*piece, (0, 0))
    dtype = place_type(source.shape)
    rows, columns = np.arange(top, top + height, dtype=dtype), np.arange(left, left + width, dtype=dtype)
    low, high = (ends[:, None] for ends in scope.columns_of(source, rows))
    kept = (columns >= low) & (columns < high)
    if block.missing is not None:
        kept &= ~block.missing
    down, across = np.nonzero(kept)
    yield block.values[kept], rows[down], columns[across]
