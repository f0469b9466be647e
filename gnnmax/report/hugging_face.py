"""Data sets in the form of Hugging Face: Parquet files, a card with a head in YAML, and Croissant metadata.

References:
    Gebru et al., "Datasheets for Datasets", Communications of the ACM, 2021; https://huggingface.co/docs/hub.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.data.card import describe
from gnnmax.data.dataset import DataSet
from gnnmax.data.imported import Imported
from gnnmax.data.maps.card import describe_maps
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.imported import check_storable
from gnnmax.interop.croissant import dataset_metadata, field_metadata, file_metadata
from gnnmax.interop.networkx_parquet import parquet_bytes, parquet_columns
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.json_text import json_text
from gnnmax.io.ownership import CARD_FOLDER, MADE_BY, PROGRAM
from gnnmax.io.paths import as_path
from gnnmax.task.tabulation import markdown

__all__ = ["write_dataset_card", "yaml_head"]

TAGS = ("gnnmax", "graph", "adjacency-matrix", "synthetic")
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))

ABOUT = {
    "label": "what a net learns: whether the window is centred, as the recipe's label rule says",
    "values": "entries of the matrix, row by row; null or NaN is not observed",
    "observed": "whether the centre is the strict maximum of the values",
    "planted": "whether the centre is the planted entry",
    "kind": "centred, shifted, runner_up, tied, background or constant",
    "offset": "position of the maximum from the centre: rows, columns",
    "graph": "the host: split by it, and take it as the cluster of intervals",
    "peak_position": "row and column of each peak; -1 where there is none",
}


def write_dataset_card(data: DataSet | MapSet, path: str | Path, *, probes: bool = True, force: bool = False) -> Path:
    """Write a data set into a folder that ``datasets.load_dataset(folder)`` and ``mlcroissant`` read, atomically.

    The folder holds README.md, croissant.json, gnnmax.json with the recipe, and Parquet files, one for each stored
    shard. A matrix is a list of fixed length in row-major order; croissant.json gives its shape.

    Args:
        data: The data set.
        path: The folder to write, which must be absent or empty.
        probes: Whether the card holds the learned shortcuts, which takes some seconds.
        force: Whether to replace a folder of this kind.

    Returns:
        The folder.

    Raises:
        InputError: a folder in use, or pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> from gnnmax import build
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     card = write_dataset_card(build("tiny"), Path(folder, "tiny"), probes=False)
        ...     sorted(file.name for file in card.iterdir())
        ['README.md', 'croissant.json', 'data', 'gnnmax.json']
    """
    folder = as_path(path)
    recipe: Any = data.recipe
    check_storable(recipe)
    with atomic_folder(folder, owner=CARD_FOLDER, force=force) as scratch:
        (scratch / "data").mkdir()
        files: list[dict[str, Any]] = []
        splits = {split: list(_write_split(data, split, scratch, files)) for split in data}
        files += [_file_set(split, parts) for split, parts in splits.items() if len(parts) > 1]
        records = [_records(split, parts) for split, parts in splits.items()]
        write_file(scratch / "croissant.json", json_text(dataset_metadata(recipe, files, records)))
        write_file(scratch / "README.md", _card_text(data, splits, probes=probes))
        origin = {"program": PROGRAM, "source": data.recipe.to_dict(), "digest": data.recipe.digest}
        write_file(scratch / CARD_FOLDER.mark, json_text(origin))
    return folder


def yaml_head(content: Mapping[str, Any]) -> str:
    """Return plain values as the head of a card, in YAML: one line a field, its value in the JSON that YAML includes.

    Example:
        >>> print(yaml_head({"license": "mit", "tags": ["graph"]}))
        ---
        license: "mit"
        tags: ["graph"]
        ---
    """
    return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in content.items()), "---"])


def _write_split(data: Any, split: str, scratch: Path, files: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write the parts of a split; yield the number, bytes and layout of each, and add its file to the list."""
    parts = list(data.parts(split))
    for number, part in enumerate(parts):
        columns = parquet_columns(part)
        content = parquet_bytes(columns, {"recipe": data.recipe.name, "digest": data.recipe.digest})
        name = f"data/{split}-{number:05d}-of-{len(parts):05d}.parquet"
        write_file(scratch / name, content)
        files.append(file_metadata(name, content, "application/x-parquet"))
        yield {
            "file": name,
            "count": len(part),
            "bytes": sum(array.nbytes for array in columns.values()),
            "stored": len(content),
            "layout": {name: (array.dtype, array.shape[1:]) for name, array in columns.items()},
        }


