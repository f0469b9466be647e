"""Maxima of a matrix whose order means something: entries above all others of the window around them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.blocks import Block
from gnnmax.detection.breaks import Breaks
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima, Places, margin_over
from gnnmax.detection.pair_cells import earlier_pairs, repeated_cells
from gnnmax.detection.running_maximum import rivals
from gnnmax.detection.search_options import SearchOptions
from gnnmax.errors import InputError

__all__ = ["ordered_maxima"]

GATHERED = 2**22
"""Entries of windows examined together."""

MOST_MAXIMA = 2**26
"""Largest number of maxima of one search: each takes about 100 bytes."""


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Entries that may be maxima, with their windows.

    A missing entry (``hidden``) holds the lowest number of the type, not NaN. ``again`` marks the entries that are a
    pair of an undirected graph for the second time, and ``earlier`` those that come before the centre.
    """

    rows: Places
    columns: Places
    windows: npt.NDArray[Any]
    hidden: npt.NDArray[np.bool_]
    again: npt.NDArray[np.bool_]
    earlier: npt.NDArray[np.bool_]


class _Found(NamedTuple):
    """Maxima of a block, column by column; ``touching`` says which of the eight neighbours are as large."""

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    margin: npt.NDArray[np.float64]
    ties: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    touching: npt.NDArray[np.bool_]


