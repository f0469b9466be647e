"""The order of a graph's nodes: what a graph net of any library does when they are numbered otherwise."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.adapters import evaluating, is_module

__all__ = ["Call", "NodeTrial", "renumbered"]

Call = Callable[[Any], Any]
"""From data to outputs."""

Order = npt.NDArray[np.intp]


def renumbered(data: Any, order: Order) -> Any:
    """Return data whose nodes are in another order.

    Args:
        data: With ``x`` and ``edge_index``; what belongs to nodes is permuted, by ``is_node_attr`` where there is one
            (torch_geometric has it), else ``x``, ``pos`` and ``batch``. Edges stay in their order.
        order: Old number of each new node.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> graph = SimpleNamespace(x=torch.tensor([5.0, 6.0, 7.0]), edge_index=torch.tensor([[0], [2]]))
        >>> other = renumbered(graph, np.array([2, 0, 1]))
        >>> other.x.tolist(), other.edge_index.tolist()
        ([7.0, 5.0, 6.0], [[1], [0]])
    """
    torch: Any = sys.modules["torch"]  # whoever has a graph has loaded it
    device = data.edge_index.device
    moved = copy.copy(data)
    if hasattr(data, "is_node_attr"):
        names = [name for name in data.keys() if data.is_node_attr(name)]  # noqa: SIM118  # no mapping
    else:
        names = [name for name in ("x", "pos", "batch") if getattr(data, name, None) is not None]
    for name in names:
        setattr(moved, name, getattr(data, name)[torch.as_tensor(order, device=device)])
    moved.edge_index = torch.as_tensor(np.argsort(order), device=device)[data.edge_index]
    return moved


class NodeTrial:
    """A graph net on one graph, ready to be given its nodes in other orders.

    Args:
        module: Called as ``module(x, edge_index)``, unless ``call`` says how; a torch module is put in evaluation mode.
        data: With ``x`` of shape ``(nodes, ...)`` and ``edge_index`` of shape ``(2, edges)``, tensors.
        moves: Whether the outputs, one a node, are to move with the nodes; else they are to stay.
        call: From data to one tensor.
        tolerance: Part of the largest output that is put down to rounding.

    Raises:
        InputError: no such data, an output that is no tensor, or, where it is to move, not one for each node.
    """

    def __init__(self, module: Any, data: Any, *, moves: bool, call: Call | None, tolerance: float) -> None:
        shapes = [tuple(getattr(getattr(data, name, None), "shape", ())) for name in ("x", "edge_index")]
        if not shapes[0] or len(shapes[1]) != 2 or shapes[1][0] != 2 or not hasattr(data.edge_index, "detach"):
            raise InputError("expected data with tensors x, shape (nodes, ...), and edge_index, shape (2, edges)")
        self.nodes = shapes[0][0]
        self._module, self._data, self._moves = module, data, moves
        self._call = call or (lambda given: module(given.x, given.edge_index))
        self._before = self._output(data)
        self._floor = tolerance * float(np.abs(self._before).max(initial=0.0))

    def _output(self, data: Any) -> npt.NDArray[np.float64]:
        torch: Any = sys.modules["torch"]
        with evaluating(self._module) if is_module(self._module) else nullcontext(), torch.no_grad():
            found = self._call(data)
        if not hasattr(found, "detach"):
            raise InputError(f"expected one tensor from the net, not {type(found).__name__}: say call=")
        output = np.asarray(found.detach().cpu().double().numpy())
        if self._moves and output.shape[:1] != (self.nodes,):
            raise InputError(f"expected one output for each of {self.nodes} nodes, not shape {output.shape}")
        return output

    def error(self, order: Order) -> float:
        """Return the largest difference that an order makes, 0 where rounding explains it."""
        after = self._output(renumbered(self._data, order))
        wanted = self._before[order] if self._moves else self._before
        if after.shape != wanted.shape or not (np.isfinite(after).all() and np.isfinite(wanted).all()):
            return float("inf")
        largest = float(np.abs(after - wanted).max(initial=0.0))
        return largest if largest > self._floor else 0.0

    def exchange(self, a: int, b: int) -> Order:
        """Return the order in which two nodes have changed places."""
        order = np.arange(self.nodes)
        order[[a, b]] = b, a
        return order
