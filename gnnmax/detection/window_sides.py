"""The sides of windows: one pair of rows and columns, or several, which are scales."""

from __future__ import annotations

from typing import Any

import numpy as np

from gnnmax.errors import InputError

__all__ = ["scales_of", "window_name"]

Pair = tuple[int, int]


def scales_of(k: Any) -> tuple[Pair, ...]:
    """Return the rows and columns of the windows of a search, the smallest windows first.

    Args:
        k: A side; a tuple of two, rows and columns; or several of these in a list, as scales.

    Raises:
        InputError: a side that is not odd, no side of at least 3, or one scale twice.

    Example:
        >>> scales_of(9), scales_of((3, 5)), scales_of([9, 5])
        (((9, 9),), ((3, 5),), ((5, 5), (9, 9)))
    """
    several = isinstance(k, (list, range)) or (isinstance(k, np.ndarray) and k.ndim == 1)
    pairs = [_pair(one, k) for one in k] if several else [_pair(k, k)]
    if not pairs:
        raise InputError("k is an empty list: give a side, or several")
    if len(set(pairs)) < len(pairs):
        raise InputError(f"k has a scale twice: {k!r}")
    return tuple(sorted(pairs, key=lambda pair: (pair[0] * pair[1], pair)))


def _pair(one: Any, k: Any) -> Pair:
    sides = one if isinstance(one, tuple) else (one, one)
    if len(sides) != 2 or not all(_is_number(side) and side >= 1 and side % 2 for side in sides) or max(sides) < 3:
        raise InputError(
            f"k must be odd and at least 3, or two odd numbers, not {k!r}: otherwise windows have no centre"
        )
    return int(sides[0]), int(sides[1])


def window_name(sides: Pair) -> str:
    """Name the windows of some sides.

    Example:
        >>> window_name((9, 9)), window_name((3, 5))
        ('9', '3x5')
    """
    return str(sides[0]) if sides[0] == sides[1] else f"{sides[0]}x{sides[1]}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
