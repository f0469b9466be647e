"""The edges of a networkx graph and their weights: one rule for graphs from files and from code."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.graph_files.entries import Entries
from gnnmax.io.graph_files.refusals import rounded

__all__ = ["WEIGHT", "entries_of_graph", "weights_of"]

WEIGHT = "weight"
"""The edge attribute that holds the weights, if none is named."""


def entries_of_graph(graph: Any, weight: str | None = None, *, weighted: bool = True) -> Entries:
    """List the edges of a networkx graph; an undirected edge in both directions.

    Args:
        graph: The graph, without parallel edges.
        weight: Edge attribute that holds the weights; None takes ``weight``.
        weighted: Whether to read weights; otherwise all are 1.

    Returns:
        The edges with the nodes of the graph as names. If no edge has the attribute, none was named, and no other
        attribute holds numbers, the graph has no weights: all are 1.

    Raises:
        InputError: parallel edges; edges without a weight beside others with one; weights under another name; or a
            weight that is no real number, or that a column of numbers cannot hold.

    Example:
        >>> import networkx as nx
        >>> graph = nx.Graph([("a", "b", {"strength": 2.5})])
        >>> entries_of_graph(graph, "strength").weights.tolist()
        [2.5, 2.5]
        >>> entries_of_graph(graph)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the edges have no 'weight', but strength: name the weights, as in --weight strength
    """
    if graph.is_multigraph():
        raise InputError("the graph has parallel edges: add their weights, or leave them out")
    nodes = tuple(graph)
    place = {node: position for position, node in enumerate(nodes)}
    listed = list(graph.edges(data=True))
    edges = np.array([(place[u], place[v]) for u, v, _ in listed], dtype=np.int64).reshape(-1, 2)
    weights = weights_of(listed, weight) if weighted else np.ones(len(listed))
    if not graph.is_directed():  # networkx lists an undirected edge once
        off = np.flatnonzero(edges[:, 0] != edges[:, 1])
        edges, weights = np.concatenate([edges, edges[off, ::-1]]), np.concatenate([weights, weights[off]])
    return Entries(len(nodes), edges, weights, mirrored=True, names=nodes)


def weights_of(edges: Sequence[tuple[Any, Any, dict[Any, Any]]], weight: str | None) -> npt.NDArray[Any]:
    """Return one weight for each edge, given with its ends and attributes; see :func:`entries_of_graph`."""
    listed = [(u, v, data.get(weight or WEIGHT)) for u, v, data in edges]
    without = [(u, v) for u, v, value in listed if value is None]
    if not without:
        return _numbers(listed)
    if len(without) == len(listed):
        attributes = {name: value for *_, data in edges for name, value in data.items()}
        if weight is not None:
            raise unknown_name("edge attribute", weight, attributes)
        known = sorted(name for name, value in attributes.items() if _may_be_weight(name, value))
        if not known:
            return np.ones(len(listed))
        names = ", ".join(known)
        raise InputError(
            f"the edges have no {WEIGHT!r}, but {names:.200}: name the weights, as in --weight {known[0]:.60}"
        )
    u, v = without[0]
    raise InputError(
        f"all edges must have a weight, or none: {len(without):,} of {len(listed):,} have none, as the edge from "
        f"{u!s:.40} to {v!s:.40}; add theirs, or leave these edges out"
    )


def _may_be_weight(name: Any, value: Any) -> bool:
    """Return whether an attribute of an edge may be its weight: a number, or called so."""
    return (isinstance(value, Real) and value is not True and value is not False) or str(name).lower() == WEIGHT


def _numbers(listed: Sequence[tuple[Any, Any, Any]]) -> npt.NDArray[Any]:
    """Return the weights of edges as an array that holds each of them exactly."""
    for u, v, value in listed:
        if not _is_real(value):
            raise InputError(
                f"weights must be real numbers, not {type(value).__name__}, as of the edge from {u!s:.40} to {v!s:.40}"
            )
    values = [value for *_, value in listed]
    found = np.array(values)
    if found.dtype == np.object_:  # fractions
        found = found.astype(np.float64)
    wrong = [value for value, number in zip(values, found.tolist(), strict=True) if _is_rounded(value, number)]
    if wrong:
        raise rounded(wrong[0])
    return found


def _is_real(value: Any) -> bool:
    """Return whether a weight fits into a column of real numbers."""
    if isinstance(value, (Integral, np.bool_)):
        return abs(int(value)) <= np.iinfo(np.int64).max
    return isinstance(value, Real)


def _is_rounded(value: Any, number: Any) -> bool:
    return isinstance(value, Integral) and abs(int(value)) > 2**53 and int(number) != int(value)
