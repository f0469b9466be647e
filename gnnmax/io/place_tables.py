"""Columns of places in a table: rows and columns, or intervals of a genome, by the names that programs give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.plain_numbers import plain_float

__all__ = [
    "INDEX_LAYOUTS",
    "INTERVAL_LAYOUTS",
    "Intervals",
    "intervals_of",
    "layout_in",
    "names_of",
    "numbers_of",
    "whole_numbers",
]

Texts = npt.NDArray[np.str_]
Whole = npt.NDArray[np.int64]

INDEX_LAYOUTS = (("i", "j"), ("row", "column"), ("rows", "columns"))
"""Names of row and column; the first pair that a table has is taken."""

INTERVAL_LAYOUTS = (
    ("chrom1", "start1", "end1", "chrom2", "start2", "end2"),
    ("chr1", "x1", "x2", "chr2", "y1", "y2"),
    ("BIN1_CHR", "BIN1_START", "BIN1_END", "BIN2_CHROMOSOME", "BIN2_START", "BIN2_END"),
)
"""Names of places in base pairs: BEDPE (chromosight, cooltools), Juicer, mustache."""

LARGEST = 2.0**53


class Intervals(NamedTuple):
    """Two intervals of a genome for each place.

    Attributes:
        chromosomes: Name of the chromosome of the first and of the second interval, shape ``(N,)`` each.
        middles: Base pair in the middle of each, shape ``(N,)`` each.
    """

    chromosomes: tuple[Texts, Texts]
    middles: tuple[Whole, Whole]


def layout_in(table: Mapping[str, Any], layouts: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the first names of columns that a table has all of; None if it has none of these.

    Example:
        >>> layout_in({"row": [1], "column": [2], "q": [0.1]}, INDEX_LAYOUTS)
        ('row', 'column')
    """
    return next((names for names in layouts if all(name in table for name in names)), None)


def intervals_of(
    columns: Mapping[str, npt.NDArray[Any]],
    names: tuple[str, ...],
    what: str,
    *,
    where: Callable[[int], str] = "at index {}".format,
) -> Intervals:
    """Read intervals from the six columns of a layout.

    Args:
        columns: The columns by name: numbers, or text as it comes from a file.
        names: Their names, as :data:`INTERVAL_LAYOUTS` has them.
        what: Its name in an error.
        where: Says in an error where a place stands.

    Raises:
        InputError: columns of different lengths, no whole numbers from 0 on, or an end before its start.

    Example:
        >>> table = dict(zip(INTERVAL_LAYOUTS[0], np.array([["a"], [0], [10], ["b"], [20], [30]]), strict=True))
        >>> intervals_of(table, INTERVAL_LAYOUTS[0], "the calls").middles
        (array([5]), array([25]))
    """
    if len({len(columns[name]) for name in names}) > 1:
        raise InputError(f"{what}: the columns {', '.join(names)} must have one length")
    chromosomes = [names_of(columns[names[at]], f"the chromosomes of {what}, column {names[at]}") for at in (0, 3)]
    middles = []
    for of_start, of_end in (names[1:3], names[4:6]):
        start, end = (
            whole_numbers(columns[name], f"{what}, column {name}:", where=where) for name in (of_start, of_end)
        )
        if len(wrong := np.flatnonzero(end < start)):
            raise InputError(
                f"{what}: {of_end} must not lie before {of_start}, as {where(int(wrong[0]))}: give intervals of base "
                "pairs"
            )
        middles.append((start + end) // 2)
    return Intervals((chromosomes[0], chromosomes[1]), (middles[0], middles[1]))


def names_of(column: npt.NDArray[Any], what: str) -> Texts:
    """Return numbers or names as text: 3, 3.0 and "3" are one name.

    Raises:
        InputError: it holds something else.
    """
    if column.dtype == np.object_ and all(isinstance(entry, str) for entry in column.flat):
        column = column.astype(np.str_)
    if column.dtype.kind == "f":
        column = whole_numbers(column, f"{what}:")
    if column.dtype.kind not in "iuU" or column.ndim != 1:
        raise InputError(f"{what} must be numbers or names, one for each place, not {column.dtype}")
    return column.astype(np.str_)


def numbers_of(
    column: npt.NDArray[Any], what: str, *, where: Callable[[int], str] = "at index {}".format
) -> npt.NDArray[np.float64]:
    """Return a column of numbers as float64; text is read as numbers.

    Raises:
        InputError: it holds something else; the message says where.
    """
    if column.dtype == np.object_ and all(isinstance(entry, str) for entry in column.flat):
        column = column.astype(np.str_)
    if column.ndim != 1 or column.dtype.kind not in "biufU":
        raise InputError(f"{what} must be one number for each place, not {column.dtype} of shape {column.shape}")
    if column.dtype.kind != "U":
        return column.astype(np.float64)
    found = np.empty(len(column))
    for at, text in enumerate(column.tolist()):
        try:
            found[at] = plain_float(text)
        except ValueError as error:
            raise InputError(f"{what} must be numbers: {error}, {where(at)}") from None
    return found


def whole_numbers(column: npt.NDArray[Any], what: str, *, where: Callable[[int], str] = "at index {}".format) -> Whole:
    """Return a column of whole numbers from 0 on; text is read as numbers.

    Raises:
        InputError: it holds something else, NaN too; the message says where.

    Example:
        >>> whole_numbers(np.array(["3", "4.0"]), "the rows")
        array([3, 4])
    """
    numbers = numbers_of(column, what, where=where)
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= LARGEST) & (numbers == np.floor(numbers))))
    if len(wrong):
        raise InputError(
            f"{what} {numbers[wrong[0]]:g} {where(int(wrong[0]))}: expected whole numbers from 0 on, as they index the "
            "map"
        )
    return numbers.astype(np.int64)
