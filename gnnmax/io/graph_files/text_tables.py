"""Graphs and matrices in text: lists of edges, edges in named columns, and dense matrices."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files.delimited_text import BLANKS, comma_blocks, lines_of, without_comments
from gnnmax.io.graph_files.dense_text import read_dense
from gnnmax.io.graph_files.edge_lists import read_csv
from gnnmax.io.graph_files.entries import Entries, LabelledMatrix
from gnnmax.io.graph_files.graph_edges import weights_of
from gnnmax.io.graph_files.text_blocks import text_blocks
from gnnmax.io.graph_files.text_layout import Form, delimiter_of, layout_of

__all__ = ["read_edge_columns", "read_text"]

AMBIGUOUS = "lines of three whole numbers: read as a list of edges; --format dense reads a matrix of three columns"
"""The note of a table that may be a matrix."""

LONGEST = 10_000
"""Characters of the attributes of an edge."""


def read_text(content: bytes, weight: str | None = None, form: Form | None = None) -> Entries | LabelledMatrix:
    r"""Read a graph or a matrix in text.

    Args:
        content: The file: lines u,v,weight; edges with attributes, as networkx writes them; edges in columns by name;
            or a dense matrix, with or without names. Fields are separated by commas, semicolons, tabs or blanks; lines
            that begin with ``#`` or ``%`` are comments.
        weight: The column or the attribute that holds the weights of edges; None takes ``weight``.
        form: What the text is said to hold; None finds it out.

    Raises:
        InputError: a line is wrong; the message gives its number.

    Example:
        >>> read_text(b"a b {'weight': 3}\nb c {'weight': 2.5}\n").weights.tolist()
        [3.0, 2.5]
        >>> read_text(b",a,b\na,0,1\nb,1,0\n").columns
        ('a', 'b')
    """
    layout = layout_of(content, weight, form)
    if layout.kind == "attributes":
        return read_csv(_without_attributes(content, weight))
    if layout.columns is not None:
        return read_edge_columns(content, layout.columns, layout.delimiter)
    if layout.kind == "dense":
        return read_dense(content, layout)
    return read_csv(content, layout.delimiter)._replace(note=AMBIGUOUS if layout.ambiguous else "")


def read_edge_columns(content: bytes, columns: tuple[str, str, str], delimiter: str | None = None) -> Entries:
    r"""Read a list of weighted edges from chosen columns of a table with a header.

    Args:
        content: The file.
        columns: Both ends of an edge, and its weight.
        delimiter: Between fields; None finds it out.

    Raises:
        InputError: not such a table, or a weight that is no number; the message gives the line.

    Example:
        >>> found = read_edge_columns(b"id,to,score,from\n1,b,0.5,a\n2,c,2,b\n", ("from", "to", "score"))
        >>> found.names, found.weights.tolist()
        (('a', 'b', 'c'), [0.5, 2.0])
    """
    delimiter = delimiter_of(content) if delimiter is None else delimiter
    rows = numbered_rows(lines_of(comma_blocks(content, delimiter)))
    _, header = next(rows, (0, []))
    header = [word.strip() for word in header]
    for name in columns:
        if header.count(name) != 1:
            raise unknown_name("column", name, header)
    places = [header.index(name) for name in columns]
    return read_csv(_written(_chosen(rows, len(header), places)))


def _chosen(
    rows: Iterator[tuple[int, list[str]]], width: int, places: Sequence[int]
) -> Iterator[tuple[int, list[str]]]:
    """Yield some columns of a table under a header."""
    yield 1, ["source", "target", "weight"]
    for line, row in rows:
        if len(row) != width:
            raise InputError(f"line {line}: expected {width} fields, not {len(row)}")
        yield line, [row[place] for place in places]


def _written(rows: Iterator[tuple[int, list[str]]]) -> bytes:
    """Return edges as csv, each in its line, for messages."""
    text, written = io.StringIO(newline=""), 0
    writer = csv.writer(text, lineterminator="\n")
    for line, row in rows:
        text.write("\n" * (line - written - 1))
        writer.writerow(row)
        written = line
    return text.getvalue().encode()


def _without_attributes(content: bytes, weight: str | None) -> bytes:
    """Return edges with a dict of attributes as lines u,v,weight."""
    numbers: list[int] = []
    edges: list[tuple[str, str, dict[str, Any]]] = []
    lines = lines_of(without_comments(text, BLANKS) for text in text_blocks(content))
    for number, line in enumerate(lines, 1):
        if fields := line.split(None, 2):
            numbers.append(number)
            edges.append(_edge(number, fields))
    weights = weights_of(edges, weight)
    values = (weights.astype(np.int64) if weights.dtype == np.bool_ else weights).tolist()
    rows = ([u, v, repr(value)] for (u, v, _), value in zip(edges, values, strict=True))
    return _written(zip(numbers, rows, strict=True))


def _edge(line: int, fields: list[str]) -> tuple[str, str, dict[str, Any]]:
    """Return the two ends of an edge, and its attributes."""
    try:
        u, v, text = fields
        data = ast.literal_eval(text) if len(text) <= LONGEST else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise InputError(f"line {line}: expected two names and a dict of attributes, not {' '.join(fields)[:80]!r}")
    return u, v, data
