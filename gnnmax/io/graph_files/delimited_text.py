"""Tables in text with any of the usual delimiters, as blocks of comma-separated lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain

from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.graph_files.text_blocks import text_blocks
from gnnmax.io.plain_numbers import plain_float

__all__ = ["BLANKS", "comma_blocks", "fields_of", "lines_of", "without_comments"]

BLANKS = " "
"""The delimiter that stands for any number of blanks and tabs; the others are single characters."""

MARKS = ("#", "%")
"""First characters of a comment."""


def comma_blocks(content: bytes, delimiter: str) -> Iterator[str]:
    r"""Yield a table in blocks of comma-separated lines; comments become empty lines, so that lines keep their numbers.

    Raises:
        InputError: text that is not in UTF-8, a line that is too long, or one that is no csv.

    Example:
        >>> list(comma_blocks(b"# nodes, weight\na  b 1\nb c\t2\n", BLANKS))
        ['\na,b,1\nb,c,2\n']
    """
    blocks = (without_comments(text, delimiter) for text in text_blocks(content))
    for text in blocks:
        quoted = '"' in text or "," in text
        if delimiter == ",":
            yield text
        elif delimiter == BLANKS:
            lines = (fields_of(line, delimiter) for line in text.splitlines())
            yield "".join(f"{_row(fields) if quoted else ','.join(fields)}\n" for fields in lines)
        elif not quoted:
            yield text.replace(delimiter, ",")
        else:  # a quoted field may reach into the next block
            yield from _requoted(chain([text], blocks), delimiter)


def lines_of(blocks: Iterator[str]) -> Iterator[str]:
    """Yield the lines of blocks, with their ends."""
    return chain.from_iterable(io.StringIO(text, newline="") for text in blocks)


def fields_of(line: str, delimiter: str) -> list[str]:
    """Split a line without quotes into its fields."""
    return line.split() if delimiter == BLANKS else line.split(delimiter)


def without_comments(text: str, delimiter: str) -> str:
    r"""Return a text whose comments, and lines of blanks alone, are empty lines.

    A comment begins with ``#`` or ``%``, and is no row: a row with a name that begins so has no blank after the mark,
    at least three fields, and a number as its last one. In a text with quotes, which may span lines, comments come
    before the first row only.

    Example:
        >>> without_comments("# by me\n#cats,#dogs,3\n", ",")
        '\n#cats,#dogs,3\n'
    """
    if '"' not in text and (text.startswith(" ") or "\n " in text or "\r " in text):
        text = re.sub(r"(?:^|(?<=[\n\r])) +(?=[\n\r]|$)", "", text)
    if not (text.startswith(MARKS) or re.search(r"[\n\r][#%]", text)):
        return text
    lines, head_only = text.splitlines(keepends=True), '"' in text
    for number, line in enumerate(lines):
        if _is_comment(line, delimiter):
            lines[number] = line[len(line.rstrip("\r\n")) :]
        elif head_only and line.strip():
            break
    return "".join(lines)


def _is_comment(line: str, delimiter: str) -> bool:
    if not line.startswith(MARKS):
        return False
    fields = fields_of(line.strip(), delimiter)
    try:
        plain_float(fields[-1])
    except ValueError:
        return True
    return len(fields) < 3 or line[1:2].isspace()


def _row(fields: list[str]) -> str:
    """Return fields as one line of csv."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(fields)  # quotes a field with a line end only because of this
    return text.getvalue().removesuffix("\n")


def _requoted(blocks: Iterator[str], delimiter: str) -> Iterator[str]:
    """Yield the rows of csv with another delimiter as csv with commas, each in its line."""
    written = 1
    for line, row in numbered_rows(lines_of(blocks), delimiter=delimiter):
        text = _row(row) + "\n"
        yield "\n" * (line - written) + text
        written = line + text.count("\n")
