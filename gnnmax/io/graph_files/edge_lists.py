"""Lists of weighted edges in text: lines ``u,v,weight``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files.delimited_text import comma_blocks, lines_of
from gnnmax.io.graph_files.edge_ends import Ends
from gnnmax.io.graph_files.entries import Entries, first_repeated
from gnnmax.io.graph_files.refusals import first_line, rounded, unlike_float64
from gnnmax.io.plain_numbers import exceeds_float64, is_plain, plain_float

__all__ = ["read_csv"]

ROWS = 2**16
"""Rows that are held as lists at a time."""

WHOLE = re.compile(r"[+-]?[0-9]+")

Fields = Sequence[str]


def read_csv(content: bytes, delimiter: str = ",") -> Entries:
    r"""Read a list of weighted edges: lines ``u,v,weight``; the first may be a header with text as its last field.

    Nodes are numbered by increasing name if all names are whole numbers, else by first occurrence. The text is read
    block by block and becomes arrays at once: one Python object is kept for each node, none for an edge.

    Args:
        content: The file.
        delimiter: Between fields, see :func:`gnnmax.io.graph_files.delimited_text.comma_blocks`.

    Returns:
        The edges in the order of the file. Weights are int64 if all of them are whole numbers, else float64; ``nan``
        stands for an edge that was not measured, ``inf`` is infinite, as in other files.

    Raises:
        InputError: a line is wrong; the message gives its number. A whole number must fit into 64 bits, because
            rounding could make two of them equal.

    Example:
        >>> nodes, edges, weights, *_ = read_csv(b"from,to,weight\n7,3,0.5\n3,10,2\n")
        >>> nodes, edges.tolist(), weights.tolist()
        (3, [[1, 0], [0, 2]], [0.5, 2.0])
    """
    ends, weights, done = Ends(), _Weights(), 0
    try:
        for u, v, numbers in _columns(content, delimiter):
            weights.add(numbers)
            ends.add(u, v)
            done += len(u)
    except InputError:
        raise
    except (ValueError, csv.Error) as error:
        _explain(content, delimiter, done)
        raise InputError(f"not a list of edges: {first_line(error)}") from None
    if not done:
        raise InputError("holds no edge: expected lines u,v,weight")
    names, edges = ends.numbered()
    twice = first_repeated(edges[:, 0] * len(names) + edges[:, 1])
    if twice is not None:
        u, v = (names[place] for place in edges[twice[1]].tolist())
        first, second = (line for index, (line, _) in enumerate(_numbered(content, delimiter)) if index in twice)
        raise InputError(f"line {second}: the edge {u},{v} is in line {first} already")
    return Entries(len(names), edges, weights.array(), mirrored=False, names=names)


class _Weights:
    """Weights that come in parts: whole numbers as long as all are, then real numbers."""

    def __init__(self) -> None:
        self.parts: list[npt.NDArray[Any]] = []
        self.whole = True

    def add(self, numbers: Fields) -> None:
        """Read some numbers; raises ValueError if one is wrong."""
        if not is_plain("".join(numbers)):
            raise ValueError("a number that only Python reads")
        if self.whole:
            try:
                self.parts.append(np.fromiter(map(int, numbers), np.int64, len(numbers)))
                return
            except (ValueError, OverflowError):
                self.whole = False
        values = np.fromiter(map(float, numbers), np.float64, len(numbers))
        large = [i for i in np.flatnonzero(~(np.abs(values) < 2.0**53)).tolist() if WHOLE.fullmatch(numbers[i])]
        if any(abs(values[index]) >= 2.0**63 for index in large) or any(
            exceeds_float64(numbers[index]) for index in np.flatnonzero(np.isinf(values)).tolist()
        ):
            raise ValueError("a number that is too large")
        if wrong := [numbers[index] for index in large if int(numbers[index]) != int(values[index])]:
            raise rounded(wrong[0])
        self.parts.append(values)

    def array(self) -> npt.NDArray[Any]:
        """Return all weights; whole numbers become float64 beside real ones.

        Raises:
            InputError: float64 does not hold one of these whole numbers.
        """
        found = np.concatenate(self.parts)
        for part in self.parts if not self.whole else []:
            if part.dtype.kind == "i" and len(bad := part[unlike_float64(part)]):
                raise rounded(bad[0])
        return found


def _columns(content: bytes, delimiter: str) -> Iterator[tuple[Fields, Fields, Fields]]:
    """Yield the three columns of some lines at a time, without empty lines and the header.

    A block without quotes is split; from the first quote on, the reader of csv is needed. Raises ValueError or
    csv.Error if a line is wrong.
    """
    _, first = next(numbered_rows(lines_of(comma_blocks(content, delimiter))), (0, []))
    header = _is_header(first)
    blocks = comma_blocks(content, delimiter)
    for block in blocks:
        text = block.replace("\r\n", "\n")
        if '"' in text or "\r" in text:
            rows = csv.reader(lines_of(chain([block], blocks)), strict=True)
            yield from _by_rows(islice(filter(None, rows), int(header), None))
            return
        if header and (text := text.lstrip("\n")):
            text, header = text.partition("\n")[2], False
        yield from _split(text if text.endswith("\n") else f"{text}\n")


def _split(text: str) -> Iterator[tuple[Fields, Fields, Fields]]:
    """Yield the columns of a block without quotes."""
    fields, lines = text.replace("\n", "\n,").split(","), text.count("\n")
    fields.pop()
    u, v, numbers = fields[0::3], fields[1::3], fields[2::3]
    if len(fields) == 3 * lines and "".join(numbers).count("\n") == lines:  # so every third field ends a line
        yield _checked(u), _checked(v), _stripped(numbers)
    else:
        yield from _by_rows(csv.reader(io.StringIO(text, newline=""), strict=True))


def _by_rows(rows: Iterator[list[str]]) -> Iterator[tuple[Fields, Fields, Fields]]:
    """Yield the columns of rows, some rows at a time."""
    while some := list(islice(rows, ROWS)):
        filled = [row for row in some if row]
        if any(len(row) != 3 for row in filled):
            raise ValueError("a line that has not three fields")
        if filled:
            u, v, numbers = zip(*filled, strict=True)
            yield _checked(u), _checked(v), _stripped(numbers)


def _stripped(fields: Fields) -> Fields:
    return list(map(str.strip, fields))


def _checked(names: Fields) -> Fields:
    """Return names without blanks around them; raises ValueError if one is empty."""
    stripped = _stripped(names)
    if not all(stripped):
        raise ValueError("a name that is empty")
    return stripped


def _numbered(content: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield edges one by one, each with the number of its line: slow, for messages."""
    rows = numbered_rows(lines_of(comma_blocks(content, delimiter)))
    for place, (line, row) in enumerate(rows):
        if place or not _is_header(row):
            yield line, row


