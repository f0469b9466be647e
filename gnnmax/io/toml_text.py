"""TOML text, read by the standard library after a look at its nesting.

The parser of the standard library takes time and memory that grow with the square of the length of a dotted key: 40 kB
of ``a.a.a = 1`` take more than a gigabyte. Values that are nested deeply exceed its recursion limit.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from gnnmax.errors import InputError

__all__ = ["DEEPEST", "parse_toml"]

DEEPEST = 16
"""Levels of tables, arrays and parts of a dotted key; recipes and configs have at most five."""

_KEY = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_TOKEN = re.compile(
    r"""(?xs)
      \#[^\n]*+                                            # a comment
    | \"{3}(?:[^"\\]|\\.|"(?!""))*+(?:\"{3,5}|\Z)          # strings of several lines
    | '{3}(?:[^']|'(?!''))*+(?:'{3,5}|\Z)
    | (?P<key>"""
    + _KEY
    + r"""(?:[ \t]*+\.[ \t]*+"""
    + _KEY
    + r""")*+)
    | "(?:[^"\\\n]|\\.)*+                                  # a string without an end
    | '[^'\n]*+
    | (?P<opening>[\[{])
    | (?P<closing>[\]}])
    | [^\#"'\[\]{}A-Za-z0-9_-]++
    | .
    """
)
"""The tokens of TOML, as far as nesting depends on them; in linear time, because no alternative gives back text."""


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a TOML document.

    Raises:
        InputError: it is nested too deeply.
        tomllib.TOMLDecodeError: it is not TOML.
        ValueError: a number with thousands of digits.

    Example:
        >>> parse_toml("a.b = [1, 2]")
        {'a': {'b': [1, 2]}}
        >>> parse_toml("a" + ".a" * 10_000 + " = 1")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: nested too deeply, in more than 16 levels
    """
    depth = 0
    for token in _TOKEN.finditer(text):
        if token["opening"]:
            depth += 1
        elif token["closing"]:
            depth -= 1
        if depth > DEEPEST or (token["key"] and len(re.findall(_KEY, token["key"])) > DEEPEST):
            raise InputError(f"nested too deeply, in more than {DEEPEST} levels")
    return tomllib.loads(text)
