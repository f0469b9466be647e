"""Windows as one batch of torch_geometric graphs, made of tensors on their own device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Batch

__all__ = ["COLUMN_CONTEXT", "ENTRY", "ROW_CONTEXT", "graph_batch"]

ENTRY, ROW_CONTEXT, COLUMN_CONTEXT = range(3)
"""Values of ``edge_type``."""

Edges = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Window, source, target, weight and type of each edge, ``(E,)`` each; nodes are numbered within their window."""


def graph_batch(values: Tensor, row_context: Tensor | None = None, column_context: Tensor | None = None) -> Batch:
    """Convert windows to a batch of graphs, as :func:`gnnmax.interop.pyg.to_data` converts each of them.

    Nodes ``0 .. k - 1`` of a graph are the rows, ``k .. 2k - 1`` the columns. Every entry is an edge in both
    directions, every context entry that is not zero one edge.

    Args:
        values: Finite values, shape ``(B, k, k)``.
        row_context: Weights between rows, shape ``(B, k, k)``, or None.
        column_context: Weights between columns, shape ``(B, k, k)``, or None.

    Returns:
        A ``torch_geometric.data.Batch`` with ``x`` (2kB, 3): is a row, is a column, is an end of the centre;
        ``edge_index`` (2, E); ``edge_weight`` (E,); ``edge_type`` (E,): 0 entries, 1 row contexts, 2 column contexts;
        ``root_index`` (2, B): the node of the centre's row and of its column; ``batch`` and ``ptr``. It has no labels.

    Example:
        >>> batch = graph_batch(torch.rand(4, 3, 3))
        >>> batch.x.shape, batch.edge_index.shape, batch.root_index[:, 1].tolist(), batch.num_graphs
        (torch.Size([24, 3]), torch.Size([2, 72]), [7, 10], 4)
    """
    n, k = len(values), values.shape[-1]
    graph, source, target, weight, kind = _edges(values, row_context, column_context)
    start = torch.arange(n, device=values.device) * 2 * k
    ends = torch.stack([source, target]) + 2 * k * graph  # (2, E)
    root = torch.tensor([[k // 2], [k + k // 2]], device=values.device) + start  # (2, B)
    batch = Batch(
        x=_nodes(n, k, values),
        edge_index=ends,
        edge_weight=weight,
        edge_type=kind,
        root_index=root,
        batch=torch.arange(n, device=values.device).repeat_interleave(2 * k),
        ptr=torch.arange(n + 1, device=values.device) * 2 * k,
    )
    _allow_splitting(batch, torch.bincount(graph, minlength=n).cumsum(0), start)
    return batch


def _nodes(n: int, k: int, like: Tensor) -> Tensor:
    x = like.new_zeros(2 * k, 3)
    x[:k, 0] = x[k:, 1] = x[k // 2, 2] = x[k + k // 2, 2] = 1.0
    return x.repeat(n, 1)  # (2kB, 3)


def _edges(values: Tensor, rows: Tensor | None, columns: Tensor | None) -> Edges:
    """List the edges window by window: entries, entries backwards, row contexts, column contexts."""
    n, k = len(values), values.shape[-1]
    side = torch.arange(k, device=values.device)
    row, column = side.repeat_interleave(k), side.repeat(k) + k
    source, target = torch.cat([row, column]).repeat(n), torch.cat([column, row]).repeat(n)
    graph = torch.arange(n, device=values.device).repeat_interleave(2 * k * k)
    weight = values.reshape(n, 1, k * k).expand(n, 2, k * k).reshape(-1)
    parts = [(graph, source, target, weight, torch.full_like(graph, ENTRY))]
    for kind, context, first in ((ROW_CONTEXT, rows, 0), (COLUMN_CONTEXT, columns, k)):
        if context is not None:
            where, source, target = context.nonzero(as_tuple=True)
            weight = context[where, source, target]
            parts.append((where, source + first, target + first, weight, torch.full_like(where, kind)))
    if len(parts) == 1:
        return parts[0]
    order = torch.argsort(torch.cat([part[0] for part in parts]), stable=True)
    graph, source, target, weight, kinds = (torch.cat(each)[order] for each in zip(*parts, strict=True))
    return graph, source, target, weight, kinds


def _allow_splitting(batch: Batch, edges: Tensor, start: Tensor) -> None:
    """Record what ``Batch.to_data_list`` needs: where each graph begins in each attribute, and what was added to it."""
    zero = torch.zeros_like(start)
    graphs = torch.arange(len(start) + 1)
    edge_slices = torch.cat([torch.zeros(1, dtype=torch.long), edges.cpu()])
    per_edge = dict.fromkeys(("edge_index", "edge_weight", "edge_type"), edge_slices)
    batch._num_graphs = len(start)
    batch._slice_dict = {"x": batch.ptr.cpu(), **per_edge, "root_index": graphs}
    batch._inc_dict = {**dict.fromkeys(("x", "edge_weight", "edge_type"), zero.cpu())}
    batch._inc_dict |= dict.fromkeys(("edge_index", "root_index"), start.cpu())
