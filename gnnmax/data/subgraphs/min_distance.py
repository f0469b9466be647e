"""Minimum distance between the centres of one host's windows, so that each window has its own peak."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import Cut, Places, hops

__all__ = ["distances", "keep_min_distance"]


def distances(subgraph: Subgraph, cut: Cut, centre: Places, others: Places) -> npt.NDArray[np.float64]:
    """Return the distances from one centre to others, in the metric of a cut.

    For contiguous cuts: the larger of the distances along rows and along columns; in an undirected host, the distance
    to the nearer of the two entries of an edge. For cuts along neighbours: the number of hops between the nearest ends,
    infinite if there is no path.

    Args:
        subgraph: m nodes and their adjacency matrix.
        cut: The way of cutting.
        centre: Positions (p, q), shape ``(2,)``.
        others: Positions of the others, shape ``(E, 2)``.

    Returns:
        Shape ``(E,)``.

    Example:
        >>> edge_mask = np.ones((9, 9), dtype=bool)
        >>> subgraph = Subgraph(np.arange(9), edge_mask.astype(np.float32), edge_mask)
        >>> distances(subgraph, "contiguous", np.array([1, 7]), np.array([[1, 7], [1, 4], [7, 2]])).tolist()
        [0.0, 3.0, 1.0]
    """
    if cut == "neighbours":
        return np.asarray(hops(subgraph, centre).min(axis=0)[others].min(axis=1))
    far = np.abs(others - centre).max(axis=1)
    if not subgraph.directed:
        far = np.minimum(far, np.abs(others - centre[::-1]).max(axis=1))
    return np.asarray(far, dtype=np.float64)


def keep_min_distance(
    subgraph: Subgraph,
    cut: Cut,
    candidates: Places,
    min_distance: int,
    *,
    count: int,
    chosen: Places | None = None,
) -> Places:
    """Choose candidates in order, each far enough from all chosen before.

    Args:
        subgraph: m nodes and their adjacency matrix.
        cut: The way of cutting, which defines the distance.
        candidates: Positions (p, q), shape ``(E, 2)``.
        min_distance: Least distance.
        count: Largest number of centres.
        chosen: Centres that were chosen before.

    Returns:
        The centres chosen before and the new ones, at most ``count``.

    Example:
        >>> edge_mask = np.ones((9, 9), dtype=bool)
        >>> subgraph = Subgraph(np.arange(9), edge_mask.astype(np.float32), edge_mask)
        >>> keep_min_distance(subgraph, "contiguous", np.array([[1, 7], [1, 6], [1, 4], [7, 2]]), 3, count=9).tolist()
        [[1, 7], [1, 4]]
    """
    if min_distance == 0:
        return np.concatenate([candidates[:0] if chosen is None else chosen, candidates])[:count]
    taken = [] if chosen is None else list(chosen)
    for other in taken:
        candidates = candidates[distances(subgraph, cut, other, candidates) >= min_distance]
    while len(candidates) and len(taken) < count:
        taken.append(candidates[0])
        candidates = candidates[distances(subgraph, cut, candidates[0], candidates) >= min_distance]
    return np.array(taken, dtype=np.intp).reshape(-1, 2)