def _file_set(split: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe the Parquet files of a split that has several."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-files",
        "name": f"{split}-files",
        "containedIn": [{"@id": part["file"]} for part in parts],
        "encodingFormat": "application/x-parquet",
        "includes": f"data/{split}-*.parquet",
    }


def _records(split: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe the records of a split: each field is a column of its Parquet files."""
    one = len(parts) == 1
    whole = {"fileObject": {"@id": parts[0]["file"]}} if one else {"fileSet": {"@id": f"{split}-files"}}
    fields = [
        field_metadata(
            split,
            name,
            np.str_ if dtype.kind == "U" else dtype.type,
            shape,
            {**whole, "extract": {"column": name}},
        )
        for name, (dtype, shape) in parts[0]["layout"].items()
    ]
    return {"@type": "cr:RecordSet", "@id": split, "name": split, "field": fields}


def _feature(name: str, dtype: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Describe a column as the library datasets does."""
    plain = "string" if dtype.kind == "U" else str(dtype)
    if not shape:
        return {"name": name, "dtype": plain}
    return {"name": name, "list": plain, "length": int(np.prod(shape))}


def _head(data: Any, splits: Mapping[str, list[dict[str, Any]]]) -> str:
    """Return the head of the card: licence, tags, size, files and features."""
    counts = {split: sum(part["count"] for part in parts) for split, parts in splits.items()}
    size = next((word for most, word in SIZES if sum(counts.values()) < most), "n>10M")
    layout = next(iter(splits.values()))[0]["layout"]
    info = {
        "features": [_feature(name, *column) for name, column in layout.items()],
        "splits": [
            {"name": split, "num_bytes": sum(part["bytes"] for part in parts), "num_examples": counts[split]}
            for split, parts in splits.items()
        ],
        "download_size": sum(part["stored"] for parts in splits.values() for part in parts),
        "dataset_size": sum(part["bytes"] for parts in splits.values() for part in parts),
    }
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits]
    return yaml_head(
        {
            "license": "unknown" if isinstance(data.recipe, Imported) else "mit",
            "pretty_name": data.recipe.name,
            "tags": list(TAGS),
            "size_categories": [size],
            "configs": [{"config_name": "default", "data_files": files}],
            "dataset_info": info,
        }
    )


def _on_one_line(text: str) -> str:
    """Return text as a part of a paragraph in Markdown: on one line, its markup of HTML shown as it is."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")


def _card_text(data: Any, splits: Mapping[str, list[dict[str, Any]]], *, probes: bool) -> str:
    """Write the card: the head, the use, the fields, and the tables of the data card."""
    recipe = data.recipe
    card = describe_maps(data) if isinstance(data, MapSet) else describe(data, probes=probes)
    layout = next(iter(splits.values()))[0]["layout"]
    fields = [
        [f"`{name}`", "text" if dtype.kind == "U" else str(dtype), " x ".join(map(str, shape)), ABOUT.get(name, "")]
        for name, (dtype, shape) in layout.items()
    ]
    tables = []
    for table in card.tables():
        tables += [
            f"**{table.title.splitlines()[0]}**",
            "",
            markdown([list(table.header), *map(list, table.rows)]),
            "",
            *table.notes,
            "",
        ]
    summary = _on_one_line(recipe.summary or "Imported windows.")
    what = "maps: whole adjacency matrices" if isinstance(data, MapSet) else "windows of adjacency matrices"
    return "\n".join(
        [
            _head(data, splits),
            "",
            f"# {recipe.name}",
            "",
            f"{summary} These are {what}; the question is where the maximum is.",
            f"{MADE_BY.capitalize()} {version(PROGRAM)}, digest `{recipe.digest}`.",
            "",
            "```python",
            "from datasets import load_dataset",
            "",
            'data = load_dataset("FOLDER")  # this folder',
            "```",
            "",
            'Matrices are lists in row-major order: `np.reshape(row["values"], shape)`, with the shapes below.',
            "Splits are by host graph. `gnnmax.json` holds the recipe: the same recipe gives the same bytes.",
            "",
            markdown([["field", "type", "shape", "meaning"], *fields]),
            "",
            *tables,
        ]
    )
