"""Dense matrices in text, with or without names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files.delimited_text import comma_blocks, lines_of
from gnnmax.io.graph_files.entries import LabelledMatrix
from gnnmax.io.graph_files.refusals import rounded, unlike_float64
from gnnmax.io.graph_files.text_layout import MISSING, Layout
from gnnmax.io.plain_numbers import is_plain, plain_float

__all__ = ["read_dense"]

FIELDS = 2**19
"""Fields that are held as texts at a time."""

WHOLE = re.compile(r"[+-]?[0-9]+")

Row = tuple[int, list[str]]


def read_dense(content: bytes, layout: Layout) -> LabelledMatrix:
    r"""Read a dense matrix.

    Returns:
        The matrix, int64 if all entries are whole numbers, else float64 with NaN for entries that are missing, and the
        names of rows and columns.

    Raises:
        InputError: rows of unequal length, an entry that is no number, or whole numbers that would be rounded.

    Example:
        >>> found = read_dense(b",a,b\nx,1,2\ny,3,4\n", Layout(",", "dense", header=True, names=True))
        >>> found.matrix.tolist(), found.rows, found.columns
        ([[1, 2], [3, 4]], ('x', 'y'), ('a', 'b'))
    """
    rows = numbered_rows(lines_of(comma_blocks(content, layout.delimiter)))
    _, header = next(rows) if layout.header else (0, None)
    names: list[str] = []
    parts: list[npt.NDArray[Any]] = []
    width = None if header is None else len(header)
    while some := list(islice(rows, max(1, FIELDS // (width or SAMPLE_WIDTH)))):
        width = len(some[0][1]) if width is None else width
        for line, row in some:
            if len(row) != width:
                raise InputError(f"line {line}: expected {width} fields, as in the first row, not {len(row)}")
        if layout.names:
            names += [row.pop(0).strip() for _, row in some]
        parts.append(_numbers(some))
    if not parts:
        raise InputError("holds names and no numbers: expected rows of a matrix under its header")
    columns = None if header is None else tuple(word.strip() for word in header[int(layout.names) :])
    return _labelled(_joined(parts), tuple(names) if layout.names else None, columns)


SAMPLE_WIDTH = 64
"""Fields of a row that are expected before the first one is read."""


def _numbers(rows: Sequence[Row]) -> npt.NDArray[Any]:
    """Return the entries of some rows: whole numbers if all are, else real numbers."""
    fields = [field.strip() for _, row in rows for field in row]
    shape = (len(rows), len(rows[0][1]))
    if is_plain("".join(fields)):
        try:
            return np.fromiter(map(int, fields), np.int64, len(fields)).reshape(shape)
        except (ValueError, OverflowError):
            pass
        try:
            written = ["nan" if field.lower() in MISSING else field for field in fields]
            values = np.fromiter(map(float, written), np.float64, len(fields))
        except ValueError:
            pass
        else:
            _check_rounding(fields, values)
            return values.reshape(shape)
    for line, row in rows:
        for field in row:
            try:
                plain_float("nan" if field.strip().lower() in MISSING else field)
            except ValueError:
                raise InputError(
                    f"line {line}: expected a number as entry of the matrix, not {field[:40]!r}; a list of edges has "
                    "lines u,v,weight, or columns called source, target and weight"
                ) from None
    raise AssertionError("unreachable")


def _check_rounding(fields: Sequence[str], values: npt.NDArray[np.float64]) -> None:
    """Refuse numbers that float64 holds as other ones."""
    for place in np.flatnonzero(np.abs(values) >= 2.0**53).tolist():
        field = fields[place]
        if np.isinf(values[place]) and "inf" not in field.lower():
            raise InputError(f"the number {field[:40]} is too large for float64: scale the matrix down")
        if WHOLE.fullmatch(field) and int(field) != int(values[place]):
            raise rounded(field)


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Join the parts of a matrix in one type that holds all its numbers."""
    matrix = np.concatenate(parts)
    if matrix.dtype.kind == "f":
        for part in parts:
            if part.dtype.kind == "i" and len(bad := part[unlike_float64(part)]):
                raise rounded(bad[0])
    return matrix


def _labelled(
    matrix: npt.NDArray[Any], rows: tuple[str, ...] | None, columns: tuple[str, ...] | None
) -> LabelledMatrix:
    """Return a matrix with names; those that only count the rows and columns are left out."""
    counted = tuple(tuple(map(str, range(side))) for side in matrix.shape)
    rows, columns = rows or counted[0], columns or counted[1]
    return LabelledMatrix(matrix, None, None) if (rows, columns) == counted else LabelledMatrix(matrix, rows, columns)
