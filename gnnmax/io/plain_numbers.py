"""Numbers in text files, as every program reads them."""

from __future__ import annotations

__all__ = ["is_plain", "plain_float"]


def is_plain(text: str) -> bool:
    """Return whether a text has neither an underscore nor a character outside ASCII.

    Python reads ``1_0`` and the digits of other scripts as numbers; other programs do not.

    Example:
        >>> is_plain("1e-3"), is_plain("1_0"), is_plain("\u0661")
        (True, False, False)
    """
    return text.isascii() and "_" not in text


def plain_float(text: str) -> float:
    """Read a number that other programs read too; NaN and infinities are numbers here.

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
