"""Maxima of a graph whose nodes have no order: an edge not beaten by any edge that shares an end with it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.labels import Labels, labels_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima, margin_over
from gnnmax.detection.search_options import SearchOptions, has_shape
from gnnmax.detection.storage import lowest

__all__ = ["edges_of", "graph_maxima"]

Values = npt.NDArray[Any]
Ends = npt.NDArray[Any]

CHUNK = 2**16
"""Approximate number of edges examined together."""

LEAST, MOST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
"""Integers below and above every key."""

INFINITE = int(np.float64(np.inf).view(np.uint64))
"""The bits of infinity as a whole number; the bits of a negative number or NaN exceed it."""


def graph_maxima(source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the edges that no other edge of their ends beats; see :func:`gnnmax.detection.find_maxima`.

    An end is a row or a column: entries ``(u, v)`` and ``(u, w)`` share the row ``u``, ``(u, v)`` and ``(w, v)`` the
    column ``v``. In an undirected graph, whose matrix is symmetric, row ``u`` and column ``u`` are the same end, and
    ``(u, v)`` and ``(v, u)`` the same edge, which is listed with ``u <= v``. With labels, only edges of the same label
    compete.

    Cost: a few passes over the edges.

    Args:
        source: The matrix.
        options: How it is searched; of these, ties, threshold and labels are used.
    """
    indptr, columns, values = edges_of(source)
    if (labels := labels_of(source, options)) is None:
        return _locally_dominant(source, options, indptr, columns, values)
    edges, ends = _split_by_label(labels, indptr, columns, values)
    maxima = _locally_dominant(source, options, *edges)
    maxima = replace(maxima, rows=ends[0][maxima.rows], columns=ends[1][maxima.columns])
    return maxima[np.lexsort((maxima.columns, maxima.rows))]


