"""Edges in a table with named columns: a table in text, or a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.graph_files import Entries
from gnnmax.task.arrays import as_array

__all__ = ["EdgeColumns", "entries_of_frame"]

EdgeColumns = tuple[str, str, str]
"""Names of the columns that hold the first end of an edge, the second one, and its weight."""


def entries_of_frame(frame: Any, columns: EdgeColumns | None = None) -> Entries:
    """Read a graph from a data frame.

    Args:
        frame: An adjacency matrix whose index and columns are the same names; or a list of edges.
        columns: For a list of edges, the columns that hold both ends and the weight; None reads an adjacency matrix.

    Raises:
        InputError: no such column, or an index that differs from the columns.

    Example:
        >>> import pandas
        >>> names = ["a", "b"]
        >>> entries_of_frame(pandas.DataFrame([[0, 2], [2, 0]], names, names)).names
        ('a', 'b')
    """
    if columns is not None:
        known = [str(name) for name in frame.columns]
        places = [_place(known, name) for name in columns]
        u, v = ([str(end) for end in frame.iloc[:, place].tolist()] for place in places[:2])
        weights = as_array(frame.iloc[:, places[2]], f"column {columns[2]}")
        return _entries(list(zip(u, v, strict=True)), weights.tolist())
    names = tuple(str(name) for name in frame.index)
    if names != tuple(str(name) for name in frame.columns):
        raise InputError(
            "the index of an adjacency matrix must be its columns, in the same order; for a list of edges give columns="
            "('source', 'target', 'weight')"
        )
    matrix = as_array(frame, "the adjacency matrix")
    rows, across = np.nonzero(matrix)
    return Entries(len(names), np.stack([rows, across], axis=1), matrix[rows, across], mirrored=True, names=names)


def _place(header: Sequence[str], name: str) -> int:
    if header.count(name) != 1:
        raise unknown_name("column", name, header)
    return header.index(name)


def _entries(ends: list[tuple[str, str]], weights: Sequence[float]) -> Entries:
    """Number the nodes by increasing name if all are whole numbers, else by first occurrence."""
    if not ends:
        raise InputError("holds no edge: expected lines under the header")
    names = list(dict.fromkeys(name for pair in ends for name in pair))
    if all(name.lstrip("-").isdecimal() and len(name) < 19 for name in names):
        names.sort(key=lambda name: (int(name), name))
    place = {name: number for number, name in enumerate(names)}
    edges = np.array([(place[u], place[v]) for u, v in ends], dtype=np.int64)
    return Entries(len(names), edges, np.array(weights, dtype=np.float64), mirrored=False, names=tuple(names))
