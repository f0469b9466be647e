"""Write TOML: plain dicts as text that :mod:`tomllib` reads back unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["toml_text", "toml_value"]

LINE = 110
"""Longest line of a value that stays in one line."""


def toml_text(plain: Mapping[str, Any]) -> str:
    r"""Write a dict as TOML, one line a key; a long list has one line an entry. None is left out.

    Args:
        plain: Texts, numbers, booleans, lists and dicts, nested.

    Example:
        >>> print(toml_text({"name": "x", "splits": {"train": 2}, "cuts": ["neighbours"], "kinds": None}), end="")
        name = "x"
        splits = { train = 2 }
        cuts = ["neighbours"]
    """
    return "".join(f"{_key(key)} = {_block(value)}\n" for key, value in plain.items() if value is not None)


def _block(value: Any) -> str:
    line = toml_value(value)
    if isinstance(value, (list, tuple)) and len(line) > LINE:
        return "[\n" + "".join(f"  {toml_value(entry)},\n" for entry in value) + "]"
    return line


def toml_value(value: Any) -> str:
    """Write one value as TOML, in one line.

    Example:
        >>> toml_value([1, 2.5, {"type": "spike"}])
        '[1, 2.5, { type = "spike" }]'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {toml_value(each)}" for key, each in value.items() if each is not None)
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(toml_value(each) for each in value)}]"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
