"""The entries of a block as plateaus need them: which are beaten, which rise, and which are of one plateau."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.blocks import Block
from gnnmax.detection.candidates import candidates_at, described
from gnnmax.detection.connected_groups import joined_in_pairs
from gnnmax.detection.footprints import footprint_of, nearest_of, rivals_among, rivals_within
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.ordered_mode import counts, rising
from gnnmax.detection.running_maximum import rivals
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.storage import Places

__all__ = ["Region", "compared_entries"]

Mask = npt.NDArray[np.bool_]


class Region(NamedTuple):
    """Entries of a block and of those that touch it: values, which were measured, are unbeaten, rise above another.

    With labels, ``marks`` holds them; entries without one count as not measured.
    """

    values: npt.NDArray[Any]
    measured: Mask
    unbeaten: Mask
    rises: Mask
    marks: npt.NDArray[Any] | None

    def same(self, one: tuple[Any, Any], other: tuple[Any, Any]) -> Mask:
        """Return whether entries have equal values, and equal labels if there are any."""
        equal = self.values[one] == self.values[other]
        return np.asarray(equal if self.marks is None else equal & (self.marks[one] == self.marks[other]))

    def numbered(self, reach: tuple[int, int], *, rivals: bool) -> tuple[Places, int]:
        """Number the groups of unbeaten entries that touch and are equal, from 1 on; 0 elsewhere.

        Args:
            reach: How many rows and columns away an entry may touch.
            rivals: Whether entries that touch are rivals, so that unbeaten ones are equal.
        """
        from scipy.ndimage import label

        if rivals:
            touching = np.zeros((3, 3), dtype=np.int8)
            touching[1 - reach[0] : 2 + reach[0], 1 - reach[1] : 2 + reach[1]] = 1
            numbers, count = label(self.unbeaten, touching)
            return numbers.astype(np.intp, copy=False), int(count)
        places = np.full(self.unbeaten.shape, -1)
        places[self.unbeaten] = np.arange(np.count_nonzero(self.unbeaten))
        ends: list[npt.NDArray[Any]] = [np.empty((2, 0), dtype=np.intp)]
        for down, aside in ((0, 1), (1, -1), (1, 0), (1, 1)):
            if down <= reach[0] and abs(aside) <= reach[1]:
                one, other = _shifted(self.values.shape, down, aside)
                pairs = self.unbeaten[one] & self.unbeaten[other] & self.same(one, other)
                ends.append(np.stack([places[one][pairs], places[other][pairs]]))
        count, group = joined_in_pairs(int(places.max()) + 1, *np.concatenate(ends, axis=1))
        found = np.zeros(self.unbeaten.shape, dtype=np.intp)
        found[self.unbeaten] = group + 1
        return found, count

    def touches_beaten(self, reach: tuple[int, int]) -> Mask:
        """Find the unbeaten entries of the block that touch an equal one that is beaten."""
        (up, left), (height, width) = reach, self.values.shape
        found = np.zeros((height - 2 * up, width - 2 * left), dtype=np.bool_)
        beaten = self.measured & ~self.unbeaten
        if not beaten.any():
            return found
        inner = (slice(up, height - up), slice(left, width - left))
        for row, column in product(range(2 * up + 1), range(2 * left + 1)):
            there = (slice(row, row + found.shape[0]), slice(column, column + found.shape[1]))
            found |= beaten[there] & self.same(there, inner)
        return found & self.unbeaten[inner]


def _shifted(shape: tuple[int, ...], down: int, aside: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return all entries that have another one some rows down and columns aside, and these others."""
    (n, m), left, right = shape, max(0, -aside), max(0, aside)
    return (slice(0, n - down), slice(left, m - right)), (slice(down, n), slice(left + aside, m - right + aside))


