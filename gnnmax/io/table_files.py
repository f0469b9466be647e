"""Readers of files of arrays: .npy, .npz, .csv and .parquet, as arrays by name. None of them runs code."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files import read_npy, read_npz_arrays
from gnnmax.io.paths import as_path
from gnnmax.io.plain_numbers import plain_float
from gnnmax.io.reading import FileKind

__all__ = ["ARRAY_FILES", "UNNAMED", "read_arrays", "read_content"]

UNNAMED = ""
"""Name of the array of a file that gives it none."""

LARGEST_FILE = 2**32
"""Bytes."""

TRUTH = {"true": 1.0, "false": 0.0, "nan": math.nan, "": math.nan}
"""Words of a table that stand for numbers, in lower case; an empty field was not observed."""

Arrays = dict[str, npt.NDArray[Any]]


def read_arrays(path: str | Path) -> Arrays:
    r"""Read the arrays of a file, by name.

    Args:
        path: ``.npy``: one array without a name. ``.npz``: arrays by name, compressed or not. ``.csv``: numbers, true
            or false in columns; under a header they are columns by name, else one array ``(rows, columns)`` without a
            name. ``.parquet``: columns by name; a column of lists of one length is an array ``(rows, length)``.

    Raises:
        InputError: another ending, or an unreadable, damaged or too large file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "y.csv")
        ...     _ = file.write_text("label,graph\n1,0\nfalse,1\n")
        ...     read_arrays(file)
        {'label': array([1., 0.]), 'graph': array([0., 1.])}
    """
    file = as_path(path)
    return parse_arrays(read_content(file), file)


def read_content(path: Path) -> bytes:
    """Read the whole content of a file of arrays.

    Raises:
        InputError: another ending, or an unreadable or too large file.
    """
    if path.suffix.lower() not in ARRAY_FILES:
        raise InputError(f"a file of arrays ends in {', '.join(ARRAY_FILES)}, not in {path.suffix!r}: {path}")
    return FileKind("the arrays", LARGEST_FILE, "give the path of a file of at most 4 GiB, or import it in parts").read(
        path
    )


def parse_arrays(content: bytes, path: Path) -> Arrays:
    """Read the arrays of a file from its content, see :func:`read_arrays`."""
    try:
        return ARRAY_FILES[path.suffix.lower()](content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory: give it in parts, or use more memory") from None


def _of_csv(content: bytes) -> Arrays:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not a text of columns in UTF-8: {error}") from None
    rows = list(numbered_rows(io.StringIO(text, newline="")))
    if not rows:
        raise InputError("holds no line: expected numbers in columns")
    top = rows[0][1]
    header = [word.strip() for word in top] if any(_number(word) is None for word in top) else None
    if header is not None and (len(set(header)) < len(header) or "" in header):
        raise InputError("its header must give each column a name of its own")
    width, rows = len(top), rows if header is None else rows[1:]
    table = np.empty((len(rows), width))
    for place, (line, row) in enumerate(rows):
        if len(row) != width:
            raise InputError(f"line {line} has {len(row)} columns where {width} were expected")
        for column, word in enumerate(row):
            number = _number(word)
            if number is None:
                raise InputError(f"line {line} has {word[:40]!r} where a number was expected")
            table[place, column] = number
    return {UNNAMED: table} if header is None else {name: table[:, at] for at, name in enumerate(header)}


def _number(word: str) -> float | None:
    """Read a number, true or false; None if a word is neither."""
    word = word.strip()
    if word.lower() in TRUTH:
        return TRUTH[word.lower()]
    try:
        return plain_float(word)
    except ValueError:
        return None


def _of_parquet(content: bytes) -> Arrays:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow, which is not installed: pip install 'gnnmax[parquet]'") from None
    try:
        table = parquet.read_table(io.BytesIO(content))
        return {name: _of_column(pa, name, table[name].combine_chunks()) for name in table.column_names}
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:  # names and text are decoded on first use
        raise InputError(f"not a Parquet file, or a damaged one: {str(error).splitlines()[0][:200]}") from None


def _of_column(pa: Any, name: str, column: Any) -> npt.NDArray[Any]:
    """Convert a column to an array: numbers and text unchanged, lists of one length as rows."""
    if not (pa.types.is_fixed_size_list(column.type) or pa.types.is_list(column.type)):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    lengths = set(pa.compute.list_value_length(column).to_pylist())
    if len(lengths) > 1 or None in lengths:
        raise InputError(f"column {name!r} must hold lists of one length")
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), -1)


ARRAY_FILES: dict[str, Callable[[bytes], Arrays]] = {
    ".npy": lambda content: {UNNAMED: read_npy(content)},
    ".npz": read_npz_arrays,
    ".csv": _of_csv,
    ".parquet": _of_parquet,
}
"""Readers by the ending of the file's name."""
