"""Axes of a sweep: the values that a field takes, on a grid or drawn at random."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from gnnmax.errors import InputError, suggestion

__all__ = ["Range", "check_field", "drawn_value", "flat_fields", "grid_values"]

DIGITS = 6
"""Significant digits of the numbers of a range: they can be read in tables, and are equal on all machines."""


class Range(Struct, frozen=True, forbid_unknown_fields=True, rename={"low": "from", "high": "to"}):
    """The numbers between two ends; whole ones if both ends are whole.

    Attributes:
        low: The least number, ``from`` in a plan.
        high: The greatest, ``to`` in a plan.
        count: Number of values on a grid, both ends among them; None of a random axis.
        scale: ``linear``: equal steps, or uniform draws; ``log``: equal factors, or uniform draws of the logarithm.
    """

    low: int | float
    high: int | float
    count: Annotated[int, Meta(ge=2, le=10_000)] | None = None
    scale: Literal["linear", "log"] = "linear"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"from must be less than to, not {self.low} and {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a logarithmic range begins above 0, not at {self.low}")

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def at(self, share: float) -> int | float:
        """Return the number at a share of the way from the least to the greatest."""
        first, last = float(self.low), float(self.high)
        if self.whole:  # each whole number has an equal part of a linear range
            first, last = first - 0.5, last + 0.5
        if self.scale == "log":
            number = math.exp(math.log(first) + share * (math.log(last) - math.log(first)))
        else:
            number = first + share * (last - first)
        if self.whole:
            return min(max(round(number), int(self.low)), int(self.high))
        return float(f"{min(max(number, first), last):.{DIGITS}g}")


def flat_fields(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one table with dotted names; ranges stay whole.

    Example:
        >>> flat_fields({"map": {"n": [8, 16], "plant.amplitude": {"from": 1, "to": 2}}})
        {'map.n': [8, 16], 'map.plant.amplitude': {'from': 1, 'to': 2}}
    """
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping) and not value.keys() & {"from", "to"}:
            found |= flat_fields(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def grid_values(axis: str, given: Any) -> list[Any]:
    """Return the values of an axis of a grid.

    Args:
        axis: Its name, for errors.
        given: A list of values, or a range with ``from``, ``to`` and ``count``.

    Raises:
        InputError: no value, a value twice, or no list and no range.

    Example:
        >>> grid_values("training.steps", {"from": 10, "to": 1000, "count": 3, "scale": "log"})
        [10, 100, 1000]
        >>> grid_values("training.steps", [])
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the axis training.steps is empty: give at least one value, or leave it out
    """
    if isinstance(given, Mapping):
        span = _range(axis, given)
        if span.count is None:
            raise InputError(f"the axis {axis} has no count: say how many values of the range the grid has")
        values: list[Any] = [_grid_number(span, place / (span.count - 1)) for place in range(span.count)]
    else:
        values = _listed(axis, given)
    texts = [json.dumps(value, sort_keys=True) for value in values]
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise InputError(f"the axis {axis} has the value {twice} twice: give each value once")
    return values


def _grid_number(span: Range, share: float) -> int | float:
    """Return a number of a grid, whose ends are those of the range."""
    ends = Range(float(span.low), float(span.high), scale=span.scale)
    number = ends.at(share)
    return round(number) if span.whole else number


def drawn_value(axis: str, given: Any, *, seed: int, world: int) -> Any:
    """Draw the value of an axis in a random world.

    It depends on nothing but the axis, the seed and the number of the world: more worlds, or further axes, change no
    value that was drawn.

    Args:
        axis: Its name.
        given: A list, of whose values each is equally likely, or a range.
        seed: Seed of the random worlds.
        world: Number of the world.

    Raises:
        InputError: no value, or no list and no range.

    References:
        Palowitch et al., "GraphWorld: fake graphs bring real insights for GNNs", KDD 2022.

    Example:
        >>> [drawn_value("recipe.k", [3, 5, 7], seed=0, world=world) for world in range(5)]
        [3, 7, 3, 3, 3]
    """
    key = hashlib.sha256(f"{seed}/{world}/{axis}".encode()).digest()
    share = float(np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16]))).random())
    if isinstance(given, Mapping):
        span = _range(axis, given)
        if span.count is not None:
            raise InputError(f"the axis {axis} is drawn at random and has no count: leave it out, or move it to grid")
        return span.at(share)
    values = _listed(axis, given)
    return values[min(int(share * len(values)), len(values) - 1)]


def _listed(axis: str, given: Any) -> list[Any]:
    if not isinstance(given, (list, tuple)):
        raise InputError(
            f"the axis {axis} must be a list of values, or a range such as {{ from = 1, to = 8 }}, not {given!r:.60}"
        )
    if not given:
        raise InputError(f"the axis {axis} is empty: give at least one value, or leave it out")
    return list(given)


def _range(axis: str, given: Mapping[str, Any]) -> Range:
    for name in given:
        if name not in ("from", "to", "count", "scale"):
            near = suggestion(name, ("from", "to", "count", "scale"))
            raise InputError(f"the axis {axis} has a range with the unknown field {name!r}{near}")
    try:
        return msgspec.convert(dict(given), Range, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(f"the axis {axis}: {error}") from None


def check_field(field: str, known: Sequence[str], what: str) -> None:
    """Refuse a field that is not known, with a suggestion.

    Example:
        >>> check_field("stesp", ["steps", "batch_size"], "the axis 'training.stesp'")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the axis 'training.stesp' is unknown: did you mean steps?
    """
    if field not in known:
        raise InputError(f"{what} is unknown{suggestion(field, known) or f'; known: {chr(44).join(known)}'}")
