"""Training batches: stored windows in a random order, or an infinite stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from msgspec import Meta

from gnnmax.data.recipe import Recipe
from gnnmax.data.stream import stream_windows
from gnnmax.models.tensors import Batch, inputs_of, labels_of, taken
from gnnmax.task.windows import Windows
from gnnmax.training.checkpoint import Snapshot

__all__ = ["Batches", "StoredBatches", "Stream", "StreamedBatches", "plain_state"]


STARTS = 2**47
"""Positions of a stream at which a run may start; the stream ends at ``2**48``."""

Position = Annotated[int, Meta(ge=0, lt=2**48)]


class Batches(Protocol):
    """A sequence of batches with a position that can be saved and restored."""

    def take(self) -> Batch:
        """Return the next batch."""

    def state(self) -> Snapshot:
        """Return the position, for :meth:`restore`."""

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from a position, as if all batches before it had been taken."""


@dataclass(frozen=True)
class Stream:
    """An infinite stream of fresh windows from the distribution of a split; no window comes twice.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> Stream(load_recipe("spike-9")).split
        'train'
    """

    recipe: Recipe
    split: str = "train"


class StoredBatches:
    """Batches of stored windows in a random order: every window comes once before any comes again.

    Args:
        w: The windows; all are moved to the device.
        size: Windows per batch.
        rng: Decides the order; not to be used elsewhere.
        device: Device of the batches.

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
        """Return the indices of the windows of the next batch."""
        while len(self._waiting) < self._size:
            self._waiting = np.concatenate([self._waiting, self._rng.permutation(len(self._labels))])
        index, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        return index

    def take(self) -> Batch:
        """Return the next batch."""
        index = torch.from_numpy(self.indices()).to(self._device)
        return taken(self._data, index), self._labels[index]

    def state(self) -> Snapshot:
        """Return the state of the generator and the indices that are still waiting."""
        waiting = torch.from_numpy(self._waiting.copy())
        return Snapshot({"generator": plain_state(self._rng)}, {"waiting": waiting})

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from a state."""
        waiting = snapshot.tensors["waiting"].numpy()
        # They are the end of one random order of all windows.
        if waiting.ndim != 1 or waiting.dtype != np.int64 or len(np.unique(waiting)) < len(waiting):
            raise ValueError("the waiting windows are not different indices")
        if len(waiting) and not 0 <= waiting.min() <= waiting.max() < len(self._labels):
            raise ValueError("the waiting windows are not of this split")
        self._rng.bit_generator.state = snapshot.plain["generator"]
        self._waiting = waiting.copy()


class StreamedBatches:
    """Batches of an infinite stream from a random position: no window comes twice.

    Args:
        stream: The stream.
        size: Windows per batch.
        rng: Draws the start position, once.
        device: Device of the batches.

    Raises:
        InputError: the recipe has no infinite stream.
    """

    def __init__(self, stream: Stream, size: int, rng: np.random.Generator, device: torch.device) -> None:
        self._stream, self._size, self._device = stream, size, device
        self._position = int(rng.integers(STARTS))
        self._windows = self._start()

    def _start(self) -> Iterator[Windows]:
        return stream_windows(self._stream.recipe, self._stream.split, batch=self._size, start=self._position)

    def take(self) -> Batch:
        """Return the next batch."""
        w = next(self._windows)
        self._position += len(w)
        return inputs_of(w, slice(None), self._device), labels_of(w, self._device)

    def state(self) -> Snapshot:
        """Return the position of the next window."""
        return Snapshot({"place": self._position}, {})

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from a position."""
        self._position = msgspec.convert(snapshot.plain["place"], Position)
        self._windows = self._start()


def plain_state(rng: np.random.Generator) -> Any:
    """Return the state of a generator as plain values, which JSON stores and the generator accepts.

    Example:
        >>> plain_state(np.random.default_rng(0))["bit_generator"]
        'PCG64'
    """
    return _plain(rng.bit_generator.state)


def _plain(state: Any) -> Any:
    """Turn the arrays in the state of a bit generator into lists, which JSON stores and the generator accepts."""
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
