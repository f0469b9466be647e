"""Refusals that all readers share: the errors of foreign parsers, and sizes that a file cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError

__all__ = [
    "ALLOWED_SIDES",
    "CUT_OFF",
    "check_sides",
    "first_line",
    "refusing",
    "remedy_of_count",
    "rounded",
    "unlike_float64",
]

CUT_OFF = "a part is missing: copy the file again"
"""What to do about a file that ends too early."""

ALLOWED_SIDES = 2**22
"""Rows and columns together that a file of any size may state: nodes without edges are legal."""

SIDES_PER_BYTE = 8
"""Further rows and columns for each byte of the file."""


@contextmanager
def refusing(kind: str) -> Iterator[None]:
    """Refuse content in one line if a parser fails: on damaged files foreign parsers raise exceptions of any type.

    ``MemoryError`` passes: it says something about the machine, not about the content.

    Args:
        kind: The expected content, for the message.

    Raises:
        InputError: the parser raised an exception.

    Example:
        >>> with refusing("a whole number"):
        ...     int("x")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: not a whole number: invalid literal for int() with base 10: 'x'
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"not {kind}: {first_line(error)}") from None


def check_sides(rows: int, columns: int, size: int) -> None:
    """Refuse a sparse matrix with more rows and columns than a file of its size can sensibly have.

    Compressed rows and columns take memory for every row and column, used or not.

    Args:
        rows: The stated number of rows.
        columns: The stated number of columns.
        size: Bytes of the file.

    Raises:
        InputError: too many, or a negative number.

    Example:
        >>> check_sides(1_000_000, 1_000_000, 100)
        >>> check_sides(10**9, 3, 100)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: states 1000000000 x 3 entries in a file of 100 bytes: number rows and columns ...
    """
    if min(rows, columns) < 0 or rows + columns > ALLOWED_SIDES + SIDES_PER_BYTE * size:
        raise InputError(
            f"states {rows} x {columns} entries in a file of {size} bytes: number rows and columns that have entries "
            "without gaps; a file that was cut off needs another copy"
        )


def remedy_of_count(found: int, stated: int) -> str:
    """Say what to do about a file that holds less or more than it states.

    Example:
        >>> remedy_of_count(3, 5), remedy_of_count(5, 3)
        ('a part is missing: copy the file again', 'it holds more than it states: correct or write it again')
    """
    return CUT_OFF if found < stated else "it holds more than it states: correct or write it again"


def rounded(number: object) -> InputError:
    """Make the error for a whole number that float64, which the numbers beside it need, would round."""
    return InputError(
        f"the whole number {number!s:.40} would be rounded beside real or missing numbers, and may then equal another: "
        "round it yourself, or make all numbers whole"
    )


def unlike_float64(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which whole numbers float64 does not hold.

    Example:
        >>> unlike_float64(np.array([3, 2**53, 2**53 + 1, 2**63 - 1])).tolist()
        [False, False, True, True]
    """
    values = numbers.astype(np.float64)
    fits = values < 2.0**63
    changed: npt.NDArray[np.bool_] = np.where(fits, values, 0).astype(np.int64) != numbers
    return ~fits | changed


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, shortened; its type if it has none.

    Example:
        >>> first_line(KeyError())
        'KeyError'
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
