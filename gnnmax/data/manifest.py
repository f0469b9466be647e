"""The manifest of a stored data set: its recipe, the versions that made it, and the digest of each shard."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from gnnmax.data.imported import parse_import
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import GENERATION, Recipe
from gnnmax.data.recipe_files import parse_any
from gnnmax.data.stored_kinds import Described, count_of_split, layout_of
from gnnmax.errors import InputError
from gnnmax.io.atomic_folders import restored_folder
from gnnmax.io.ownership import DATA_SET, PROGRAM
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind

__all__ = [
    "AGAIN",
    "FORMAT",
    "LARGEST_HEADER",
    "MANIFEST",
    "Manifest",
    "Natural",
    "OtherGenerationError",
    "Shard",
    "manifest_of",
    "read_manifest",
    "shard_name",
    "versions",
]

MANIFEST = "manifest.json"
FORMAT = 2
LARGEST_HEADER = 100_000
Natural = Annotated[int, Meta(ge=0, le=2**48)]
Line = Annotated[str, Meta(pattern=r"^[^\s]{0,40}\Z")]

AGAIN = "generate the data set again"
"""What to do about a damaged data set."""

MANIFEST_FILE = FileKind("the manifest", 16_000_000, AGAIN)


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


def manifest_of(recipe: Described, splits: dict[str, list[Shard]]) -> bytes:
    """Write the manifest of a data set as JSON."""
    manifest = {
        "program": PROGRAM,
        "format": FORMAT,
        "generation": GENERATION,
        "recipe" if isinstance(recipe, Recipe | MapRecipe) else "imported": recipe.to_dict(),
        "digest": recipe.digest,
        "versions": versions(),
        "splits": splits,
    }
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


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
    folder = restored_folder(as_path(path), owner=DATA_SET)
    file = folder / MANIFEST
    if not file.is_file():
        raise InputError(
            f"no data set at {folder}: expected a folder with a {MANIFEST}; make one with 'gnnmax generate RECIPE'"
        )
    content = MANIFEST_FILE.read(file)
    _check_origin(folder, MANIFEST_FILE.decode(content, _Origin, file))
    manifest = MANIFEST_FILE.decode(content, Manifest, file)
    if (manifest.recipe is None) == (manifest.imported is None):
        raise InputError(f"the manifest {file} must hold a recipe or an import, one of the two: {AGAIN}")
    recipe: Described = (
        parse_any(manifest.recipe, str(file))
        if manifest.imported is None
        else parse_import(manifest.imported, str(file))
    )
    if recipe.digest != manifest.digest:
        raise InputError(f"the recipe in {file} does not have the digest beside it: {AGAIN}")
    if list(manifest.splits) != list(recipe.splits):
        raise InputError(f"the splits in {file} are not those of its recipe: {AGAIN}")
    for split, shards in manifest.splits.items():
        _check_shards(folder, split, shards, recipe.of(split))
    return manifest, recipe


def _check_shards(folder: Path, split: str, shards: Sequence[Shard], recipe: Described) -> None:
    """Check names, sizes and numbers of windows or maps of the shards of a split against its recipe and the files."""
    least, most = count_of_split(recipe)
    what = "maps" if isinstance(recipe, MapRecipe) else "windows"
    stated = sum(shard.windows for shard in shards)
    if stated < least or (most is not None and stated > most):
        raise InputError(f"the manifest in {folder} states {stated} {what} of {split}, not {least}: {AGAIN}")
    single = sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in layout_of(recipe, 1).values())
    for number, shard in enumerate(shards):
        path = folder / shard.file
        if shard.file != shard_name(split, number) or not shard.windows:
            raise InputError(
                f"the manifest in {folder} lists {shard.file} with {shard.windows} {what} as shard {number} of "
                f"{split}, where {shard_name(split, number)} was expected: {AGAIN}"
            )
        size = path.stat().st_size if path.is_file() else None
        if size != shard.bytes:
            came = "it is missing" if size is None else f"it has {size}"
            raise InputError(f"the shard {path} must have {shard.bytes} bytes, and {came}: {AGAIN}")
        if not 8 <= shard.bytes - shard.windows * single <= 8 + LARGEST_HEADER:
            raise InputError(f"the shard {path} of {size} bytes cannot hold {shard.windows} {what}: {AGAIN}")


def shard_name(split: str, number: int) -> str:
    """Return the name of a shard.

    Example:
        >>> shard_name("train", 3)
        'train-00003.safetensors'
    """
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
