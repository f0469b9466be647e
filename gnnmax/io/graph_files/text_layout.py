"""What a table in text holds: a list of edges or a dense matrix, with which delimiter, header and names."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Literal, NamedTuple

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.graph_files.delimited_text import BLANKS, fields_of, without_comments
from gnnmax.io.graph_files.text_blocks import text_blocks
from gnnmax.io.plain_numbers import plain_float

__all__ = ["ENDS", "MISSING", "Form", "Layout", "delimiter_of", "layout_of"]

Form = Literal["edges", "dense"]
"""What a table in text may be said to hold: a list of edges, or a dense matrix."""

SAMPLE = 20
"""Rows that decide."""

DELIMITERS = ("\t", ";", ",", BLANKS)
"""In the order in which they are tried."""

ENDS = (
    ("source", "target"), ("from", "to"), ("u", "v"), ("node1", "node2"), ("i", "j"), ("row", "column"), ("row", "col"),
)  # fmt: skip
"""Names of columns that hold the two ends of an edge, in lower case."""

MISSING = frozenset({"", "na", "nan", "n/a", "<na>", "null", "none", "-nan", "+nan"})
"""Entries of a matrix that were not measured, in lower case."""

DICTS = re.compile(r"\s*\S+\s+\S+\s+\{.*\}\s*")
"""An edge as networkx writes it, with its attributes."""

WHOLE = re.compile(r"[+-]?[0-9]+")

COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)+([eE][+-]?[0-9]+)?")
"""A number with a decimal comma, or with commas between thousands."""


class Layout(NamedTuple):
    """The layout of a table in text.

    Attributes:
        delimiter: Between fields; a blank stands for any number of blanks and tabs.
        kind: ``edges``: lines u,v,weight. ``attributes``: edges with a dict of attributes. ``columns``: edges in
            columns by name. ``dense``: a matrix.
        columns: For ``columns``: both ends of an edge and its weight.
        header: For ``dense``: whether the first row holds the names of the columns.
        names: For ``dense``: whether the first column holds the names of the rows.
        ambiguous: For ``edges``: whether the first rows may be those of a dense matrix too.
    """

    delimiter: str
    kind: Literal["edges", "attributes", "columns", "dense"]
    columns: tuple[str, str, str] | None = None
    header: bool = False
    names: bool = False
    ambiguous: bool = False


def delimiter_of(content: bytes) -> str:
    """Return the delimiter of a table: the first one that splits the first rows into equally many fields, 3 or more."""
    return _split(_head(content))[0]


def layout_of(content: bytes, weight: str | None = None, form: Form | None = None) -> Layout:
    r"""Find out the layout of a table from its first rows.

    Args:
        content: The file.
        weight: The column, or the attribute, that holds the weights of edges.
        form: What it is said to hold; None: what its first rows show, see the documentation of detection.

    Raises:
        InputError: no such column, several columns that may hold the weights, or numbers with decimal commas.

    Example:
        >>> layout_of(b"a;b;1\nb;c;2\n")
        Layout(delimiter=';', kind='edges', columns=None, header=False, names=False, ambiguous=False)
        >>> layout_of(b"0 1 2\n1 0 3.5\n2 3.5 0\n").kind
        'dense'
    """
    head = _head(content)
    lines = [line for line in head.splitlines() if line.strip()][:SAMPLE]
    if lines and all(map(DICTS.fullmatch, lines)) and form != "dense":
        return Layout(BLANKS, "attributes")
    _check_decimal_commas(head)
    delimiter, rows = _split(head)
    if form == "dense":
        return _dense(content, delimiter, rows)
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 3
    columns = _columns(rows[0], weight) if rows and width >= 3 else None
    if columns is not None:
        plain = [field.strip() for field in rows[0]] == list(columns) and columns[2].isalpha()
        return Layout(delimiter, "edges") if plain else Layout(delimiter, "columns", columns)
    if weight is not None:
        words = [word.strip() for word in rows[0]] if rows else []
        if width != 3 or words[-1] != weight:
            raise InputError(f"has no column {weight!r:.60} beside the two ends of an edge, as source and target")
        return Layout(delimiter, "columns", (words[0], words[1], words[2]))
    rows = [row for row in rows if len(row) == width]
    edges = any(len(row) == 3 for row in rows) and not _is_dense(rows)
    if form == "edges" or edges or len(rows[0] if rows else ()) < 3:
        return Layout(delimiter, "edges", ambiguous=form is None and bool(rows) and _are_whole(rows))
    return _dense(content, delimiter, rows)


def _dense(content: bytes, delimiter: str, rows: Sequence[Sequence[str]]) -> Layout:
    """Return the layout of a dense matrix with such first rows."""
    header = bool(rows) and (_is_header(rows) or _counts_columns(content, rows))
    return Layout(delimiter, "dense", header=header, names=bool(rows) and _has_names(rows, header=header))


def _are_whole(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all rows, perhaps under a header, hold three whole numbers."""
    body = rows if _are_numbers(rows[0]) else rows[1:]
    return bool(body) and all(len(row) == 3 and all(WHOLE.fullmatch(field.strip()) for field in row) for row in body)


