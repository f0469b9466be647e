"""Attributes of the nodes of a networkx graph, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError, unknown_name

__all__ = ["node_columns"]


def node_columns(graph: Any, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return attributes of all nodes of a networkx graph, in the order of the nodes.

    Args:
        graph: The graph.
        names: The attributes.

    Returns:
        One array for each attribute, masked where a node does not have it: booleans, int64 or float64 if all its values
        are such numbers, else text.

    Raises:
        InputError: no node has the attribute; or the names are no sequence of texts.

    Example:
        >>> import networkx as nx
        >>> graph = nx.path_graph(3)
        >>> graph.nodes[0]["team"], graph.nodes[2]["team"] = 4, 7
        >>> node_columns(graph, ["team"])["team"].tolist()
        [4, None, 7]
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise InputError(f"node attributes are named by a sequence of texts, such as ('team',), not {names!r:.60}")
    listed = [data for _, data in graph.nodes(data=True)]
    known = {str(name): name for data in listed for name in data}
    found = {}
    for name in names:
        if name not in known:
            raise unknown_name("node attribute", name, known)
        found[name] = _column([data.get(known[name]) for data in listed])
    return found


NUMBERS: tuple[tuple[set[str], Any], ...] = (
    ({"bool"}, np.bool_),
    ({"int"}, np.int64),
    ({"int", "float"}, np.float64),
)
"""Types of columns, by the kinds of values that they hold; the first that holds all is taken."""


def _column(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Return values as an array, masked where there is none; numbers stay exact, everything else becomes text."""
    mask = np.array([value is None for value in values], dtype=np.bool_)
    there = [value for value in values if value is not None]
    kinds = {_kind(value) for value in there}
    kind: Any = next((kind for allowed, kind in NUMBERS if kinds <= allowed), None)
    if kind is not None:
        return np.ma.array([0 if value is None else value for value in values], dtype=kind, mask=mask)
    texts = np.array(["" if value is None else str(value) for value in values], dtype=object)
    return np.ma.array(texts, mask=mask)


def _kind(value: Any) -> str:
    """Return the kind of a value; whole numbers that float64 or int64 does not hold are text."""
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "int" if abs(int(value)) <= 2**53 else "text"
    return "float" if isinstance(value, Real) else "text"
