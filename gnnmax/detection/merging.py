"""Merging of neighbouring maxima: a cluster becomes its largest one, with the number and the extent of its members."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima

__all__ = ["Clusters", "clusters_within", "with_clusters"]

Places = npt.NDArray[np.intp]

JOINED = 2**12
"""Places whose neighbours are listed together."""


class Clusters(NamedTuple):
    """Clusters of places.

    Attributes:
        label: The number of the cluster of each place, shape ``(M,)``.
        best: The index of the largest place of each cluster, the first by row and then by column of equal ones, shape
            ``(C,)``.
        members: Number of places of each cluster, shape ``(C,)``.
        extent: First row, last row, first column and last column of each, shape ``(C, 4)``.
    """

    label: Places
    best: Places
    members: npt.NDArray[np.int64]
    extent: npt.NDArray[np.int64]


def clusters_within(
    rows: Places, columns: Places, values: npt.NDArray[np.generic], *, radius: int, apart: tuple[Places, Places]
) -> Clusters:
    """Join places by single linkage: two are in one cluster if a chain of places leads from one to the other.

    Each place of a chain is at most the radius from the next one, in rows and in columns. So the clusters do not depend
    on the order of the places.

    Cost: a sort, and the pairs of places within the radius.

    Args:
        rows: Shape ``(M,)``.
        columns: Shape ``(M,)``.
        values: The largest represents a cluster, shape ``(M,)``; none is NaN.
        radius: At least 1.
        apart: Rows and columns moved so that places of different parts are not neighbours.

    References:
        Sibson, "SLINK: an optimally efficient algorithm for the single-link cluster method", The Computer Journal 16,
        1973: the definition.

    Example:
        >>> rows, columns = np.array([0, 2, 9]), np.array([5, 6, 6])
        >>> found = clusters_within(rows, columns, np.array([1.0, 3.0, 2.0]), radius=2, apart=(rows, columns))
        >>> found.best.tolist(), found.members.tolist(), found.extent.tolist()
        ([1, 2], [2, 1], [[0, 2, 5, 6], [9, 9, 6, 6]])
    """
    label = _linked(*apart, radius)
    order = np.lexsort((columns, rows))
    level = np.unique(values, return_inverse=True)[1].reshape(-1)
    order = order[np.lexsort((-level[order], label[order]))]
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    ends = [
        pick.reduceat(places[order], starts) if len(starts) else np.empty(0, dtype=np.int64)
        for places in (rows, columns)
        for pick in (np.minimum, np.maximum)
    ]
    extent = np.stack(ends, axis=1).astype(np.int64)
    members = np.diff(np.append(starts, len(order))).astype(np.int64)
    return Clusters(label, order[starts], members, extent)


def _linked(rows: Places, columns: Places, radius: int) -> Places:
    """Number the clusters of places; those of one cell of the side of the radius are neighbours anyway."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count = len(rows)
    if not count:
        return np.empty(0, dtype=np.intp)
    places = np.stack([rows, columns], axis=1)
    tree, order = cKDTree(places), np.lexsort((columns, rows))
    label: Places = np.arange(count)
    for start in range(0, count, JOINED):
        some = order[start : start + JOINED]
        near = cKDTree(places[some]).sparse_distance_matrix(tree, radius, p=np.inf, output_type="ndarray")
        ends = label[some[near["i"]]], label[near["j"]]
        graph = coo_array((np.ones(len(near), dtype=np.bool_), ends), shape=(count, count))
        label = connected_components(graph, directed=False)[1][label].astype(np.intp)
    return label


def with_clusters(source: MatrixSource, maxima: Maxima, radius: int) -> Maxima:
    """Add the number and the extent of the members to the largest maximum of each cluster; others have 0 members.

    Maxima of different parts between breaks are never joined. Of an undirected matrix these are pairs ``i <= j``; the
    nearest of their four entries are those with ``i <= j`` too, so pairs near the diagonal need no other look.
    """
    radius = min(radius, max(source.shape))  # no two places are further apart
    apart = source.parts.apart(maxima.rows, maxima.columns, radius + 1)
    found = clusters_within(maxima.rows, maxima.columns, maxima.values, radius=radius, apart=apart)
    members, extent = np.zeros(len(maxima), dtype=np.int64), np.zeros((len(maxima), 4), dtype=np.int64)
    members[found.best], extent[found.best] = found.members, found.extent
    return replace(maxima, members=members, extent=extent)
