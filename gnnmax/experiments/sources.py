"""The data of a comparison: recipes, stored data sets, or data sets in memory, for this process and for workers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct

from gnnmax.data.dataset import DataSet
from gnnmax.data.loading import Loaded, Source, holds_maps, load_source
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.errors import InputError
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = [
    "HeldRecord",
    "Loaded",
    "Source",
    "WorkerSource",
    "check_one_kind",
    "is_held",
    "load_once",
    "load_source",
    "record_of",
    "source_for_workers",
]

WorkerSource = Path | Recipe | MapRecipe | DataSet | MapSet
"""Where a worker process finds a data set: the folder that stores it, the recipe to draw it from, or a copy."""

HELD = "held"
"""The key of a data set in memory in the record of a call."""


class HeldRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The record of a data set in memory: its name, and the digest of its arrays."""

    held: str
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


def check_one_kind(sources: Sequence[Source]) -> bool:
    """Return whether data sets hold maps.

    Raises:
        InputError: some hold maps and others windows.
    """
    found = [holds_maps(source) for source in sources]
    if len(set(found)) > 1:
        raise InputError("some of the data sets hold maps and others windows: compare on one kind at a time")
    return found[0]


def record_of(source: Source, data: Loaded) -> str | dict[str, Any]:
    """Return a source in plain values, for the record of a call; a data set in memory has the digest of its arrays.

    Args:
        source: The data as given.
        data: The data set that was loaded from it.
    """
    if isinstance(source, str | Path):
        return str(source)
    if isinstance(source, Recipe | MapRecipe | dict):
        return data.recipe.to_dict()
    return {HELD: data.recipe.name, "sha256": _digest(data)} if data.folder is None else str(data.folder)


def is_held(record: Any) -> bool:
    """Tell whether the record of a source is that of a data set in memory, which cannot be drawn again.

    Example:
        >>> is_held("spike-9")
        False
    """
    return isinstance(record, dict) and HELD in record


def source_for_workers(source: Source, data: Loaded) -> WorkerSource:
    """Return where worker processes find a loaded data set."""
    if data.folder is not None:
        return data.folder.absolute()
    given = isinstance(source, DataSet | MapSet | Windows | Maps)
    return data if given or not isinstance(data.recipe, Recipe | MapRecipe) else data.recipe


_DRAWN: dict[str, Loaded] = {}
"""In a worker process: the generated data sets of the current comparison, by digest of the recipe."""


def load_once(sources: Sequence[WorkerSource]) -> list[Loaded]:
    """Map stored data sets, and draw each recipe once per process, however many seeds the process runs."""
    recipes = {source.digest: source for source in sources if isinstance(source, Recipe | MapRecipe)}
    for digest in _DRAWN.keys() - recipes.keys():
        del _DRAWN[digest]
    for digest, recipe in recipes.items():
        if digest not in _DRAWN:
            _DRAWN[digest] = load_source(recipe)
    return [
        _DRAWN[source.digest] if isinstance(source, Recipe | MapRecipe) else load_source(source) for source in sources
    ]


def _digest(data: Loaded) -> str:
    digest = hashlib.sha256(data.recipe.digest.encode())
    for split in data.splits:
        for name, array in data.split(split).arrays().items():
            digest.update(f"{split} {name} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
