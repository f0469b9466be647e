"""Kinds of windows that a set lacks although the matrices behind it are full of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.task.label import KINDS, check_windows

__all__ = ["NO_CONSTANT", "SPARSE", "edge_counts", "lacking_kinds"]

NO_CONSTANT = "no window is constant, as many windows of a sparse matrix are"

SPARSE = 0.5
"""Share of entries without an edge from which on a window is taken for one of a sparse matrix."""


def edge_counts(values: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Count the entries of each window that are edges, neither 0 nor NaN; 0 where the centre is none.

    Args:
        values: Windows, shape ``(N, k, k)``.

    Returns:
        Integers from 0 to ``k * k``, shape ``(N,)``.

    Example:
        >>> edge_counts([[[0, 1, 0], [0, 3, 0], [2, 0, 0]], [[1, 1, 1], [1, 0, 1], [1, 1, 1]]])
        array([3, 0], dtype=int32)
    """
    entries = check_windows(values)
    middle = entries.shape[-1] // 2
    edge = entries != 0
    if entries.dtype.kind == "f" and np.isnan(entries).any():
        edge &= ~np.isnan(entries)
    counts = np.count_nonzero(edge, axis=(-2, -1))
    return np.asarray(np.where(edge[..., middle, middle], counts, 0), dtype=np.int32)


def lacking_kinds(kind_code: npt.NDArray[Any], edges: npt.NDArray[np.int32], k: int) -> tuple[str, ...]:
    """Name the kinds that a set of windows lacks and a matrix of such windows is full of, one sentence each.

    Windows around the edges of a sparse matrix are never constant, but most of its other windows are: all their
    entries are 0.

    Args:
        kind_code: Kind of each window, an index into :data:`gnnmax.task.label.KINDS`, shape ``(N,)``.
        edges: As :func:`edge_counts` returns them, shape ``(N,)``.
        k: Side of the windows.

    Example:
        >>> lacking_kinds(np.array([0, 1]), np.array([30, 41], dtype=np.int32), 9)
        ('no window is constant, as many windows of a sparse matrix are: nothing is known about scores of these',)
        >>> lacking_kinds(np.array([0, 5]), np.array([30, 0], dtype=np.int32), 9)
        ()
    """
    around = edges[edges > 0]
    if not len(around) or (kind_code == KINDS.index("constant")).any() or around.mean() > (1 - SPARSE) * k * k:
        return ()
    return (f"{NO_CONSTANT}: nothing is known about scores of these",)
