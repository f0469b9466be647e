"""Data sets on disk: arrays in safetensors shards, and a manifest with the digest of each."""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from gnnmax.data.dataset import DataSet, with_names
from gnnmax.data.generation import build, check_call, generate_windows
from gnnmax.data.imported import parse_import
from gnnmax.data.importing import import_windows
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.generation import draw_maps
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import GENERATION, Recipe
from gnnmax.data.recipe_files import any_recipe, as_recipe, parse_any
from gnnmax.data.stored_kinds import Described, checker_of, content_of, count_of_split, layout_of
from gnnmax.errors import InputError
from gnnmax.io.atomic import atomic_folder, write_file
from gnnmax.io.ownership import DATA_SET, PROGRAM
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind
from gnnmax.io.table_files import ARRAY_FILES
from gnnmax.io.tensor_files import read_header
from gnnmax.io.workers import ExecutorLike
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = [
    "MANIFEST",
    "Manifest",
    "StoredSplits",
    "load_any",
    "load_data",
    "open_dataset",
    "read_manifest",
    "versions",
    "write_dataset",
    "write_splits",
]

MANIFEST = "manifest.json"
FORMAT = 2
SHARD_BYTES = 128_000_000
LARGEST_HEADER = 100_000
Natural = Annotated[int, Meta(ge=0, le=2**48)]
Line = Annotated[str, Meta(pattern=r"^[^\s]{0,40}\Z")]

_AGAIN = "generate the data set again"
MANIFEST_FILE = FileKind("the manifest", 16_000_000, _AGAIN)
SHARD_FILE = FileKind("the shard", 2**48, _AGAIN)

_CODES: dict[type[np.generic], str] = {
    np.float32: "F32",
    np.bool_: "BOOL",
    np.uint8: "U8",
    np.int16: "I16",
    np.int64: "I64",
}
"""Names of dtypes in safetensors."""


class OtherGenerationError(InputError):
    """A stored data set is intact, but an older or a newer version of gnnmax made it."""


class Shard(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a split: its name, its numbers of windows and bytes, and its SHA-256."""

    file: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*-[0-9]{5}\.safetensors\Z")]
    windows: Natural
    bytes: Natural
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _Origin(Struct, frozen=True):
    """The fields of a manifest that every version of gnnmax can read: format, generation and versions."""

    format: Annotated[int, Meta(ge=1, le=1_000_000)]
    generation: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    versions: dict[Line, Line] = {}


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a folder: the recipe, its digest, the versions that made it, and the shards of every split.

    Imported windows have a description of the import in place of a recipe.
    """

    program: Literal["gnnmax"]
    format: int
    generation: int
    digest: str
    versions: dict[Line, Line]
    splits: dict[str, tuple[Shard, ...]]
    recipe: dict[str, Any] | None = None
    imported: dict[str, Any] | None = None


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

    def drawn(split: str) -> Iterator[Windows | Maps]:
        if isinstance(recipe, MapRecipe):
            return draw_maps(recipe, split, workers, on_progress, executor=executor)
        return generate_windows(recipe, recipe.span(split), workers, on_progress, executor=executor)

    return write_splits(recipe, drawn, as_path(path), force=force)


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
        splits: dict[str, list[Shard]] = {}
        for split in recipe.splits:
            splits[split] = []
            for part in _shards(parts_of(split)):
                splits[split].append(_write_shard(scratch / _shard_name(split, len(splits[split])), part))
        manifest = {
            "program": PROGRAM,
            "format": FORMAT,
            "generation": GENERATION,
            "recipe" if isinstance(recipe, Recipe | MapRecipe) else "imported": recipe.to_dict(),
            "digest": recipe.digest,
            "versions": versions(),
            "splits": splits,
        }
        write_file(scratch / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return folder


def _shards(parts: Iterator[Any]) -> Iterator[Any]:
    """Join windows or maps until a shard is full; the rest starts the next shard."""
    waiting: list[Any] = []
    for part in parts:
        waiting.append(part)
        room = max(SHARD_BYTES // sum(array[:1].nbytes for array in part.arrays().values()), 1)
        while sum(map(len, waiting)) >= room:
            joined = type(part).concatenate(waiting)
            yield joined[:room]
            waiting = [joined[room:]] if len(joined) > room else []
    if waiting:
        yield type(waiting[0]).concatenate(waiting)


def _write_shard(path: Path, part: Windows | Maps) -> Shard:
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(array) for name, array in part.arrays().items()})
    write_file(path, content)
    return Shard(path.name, len(part), len(content), hashlib.sha256(content).hexdigest())


def versions() -> dict[str, str]:
    """Return the versions of the software that determines the bytes, by name.

    Example:
        >>> sorted(versions())
        ['gnnmax', 'networkx', 'numpy', 'python', 'scipy']
    """
    libraries = {name: version(name) for name in ("networkx", "numpy", "scipy")}
    return {"gnnmax": version("gnnmax"), **libraries, "python": platform.python_version()}


def read_manifest(path: str | Path) -> tuple[Manifest, Described]:
    """Read and check the manifest of a data set, and check that its shards exist in full length.

    Raises:
        OtherGenerationError: an older or a newer version of gnnmax made the data set.
        InputError: no such folder, no manifest, a damaged manifest, or missing or truncated shards.

    Example:
        >>> read_manifest("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: no data set at nowhere: expected a folder with a manifest.json; make one with ...
    """
    folder = as_path(path)
    file = folder / MANIFEST
    if not file.is_file():
        raise InputError(
            f"no data set at {folder}: expected a folder with a {MANIFEST}; make one with 'gnnmax generate RECIPE'"
        )
    content = MANIFEST_FILE.read(file)
    _check_origin(folder, MANIFEST_FILE.decode(content, _Origin, file))
    manifest = MANIFEST_FILE.decode(content, Manifest, file)
    if (manifest.recipe is None) == (manifest.imported is None):
        raise InputError(f"the manifest {file} must hold a recipe or an import, one of the two: {_AGAIN}")
    recipe: Described = (
        parse_any(manifest.recipe, str(file))
        if manifest.imported is None
        else parse_import(manifest.imported, str(file))
    )
    if recipe.digest != manifest.digest:
        raise InputError(f"the recipe in {file} does not have the digest beside it: {_AGAIN}")
    if list(manifest.splits) != list(recipe.splits):
        raise InputError(f"the splits in {file} are not those of its recipe: {_AGAIN}")
    for split, shards in manifest.splits.items():
        _check_shards(folder, split, shards, recipe.of(split))
    return manifest, recipe


def _check_shards(folder: Path, split: str, shards: Sequence[Shard], recipe: Described) -> None:
    """Check names, sizes and numbers of windows or maps of the shards of a split against its recipe and the files."""
    least, most = count_of_split(recipe)
    what = "maps" if isinstance(recipe, MapRecipe) else "windows"
    stated = sum(shard.windows for shard in shards)
    if stated < least or (most is not None and stated > most):
        raise InputError(f"the manifest in {folder} states {stated} {what} of {split}, not {least}: {_AGAIN}")
    single = sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in layout_of(recipe, 1).values())
    for number, shard in enumerate(shards):
        path = folder / shard.file
        if shard.file != _shard_name(split, number) or not shard.windows:
            raise InputError(
                f"the manifest in {folder} lists {shard.file} with {shard.windows} {what} as shard {number} of "
                f"{split}, where {_shard_name(split, number)} was expected: {_AGAIN}"
            )
        size = path.stat().st_size if path.is_file() else None
        if size != shard.bytes:
            came = "it is missing" if size is None else f"it has {size}"
            raise InputError(f"the shard {path} must have {shard.bytes} bytes, and {came}: {_AGAIN}")
        if not 8 <= shard.bytes - shard.windows * single <= 8 + LARGEST_HEADER:
            raise InputError(f"the shard {path} of {size} bytes cannot hold {shard.windows} {what}: {_AGAIN}")


