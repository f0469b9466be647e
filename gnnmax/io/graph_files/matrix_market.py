"""Matrix Market files, sparse or dense.

They are not read by scipy: its reader ends the process on some damaged files (a number that breaks off, as in ``2E``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.graph_files.refusals import CUT_OFF, check_sides, remedy_of_count
from gnnmax.io.graph_files.text_blocks import text_blocks
from gnnmax.io.plain_numbers import exceeds_float64, is_plain

__all__ = ["read_mtx"]

BANNER = re.compile(rb"%%MatrixMarket[ \t]+matrix[ \t]+(\w+)[ \t]+([\w-]+)[ \t]+([\w-]+)\s*", flags=re.IGNORECASE)
LAYOUTS = {"coordinate": 3, "array": 2}
"""Whole numbers in the line of sizes, by layout."""

FIELDS: dict[str, Any] = {
    "real": np.float64, "double": np.float64, "integer": np.int64, "unsigned-integer": np.uint64, "pattern": np.float64,
}  # fmt: skip
SYMMETRIES = ("general", "symmetric", "skew-symmetric")

Numbers = npt.NDArray[Any]


class _Head(NamedTuple):
    """What the lines before the entries say; ``start`` is the position of the first entry, ``line`` its line."""

    layout: str
    field: str
    symmetry: str
    sizes: tuple[int, ...]
    start: int
    line: int


def read_mtx(content: bytes) -> Any:
    r"""Read a Matrix Market file, sparse or dense.

    Returns:
        A scipy sparse array, or a dense array; integers as int64, patterns as ones.

    Raises:
        InputError: not the format, complex numbers, another number of entries than stated, or more than the file can
            hold.

    References:
        Boisvert, Pozo, Remington, "The Matrix Market exchange formats: initial design", NISTIR 5935, 1996.

    Example:
        >>> text = b"%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 3.5\n"
        >>> read_mtx(text).toarray().tolist()
        [[0.0, 3.5], [3.5, 0.0]]
    """
    head = _head(content)
    rows, columns = head.sizes[:2]
    check_sides(rows, columns, len(content))
    if head.symmetry != "general" and rows != columns:
        raise InputError(f"states a {head.symmetry} matrix of {rows} x {columns} entries, not a square one")
    return _coordinates(content, head) if head.layout == "coordinate" else _array(content, head)


def _head(content: bytes) -> _Head:
    """Read the lines before the entries."""
    start = content.find(b"\n") + 1 or len(content)
    banner = BANNER.fullmatch(content[:start])
    if banner is None:
        raise InputError("not a Matrix Market file: expected a first line %%MatrixMarket matrix ...")
    text, line = b"%", 1
    while text.startswith(b"%") or not text.strip():
        if start >= len(content):
            raise InputError("not a Matrix Market file: it ends before the line of sizes")
        end = content.find(b"\n", start) + 1 or len(content)
        text, start, line = content[start:end], end, line + 1
    layout, field, symmetry = (word.decode().lower() for word in banner.groups())
    if layout not in LAYOUTS or symmetry not in (*SYMMETRIES, "hermitian"):
        raise InputError(f"not a Matrix Market file: it says {layout} {field} {symmetry}")
    if field not in FIELDS or symmetry not in SYMMETRIES or (layout == "array" and field == "pattern"):
        raise InputError(f"holds {field} {symmetry} entries: weights must be real numbers")
    words = text.split()
    if len(words) != LAYOUTS[layout] or not all(re.fullmatch(rb"[0-9]{1,18}", word) for word in words):
        raise InputError(f"line {line}: expected {LAYOUTS[layout]} sizes, not {text[:40]!r}")
    return _Head(layout, field, symmetry, tuple(map(int, words)), start, line + 1)


def _coordinates(content: bytes, head: _Head) -> Any:
    from scipy.sparse import coo_array

    rows, columns, entries = head.sizes
    width = 2 if head.field == "pattern" else 3
    _check_count(content, head, entries, shortest=2 * width)
    parts = list(_parts(content, head, width)) or [_numbers("", head, width)]
    row, column, *values = (np.concatenate(part) for part in zip(*parts, strict=True))
    value = values[0] if values else np.ones(len(row))
    if len(row) != entries:
        raise InputError(f"states {entries} entries and has {len(row)}: {remedy_of_count(len(row), entries)}")
    for places, below in ((row, rows), (column, columns)):
        if len(places) and not 1 <= places.min() <= places.max() <= below:
            raise InputError(f"an entry lies outside {rows} x {columns}: places are counted from 1")
    row, column = row - 1, column - 1
    if head.symmetry != "general":
        off = np.flatnonzero(row != column)
        row, column = np.concatenate([row, column[off]]), np.concatenate([column, row[off]])
        value = np.concatenate([value, -value[off] if head.symmetry == "skew-symmetric" else value[off]])
    return coo_array((value, (row, column)), shape=(rows, columns))


def _array(content: bytes, head: _Head) -> Numbers:
    rows, columns = head.sizes
    if head.symmetry == "general":
        entries = rows * columns
    else:
        entries = rows * (rows + 1) // 2 - (rows if head.symmetry == "skew-symmetric" else 0)
    _check_count(content, head, entries, shortest=2)
    values = np.concatenate([part for (part,) in _parts(content, head, 1)] or _numbers("", head, 1))
    if len(values) != entries:
        raise InputError(f"states {entries} entries and has {len(values)}: {remedy_of_count(len(values), entries)}")
    if head.symmetry == "general":
        return values.reshape(columns, rows).T
    matrix = np.zeros((rows, columns), dtype=values.dtype)
    upper = np.triu_indices(rows, 1 if head.symmetry == "skew-symmetric" else 0)  # by columns of the lower half
    matrix.T[upper] = values
    matrix[upper] = -values if head.symmetry == "skew-symmetric" else values
    return matrix


def _check_count(content: bytes, head: _Head, entries: int, shortest: int) -> None:
    """Refuse more entries than the rest of the file can hold, of ``shortest`` bytes each with their separators."""
    if entries * shortest > len(content) - head.start + 1:
        raise InputError(f"states {entries} entries, more than it can hold: {CUT_OFF}")


def _parts(content: bytes, head: _Head, width: int) -> Iterator[list[Numbers]]:
    """Yield the columns of the entries as numbers, some lines at a time."""
    line = head.line
    for text in text_blocks(content, head.start):
        try:
            yield _numbers(text, head, width)
        except (ValueError, OverflowError):
            expected = ("one number", "row and column", "row, column and value")[width - 1]
            offset, wrong = next(found for found in enumerate(text.split("\n")) if not _is_right(found[1], head, width))
            raise InputError(f"line {line + offset}: expected {expected}, not {wrong.strip()[:60]!r}") from None
        line += text.count("\n")


def _numbers(text: str, head: _Head, width: int) -> list[Numbers]:
    """Convert lines of ``width`` words to columns; raises ValueError or OverflowError."""
    if not is_plain(text):
        raise ValueError("a number that only Python reads")
    lines = re.sub(r"\n\s*\n", "\n", text.strip())
    words = f"{lines}\n".replace("\n", " ; ").split() if lines else []
    count, rest = divmod(len(words), width + 1)
    if rest or words[width :: width + 1] != [";"] * count or ";" in text:
        raise ValueError("a line with another number of words")
    types = (np.int64, np.int64, FIELDS[head.field])[:width] if width > 1 else (FIELDS[head.field],)
    found = [
        np.fromiter(map(float if kind is np.float64 else int, words[place :: width + 1]), kind, count)
        for place, kind in enumerate(types)
    ]
    if any(exceeds_float64(words[width - 1 :: width + 1][at]) for at in np.flatnonzero(np.isinf(found[-1])).tolist()):
        raise ValueError("a number beyond float64")
    return found


def _is_right(line: str, head: _Head, width: int) -> bool:
    try:
        _numbers(line, head, width)
    except (ValueError, OverflowError):
        return False
    return True
