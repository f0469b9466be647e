"""Data sets on disk: arrays in safetensors shards, and a manifest with the digest of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gnnmax.data.dataset import DataSet, with_names
from gnnmax.data.generation import build, check_call, generate_windows
from gnnmax.data.importing import import_windows
from gnnmax.data.manifest import (
    AGAIN,
    FORMAT,
    MANIFEST,
    Manifest,
    OtherGenerationError,
    read_manifest,
    versions,
)
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.generation import draw_maps
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import any_recipe, as_recipe
from gnnmax.data.set_writer import SetWriter
from gnnmax.data.shards import read_shard
from gnnmax.data.stored_kinds import Described, checker_of
from gnnmax.errors import InputError
from gnnmax.io.atomic_folders import atomic_folder, restored_folder
from gnnmax.io.ownership import DATA_SET
from gnnmax.io.paths import as_path
from gnnmax.io.table_files import ARRAY_FILES
from gnnmax.io.workers import ExecutorLike
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = [
    "FORMAT",
    "MANIFEST",
    "Manifest",
    "OtherGenerationError",
    "StoredSplits",
    "load_any",
    "load_data",
    "open_dataset",
    "read_manifest",
    "versions",
    "write_dataset",
    "write_splits",
]

SHARD_BYTES = 128_000_000


def write_dataset(
    recipe: Recipe | MapRecipe,
    path: str | Path,
    *,
    workers: int = 1,
    executor: ExecutorLike | None = None,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the data set of a recipe into a folder, atomically.

    Windows or maps are written shard by shard as they are drawn, so memory stays bounded by one shard. The bytes of the
    shards are the same for any number of workers.

    A call that is stopped, by a signal too, keeps the shards that are full, and every ten seconds the beginning of the
    next one, in a hidden folder beside ``path``. The same call continues from there, to the same bytes; what another
    recipe or another version left is removed.

    Args:
        recipe: The recipe.
        path: The folder to write, which must be absent or empty.
        workers: Number of worker processes.
        executor: As for :func:`gnnmax.data.generation.build`.
        force: Whether to replace an existing data set.
        on_progress: Called with the number of graphs done and in total.

    Returns:
        The folder.

    Raises:
        InputError: the folder is in use, or the recipe cannot be drawn.
        LostWorkerError: some graphs ended their worker every time.

    Example:
        >>> import tempfile
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("spike-9").replace(splits={"train": 2, "test": 1})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = open_dataset(write_dataset(recipe, Path(folder, "spike")))
        ...     len(data.test)
        64
    """
    if not isinstance(recipe, MapRecipe):
        check_call(recipe, workers, executor)

    def drawn(split: str, first: int) -> Iterator[Windows | Maps]:
        options: dict[str, Any] = {"on_progress": on_progress, "executor": executor, "first": first}
        if isinstance(recipe, MapRecipe):
            return draw_maps(recipe, split, workers, **options)
        return generate_windows(recipe, recipe.span(split), workers, **options)

    writer = SetWriter(recipe, shard_bytes=SHARD_BYTES, resumable=True)
    with atomic_folder(as_path(path), owner=DATA_SET, force=force, continues=writer.continues) as scratch:
        writer.write(scratch, drawn)
    return as_path(path)


def write_splits(
    recipe: Described, parts_of: Callable[[str], Iterator[Windows | Maps]], folder: Path, *, force: bool = False
) -> Path:
    """Write windows or maps into a folder, split by split and shard by shard, atomically.

    Args:
        recipe: The recipe, or the description of imported windows.
        parts_of: Takes the name of a split, and yields its windows or maps in parts, in order.
        folder: The folder to write, which must be absent or empty.
        force: Whether to replace an existing data set.

    Raises:
        InputError: the folder is in use.
    """
    with atomic_folder(folder, owner=DATA_SET, force=force) as scratch:
        writer = SetWriter(recipe, shard_bytes=SHARD_BYTES, resumable=False)
        writer.write(scratch, lambda split, first: itertools.islice(parts_of(split), first, None))
    return folder


def open_dataset(path: str | Path, *, check: bool = True) -> DataSet | Any:
    """Open a data set that :func:`write_dataset` wrote; each split is mapped into memory on first use.

    The result is a :class:`gnnmax.DataSet` of windows, or a :class:`gnnmax.data.maps.dataset.MapSet` of maps with the
    same face. The shards of a split of more than 128 MB are joined by copying; ``data.parts(split)`` copies nothing.

    Args:
        path: The folder.
        check: Whether to verify the SHA-256 and the contents of a split's shards on first use. Otherwise changes are
            not detected.

    Raises:
        InputError: not a data set, damaged, or of another generation.

    Example:
        >>> import tempfile
        >>> from gnnmax.data.generation import build
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = build("tiny").save(folder + "/tiny")
        ...     data = open_dataset(path)
        ...     len(data.test), list(data)
        (16, ['train', 'val', 'test'])
    """
    manifest, recipe = read_manifest(path)
    splits = StoredSplits(as_path(path), manifest, recipe, digests=check, contents=check)
    return MapSet(recipe, splits) if isinstance(recipe, MapRecipe) else DataSet(recipe, splits)


