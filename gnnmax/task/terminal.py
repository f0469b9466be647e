"""Text on its way to a terminal."""

from __future__ import annotations

import unicodedata

__all__ = ["visible"]

JOINERS = "\u200c\u200d"
"""Invisible, but a part of words in some scripts."""


def visible(text: str) -> str:
    r"""Write control characters as escapes: a name in a file must not move the cursor or turn text around.

    Line breaks stay.

    Example:
        >>> visible("red: \x1b[31m, turned: \u202e")
        'red: \\x1b[31m, turned: \\u202e'
    """
    return "".join(map(_visible, text)) if not text.isprintable() else text


def _visible(character: str) -> str:
    if character == "\n" or character in JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode: control, format and surrogate characters, separators of lines and of paragraphs."""
