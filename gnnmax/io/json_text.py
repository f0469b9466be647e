"""JSON of any real number: what the format cannot write is written by a rule, not refused at the end of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import numpy as np

from gnnmax.errors import InputError

__all__ = ["json_text", "made_from_json"]

Made = TypeVar("Made")


def json_text(content: Any) -> str:
    """Write plain values and numbers of numpy as JSON.

    JSON has no infinity: it becomes the text ``"Infinity"`` or ``"-Infinity"``, as in the JSON of Protocol Buffers; NaN
    becomes null. Extended precision is rounded to float64.

    Args:
        content: Plain values: dicts, lists, tuples, text, numbers, booleans and None.

    Example:
        >>> json_text({"value": np.longdouble("inf"), "margin": float("nan")}).split()
        ['{', '"value":', '"Infinity",', '"margin":', 'null', '}']
    """
    try:
        return json.dumps(content, indent=1, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(_plain(content), indent=1, allow_nan=False)


def made_from_json(text: str | bytes, make: Callable[[dict[str, Any]], Made], title: str) -> Made:
    """Read a JSON object, and make of it what it was written from.

    Args:
        text: The JSON.
        make: Makes it from plain values; it raises a ``ValidationError`` of msgspec if they do not fit.
        title: What it is, in words.

    Raises:
        InputError: no JSON, nested too deeply, or that of something else.

    Example:
        >>> made_from_json('{"a": 1}', dict, "table")
        {'a': 1}
        >>> made_from_json("[1]", dict, "table")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: this JSON holds no table: Expected `object`, got `array`; give what to_json() returned
    """
    try:
        return make(msgspec.json.decode(text, type=dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InputError(f"this JSON holds no {title}: {error}; give what to_json() returned") from None


def _plain(content: Any) -> Any:
    """Return values with every number as JSON can write it."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    if isinstance(content, np.generic) and not isinstance(content, np.longdouble):
        content = content.item()
    if isinstance(content, (float, np.longdouble)):
        number = float(content)
        return number if math.isfinite(number) else None if math.isnan(number) else _infinity(number)
    return content


def _infinity(number: float) -> str:
    return "Infinity" if number > 0 else "-Infinity"
