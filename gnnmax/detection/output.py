"""A table of detections as a file: CSV, JSON, Parquet or BEDPE, and its windows as .npz."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.bedpe import bedpe_columns
from gnnmax.detection.table import Detections
from gnnmax.detection.window_scoring import WindowBatch
from gnnmax.errors import InputError
from gnnmax.io.atomic import atomic_file
from gnnmax.io.json_text import json_text
from gnnmax.io.ownership import MADE_BY, is_ours
from gnnmax.io.reading import read_ends

__all__ = ["BEDPE_FILE", "is_table", "json_lines", "parquet_library", "write_arrays", "write_table", "write_windows"]

BEDPE_FILE, TAB = ".bedpe", "\t"


def write_table(path: Path, table: Detections) -> str:
    """Write a table as CSV, JSON, Parquet or BEDPE, by the ending of the file; an empty one has its columns too.

    The table is written part by part, so that memory does not grow with it.

    Returns:
        The SHA-256 digest of the file, by which a run card names the table that it describes.

    Raises:
        InputError: BEDPE of a matrix without bins of a genome, or Parquet without its library.
    """
    write = {".json": _write_json, ".csv": _write_csv, BEDPE_FILE: _write_bedpe}.get(path.suffix, _write_parquet)
    with atomic_file(path) as file:
        write(file, table)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it is a buffered file


def json_lines(table: Detections) -> Iterator[str]:
    """Yield a table as the text of a JSON list of objects, in pieces.

    Example:
        >>> import json
        >>> from gnnmax import find_maxima
        >>> from gnnmax.detection.table import detections_of
        >>> text = "".join(json_lines(detections_of(find_maxima(np.diag([1.0, 5.0, 2.0]), k=3))))
        >>> json.loads(text)[0]["value"]
        5.0
    """
    separator = "["
    for part in table.parts():
        if rows := part.as_rows():
            yield separator + json_text(rows).removeprefix("[").removesuffix("\n]")
            separator = ","
    yield "\n]" if separator == "," else "[]"


def _write_json(file: IO[bytes], table: Detections) -> None:
    file.writelines(text.encode() for text in json_lines(table))
    file.write(b"\n")


def _write_csv(file: IO[bytes], table: Detections) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    for number, part in enumerate(table.parts()):
        filled = part.filled()
        if number == 0:
            writer.writerow(filled)
        writer.writerows(zip(*(column.entries for column in filled.values()), strict=True))
    text.detach()  # flushes, and leaves the file open


def _write_bedpe(file: IO[bytes], table: Detections) -> None:
    """Write columns between tabs, "." where there is no result; the line of their names is a comment."""
    for number, part in enumerate(table.parts()):
        ours = {name: column.entries for name, column in part.filled().items()}
        columns = bedpe_columns(table.bins, part.rows, part.columns, ours)
        if number == 0:
            file.write(f"#{TAB.join(columns)}\n# {MADE_BY}\n".encode())
        lists = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]
        file.writelines(f"{TAB.join(map(_field, row))}\n".encode() for row in zip(*lists, strict=True))


def _field(entry: Any) -> str:
    """Write an entry of BEDPE, which knows no quotes and no empty fields."""
    text = "" if entry is None else " ".join(str(entry).split())
    return text or "."


def _write_parquet(file: IO[bytes], table: Detections) -> None:
    arrow, parquet = parquet_library()
    columns = table[:0].filled()
    schema = arrow.schema([(name, _arrow_type(arrow, column.type)) for name, column in columns.items()])
    with parquet.ParquetWriter(file, schema.with_metadata({"generator": MADE_BY})) as writer:
        for part in table.parts():
            writer.write_table(arrow.table([column.entries for column in part.filled().values()], schema=schema))


def is_table(path: Path) -> bool:
    """Return whether a file is a table that :func:`write_table` wrote: CSV and JSON show it by their columns."""
    if path.suffix in (".parquet", BEDPE_FILE):
        return is_ours(path)
    head = read_ends(path, 4096)[0].decode(errors="replace")
    if path.suffix == ".json" and head.strip() == "[]":
        return True  # an empty table
    keys = re.findall(r'"(\w+)":', head.partition("}")[0])
    first = keys if path.suffix == ".json" else head.split("\n")[0].split(",")
    marks = {"margin", "maximum"} if "value" in first else {"log_ratio"}
    return first[:2] == ["i", "j"] and not marks.isdisjoint(first)


def _arrow_type(arrow: Any, dtype: np.dtype[Any]) -> Any:
    wide = {"f": arrow.float64(), "i": arrow.int64(), "u": arrow.uint64(), "b": arrow.bool_()}
    return wide.get(dtype.kind, arrow.string())


def parquet_library() -> Any:
    """Return pyarrow and its module for Parquet.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install 'gnnmax[parquet]', or write .csv or .json") from None
    return pyarrow, parquet


def write_windows(path: Path, table: Detections, batches: Iterable[WindowBatch]) -> None:
    """Write the windows of a table, with their positions, into a .npz file, batch by batch.

    Args:
        path: The file, with arrays ``windows`` (M, k, k) in float64, ``rows`` and ``columns``.
        table: Maxima or positions.
        batches: Their windows in order; at least one batch, which may be empty.
    """
    with _archive(path) as archive:
        _add_arrays(archive, {"rows": table.rows, "columns": table.columns})
        batches = iter(batches)
        first = next(batches)
        header = {"descr": "<f8", "fortran_order": False, "shape": (len(table), *first.values.shape[1:])}
        with archive.open("windows.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for batch in chain([first], batches):
                member.write(batch.values.astype("<f8").tobytes())


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name into a .npz file."""
    with _archive(path) as archive:
        _add_arrays(archive, arrays)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a .npz file to write it atomically, with the words that mark our outputs in its comment."""
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.comment = MADE_BY.encode()
        yield archive


def _add_arrays(archive: zipfile.ZipFile, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, array in arrays.items():
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)