def load_data(
    source: str | Path | Recipe | DataSet | Windows | dict[str, Any],
    *,
    workers: int = 1,
    executor: ExecutorLike | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> DataSet:
    """Open the folder of a stored data set, or build a recipe in memory.

    Args:
        source: A folder; the name of a shipped recipe or the path of a ``.toml`` file; a recipe, or one as plain dicts;
            a data set, which is returned as it is; windows, which are split by graph, 0.8, 0.1 and 0.1.
        workers: Processes to build with.
        executor: As for :func:`gnnmax.data.generation.build`.
        on_progress: Called with the number of graphs done and of all graphs, when building.

    Raises:
        InputError: neither a folder nor a recipe, or one that is damaged; the file of an array.

    Example:
        >>> len(load_data("real-karate").test)
        78
        >>> load_data("mine.npz")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: mine.npz is no data set: make one of your own windows with 'gnnmax import mine.npz ...
    """
    if isinstance(source, MapSet | MapRecipe | Maps):
        raise _maps_refused(source)
    if isinstance(source, DataSet):
        return source
    if isinstance(source, Windows):
        return import_windows(source)
    if isinstance(source, (str, Path)):
        path = restored_folder(as_path(source), owner=DATA_SET)
        if path.is_dir():
            opened = open_dataset(path)
            if isinstance(opened, MapSet):
                raise _maps_refused(path)
            return opened
        if path.suffix.lower() in ARRAY_FILES:
            raise InputError(
                f"{source} is no data set: make one of your own windows with 'gnnmax import {source} --labels FILE "
                "--out FOLDER', or of a graph with 'gnnmax host FILE'"
            )
    return build(as_recipe(source), workers=workers, executor=executor, on_progress=on_progress)


def load_any(source: str, *, on_progress: Callable[[int, int], None] | None = None) -> DataSet | MapSet:
    """Open the folder of a stored data set, or build a recipe in memory: of windows or of maps.

    Raises:
        InputError: neither a folder nor a recipe, or one that is damaged.
    """
    path = restored_folder(as_path(source), owner=DATA_SET)
    if path.is_dir():
        opened: DataSet | MapSet = open_dataset(path)
        return opened
    if path.suffix.lower() not in ARRAY_FILES and isinstance(found := any_recipe(source), MapRecipe):
        return build(found, on_progress=on_progress)
    return load_data(source, on_progress=on_progress)


def _maps_refused(source: object) -> InputError:
    """Make the error for maps where windows are expected."""
    return InputError(
        f"{getattr(source, 'name', source)!s:.200} holds maps where windows are expected: cut windows out of them with "
        "maps.windows(k), or name a recipe of windows, as 'gnnmax list recipes' prints"
    )


class StoredSplits(Mapping[str, Any]):
    """The splits of a folder, opened on first use.

    Args:
        folder: The folder.
        manifest: Its manifest.
        recipe: Its recipe, or the description of imported windows.
        digests: Whether to verify the SHA-256 of each shard.
        contents: Whether to check the windows or maps against the recipe and each other, see
            :mod:`gnnmax.data.consistency`.
    """

    def __init__(self, folder: Path, manifest: Manifest, recipe: Described, *, digests: bool, contents: bool) -> None:
        self.folder, self._manifest, self._recipe = folder.absolute(), manifest, recipe
        self._digests, self._contents = digests, contents
        self._open: dict[str, Any] = {}

    def __getitem__(self, split: str) -> Any:
        if split not in self._open:
            parts = list(self.parts(split))
            whole = type(parts[0]).concatenate(parts)
            recipe = self._recipe
            self._open[split] = whole if isinstance(recipe, MapRecipe) else with_names(recipe, split, whole)
        return self._open[split]

    def parts(self, split: str) -> Iterator[Any]:
        """Map the shards of a split one by one."""
        recipe, shards = self._recipe.of(split), self._manifest.splits[split]
        checker = checker_of(self._recipe, split)
        for shard in shards:
            path = self.folder / shard.file
            part = read_shard(path, shard, recipe, check=self._digests)
            if self._contents:
                try:
                    checker.check(part, is_last=shard is shards[-1])
                except InputError as error:
                    raise InputError(f"the shard {path} contradicts its recipe: {error}; {AGAIN}") from None
            yield part

    def count(self, split: str) -> int:
        """Return the number of windows of a split, from the manifest."""
        return sum(shard.windows for shard in self._manifest.splits[split])

    def __contains__(self, split: object) -> bool:
        return split in self._manifest.splits

    def __iter__(self) -> Iterator[str]:
        return iter(self._manifest.splits)

    def __len__(self) -> int:
        return len(self._manifest.splits)
