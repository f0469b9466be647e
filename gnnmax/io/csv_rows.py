"""Rows of a csv text with the numbers of their lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from gnnmax.errors import InputError

__all__ = ["numbered_rows"]


def numbered_rows(lines: Iterable[str], *, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    r"""Yield the rows that are not empty, each with the number of its first line.

    A quoted field may span several lines.

    Args:
        lines: A text file opened with ``newline=""``, or its lines.
        delimiter: Between the fields of a row.

    Raises:
        InputError: a line is not csv; the message gives its number.

    Example:
        >>> list(numbered_rows(["a,b\n", "\n", '"c\n', 'd",e\n', "f,g\n"]))
        [(1, ['a', 'b']), (3, ['c\nd', 'e']), (5, ['f', 'g'])]
    """
    reader, last = csv.reader(lines, delimiter=delimiter, strict=True), 0
    try:
        for row in reader:
            line, last = last + 1, reader.line_num
            if row:
                yield line, row
    except csv.Error as error:
        raise InputError(f"line {last + 1}: {error}") from None
