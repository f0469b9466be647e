"""The largest maxima of a matrix, or of each of its rows, columns or nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.search_options import Groups, SearchOptions
from gnnmax.errors import InputError

__all__ = ["are_largest", "check_groups", "larger_in_group"]


def larger_in_group(values: npt.NDArray[Any], groups: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Count, for each value, the values of its group that are strictly larger.

    Args:
        values: Shape ``(M,)``; none is NaN.
        groups: The number of the group of each, shape ``(M,)``.

    Example:
        >>> larger_in_group(np.array([5, 7, 7, 1, 4]), np.array([0, 0, 0, 1, 1])).tolist()
        [2, 0, 0, 1, 0]
    """
    level = np.unique(values, return_inverse=True)[1].reshape(-1)
    order = np.lexsort((-level, groups))
    level, groups = level[order], groups[order]
    place = np.arange(len(order))
    starts_group = np.ones(len(order), dtype=np.bool_)
    starts_group[1:] = groups[1:] != groups[:-1]
    starts_level = starts_group.copy()
    starts_level[1:] |= level[1:] != level[:-1]
    first = [np.maximum.accumulate(np.where(starts, place, 0)) for starts in (starts_level, starts_group)]
    larger = np.empty(len(order), dtype=np.intp)
    larger[order] = first[0] - first[1]
    return larger


def are_largest(
    maxima: Maxima, most: int, *, per: Groups = "matrix", groups: npt.NDArray[Any] | None = None
) -> npt.NDArray[np.bool_]:
    """Return which maxima have fewer than ``most`` larger ones in the matrix, or in one of their groups.

    A group is a row, a column or a node, or the maxima with one number in ``groups``. A maximum of a node is one in its
    row or in its column; a maximum between two nodes is kept if it is among the largest of one of them. Maxima that are
    equal at the cut are all kept, so that the answer does not depend on the order of the input.
    """
    values = maxima.values if maxima.scores is None else maxima.scores
    if groups is not None:
        return np.asarray(larger_in_group(values, groups) < most)
    ends = {"matrix": [np.zeros(len(maxima), dtype=np.intp)], "row": [maxima.rows], "column": [maxima.columns]}
    if per != "node":
        return np.asarray(larger_in_group(values, *ends[per]) < most)
    off = np.flatnonzero(maxima.rows != maxima.columns)  # the two ends of (i, i) are one
    which = np.concatenate([np.arange(len(maxima)), off])
    larger = larger_in_group(values[which], np.concatenate([maxima.rows, maxima.columns[off]]))
    kept = np.zeros(len(maxima), dtype=np.bool_)
    kept[which[larger < most]] = True
    return kept


def check_groups(source: MatrixSource, options: SearchOptions) -> None:
    """Refuse groups that a matrix does not have.

    Raises:
        InputError: nodes of a matrix that is not square, rows or columns of an undirected one.
    """
    if options.top_per == "node" and source.shape[0] != source.shape[1]:
        n, m = source.shape
        raise InputError(f"top_per = 'node' needs a square matrix, whose rows and columns are nodes, not {n} x {m}")
    if options.top_per in ("row", "column") and source.undirected:
        raise InputError(
            f"top_per = {options.top_per!r} needs a directed matrix: in an undirected one a row and its column are one "
            "node; use top_per 'node'"
        )
