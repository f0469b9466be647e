"""Tables in files as columns by name: text with a header, BEDPE, JSON rows, Parquet and numpy files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files.delimited_text import BLANKS
from gnnmax.io.paths import as_path
from gnnmax.io.place_tables import INDEX_LAYOUTS
from gnnmax.io.plain_numbers import plain_float
from gnnmax.io.reading import FileKind
from gnnmax.io.table_files import ARRAY_FILES, UNNAMED

__all__ = ["BEDPE", "TABLE_FILES", "TableColumns", "read_table_columns"]

BEDPE = ("chrom1", "start1", "end1", "chrom2", "start2", "end2", "name", "score", "strand1", "strand2")
"""Columns of a BEDPE file, by their places; those after the tenth have no name."""

_KIND = FileKind("the table", 2**30, "give the path of a table of at most 1 GiB")


class TableColumns(dict[str, npt.NDArray[Any]]):
    """Columns by name, and the lines of a text that they come from.

    Args:
        columns: The columns.
        lines: The number of the line of each row, from 1; none if the table is no text.

    Example:
        >>> table = TableColumns({"i": np.array(["3", "x"])}, [2, 4])
        >>> table.where(1)
        'line 4'
    """

    def __init__(self, columns: Mapping[str, npt.NDArray[Any]], lines: Iterable[int] = ()) -> None:
        super().__init__(columns)
        self.lines = tuple(lines)

    def where(self, row: int) -> str:
        """Say where a row stands, for an error."""
        return f"line {self.lines[row]}" if self.lines else f"row {row}"


Columns = TableColumns


def read_table_columns(path: str | Path, *, headerless: Sequence[str] = ()) -> TableColumns:
    r"""Read the columns of a table, by name; text stays text.

    Args:
        path: ``.csv`` (commas) or ``.tsv`` (tabs): text with a header, columns by its names. ``.bedpe``: the format of
            bedtools and Juicer, with or without a header; its first six columns get the names of :data:`BEDPE`, and
            so do the next four where there is no header; ``track`` and ``browser`` lines are left out. If the first
            line that is no comment lacks the usual delimiter, it is a tab, a semicolon, a comma or blanks. ``.json``: a
            list of objects. ``.parquet`` and ``.npz``: columns by name. ``.npy``: a structured array, or an array
            without a name. Lines that begin with ``#`` are comments, but for a header.
        headerless: Names of the columns of a ``.csv`` or ``.tsv`` text of that many columns whose first line is none of
            the headers of places; () if a text has a header always.

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
    suffix = file.suffix.lower()
    if suffix not in TABLE_FILES:
        if not headerless:
            raise InputError(f"a table ends in {', '.join(TABLE_FILES)}, not in {file.suffix!r}: {file}")
        suffix = ".csv"
    content = _KIND.read(file)
    if content.startswith(GZIP):
        raise InputError(f"{file} is compressed: unpack it first, such as by gunzip")
    try:
        if headerless and suffix in DELIMITERS:
            return _named(lambda content: _of_text(content, DELIMITERS[suffix], headerless))(content, file)
        return TABLE_FILES[suffix](content, file)
    except MemoryError:
        raise InputError(f"{file}: does not fit into memory: give it in parts, or use more memory") from None


DISPLAY_LINES = ("track", "browser")
"""Words that begin the lines of a BEDPE file that say how a genome browser draws it."""