def _split_by_label(
    labels: Labels, indptr: Ends, columns: Ends, values: Values
) -> tuple[tuple[Ends, Ends, Values], tuple[Ends, Ends]]:
    """Split each end into one for each label of its edges, so that edges of different labels share none.

    Edges without a label, 0, are left out.

    Returns:
        The edges between the new ends, row by row, and the row and the column that each new end was split from.
    """
    from scipy.sparse import csr_array

    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    label = labels.at(rows, columns)
    kept = label != 0
    rows, columns, values, label = rows[kept], columns[kept], values[kept], label[kept]
    different, number = np.unique(label, return_inverse=True)
    found, split = [], []
    for places in (rows, columns):  # of an undirected graph, the same ends in the same sequence
        ends, place = np.unique(places * np.int64(len(different)) + number.reshape(-1), return_inverse=True)
        found.append(place.reshape(-1))
        split.append(np.asarray(ends // max(len(different), 1), dtype=np.intp))
    edges = csr_array((values, (found[0], found[1])), shape=(len(split[0]), len(split[1])))
    edges.sum_duplicates()  # there are none; this sorts every row
    return (edges.indptr, edges.indices, edges.data), (split[0], split[1])


def _locally_dominant(
    source: MatrixSource, options: SearchOptions, indptr: Ends, columns: Ends, values: Values
) -> Maxima:
    """Find the edges, given row by row, that no other edge of their ends beats."""
    symmetric = source.undirected
    by_row = _Best(indptr, values)
    if by_row.unknown:
        indptr, columns, values = _chosen(indptr, columns, values, ~np.isnan(values))
        by_row = _Best(indptr, values)
    by_column = by_row if symmetric else _Best(*_by_column(indptr, columns, values))
    # A maximum is among the largest edges of its row and of its column: one comparison removes all others.
    row, column, value = by_row.at, columns[by_row.leading], by_row.value
    leading = value == by_column.first[column]
    if symmetric:
        leading &= row <= column
    if options.threshold is not None and not has_shape(options.threshold):
        leading &= value > options.threshold
    chosen = np.flatnonzero(leading)
    row, column, value = row[chosen], column[chosen], value[chosen]

    def besides(of_rows: Ends, of_columns: Ends, some: Any) -> Ends:
        """Count the other edges at the ends of some edges; the two ends of an undirected loop are one."""
        count: Ends = of_rows[row[some]] + of_columns[column[some]] - 2
        return np.where((row[some] == column[some]) & symmetric, count // 2, count)

    # The edge itself is among the largest at both ends.
    others = besides(by_row.count, by_column.count, slice(None))
    tied = np.flatnonzero(others)
    if len(tied):
        kept = others == 0
        if options.ties != "strict":
            kept[tied] = others[tied] < besides(by_row.size, by_column.size, tied)
        row, column, value, others = row[kept], column[kept], value[kept], others[kept]
    rival = np.maximum(by_row.rival[row], by_column.rival[column])
    margin = margin_over(rival, value)
    margin[others > 0] = 0.0
    unrivalled = np.flatnonzero(rival == lowest(rival.dtype))
    margin[unrivalled[besides(by_row.size, by_column.size, unrivalled) == 0]] = np.inf
    return Maxima(
        row.astype(np.intp, copy=False),
        column.astype(np.intp, copy=False),
        value.astype(source.given, copy=False),
        margin,
        others.astype(np.int64, copy=False),
        np.zeros(len(row), dtype=np.int64),
        mode="graph",
        k=None,
        names=source.names,
    )


def edges_of(source: MatrixSource) -> tuple[Ends, Ends, Values]:
    """Return the edges row by row: stored entries, or entries of a dense matrix that are not 0, NaN included."""
    matrix = source.edges().matrix
    indptr, columns, values = matrix.indptr, matrix.indices, matrix.data
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    if source.diagonal and source.missing is None and not source.steps:
        return indptr, columns, values
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    kept = np.ones(len(values), dtype=np.bool_)
    if not source.diagonal:
        kept &= rows != columns
    if source.missing is not None:
        kept &= ~source.missing[rows, columns]
    indptr, columns, values = _chosen(indptr, columns, values, kept)
    return indptr, columns, source.transformed(values, rows[kept], columns)


def _chosen(indptr: Ends, columns: Ends, values: Values, kept: npt.NDArray[np.bool_]) -> tuple[Ends, Ends, Values]:
    """Select edges, in the same order."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return before[indptr], columns[kept], values[kept]


def _by_column(indptr: Ends, columns: Ends, values: Values) -> tuple[Ends, Values]:
    """Sort edges that come row by row into columns."""
    from scipy.sparse import csr_array

    shape = len(indptr) - 1, int(columns.max(initial=-1)) + 1
    turned = csr_array((values, columns, indptr), shape=shape).tocsc()
    return turned.indptr, turned.data


class _Best:
    """The largest edges at every end: their value, their number, the rival value, and the number of all edges.

    The rival is the largest value of the other edges. ``leading`` holds the edges that are largest at their end, in
    order, ``value`` their values and ``at`` their ends. ``unknown`` says whether a value was NaN; the rest is then
    invalid.

    Edges are examined some ends at a time, so that intermediate arrays stay in the processor's cache.
    """

    def __init__(self, indptr: Ends, values: Values) -> None:
        self.size = np.diff(indptr)
        filled = np.flatnonzero(self.size)
        starts, size = indptr[filled], self.size[filled]
        largest, rival = (np.empty(len(filled), dtype=values.dtype) for _ in range(2))
        leading, tied = [], False
        cuts = np.searchsorted(starts, np.arange(CHUNK, len(values), CHUNK)).tolist()
        parts = [slice(*ends) for ends in pairwise([0, *cuts, len(filled)]) if ends[0] < ends[1]]
        bounds = [int(starts[part.start]) for part in parts] + [len(values)]
        places = np.arange(max(np.diff(bounds), default=0))
        for some, (begin, end) in zip(parts, pairwise(bounds), strict=True):
            edges, inner = values[begin:end], starts[some] - begin
            found = None if tied else _alone(edges, inner, places)  # a tie is seldom the only one
            if found is None:
                found = _among_ties(edges, inner, size[some])
            top, largest[some], rival[some] = found
            tied = len(top) > len(inner)
            leading.append(top + begin)
        self.unknown = bool(np.isnan(largest).any())
        self.leading = np.concatenate(leading) if leading else np.empty(0, dtype=np.intp)
        ties = len(self.leading) > len(filled)
        self.at = np.searchsorted(indptr, self.leading, side="right") - 1 if ties else filled
        self.count = np.bincount(self.at, minlength=len(self.size)) if ties else np.broadcast_to(1, len(self.size))
        self.value = values[self.leading] if ties else largest
        self.first, self.rival = self._everywhere(filled, largest), self._everywhere(filled, rival)

    def _everywhere(self, filled: Ends, values: Values) -> Values:
        """Spread values of the ends that have edges over all ends."""
        if len(filled) == len(self.size):
            return values
        everywhere = np.full(len(self.size), lowest(values.dtype), dtype=values.dtype)
        everywhere[filled] = values
        return everywhere


def _alone(values: Values, starts: Ends, places: Ends) -> tuple[Ends, Values, Values] | None:
    """Find the largest of every run of values, and its rival, if the leading bits of the values decide.

    These bits and the place of a value make one integer, so two passes find values and places together.

    Returns:
        The places of the largest, their values, and the largest of the others; None if the bits do not decide.
    """
    bits = len(values).bit_length()
    place = (1 << bits) - 1
    keys = _ordered(values) & ~place
    keys |= places[: len(keys)]
    largest = np.maximum.reduceat(keys, starts)
    top = largest & place
    keys[top] = LEAST
    next_largest = np.maximum.reduceat(keys, starts)
    if (largest ^ next_largest).view(np.uint64).min() <= place:
        return None
    rival = values[next_largest & place]
    rival[next_largest == LEAST] = lowest(values.dtype)
    return top, values[top], rival


def _among_ties(values: Values, starts: Ends, size: Ends) -> tuple[Ends, Values, Values]:
    """Find all largest values of every run, the largest value itself, and its rival."""
    largest = np.maximum.reduceat(values, starts)
    equal = values == np.repeat(largest, size)
    top = np.flatnonzero(equal)
    rest = values.copy()
    rest[top] = lowest(values.dtype)
    rival = np.where(np.add.reduceat(equal, starts, dtype=np.intp) > 1, largest, np.maximum.reduceat(rest, starts))
    return top, largest, rival


def _ordered(values: Values) -> npt.NDArray[np.int64]:
    """Map values to integers in the same order, to double precision; NaN becomes the largest, -0.0 equals 0.0.

    Example:
        >>> np.argsort(_ordered(np.array([0.5, np.nan, -1, -np.inf, 2]))).tolist()
        [3, 2, 0, 4, 1]
    """
    doubles = values.astype(np.float64, copy=False)
    keys = doubles.view(np.int64)
    if keys.view(np.uint64).max() > INFINITE:
        keys = (doubles + 0.0).view(np.int64)
        np.bitwise_xor(keys, MOST, out=keys, where=keys < 0)  # the bits of negative doubles are in reverse order
        keys[np.isnan(doubles)] = MOST
    return keys
