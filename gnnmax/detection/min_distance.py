"""A minimum distance between maxima: one that is too near to a larger one is dropped."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["suppress_nearby"]

Places = npt.NDArray[np.intp]

LEAST_SHARE = 1 / 32
"""Share of the undecided maxima that a round over all of them has to decide; otherwise they are taken one by one."""


def suppress_nearby(
    rows: Places, columns: Places, values: npt.NDArray[Any], min_distance: int
) -> npt.NDArray[np.bool_]:
    """Drop maxima that are nearer than ``min_distance``, in rows and in columns, to a larger one that is kept.

    Greedy, from the largest value down. Equal values never drop each other, so the result for a symmetric matrix is
    symmetric, and the order of the input does not matter.

    Cost: time and memory linear in the number of maxima, whatever the distance, but for a sort. The maxima are put
    into cells of side ``min_distance``, so that only nine cells are near each one. A round keeps all maxima that are
    the largest undecided ones of their nine cells.

    Args:
        rows: Shape ``(M,)``.
        columns: Shape ``(M,)``.
        values: Shape ``(M,)``.
        min_distance: At least 1; 1 keeps all.

    Returns:
        True for each maximum that is kept, shape ``(M,)``.

    Example:
        >>> places = np.array([0, 2, 4])
        >>> suppress_nearby(places, places, np.array([1.0, 2.0, 3.0]), 3)
        array([ True, False,  True])
    """
    kept = np.ones(len(rows), dtype=np.bool_)
    if min_distance <= 1 or len(rows) < 2:
        return kept
    level = np.unique(values, return_inverse=True)[1].reshape(-1)
    maxima = _Maxima(rows.astype(np.intp), columns.astype(np.intp), level, *_cells(rows, columns, min_distance))
    undecided = np.arange(len(rows))
    while len(undecided):
        leads = _leads(maxima, undecided)
        rest = undecided[~leads]
        near = _near(maxima, rest, undecided[leads], min_distance)
        kept[rest[near]] = False
        rest = rest[~near]
        if len(undecided) - len(rest) < LEAST_SHARE * len(undecided):
            kept[_dropped_one_by_one(maxima, rest, min_distance)] = False
            break
        undecided = rest
    return kept


class _Maxima(NamedTuple):
    """Positions of maxima, the rank of their values, their cells, and the nine cells around each cell.

    A neighbour without maxima has the number of the cell after the last one.
    """

    rows: Places
    columns: Places
    level: Places
    cell: Places
    around: Places


def _cells(rows: Places, columns: Places, side: int) -> tuple[Places, Places]:
    """Number the cells that hold maxima; return the cell of each maximum, and the nine cells around each cell."""
    down, across = rows // side, columns // side
    width = int(across.max()) + 3
    numbers, cell = np.unique((down + 1) * width + across + 1, return_inverse=True)
    around = np.full((len(numbers), 9), len(numbers), dtype=np.intp)
    for at, (step_down, step_across) in enumerate(product((-1, 0, 1), repeat=2)):
        wanted = numbers + step_down * width + step_across
        found = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
        there = numbers[found] == wanted
        around[there, at] = found[there]
    return cell.reshape(-1), around


def _leads(maxima: _Maxima, undecided: Places) -> npt.NDArray[np.bool_]:
    """Find the undecided maxima that are the largest of their nine cells: nothing larger can drop them."""
    cell, level = maxima.cell[undecided], maxima.level[undecided]
    largest = np.full(len(maxima.around) + 1, -1, dtype=np.intp)
    np.maximum.at(largest, cell, level)
    return np.asarray(level >= largest[maxima.around].max(axis=1)[cell])


def _near(maxima: _Maxima, rest: Places, kept: Places, distance: int) -> npt.NDArray[np.bool_]:
    """Find the maxima that are too near to a larger one of those that are kept now."""
    near = np.zeros(len(rest), dtype=np.bool_)
    kept = kept[np.argsort(maxima.cell[kept], kind="stable")]
    starts = np.searchsorted(maxima.cell[kept], np.arange(len(maxima.around) + 1))
    counts = np.diff(np.append(starts, len(kept)))  # the last cell is that of neighbours without maxima
    for direction in range(9):
        there = maxima.around[maxima.cell[rest], direction]
        asked, turn = np.flatnonzero(~near & (counts[there] > 0)), 0
        while len(asked):
            some, other = rest[asked], kept[starts[there[asked]] + turn]
            near[asked] = (
                (np.abs(maxima.rows[some] - maxima.rows[other]) < distance)
                & (np.abs(maxima.columns[some] - maxima.columns[other]) < distance)
                & (maxima.level[some] < maxima.level[other])
            )
            turn += 1
            asked = asked[~near[asked] & (counts[there[asked]] > turn)]
    return near


def _dropped_one_by_one(maxima: _Maxima, rest: Places, distance: int) -> Places:
    """Decide maxima from the largest down, for long chains of them, each near to the one before it."""
    kept: dict[int, list[tuple[int, int, int]]] = {}
    dropped = []
    order = rest[np.argsort(-maxima.level[rest], kind="stable")]
    columns = (maxima.rows[order], maxima.columns[order], maxima.level[order], maxima.cell[order])
    for index, row, column, level, cell in zip(order.tolist(), *(part.tolist() for part in columns), strict=True):
        if any(
            above > level and abs(row - i) < distance and abs(column - j) < distance
            for there in maxima.around[cell].tolist()
            for i, j, above in kept.get(there, ())
        ):
            dropped.append(index)
        else:
            kept.setdefault(cell, []).append((row, column, level))
    return np.array(dropped, dtype=np.intp)
