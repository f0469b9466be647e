"""JSON of any real number: what the format cannot write is written by a rule, not refused at the end of a run."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

__all__ = ["json_text"]


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
