"""Topographic prominence of maxima: how far one must go down from each to reach a higher entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.flat_regions import Cells, Part, flat_regions
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.storage import Places
from gnnmax.detection.topography import Entries, Neighbours, prominence_among, prominence_in
from gnnmax.errors import InputError

__all__ = ["prominence_of"]

LARGEST = 2**24
"""Most entries of a part of a matrix: each takes about 100 bytes."""


def prominence_of(source: MatrixSource, maxima: Maxima) -> npt.NDArray[np.float64]:
    """Return the prominence of the maxima of a matrix, see :func:`prominence_in`.

    Parts between breaks are separate: no path leads across. In an undirected matrix both halves are one landscape, and
    one is read. A part is read whole; of a sparse matrix only stored entries are, and where unstored ones are zeros,
    those that touch are one region.

    Raises:
        InputError: a part has too many entries.
    """
    found = np.zeros(len(maxima))
    if source.has_flat_zeros:
        return _above_zeros(source, maxima)
    for entries, rows, columns, which in _landscapes(source, maxima):
        found[which] = prominence_in(entries, rows, columns)
    return found


def _landscapes(source: MatrixSource, maxima: Maxima) -> Iterator[tuple[Entries, Places, Places, Places]]:
    """Yield parts of a matrix, and rows, columns and indices of their maxima."""
    if source.sparse and source.unstored == "missing":
        parts = list(source.measured())
        values, rows, columns = (np.concatenate([part[at] for part in parts]) for at in range(3))
        kept = (rows <= columns) | (not source.undirected)
        places = source.parts.apart(rows[kept].astype(np.intp), columns[kept].astype(np.intp), 2)
        if len(maxima):
            moved = source.parts.apart(maxima.rows, maxima.columns, 2)
            yield Entries(values[kept], *places), *moved, np.arange(len(maxima))
        return
    (tops, bottoms), (firsts, lasts) = source.parts.limits(maxima.rows, maxima.columns)
    tiles, which = np.unique(np.stack([tops, firsts, bottoms, lasts], axis=1), axis=0, return_inverse=True)
    for number, (top, first, bottom, last) in enumerate(tiles.tolist()):
        inside = np.flatnonzero(which.reshape(-1) == number)
        half = source.undirected and top == first
        count = (bottom - top) * (last - first) // (2 if half else 1)
        if count > LARGEST:
            raise InputError(
                f"prominence reads a part of a matrix at once, of at most {LARGEST:,} entries, not {count:,}: search "
                "a coarser matrix, or read only stored entries with unstored 'missing'"
            )
        block = source.block(top, first, bottom - top, last - first, (0, 0))
        known = np.ones(block.values.shape, np.bool_) if block.missing is None else ~block.missing
        known = np.triu(known) if half else known
        yield (
            Entries(block.values[known], *np.nonzero(known)),
            maxima.rows[inside] - top,
            maxima.columns[inside] - first,
            inside,
        )


def _above_zeros(source: MatrixSource, maxima: Maxima) -> npt.NDArray[np.float64]:
    """Return the prominence of maxima of a sparse matrix whose unstored entries are zeros: one part after another."""
    found, edges = np.zeros(len(maxima)), source.parts.rows
    parts = np.searchsorted(edges, maxima.rows, "right")
    listed = (one for one in source.near_stored(upper=source.undirected) if len(one[0]))
    strips = groupby(listed, lambda one: int(np.searchsorted(edges, one[1][0], "right")))
    nothing = Entries(np.empty(0, source.dtype), np.empty(0, np.intp), np.empty(0, np.intp))
    gaps, left = _missing_entries(source), set(parts.tolist())
    for part, blocks in strips:
        if part in left:
            left.remove(part)
            here = np.flatnonzero(parts == part)
            found[here] = _in_strip(source, maxima[here], _not_zero(source, blocks), gaps)
    for part in left:
        here = np.flatnonzero(parts == part)
        found[here] = _in_strip(source, maxima[here], nothing, gaps)
    return found


def _not_zero(source: MatrixSource, blocks: Iterable[tuple[npt.NDArray[Any], Places, Places]]) -> Entries:
    """Join entries that are not 0; of an undirected matrix, of its upper half."""
    kept, count = [], 0
    for values, rows, columns in blocks:
        chosen = np.flatnonzero((values != 0) & ((rows <= columns) | (not source.undirected)))
        kept.append((values[chosen], rows[chosen], columns[chosen]))
        count += len(chosen)
        _check_count(count)
    return Entries(*(np.concatenate(part) for part in zip(*kept, strict=True)))


def _check_count(count: int) -> None:
    if count > LARGEST:
        raise InputError(
            f"prominence reads a part of a matrix at once, of at most {LARGEST:,} entries that are not 0: search a "
            "coarser matrix"
        )


def _missing_entries(source: MatrixSource) -> Cells:
    """Return the entries that are missing by themselves: stored NaN, and the diagonal if it does not take part."""
    rows, columns = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    if source.matrix.dtype.kind == "f":
        for values, down, across in source.stored():
            unknown = np.isnan(values)
            rows.append(down[unknown])
            columns.append(across[unknown])
    if not source.diagonal:
        rows.append(np.arange(min(source.shape)))
        columns.append(np.arange(min(source.shape)))
    return Cells(np.concatenate(rows), np.concatenate(columns))


def _in_strip(source: MatrixSource, maxima: Maxima, entries: Entries, gaps: Cells) -> npt.NDArray[np.float64]:
    """Return the prominence of maxima whose rows are in one part, given the entries of these rows that are not 0."""
    found, edges = np.zeros(len(maxima)), source.parts.columns
    (top, bottom), _ = source.parts.limits(int(maxima.rows[0]), 0)
    lines = source.missing if isinstance(source.missing, MissingLines) else MissingLines.none(source.shape)
    for number in np.unique(np.searchsorted(edges, maxima.columns, "right")).tolist():
        first, last = edges[number - 1 : number + 1].tolist()
        measured = ~lines.rows[top:bottom], ~lines.columns[first:last]
        part = Part(top, first, *measured, source.scored_offsets(), source.undirected and top == first)
        inside = (entries.columns >= first) & (entries.columns < last)
        gone = (gaps.rows >= top) & (gaps.rows < bottom) & (gaps.columns >= first) & (gaps.columns < last)
        here = np.flatnonzero((maxima.columns >= first) & (maxima.columns < last))
        found[here] = _in_part(
            part,
            Entries(entries.values[inside], entries.rows[inside], entries.columns[inside]),
            Cells(gaps.rows[gone], gaps.columns[gone]),
            Cells(maxima.rows[here], maxima.columns[here]),
        )
    return found


def _in_part(part: Part, entries: Entries, gaps: Cells, asked: Cells) -> npt.NDArray[np.float64]:
    """Return the prominence of entries of one part; each region of zeros is one place of the landscape."""
    cells = Cells(*(np.concatenate(side) for side in zip((entries.rows, entries.columns), gaps, strict=True)))
    regions = flat_regions(part, cells, asked)
    _check_count(len(entries.values) + regions.count)
    stride = part.first + len(part.columns) + 2
    keys = entries.rows * stride + entries.columns
    order = np.argsort(keys, kind="stable")
    entries, keys = Entries(*(column[order] for column in entries)), keys[order]
    cell, region = regions.touching(Cells(entries.rows, entries.columns))
    values = np.concatenate([entries.values, np.zeros(regions.count, dtype=entries.values.dtype)])
    wanted = asked.rows * stride + asked.columns
    index = np.searchsorted(keys, wanted)
    zero = np.append(keys, -1)[index] != wanted
    index[zero] = len(keys) + regions.holding(Cells(asked.rows[zero], asked.columns[zero]))
    return prominence_among(values, Neighbours(keys, stride, (cell, len(keys) + region)), index)
