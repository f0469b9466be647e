"""Croissant: the metadata of a data set in the vocabulary of MLCommons, for search engines and other machines.

References:
    Akhtar et al., "Croissant: A Metadata Format for ML-Ready Datasets", DEEM 2024; https://docs.mlcommons.org/croissant.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import metadata, version
from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.data.imported import Imported
from gnnmax.data.manifest import MANIFEST, MANIFEST_FILE, Manifest, read_manifest
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe_files import any_recipe
from gnnmax.data.stored_kinds import Described, layout_of
from gnnmax.io.ownership import MADE_BY, PROGRAM
from gnnmax.io.paths import as_path

__all__ = ["CONTEXT", "LICENSE", "croissant", "dataset_metadata", "field_metadata", "file_metadata"]

LICENSE = "https://spdx.org/licenses/MIT.html"
"""The licence of generated data; imported windows have their owner's."""

QUESTION = "https://ai.stackexchange.com/questions/12010"
"""The question that the data sets ask: their address where the package states no repository."""

_TERMS = (
    *("arrayShape", "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty"),
    *("fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
    *("recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
    "transform",
)

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{term: f"cr:{term}" for term in _TERMS},
}
"""The context of the JSON-LD, as the standard gives it."""

_TYPES: dict[type[np.generic], str] = {
    np.float32: "cr:Float32",
    np.bool_: "sc:Boolean",
    np.uint8: "cr:UInt8",
    np.int16: "cr:Int16",
    np.int64: "cr:Int64",
    np.str_: "sc:Text",
}


def croissant(source: str | Path) -> dict[str, Any]:
    """Describe a data set in Croissant: its files, and a record set for each split.

    The shards are safetensors files, which no reader of Croissant opens: a field names the array of the shards that
    holds it, with type and shape of one record, and its content is the bytes of the file. The Parquet files of
    :func:`gnnmax.report.hugging_face.write_dataset_card` are read field by field.

    Args:
        source: The folder of a stored data set, or the name or path of a recipe of windows or maps. A recipe has no
            files yet: its shards are described by the pattern of their names.

    Returns:
        The JSON-LD, as plain dicts and lists.

    Raises:
        InputError: neither a data set nor a recipe.

    Example:
        >>> found = croissant("tiny")
        >>> [records["name"] for records in found["recordSet"]]
        ['splits', 'train', 'val', 'test']
        >>> found["recordSet"][1]["field"][0]["arrayShape"]
        '5,5'
    """
    folder = as_path(source)
    manifest: Manifest | None = None
    if folder.is_dir():
        manifest, recipe = read_manifest(folder)
        files = [file_metadata(MANIFEST, MANIFEST_FILE.read(folder / MANIFEST), "application/json")]
    else:
        recipe, files = any_recipe(source), []
    records = []
    for split in recipe.splits:
        files.append(_shards(split))
        records.append(_records(recipe, split))
    if manifest is not None:
        files += [_shard(shard) for shards in manifest.splits.values() for shard in shards]
    return dataset_metadata(recipe, files, records)


def dataset_metadata(recipe: Described, files: list[dict[str, Any]], records: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the description of a data set around its files and its record sets."""
    what = "maps" if isinstance(recipe, MapRecipe) else "windows"
    imported = isinstance(recipe, Imported)
    origin = (
        {} if imported else {"license": LICENSE, "creator": {"@type": "Organization", "name": "The gnnmax authors"}}
    )
    summary = recipe.summary or "Imported windows."
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": recipe.name,
        "description": f"{summary} A data set of {what} {MADE_BY}; digest {recipe.digest}.",
        "url": _address(),
        "version": f"1.0.0+{recipe.digest[:12]}",
        "identifier": recipe.digest,
        "keywords": ["graph", "adjacency matrix", "maximum", "symmetry", what],
        "citeAs": f"The gnnmax authors, gnnmax {version(PROGRAM)}, recipe {recipe.name}, digest {recipe.digest}",
        **origin,
        "distribution": files,
        "recordSet": [_splits(recipe), *records],
    }


def _address() -> str:
    """Return the repository that the package was built with, or the question."""
    stated = [each.split(", ", 1) for each in metadata(PROGRAM).get_all("Project-URL", [])]
    return next((address for title, address in stated if title == "Repository"), QUESTION)


def file_metadata(name: str, content: bytes, encoding: str) -> dict[str, Any]:
    """Describe a file by its name, size and digest."""
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": encoding,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def field_metadata(
    split: str, name: str, dtype: type[np.generic], shape: tuple[int, ...], source: dict[str, Any]
) -> dict[str, Any]:
    """Describe one field of the records of a split, whose shape is that of one record."""
    array = {"isArray": True, "arrayShape": ",".join(map(str, shape))} if shape else {}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{name}",
        "name": name,
        "dataType": _TYPES[dtype],
        **array,
        "source": source,
    }


def _splits(recipe: Described) -> dict[str, Any]:
    """Describe the splits: their names, as the standard asks."""
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [{"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}],
        "data": [{"splits/name": split} for split in recipe.splits],
    }


def _shards(split: str) -> dict[str, Any]:
    """Describe the shards of a split, by the pattern of their names."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-shards",
        "name": f"{split}-shards",
        "description": f"The shards of {split}: safetensors files, read in the order of their names.",
        "encodingFormat": "application/octet-stream",
        "includes": f"{split}-*.safetensors",
    }


def _shard(shard: Any) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard.file,
        "name": shard.file,
        "contentUrl": shard.file,
        "contentSize": f"{shard.bytes} B",
        "encodingFormat": "application/octet-stream",
        "sha256": shard.sha256,
    }


def _records(recipe: Described, split: str) -> dict[str, Any]:
    """Describe the records of a split: a field for each array of its shards."""
    source = {"fileSet": {"@id": f"{split}-shards"}, "extract": {"fileProperty": "content"}}
    layout = layout_of(recipe.of(split), 1)
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": "One record for each row of the arrays of these names in the shards, joined in order.",
        "field": [field_metadata(split, name, dtype, shape[1:], source) for name, (dtype, shape) in layout.items()],
    }
