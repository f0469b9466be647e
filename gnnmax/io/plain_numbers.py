"""Numbers in text files, as every program reads them."""

from __future__ import annotations

import math
import re

__all__ = ["exceeds_float64", "is_plain", "plain_float", "plain_int", "plain_number"]

WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)


def is_plain(text: str) -> bool:
    """Return whether a text has neither an underscore nor a character outside ASCII.

    Python reads ``1_0`` and the digits of other scripts as numbers; other programs do not.

    Example:
        >>> is_plain("1e-3"), is_plain("1_0"), is_plain("\u0661")
        (True, False, False)
    """
    return text.isascii() and "_" not in text


def exceeds_float64(text: str) -> bool:
    """Return whether a number that is written with digits would be read as infinite.

    Example:
        >>> exceeds_float64("1e400"), exceeds_float64("1e300"), exceeds_float64("-inf"), exceeds_float64("2x")
        (True, False, False, False)
    """
    try:
        return math.isinf(float(text)) and any(character.isdigit() for character in text)
    except ValueError:
        return False


def plain_float(text: str) -> float:
    """Read a number that other programs read too; NaN and infinities are numbers here, as words.

    Raises:
        ValueError: not a number, or one that only Python reads.

    Example:
        >>> plain_float(" 2.5e3")
        2500.0
        >>> plain_float("1_0")
        Traceback (most recent call last):
        ...
        ValueError: not a plain number: '1_0'
    """
    if not is_plain(text):
        raise ValueError(f"not a plain number: {text!r:.60}")
    return float(text)


def plain_int(text: str) -> int:
    """Read a whole number that other programs read too.

    Raises:
        ValueError: not a whole number, or one that only Python reads.

    Example:
        >>> plain_int("-12")
        -12
        >>> plain_int("1_0")
        Traceback (most recent call last):
        ...
        ValueError: not a plain whole number: '1_0'
    """
    if not WHOLE.fullmatch(text):
        raise ValueError(f"not a plain whole number: {text!r:.60}")
    return int(text)


def plain_number(text: str) -> float | int:
    """Read a number; a whole one that float64 would round stays whole.

    Raises:
        ValueError: as for :func:`plain_float`.

    Example:
        >>> plain_number("2"), plain_number("9007199254740993")
        (2.0, 9007199254740993)
    """
    value = plain_float(text)
    if abs(value) < 2.0**53 or not WHOLE.fullmatch(text):
        return value
    whole = int(text)
    return value if math.isfinite(value) and int(value) == whole else whole
