"""Maxima of a graph whose nodes have no order: an edge not beaten by any edge that shares an end with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import Maxima, Ties
from gnnmax.detection.source import Source

__all__ = ["graph_maxima"]

Values = npt.NDArray[Any]
Ends = npt.NDArray[Any]

CHUNK = 2**16
"""Edges looked at together, about."""


def graph_maxima(source: Source, ties: Ties, threshold: float | None, symmetric: bool, once: bool) -> Maxima:
    """Find the edges that no other edge of their ends beats; see :func:`gnnmax.detection.find_maxima`.

    An end is a row or a column: entries ``(u, v)`` and ``(u, w)`` share the row ``u``, ``(u, v)`` and ``(w, v)`` the
    column ``v``. Of an undirected graph, whose matrix is symmetric, row ``u`` and column ``u`` are the same end, and
    ``(u, v)`` and ``(v, u)`` the same edge.

    Cost: a few passes over the edges.
    """
    indptr, columns, values = _edges(source)
    by_row = _Best(indptr, values)
    by_column = by_row if symmetric else _Best.of_any(columns, values, source.shape[1])
    # Among the largest edges of its row, and of its column too: all others are out after one look.
    both_ways = by_row.first[by_row.at] == by_column.first[columns[by_row.leading]]
    leading, row = by_row.leading[both_ways], by_row.at[both_ways]
    column, value = columns[leading], values[leading]
    in_row, in_column = by_row.count[row], by_column.count[column]
    # The edge itself is among the largest at both ends; of an undirected loop the two ends are one.
    loops = (row == column) & symmetric
    others = np.where(loops, in_row - 1, in_row + in_column - 2)
    rival = np.maximum(by_row.rival(row), by_column.rival(column))
    alone = (by_row.size[row] == 1) & (by_column.size[column] == 1)
    degree = np.where(loops, by_row.size[row] - 1, by_row.size[row] + by_column.size[column] - 2)
    kept = others == 0 if ties == "strict" else alone | (others < degree)
    if threshold is not None:
        kept &= value > threshold
    if symmetric and once:
        kept &= row <= column
    with np.errstate(invalid="ignore", over="ignore"):
        difference = value.astype(np.float64) - rival.astype(np.float64)
    margin = np.where(alone, np.inf, np.where(others > 0, 0.0, difference))
    found = Maxima(
        row.astype(np.intp),
        column.astype(np.intp),
        value.astype(source.given),
        margin,
        others.astype(np.int64),
        np.zeros(len(row), dtype=np.int64),
        mode="graph",
        k=None,
        names=source.names,
    )
    return found[kept]


def _edges(source: Source) -> tuple[Ends, Ends, Values]:
    """Return the edges row by row: stored entries, or those of a dense matrix that are not 0; NaN is no edge."""
    matrix = source.edges().matrix
    indptr, columns, values = matrix.indptr, matrix.indices, matrix.data
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    unknown = values.dtype.kind == "f" and len(values) > 0 and np.isnan(np.max(values))
    if not unknown and source.diagonal and source.missing is None and not source.steps:
        return indptr, columns, values
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    kept = ~np.isnan(values) if unknown else np.ones(len(values), dtype=np.bool_)
    if not source.diagonal:
        kept &= rows != columns
    if source.missing is not None:
        kept &= ~source.missing[rows, columns]
    rows, columns, values = rows[kept], columns[kept], source.transformed(values[kept], rows[kept], columns[kept])
    counts = np.bincount(rows, minlength=len(indptr) - 1)
    return np.concatenate([[0], np.cumsum(counts)]), columns, values


class _Best:
    """Of every end: its largest value, how many edges have it, the next largest, and how many edges there are.

    ``leading`` are the edges that are largest at their end, in order, and ``at`` the ends where they are.

    Edges are looked at some ends at a time, so that what is written on the way stays in the processor's cache.
    """

    def __init__(self, indptr: Ends, values: Values) -> None:
        self.size = np.diff(indptr)
        lowest = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
        self.first, self.second = (np.full(len(self.size), lowest, dtype=values.dtype) for _ in range(2))
        filled = np.flatnonzero(self.size)
        starts, leading = indptr[filled], []
        cuts = np.searchsorted(starts, np.arange(CHUNK, len(values), CHUNK))
        for some in np.split(np.arange(len(filled)), cuts):
            if not len(some):
                continue
            ends, begin = filled[some], int(starts[some[0]])
            part = values[begin : indptr[ends[-1] + 1]]
            inner = starts[some] - begin
            largest = np.maximum.reduceat(part, inner)
            top = np.flatnonzero(part == np.repeat(largest, self.size[ends]))
            rest = part.copy()
            rest[top] = lowest
            self.first[ends], self.second[ends] = largest, np.maximum.reduceat(rest, inner)
            leading.append(top + begin)
        self.leading = np.concatenate(leading) if leading else np.empty(0, dtype=np.intp)
        ties = len(self.leading) > len(filled)
        self.at = np.searchsorted(indptr, self.leading, side="right") - 1 if ties else filled
        self.count = np.bincount(self.at, minlength=len(self.size))

    @classmethod
    def of_any(cls, ends: Ends, values: Values, number: int) -> _Best:
        """Take edges in any order."""
        order = np.argsort(ends, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=number))])
        return cls(indptr, values[order])

    def rival(self, ends: Ends) -> Values:
        """Return the largest value besides one of the largest, at each of some ends."""
        return np.where(self.count[ends] > 1, self.first[ends], self.second[ends])
