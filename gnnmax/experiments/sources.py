"""The data of a comparison: recipes, stored data sets, or data sets in memory, for this process and for workers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.data.dataset import DataSet
from gnnmax.data.recipe import Recipe
from gnnmax.data.store import load_data
from gnnmax.errors import InputError

__all__ = ["Source", "WorkerSource", "is_held", "load_once", "loaded", "record_of", "source_for_workers"]

Source = str | Path | Recipe | DataSet
"""A shipped recipe's name, the folder of a stored data set, a recipe, or a data set."""

WorkerSource = Path | Recipe | DataSet
"""Where a worker process finds a data set: the folder that stores it, the recipe to draw it from, or a copy."""

HELD = "held"
"""The key of a data set in memory in the record of a call."""


def loaded(source: Source) -> DataSet:
    """Return the data set of a source.

    Raises:
        InputError: no such source.

    Example:
        >>> loaded("real-karate").recipe.name
        'real-karate'
    """
    if isinstance(source, DataSet):
        return source
    if not isinstance(source, str | Path | Recipe):
        raise InputError(
            f"data must be a recipe's name, a folder, a Recipe or a DataSet, not {type(source).__name__}: "
            "see gnnmax.build and gnnmax.open_dataset"
        )
    return load_data(source)


def record_of(source: Source) -> str | dict[str, Any]:
    """Return a source in plain values, for the record of a call; a data set in memory has the digest of its arrays."""
    if isinstance(source, Recipe):
        return source.to_dict()
    if not isinstance(source, DataSet):
        return str(source)
    folder = _folder_of(source)
    return {HELD: source.recipe.name, "sha256": _digest(source)} if folder is None else str(folder)


def is_held(record: Any) -> bool:
    """Tell whether the record of a source is that of a data set in memory, which cannot be drawn again.

    Example:
        >>> is_held("spike-9")
        False
    """
    return isinstance(record, dict) and HELD in record


def source_for_workers(source: Source, data: DataSet) -> WorkerSource:
    """Return where worker processes find a loaded data set."""
    if isinstance(source, DataSet):
        return _folder_of(source) or source
    if isinstance(source, str | Path) and Path(source).is_dir():
        return Path(source).absolute()
    return data.recipe


_DRAWN: dict[str, DataSet] = {}
"""In a worker process: the generated data sets of the current comparison, by digest of the recipe."""


def load_once(sources: Sequence[WorkerSource]) -> list[DataSet]:
    """Map stored data sets, and draw each recipe once per process, however many seeds the process runs."""
    recipes = {source.digest: source for source in sources if isinstance(source, Recipe)}
    for digest in _DRAWN.keys() - recipes.keys():
        del _DRAWN[digest]
    for digest, recipe in recipes.items():
        if digest not in _DRAWN:
            _DRAWN[digest] = load_data(recipe)
    return [_DRAWN[source.digest] if isinstance(source, Recipe) else loaded(source) for source in sources]


def _folder_of(data: DataSet) -> Path | None:
    """Return the folder that stores a data set, if it was opened from one."""
    folder: Path | None = getattr(data.splits, "folder", None)
    return folder


def _digest(data: DataSet) -> str:
    digest = hashlib.sha256(data.recipe.digest.encode())
    for split in data.splits:
        for name, array in data.split(split).arrays().items():
            digest.update(f"{split} {name} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
