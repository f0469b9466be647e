"""Groups of things that are joined in pairs."""

from __future__ import annotations

import numpy as np

from gnnmax.detection.storage import Places

__all__ = ["joined_in_pairs"]


def joined_in_pairs(count: int, one: Places, other: Places) -> tuple[int, Places]:
    """Return the number of connected groups, and the group of each of some things that are joined in pairs.

    Args:
        count: Number of things.
        one: The number of one thing of each pair, from 0 on.
        other: The number of the other one.

    Example:
        >>> joined_in_pairs(4, np.array([0, 1]), np.array([2, 2]))
        (2, array([0, 0, 0, 1]))
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    groups, group = connected_components(graph, directed=False)
    return int(groups), group.astype(np.intp)
