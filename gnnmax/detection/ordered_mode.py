"""Maxima of a matrix whose order means something: entries above all others of the window around them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.blocks import Block
from gnnmax.detection.breaks import Breaks
from gnnmax.detection.candidates import Found, candidates_at, chosen, decided
from gnnmax.detection.footprints import footprint_of, hole_of, nearest_of, rivals_among, rivals_within
from gnnmax.detection.labels import Labels, labels_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima, Places, margin_over
from gnnmax.detection.running_maximum import rivals, running_maximum
from gnnmax.detection.search_options import SearchOptions, has_shape
from gnnmax.errors import InputError

__all__ = [
    "MOST_MAXIMA",
    "as_maxima",
    "check_number",
    "counts",
    "joined",
    "no_maxima",
    "ordered_maxima",
    "outside",
    "rising",
]

MOST_MAXIMA = 2**26
"""Largest number of maxima of one search: each takes about 100 bytes."""


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
    half, labels = (rows // 2, columns // 2), labels_of(source, options)
    lone = labels is not None and options.unstored == "zero"  # a zero may be the only entry of its label
    cover = source.every_block if lone else partial(source.tiles, hole=hole_of(options.footprint) // 2)
    tiles = cover(half, upper=source.undirected)
    total = 0
    for _, blocks in itertools.groupby(tiles, key=lambda block: block.row):
        parts = [part for block in blocks for part in _maxima_in(source, block, options, labels)]
        strip = joined([[*column] for column in zip(none, *parts, strict=True)])
        total += len(strip.rows)
        check_number(total)
        order = np.argsort(strip.rows * source.shape[1] + strip.columns, kind="stable")  # runs that are sorted already
        for field, column in zip(fields, strip, strict=True):
            field.append(column[order])
    found = _by_place(joined(fields), source.shape[1])
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


def _by_place(found: Found, width: int) -> Found:
    """Sort maxima by row and column in place, if blocks did not come by row."""
    numbers = found.rows * width + found.columns
    if (numbers[1:] < numbers[:-1]).any():
        order = np.argsort(numbers, kind="stable")
        for column in found:  # column by column: there may be many maxima, and memory is short
            column[:] = column[order]
    return found


def no_maxima(dtype: np.dtype[Any]) -> Found:
    """Return an empty table of maxima."""
    places, counts = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64)
    return Found(places, places, np.empty(0, dtype), np.empty(0), counts, counts)


def _maxima_in(source: MatrixSource, block: Block, options: SearchOptions, labels: Labels | None) -> Iterator[Found]:
    """Compare every entry of a block with the largest others of its window, then examine the winners one by one.

    With a footprint or with labels this comparison leaves out some rivals, which are found one by one.
    """
    k, ties, footprint = options.sides, options.ties, footprint_of(options.footprint, options.sides)
    hr, hc = k[0] // 2, k[1] // 2
    m = block.size((hr, hc))[1]
    below = block.below_diagonal((hr, hc)) if source.undirected else None
    marks = None if labels is None else labels.of_block(block, (hr, hc))
    whole = below is None or (hr == hc and footprint is None)  # all rivals of an entry are above the diagonal
    # The mirror images below the diagonal are no rivals: a square window holds each of these pairs above it too.
    values = block.values if below is None else np.where(below, source.lowest, block.values)
    centre = block.inside(values, (hr, hc))
    if marks is not None:
        before, after = rivals_within(values, marks, nearest_of(footprint, k), source.lowest, shear=block.shear)
    elif footprint is not None:
        before, after = rivals_among(values, footprint, source.lowest, shear=block.shear)
    else:
        before, after = rivals(values, (hr, hc), shear=block.shear)
    wins = centre > before if ties in ("strict", "first") else centre >= before
    wins &= centre > after if ties == "strict" else centre >= after
    clear = ties == "strict" and not block.holes and whole and footprint is None and labels is None
    # A window of nothing but the lowest number holds one of every k-th entry of every k-th row.
    if not clear or values[hr % k[0] :: k[0], hc % k[1] :: k[1]].min() == source.lowest:
        # Where there are no others, or none above the lowest number of the type, the windows themselves decide.
        unclear = (centre == source.lowest) & (before == source.lowest) & (after == source.lowest)
        if below is not None:
            unclear &= ~block.inside(below, (hr, hc))
        wins |= unclear
        clear &= not unclear.any()
    if ties != "strict" and whole and marks is None:  # constant windows need not be examined one by one
        gone = block.missing if below is None else _either(block.missing, below)
        wins &= rising(values, gone, source.lowest, k, shear=block.shear, footprint=footprint)
    if block.holes and block.missing is not None:
        wins &= ~block.inside(block.missing, (hr, hc))
    if marks is not None:
        wins &= block.inside(marks, (hr, hc)) != 0
    if options.threshold is not None and not has_shape(options.threshold):
        wins &= centre > options.threshold
    rows, columns = np.divmod(np.flatnonzero(wins), m)
    places = block.places(rows, columns)
    if below is not None:
        kept = places[0] <= places[1]
        rows, columns, places = rows[kept], columns[kept], (places[0][kept], places[1][kept])
    if clear:
        rival = np.maximum(before[rows, columns], after[rows, columns])
        absent = outside(*places, source.parts, k, pairs=source.undirected)
        found = _clear(places, centre[rows, columns], rival, absent)
        yield found if options.allowed_missing is None else chosen(found, found.missing <= options.allowed_missing)
        return
    for part in candidates_at(block, rows, columns, k, pairs=below is not None, footprint=footprint, labels=marks):
        yield decided(source, part, options)


def _either(one: npt.NDArray[np.bool_] | None, other: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return other if one is None else one | other


def rising(
    values: npt.NDArray[Any],
    gone: npt.NDArray[np.bool_] | None,
    lowest: Any,
    k: tuple[int, int],
    *,
    shear: int = 0,
    footprint: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.bool_]:
    """Find the entries of a block that are above another entry of their window, or have no other one.

    With a footprint, entries that are not above another one are found too if all others hold the lowest number.

    Args:
        values: The block with its border; ``gone`` entries hold the ``lowest`` number of the type.
        gone: Which entries do not count; None: all do.
        lowest: That number.
        k: Rows and columns of the windows.
        shear: 1 if each row begins one column further right than the row above it.
        footprint: The entries of a window besides its centre that count; None: all.
    """
    lows = -values if values.dtype.kind == "f" else ~values  # in reverse order
    if gone is not None:
        lows[gone] = lowest
    if footprint is not None:
        least = np.maximum(*rivals_among(lows, footprint, lowest, shear=shear))
        first = k[1] // 2 + shear * (k[0] // 2)
        rises = least > lows[k[0] // 2 :, first:][: least.shape[0], : least.shape[1]]
        return np.asarray(rises | (least == lowest))
    least = running_maximum(running_maximum(lows, k[1], 1), k[0], 0, shear=shear)
    first = k[1] // 2 + shear * (k[0] // 2)
    rises = least > lows[k[0] // 2 :, first:][: least.shape[0], : least.shape[1]]
    if gone is not None:
        rises |= counts(~gone, k, shear=shear) == 1
    return np.asarray(rises)


def counts(marks: npt.NDArray[np.bool_], k: tuple[int, int], *, shear: int = 0) -> npt.NDArray[np.int64]:
    """Count the marks in every window of a block with its border.

    Example:
        >>> counts(np.array([[True, False, True], [True, True, False], [False, True, True]]), (3, 3))
        array([[6]])
    """
    sums = np.zeros((marks.shape[0], marks.shape[1] + 1), dtype=np.int64)
    np.cumsum(marks, axis=1, dtype=np.int64, out=sums[:, 1:])
    beside = sums[:, k[1] :] - sums[:, : -k[1]]
    n, m = marks.shape[0] - k[0] + 1, beside.shape[1] - shear * (k[0] - 1)
    if not shear:
        sums = np.zeros((marks.shape[0] + 1, m), dtype=np.int64)
        np.cumsum(beside, axis=0, out=sums[1:])
        return sums[k[0] :] - sums[: -k[0]]
    counted = np.zeros((n, m), dtype=np.int64)
    for down in range(k[0]):
        counted += beside[down : down + n, k[0] - 1 - down :][:, :m]
    return counted


def outside(rows: Places, columns: Places, parts: Breaks, k: tuple[int, int], *, pairs: bool) -> npt.NDArray[np.int64]:
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
) -> Found:
    """Take strict maxima of windows that are wholly measured inside the matrix: nothing is left to decide."""
    none = np.zeros(len(values), dtype=np.int64)
    return Found(*places, values, margin_over(rival, values), none, missing)
