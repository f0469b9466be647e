"""A least distance between maxima: the largest first, and those too near to a larger one dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["separated"]


def separated(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], values: npt.NDArray[Any], least: int
) -> npt.NDArray[np.bool_]:
    """Tell which maxima are kept when each must be ``least`` rows or columns away from every kept larger one.

    Greedy: from the largest value down, a maximum is dropped if a larger one that was kept is nearer than ``least``
    both in rows and in columns. Equal values never drop each other, so what is kept of a symmetric matrix is symmetric,
    and no order of the input matters.

    Cost: a neighbour search; each round decides all maxima that no undecided larger one is near.

    Args:
        rows: Shape ``(M,)``.
        columns: Shape ``(M,)``.
        values: Shape ``(M,)``.
        least: At least 1; 1 keeps all.

    Example:
        >>> places = np.array([0, 2, 4])
        >>> separated(places, places, np.array([1.0, 2.0, 3.0]), 3)
        array([ True, False,  True])
    """
    from scipy.spatial import cKDTree

    kept = np.ones(len(rows), dtype=np.bool_)
    if least <= 1 or len(rows) < 2:
        return kept
    places = np.stack([rows, columns], axis=1).astype(np.float64)
    near = cKDTree(places).query_pairs(least - 0.5, p=np.inf, output_type="ndarray")
    level = np.unique(values, return_inverse=True)[1].reshape(-1)
    near = near[level[near[:, 0]] != level[near[:, 1]]]
    swap = level[near[:, 0]] < level[near[:, 1]]
    larger, smaller = np.where(swap, near[:, 1], near[:, 0]), np.where(swap, near[:, 0], near[:, 1])
    while len(larger):
        waiting = np.zeros(len(rows), dtype=np.bool_)
        waiting[smaller] = True
        decided = ~waiting[larger]  # the larger one of these pairs stays
        kept[smaller[decided]] = False
        going = kept[larger] & kept[smaller]
        larger, smaller = larger[going], smaller[going]
    return kept
