"""Maxima of a matrix whose order means something: an entry above all others of the window around it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import Block, Source
from gnnmax.detection.maxima import Border, Maxima, Places, Ties, margin_over
from gnnmax.detection.running_maximum import rivals

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


class _Found(NamedTuple):
    """Columns of what was found in a block; ``touching`` says which of the eight neighbours are as large."""

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    margin: npt.NDArray[np.float64]
    ties: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    touching: npt.NDArray[np.bool_]


def ordered_maxima(
    source: Source, k: tuple[int, int], ties: Ties, border: Border, threshold: float | None, upper: bool
) -> Maxima:
    """Find the maxima of windows of ``k`` rows and columns; see :func:`gnnmax.detection.find_maxima`."""
    none = _none(source.dtype, 9 if ties == "plateau" else 0)
    fields: list[list[npt.NDArray[Any]]] = [[part] for part in none]
    for _, blocks in itertools.groupby(source.tiles((k[0] // 2, k[1] // 2), upper), key=lambda block: block.row):
        parts = [part for block in blocks for part in _found_in(source, block, k, ties, border, threshold, upper)]
        strip = _joined([[*column] for column in zip(none, *parts, strict=True)])
        order = np.argsort(strip.rows * source.shape[1] + strip.columns, kind="stable")  # runs that are sorted already
        for field, column in zip(fields, strip, strict=True):
            field.append(column[order])
    columns = _joined(fields)
    values = columns.values.astype(source.given, copy=False)
    maxima = Maxima(columns.rows, columns.columns, values, *columns[3:6], mode="ordered", k=k, names=source.names)
    return maxima[_plateaus(maxima, columns.touching)] if ties == "plateau" and len(maxima) else maxima


def _joined(fields: list[list[npt.NDArray[Any]]]) -> _Found:
    """Join what was found, field by field, and let go of the parts: there may be many."""
    joined: list[Any] = []
    for parts in fields:
        joined.append(np.concatenate(parts))
        parts.clear()
    return _Found(*joined)


def _none(dtype: np.dtype[Any], touching: int = 0) -> _Found:
    places, counts = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64)
    return _Found(places, places, np.empty(0, dtype), np.empty(0), counts, counts, np.empty((0, touching), np.bool_))


def _found_in(
    source: Source,
    block: Block,
    k: tuple[int, int],
    ties: Ties,
    border: Border,
    threshold: float | None,
    upper: bool,
) -> Iterator[_Found]:
    """Compare every entry of a block with the largest others of its window, then look at those that win one by one."""
    hr, hc = k[0] // 2, k[1] // 2
    n, m = block.values.shape[0] - 2 * hr, block.values.shape[1] - 2 * hc
    centre = block.values[hr : hr + n, hc : hc + m]
    before, after = rivals(block.values, (hr, hc))
    wins = centre > before if ties in ("strict", "first") else centre >= before
    wins &= centre > after if ties == "strict" else centre >= after
    clear = ties == "strict" and not block.holes
    # A window of nothing but the lowest number holds one of every k-th entry of every k-th row.
    if not clear or block.values[hr % k[0] :: k[0], hc % k[1] :: k[1]].min() == source.lowest:
        # Where there are no others, or none above the lowest number of the type, the windows themselves decide.
        unclear = (centre == source.lowest) & (before == source.lowest) & (after == source.lowest)
        wins |= unclear
        clear &= not unclear.any()
    if block.holes and block.missing is not None:
        wins &= ~block.missing[hr : hr + n, hc : hc + m]
    if threshold is not None:
        wins &= centre > threshold
    rows, columns = np.divmod(np.flatnonzero(wins), m)
    if upper and block.column < block.row + n:
        kept = rows + block.row <= columns + block.column
        rows, columns = rows[kept], columns[kept]
    if clear:
        rival = np.maximum(before[rows, columns], after[rows, columns])
        places = rows + block.row, columns + block.column
        yield _clear(*places, centre[rows, columns], rival, _outside(*places, source.shape, k), border)
        return
    for part in _windows_at(block, rows, columns, k):
        yield _judged(source, part, k, ties, border)


def _outside(rows: Places, columns: Places, shape: tuple[int, int], k: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Count the entries of windows that lie outside the matrix."""
    inside = [
        np.minimum(places + side // 2, length - 1) - np.maximum(places - side // 2, 0) + 1
        for places, side, length in zip((rows, columns), k, shape, strict=True)
    ]
    return np.asarray(k[0] * k[1] - inside[0] * inside[1], dtype=np.int64)


def _clear(
    rows: Places,
    columns: Places,
    values: npt.NDArray[Any],
    rival: npt.NDArray[Any],
    missing: npt.NDArray[np.int64],
    border: Border,
) -> _Found:
    """Take strict maxima of windows that are wholly measured inside the matrix: they need not be looked at."""
    none, touching = np.zeros(len(rows), dtype=np.int64), np.zeros((len(rows), 0), dtype=np.bool_)
    found = _Found(rows, columns, values, margin_over(rival, values), none, missing, touching)
    return found if border == "shrink" else _chosen(found, _bordered(missing, border))


def _bordered(missing: npt.NDArray[np.int64], border: Border) -> npt.NDArray[np.bool_]:
    if border == "shrink":
        return np.ones(len(missing), dtype=np.bool_)
    return np.asarray(missing <= (0 if border == "drop" else border))


def _chosen(found: _Found, kept: npt.NDArray[np.bool_]) -> _Found:
    columns: list[Any] = [column[kept] for column in found]
    return _Found(*columns)


def _windows_at(block: Block, rows: Places, columns: Places, k: tuple[int, int]) -> Iterator[_Candidates]:
    """Gather the windows of some entries of a block, so many at a time."""
    views = np.lib.stride_tricks.sliding_window_view(block.values, k)
    unseen = None if block.missing is None else np.lib.stride_tricks.sliding_window_view(block.missing, k)
    step = max(1, GATHERED // (k[0] * k[1]))
    for start in range(0, len(rows), step):
        here, there = rows[start : start + step], columns[start : start + step]
        windows = views[here, there]
        hidden = np.zeros(windows.shape, dtype=np.bool_) if unseen is None else unseen[here, there]
        yield _Candidates(here + block.row, there + block.column, windows, hidden)


def _judged(source: Source, part: _Candidates, k: tuple[int, int], ties: Ties, border: Border) -> _Found:
    """Decide, window by window, exactly."""
    size, middle = k[0] * k[1], (k[0] * k[1]) // 2
    entries, hidden = part.windows.reshape(len(part.rows), size), part.hidden.reshape(len(part.rows), size)
    centre = entries[:, middle]
    other = ~hidden
    other[:, middle] = False
    as_large = (entries == centre[:, None]) & other
    equal, alone = as_large.sum(axis=1), ~other.any(axis=1)
    kept = ~((entries > centre[:, None]) & other).any(axis=1)
    kept &= alone | (equal < other.sum(axis=1))  # a constant window has no maximum
    if ties == "strict":
        kept &= equal == 0
    elif ties == "first":
        kept &= ~as_large[:, :middle].any(axis=1)
    missing = hidden.sum(axis=1)
    kept &= _bordered(missing, border)
    rival = np.where(other, entries, source.lowest).max(axis=1)
    margin = np.where(alone, np.inf, np.where(equal > 0, 0.0, margin_over(rival, centre)))
    touching = _touching(part, k) if ties == "plateau" else np.zeros((len(kept), 0), dtype=np.bool_)
    return _chosen(_Found(part.rows, part.columns, centre, margin, equal, missing, touching), kept)


def _touching(part: _Candidates, k: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Tell which of the eight neighbours of each candidate are as large, shape ``(M, 9)``, itself in the middle."""
    padded = np.zeros((len(part.rows), k[0] + 2, k[1] + 2), dtype=np.bool_)
    centre = part.windows[:, k[0] // 2, k[1] // 2]
    padded[:, 1:-1, 1:-1] = (part.windows == centre[:, None, None]) & ~part.hidden
    top, left = k[0] // 2, k[1] // 2
    return padded[:, top : top + 3, left : left + 3].reshape(len(part.rows), 9)


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
    return np.asarray(np.sort(kept[~beaten[component[kept]]]), dtype=np.intp)
