"""Files of one column: scores, labels, graphs or weights of windows, one a window, in the order of the windows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files import READERS
from gnnmax.io.paths import as_path
from gnnmax.io.plain_numbers import is_plain, plain_float
from gnnmax.io.reading import FileKind

__all__ = ["Column", "read_column"]

Column = Literal["score", "label", "graph", "weight"]

LARGEST_FILE = 1_000_000_000
"""Bytes that a file may have."""


def read_column(path: str | Path, column: Column) -> npt.NDArray[Any]:
    r"""Read one entry a window.

    Args:
        path: ``.npy`` or ``.npz``, one array of shape ``(N,)``; or ``.csv``: one entry a line, perhaps under a header,
            or lines of several columns under a header that names this one. A file of graph names alone has a header
            only where its first line is ``graph``.
        column: The name of the column, which says what its entries are: ``score`` and ``weight`` are real numbers,
            ``label`` is 0 or 1, false or true, ``graph`` is an integer or a name.

    Returns:
        Shape ``(N,)``: float64 for scores and weights, bool for labels, int64 or str for graphs.

    Raises:
        InputError: another ending, an unreadable file, or an entry of another kind.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "windows.csv")
        ...     _ = file.write_text("graph,score,label\nkarate,0.5,1\nkarate,-2,0\n")
        ...     [read_column(file, name).tolist() for name in ("score", "label", "graph")]
        [[0.5, -2.0], [True, False], ['karate', 'karate']]
    """
    path = as_path(path)
    if path.suffix not in _READERS:
        raise InputError(f"{column}s come in a file that ends in {', '.join(_READERS)}, not {path.name!r}")
    kind = FileKind(f"the file of {column}s", LARGEST_FILE, f"give one that ends in {', '.join(_READERS)}")
    content = kind.read(path)
    try:
        return _READERS[path.suffix](content, column)
    except InputError as error:
        raise InputError(f"the file of {column}s {path}: {error}") from None


def _array_of(given: Any, column: Column) -> npt.NDArray[Any]:
    """Return an array of a file, where it holds entries of this kind."""
    if not isinstance(given, np.ndarray):
        raise InputError("holds a sparse matrix: expected one array of shape (N,)")
    wanted = {"score": "fiu", "weight": "fiu", "label": "biuf", "graph": "iuU"}[column]
    if given.dtype.kind not in wanted or given.ndim != 1:
        what = {"label": "zeros and ones", "graph": "integers or names"}.get(column, "real numbers")
        raise InputError(f"expected {what} of shape (N,), not {given.dtype} of shape {given.shape}")
    if column == "label":
        wrong = np.flatnonzero((given != 0) & (given != 1))
        if len(wrong):
            raise InputError(f"has {given[wrong[0]]} at index {wrong[0]} where 0 or 1 was expected")
        return given.astype(np.bool_)
    return np.array(given) if column == "graph" else given.astype(np.float64)


def _column_of(content: bytes, column: Column) -> npt.NDArray[Any]:
    try:
        lines = list(numbered_rows(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except UnicodeDecodeError as error:
        raise InputError(f"not a text of columns: {error}") from None
    place, first = _place_of(lines[0][1] if lines else [], column)
    width, parse = (len(lines[0][1]) if lines else 0), _PARSERS[column]
    found = []
    for number, row in lines[first:]:
        if len(row) != width:
            raise InputError(f"line {number} has {len(row)} columns where {width} were expected")
        try:
            found.append(parse(row[place].strip()))
        except ValueError:
            raise InputError(f"line {number} has {row[place]!r:.40} where {_EXPECTED[column]} was expected") from None
    if column == "graph":
        return _numbers_or_names(found)
    return np.array(found, dtype=np.bool_ if column == "label" else np.float64)


def _place_of(row: list[str], column: Column) -> tuple[int, int]:
    """Return the place of a column among several, and the number of header lines, from the first row."""
    if not row:
        return 0, 0
    cells = [cell.strip() for cell in row]
    if column in cells or not all(_parses(cell, column) for cell in cells):
        if cells.count(column) != 1 and len(cells) > 1:
            raise InputError(f"its header has {cells!r:.80}: expected one column called {column}")
        return (cells.index(column) if column in cells else 0), 1
    if len(cells) != 1:
        raise InputError(f"has {len(cells)} columns and no header: call one of them {column}")
    return 0, 0


def _parses(cell: str, column: Column) -> bool:
    try:
        _PARSERS[column](cell)
    except ValueError:
        return False
    return True


def _label(cell: str) -> bool:
    """Return a label; ``1.0`` and ``True`` are written by pandas."""
    known = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
    if cell.lower() not in known:
        raise ValueError
    return known[cell.lower()]


def _name(cell: str) -> str:
    if not cell:
        raise ValueError
    return cell


def _numbers_or_names(found: list[str]) -> npt.NDArray[Any]:
    """Return graphs as integers where all are, else as names."""
    try:
        if all(map(is_plain, found)):
            return np.array([int(name) for name in found], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    return np.array(found, dtype=np.str_)


_PARSERS: dict[Column, Callable[[str], Any]] = {
    "score": plain_float,
    "weight": plain_float,
    "label": _label,
    "graph": _name,
}
_EXPECTED: dict[Column, str] = {
    "score": "a number",
    "weight": "a number",
    "label": "0 or 1, false or true",
    "graph": "a number or a name",
}
_READERS: dict[str, Callable[[bytes, Column], npt.NDArray[Any]]] = {
    ".npy": lambda content, column: _array_of(READERS[".npy"](content), column),
    ".npz": lambda content, column: _array_of(READERS[".npz"](content), column),
    ".csv": _column_of,
}
