"""Find the first layer of a network that breaks a symmetry: its padding, its pooling or the flattening."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.group_actions import Rearrangement
from gnnmax.auditing.rounding import rounding_floor, spread_of
from gnnmax.auditing.transformations import TRANSFORMATIONS
from gnnmax.errors import InputError
from gnnmax.evaluation.adapters import from_module
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows

__all__ = ["Break", "Layer", "LayerAudit", "audit_layers"]

Map = npt.NDArray[np.float64]

REARRANGING = ("relabelling", "transposition", "flip", "translation", "roll")


@dataclass(frozen=True)
class Layer:
    """One call of one innermost module.

    Attributes:
        name: Its path in the network.
        kind: Its class.
        shape: Shape of its output, without the axis of windows.
        errors: For each transformation the largest ``|C(T(x)) - T(C(x))|``, as a share of the largest range of a
            channel, 0 where rounding explains it; for an output of the whole window ``|C(T(x)) - C(x)|``. None if T
            does not act on a map of this side, or the output is neither.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    errors: dict[str, float | None]


@dataclass(frozen=True)
class Break:
    """The first layer whose output does not follow a transformation, and why."""

    layer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.reason}"


@dataclass(frozen=True)
class LayerAudit:
    """The symmetry of each layer.

    Attributes:
        layers: The layers in the order of their calls.
        breaks: For each transformation the first layer that breaks it, or None.
    """

    layers: tuple[Layer, ...]
    breaks: dict[str, Break | None]

    def __str__(self) -> str:
        width = max((len(name) for name in self.breaks), default=0)
        return "\n".join(
            f"{name:{width}}  {found or 'holds in every layer that could be followed'}"
            for name, found in self.breaks.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        layers = [{name: getattr(layer, name) for name in layer.__dataclass_fields__} for layer in self.layers]
        return {"layers": layers, "breaks": {name: found and str(found) for name, found in self.breaks.items()}}


@dataclass(frozen=True, eq=False)
class _Call:
    """The input of an innermost module, if it has a position for every entry, and its output."""

    name: str
    module: Any
    given: Map | None
    output: Map


def audit_layers(
    module: Any,
    windows: Windows,
    *,
    rng: np.random.Generator,
    transformations: Sequence[str] = REARRANGING,
    contexts: bool = False,
    channels: bool = False,
    most: int = 50,
    tolerance: float = 1e-5,
) -> LayerAudit:
    """Follow transformed windows through a torch module and find the first layer that breaks each symmetry.

    An output with a position for every entry, ``(B, C, k, k)`` or ``(B, k, k, C)``, must be equivariant; an output of
    the whole window, ``(B, C)``, pooled or flattened, must be invariant. A map of another side can follow a flip and a
    transposition; it cannot follow a relabelling or a step, which counts as a break. Outputs of any other shape, such
    as those of nodes, are skipped.

    The effect of torch functions between modules shows at the next module. Contexts are left out: a map of contexts has
    positions for pairs of rows, or of columns, and looks like a map of entries.

    Args:
        module: As for :func:`~gnnmax.evaluation.adapters.from_module`.
        windows: Windows to transform.
        rng: Draws the elements.
        transformations: Names from :data:`~gnnmax.auditing.transformations.TRANSFORMATIONS` that rearrange.
        contexts: Whether the module takes contexts, as for
            :func:`~gnnmax.evaluation.adapters.from_module`; it is given None.
        channels: Whether it takes images, likewise.
        most: Largest number of windows.
        tolerance: Share of the largest range of a channel that counts as rounding.

    Raises:
        InputError: no module, no windows, a transformation of values, or a module that needs contexts.

    References:
        Kayhan and van Gemert, "On Translation Invariance in CNNs: Convolutional Layers can Exploit Absolute Spatial
        Location", CVPR 2020, and Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019: padding and
        pooling as the causes; here they are found by measuring, for any network.

    Example:
        >>> from torch import nn
        >>> head = (nn.Flatten(), nn.Linear(100, 1), nn.Flatten(0))
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), *head)
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(20, 5, 5)))
        >>> found = audit_layers(net, w, rng=np.random.default_rng(0), channels=True, transformations=["roll"])
        >>> print(found)
        roll  0 (Conv2d): its zero padding
    """
    wrong = [name for name in transformations if name not in TRANSFORMATIONS or TRANSFORMATIONS[name].of_values]
    if wrong:
        raise InputError(f"layers are followed through transformations that rearrange, not {wrong[0]!r}")
    if not isinstance(windows, Windows) or not len(windows):
        raise InputError("layers are audited on Windows, at least one")
    scorer = from_module(module, contexts=contexts, channels=channels, batch=most)
    windows = dataclasses.replace(windows[:most], row_context=None, column_context=None)
    errors: dict[str, list[float | None]] = {}
    breaks: dict[str, Break | None] = {}
    calls: list[_Call] = []
    for name in transformations:
        prepared = TRANSFORMATIONS[name].prepare(windows)
        action: Any = TRANSFORMATIONS[name].draw(prepared, rng)
        calls = _traced(module, scorer, prepared)
        moved = _traced(module, scorer, action(prepared))
        errors[name] = [_error(a.output, b.output, action) for a, b in zip(calls, moved, strict=True)]
        breaks[name] = _first_break(name, calls, moved, errors=errors[name], action=action, tolerance=tolerance)
    layers = [
        Layer(call.name, type(call.module).__name__, call.output.shape[1:], {name: errors[name][i] for name in errors})
        for i, call in enumerate(calls)
    ]
    return LayerAudit(tuple(layers), breaks)


def _traced(module: Any, scorer: Scorer, windows: Windows) -> list[_Call]:
    """Score windows and record the input and output of every innermost module, channels last."""
    calls: list[_Call] = []
    with _hooked(module, calls, windows.k):
        scorer(windows)
    return calls


@contextmanager
def _hooked(module: Any, calls: list[_Call], k: int) -> Iterator[None]:
    handles = [
        part.register_forward_hook(_hook(f"{name or 'net'} ({type(part).__name__})", calls, k))
        for name, part in module.named_modules()
        if not any(True for _ in part.children())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(name: str, calls: list[_Call], k: int) -> Any:
    def hook(part: Any, given: tuple[Any, ...], output: Any) -> None:
        if hasattr(output, "detach"):
            first = next((_map(each, part, k) for each in given if hasattr(each, "detach")), None)
            entries = None if first is None or first.shape[1:3] != (k, k) else first
            calls.append(_Call(name, part, entries, _map(output, part, k)))

    return hook


def _map(tensor: Any, part: Any, k: int) -> Map:
    """Return a tensor as an array: shape (B, side, side, C) if it has positions, else unchanged."""
    array = np.asarray(tensor.detach().cpu().double().numpy())
    if array.ndim == 3 and array.shape[1:] == (k, k):
        return array[..., None]
    # Channels come last where a linear layer mixes them, first in images.
    last = array.ndim == 4 and array.shape[1:3] == (k, k) and (hasattr(part, "in_features") or array.shape[3] != k)
    if array.ndim == 4 and not last and array.shape[2] == array.shape[3]:
        return array.transpose(0, 2, 3, 1)
    return array


def _has_places(array: Map) -> bool:
    return array.ndim == 4 and array.shape[1] == array.shape[2] > 1


def _acted(array: Map, action: Rearrangement) -> Map | None:
    """Apply the action on windows to a map, shape (B, side, side, C); None if it does not act on this side."""
    if not _has_places(array):
        return array
    n, side = array.shape[:2]
    orders = [_of_side(order, side) for order in (action.rows, action.columns)]
    rows, columns = orders
    if rows is None or columns is None:
        return None
    moved = array[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]  # (B, side, side, C)
    return moved.transpose(0, 2, 1, 3) if action.turned else moved


def _of_side(order: npt.NDArray[np.intp], side: int) -> npt.NDArray[np.intp] | None:
    """Transfer an order to another number of rows, if it is the identity or a reversal; else return None."""
    if order.shape[1] == side:
        return order
    still = np.arange(order.shape[1])
    stays, turns = (order == still).all(axis=1), (order == still[::-1]).all(axis=1)
    if not (stays | turns).all():
        return None
    return np.where(stays[:, None], np.arange(side), np.arange(side)[::-1]).astype(np.intp)


def _error(before: Map, after: Map, action: Rearrangement) -> float | None:
    whole = before.size == len(action) * before.shape[-1] if before.ndim > 1 else before.size == len(action)
    wanted = _acted(before, action) if _has_places(before) or whole else None
    if wanted is None or wanted.shape != after.shape:
        return None
    largest = float(np.abs(after - wanted).max(initial=0.0))
    return 0.0 if largest <= rounding_floor(wanted, after, tolerance=0.0) else largest / spread_of(wanted, after)


def _first_break(
    name: str,
    calls: list[_Call],
    moved: list[_Call],
    *,
    errors: list[float | None],
    action: Rearrangement,
    tolerance: float,
) -> Break | None:
    for call, after, error in zip(calls, moved, errors, strict=True):
        if call.given is not None and after.given is not None:
            incoming = _error(call.given, after.given, action)
            if incoming is None or incoming > tolerance:
                return Break(call.name, "its input breaks the symmetry already: a mark, or padding before it")
        if error is None and not _has_places(call.output):
            continue  # outputs of nodes, for example, are not followed
        if error is None or error > tolerance:
            return Break(call.name, _reason(name, call))
    return None


def _reason(name: str, call: _Call) -> str:
    """Name the property of a layer that breaks a symmetry."""
    module = call.module
    kernel, stride, padding = (_largest(getattr(module, key, 0)) for key in ("kernel_size", "stride", "padding"))
    if not _has_places(call.output):
        return "flattening: positions have become channels"
    if kernel > 1 and not hasattr(module, "weight"):
        return "its pooling"
    if stride > 1:
        return "its stride"
    if kernel > 1 and name not in ("translation", "roll"):
        return "its kernel reads neighbours in their order"
    if call.given is not None and call.given.shape[1] != call.output.shape[1]:
        return f"its border: the map has side {call.output.shape[1]}"
    if padding or isinstance(getattr(module, "padding", 0), str):
        kind = str(getattr(module, "padding_mode", "zeros"))
        return f"its {'zero' if kind == 'zeros' else kind} padding"
    return "padding of its own" if kernel > 1 else "its weights differ between positions"


def _largest(value: Any) -> int:
    """Return the largest of one or several numbers, 0 for a string."""
    numbers = value if isinstance(value, tuple) else (value,)
    return max(itertools.chain((int(n) for n in numbers if isinstance(n, int)), (0,)))