def _explain(content: bytes, delimiter: str, done: int) -> None:
    """Raise the error of the first wrong line after ``done`` right ones."""
    for line, row in islice(_numbered(content, delimiter), done, None):
        if len(row) != 3:
            hint = ": give each edge a weight, such as 1" if len(row) == 2 else ""
            raise InputError(f"line {line}: expected u,v,weight, not {len(row)} fields{hint}")
        u, v, number = (field.strip() for field in row)
        if exceeds_float64(number):
            raise InputError(f"line {line}: the weight {number[:40]} is too large for float64: scale all weights down")
        try:
            weight = plain_float(number)
        except ValueError:
            raise InputError(f"line {line}: expected a number as weight, not {number[:40]!r}") from None
        if not u or not v:
            raise InputError(f"line {line}: expected two names and a weight, not {','.join(row)[:80]!r}")
        if WHOLE.fullmatch(number) and not -(2**63) <= int(number) < 2**63:
            raise InputError(
                f"line {line}: the whole number {number[:40]} does not fit into 64 bits: write {weight:g} to have it "
                "rounded"
            )


def _is_header(row: list[str]) -> bool:
    word = row[-1].strip().lower() if row else ""
    is_word = re.fullmatch(r"[^\W\d]+", word) is not None and word not in ("nan", "inf", "infinity")
    return len(row) == 3 and is_word
