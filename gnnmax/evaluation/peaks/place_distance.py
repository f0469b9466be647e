"""Distances between places: in places of the matrix, or in hops between the nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.peaks.map_index import MapIndex, PlaceList
from gnnmax.task.arrays import as_array

__all__ = ["METRIC_NAMES", "CompatiblePairs", "PlaceDistance", "PlaceMetric"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
PlaceMetric = Literal["chebyshev", "euclidean", "manhattan"]
NodeDistance = Callable[[int, Indices, Indices], Floats]

_COMBINE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "chebyshev": np.maximum,
    "euclidean": np.hypot,
    "manhattan": np.add,
}
METRIC_NAMES: dict[str, float] = {"chebyshev": np.inf, "euclidean": 2.0, "manhattan": 1.0}
"""Metrics of the distance in rows and the distance in columns, and the order of each norm."""

MOST_PAIRS = 50_000_000
_BLOCK = 2**22


@dataclass(frozen=True, eq=False)
class CompatiblePairs:
    """Calls and peaks of one map that are near enough to be matched, sorted by call, then by peak.

    Attributes:
        call: Index of the call, shape ``(E,)``.
        peak: Index of the peak, shape ``(E,)``.
        distance: Shape ``(E,)``, at most the tolerance.
    """

    call: npt.NDArray[np.intp]
    peak: npt.NDArray[np.intp]
    distance: Floats


@dataclass(frozen=True, eq=False)
class PlaceDistance:
    """A distance between two places of one map.

    The distance in rows and that in columns are combined to the larger one (``chebyshev``), the root of the sum of
    squares (``euclidean``) or the sum (``manhattan``).

    Attributes:
        metric: How both are combined.
        nodes: Distances of nodes ``(map, first, second)`` in hops; None counts rows and columns of the matrix.
        symmetric: Whether (i, j) and (j, i) are one place.
    """

    metric: PlaceMetric = "chebyshev"
    nodes: NodeDistance | None = None
    symmetric: bool = False

    @classmethod
    def of(cls, metric: str, distance: Any, index: MapIndex, *, symmetric: bool) -> PlaceDistance:
        """Make a distance from what a caller gave.

        Args:
            metric: ``chebyshev``, ``euclidean`` or ``manhattan``.
            distance: None; distances of nodes ``(n, n)`` of all maps, or ``(M, n, n)`` or a list of M of each map; or a
                callable ``(map, first, second)``, the number of a map and two arrays of nodes, to their distances.
            index: The maps.
            symmetric: Whether (i, j) and (j, i) are one place.

        Raises:
            InputError: an unknown metric, or a matrix that holds no distances.
        """
        if metric not in METRIC_NAMES:
            raise unknown_name("metric", str(metric), METRIC_NAMES)
        return cls(metric, _node_distance(distance, index), symmetric)  # type: ignore[arg-type]  # checked above

    @property
    def unit(self) -> str:
        """What a distance of 1 is: a place, or a hop."""
        return "places" if self.nodes is None else "hops"

    def between(self, first: PlaceList, second: PlaceList) -> Floats:
        """Return the distance of each place to the one of the same index, both of one map, shape ``(K,)``."""
        found = self._combined(first, second, first.row, first.column)
        if not self.symmetric:
            return found
        # In places the sorted pair is the nearer one already; hops know no order of the nodes.
        nearest: Floats = np.minimum(found, self._combined(first, second, first.column, first.row))
        return nearest

    def _combined(self, first: PlaceList, second: PlaceList, row: Indices, column: Indices) -> Floats:
        rows, columns = self._nodes(first.map, row, second.row), self._nodes(first.map, column, second.column)
        return _COMBINE[self.metric](rows, columns)

    def _nodes(self, number: Indices, first: Indices, second: Indices) -> Floats:
        found: Floats = np.abs(first - second).astype(np.float64)
        for start, end in _runs(number) if self.nodes is not None else []:
            found[start:end] = self._hops(int(number[start]), first[start:end], second[start:end])
        return found

    def _hops(self, number: int, first: Indices, second: Indices) -> Floats:
        assert self.nodes is not None
        found = np.asarray(self.nodes(number, first, second), dtype=np.float64)
        if found.shape != first.shape or np.isnan(found).any() or (found < 0).any():
            raise InputError(
                f"distance must give a number from 0 on for each of {len(first)} pairs of nodes, not an array of shape "
                f"{found.shape} or with NaN: infinity means not connected"
            )
        return found

    def pairs_within(self, calls: PlaceList, peaks: PlaceList, tolerance: float) -> CompatiblePairs:
        """Return calls and peaks of one map within a tolerance.

        Cost: a tree of the peaks in places; in hops every call with every peak of its map.

        Raises:
            InputError: more than 50 million such pairs.
        """
        call, peak = self._candidates(calls, peaks, tolerance)
        parts = [
            self.between(calls[call[at : at + _BLOCK]], peaks[peak[at : at + _BLOCK]])
            for at in range(0, len(call), _BLOCK)
        ]
        distance = np.concatenate([np.zeros(0), *parts])
        near = distance <= tolerance * (1 + 1e-12)
        call, peak, distance = call[near], peak[near], distance[near]
        order = np.lexsort((peak, call))
        return CompatiblePairs(call[order], peak[order], distance[order])

    def _candidates(
        self, calls: PlaceList, peaks: PlaceList, tolerance: float
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return pairs of one map, among them all within the tolerance."""
        if not len(calls) or not len(peaks):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        if self.nodes is None:
            return _near(calls, peaks, tolerance, METRIC_NAMES[self.metric])
        start, end = (np.searchsorted(peaks.map, calls.map, side=side) for side in ("left", "right"))
        _check_count(int((end - start).sum()))
        call = np.repeat(np.arange(len(calls)), end - start)
        first = np.cumsum(end - start) - (end - start)
        return call, np.arange(len(call)) - np.repeat(first - start, end - start)


