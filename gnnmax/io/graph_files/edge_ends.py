"""The ends of edges, from names to numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.io.plain_numbers import is_plain

__all__ = ["Ends"]

NUMBERED = re.compile(r"-?[0-9]{1,18}")
"""A name that is a whole number."""

POWERS = 10 ** np.arange(1, 19, dtype=np.int64)


class Ends:
    """The ends of edges, which come some at a time by their names.

    As long as all names are whole numbers in their shortest form they are kept as numbers: a dictionary of a million
    names takes a hundred times as long as their sum.

    Example:
        >>> ends = Ends()
        >>> ends.add(["10", "9"], ["9", "-2"])
        >>> names, edges = ends.numbered()
        >>> names, edges.tolist()
        (('-2', '9', '10'), [[2, 1], [1, 0]])
    """

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[Any]] = []
        self._places: _Places | None = None

    def add(self, first: Sequence[str], second: Sequence[str]) -> None:
        """Add the two ends of some edges."""
        if self._places is None:
            try:
                self._parts.append(_whole(first, second))
                return
            except (ValueError, OverflowError):
                self._places = _Places()
                self._parts = [self._places.of(map(str, part.tolist()), len(part)) for part in self._parts]
        names = chain.from_iterable(zip(first, second, strict=True))
        self._parts.append(self._places.of(names, 2 * len(first)))

    def numbered(self) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
        """Return the names of the nodes, in order, and the edges by the numbers of their nodes, shape ``(E, 2)``.

        Names that are all whole numbers are sorted, others have the order of their first occurrence.
        """
        ends, self._parts = np.concatenate(self._parts), []
        if self._places is None:
            values, edges = _distinct(ends)
            return tuple(map(str, values.tolist())), edges.reshape(-1, 2)
        names, place = _in_order(list(self._places))
        return names, place[ends].reshape(-1, 2)


class _Places(dict[str, int]):
    """The number of each name, given at its first occurrence."""

    def __missing__(self, name: str) -> int:
        self[name] = place = len(self)
        return place

    def of(self, names: Iterable[str], count: int) -> npt.NDArray[np.int32]:
        """Return the numbers of some names."""
        return np.fromiter(map(self.__getitem__, names), np.int32, count)


def _whole(first: Sequence[str], second: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return names as whole numbers, shape ``(2 * E,)``; raises ValueError if one is another text than its number."""
    text = "".join(first) + "".join(second)
    if not is_plain(text):
        raise ValueError("a name that is no plain number")
    ends = np.empty((len(first), 2), dtype=np.int64)
    ends[:, 0] = np.fromiter(map(int, first), np.int64, len(first))
    ends[:, 1] = np.fromiter(map(int, second), np.int64, len(second))
    size = np.abs(ends)
    shortest = ends.size + int(np.searchsorted(POWERS, size, side="right").sum()) + int((ends < 0).sum())
    if size.max() >= POWERS[-1] or shortest != len(text):  # no name is shorter than its number
        raise ValueError("a name that is longer than its number, or has more than 18 digits")
    return ends.reshape(-1)


def _distinct(ends: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct numbers in order, and the place of each number among them; ``ends`` is overwritten."""
    low, high = int(ends.min()), int(ends.max())
    if high - low >= 2 * len(ends):
        return np.unique(ends, return_inverse=True)
    ends -= low
    seen = np.zeros(high - low + 1, dtype=np.bool_)
    seen[ends] = True
    place = np.cumsum(seen, dtype=np.int32) - 1
    for start in range(0, len(ends), 2**20):
        ends[start : start + 2**20] = place[ends[start : start + 2**20]]
    return np.flatnonzero(seen) + low, ends


def _in_order(names: list[str]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Sort names that are all whole numbers; return them and the new number of each."""
    order = np.arange(len(names))
    if all(map(NUMBERED.fullmatch, names)):
        values = np.array(list(map(int, names)), dtype=np.int64)
        if len(np.unique(values)) < len(values):  # 7 and 07 are two names
            order = np.array(sorted(range(len(names)), key=names.__getitem__))
        order = order[np.argsort(values[order], kind="stable")]
        names = [names[place] for place in order.tolist()]
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return tuple(names), place
