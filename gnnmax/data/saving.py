"""Save windows that are in memory: a data set, windows by split, or windows alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnnmax.data.dataset import DataSet
from gnnmax.data.importing import dataset_of
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.imported import check_storable
from gnnmax.data.store import write_splits
from gnnmax.io.paths import as_path
from gnnmax.task.windows import Windows

__all__ = ["save_dataset"]


def save_dataset(data: DataSet | MapSet | Mapping[str, Windows], path: str | Path, *, force: bool = False) -> Path:
    """Write a data set into a folder that :func:`gnnmax.open_dataset` reads, atomically.

    Args:
        data: A data set of windows or maps, whose recipe is written with it; or windows by name of the split, as
            imported windows.
        path: The folder to write, which must be absent or empty.
        force: Whether to replace an existing data set.

    Returns:
        The folder.

    Raises:
        InputError: splits that make no data set, maps without a recipe, or a folder in use.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from gnnmax.data.store import open_dataset
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(9, 3, 3)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     open_dataset(save_dataset({"test": w}, Path(folder, "mine")))
        <DataSet imported: windows of side 3: test 9>
    """
    whole = data if isinstance(data, DataSet | MapSet) else dataset_of(data)
    recipe: Any = whole.recipe
    check_storable(recipe)
    return write_splits(recipe, whole.parts, as_path(path), force=force)
