"""Calls out of score maps, and their distance from the peaks along the host."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.maps import Maps
from gnnmax.task.peaks import Peaks

__all__ = ["peak_distances", "share_of_peaks", "top_places"]


def top_places(
    scores: npt.NDArray[np.float64], maps: Maps, count: int | npt.NDArray[np.int64] = 1, *, separation: int = 0
) -> Peaks:
    """Name the places of highest score in each map, where a peak can be.

    Args:
        scores: Shape ``(M, n, m)``. Of equal scores the first place in row-major order counts as the higher.
        maps: The maps; :attr:`gnnmax.Maps.allowed` says where a peak can be, and of a pair of a symmetric map the entry
            above the diagonal is named.
        count: Number of places to name in each map, one number or shape ``(M,)``; fewer are named if no score above
            minus infinity is left.
        separation: Least distance along the host between two places of a map, the larger of rows and columns.

    Returns:
        Map by map, the highest first; the amplitude is the score.

    Raises:
        InputError: scores of another shape.

    Example:
        >>> maps = Maps.from_values([[0, 1, 2], [3, 9, 4], [5, 6, 7]], structure="directed")
        >>> top_places(maps.values.astype(float), maps, 2).places.tolist()
        [[0, 1, 1], [0, 2, 2]]
    """
    if np.shape(scores) != maps.values.shape:
        raise InputError(f"scores must have the shape of the maps, {maps.values.shape}, not {np.shape(scores)}")
    wanted = np.broadcast_to(np.asarray(count), len(maps))
    allowed = maps.allowed
    if maps.structure == "symmetric":
        allowed = np.triu(allowed, 1)
    found: list[tuple[int, int, int]] = []
    heights: list[float] = []
    for index in range(len(maps)):
        left = np.where(allowed[index] & ~np.isnan(scores[index]), scores[index], -np.inf)
        row_place, column_place = maps.row_place[index], maps.column_place[index]
        for _ in range(int(wanted[index])):
            row, column = np.unravel_index(int(np.argmax(left)), left.shape)
            height = float(left[row, column])
            if height == -np.inf:
                break
            found.append((index, int(row), int(column)))
            heights.append(height)
            far = np.maximum(np.abs(row_place - row_place[row])[:, None], np.abs(column_place - column_place[column]))
            if maps.structure == "symmetric":
                turned = np.maximum(
                    np.abs(row_place - column_place[column])[:, None], np.abs(column_place - row_place[row])
                )
                far = np.minimum(far, turned)
            left[far < max(separation, 1)] = -np.inf
    largest = np.finfo(np.float32).max
    named = np.clip(np.array(heights, dtype=np.float64), -largest, largest).astype(np.float32)
    return Peaks.of(np.array(found, dtype=np.int64).reshape(-1, 3), named)


def peak_distances(maps: Maps, calls: Peaks) -> npt.NDArray[np.float64]:
    """Return the distance along the host from each peak to the nearest call of its map, shape ``(P,)``.

    The distance is the larger of those of rows and columns; in symmetric maps, of the nearer of the two entries. It is
    infinite if the map has no call.

    Example:
        >>> maps = Maps.from_values(np.eye(5), structure="directed", peaks=[[0, 1, 1], [0, 4, 4]])
        >>> peak_distances(maps, Peaks.of([[0, 1, 2]])).tolist()
        [1.0, 3.0]
    """
    true, named = maps.along_host(), maps.along_host(calls)
    far = np.full(len(true), np.inf)
    for place, (index, row, column) in enumerate(true.places.tolist()):
        own = named.map == index
        if own.any():
            steps = np.maximum(np.abs(named.row[own] - row), np.abs(named.column[own] - column))
            far[place] = steps.min()
    return far


def share_of_peaks(right: npt.NDArray[np.bool_], maps: Maps) -> tuple[float, float]:
    """Return the share of peaks for which something holds, and its standard error with maps as clusters.

    Args:
        right: One boolean for each peak, in the order of :attr:`gnnmax.Maps.peaks`, at least one.
        maps: The maps.

    Example:
        >>> maps = Maps.from_values(np.eye(5), structure="directed", peaks=[[0, 1, 1], [0, 4, 4]])
        >>> share_of_peaks(np.array([True, False]), maps)
        (0.5, 0.0)
    """
    share = float(right.mean())
    residuals = np.bincount(maps.peaks.map, weights=right - share, minlength=len(maps))
    return share, math.sqrt(float((residuals**2).sum())) / len(right)