def ordered_maxima(source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the maxima of windows; see :func:`gnnmax.detection.find_maxima`.

    An undirected matrix has pairs, and they are listed by their entries ``(i, j)`` with ``i <= j``. A window covers
    pairs too: one that it holds in two cells counts once, and the mirror image of its centre is no rival.

    Args:
        source: The matrix.
        options: How it is searched; distance and triangle are left to the caller.
    """
    (rows, columns), plateau = options.sides, options.ties == "plateau"
    none = _none(source.dtype, 9 if plateau else 0)
    fields: list[list[npt.NDArray[Any]]] = [[part] for part in none]
    tiles = source.tiles((rows // 2, columns // 2), upper=source.undirected)
    total = 0
    for _, blocks in itertools.groupby(tiles, key=lambda block: block.row):
        parts = [part for block in blocks for part in _maxima_in(source, block, options)]
        strip = _joined([[*column] for column in zip(none, *parts, strict=True)])
        total += len(strip.rows)
        if total > MOST_MAXIMA:
            raise InputError(
                f"there are more than {MOST_MAXIMA:,} maxima, too many to keep: raise the threshold or the side of the "
                "windows, or search a part of the matrix"
            )
        order = np.argsort(strip.rows * source.shape[1] + strip.columns, kind="stable")  # runs that are sorted already
        for field, column in zip(fields, strip, strict=True):
            field.append(column[order])
    joined = _by_place(_joined(fields), source.shape[1])
    values = joined.values.astype(source.given, copy=False)
    maxima = Maxima(
        joined.rows, joined.columns, values, *joined[3:6], mode="ordered", k=options.sides, names=source.names
    )
    return maxima[_plateaus(maxima, joined.touching)] if plateau and len(maxima) else maxima


def _joined(fields: list[list[npt.NDArray[Any]]]) -> _Found:
    """Join maxima field by field, and free the parts: there may be many."""
    joined: list[Any] = []
    for parts in fields:
        joined.append(np.concatenate(parts))
        parts.clear()
    return _Found(*joined)


def _by_place(found: _Found, width: int) -> _Found:
    """Sort maxima by row and column in place, if blocks did not come by row."""
    numbers = found.rows * width + found.columns
    if (numbers[1:] < numbers[:-1]).any():
        order = np.argsort(numbers, kind="stable")
        for column in found:  # column by column: there may be many maxima, and memory is short
            column[:] = column[order]
    return found


def _none(dtype: np.dtype[Any], touching: int = 0) -> _Found:
    places, counts = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64)
    return _Found(places, places, np.empty(0, dtype), np.empty(0), counts, counts, np.empty((0, touching), np.bool_))


def _maxima_in(source: MatrixSource, block: Block, options: SearchOptions) -> Iterator[_Found]:
    """Compare every entry of a block with the largest others of its window, then examine the winners one by one."""
    k, ties = options.sides, options.ties
    hr, hc = k[0] // 2, k[1] // 2
    m = block.size((hr, hc))[1]
    below = block.below_diagonal((hr, hc)) if source.undirected else None
    # The mirror images below the diagonal are no rivals: a square window holds each of these pairs above it too.
    values = block.values if below is None else np.where(below, source.lowest, block.values)
    centre = block.inside(values, (hr, hc))
    before, after = rivals(values, (hr, hc), shear=block.shear)
    wins = centre > before if ties in ("strict", "first") else centre >= before
    wins &= centre > after if ties == "strict" else centre >= after
    clear = ties == "strict" and not block.holes and (below is None or hr == hc)
    # A window of nothing but the lowest number holds one of every k-th entry of every k-th row.
    if not clear or values[hr % k[0] :: k[0], hc % k[1] :: k[1]].min() == source.lowest:
        # Where there are no others, or none above the lowest number of the type, the windows themselves decide.
        unclear = (centre == source.lowest) & (before == source.lowest) & (after == source.lowest)
        if below is not None:
            unclear &= ~block.inside(below, (hr, hc))
        wins |= unclear
        clear &= not unclear.any()
    if block.holes and block.missing is not None:
        wins &= ~block.inside(block.missing, (hr, hc))
    if options.threshold is not None:
        wins &= centre > options.threshold
    rows, columns = np.divmod(np.flatnonzero(wins), m)
    places = block.places(rows, columns)
    if below is not None:
        kept = places[0] <= places[1]
        rows, columns, places = rows[kept], columns[kept], (places[0][kept], places[1][kept])
    if clear:
        rival = np.maximum(before[rows, columns], after[rows, columns])
        outside = _outside(*places, source.parts, k, pairs=source.undirected)
        found = _clear(places, centre[rows, columns], rival, outside)
        yield found if options.allowed_missing is None else _chosen(found, found.missing <= options.allowed_missing)
        return
    for part in _windows_at(block, rows, columns, k, pairs=below is not None):
        yield _decided(source, part, options)


def _outside(rows: Places, columns: Places, parts: Breaks, k: tuple[int, int], *, pairs: bool) -> npt.NDArray[np.int64]:
    """Count the entries of windows that lie outside the parts; of ``pairs`` that a window holds twice, one."""
    first = [places - side // 2 for places, side in zip((rows, columns), k, strict=True)]
    last = [places + side // 2 for places, side in zip((rows, columns), k, strict=True)]
    limits = parts.limits(rows, columns)
    inner = [np.maximum(places, least) for places, (least, _) in zip(first, limits, strict=True)]
    outer = [np.minimum(places, end - 1) for places, (_, end) in zip(last, limits, strict=True)]
    inside = (outer[0] - inner[0] + 1) * (outer[1] - inner[1] + 1)
    counted = k[0] * k[1] - inside
    if pairs:
        counted += _twice(inner, outer) - _twice(first, last)
    return np.asarray(counted, dtype=np.int64)


def _twice(first: list[Places], last: list[Places]) -> npt.NDArray[np.int64]:
    """Count the pairs that windows hold in two cells: those of two nodes that are rows and columns."""
    nodes = np.maximum(np.minimum(*last) - np.maximum(*first) + 1, 0)
    return np.asarray(nodes * (nodes - 1) // 2, dtype=np.int64)


def _clear(
    places: tuple[Places, Places],
    values: npt.NDArray[Any],
    rival: npt.NDArray[Any],
    missing: npt.NDArray[np.int64],
) -> _Found:
    """Take strict maxima of windows that are wholly measured inside the matrix: nothing is left to decide."""
    none, touching = np.zeros(len(values), dtype=np.int64), np.zeros((len(values), 0), dtype=np.bool_)
    return _Found(*places, values, margin_over(rival, values), none, missing, touching)


def _chosen(found: _Found, kept: npt.NDArray[np.bool_]) -> _Found:
    columns: list[Any] = [column[kept] for column in found]
    return _Found(*columns)


def _windows_at(
    block: Block, rows: Places, columns: Places, k: tuple[int, int], *, pairs: bool
) -> Iterator[_Candidates]:
    """Gather the windows of some entries of a block, a limited number at a time; of ``pairs``, mark repeated ones."""
    size = k[0] * k[1]
    first_half = np.broadcast_to((np.arange(size) < size // 2).reshape(k), (1, *k))
    views = block.windows(block.values, k)
    unseen = None if block.missing is None else block.windows(block.missing, k)
    step = max(1, GATHERED // size)
    for start in range(0, len(rows), step):
        here, there = rows[start : start + step], columns[start : start + step]
        windows = views[here, there]
        hidden = np.zeros(windows.shape, dtype=np.bool_) if unseen is None else unseen[here, there]
        places = block.places(here, there)
        again = repeated_cells(*places, k) if pairs else np.zeros((1, *k), dtype=np.bool_)
        earlier = earlier_pairs(*places, k) if pairs else first_half
        yield _Candidates(*places, windows, hidden & ~again, again, earlier)


def _decided(source: MatrixSource, part: _Candidates, options: SearchOptions) -> _Found:
    """Decide, window by window, exactly."""
    k, ties = options.sides, options.ties
    size, middle = k[0] * k[1], (k[0] * k[1]) // 2
    entries, hidden = part.windows.reshape(len(part.rows), size), part.hidden.reshape(len(part.rows), size)
    centre = entries[:, middle]
    other = ~hidden & ~part.again.reshape(-1, size)
    other[:, middle] = False
    as_large = (entries == centre[:, None]) & other
    equal, alone = as_large.sum(axis=1), ~other.any(axis=1)
    kept = ~((entries > centre[:, None]) & other).any(axis=1)
    kept &= alone | (equal < other.sum(axis=1))  # a constant window has no maximum
    if ties == "strict":
        kept &= equal == 0
    elif ties == "first":
        kept &= ~(as_large & part.earlier.reshape(-1, size)).any(axis=1)
    missing = hidden.sum(axis=1)
    if options.allowed_missing is not None:
        kept &= missing <= options.allowed_missing
    rival = np.where(other, entries, source.lowest).max(axis=1)
    margin = np.where(alone, np.inf, np.where(equal > 0, 0.0, margin_over(rival, centre)))
    touching = _touching(part, k) if ties == "plateau" else np.zeros((len(kept), 0), dtype=np.bool_)
    return _chosen(_Found(part.rows, part.columns, centre, margin, equal, missing, touching), kept)


def _touching(part: _Candidates, k: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Find out which of the eight neighbours of each candidate are as large: shape ``(M, 9)``, itself in the middle."""
    padded = np.zeros((len(part.rows), k[0] + 2, k[1] + 2), dtype=np.bool_)
    centre = part.windows[:, k[0] // 2, k[1] // 2]
    padded[:, 1:-1, 1:-1] = (part.windows == centre[:, None, None]) & ~part.hidden & ~part.again
    top, left = k[0] // 2, k[1] // 2
    return padded[:, top : top + 3, left : left + 3].reshape(len(part.rows), 9)


def _plateaus(maxima: Maxima, neighbours: npt.NDArray[np.bool_]) -> Places:
    """Keep one entry of every plateau: connected equal entries, each of them a largest of its window.

    It does not count if one of its entries is beaten, or is no candidate. Its first entry, by row and then by column,
    represents it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    width = int(maxima.columns.max()) + 3
    numbers = (maxima.rows + 1) * width + maxima.columns + 1  # neighbours outside the matrix have numbers too
    order = np.argsort(numbers)
    index, step = np.nonzero(neighbours)
    there = numbers[index] + (step // 3 - 1) * width + step % 3 - 1
    found = order[np.minimum(np.searchsorted(numbers, there, sorter=order), len(order) - 1)]
    candidate = numbers[found] == there
    open_end = np.zeros(len(maxima), dtype=np.bool_)
    open_end[index[~candidate]] = True
    pairs = np.stack([index[candidate], found[candidate]], axis=1)
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(maxima),) * 2)
    count, component = connected_components(graph, directed=False)
    beaten = np.zeros(count, dtype=np.bool_)
    beaten[component[open_end]] = True
    _, first = np.unique(component[order], return_index=True)
    kept = order[first]
    return np.asarray(np.sort(kept[~beaten[component[kept]]]), dtype=np.intp)
