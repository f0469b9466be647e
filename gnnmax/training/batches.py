"""Training batches: stored windows or maps in a random order, or an infinite stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from msgspec import Meta

from gnnmax.models.tensors import Batch, taken
from gnnmax.training.checkpoint import Snapshot
from gnnmax.training.objectives import Examples, Stream, batch_of

__all__ = ["Batches", "StoredBatches", "StreamedBatches", "plain_state"]


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


class StoredBatches:
    """Batches of stored windows or maps in a random order: every one comes once before any comes again.

    Args:
        w: The windows or maps; all are moved to the device.
        size: Examples per batch.
        rng: Decides the order; not to be used elsewhere.
        device: Device of the batches.

    Example:
        >>> from gnnmax import Windows
        >>> w = Windows.from_values(np.arange(27.0).reshape(3, 3, 3))
        >>> batches = StoredBatches(w, 2, np.random.default_rng(0), torch.device("cpu"))
        >>> state = batches.state()
        >>> first = batches.take()[0][0]
        >>> batches.restore(state)
        >>> first.shape, bool((batches.take()[0][0] == first).all())
        (torch.Size([2, 3, 3]), True)
    """

    def __init__(self, w: Examples, size: int, rng: np.random.Generator, device: torch.device) -> None:
        self._data, self._targets = batch_of(w, device)
        self._size, self._rng, self._device = size, rng, device
        self._waiting: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def indices(self) -> npt.NDArray[np.int64]:
        """Return the indices of the examples of the next batch."""
        while len(self._waiting) < self._size:
            self._waiting = np.concatenate([self._waiting, self._rng.permutation(len(self._targets))])
        index, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        return index

    def take(self) -> Batch:
        """Return the next batch."""
        index = torch.from_numpy(self.indices()).to(self._device)
        return taken(self._data, index), self._targets[index]

    def state(self) -> Snapshot:
        """Return the state of the generator and the indices that are still waiting."""
        waiting = torch.from_numpy(self._waiting.copy())
        return Snapshot({"generator": plain_state(self._rng)}, {"waiting": waiting})

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from a state."""
        waiting = snapshot.tensors["waiting"].numpy()
        # They are the end of one random order of all examples.
        if waiting.ndim != 1 or waiting.dtype != np.int64 or len(np.unique(waiting)) < len(waiting):
            raise ValueError("the waiting examples are not different indices")
        if len(waiting) and not 0 <= waiting.min() <= waiting.max() < len(self._targets):
            raise ValueError("the waiting examples are not of this split")
        self._rng.bit_generator.state = snapshot.plain["generator"]
        self._waiting = waiting.copy()


class StreamedBatches:
    """Batches of an infinite stream from a random position: no window and no map comes twice.

    Args:
        stream: The stream.
        size: Examples per batch.
        rng: Draws the start position, once.
        device: Device of the batches.
        workers: Processes that draw ahead; 0 draws in this one. The batches do not depend on it.

    Raises:
        InputError: the recipe has no infinite stream.
    """

    def __init__(
        self, stream: Stream, size: int, rng: np.random.Generator, device: torch.device, *, workers: int = 0
    ) -> None:
        self._stream, self._size, self._device, self._workers = stream, size, device, workers
        self._position = int(rng.integers(STARTS))
        self._examples = self._start()

    def _start(self) -> Iterator[Examples]:
        return self._stream.examples(self._size, self._position, workers=self._workers)

    def take(self) -> Batch:
        """Return the next batch."""
        examples = next(self._examples)
        self._position += len(examples)
        return batch_of(examples, self._device)

    def state(self) -> Snapshot:
        """Return the position of the next example."""
        return Snapshot({"place": self._position}, {})

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from a position."""
        self._position = msgspec.convert(snapshot.plain["place"], Position)
        self._examples = self._start()


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