GZIP = b"\x1f\x8b"
"""The first bytes of a file that gzip compressed."""

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""Between the fields of a text."""


def _of_text(content: bytes, delimiter: str, headerless: Sequence[str] = ()) -> Columns:
    rows = _rows(content, _delimiter_in(content, delimiter), width=len(headerless))
    if not rows:
        expected = f"lines {','.join(headerless)}" if headerless else "a header, and a line for each place"
        raise InputError(f"holds no line: expected {expected}")
    first = [word.strip().lower() for word in rows[0][1]]
    if len(first) == len(headerless) and tuple(first) not in INDEX_LAYOUTS:
        return _by_name(list(headerless), rows)
    return _by_name(_header(rows[0][1]), rows[1:])


def _delimiter_in(content: bytes, usual: str) -> str:
    """Return what stands between the fields of the first line that is no comment, in doubt the usual delimiter."""
    first, text = "", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="replace")
    for line in filter(None, map(str.strip, text)):
        first = first or line
        if not line.startswith("#") and not _is_display(line):
            first = line
            break
    return next((one for one in (usual, "\t", ";", ",", BLANKS) if one in first), usual)


def _is_display(line: str) -> bool:
    word, _, rest = line.strip().partition(" ")
    return word in DISPLAY_LINES and not rest[:1].isdigit()  # else an interval of a sequence of that name


def _of_bedpe(content: bytes) -> Columns:
    rows = _rows(content, _delimiter_in(content, "\t"), display=True)
    if not rows:
        return TableColumns({name: np.array([], dtype=np.str_) for name in BEDPE[:6]})
    first = rows[0][1]
    if len(first) < 6:
        raise InputError(f"line {rows[0][0]} has {len(first)} columns where BEDPE has at least 6")
    headed = not any(_is_number(first[at]) for at in (1, 2, 4, 5))
    names = _header(first)[6:] if headed else [*BEDPE[6:], *(f"column{n}" for n in range(11, len(first) + 1))]
    return _by_name([*BEDPE[:6], *names][: len(first)], rows[1:] if headed else rows)


def _is_number(word: str) -> bool:
    try:
        plain_float(word)
    except ValueError:
        return False
    return True


def _rows(content: bytes, delimiter: str, *, width: int = 0, display: bool = False) -> list[tuple[int, list[str]]]:
    """Return the rows of a text with the numbers of their lines, without comments but for a header.

    In a list without a header a row of its width is no comment, because names may begin with the mark of one. If a text
    may have lines for the display in a genome browser, they are left out.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not text in UTF-8: {error.reason} at byte {error.start}") from None
    lines: Iterable[str] = io.StringIO(text, newline="")
    if display:
        lines = ("\n" if _is_display(line) else line for line in lines)
    if delimiter == BLANKS:
        lines = (re.sub(r'("[^"]*")|[ \t]+', lambda found: found[1] or BLANKS, line.strip()) for line in lines)
    rows = [(line, row) for line, row in numbered_rows(lines, delimiter=delimiter) if len(row) > 1 or row[0].strip()]
    if rows and len(rows[0][1]) == width:
        return rows
    comments = [place for place, (_, row) in enumerate(rows) if row[0].startswith("#")]
    body = next((place for place in range(len(rows)) if place not in set(comments)), len(rows))
    fields = len(rows[body][1]) if body < len(rows) else None
    # A header may be marked as a comment, as Juicer writes it: the first line as wide as the body.
    header = [p for p in comments if p < body and len(rows[p][1]) == fields and fields > 1][:1]
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
    columns = {name: np.array([row[at].strip() for _, row in rows], dtype=np.str_) for at, name in enumerate(names)}
    return TableColumns(columns, (line for line, _ in rows))


def _of_json(content: bytes, path: Path) -> Columns:
    rows = _KIND.decode(content, list[dict[str, str | float | int | bool | None]], path)
    names = list(rows[0]) if rows else []
    if any(list(row) != names for row in rows):
        raise InputError(f"{path}: its objects must have the same keys: expected {', '.join(names):.80}")
    return TableColumns({name: np.array([row[name] for row in rows]) for name in names})


def _of_arrays(content: bytes, suffix: str) -> Columns:
    arrays = ARRAY_FILES[suffix](content)
    array = arrays.get(UNNAMED)
    if array is not None and array.dtype.names is not None:
        return TableColumns({name: array[name] for name in array.dtype.names})
    return TableColumns(arrays)


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
