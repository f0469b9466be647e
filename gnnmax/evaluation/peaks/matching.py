"""One-to-one matching of calls and peaks: the best assignment, and the matching of every prefix of a ranked list."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.peaks.place_distance import CompatiblePairs

__all__ = ["best_matching", "ranked_hits"]

Indices = npt.NDArray[np.intp]

DENSE = 4_000_000
"""Largest number of entries of a dense table of costs."""


def best_matching(pairs: CompatiblePairs, calls: int, peaks: int) -> Indices:
    """Match calls to peaks one to one: as many pairs as possible, and of these the least total distance.

    Each connected component of compatible calls and peaks is solved alone, by the Hungarian method. Where several
    matchings have as many pairs and the same total distance, one is taken that depends on the places alone, not on the
    order in which they were given, for calls and peaks are sorted.

    Args:
        pairs: Compatible calls and peaks.
        calls: Number of calls.
        peaks: Number of peaks.

    Returns:
        Indices of the matched pairs among the compatible ones, shape ``(T,)``, sorted.

    References:
        H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2, 1955.

    Example:
        >>> near = CompatiblePairs(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.0, 1.0, 1.0]))
        >>> best_matching(near, 2, 2)  # call 0 is at peak 0, but then call 1 has none
        array([1, 2])
    """
    if not len(pairs.call):
        return np.zeros(0, np.intp)
    label = _components(pairs, calls, peaks)
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    chosen: list[Indices] = []
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        inside = order[start:end]
        chosen.append(inside if len(inside) == 1 else inside[_assigned(pairs, inside)])
    return np.sort(np.concatenate(chosen))


def _components(pairs: CompatiblePairs, calls: int, peaks: int) -> Indices:
    """Return the connected component of each pair."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = calls + peaks
    links = coo_array((np.ones(len(pairs.call)), (pairs.call, pairs.peak + calls)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1][pairs.call], dtype=np.intp)


def _assigned(pairs: CompatiblePairs, inside: Indices) -> Indices:
    """Solve one component; return the places of its matched pairs in ``inside``."""
    distance = pairs.distance[inside]
    calls, call = np.unique(pairs.call[inside], return_inverse=True)
    peaks, peak = np.unique(pairs.peak[inside], return_inverse=True)
    if len(peaks) == 1 or len(calls) == 1:
        return np.array([np.argmin(distance)])
    # A pair that is not compatible costs more than all compatible ones together, so their number is greatest first.
    never = (min(len(calls), len(peaks)) + 1) * (distance.max() + 1)
    if len(calls) * len(peaks) <= DENSE:
        from scipy.optimize import linear_sum_assignment

        cost = np.full((len(calls), len(peaks)), never)
        cost[call, peak] = distance
        rows, columns = linear_sum_assignment(cost)
    else:
        rows, columns = _sparse_assignment(call, peak, distance, never)
    partner = np.full(len(calls), -1)
    partner[rows] = columns
    return np.flatnonzero(partner[call] == peak)


def _sparse_assignment(
    call: Indices, peak: Indices, distance: npt.NDArray[np.float64], never: float
) -> tuple[Indices, Indices]:
    """Assign each peak to a call, or to a stand-in of its own that costs more than any call."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    peaks, calls = int(peak.max()) + 1, int(call.max()) + 1
    every = np.arange(peaks)
    weight = np.concatenate([distance + 1.0, np.full(peaks, never + 1.0)])  # none is 0: a stored 0 would be dropped
    place = (np.concatenate([peak, every]), np.concatenate([call, calls + every]))
    rows, columns = min_weight_full_bipartite_matching(csr_array((weight, place), shape=(peaks, calls + peaks)))
    real = columns < calls
    return columns[real].astype(np.intp), rows[real].astype(np.intp)


def ranked_hits(pairs: CompatiblePairs, order: Indices, peaks: int) -> npt.NDArray[np.bool_]:
    """Tell which calls raise the number of peaks found, the calls entering one by one, the best first.

    A call is a hit where an augmenting path leads from it to a peak that is free, so after every call as many peaks are
    matched as the largest matching of the calls so far has. A peak that is found stays found, so recall never falls;
    calls of equal score give the same number of hits in any order.

    Args:
        pairs: Compatible calls and peaks, sorted by call.
        order: The calls from the best to the worst, shape ``(N,)``.
        peaks: Number of peaks.

    Returns:
        Whether each call is a hit, by its index, shape ``(N,)``. Cost: nearly linear in the number of pairs, for what
        a failed search has seen is never searched again.

    References:
        C. Berge, "Two theorems in graph theory", Proceedings of the National Academy of Sciences 43, 1957.

    Example:
        >>> near = CompatiblePairs(np.array([0, 0, 1]), np.array([0, 1, 0]), np.zeros(3))
        >>> ranked_hits(near, np.array([0, 1, 2]), 2)  # call 0 moves to peak 1 and leaves peak 0 to call 1
        array([ True,  True, False])
    """
    bounds = np.searchsorted(pairs.call, np.arange(len(order) + 1)).tolist()
    near = pairs.peak.tolist()
    owner = [-1] * peaks
    closed = [False] * peaks
    hit = np.zeros(len(order), dtype=np.bool_)
    with_peak = np.diff(bounds) > 0
    for call in order[with_peak[order]].tolist():
        hit[call] = _augment(call, near, bounds, owner, closed)
    return hit


def _augment(call: int, near: list[int], bounds: list[int], owner: list[int], closed: list[bool]) -> bool:
    """Search breadth first for a free peak and shift the matches along the path to it."""
    came_from: dict[int, int] = {}  # peak to the call that reached it
    matched: dict[int, int] = {}  # call to the peak that it holds
    waiting = deque([call])
    while waiting:
        current = waiting.popleft()
        for peak in near[bounds[current] : bounds[current + 1]]:
            if closed[peak] or peak in came_from:
                continue
            came_from[peak] = current
            if owner[peak] >= 0:
                matched[owner[peak]] = peak
                waiting.append(owner[peak])
                continue
            while True:
                holder = came_from[peak]
                owner[peak] = holder
                if holder == call:
                    return True
                peak = matched[holder]  # noqa: PLW2901  # the peak that it leaves, to be taken by the next
    for peak in came_from:
        closed[peak] = True  # no path leads out of these to a free peak, now or later
    return False