def _check_decimal_commas(head: str) -> None:
    """Refuse numbers with commas between other delimiters: a comma would be read as one, or as that of thousands."""
    for delimiter in DELIMITERS:
        rows = _rows(head, delimiter) if delimiter != "," else []
        for body in (rows, rows[1:]):
            commas = [field.strip() for row in body for field in row if COMMA.fullmatch(field.strip())]
            if commas and all(len(row) > 1 and _are_numbers([COMMA.sub("0", f.strip()) for f in row]) for row in body):
                raise InputError(
                    f"has numbers with commas, such as {commas[0]:.40}: write decimal points, and no commas between "
                    "thousands, as in DataFrame.to_csv(decimal='.')"
                )


def _head(content: bytes) -> str:
    return next(text_blocks(content), "")


def _split(head: str) -> tuple[str, list[list[str]]]:
    """Return the delimiter and the first rows."""
    tried = {delimiter: _rows(head, delimiter) for delimiter in DELIMITERS}
    for delimiter, rows in tried.items():
        if rows and len(rows[0]) >= 3 and len(set(map(len, rows))) == 1:
            return delimiter, rows
    for delimiter, rows in tried.items():
        if rows and Counter(map(len, rows)).most_common(1)[0][0] >= 3:
            return delimiter, rows
    return next((one for one in tried.items() if one[1] and min(map(len, one[1])) == 2), (",", tried[","]))


def _rows(head: str, delimiter: str) -> list[list[str]]:
    """Return the first rows of a text; none if it is not csv."""
    text = without_comments(head, delimiter)
    if delimiter == BLANKS:
        return [fields for line in islice(filter(str.strip, text.splitlines()), SAMPLE) if (fields := line.split())]
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return list(islice((row for row in rows if row), SAMPLE))
    except csv.Error:
        return [fields_of(line, delimiter) for line in islice(filter(str.strip, text.splitlines()), SAMPLE)]


def _columns(header: Sequence[str], weight: str | None) -> tuple[str, str, str] | None:
    """Return the columns of both ends and of the weight; None if the header does not name the ends."""
    words = [word.strip() for word in header]
    lower = [word.lower() for word in words]
    ends = next(((lower.index(u), lower.index(v)) for u, v in ENDS if u in lower and v in lower), None)
    if ends is None:
        return None
    u, v = (words[place] for place in ends)
    others = [word for place, word in enumerate(words) if place not in ends and word]
    if others and _are_numbers(others):  # nodes are called so
        return None
    if weight is not None:
        if weight not in words:
            raise unknown_name("column", weight, words)
        return u, v, weight
    weights = [word for word in others if word.lower() == "weight"] or others
    if len(weights) != 1:
        names = ", ".join(others) or "no other column"
        raise InputError(f"the weights of its edges may be in {names:.200}: name their column, as in --weight NAME")
    return u, v, weights[0]


def _is_dense(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether rows of three fields are a matrix.

    The names of nodes are no decimal numbers, and a list has no header with an empty corner. Three rows that are
    symmetric are a matrix if a list of edges would repeat one.
    """
    if not rows[0][0].strip() and not any(_are_numbers([field]) for field in rows[0][1:]):
        return True
    numbers = rows if _are_numbers(rows[0]) else rows[1:]
    if not numbers or not all(map(_are_numbers, numbers)):
        return False
    values = [[_number(field) for field in row] for row in numbers]
    ends = [field.strip() for row in numbers for field in row[:2]]
    if any(_number(end) is not None and not WHOLE.fullmatch(end) for end in ends):
        return True
    symmetric = len(values) == 3 and values == [list(column) for column in zip(*values, strict=True)]
    return symmetric and len({frozenset(row[:2]) for row in values}) < 3


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns: by a text, or as rising whole numbers beside an empty corner."""
    first = rows[0]
    if not _are_numbers(first[1:]):
        return True
    column = [row[0] for row in rows[1:]]
    return not first[0].strip() and _rise(first[1:]) and (_rise(column) or not _are_numbers(column))


def _counts_columns(content: bytes, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row numbers the columns from 0 on, as pandas writes it without an index.

    It may be a row of the matrix too. It is none if the other rows alone are a square, or if none of their numbers is
    written as a whole one.
    """
    first, others = [field.strip() for field in rows[0]], rows[1:]
    if len(first) < 3 or first != list(map(str, range(len(first)))) or not others:
        return False
    if not any(WHOLE.fullmatch(field.strip()) for row in others for field in row):
        return True
    lines = sum(1 for line in content.splitlines() if line.strip() and not line.lstrip().startswith((b"#", b"%")))
    return lines == len(first) + 1


def _has_names(rows: Sequence[Sequence[str]], *, header: bool) -> bool:
    """Return whether the first column names the rows."""
    column = [row[0] for row in rows[int(header) :]]
    if not _are_numbers(column):
        return True
    corner = rows[0][0].strip() if header else None
    return corner == "" or (header and [field.strip() for field in rows[0][1:]] == column)


def _number(field: str) -> float | None:
    """Return a number; None if it is missing. Raises ValueError."""
    return None if field.strip().lower() in MISSING else plain_float(field)


def _are_numbers(fields: Sequence[str]) -> bool:
    """Return whether all fields are numbers, or missing."""
    try:
        for field in fields:
            _number(field)
    except ValueError:
        return False
    return True


def _rise(fields: Sequence[str]) -> bool:
    """Return whether fields are rising whole numbers."""
    if not all(WHOLE.fullmatch(field.strip()) for field in fields):
        return False
    return all(before < after for before, after in pairwise(map(int, fields)))
