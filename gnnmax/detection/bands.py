"""Runs of offsets from the diagonal: which parts of a sparse matrix are read as rectangles along it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["gaps_between", "joined_runs", "near_unscored", "pieces_of", "runs_of"]

Run = tuple[int, int]


def joined_runs(runs: Iterable[Run], bounds: Run, gap: int) -> list[Run]:
    """Cut runs at bounds and join those that overlap or are nearer than ``gap``; each has a first and a last offset.

    Example:
        >>> joined_runs([(5, 7), (-3, 0), (2, 2), (40, 90)], (-2, 50), 3)
        [(-2, 7), (40, 50)]
    """
    joined: list[Run] = []
    for first, last in sorted((max(first, bounds[0]), min(last, bounds[1])) for first, last in runs):
        if first > last:
            continue
        if joined and first - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def gaps_between(runs: Iterable[Run], bounds: Run) -> Iterator[Run]:
    """Yield the runs between sorted runs, and before and after them.

    Example:
        >>> list(gaps_between([(2, 3), (5, 5)], (0, 9)))
        [(0, 1), (4, 4), (6, 9)]
    """
    start = bounds[0]
    for first, last in runs:
        if first > start:
            yield start, first - 1
        start = last + 1
    if start <= bounds[1]:
        yield start, bounds[1]


def pieces_of(run: Run, most: int) -> Iterator[Run]:
    """Yield the first offset and the number of offsets of pieces of a run, of about equal size.

    Example:
        >>> list(pieces_of((0, 10), 4))
        [(0, 4), (4, 4), (8, 3)]
    """
    length = run[1] - run[0] + 1
    size = -(-length // -(-length // most))
    for first in range(run[0], run[1] + 1, size):
        yield first, min(size, run[1] + 1 - first)


def runs_of(places: npt.NDArray[np.bool_], start: int = 0) -> list[Run]:
    """Return the runs of places that are True.

    Example:
        >>> runs_of(np.array([True, True, False, True]), 5)
        [(5, 6), (8, 8)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], places, [False]]).astype(np.int8)))
    return [(first + start, last + start - 1) for first, last in edges.reshape(-1, 2).tolist()]


def near_unscored(scored: npt.NDArray[np.bool_], reach: int) -> list[Run]:
    """Return the runs of offsets with scores that have offsets without scores within reach.

    Args:
        scored: For each distance from the diagonal, whether entries there have scores.
        reach: Largest difference of two offsets.

    Example:
        >>> near_unscored(np.array([True, True, True, False, True]), 1)
        [(-4, -4), (-2, -2), (2, 2), (4, 4)]
    """
    offsets = np.concatenate([scored[:0:-1], scored])
    before = np.concatenate([[0], np.cumsum(~offsets)])
    places = np.arange(len(offsets))
    low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(offsets))
    return runs_of(offsets & (before[high] > before[low]), 1 - len(scored))