def _near(
    calls: PlaceList, peaks: PlaceList, tolerance: float, order: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    from scipy.spatial import cKDTree

    apart = 2.0 * tolerance + 2.0  # maps lie further apart than the tolerance along a third axis
    trees = [cKDTree(np.stack([each.map * apart, each.row, each.column], axis=1)) for each in (calls, peaks)]
    wide = tolerance * (1 + 1e-9)
    _check_count(int(trees[0].count_neighbors(trees[1], wide, p=order)))
    found = trees[0].sparse_distance_matrix(trees[1], wide, p=order, output_type="ndarray")
    return found["i"].astype(np.intp), found["j"].astype(np.intp)


def _check_count(pairs: int) -> None:
    if pairs > MOST_PAIRS:
        raise InputError(
            f"{pairs:,} pairs of a call and a peak would have to be compared, more than {MOST_PAIRS:,}: lower the "
            "tolerance, or give fewer calls"
        )


def _runs(number: Indices) -> list[tuple[int, int]]:
    """Return start and end of each run of equal numbers."""
    edges = np.flatnonzero(np.diff(number, prepend=-1, append=-1)) if len(number) else np.zeros(0, np.intp)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _node_distance(given: Any, index: MapIndex) -> NodeDistance | None:
    if given is None or callable(given):
        return given  # type: ignore[no-any-return]
    several = isinstance(given, Sequence) and all(getattr(each, "ndim", 0) == 2 for each in given)
    matrices = [as_array(each, "distance") for each in given] if several else _split(as_array(given, "distance"))
    if several or len(matrices) > 1:
        if len(matrices) != len(index.names):
            raise InputError(f"distance has {len(matrices)} matrices for {len(index.names)} maps: give one for each")
    else:
        matrices = matrices * len(index.names)
    checked = {id(matrix): _checked_matrix(matrix) for matrix in matrices}

    def between(number: int, first: Indices, second: Indices) -> Floats:
        matrix = checked[id(matrices[number])]
        most = max(first.max(initial=0), second.max(initial=0))
        if most >= len(matrix):
            raise InputError(
                f"the node {most} of map {index.names[number]} is outside its distances of {len(matrix)} nodes: are "
                "they of the same map?"
            )
        return np.asarray(matrix[first, second], dtype=np.float64)

    return between


def _split(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return list(array) if array.ndim == 3 else [array]


def _checked_matrix(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or matrix.dtype.kind not in "iuf" or np.isnan(matrix).any() or (matrix < 0).any():
        raise InputError(
            f"distance must be a matrix (n, n) of distances between nodes, 0 or more, not {matrix.dtype} of shape "
            f"{matrix.shape}: infinity means not connected"
        )
    return matrix
