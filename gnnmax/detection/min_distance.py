"""A minimum distance between maxima: one that is too near to a larger one is dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["suppress_nearby"]


def suppress_nearby(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], values: npt.NDArray[Any], min_distance: int
) -> npt.NDArray[np.bool_]:
    """Drop maxima that are nearer than ``min_distance``, in rows and in columns, to a larger one that is kept.

    Greedy, from the largest value down. Equal values never drop each other, so the result for a symmetric matrix is
    symmetric, and the order of the input does not matter.

    Cost: a neighbour search; each round decides all maxima that have no undecided larger one near them.

    Args:
        rows: Shape ``(M,)``.
        columns: Shape ``(M,)``.
        values: Shape ``(M,)``.
        min_distance: At least 1; 1 keeps all.

    Returns:
        True for each maximum that is kept, shape ``(M,)``.

    Example:
        >>> places = np.array([0, 2, 4])
        >>> suppress_nearby(places, places, np.array([1.0, 2.0, 3.0]), 3)
        array([ True, False,  True])
    """
    from scipy.spatial import cKDTree

    kept = np.ones(len(rows), dtype=np.bool_)
    if min_distance <= 1 or len(rows) < 2:
        return kept
    places = np.stack([rows, columns], axis=1).astype(np.float64)
    near = cKDTree(places).query_pairs(min_distance - 0.5, p=np.inf, output_type="ndarray")
    level = np.unique(values, return_inverse=True)[1].reshape(-1)
    near = near[level[near[:, 0]] != level[near[:, 1]]]
    swap = level[near[:, 0]] < level[near[:, 1]]
    larger, smaller = np.where(swap, near[:, 1], near[:, 0]), np.where(swap, near[:, 0], near[:, 1])
    while len(larger):
        waiting = np.zeros(len(rows), dtype=np.bool_)
        waiting[smaller] = True
        decided = ~waiting[larger]  # the larger one of these pairs stays
        kept[smaller[decided]] = False
        undecided = kept[larger] & kept[smaller]
        larger, smaller = larger[undecided], smaller[undecided]
    return kept
