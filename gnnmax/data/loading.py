"""Data sets of either kind, in any form in which a caller gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gnnmax.data.dataset import DataSet
from gnnmax.data.generation import build
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.importing import import_maps
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import any_recipe
from gnnmax.data.store import load_any, load_data, read_manifest
from gnnmax.io.atomic_folders import restored_folder
from gnnmax.io.ownership import DATA_SET
from gnnmax.io.paths import as_path
from gnnmax.io.table_files import ARRAY_FILES
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = ["Loaded", "Source", "holds_maps", "load_source"]

Source = str | Path | Recipe | MapRecipe | DataSet | MapSet | Windows | Maps | dict[str, Any]
"""What may stand for a data set: all that :func:`gnnmax.data.store.load_data` takes; recipes and sets of maps; maps."""

Loaded = DataSet | MapSet
"""A data set of windows or of maps."""


def load_source(source: Source, *, on_progress: Callable[[int, int], None] | None = None) -> Loaded:
    """Load or draw a data set, of windows or of maps.

    Raises:
        InputError: neither a folder nor a recipe, or one that is damaged.

    Example:
        >>> load_source("tiny").recipe.name
        'tiny'
    """
    if isinstance(source, MapSet):
        return source
    if isinstance(source, Maps):
        return import_maps(source)
    if isinstance(source, (str, Path)):
        return load_any(str(source), on_progress=on_progress)
    if isinstance(source, (MapRecipe, dict)) and isinstance(found := any_recipe(source), MapRecipe):
        return build(found, on_progress=on_progress)
    assert not isinstance(source, MapRecipe)
    return load_data(source, on_progress=on_progress)


def holds_maps(source: object) -> bool:
    """Tell whether a source of data holds maps, not windows; no map is drawn or read.

    Raises:
        InputError: neither a folder nor a recipe, or one that is damaged.

    Example:
        >>> holds_maps("needle-32"), holds_maps("tiny")
        (True, False)
    """
    if isinstance(source, (str, Path)):
        path = restored_folder(as_path(source), owner=DATA_SET)
        if path.is_dir():
            return isinstance(read_manifest(path)[1], MapRecipe)
        return path.suffix.lower() not in ARRAY_FILES and isinstance(any_recipe(source), MapRecipe)
    return isinstance(source, (MapSet, MapRecipe, Maps)) or (isinstance(source, dict) and "map" in source)
