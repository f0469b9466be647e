"""Windows as torch_geometric graphs: rows and columns are nodes, entries are weighted edges, the centre is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnnmax.errors import InputError, unknown_name
from gnnmax.models.graphs.batch import COLUMN_CONTEXT, ENTRY, ROW_CONTEXT
from gnnmax.task.scaling import SCALES, ScaleName
from gnnmax.task.windows import Windows, windows_hint

if TYPE_CHECKING:
    from torch_geometric.data import Data, HeteroData

__all__ = ["to_data", "to_hetero"]


def to_data(
    windows: Windows, *, encoding: ScaleName = "standard", zeros: bool = False, contexts: bool = True
) -> list[Data]:
    """Convert each window to a homogeneous graph.

    Nodes ``0 .. k - 1`` are the rows, ``k .. 2k - 1`` the columns. Every edge between a row and a column is there in
    both directions, every context entry that is not zero once (so undirected contexts come in both). An entry that is
    0 is no edge of the host, and NaN was not observed: neither becomes an edge.

    Args:
        windows: Any windows.
        encoding: Scale of the weights: ``standard``: each window minus its mean, by its standard deviation, contexts on
            the scale of their own entries; ``rank``: minus the logarithm of the rank from the top, 0 at the strict
            maximum; ``none``: as they are. See :mod:`gnnmax.task.scaling`.
        zeros: Whether entries that are 0 become edges too, with the weight that the encoding gives to 0.
        contexts: Whether edges inside the rows and inside the columns are added, if the windows have contexts.

    Returns:
        Graphs with ``x`` (2k, 3): is a row, is a column, is an end of the centre; ``edge_index`` (2, E);
        ``edge_weight`` (E,); ``edge_type`` (E,): 0 entries, 1 row contexts, 2 column contexts; ``node`` (2k,): numbers
        in the host; ``root_index`` (2, 1): the centre's row and column, which batching moves along; ``y`` (1,).

    Raises:
        InputError: something else than windows, or an unknown encoding.

    Example:
        >>> to_data(Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, np.nan]]]))
        [Data(x=[6, 3], edge_index=[2, 14], y=[1], edge_weight=[14], edge_type=[14], node=[6], root_index=[2, 1])]
    """
    from torch_geometric.data import Data

    form = _EdgeForm(windows, encoding, zeros=zeros, contexts=contexts)
    k = windows.k
    x = torch.zeros(2 * k, 3)
    x[:k, 0] = x[k:, 1] = x[k // 2, 2] = x[k + k // 2, 2] = 1.0
    graphs = []
    for index in range(len(windows)):
        parts = form.edges(index)
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


def to_hetero(
    windows: Windows, *, encoding: ScaleName = "standard", zeros: bool = False, contexts: bool = True
) -> list[HeteroData]:
    """Convert each window to a heterogeneous graph with row nodes and column nodes.

    Args:
        windows: Any windows.
        encoding: As for :func:`to_data`.
        zeros: As for :func:`to_data`.
        contexts: As for :func:`to_data`.

    Returns:
        Graphs with nodes ``row`` and ``column``, each with ``x`` (k, 1), one at the centre's end and zero elsewhere,
        and ``node`` (k,), numbers in the host; edges ``(row, entry, column)``, ``(column, rev_entry, row)`` and, where
        there are contexts, ``(row, context, row)`` and ``(column, context, column)``, each with ``edge_index`` and
        ``edge_weight``, under the rules of :func:`to_data`; ``y`` (1,).

    Example:
        >>> (graph,) = to_hetero(Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, np.nan]]]), encoding="none")
        >>> graph.edge_types, graph["row", "entry", "column"].edge_weight[3]
        ([('row', 'entry', 'column'), ('column', 'rev_entry', 'row')], tensor(9.))
    """
    from torch_geometric.data import HeteroData

    form = _EdgeForm(windows, encoding, zeros=zeros, contexts=contexts)
    root = torch.zeros(windows.k, 1)
    root[windows.k // 2] = 1.0
    graphs = []
    for index in range(len(windows)):
        graph = HeteroData()
        for side, nodes in (("row", windows.rows), ("column", windows.columns)):
            graph[side].x = root.clone()
            graph[side].node = torch.tensor(nodes[index])
        for relation, edges, weight in form.edges(index):
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


class _EdgeForm:
    """Windows as lists of edges: scaled once for all windows, listed window by window."""

    def __init__(self, windows: Windows, encoding: str, *, zeros: bool, contexts: bool) -> None:
        if not isinstance(windows, Windows):
            raise InputError(f"graphs are made of Windows, not of {type(windows).__name__}: {windows_hint(windows)}")
        if encoding not in SCALES:
            raise unknown_name("encoding", encoding, SCALES)
        scale = SCALES[encoding]
        with np.errstate(invalid="ignore"):
            self._there = ~np.isnan(windows.values) & (zeros | (windows.values != 0))
        self._values = scale(windows.values)
        given = (windows.row_context, windows.column_context) if contexts else (None, None)
        self._contexts = [None if context is None else (context != 0, scale(context)) for context in given]

    def edges(self, index: int) -> list[Edges]:
        """List the edges of a window by relation: ends (2, E), numbered within each side, and weights (E,)."""
        ends = np.stack(np.nonzero(self._there[index]))  # (2, E)
        weights = self._values[index][ends[0], ends[1]]
        there, back, rows, columns = _TYPES
        found: list[Edges] = [(there, ends, weights), (back, ends[::-1].copy(), weights.copy())]
        for relation, context in zip((rows, columns), self._contexts, strict=True):
            if context is not None:
                inside: Any = np.nonzero(context[0][index])
                found.append((relation, np.stack(inside), context[1][index][inside]))
        return found


def _label(windows: Windows, index: int) -> Tensor:
    return torch.tensor([float(windows.label[index])])
