"""Windows as a torch data set, for training loops with a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, default_collate, get_worker_info
from torch.utils.data._utils.collate import default_collate_fn_map

from gnnmax.data.recipe_files import RecipeLike, as_recipe
from gnnmax.data.store import open_dataset
from gnnmax.data.stream import stream_windows
from gnnmax.errors import InputError
from gnnmax.io.paths import as_path
from gnnmax.task.windows import Windows, windows_hint

__all__ = ["Batch", "StreamDataset", "WindowDataset"]

Batch = dict[str, Tensor]

FETCHED = 64
"""Windows that a stream generates at a time, where it yields them one by one."""


class _Fetched(Sequence["_Row"]):
    """Windows that were fetched together: a sequence of single windows, and the whole batch that they are views of."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return len(self.batch["label"])

    def __getitem__(self, index: Any) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        return _Row((name, tensor[index]) for name, tensor in self.batch.items())


class _Row(dict[str, Tensor]):
    """One window of a fetched batch: a dict with a type of its own, by which torch's collate recognises the batch."""


def _collate_rows(rows: Sequence[_Row], *, collate_fn_map: Any = None) -> Batch:  # noqa: ARG001
    """Return the batch that all windows were fetched in, or stack windows that come from several."""
    return rows.batch if isinstance(rows, _Fetched) else default_collate([dict(row) for row in rows])


default_collate_fn_map[_Row] = _collate_rows  # the way that torch documents for types of one's own


class WindowDataset(Dataset[Batch]):
    """Windows as dicts of tensors: ``values``, ``label`` and, if present, ``row_context`` and ``column_context``.

    A DataLoader fetches a batch by one gather per array, 17 to 58 times as fast as window by window; ``Subset`` and
    ``random_split`` keep this, ``ConcatDataset`` fetches window by window.

    Forked worker processes (Linux) share the windows, including memory maps. Spawned ones receive a copy; for a data
    set from :meth:`stored` they receive only the path and map the files again.

    Args:
        windows: The windows.

    Raises:
        InputError: something else than windows.

    Example:
        >>> from torch.utils.data import DataLoader
        >>> data = WindowDataset(Windows.from_values(np.random.default_rng(0).normal(size=(10, 3, 3))))
        >>> [(batch["values"].shape, batch["label"].shape) for batch in DataLoader(data, batch_size=4)][-1]
        (torch.Size([2, 3, 3]), torch.Size([2]))
    """

    def __init__(self, windows: Windows) -> None:
        if not isinstance(windows, Windows):
            raise InputError(f"WindowDataset takes Windows, not {type(windows).__name__}: {windows_hint(windows)}")
        self._windows = windows
        self._source: tuple[str, str] | None = None

    @classmethod
    def stored(cls, path: str | Path, split: str) -> WindowDataset:
        """Open a split of a folder that ``gnnmax generate`` wrote, and verify its digests once.

        Raises:
            InputError: no data set, a damaged one, or no such split.

        Example:
            >>> WindowDataset.stored("nowhere", "train")
            Traceback (most recent call last):
            ...
            gnnmax.errors.InputError: no data set at nowhere: expected a folder with a manifest.json; ...
        """
        data = cls(open_dataset(path).split(split))
        data._source = (str(as_path(path).absolute()), split)
        return data

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> Batch:
        """Return one window in float32: ``values`` and contexts ``(k, k)``, and the scalar ``label``, zero or one."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        return {name: tensor[0] for name, tensor in self.batch([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Batch]:
        """Return several windows as one sequence, fetched together; torch's collate returns them as one batch."""
        return _Fetched(self.batch(indices))

    def batch(self, indices: Sequence[int]) -> Batch:
        """Return a batch in float32: ``values`` and contexts ``(B, k, k)``, and ``label`` ``(B,)``, zeros and ones."""
        chosen, w = np.asarray(indices, dtype=np.intp), self._windows
        arrays = {"values": w.values, "row_context": w.row_context, "column_context": w.column_context}
        batch = {name: torch.from_numpy(array[chosen]) for name, array in arrays.items() if array is not None}
        return {**batch, "label": torch.from_numpy(w.label[chosen].astype(np.float32))}

    @staticmethod
    def collate(batch: Sequence[Batch]) -> Batch:
        """Return fetched windows as one batch, as the default ``collate_fn`` of a DataLoader does too."""
        collated: Batch = default_collate(batch)  # type: ignore[arg-type]  # any sequence
        return collated

    def __getstate__(self) -> dict[str, Any]:
        return {"_source": self._source} if self._source else vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._source:
            path, split = self._source
            self._windows = open_dataset(path, check=False).split(split)


class StreamDataset(IterableDataset[Batch]):
    """An infinite stream of fresh windows as a torch data set; workers and processes share it without repetition.

    Each worker of a DataLoader, and each process that ``torch.distributed`` started, takes its own shard of the stream,
    see :func:`gnnmax.data.stream.stream_windows`.

    Args:
        recipe: A recipe, in any form that :func:`gnnmax.build` takes.
        split: The split whose distribution is used.
        batch: Windows per item, for ``DataLoader(stream, batch_size=None)``; None yields window by window, for
            ``DataLoader(stream, batch_size=256)``.
        start: Number of windows of each shard to skip, at no cost.

    Raises:
        InputError: as :func:`gnnmax.data.stream.stream_windows`.

    Example:
        >>> from torch.utils.data import DataLoader
        >>> next(iter(DataLoader(StreamDataset("tiny"), batch_size=4)))["values"].shape
        torch.Size([4, 5, 5])
    """

    def __init__(self, recipe: RecipeLike, split: str = "train", *, batch: int | None = None, start: int = 0) -> None:
        self._recipe, self._split, self._batch, self._start = as_recipe(recipe), split, batch, start
        stream_windows(self._recipe, split, batch or FETCHED, start)  # refuses wrong arguments

    def __iter__(self) -> Iterator[Batch]:
        for windows in stream_windows(self._recipe, self._split, self._batch or FETCHED, self._start, shard=_shard()):
            batch = WindowDataset(windows).batch(range(len(windows)))
            if self._batch is None:
                yield from ({name: tensor[index] for name, tensor in batch.items()} for index in range(len(windows)))
            else:
                yield batch


def _shard() -> tuple[int, int]:
    """Return the shard of this worker of this process, among all workers of all processes."""
    ranks, rank = 1, 0
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    worker = get_worker_info()
    workers, number = (1, 0) if worker is None else (worker.num_workers, worker.id)
    return rank * workers + number, ranks * workers
