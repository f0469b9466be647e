"""Windows of the edges of a graph of any size: the nearest nodes to both ends, chosen on its stored edges alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.graph_mode import edges_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.storage import Places
from gnnmax.detection.window_scoring import WindowBatch
from gnnmax.errors import InputError
from gnnmax.task.arrays import as_floats

__all__ = ["NeighbourhoodCutter", "nearest_nodes"]

SORTED = 2**21
"""Approximate number of edges that are sorted together."""

WIDENED = 2**11
"""Nodes whose neighbourhoods are widened by a hop together."""


@dataclass(frozen=True, eq=False)
class NeighbourhoodCutter:
    """Cuts the windows of edges of a graph, as :func:`gnnmax.data.subgraphs.window_extraction.cut_neighbours` does.

    Each end of an edge gets the ``k - 1`` nodes nearest to it: fewest hops, ignoring directions; direct neighbours by
    decreasing weight in either direction; then by position. A node near both ends goes to one of them: row and column
    choose in turns, the row first. No matrix of n x n is made.

    Cost: the nearest ``2k - 1`` nodes of each end are listed once, 4 bytes each; a window then takes a few
    microseconds, and one search in a sorted row for each of its entries.

    Attributes:
        adjacency: The weights of the edges, exact in floating point, in compressed sorted rows.
        k: Side of the windows.
        ends: The nodes that are ends of the edges to cut, in rising order.
        nearest: The nodes nearest to each of them, in order, shape ``(len(ends), 2k - 1)``.
    """

    adjacency: Any
    k: int
    ends: Places
    nearest: npt.NDArray[np.int32]

    @classmethod
    def of(cls, source: MatrixSource, k: int, ends: Places | None = None) -> NeighbourhoodCutter:
        """Prepare the windows of edges.

        Args:
            source: The graph; its edges are those of mode graph: stored, or not 0 in a dense matrix.
            k: Side of the windows.
            ends: The nodes between which edges will be cut; None: all that have edges.

        Raises:
            InputError: the matrix is not square, or has too few nodes for such windows.
        """
        n, m = source.shape
        if n != m:
            raise InputError(
                f"windows of the nearest nodes need weights among all nodes, a square matrix, not {n} x {m}: use mode "
                "ordered"
            )
        if n < 2 * k:
            raise InputError(f"windows of side {k} are cut from graphs of at least {2 * k} nodes, not of {n}")
        adjacency = _adjacency(source)
        either = adjacency if source.undirected else _in_either_direction(adjacency)
        ends = np.flatnonzero(np.diff(either.indptr)) if ends is None else np.unique(ends)
        return cls(adjacency, k, ends, nearest_nodes(either, ends, 2 * k - 1))

    @cached_property
    def _place(self) -> Places:
        """The place of each node in ``ends``."""
        place = np.zeros(self.adjacency.shape[0], dtype=np.intp)
        place[self.ends] = np.arange(len(self.ends))
        return place

    def nodes(self, rows: Places, columns: Places) -> tuple[Places, Places]:
        """Return the nodes of the rows and of the columns of the windows of some edges, shape ``(E, k)`` each."""
        k, every = self.k, np.arange(len(rows))
        near = [self.nearest[self._place[side]] for side in (rows, columns)]  # (E, 2k - 1) each
        free = [near[0] != columns[:, None], near[1] != rows[:, None]]
        chosen = np.empty((2, len(rows), k - 1), dtype=np.intp)
        for turn in range(2 * (k - 1)):
            side = turn % 2
            first = free[side].argmax(axis=1)
            chosen[side, :, turn // 2] = pick = near[side][every, first]
            free[side][every, first] = False
            free[1 - side] &= near[1 - side] != pick[:, None]
        sides = np.insert(np.sort(chosen, axis=2), k // 2, np.stack([rows, columns]), axis=2)  # (2, E, k)
        return sides[0], sides[1]

    def cut(self, rows: Places, columns: Places, *, contexts: bool = False) -> WindowBatch:
        """Cut the windows of some edges, 0 where there is no edge.

        Args:
            rows: Row of each edge.
            columns: Column of each.
            contexts: Whether the weights among the rows and among the columns are cut too.
        """
        down, across = self.nodes(rows, columns)
        values = self._weights(down, across)
        return (
            WindowBatch(values, self._weights(down, down), self._weights(across, across))
            if contexts
            else WindowBatch(values)
        )

    def _weights(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Read the weights between the nodes of rows and of columns, shape ``(E, k, k)``."""
        edges, k = rows.shape
        places = np.repeat(rows, k, axis=1).reshape(-1), np.tile(columns, k).reshape(-1)
        found = self.adjacency[places]
        dense: npt.NDArray[Any] = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return dense.reshape(edges, k, k)


def _adjacency(source: MatrixSource) -> Any:
    """Return the measured edges of a graph as a sparse matrix in floating point."""
    from scipy.sparse import csr_array

    indptr, columns, values = edges_of(source)
    values = as_floats(values)
    known = ~np.isnan(values)
    if not known.all():
        before = np.concatenate([[0], np.cumsum(known)])
        indptr, columns, values = before[indptr], columns[known], values[known]
    return csr_array((values, columns, indptr), shape=source.shape)


