"""Maxima of a matrix whose order means something: an entry above all others of the window around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import Border, Maxima, Places, Ties
from gnnmax.detection.sliding import rivals
from gnnmax.detection.source import Block, Source

__all__ = ["ordered_maxima"]

GATHERED = 2**22
"""Entries of windows looked at together."""


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Entries that may be maxima, with their windows, NaN-free: where nothing was measured the lowest number stands."""

    rows: Places
    columns: Places
    windows: npt.NDArray[Any]
    hidden: npt.NDArray[np.bool_]


def ordered_maxima(
    source: Source, k: tuple[int, int], ties: Ties, border: Border, threshold: float | None, upper: bool
) -> Maxima:
    """Find the maxima of windows of ``k`` rows and columns; see :func:`gnnmax.detection.find_maxima`."""
    half = k[0] // 2, k[1] // 2
    found = [
        _judged(source, part, k, ties, border)
        for block in source.tiles(half, upper)
        for part in _candidates(source, block, half, ties, threshold, upper)
    ]
    empty = np.empty(0, dtype=np.intp)
    rows, columns = (np.concatenate([empty, *(part[i] for part in found)]) for i in (0, 1))
    values = np.concatenate([np.empty(0, dtype=source.dtype), *(part[2] for part in found)])
    margin = np.concatenate([np.empty(0), *(part[3] for part in found)])
    equal, missing = (np.concatenate([np.empty(0, dtype=np.int64), *(part[i] for part in found)]) for i in (4, 5))
    values = values.astype(source.matrix.dtype)
    maxima = Maxima(rows, columns, values, margin, equal, missing, mode="ordered", k=k, names=source.names)
    if ties != "plateau" or not len(maxima):
        return maxima
    open_ends = np.concatenate([part[6] for part in found])
    return maxima[_plateaus(maxima, open_ends)]


def _candidates(
    source: Source, block: Block, half: tuple[int, int], ties: Ties, threshold: float | None, upper: bool
) -> Iterator[_Candidates]:
    """Compare every entry of a block with the largest others of its window; gather the windows of those that win."""
    (hr, hc), (n, m) = half, (block.values.shape[0] - 2 * half[0], block.values.shape[1] - 2 * half[1])
    centre = block.values[hr : hr + n, hc : hc + m]
    before, after = rivals(block.values, half)
    wins = centre > before if ties in ("strict", "first") else centre >= before
    wins &= centre > after if ties == "strict" else centre >= after
    # Where there are no others, or none above the lowest number of the type, the windows themselves decide.
    wins |= (centre == source.lowest) & (before == source.lowest) & (after == source.lowest)
    if block.missing is not None:
        wins &= ~block.missing[hr : hr + n, hc : hc + m]
    if threshold is not None:
        wins &= centre > threshold
    rows, columns = np.nonzero(wins)
    if upper:
        kept = rows + block.row <= columns + block.column
        rows, columns = rows[kept], columns[kept]
    views = np.lib.stride_tricks.sliding_window_view(block.values, (2 * hr + 1, 2 * hc + 1))
    none = np.zeros((1, 1), dtype=np.bool_) if block.missing is None else block.missing
    unseen = None
    if block.missing is not None:
        unseen = np.lib.stride_tricks.sliding_window_view(none, (2 * hr + 1, 2 * hc + 1))
    step = max(1, GATHERED // ((2 * hr + 1) * (2 * hc + 1)))
    for start in range(0, len(rows), step):
        here, there = rows[start : start + step], columns[start : start + step]
        windows = views[here, there]
        hidden = np.zeros(windows.shape, dtype=np.bool_) if unseen is None else unseen[here, there]
        yield _Candidates(here + block.row, there + block.column, windows, hidden)


def _judged(
    source: Source, part: _Candidates, k: tuple[int, int], ties: Ties, border: Border
) -> tuple[npt.NDArray[Any], ...]:
    """Decide, window by window, exactly; return what is kept of rows, columns, values, margin, ties, missing, ends."""
    size, middle = k[0] * k[1], (k[0] * k[1]) // 2
    entries = part.windows.reshape(len(part.rows), size)
    hidden = part.hidden.reshape(len(part.rows), size)
    centre = entries[:, middle]
    other = ~hidden
    other[:, middle] = False
    alone = ~other.any(axis=1)
    equal = ((entries == centre[:, None]) & other).sum(axis=1)
    above = ((entries > centre[:, None]) & other).any(axis=1)
    constant = ~alone & (equal == other.sum(axis=1))
    kept = ~above & ~constant
    if ties == "strict":
        kept &= equal == 0
    elif ties == "first":
        kept &= ~((entries == centre[:, None]) & other)[:, :middle].any(axis=1)
    missing = hidden.sum(axis=1)
    if border != "shrink":
        kept &= missing <= (0 if border == "drop" else border)
    rival = np.where(other, entries, source.lowest).max(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = centre.astype(np.float64) - rival.astype(np.float64)
    margin = np.where(alone, np.inf, np.where(equal > 0, 0.0, difference))
    ends = _open_ends(part, k, equal) if ties == "plateau" else np.zeros((len(kept), 0), dtype=np.bool_)
    columns = (part.rows, part.columns, centre, margin, equal, missing.astype(np.int64), ends)
    return tuple(column[kept] for column in columns)


def _open_ends(part: _Candidates, k: tuple[int, int], equal: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which of the eight neighbours of each candidate are as large, shape ``(M, 9)``, itself in the middle."""
    padded = np.zeros((len(equal), k[0] + 2, k[1] + 2), dtype=np.bool_)
    centre = part.windows[:, k[0] // 2, k[1] // 2]
    padded[:, 1:-1, 1:-1] = (part.windows == centre[:, None, None]) & ~part.hidden
    top, left = k[0] // 2, k[1] // 2
    return padded[:, top : top + 3, left : left + 3].reshape(len(equal), 9)


def _plateaus(maxima: Maxima, neighbours: npt.NDArray[np.bool_]) -> Places:
    """Keep one entry of every plateau: connected equal entries, each of them a largest of its window.

    A plateau of which an entry is beaten, or that leaves what was looked at, is none. Its first entry, by row and then
    by column, stands for it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = {pair: index for index, pair in enumerate(zip(maxima.rows.tolist(), maxima.columns.tolist(), strict=True))}
    ends, open_end = [], np.zeros(len(maxima), dtype=np.bool_)
    for index, step in zip(*(part.tolist() for part in np.nonzero(neighbours)), strict=True):
        there = (int(maxima.rows[index]) + step // 3 - 1, int(maxima.columns[index]) + step % 3 - 1)
        if there in place:
            ends.append((index, place[there]))
        else:
            open_end[index] = True
    pairs = np.array(ends, dtype=np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(maxima),) * 2)
    count, component = connected_components(graph, directed=False)
    beaten = np.zeros(count, dtype=np.bool_)
    beaten[component[open_end]] = True
    order = np.lexsort((maxima.columns, maxima.rows))
    _, first = np.unique(component[order], return_index=True)
    kept = order[first]
    return np.asarray(kept[~beaten[component[kept]]], dtype=np.intp)
