"""Tables in files as columns by name: text with a header, BEDPE, JSON rows, Parquet and numpy files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind
from gnnmax.io.table_files import ARRAY_FILES, UNNAMED

__all__ = ["BEDPE", "TABLE_FILES", "read_table_columns"]

BEDPE = ("chrom1", "start1", "end1", "chrom2", "start2", "end2", "name", "score", "strand1", "strand2")
"""Columns of a BEDPE file, by their places; those after the tenth have no name."""

_KIND = FileKind("the table", 2**30, "give the path of a table of at most 1 GiB")

Columns = dict[str, npt.NDArray[Any]]


def read_table_columns(path: str | Path) -> Columns:
    r"""Read the columns of a table, by name; text stays text.

    Args:
        path: ``.csv`` (commas) or ``.tsv`` (tabs): text with a header, columns by its names. ``.bedpe``: the format of
            bedtools and Juicer, with or without a header; its first six columns get the names of :data:`BEDPE`, and
            so do the next four where there is no header. ``.json``: a list of objects. ``.parquet`` and ``.npz``:
            columns by name. ``.npy``: a structured array, or an array without a name. Lines that begin with ``#`` are
            comments, but for a header.

    Returns:
        Columns of one length by name; a ``.npy`` file without fields gives one array called "".

    Raises:
        InputError: another ending, or an unreadable, damaged or too large file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "calls.csv")
        ...     _ = file.write_text("i,j,score\n3,4,0.5\n")
        ...     read_table_columns(file)
        {'i': array(['3'], dtype='<U1'), 'j': array(['4'], dtype='<U1'), 'score': array(['0.5'], dtype='<U3')}
    """
    file = as_path(path)
    if file.suffix.lower() not in TABLE_FILES:
        raise InputError(f"a table ends in {', '.join(TABLE_FILES)}, not in {file.suffix!r}: {file}")
    content = _KIND.read(file)
    try:
        return TABLE_FILES[file.suffix.lower()](content, file)
    except MemoryError:
        raise InputError(f"{file}: does not fit into memory: give it in parts, or use more memory") from None


def _of_text(content: bytes, delimiter: str) -> Columns:
    rows = _rows(content, delimiter)
    if not rows:
        raise InputError("holds no line: expected a header, and a line for each place")
    return _by_name(_header(rows[0][1]), rows[1:])


def _of_bedpe(content: bytes) -> Columns:
    rows = _rows(content, "\t")
    if not rows:
        return {name: np.array([], dtype=np.str_) for name in BEDPE[:6]}
    first = rows[0][1]
    if len(first) < 6:
        raise InputError(f"line {rows[0][0]} has {len(first)} columns where BEDPE has at least 6, between tabs")
    headed = not first[1].strip().isdigit()
    names = _header(first)[6:] if headed else [*BEDPE[6:], *(f"column{n}" for n in range(11, len(first) + 1))]
    return _by_name([*BEDPE[:6], *names][: len(first)], rows[1:] if headed else rows)


def _rows(content: bytes, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a text with the numbers of their lines, without comments but for a header."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not text in UTF-8: {error.reason} at byte {error.start}") from None
    rows = list(numbered_rows(io.StringIO(text, newline=""), delimiter=delimiter))
    comments = [place for place, (_, row) in enumerate(rows) if row[0].startswith("#")]
    body = next((place for place in range(len(rows)) if place not in set(comments)), len(rows))
    width = len(rows[body][1]) if body < len(rows) else None
    # A header may be marked as a comment, as Juicer writes it: the first line as wide as the body.
    header = [p for p in comments if p < body and len(rows[p][1]) == width and width > 1][:1]
    dropped = set(comments) - set(header)
    return [row for place, row in enumerate(rows) if place not in dropped]


def _header(row: list[str]) -> list[str]:
    names = [word.strip().removeprefix("#").strip() for word in row]
    if len(set(names)) < len(names) or "" in names:
        raise InputError(f"its header must give each column a name of its own, not {names!r:.80}")
    return names


def _by_name(names: list[str], rows: list[tuple[int, list[str]]]) -> Columns:
    for line, row in rows:
        if len(row) != len(names):
            raise InputError(f"line {line} has {len(row)} columns where {len(names)} were expected")
    return {name: np.array([row[at].strip() for _, row in rows], dtype=np.str_) for at, name in enumerate(names)}


def _of_json(content: bytes, path: Path) -> Columns:
    rows = _KIND.decode(content, list[dict[str, str | float | int | bool | None]], path)
    names = list(rows[0]) if rows else []
    if any(list(row) != names for row in rows):
        raise InputError(f"{path}: its objects must have the same keys: expected {', '.join(names):.80}")
    return {name: np.array([row[name] for row in rows]) for name in names}


def _of_arrays(content: bytes, suffix: str) -> Columns:
    arrays = ARRAY_FILES[suffix](content)
    array = arrays.get(UNNAMED)
    if array is not None and array.dtype.names is not None:
        return {name: array[name] for name in array.dtype.names}
    return arrays


def _named(read: Callable[[bytes], Columns]) -> Callable[[bytes, Path], Columns]:
    """Name the file in the errors of a reader."""

    def read_named(content: bytes, path: Path) -> Columns:
        try:
            return read(content)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    return read_named


TABLE_FILES: dict[str, Callable[[bytes, Path], Columns]] = {
    ".csv": _named(lambda content: _of_text(content, ",")),
    ".tsv": _named(lambda content: _of_text(content, "\t")),
    ".bedpe": _named(_of_bedpe),
    ".parquet": _named(lambda content: _of_arrays(content, ".parquet")),
    ".npz": _named(lambda content: _of_arrays(content, ".npz")),
    ".npy": _named(lambda content: _of_arrays(content, ".npy")),
    ".json": _of_json,
}
"""Readers by the ending of the file's name."""
