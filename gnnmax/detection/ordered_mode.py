"""Maxima of a matrix whose order means something: entries above all others of the window around them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import Block, MatrixSource
from gnnmax.detection.maxima import Maxima, Places, margin_over
from gnnmax.detection.pair_cells import earlier_pairs, repeated_cells
from gnnmax.detection.running_maximum import rivals, running_maximum
from gnnmax.detection.search_options import SearchOptions
from gnnmax.errors import InputError

__all__ = [
    "MOST_MAXIMA",
    "Candidates",
    "Found",
    "as_maxima",
    "below_diagonal",
    "candidates_at",
    "check_number",
    "counts",
    "described",
    "joined",
    "no_maxima",
    "ordered_maxima",
    "outside",
    "rising",
]

GATHERED = 2**22
"""Entries of windows examined together."""

MOST_MAXIMA = 2**26
"""Largest number of maxima of one search: each takes about 100 bytes."""


@dataclass(frozen=True, eq=False)
class Candidates:
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


class Found(NamedTuple):
    """Maxima, column by column."""

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    margin: npt.NDArray[np.float64]
    ties: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]


def ordered_maxima(source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the maxima of windows, except plateaus; see :func:`gnnmax.detection.find_maxima`.

    An undirected matrix has pairs, and they are listed by their entries ``(i, j)`` with ``i <= j``. A window covers
    pairs too: one that it holds in two cells counts once, and the mirror image of its centre is no rival.

    Args:
        source: The matrix.
        options: How it is searched; distance and triangle are left to the caller.
    """
    rows, columns = options.sides
    none = no_maxima(source.dtype)
    fields: list[list[npt.NDArray[Any]]] = [[part] for part in none]
    tiles = source.tiles((rows // 2, columns // 2), upper=source.undirected)
    total = 0
    for _, blocks in itertools.groupby(tiles, key=lambda block: block.row):
        parts = [part for block in blocks for part in _maxima_in(source, block, options)]
        strip = joined([[*column] for column in zip(none, *parts, strict=True)])
        total += len(strip.rows)
        check_number(total)
        order = np.argsort(strip.rows * source.shape[1] + strip.columns, kind="stable")  # runs that are sorted already
        for field, column in zip(fields, strip, strict=True):
            field.append(column[order])
    found = joined(fields)
    return as_maxima(found, source, options)


def as_maxima(found: Found, source: MatrixSource, options: SearchOptions) -> Maxima:
    """Return what was found, sorted by row and column, with values in the type of the matrix."""
    values = found.values.astype(source.given, copy=False)
    return Maxima(found.rows, found.columns, values, *found[3:], mode="ordered", k=options.sides, names=source.names)


def check_number(maxima: int) -> None:
    """Refuse more maxima than can be kept."""
    if maxima > MOST_MAXIMA:
        raise InputError(
            f"there are more than {MOST_MAXIMA:,} maxima, too many to keep: raise the threshold or the side of the "
            "windows, or search a part of the matrix"
        )


def joined(fields: list[list[npt.NDArray[Any]]]) -> Found:
    """Join maxima field by field, and free the parts: there may be many."""
    joined: list[Any] = []
    for parts in fields:
        joined.append(np.concatenate(parts))
        parts.clear()
    return Found(*joined)


def no_maxima(dtype: np.dtype[Any]) -> Found:
    """Return an empty table of maxima."""
    places, counts = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64)
    return Found(places, places, np.empty(0, dtype), np.empty(0), counts, counts)


def _maxima_in(source: MatrixSource, block: Block, options: SearchOptions) -> Iterator[Found]:
    """Compare every entry of a block with the largest others of its window, then examine the winners one by one."""
    k, ties = options.sides, options.ties
    hr, hc = k[0] // 2, k[1] // 2
    n, m = block.values.shape[0] - 2 * hr, block.values.shape[1] - 2 * hc
    below = below_diagonal(block, (hr, hc)) if source.undirected else None
    # The mirror images below the diagonal are no rivals: a square window holds each of these pairs above it too.
    values = block.values if below is None else np.where(below, source.lowest, block.values)
    centre = values[hr : hr + n, hc : hc + m]
    before, after = rivals(values, (hr, hc))
    wins = centre > before if ties in ("strict", "first") else centre >= before
    wins &= centre > after if ties == "strict" else centre >= after
    clear = ties == "strict" and not block.holes and (below is None or hr == hc)
    # A window of nothing but the lowest number holds one of every k-th entry of every k-th row.
    if not clear or values[hr % k[0] :: k[0], hc % k[1] :: k[1]].min() == source.lowest:
        # Where there are no others, or none above the lowest number of the type, the windows themselves decide.
        unclear = (centre == source.lowest) & (before == source.lowest) & (after == source.lowest)
        if below is not None:
            unclear &= ~below[hr : hr + n, hc : hc + m]
        wins |= unclear
        clear &= not unclear.any()
    if ties != "strict" and (below is None or hr == hc):  # constant windows need not be examined one by one
        wins &= rising(values, block.missing if below is None else _either(block.missing, below), source.lowest, k)
    if block.holes and block.missing is not None:
        wins &= ~block.missing[hr : hr + n, hc : hc + m]
    if options.threshold is not None:
        wins &= centre > options.threshold
    rows, columns = np.divmod(np.flatnonzero(wins), m)
    if below is not None:
        kept = rows + block.row <= columns + block.column
        rows, columns = rows[kept], columns[kept]
    if clear:
        rival = np.maximum(before[rows, columns], after[rows, columns])
        places = rows + block.row, columns + block.column
        absent = outside(*places, source.shape, k, pairs=source.undirected)
        found = _clear(places, centre[rows, columns], rival, absent)
        yield found if options.allowed_missing is None else _chosen(found, found.missing <= options.allowed_missing)
        return
    for part in candidates_at(block, rows, columns, k, pairs=below is not None):
        yield _decided(source, part, options)


def _either(one: npt.NDArray[np.bool_] | None, other: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return other if one is None else one | other


def rising(
    values: npt.NDArray[Any], gone: npt.NDArray[np.bool_] | None, lowest: Any, k: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Find the entries of a block that are above another entry of their window, or have no other one.

    Args:
        values: The block with its border; ``gone`` entries hold the ``lowest`` number of the type.
        gone: Which entries do not count; None: all do.
        lowest: That number.
        k: Rows and columns of the windows.
    """
    lows = -values if values.dtype.kind == "f" else ~values  # in reverse order
    if gone is not None:
        lows[gone] = lowest
    least = running_maximum(running_maximum(lows, k[0], 0), k[1], 1)
    inner = slice(k[0] // 2, values.shape[0] - k[0] // 2), slice(k[1] // 2, values.shape[1] - k[1] // 2)
    rises = least > lows[inner]
    if gone is not None:
        rises |= counts(~gone, k) == 1
    return np.asarray(rises)


def counts(marks: npt.NDArray[np.bool_], k: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Count the marks in every window of a block with its border.

    Example:
        >>> counts(np.array([[True, False, True], [True, True, False], [False, True, True]]), (3, 3))
        array([[6]])
    """
    sums = np.zeros((marks.shape[0] + 1, marks.shape[1] + 1), dtype=np.int64)
    np.cumsum(np.cumsum(marks, axis=0, dtype=np.int64), axis=1, out=sums[1:, 1:])
    return np.asarray(sums[k[0] :, k[1] :] - sums[: -k[0], k[1] :] - sums[k[0] :, : -k[1]] + sums[: -k[0], : -k[1]])


def below_diagonal(block: Block, border: tuple[int, int]) -> npt.NDArray[np.bool_] | None:
    """Mark the entries of a block, and of its border, that are below the diagonal; None if there are none."""
    height, width = block.values.shape
    top, left = block.row - border[0], block.column - border[1]
    if top + height - 1 <= left:
        return None
    return np.asarray(np.arange(top, top + height)[:, None] > np.arange(left, left + width))


def outside(
    rows: Places, columns: Places, shape: tuple[int, int], k: tuple[int, int], *, pairs: bool
) -> npt.NDArray[np.int64]:
    """Count the entries of windows that lie outside the matrix; of ``pairs`` that a window holds twice, one."""
    first = [places - side // 2 for places, side in zip((rows, columns), k, strict=True)]
    last = [places + side // 2 for places, side in zip((rows, columns), k, strict=True)]
    inner = [np.maximum(places, 0) for places in first]
    outer = [np.minimum(places, length - 1) for places, length in zip(last, shape, strict=True)]
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
) -> Found:
    """Take strict maxima of windows that are wholly measured inside the matrix: nothing is left to decide."""
    none = np.zeros(len(values), dtype=np.int64)
    return Found(*places, values, margin_over(rival, values), none, missing)


def _chosen(found: Found, kept: npt.NDArray[np.bool_]) -> Found:
    columns: list[Any] = [column[kept] for column in found]
    return Found(*columns)


def candidates_at(
    block: Block, rows: Places, columns: Places, k: tuple[int, int], *, pairs: bool
) -> Iterator[Candidates]:
    """Gather the windows of some entries of a block, a limited number at a time; of ``pairs``, mark repeated ones."""
    size = k[0] * k[1]
    first_half = np.broadcast_to((np.arange(size) < size // 2).reshape(k), (1, *k))
    views = np.lib.stride_tricks.sliding_window_view(block.values, k)
    unseen = None if block.missing is None else np.lib.stride_tricks.sliding_window_view(block.missing, k)
    step = max(1, GATHERED // size)
    for start in range(0, len(rows), step):
        here, there = rows[start : start + step], columns[start : start + step]
        windows = views[here, there]
        hidden = np.zeros(windows.shape, dtype=np.bool_) if unseen is None else unseen[here, there]
        places = here + block.row, there + block.column
        again = repeated_cells(*places, k) if pairs else np.zeros((1, *k), dtype=np.bool_)
        earlier = earlier_pairs(*places, k) if pairs else first_half
        yield Candidates(*places, windows, hidden & ~again, again, earlier)


def _decided(source: MatrixSource, part: Candidates, options: SearchOptions) -> Found:
    """Decide, window by window, exactly."""
    found, beaten, rises = described(source, part)
    kept = ~beaten & rises
    if options.ties == "strict":
        kept &= found.ties == 0
    elif options.ties == "first":
        size = part.windows[0].size
        entries, earlier = part.windows.reshape(-1, size), part.earlier.reshape(-1, size)
        shown = ~(part.hidden | part.again).reshape(-1, size)
        kept &= ~((entries == found.values[:, None]) & shown & earlier).any(axis=1)
    if options.allowed_missing is not None:
        kept &= found.missing <= options.allowed_missing
    return _chosen(found, kept)


def described(source: MatrixSource, part: Candidates) -> tuple[Found, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Describe entries by their windows.

    Returns:
        Their margins, ties and missing entries; whether each is beaten; and whether it rises above another entry, or
        has no other one. A constant window does not rise: it has no maximum.
    """
    size = part.windows[0].size if len(part.windows) else 1
    entries, hidden = part.windows.reshape(-1, size), part.hidden.reshape(-1, size)
    centre = entries[:, size // 2]
    other = ~hidden & ~part.again.reshape(-1, size)
    other[:, size // 2] = False
    equal = ((entries == centre[:, None]) & other).sum(axis=1)
    beaten = ((entries > centre[:, None]) & other).any(axis=1)
    alone = ~other.any(axis=1)
    rival = np.where(other, entries, source.lowest).max(axis=1)
    margin = np.where(alone, np.inf, np.where(equal > 0, 0.0, margin_over(rival, np.maximum(centre, rival))))
    found = Found(part.rows, part.columns, centre, margin, equal, hidden.sum(axis=1))
    return found, np.asarray(beaten), np.asarray(alone | (equal < other.sum(axis=1)))
