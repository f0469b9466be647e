"""Calling a graph net on data: its arguments by name, its outputs as arrays, and nothing of it changed afterwards."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.adapters import is_module

__all__ = ["Call", "Output", "by_name", "outputs_of", "preserved", "random_state_kept"]

Call = Callable[[Any], Any]
"""Takes data, returns outputs."""


@dataclass(frozen=True, eq=False)
class Output:
    """One tensor that a net returned.

    Attributes:
        array: Its values in float64.
        unit: The distance from 1 to the next number of its type, 0 for integers.
    """

    array: npt.NDArray[np.float64]
    unit: float


def by_name(module: Any) -> Call:
    """Return the call that fills the parameters of a net with attributes of data of the same names.

    ``forward(self, x, edge_index, edge_weight=None, batch=None)`` is called with ``data.x``, ``data.edge_index``, and
    the others where data has them. A parameter ``data`` is the data itself. For ``HeteroData`` a parameter ``x`` or
    ``x_dict`` is the dictionary by type.

    Raises:
        InputError: no net; when called, data without a parameter that has no default.

    Example:
        >>> from types import SimpleNamespace
        >>> by_name(lambda data: data.x)(SimpleNamespace(x=3))
        3
    """
    if isinstance(module, type) or not callable(module):
        raise InputError(f"expected a module or a function, not {type(module).__name__} {module!r}: or pass call=")
    parameters = _parameters(module)
    variable = next((each for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL), None)
    if variable is not None:
        raise InputError(f"the net takes *{variable.name}: pass call=lambda data: module(data.x, data.edge_index)")

    def call(data: Any) -> Any:
        given, named = [], {}
        for each in parameters:
            found, value = _argument(data, each.name)
            if each.kind is inspect.Parameter.VAR_KEYWORD:
                continue
            if not found and each.default is inspect.Parameter.empty:
                raise InputError(f"the net takes {each.name!r} and data does not have it: pass call=lambda data: ...")
            if found and each.kind is inspect.Parameter.POSITIONAL_ONLY:
                given.append(value)
            elif found:
                named[each.name] = value
        return module(*given, **named)

    return call


def _parameters(module: Any) -> list[inspect.Parameter]:
    """Return the parameters of a net; a ``Sequential`` of torch_geometric states them beside its ``forward``."""
    stated = getattr(getattr(module, "signature", None), "param_dict", None)
    if stated is not None:
        return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in stated]
    return list(inspect.signature(module.forward if is_module(module) else module).parameters.values())


def _argument(data: Any, name: str) -> tuple[bool, Any]:
    """Return whether data has an argument of a name, and the argument."""
    if name == "data":
        return True, data
    if hasattr(data, "node_types"):
        attribute = name.removesuffix("_dict")
        found = {store._key: store[attribute] for store in data.stores if store._key and attribute in store}
        return (True, found) if found else (name in data._global_store, data._global_store.get(name))
    return (True, data[name]) if name in data else (False, None)


@contextmanager
def preserved(module: Any) -> Iterator[None]:
    """Leave a module as it was: its modes, buffers, gradients and plain attributes, such as caches."""
    if not is_module(module):
        yield
        return
    from torch.nn.parameter import is_lazy

    parts = [(part, dict(part.__dict__), dict(part._buffers)) for part in module.modules()]
    parameters = [each for part, _, _ in parts for each in part._parameters.values() if each is not None]
    if any(is_lazy(each) for each in parameters):
        raise InputError("the net has parameters without a shape: call it once on data first")
    values = [(b.detach(), b.detach().clone()) for _, _, buffers in parts for b in buffers.values() if b is not None]
    grads = [(each, each.grad, None if each.grad is None else each.grad.clone()) for each in parameters]
    try:
        yield
    finally:
        for part, attributes, buffers in parts:
            part.__dict__.clear()
            part.__dict__.update(attributes)
            part._buffers.clear()
            part._buffers.update(buffers)
        for buffer, value in values:
            buffer.copy_(value)
        for parameter, grad, value in grads:
            parameter.grad = grad
            if grad is not None:
                grad.detach().copy_(value)


def random_state_kept() -> AbstractContextManager[None]:
    """Leave the random state of torch as it was."""
    import torch

    return torch.random.fork_rng(devices=range(torch.cuda.device_count()))


@contextmanager
def _in_float64(module: Any) -> Iterator[None]:
    """Give a module parameters and buffers in float64, and afterwards its own again."""
    parameters = list(module.parameters()) if is_module(module) else []
    own = [(each, each.data) for each in (*parameters, *(module.buffers() if parameters else ()))]
    try:
        for parameter in parameters:
            parameter.grad = None
        for tensor, values in own:
            tensor.data = _doubled(values)
        yield
    finally:
        for tensor, values in own:
            tensor.data = values


def _doubled(tensor: Any) -> Any:
    return tensor.double() if tensor.is_floating_point() else tensor


def outputs_of(module: Any, call: Call, data: Any, *, float64: bool = False) -> dict[Any, Output]:
    """Call a net on a copy of data, and return its tensors by their place in what it returns.

    Args:
        module: The net, or None.
        call: Takes data, returns outputs.
        data: The graph.
        float64: Whether the net and the data are given in float64.

    Raises:
        InputError: something that is no tensor.
    """
    data = data.clone()
    with preserved(module), _in_float64(module) if float64 else nullcontext():
        found = call(data.apply(_doubled) if float64 else data)
    outputs = {tuple(path): _output(value) for path, value in _tensors(found)}
    if not outputs:
        raise InputError("the net returned no tensor: pass call=lambda data: ... and return the output to compare")
    return outputs


def _tensors(found: Any) -> Iterator[tuple[list[Any], Any]]:
    """Yield tensors in nested tuples, lists and dictionaries with their paths; None is left out."""
    if isinstance(found, Mapping) or (isinstance(found, (list, tuple)) and not hasattr(found, "detach")):
        for name, part in found.items() if isinstance(found, Mapping) else enumerate(found):
            yield from (([name, *path], value) for path, value in _tensors(part))
    elif found is not None:
        yield [], found


def _output(found: Any) -> Output:
    if isinstance(found, (int, float, np.ndarray, np.generic)):
        return Output(np.asarray(found, dtype=np.float64), float(np.finfo(np.float64).eps))
    if not hasattr(found, "detach"):
        raise InputError(f"expected tensors from the net, not {type(found).__name__}: pass call=lambda data: ...")
    import torch

    plain = found.detach()
    plain = plain.to_dense() if plain.layout != torch.strided else plain
    plain = torch.view_as_real(plain) if plain.is_complex() else plain
    unit = torch.finfo(plain.dtype).eps if plain.is_floating_point() else 0.0
    return Output(np.asarray(plain.cpu().double().numpy()), unit)