def compared_entries(
    source: MatrixSource,
    block: Block,
    options: SearchOptions,
    reach: tuple[int, int],
    marks: npt.NDArray[Any] | None,
) -> Region:
    """Compare every entry of a block, and those that touch it, with the others of its window."""
    k, footprint = options.sides, footprint_of(options.footprint, options.sides)
    hr, hc = k[0] // 2, k[1] // 2
    below = block.below_diagonal((hr + reach[0], hc + reach[1])) if source.undirected else None
    hidden = np.zeros(block.values.shape, dtype=np.bool_) if block.missing is None else block.missing
    gone = hidden if below is None else hidden | below
    values = block.values if below is None else np.where(below, source.lowest, block.values)
    height, width = values.shape[0] - 2 * hr, values.shape[1] - 2 * hc
    inner = slice(hr, hr + height), slice(hc, hc + width)
    centre, own = values[inner], None if marks is None else marks[inner]
    measured = ~gone[inner] if own is None else ~gone[inner] & (own != 0)
    if marks is not None:  # the nearest rivals; the others are examined one by one
        before, after = rivals_within(values, marks, nearest_of(footprint, k), source.lowest)
    elif footprint is not None:
        before, after = rivals_among(values, footprint, source.lowest)
    else:
        before, after = rivals(values, (hr, hc))
    unbeaten = measured & (centre >= before) & (centre >= after)
    some_gone = block.missing is not None or below is not None
    rises = measured.copy()
    if marks is None:
        rises &= rising(values, gone if some_gone else None, source.lowest, k, footprint=footprint)
    if some_gone and options.allowed_missing is not None and marks is None and footprint is None:
        unbeaten &= counts(hidden if below is None else hidden & ~below, k) <= options.allowed_missing
    region = Region(centre, measured, unbeaten, rises, own)
    corner = block.row - reach[0], block.column - reach[1]
    unclear = np.nonzero(_unclear(region, options, below, corner))
    block = block._replace(row=corner[0], column=corner[1])
    _correct(source, block, options, region=region, unclear=unclear, marks=marks)
    return region


def _unclear(region: Region, options: SearchOptions, below: Mask | None, corner: tuple[int, int]) -> Mask:
    """Return which unbeaten entries have to be compared with their rivals one by one.

    Those near the diagonal of an undirected matrix, where windows that are not square, or have a footprint, hold pairs
    below the diagonal whose mirror images are outside; and with labels, or if missing entries of a footprint are
    counted, all.
    """
    hr, hc = options.sides[0] // 2, options.sides[1] // 2
    square = options.footprint == "square"
    if region.marks is not None or (not square and options.allowed_missing is not None):
        return region.unbeaten
    unclear = np.zeros(region.unbeaten.shape, dtype=np.bool_)
    if not square:  # the largest number, which nothing that is missing may be confused with
        kind = region.values.dtype
        unclear |= region.values == (np.inf if kind.kind == "f" else np.iinfo(kind).max)
    if below is not None and (hr != hc or not square):
        height, width = region.values.shape
        apart = np.arange(width) + corner[1] - np.arange(height)[:, None] - corner[0]
        unclear |= np.abs(apart) < (abs(hr - hc) if square else hr + hc)
    return unclear & region.unbeaten


def _correct(
    source: MatrixSource,
    block: Block,
    options: SearchOptions,
    *,
    region: Region,
    unclear: tuple[Places, ...],
    marks: npt.NDArray[Any] | None,
) -> None:
    """Compare some entries with all rivals of their windows; the block begins with the entries that touch it."""
    at, (rows, columns), footprint = 0, unclear, footprint_of(options.footprint, options.sides)
    for part in candidates_at(
        block, rows, columns, options.sides, pairs=source.undirected, footprint=footprint, labels=marks
    ):
        found, beaten, rises = described(source, part)
        here = rows[at : at + len(beaten)], columns[at : at + len(beaten)]
        if options.allowed_missing is not None:
            beaten |= found.missing > options.allowed_missing
        region.unbeaten[here], region.rises[here] = ~beaten, rises
        at += len(beaten)
