"""Where the batches of training come from: stored windows in a random order, or the endless stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnnmax.errors import InputError
from gnnmax.generate.recipe import Recipe
from gnnmax.resumption import Snapshot
from gnnmax.window import Windows

__all__ = [
    "Batch",
    "Batches",
    "Inputs",
    "StoredBatches",
    "Stream",
    "StreamedBatches",
    "check_finite",
    "inputs_of",
    "labels_of",
    "taken",
]

Inputs = tuple[Tensor, Tensor | None, Tensor | None]
"""Values, row contexts and column contexts, ``(B, k, k)`` each: the arguments of every net."""

Batch = tuple[Inputs, Tensor]
"""Inputs and labels, ``(B,)``, float32, zeros and ones."""

STARTS = 2**47
"""Places of a stream that a run may start at, far apart as a rule: it ends at ``2**48``."""


class Batches(Protocol):
    """Batches one after the other, and where in their order we are."""

    def take(self) -> Batch:
        """Return the next batch."""

    def state(self) -> Snapshot:
        """Return the place in the order, for :meth:`restore`."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a place, as if all batches before it had been taken."""


@dataclass(frozen=True)
class Stream:
    """Windows of a split's distribution, drawn as training asks for them, none of them twice.

    Example:
        >>> from gnnmax.generate.recipe import load_recipe
        >>> Stream(load_recipe("spike-9")).split
        'train'
    """

    recipe: Recipe
    split: str = "train"


class StoredBatches:
    """Batches of stored windows: every window once, in a random order, before any comes again.

    Args:
        w: The windows; they are moved to the device as a whole.
        size: Windows a batch.
        rng: Decides the order; used from here alone.
        device: Where the batches are wanted.

    Example:
        >>> w = Windows.from_values(np.arange(27.0).reshape(3, 3, 3))
        >>> batches = StoredBatches(w, 2, np.random.default_rng(0), torch.device("cpu"))
        >>> state = batches.state()
        >>> first = batches.take()[0][0]
        >>> batches.restore(state)
        >>> first.shape, bool((batches.take()[0][0] == first).all())
        (torch.Size([2, 3, 3]), True)
    """

    def __init__(self, w: Windows, size: int, rng: np.random.Generator, device: torch.device) -> None:
        self._data, self._labels = inputs_of(w, slice(None), device), labels_of(w, device)
        self._size, self._rng, self._device = size, rng, device
        self._waiting: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def indices(self) -> npt.NDArray[np.int64]:
        """Return which windows make the next batch."""
        while len(self._waiting) < self._size:
            self._waiting = np.concatenate([self._waiting, self._rng.permutation(len(self._labels))])
        index, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        return index

    def take(self) -> Batch:
        """Return the next batch."""
        index = torch.from_numpy(self.indices()).to(self._device)
        return taken(self._data, index), self._labels[index]

    def state(self) -> Snapshot:
        """Return the state of the generator and the windows that still wait for their turn."""
        waiting = torch.from_numpy(self._waiting.copy())
        return Snapshot({"generator": _plain(self._rng.bit_generator.state)}, {"waiting": waiting})

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a state."""
        self._rng.bit_generator.state = snapshot.plain["generator"]
        self._waiting = snapshot.tensors["waiting"].numpy().astype(np.int64, copy=True)
        if self._waiting.ndim != 1 or ((self._waiting < 0) | (self._waiting >= len(self._labels))).any():
            raise ValueError("windows that wait are not of this split")


class StreamedBatches:
    """Batches of the endless stream, from a place that ``rng`` chooses: no window comes twice.

    Args:
        stream: What to draw.
        size: Windows a batch.
        rng: Draws the place where the run starts, once.
        device: Where the batches are wanted.

    Raises:
        InputError: there is no endless stream of the recipe.
    """

    def __init__(self, stream: Stream, size: int, rng: np.random.Generator, device: torch.device) -> None:
        self._stream, self._size, self._device = stream, size, device
        self._place = int(rng.integers(STARTS))
        self._windows = self._begun()

    def _begun(self) -> Iterator[Windows]:
        return self._stream.recipe.stream(self._stream.split, batch=self._size, start=self._place)

    def take(self) -> Batch:
        """Return the next batch."""
        w = next(self._windows)
        self._place += len(w)
        return inputs_of(w, slice(None), self._device), labels_of(w, self._device)

    def state(self) -> Snapshot:
        """Return the number of the next window."""
        return Snapshot({"place": self._place}, {})

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a window."""
        self._place = snapshot.plain["place"]
        self._windows = self._begun()


def inputs_of(w: Windows, index: Any, device: torch.device) -> Inputs:
    """Return the chosen windows as the arguments of a net, on a device.

    Example:
        >>> w = Windows.from_values(np.zeros((4, 3, 3)))
        >>> [part if part is None else part.shape for part in inputs_of(w, slice(2), torch.device("cpu"))]
        [torch.Size([2, 3, 3]), None, None]
    """
    values, rows, columns = (
        None if array is None else torch.tensor(array[index], device=device)
        for array in (w.values, w.row_context, w.column_context)
    )
    assert values is not None
    return values, rows, columns


def labels_of(w: Windows, device: torch.device) -> Tensor:
    """Return the labels as zeros and ones, shape ``(N,)``, float32.

    Example:
        >>> labels_of(Windows.from_values(np.eye(3)[None]), torch.device("cpu"))
        tensor([0.])
    """
    return torch.tensor(w.label, dtype=torch.float32, device=device)


def taken(inputs: Inputs, index: Any) -> Inputs:
    """Return some of the windows of a batch, by slice or index tensor.

    Example:
        >>> taken((torch.zeros(4, 3, 3), None, None), slice(1))[0].shape
        torch.Size([1, 3, 3])
    """
    values, rows, columns = inputs
    return values[index], None if rows is None else rows[index], None if columns is None else columns[index]


def check_finite(w: Windows, what: str) -> None:
    """Refuse windows that a net cannot take.

    Raises:
        InputError: there are none, or a value or context is NaN or infinite.

    Example:
        >>> check_finite(Windows.from_values(np.full((1, 3, 3), np.nan)), "training windows")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the values of 1 of 1 training windows are NaN or infinite: nets take finite ...
    """
    if not len(w):
        raise InputError(f"there are no {what}: give at least one")
    for name in ("values", "row_context", "column_context"):
        array = getattr(w, name)
        if array is None or np.isfinite(array).all():
            continue
        broken = int((~np.isfinite(array)).any(axis=(1, 2)).sum())
        raise InputError(
            f"the {name} of {broken} of {len(w)} {what} are NaN or infinite: nets take finite numbers only; "
            "leave these windows out"
        )


def _plain(state: Any) -> Any:
    """Turn the arrays in the state of a bit generator into lists, which JSON can hold and the generator takes back."""
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
