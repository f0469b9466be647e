"""The order of a graph's nodes: how the outputs of a graph net change when the nodes are renumbered."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.rounding import rounding_floor, spread_of
from gnnmax.errors import InputError
from gnnmax.evaluation.adapters import evaluating, is_module

__all__ = ["Call", "NodeTrial", "renumbered"]

Call = Callable[[Any], Any]
"""Takes data, returns outputs."""

Order = npt.NDArray[np.intp]


def renumbered(data: Any, order: Order) -> Any:
    """Return data whose nodes are in another order.

    Args:
        data: With ``x`` and ``edge_index``. Node attributes are permuted: those that ``is_node_attr`` names, if data
            has it as in torch_geometric, else ``x``, ``pos`` and ``batch``. Edges stay in their order.
        order: Old number of each new node.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> graph = SimpleNamespace(x=torch.tensor([5.0, 6.0, 7.0]), edge_index=torch.tensor([[0], [2]]))
        >>> other = renumbered(graph, np.array([2, 0, 1]))
        >>> other.x.tolist(), other.edge_index.tolist()
        ([7.0, 5.0, 6.0], [[1], [0]])
    """
    torch: Any = sys.modules["torch"]  # loaded already, as data is a graph of tensors
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
    """A graph net on one graph, called with its nodes in different orders.

    Args:
        module: Called as ``module(x, edge_index)``, unless ``call`` is given; a torch module is put in evaluation mode.
        data: With tensors ``x``, shape ``(nodes, ...)``, and ``edge_index``, shape ``(2, edges)``.
        moves: Whether the outputs, one for each node, must move with the nodes; else they must stay.
        call: Takes data, returns one tensor.
        tolerance: Share of the spread of the outputs that counts as rounding: over the nodes, and over data whose
            node features lie on other nodes.

    Raises:
        InputError: no such data; an output that is no tensor; an output that must move and is not one for each node.
    """

    def __init__(self, module: Any, data: Any, *, moves: bool, call: Call | None, tolerance: float) -> None:
        shapes = [tuple(getattr(getattr(data, name, None), "shape", ())) for name in ("x", "edge_index")]
        if not shapes[0] or len(shapes[1]) != 2 or shapes[1][0] != 2 or not hasattr(data.edge_index, "detach"):
            raise InputError("expected data with tensors x, shape (nodes, ...), and edge_index, shape (2, edges)")
        self.nodes = shapes[0][0]
        self._module, self._data, self._moves = module, data, moves
        self._call = call or (lambda given: module(given.x, given.edge_index))
        self._before = self._output(data)
        self._floor = self._rounding(tolerance)

    def _rounding(self, tolerance: float) -> float:
        """Return the difference that rounding explains: from the spread, or from the size where there is no spread."""
        torch: Any = sys.modules["torch"]
        moved = copy.copy(self._data)
        moved.x = torch.roll(self._data.x, 1, 0)
        outputs = [output.reshape(1, -1) for output in (self._before, self._output(moved))]
        if not all(np.isfinite(output).all() for output in outputs):
            return 0.0
        spread = max(spread_of(*outputs), spread_of(self._before) if self._moves else 0.0)
        floor = rounding_floor(*outputs, tolerance=0.0)
        return max(floor, tolerance * (spread if spread > floor else float(np.abs(outputs[0]).max(initial=0.0))))

    def _output(self, data: Any) -> npt.NDArray[np.float64]:
        torch: Any = sys.modules["torch"]
        with evaluating(self._module) if is_module(self._module) else nullcontext(), torch.no_grad():
            found = self._call(data)
        if not hasattr(found, "detach"):
            raise InputError(f"expected one tensor from the net, not {type(found).__name__}: pass call=")
        output = np.asarray(found.detach().cpu().double().numpy())
        if self._moves and output.shape[:1] != (self.nodes,):
            raise InputError(f"expected one output for each of {self.nodes} nodes, not shape {output.shape}")
        return output

    def error(self, order: Order) -> float:
        """Return the largest difference that an order causes, 0 if rounding explains it."""
        after = self._output(renumbered(self._data, order))
        wanted = self._before[order] if self._moves else self._before
        if after.shape != wanted.shape or not (np.isfinite(after).all() and np.isfinite(wanted).all()):
            return float("inf")
        largest = float(np.abs(after - wanted).max(initial=0.0))
        return largest if largest > self._floor else 0.0

    def exchange(self, a: int, b: int) -> Order:
        """Return the order that exchanges two nodes."""
        order = np.arange(self.nodes)
        order[[a, b]] = b, a
        return order