def _shard_name(split: str, number: int) -> str:
    return f"{split}-{number:05d}.safetensors"


def _check_origin(folder: Path, origin: _Origin) -> None:
    """Refuse a data set that another generation of gnnmax made.

    Raises:
        OtherGenerationError: the message gives the version that reads it.
    """
    if origin.format > FORMAT or origin.generation > GENERATION:
        raise OtherGenerationError(
            f"the data set {folder} was made by a newer gnnmax (generation {origin.generation}, format "
            f"{origin.format}): upgrade gnnmax"
        )
    if origin.format < FORMAT or origin.generation < GENERATION:
        maker = f"gnnmax {origin.versions.get('gnnmax', '0.1')}"
        raise OtherGenerationError(
            f"the data set {folder} was made by {maker} (generation {origin.generation}): generate it again with this "
            f"version, or open it with {maker}"
        )


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
        path = as_path(source)
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
    path = as_path(source)
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
                    raise InputError(f"the shard {path} contradicts its recipe: {error}; {_AGAIN}") from None
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


def read_shard(path: Path, shard: Shard, recipe: Described, *, check: bool = True) -> Windows | Maps:
    """Check the digest, names, dtypes and shapes of one shard, and map it into memory.

    Raises:
        InputError: a check fails; the message gives the file and the reason.
    """
    content = SHARD_FILE.map(path)
    if check and hashlib.sha256(content).hexdigest() != shard.sha256:
        raise InputError(f"the shard {path} does not have the SHA-256 of the manifest: it was changed; {_AGAIN}")
    try:
        header, start = read_header(content, largest=LARGEST_HEADER)
    except InputError as error:
        raise SHARD_FILE.damaged(path, error) from None
    expected = {
        name: (_CODES[dtype], dtype, shape) for name, (dtype, shape) in layout_of(recipe, shard.windows).items()
    }
    if set(header) != set(expected):
        raise InputError(f"the shard {path} holds {sorted(header)} where {sorted(expected)} were expected: {_AGAIN}")
    arrays: dict[str, Any] = {}
    for name, (code, dtype, shape) in expected.items():
        entry = header[name]
        if entry.dtype != code or entry.shape != shape:
            found = f"{entry.dtype} {list(entry.shape)}"
            raise InputError(f"the shard {path} has {name} as {found}, not {code} {list(shape)}: {_AGAIN}")
        first = start + entry.data_offsets[0]
        arrays[name] = np.frombuffer(content, dtype=dtype, count=math.prod(shape), offset=first).reshape(shape)
        if code == "BOOL" and (arrays[name].view(np.uint8) > 1).any():
            raise InputError(f"the shard {path} has {name} that are neither true nor false: {_AGAIN}")
    try:
        return content_of(recipe, arrays)
    except InputError as error:
        raise InputError(f"the shard {path} contradicts its recipe: {error}; {_AGAIN}") from None
