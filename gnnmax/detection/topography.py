"""The landscape of some entries: which slope each lies on, and how far summits rise above the way to a higher one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import margin_over
from gnnmax.detection.storage import Places

__all__ = ["Entries", "Neighbours", "prominence_among", "prominence_in"]


class Entries(NamedTuple):
    """Measured entries, no two at one place; rows and columns may be moved, as long as neighbours stay neighbours."""

    values: npt.NDArray[Any]
    rows: Places
    columns: Places

    def by_place(self) -> tuple[Entries, Places, int]:
        """Sort by row and column; return the numbers of the places, and how much one row adds to them."""
        stride = int(self.columns.max()) + 2  # no entry of one row is beside the ends of another
        keys = self.rows * stride + self.columns
        order = np.argsort(keys, kind="stable")
        return Entries(self.values[order], self.rows[order], self.columns[order]), keys[order], stride


def prominence_in(entries: Entries, rows: Places, columns: Places) -> npt.NDArray[np.float64]:
    """Return the prominence of some entries of a landscape.

    A path leads over measured entries that touch, at a corner too. The prominence of an entry is its height above the
    lowest entry of a path to a higher one, on the path whose lowest entry is highest. An entry that no path leads from
    to a higher one has its height above the lowest entry that any path leads to. An entry beside a higher one has
    prominence 0, and equal entries of one plateau have equal prominence.

    Method: each entry belongs to the basin of the maximum that steepest ascent leads to. Basins are joined from the
    highest pass down, and when two sets of basins meet, the tops of the lower one have that pass as their key col.

    Cost: a sort of the entries, and a loop over pairs of neighbouring basins.

    Args:
        entries: All entries of the landscape.
        rows: Rows of the entries that are asked for, shape ``(M,)``.
        columns: Their columns.

    Returns:
        Shape ``(M,)``, at least 0.

    References:
        Kirmse and de Ferranti, "Calculating the prominence and isolation of every mountain in the world", Progress in
        Physical Geography 41, 2017: the definition. Edelsbrunner, Letscher, Zomorodian, "Topological persistence and
        simplification", Discrete and Computational Geometry 28, 2002: it is the persistence of a maximum.

    Example:
        >>> heights = np.array([[9, 2, 5], [1, 3, 1], [7, 1, 0]])
        >>> entries = Entries(heights.ravel(), *np.divmod(np.arange(9), 3))
        >>> prominence_in(entries, np.array([0, 0, 2]), np.array([0, 2, 0])).tolist()
        [9.0, 2.0, 4.0]
    """
    entries, keys, stride = entries.by_place()
    asked = np.searchsorted(keys, rows * stride + columns)
    return prominence_among(entries.values, Neighbours(keys, stride), asked)


class Neighbours(NamedTuple):
    """Which entries of a landscape touch: those at neighbouring places, and further pairs."""

    keys: Places
    stride: int
    further: tuple[Places, Places] | None = None

    def by_side(self) -> Iterator[tuple[Places, Places]]:
        """Yield pairs of places that touch, in each of four directions; no entry is twice on one side."""
        for shift in (1, self.stride - 1, self.stride, self.stride + 1):
            other = np.minimum(np.searchsorted(self.keys, self.keys + shift), len(self.keys) - 1)
            one = np.flatnonzero(self.keys[other] == self.keys + shift)
            yield one, other[one]

    def pairs(self) -> Iterator[tuple[Places, Places]]:
        """Yield all pairs."""
        yield from self.by_side() if len(self.keys) else ()
        if self.further is not None:
            yield self.further


def prominence_among(values: npt.NDArray[Any], neighbours: Neighbours, asked: Places) -> npt.NDArray[np.float64]:
    """Return the prominence of some entries, by index; see :func:`prominence_in`."""
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    ascending = values[order]
    level = np.concatenate([[0], np.cumsum(ascending[1:] != ascending[:-1])]).astype(np.intp)[rank]
    summit = _summits(neighbours, rank, order)
    tops, basin = np.unique(summit, return_inverse=True)
    basin = basin.reshape(-1)
    lowest = np.full(len(tops), len(order), dtype=np.intp)
    np.minimum.at(lowest, basin, level)
    cols = _key_cols(level[tops].tolist(), lowest.tolist(), _passes(neighbours, level, basin))
    values = values[asked]
    distinct = ascending[np.concatenate([[True], ascending[1:] != ascending[:-1]])]
    rival = np.minimum(distinct[cols[basin[asked]]], values)  # the summit of the basin of another entry may be higher
    is_top = (level[asked] == level[summit[asked]]) & (rival < values)
    return np.where(is_top, margin_over(rival, values), 0.0)


def _summits(neighbours: Neighbours, rank: Places, order: Places) -> Places:
    """Return the entry that steepest ascent leads to from each entry; of equal entries the later one is higher."""
    highest = rank.copy()
    for one, other in neighbours.by_side() if len(neighbours.keys) else ():
        highest[one] = np.maximum(highest[one], rank[other])
        highest[other] = np.maximum(highest[other], rank[one])
    if neighbours.further is not None:
        one, other = neighbours.further
        np.maximum.at(highest, one, rank[other])
        np.maximum.at(highest, other, rank[one])
    summit = order[highest]
    while True:
        further = summit[summit]
        if np.array_equal(further, summit):
            return summit
        summit = further


def _passes(neighbours: Neighbours, level: Places, basin: Places) -> list[tuple[int, int, int]]:
    """Return, from the highest down, the highest pass of each two basins that touch: its level and the basins."""
    count, found = int(basin.max()) + 1, []
    for one, other in neighbours.pairs():
        ends = np.sort(np.stack([basin[one], basin[other]]), axis=0)
        joined = np.stack([ends[0] * count + ends[1], np.minimum(level[one], level[other])])
        found.append(joined[:, ends[0] != ends[1]])
    pair, height = np.concatenate(found, axis=1) if found else np.zeros((2, 0), dtype=np.intp)
    order = np.lexsort((height, pair))
    pair, height = pair[order], height[order]
    last = np.concatenate([pair[1:] != pair[:-1], [True]])[: len(pair)]
    pair, height = pair[last], height[last]
    order = np.argsort(-height, kind="stable")
    one, other = np.divmod(pair[order], count)
    return list(zip(height[order].tolist(), one.tolist(), other.tolist(), strict=True))


def _key_cols(heights: list[int], lowest: list[int], passes: list[tuple[int, int, int]]) -> Places:
    """Return the level of the key col of each basin, or the lowest level that is reached if none is higher.

    Args:
        heights: Level of the top of each basin.
        lowest: Level of its lowest entry.
        passes: Level of a pass and the two basins that it joins, the highest first.
    """
    cols, above = [-1] * len(heights), list(range(len(heights)))
    waiting = [[basin] for basin in above]  # the tops of each set that have no key col yet: all equally high

    def set_of(basin: int) -> int:
        while above[basin] != basin:
            above[basin] = basin = above[above[basin]]
        return basin

    for level, one, other in passes:
        high, low = set_of(one), set_of(other)
        if high == low:
            continue
        if (heights[low], len(waiting[low])) > (heights[high], len(waiting[high])):
            high, low = low, high
        if heights[low] < heights[high]:
            for basin in waiting[low]:
                cols[basin] = level
        else:
            waiting[high] += waiting[low]
        waiting[low] = []
        above[low], lowest[high] = high, min(lowest[high], lowest[low])
    return np.array([lowest[set_of(basin)] if col < 0 else col for basin, col in enumerate(cols)], dtype=np.intp)
