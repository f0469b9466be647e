"""Node orders: sort the nodes of a subgraph by its edges, ignoring their directions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["ORDERS", "Order", "degree_order", "reverse_cuthill_mckee_order", "spectral_order"]

Order = Literal["natural", "shuffled", "degree", "rcm", "spectral"]
Matrix = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

ROUGH = 1e-6
"""Positions on the Fiedler vector that differ by less than this share of its largest count as equal."""


def degree_order(adjacency: Matrix, edge_mask: npt.NDArray[np.bool_]) -> Places:
    """Sort by decreasing degree; nodes of equal degree keep their order.

    Args:
        adjacency: Shape ``(m, m)``; only its size is used.
        edge_mask: Which entries are edges, shape ``(m, m)``.

    Returns:
        The old position of each node, a permutation of shape ``(m,)``.

    Example:
        >>> star = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]], dtype=bool)
        >>> degree_order(star.astype(np.float32), star).tolist()
        [2, 0, 1]
    """
    del adjacency
    degree = edge_mask.sum(axis=0) + edge_mask.sum(axis=1)
    return np.argsort(-degree, kind="stable")


def reverse_cuthill_mckee_order(adjacency: Matrix, edge_mask: npt.NDArray[np.bool_]) -> Places:
    """Sort by reverse Cuthill-McKee, so that edges are near the diagonal; equal nodes keep their order.

    Each component is searched breadth first from a node of lowest degree, with the neighbours of each node by
    increasing degree; the sequence is then reversed. The result agrees with scipy's ``reverse_cuthill_mckee`` up to
    equal degrees: their order is the given one here, and depends on the machine there.

    Args:
        adjacency: Shape ``(m, m)``; only its size is used.
        edge_mask: Which entries are edges, shape ``(m, m)``.

    Returns:
        The old position of each node, a permutation of shape ``(m,)``.

    References:
        Cuthill and McKee, "Reducing the bandwidth of sparse symmetric matrices", ACM National Conference, 1969. George,
        "Computer implementation of the finite element method", Stanford, 1971 (the reversal).

    Example:
        >>> path = np.zeros((4, 4), dtype=bool)
        >>> path[[0, 3, 3, 1, 1, 2], [3, 0, 1, 3, 2, 1]] = True  # 0 - 3 - 1 - 2
        >>> reverse_cuthill_mckee_order(path.astype(np.float32), path).tolist()
        [2, 1, 3, 0]
    """
    either = edge_mask | edge_mask.T
    degree = either.sum(axis=1)
    free = np.ones(len(either), dtype=np.bool_)
    sequence: list[int] = []
    for start in np.argsort(degree, kind="stable").tolist():
        waiting = deque([start] if free[start] else [])
        free[start] = False
        while waiting:
            here = waiting.popleft()
            sequence.append(here)
            found = np.flatnonzero(either[here] & free)
            free[found] = False
            waiting.extend(found[np.argsort(degree[found], kind="stable")].tolist())
    del adjacency
    return np.array(sequence[::-1], dtype=np.intp)


def spectral_order(adjacency: Matrix, edge_mask: npt.NDArray[np.bool_]) -> Places:
    """Sort along the Fiedler vector of the absolute weights, component by component; the cost is cubic.

    The vector is the projection of the given order (0, 1, ..., m - 1) on the eigenspace of the smallest positive
    eigenvalue of the component's Laplacian. So its sign is determined, the new order runs along the given one, and a
    multiple eigenvalue is no ambiguity. Components are sorted by their first node. Nodes whose values agree to a
    millionth keep their order; if values differ by about a millionth, the order may depend on the machine or the linear
    algebra library.

    Args:
        adjacency: Weights, shape ``(m, m)``; an edge of weight 0 counts as none.
        edge_mask: Which entries are edges, shape ``(m, m)``.

    Returns:
        The old position of each node, a permutation of shape ``(m,)``.

    References:
        Fiedler, "Algebraic connectivity of graphs", Czechoslovak Mathematical Journal, 1973. Atkins, Boman and
        Hendrickson, "A spectral algorithm for seriation and the consecutive ones problem", SIAM Journal on Computing,
        1998.

    Example:
        >>> path = np.zeros((4, 4), dtype=np.float32)
        >>> path[[0, 3, 3, 1, 1, 2], [3, 0, 1, 3, 2, 1]] = 1  # 0 - 3 - 1 - 2
        >>> spectral_order(path, path > 0).tolist()
        [0, 3, 1, 2]
    """
    from scipy.sparse.csgraph import connected_components

    del edge_mask
    strength = np.abs(adjacency.astype(np.float64))
    strength += strength.T
    _, part = connected_components(strength > 0, directed=False)
    members = [np.flatnonzero(part == which) for which in dict.fromkeys(part.tolist())]
    return np.concatenate([nodes[_along_fiedler(strength[np.ix_(nodes, nodes)])] for nodes in members])


def _along_fiedler(strength: npt.NDArray[np.float64]) -> Places:
    """Sort the nodes of one component along its Fiedler vector."""
    m = len(strength)
    if m < 3:
        return np.arange(m)
    values, vectors = np.linalg.eigh(np.diag(strength.sum(axis=1)) - strength)
    space = vectors[:, 1:][:, values[1:] <= values[1] + 1e-9 * values[-1]]
    line = np.arange(m) - (m - 1) / 2
    # The projection of the given order may vanish; then the first node with a nonzero projection sets the sign.
    for guide in (line, *np.eye(m)):
        vector = space @ (space.T @ guide)
        if np.abs(vector).max() > ROUGH * np.abs(guide).max():
            break
    return np.argsort(np.round(vector / (ROUGH * np.abs(vector).max())), kind="stable")


ORDERS: dict[str, Callable[[Matrix, npt.NDArray[np.bool_]], Places]] = {
    "degree": degree_order,
    "rcm": reverse_cuthill_mckee_order,
    "spectral": spectral_order,
}
