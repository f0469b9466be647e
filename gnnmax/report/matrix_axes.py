"""Axes of a drawn matrix: positions and names for each zoom, and the parts that breaks make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["LEVELS", "Axis", "Part", "Tick", "axis_of"]

LEVELS = (0.5, 1, 2, 4, 8)
"""Magnifications for which positions are chosen; half of one for a narrow screen."""

CLOSE = 16
"""Least distance of two labels, and a line of text, in pixels."""

FAR = 56
"""Approximate distance of labels if not all positions have one, in pixels."""

BORDER_GAP = 3
"""Least distance of two borders that are drawn, in pixels."""


@dataclass(frozen=True)
class Tick:
    """A labelled position.

    Attributes:
        at: Middle of the row or column, per cent of the axis.
        text: Its label: its name without that of its part, or its number.
        title: Its name and number.
        levels: Indices of :data:`LEVELS` at which it is shown.
    """

    at: float
    text: str
    title: str
    levels: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A part between two breaks, such as a chromosome.

    Attributes:
        at: Its beginning, per cent of the axis.
        size: Its length, per cent of the axis.
        name: What its names have in common before a colon, "" if nothing.
    """

    at: float
    size: float
    name: str


@dataclass(frozen=True)
class Axis:
    """The rows or the columns of a drawn matrix.

    Attributes:
        length: Number of rows or columns.
        pixels: Length of the axis as drawn.
        ticks: Labelled positions.
        parts: Parts with a name.
        borders: Where borders between parts are drawn, in pixels.
        hidden: Number of borders that are too close to another one to be drawn.
    """

    length: int
    pixels: float
    ticks: list[Tick]
    parts: list[Part]
    borders: list[float]
    hidden: int

    @property
    def depth(self) -> int:
        """Room for the labels across the axis, in pixels."""
        return min(132, 12 + 7 * max(6, *(len(tick.text) for tick in self.ticks)))


def axis_of(length: int, pixels: float, *, names: Sequence[Any] | None, edges: Sequence[int]) -> Axis:
    """Choose the positions that are labelled, and describe the parts.

    Args:
        length: Number of rows or columns.
        pixels: Length of the axis as drawn.
        names: Their names, if they have any.
        edges: First one of each part, and the length.

    Example:
        >>> axis = axis_of(4, 100.0, names=["a:1", "a:2", "b:1", "b:2"], edges=[0, 2, 4])
        >>> [part.name for part in axis.parts], axis.borders, [tick.text for tick in axis.ticks]
        (['a', 'b'], [50.0], ['1', '2', '1', '2'])
    """
    prefixes = ["" if names is None else _shared(str(names[a]), str(names[b - 1])) for a, b in pairwise(edges)]
    ticks: dict[int, Tick] = {}
    for level, times in enumerate(LEVELS):
        for place in _labelled(length, pixels * times, edges):
            if place not in ticks:
                prefix = prefixes[int(np.searchsorted(edges, place, "right")) - 1]
                ticks[place] = _tick(place, length, names, prefix)
            ticks[place].levels.append(level)
    drawn = list(_spaced((edge * pixels / length for edge in edges[1:-1]), BORDER_GAP))
    parts = [
        Part(100 * a / length, 100 * (b - a) / length, prefix)
        for (a, b), prefix in zip(pairwise(edges), prefixes, strict=True)
        if prefix and (b - a) * pixels / length >= CLOSE
    ]
    return Axis(length, pixels, [ticks[place] for place in sorted(ticks)], parts, drawn, len(edges) - 2 - len(drawn))


def _tick(place: int, length: int, names: Sequence[Any] | None, prefix: str) -> Tick:
    at = 100 * (place + 0.5) / length
    if names is None:
        return Tick(at, str(place), str(place))
    name = str(names[place])
    return Tick(at, name.removeprefix(f"{prefix}:") if prefix else name, f"{name} ({place})")


def _shared(first: str, last: str) -> str:
    """Return what two names have in common before their last colon, "" if that differs."""
    before = first.rpartition(":")[0]
    return before if before == last.rpartition(":")[0] else ""


def _labelled(length: int, pixels: float, edges: Sequence[int]) -> list[int]:
    """Return the positions with a label on an axis: all if there is room, else regular ones from each break on."""
    if length * CLOSE <= pixels:
        return list(range(length))
    wanted = length * FAR / pixels
    size = 10 ** np.floor(np.log10(wanted)) if wanted > 1 else 1
    step = max(1, int(next(size * digit for digit in (1, 2, 5, 10) if size * digit >= wanted)))
    scale = pixels / length
    starts = [round(place / scale) for place in _spaced((a * scale for a in edges[:-1]), CLOSE)]
    chosen = [range(a, max(a + 1, int(b - CLOSE / scale)), step) for a, b in pairwise([*starts, edges[-1]])]
    return [place for some in chosen for place in some]


def _spaced(places: Iterable[float], gap: float) -> Iterable[float]:
    """Yield rising places, except those nearer than a gap to the last one that was yielded."""
    last = -np.inf
    for place in places:
        if place - last >= gap:
            yield place
            last = place
