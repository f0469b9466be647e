"""Window extraction: choose the rows and columns of a window around its centre edge, with or without overlap."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.data.chunks import chunks
from gnnmax.data.subgraphs.subgraph import Subgraph

__all__ = ["CUTS", "Cut", "Overlap", "Places", "blocks", "centres", "cut_contiguous", "cut_neighbours", "hops"]

Cut = Literal["contiguous", "neighbours"]
Places = npt.NDArray[np.intp]

Overlap = Literal["none", "untied", "tied"]
"""Whether a node may be a row and a column of one window: in an undirected host the mirrored entry has the same weight.

``none``: never, so no entry occurs twice. ``untied``: yes, but not both ends of the centre edge on both sides. So the
mirror of the centre is outside, and the centre can be the maximum; other entries may be tied with their mirrors.
``tied``: any edge can be the centre, and tiles can lie anywhere in the matrix, even on its diagonal. If the mirror of
the centre is inside, it counts as any other tie: there is no strict maximum, so the window is not centred.
"""


def centres(subgraph: Subgraph, k: int, cut: Cut, overlap: Overlap = "none") -> Places:
    """List the positions (p, q) of edges that can be the centre of a window.

    A contiguous window needs ``k // 2`` positions on either side, and its rows and columns meet where ``|p - q| < k``;
    the mirror of its centre is inside where ``|p - q| <= k // 2``. Both directions of an edge are listed, in row-major
    order; in a directed host, only those that exist.

    Args:
        subgraph: m nodes and their adjacency matrix.
        k: Side of the windows.
        cut: The way of cutting.
        overlap: Whether rows and columns may overlap.

    Returns:
        Shape ``(E', 2)``.

    Example:
        >>> edge_mask = np.ones((8, 8), dtype=bool)
        >>> subgraph = Subgraph(np.arange(8), edge_mask.astype(np.float32), edge_mask)
        >>> centres(subgraph, 3, "contiguous")[0].tolist()
        [1, 4]
    """
    m, half = len(subgraph.nodes), k // 2
    if cut == "neighbours":
        enough = {"none": 2 * k, "untied": k + 1, "tied": k}[overlap]
        return np.argwhere(subgraph.edge_mask) if m >= enough else np.empty((0, 2), dtype=np.intp)
    inner = np.argwhere(subgraph.edge_mask[half : m - half, half : m - half]) + half
    nearest = {"none": k, "untied": half + 1, "tied": 1}[overlap]
    return np.asarray(inner[np.abs(inner[:, 0] - inner[:, 1]) >= nearest])


def cut_contiguous(subgraph: Subgraph, centre: Places, k: int, overlap: Overlap = "none") -> tuple[Places, Places]:
    """Choose the ``k`` consecutive positions around each end: an image tile of the adjacency matrix.

    Args:
        subgraph: m nodes and their adjacency matrix.
        centre: Positions (p, q), shape ``(W, 2)``.
        k: Side of the windows.
        overlap: Whether rows and columns may overlap; unused, because :func:`centres` lists only admissible centres.

    Returns:
        Positions of the rows and of the columns, each ``(W, k)``.

    Example:
        >>> subgraph = Subgraph(np.arange(8), np.zeros((8, 8), np.float32), np.zeros((8, 8), bool))
        >>> cut_contiguous(subgraph, np.array([[1, 5]]), 3)[1]
        array([[4, 5, 6]])
    """
    del subgraph, overlap
    steps = np.arange(k) - k // 2
    return centre[:, :1] + steps, centre[:, 1:] + steps


def cut_neighbours(subgraph: Subgraph, centre: Places, k: int, overlap: Overlap = "none") -> tuple[Places, Places]:
    """Choose each end of the centre edge and the ``k - 1`` nodes nearest to it in the graph.

    Nearest means fewest hops, ignoring directions; direct neighbours are ordered by decreasing weight in either
    direction; then by position. A node near both ends is assigned to one of them: row and column alternate, the row
    first; if they may overlap, to both. Each side is then sorted by position, with the centre in the middle.
    Unreachable nodes come last, so disconnected subgraphs give windows too.

    Args:
        subgraph: m nodes and their adjacency matrix; m is at least 2k, k + 1 if sides may overlap untied, k if tied.
        centre: Positions (p, q), shape ``(W, 2)``.
        k: Side of the windows.
        overlap: Whether rows and columns may overlap.

    Returns:
        Positions of the rows and of the columns, each ``(W, k)``.

    Example:
        >>> path = np.eye(8, k=1, dtype=np.float32) + np.eye(8, k=-1, dtype=np.float32)
        >>> rows, columns = cut_neighbours(Subgraph(np.arange(8), path, path > 0), np.array([[3, 4]]), 3)
        >>> rows.tolist(), columns.tolist()
        ([[1, 3, 2]], [[5, 4, 6]])
    """
    windows, m = len(centre), len(subgraph.nodes)
    ends, which = np.unique(centre, return_inverse=True)
    nearest = _by_nearness(subgraph, ends)[which.reshape(windows, 2)]  # (W, 2, m)
    every = np.arange(windows)
    shared = np.ones((windows, m), dtype=np.bool_)
    free = [shared, shared] if overlap == "none" else [shared, shared.copy()]
    for end in range(2):
        free[end][every, centre[:, end]] = False
        if overlap == "untied":
            free[end][every, centre[:, 1 - end]] = False
    chosen = np.empty((2, windows, k - 1), dtype=np.intp)
    for turn in range(2 * (k - 1)):
        side = turn % 2
        first_free = np.argmax(free[side][every[:, None], nearest[:, side]], axis=1)
        chosen[side, :, turn // 2] = pick = nearest[every, side, first_free]
        free[side][every, pick] = False
    sides = np.insert(np.sort(chosen, axis=2), k // 2, centre.T, axis=2)  # (2, W, k)
    return sides[0], sides[1]


def hops(subgraph: Subgraph, ends: Places) -> npt.NDArray[np.float64]:
    """Count the edges on a shortest path from some nodes to all, ignoring directions.

    Args:
        subgraph: m nodes and their adjacency matrix.
        ends: Positions of the nodes, shape ``(n,)``.

    Returns:
        Shape ``(n, m)``; infinite if there is no path.

    Example:
        >>> path = np.eye(4, k=1, dtype=bool) | np.eye(4, k=-1, dtype=bool)
        >>> hops(Subgraph(np.arange(4), path.astype(np.float32), path), np.array([0])).tolist()
        [[0.0, 1.0, 2.0, 3.0]]
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import shortest_path

    edge_mask = subgraph.edge_mask | subgraph.edge_mask.T if subgraph.directed else subgraph.edge_mask
    graph = csr_array(edge_mask.astype(np.int8))
    return np.atleast_2d(shortest_path(graph, method="D", unweighted=True, indices=ends))


def _by_nearness(subgraph: Subgraph, ends: Places) -> Places:
    """Sort all positions by nearness to each of ``ends``, shape ``(len(ends), m)``."""
    adjacency, far = subgraph.adjacency, hops(subgraph, ends)
    if subgraph.directed:
        heaviest = np.where(subgraph.edge_mask, adjacency, np.float32(-np.inf))
        adjacency = np.maximum(heaviest, heaviest.T)
    weight = np.where(far == 1, adjacency[ends], 0)
    return np.lexsort((-weight, far), axis=1)


def blocks(matrix: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[Any]:
    """Extract one block per window from a square matrix.

    Args:
        matrix: Shape ``(m, m)``, contiguous.
        rows: Positions of the rows, shape ``(W, k)``.
        columns: Positions of the columns, shape ``(W, k)``.

    Returns:
        ``matrix[rows, columns]`` of each window, shape ``(W, k, k)``.

    Example:
        >>> blocks(np.arange(9).reshape(3, 3), np.array([[0, 2]]), np.array([[1, 2]])).tolist()
        [[[1, 2], [7, 8]]]
    """
    windows, k = rows.shape
    flat = np.empty((windows, k * k), dtype=matrix.dtype)
    for chunk in chunks(windows):
        places = np.repeat(rows[chunk] * len(matrix), k, axis=1) + np.tile(columns[chunk], k)  # (W, k * k)
        np.take(matrix, places, out=flat[chunk], mode="wrap")  # checked indices cost several times as much
    return flat.reshape(windows, k, k)


CUTS = {"contiguous": cut_contiguous, "neighbours": cut_neighbours}