def _in_either_direction(adjacency: Any) -> Any:
    """Return a symmetric matrix of the heavier weight of both directions."""
    from scipy.sparse import csr_array

    stored, n = adjacency.tocoo(), adjacency.shape[0]
    rows, columns = np.concatenate([stored.row, stored.col]), np.concatenate([stored.col, stored.row])
    weights = np.concatenate([stored.data, stored.data])
    order = np.lexsort((-weights, columns, rows))
    rows, columns, weights = rows[order], columns[order], weights[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    return csr_array((weights[first], (rows[first], columns[first])), shape=(n, n))


def nearest_nodes(either: Any, ends: Places, count: int) -> npt.NDArray[np.int32]:
    """List the nodes nearest to some nodes of an undirected graph, themselves left out.

    Nearest means fewest hops; direct neighbours come by decreasing weight, all then by position. Unreachable nodes come
    last, by position.

    Cost: one sort of the edges of these nodes; nodes with fewer than ``count`` neighbours are widened hop by hop.

    Args:
        either: Symmetric weights of edges in compressed sorted rows; a stored 0 is an edge.
        ends: The nodes.
        count: How many nodes to list, less than there are.

    Returns:
        Shape ``(len(ends), count)``.

    Example:
        >>> from scipy.sparse import csr_array
        >>> path = csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
        >>> nearest_nodes(path, np.array([1, 4]), 3)
        array([[0, 2, 3],
               [3, 2, 1]], dtype=int32)
    """
    nearest = np.full((len(ends), count), -1, dtype=np.int32)
    known = np.zeros(len(ends), dtype=np.intp)
    degrees = np.diff(either.indptr)[ends]
    for some in _parts(degrees):
        rows, columns, weights = _edges_at(either, ends[some])
        order = np.lexsort((-weights, rows))  # stable: equal weights stay by position
        own = columns == ends[some][rows]
        order = order[~own[order]]
        known[some] = _append(nearest[some], known[some], rows[order], columns[order])
    few = np.flatnonzero(known < count)
    for start in range(0, len(few), WIDENED):
        these = few[start : start + WIDENED]
        nearest[these] = _widened(either, ends[these], nearest[these], known[these])
    return nearest


def _parts(degrees: Places) -> Iterator[slice]:
    """Yield runs of nodes that have a limited number of edges together."""
    cuts = np.flatnonzero(np.diff(np.cumsum(degrees) // SORTED)) + 1
    bounds = [0, *cuts.tolist(), len(degrees)]
    return (slice(*pair) for pair in pairwise(bounds) if pair[0] < pair[1])


def _edges_at(either: Any, nodes: Places, most: int | None = None) -> tuple[Places, npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the edges at some nodes, by position: the index of the node, the other end and the weight of each.

    Args:
        either: The graph.
        nodes: The nodes.
        most: Only this number of edges at each node; None: all.
    """
    starts = either.indptr[nodes].astype(np.intp)
    counts: Places = either.indptr[nodes + 1] - starts
    if most is not None:
        counts = np.minimum(counts, most)
    index = np.repeat(np.arange(len(nodes)), counts)
    edges = np.arange(len(index)) + np.repeat(starts - np.cumsum(counts) + counts, counts)
    return index, either.indices[edges], either.data[edges]


def _append(nearest: npt.NDArray[np.int32], known: Places, rows: Places, nodes: npt.NDArray[Any]) -> Places:
    """Append nodes to lists, in place, as far as there is room; rows are in rising order. Return the new lengths."""
    counts = np.bincount(rows, minlength=len(nearest))
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + known[rows]
    fits = place < nearest.shape[1]
    nearest[rows[fits], place[fits]] = nodes[fits]
    return np.asarray(np.minimum(known + counts, nearest.shape[1]))


def _widened(either: Any, ends: Places, nearest: npt.NDArray[np.int32], known: Places) -> npt.NDArray[np.int32]:
    """Fill lists of nearest nodes hop by hop, and then with unreachable nodes.

    A list that is not full holds all nodes up to its last hop. At most ``count + 1`` nodes are excluded from the next
    hop, so the first ones by position are among as many edges at each node of the last hop.
    """
    n, count = either.shape[0], nearest.shape[1]
    done, places = np.zeros_like(known), np.arange(count)
    while True:
        last = (places >= done[:, None]) & (places < known[:, None]) & (known < count)[:, None]
        rows, columns = np.nonzero(last)
        if not len(rows):
            break
        index, others, _ = _edges_at(either, nearest[rows, columns].astype(np.intp), count + 1)
        done = known
        known = _append_new(nearest, known, rows[index], others, ends=ends, n=n)
    some = np.flatnonzero(known < count)
    first = np.arange(min(n, 2 * count + 1))
    _append_new(nearest, known, np.repeat(some, len(first)), np.tile(first, len(some)), ends=ends, n=n)
    return nearest


def _append_new(
    nearest: npt.NDArray[np.int32], known: Places, rows: Places, nodes: npt.NDArray[Any], *, ends: Places, n: int
) -> Places:
    """Append nodes by position that a list does not hold yet, in place; return the new lengths."""
    held, columns = np.nonzero(np.arange(nearest.shape[1]) < known[:, None])
    old = np.concatenate([held * n + nearest[held, columns], np.arange(len(ends)) * n + ends])
    new = np.setdiff1d(rows * n + nodes, old)
    return _append(nearest, known, *np.divmod(new, n))
