"""The nodes and edges that a file or object lists."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Entries", "LabelledMatrix", "first_repeated"]


class Entries(NamedTuple):
    """The nodes and edges that a file or object lists.

    Attributes:
        nodes: Number of nodes.
        edges: Row and column of each entry, shape ``(E, 2)``.
        weights: Weights of the entries, shape ``(E,)``.
        mirrored: Whether an undirected edge must occur twice, on both sides of the diagonal, as in a matrix.
        names: Names of the nodes, if the source has any.
        note: What else the source may be read as, and by which option; "" if nothing.
    """

    nodes: int
    edges: npt.NDArray[np.int64]
    weights: npt.NDArray[Any]
    mirrored: bool
    names: tuple[Any, ...] = ()
    note: str = ""


class LabelledMatrix(NamedTuple):
    """A dense matrix with the names of its rows and columns; None if they have none."""

    matrix: npt.NDArray[Any]
    rows: tuple[str, ...] | None
    columns: tuple[str, ...] | None


def first_repeated(keys: npt.NDArray[np.int64]) -> tuple[int, int] | None:
    """Find the first key that occurred before.

    Returns:
        The positions of its first and its second occurrence; None if all keys differ.

    Example:
        >>> first_repeated(np.array([5, 7, 9, 7, 5]))
        (1, 3)
    """
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    order = np.argsort(keys, kind="stable")
    again = order[1:][keys[order[1:]] == keys[order[:-1]]]
    second = int(again.min())
    return int(np.flatnonzero(keys == keys[second])[0]), second
