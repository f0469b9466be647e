"""Windows as torch_geometric graphs: rows and columns are nodes, entries are weighted edges, the centre is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnnmax.models.graphs.batch import COLUMN_CONTEXT, ENTRY, ROW_CONTEXT
from gnnmax.task.windows import Windows

if TYPE_CHECKING:
    from torch_geometric.data import Data, HeteroData

__all__ = ["to_data", "to_hetero"]


def to_data(windows: Windows) -> list[Data]:
    """Convert each window to a homogeneous graph.

    Nodes ``0 .. k - 1`` are the rows, ``k .. 2k - 1`` the columns. Every observed entry is an edge in both directions,
    every context entry that is not zero one edge (so undirected contexts come in both); NaN entries are no edges.

    Returns:
        Graphs with ``x`` (2k, 3): is a row, is a column, is an end of the centre; ``edge_index`` (2, E);
        ``edge_weight`` (E,); ``edge_type`` (E,): 0 entries, 1 row contexts, 2 column contexts; ``node`` (2k,): numbers
        in the host; ``root_index`` (2, 1): the centre's row and column, which batching moves along; ``y`` (1,).

    Example:
        >>> to_data(Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, np.nan]]]))
        [Data(x=[6, 3], edge_index=[2, 16], y=[1], edge_weight=[16], edge_type=[16], node=[6], root_index=[2, 1])]
    """
    from torch_geometric.data import Data

    k = windows.k
    x = torch.zeros(2 * k, 3)
    x[:k, 0] = x[k:, 1] = x[k // 2, 2] = x[k + k // 2, 2] = 1.0
    graphs = []
    for index in range(len(windows)):
        parts = _edges(windows, index)
        weights = [weight for _, _, weight in parts]
        shifts = {"row": 0, "column": k}
        moved = [edges + np.array([[shifts[source]], [shifts[target]]]) for (source, _, target), edges, _ in parts]
        types = np.repeat([_TYPES[relation] for relation, _, _ in parts], [len(weight) for weight in weights])
        graphs.append(
            Data(
                x=x.clone(),
                edge_index=torch.from_numpy(np.concatenate(moved, axis=1)),
                y=_label(windows, index),
                edge_weight=torch.from_numpy(np.concatenate(weights)),
                edge_type=torch.from_numpy(types),
                node=torch.from_numpy(np.concatenate([windows.rows[index], windows.columns[index]])),
                root_index=torch.tensor([[k // 2], [k + k // 2]]),
            )
        )
    return graphs


def to_hetero(windows: Windows) -> list[HeteroData]:
    """Convert each window to a heterogeneous graph with row nodes and column nodes.

    Returns:
        Graphs with nodes ``row`` and ``column``, each with ``x`` (k, 1), one at the centre's end and zero elsewhere,
        and ``node`` (k,), numbers in the host; edges ``(row, entry, column)``, ``(column, rev_entry, row)`` and, where
        there are contexts, ``(row, context, row)`` and ``(column, context, column)``, each with ``edge_index`` and
        ``edge_weight``, under the rules of :func:`to_data`; ``y`` (1,).

    Example:
        >>> (graph,) = to_hetero(Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, np.nan]]]))
        >>> graph.edge_types, graph["row", "entry", "column"].edge_weight[4]
        ([('row', 'entry', 'column'), ('column', 'rev_entry', 'row')], tensor(9.))
    """
    from torch_geometric.data import HeteroData

    root = torch.zeros(windows.k, 1)
    root[windows.k // 2] = 1.0
    graphs = []
    for index in range(len(windows)):
        graph = HeteroData()
        for side, nodes in (("row", windows.rows), ("column", windows.columns)):
            graph[side].x = root.clone()
            graph[side].node = torch.tensor(nodes[index])
        for relation, edges, weight in _edges(windows, index):
            graph[relation].edge_index = torch.from_numpy(edges)
            graph[relation].edge_weight = torch.from_numpy(weight)
        graph.y = _label(windows, index)
        graphs.append(graph)
    return graphs


Relation = tuple[str, str, str]
Edges = tuple[Relation, npt.NDArray[np.int64], npt.NDArray[np.float32]]

_TYPES: dict[Relation, int] = {
    ("row", "entry", "column"): ENTRY,
    ("column", "rev_entry", "row"): ENTRY,
    ("row", "context", "row"): ROW_CONTEXT,
    ("column", "context", "column"): COLUMN_CONTEXT,
}


def _edges(windows: Windows, index: int) -> list[Edges]:
    """List the edges of a window by relation: ends (2, E), numbered within each side, and weights (E,)."""
    values = windows.values[index]
    ends = np.stack(np.nonzero(~np.isnan(values)))  # (2, E)
    weights = values[ends[0], ends[1]]
    there, back, rows, columns = _TYPES
    found: list[Edges] = [(there, ends, weights), (back, ends[::-1].copy(), weights.copy())]
    for relation, contexts in ((rows, windows.row_context), (columns, windows.column_context)):
        if contexts is not None:
            inside: Any = np.nonzero(contexts[index])
            found.append((relation, np.stack(inside), contexts[index][inside]))
    return found


def _label(windows: Windows, index: int) -> Tensor:
    return torch.tensor([float(windows.label[index])])
