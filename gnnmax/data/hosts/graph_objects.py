"""Hosts from an object in code: networkx, scipy sparse, numpy, a data frame, PyG Data."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.hosts.edge_tables import EdgeColumns, entries_of_frame
from gnnmax.data.hosts.host import Host, check_edges, edges_of_keys, pair_keys
from gnnmax.errors import InputError
from gnnmax.io.graph_files import Entries, LabelledMatrix
from gnnmax.io.graph_files.graph_edges import WEIGHT, entries_of_graph
from gnnmax.task.arrays import as_array

__all__ = ["MOST_NODES", "entries_of", "entries_of_data", "host_of", "host_of_entries", "is_frame", "object_names"]

MOST_NODES = 10_000_000
"""Nodes of a graph at most."""


def host_of(graph: Any, *, directed: bool = False, weight: str = "weight", columns: EdgeColumns | None = None) -> Host:
    """Make a host from a graph object.

    Args:
        graph: A networkx graph (with the edge attribute ``weight``, or none anywhere: then 1), a scipy sparse or numpy
            matrix, a data frame, or a PyG ``Data`` (``edge_index`` with ``edge_weight`` or one column of ``edge_attr``,
            or neither: then 1).
        directed: Whether entry (u, v) is the edge from u to v alone.
        weight: Edge attribute of a networkx graph that holds the weights.
        columns: Columns of a data frame that hold both ends of an edge and its weight; None takes it for an adjacency
            matrix, whose index and columns are the names of the nodes.

    Raises:
        InputError: not such an object; weights that are not finite real numbers; not square; an edge given twice; not
            symmetric though undirected.

    Example:
        >>> import networkx as nx
        >>> host = host_of(nx.path_graph(3))
        >>> host.nodes, host.edges.tolist(), host.weights.tolist()
        (3, [[0, 1], [1, 2]], [1.0, 1.0])
    """
    return host_of_entries(
        entries_of(graph, weight=None if weight == WEIGHT else weight, columns=columns), directed=directed
    )


def entries_of(
    graph: Any, *, weight: str | None = None, weighted: bool = True, columns: EdgeColumns | None = None
) -> Entries:
    """List the entries of a graph object."""
    if isinstance(graph, Entries):
        return graph
    if isinstance(graph, LabelledMatrix):
        return _of_labelled(graph)
    if hasattr(graph, "edge_index"):
        return entries_of_data(graph)
    if hasattr(graph, "is_multigraph"):
        return entries_of_graph(graph, weight, weighted=weighted)
    return entries_of_frame(graph, columns) if is_frame(graph) else _of_matrix(graph)


def is_frame(graph: Any) -> bool:
    """Return whether an object is a data frame, by its attributes."""
    return all(hasattr(graph, name) for name in ("to_numpy", "iloc", "index", "columns"))


def object_names(graph: Any, *, columns: EdgeColumns | None = None) -> tuple[str, ...]:
    """Return the names of the nodes of a graph object by their numbers; empty if it has none."""
    if hasattr(graph, "is_multigraph"):
        return tuple(str(node) for node in graph)
    return entries_of_frame(graph, columns).names if is_frame(graph) else ()


def _of_labelled(matrix: LabelledMatrix) -> Entries:
    if matrix.rows != matrix.columns:
        raise InputError("the rows of an adjacency matrix must have the names of its columns, in the same order")
    return _of_matrix(matrix.matrix)._replace(names=matrix.rows or ())


def _of_matrix(matrix: Any) -> Entries:
    from scipy.sparse import coo_array, issparse

    sparse = bool(issparse(matrix))
    if isinstance(matrix, np.ndarray):
        matrix = as_array(matrix, "an adjacency matrix")
    elif not sparse:
        raise InputError(
            "a graph must be a networkx graph, a scipy sparse matrix, a numpy array, a data frame or a PyG Data, not a "
            f"{type(matrix).__name__}"
        )
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"weights must be real numbers, not {matrix.dtype}")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"an adjacency matrix must be square, not of shape {matrix.shape}")
    if not sparse:
        entries = np.asarray(matrix)
        rows, columns = np.nonzero(entries)
        return Entries(len(entries), np.stack([rows, columns], axis=1), entries[rows, columns], mirrored=True)
    stored: Any = coo_array(matrix)
    edges = np.stack([stored.row, stored.col], axis=1).astype(np.int64)
    return Entries(matrix.shape[0], edges, stored.data, mirrored=True)


def entries_of_data(data: Any) -> Entries:
    """List the edges of a torch_geometric ``Data``.

    Args:
        data: ``edge_index`` with ``edge_weight`` or one column of ``edge_attr``, or neither: then 1.

    Raises:
        InputError: edges that are not pairs of integers, or not one weight per edge.
    """

    def plain(tensor: Any) -> npt.NDArray[Any]:
        return np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)

    edges = plain(data.edge_index)
    if edges.ndim != 2 or len(edges) != 2 or edges.dtype.kind not in "iu":
        raise InputError(f"edge_index must be a (2, E) array of integers, not {edges.dtype} of shape {edges.shape}")
    weights = getattr(data, "edge_weight", None)
    weights = getattr(data, "edge_attr", None) if weights is None else weights
    found = np.ones(edges.shape[1]) if weights is None else plain(weights)
    if found.size != edges.shape[1]:
        raise InputError(f"each edge must have one weight: expected {edges.shape[1]} numbers, not shape {found.shape}")
    return Entries(int(data.num_nodes), edges.T.astype(np.int64), found.reshape(-1), mirrored=True)


def host_of_entries(entries: Entries, *, directed: bool) -> Host:
    """Check entries and convert them to a host.

    Args:
        entries: Edges by numbers of nodes, with their weights.
        directed: Whether entry (u, v) is the edge from u to v alone.

    Raises:
        InputError: as for :func:`host_of`.
    """
    nodes, edges, weights, mirrored, *_ = entries
    del entries  # a list of edges may fill much of the memory
    if not 1 <= nodes <= MOST_NODES:
        raise InputError(f"a graph must have between 1 and {MOST_NODES} nodes, not {nodes}")
    if len(edges) and not 0 <= edges.min() <= edges.max() < nodes:
        raise InputError(f"an edge leads outside the {nodes} nodes")
    off = edges[:, 0] != edges[:, 1]
    first, second, values = edges[:, 0][off], edges[:, 1][off], _as_float32(weights[off])
    del edges, weights
    keys = first * nodes + second
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        u, v = divmod(int(twice[0]), nodes)
        raise InputError(f"the edge from node {u} to node {v} is given twice: add the two up, or leave one out")
    del ordered
    if not directed:
        keys = pair_keys(first, second, nodes)
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    if not directed:
        keys, values = _merged(keys, values, nodes, mirrored=mirrored)
    host = Host(nodes, edges_of_keys(keys, nodes), values, directed)
    check_edges(host)
    return host


def _as_float32(weights: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if weights.dtype.kind not in "biuf":
        raise InputError(f"weights must be real numbers, not {weights.dtype}")
    with np.errstate(over="ignore"):
        values = weights.astype(np.float32)
    if not np.isfinite(values).all():
        bad = weights[~np.isfinite(values)][0]
        raise InputError(f"weights must be finite in float32, not {bad}: leave out edges that were not observed")
    return values


def _merged(
    keys: npt.NDArray[np.int64], values: npt.NDArray[np.float32], nodes: int, *, mirrored: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Merge entries with their mirrors across the diagonal, which have the same key; the two must agree.

    Args:
        keys: Numbers of pairs, sorted; an entry and its mirror are neighbours.
        values: Weights of the entries.
        nodes: Number of nodes.
        mirrored: Whether every entry must have a mirror.
    """
    again = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    wrong = keys[again][values[again] != values[again - 1]]
    if mirrored:
        alone = np.ones(len(keys), dtype=np.bool_)
        alone[again] = alone[again - 1] = False
        wrong = np.concatenate([wrong, keys[alone]])
    if len(wrong):
        u, v = divmod(int(wrong.min()), nodes)
        raise InputError(
            f"not symmetric: the entries ({u}, {v}) and ({v}, {u}) differ; give directed = true, or make it symmetric"
        )
    return np.delete(keys, again), np.delete(values, again)
