"""The ratio of the depths of two matrices of counts, by distance from the diagonal where they have an order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["Depth", "depth_of"]

Floats = npt.NDArray[np.float64]

GROUPS = 32
"""Groups of entries whose shares have a median: a few changes, however large, do not move it."""

ENOUGH = 20_000
"""Counts of a range of distances that has a share of its own."""


@dataclass(frozen=True, eq=False)
class Depth:
    """The share of the first matrix in the sum of both, where nothing changed.

    Attributes:
        distance: Mean of ``log2(1 + distance)`` of each range of distances, weighted by counts, shape ``(D,)``; a
            single entry where order means nothing.
        share: The share in each range.
        variance: Its variance.
    """

    distance: Floats
    share: Floats
    variance: Floats

    def at(self, distances: Places) -> tuple[Floats, Floats]:
        """Return the expected share at distances from the diagonal, interpolated between ranges, and its variance."""
        distance = np.log2(1.0 + distances)
        return np.interp(distance, self.distance, self.share), np.interp(distance, self.distance, self.variance)

    @property
    def ratio(self) -> float:
        """The depth of the second matrix over that of the first, the mean of all ranges by precision."""
        share = float(np.average(self.share, weights=1 / self.variance))
        return (1 - share) / share


def depth_of(a: MatrixSource, b: MatrixSource, *, by_distance: bool, upper: bool) -> Depth:
    """Estimate the ratio of two depths robustly.

    In each range of distances, entries are grouped by their place along the diagonal. The share is the median of the
    groups, weighted by counts; no group weighs more than twice the median one. A range holds at least 20,000 counts, or
    all of them.

    Args:
        a: Counts.
        b: Counts of the same nodes.
        by_distance: Whether the distance from the diagonal matters.
        upper: Whether entries below the diagonal are left out: those of a symmetric matrix are mirror images.

    Raises:
        InputError: one of the matrices holds nothing but zeros.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> counts = as_source(np.full((40, 40), 100)), as_source(np.full((40, 40), 300))
        >>> round(depth_of(*counts, by_distance=True, upper=False).ratio, 6)
        3.0
    """
    totals = [_totals(source, by_distance=by_distance, upper=upper) for source in (a, b)]
    for name, total in zip(("first", "second"), totals, strict=True):
        if not total.sum():
            raise InputError(f"the {name} matrix holds no count above 0: there is nothing to compare")
    both = totals[0] + totals[1]
    found = []
    start, last = 0, len(both)
    of_ranges = both.sum(axis=1)
    while start < last:
        stop = start + 1 + int(np.searchsorted(np.cumsum(of_ranges[start:]), ENOUGH))
        if of_ranges[stop:].sum() < ENOUGH:
            stop = last
        found.append(_share(totals[0][start:stop], both[start:stop], np.arange(start, min(stop, last))))
        start = stop
    return Depth(*(np.array(part) for part in zip(*found, strict=True)))


def _share(first: Floats, both: Floats, numbers: npt.NDArray[np.intp]) -> tuple[float, float, float]:
    """Return the mean distance of a range, the median share of its groups, and the variance of this."""
    ones, sums = first.sum(axis=0), both.sum(axis=0)
    known = np.flatnonzero(sums)
    shares = ones[known] / sums[known]
    order = np.argsort(shares)
    weights = np.minimum(sums[known], 2 * np.median(sums[known]))[order]
    total = weights.sum()
    middle = np.interp(total / 2, np.cumsum(weights) - weights / 2, shares[order])
    share = float(np.clip(middle, 0.5 / (total + 1), 1 - 0.5 / (total + 1)))  # never 0 or 1: both matrices hold counts
    distance = float(np.average((numbers + 0.5) / PER_DOUBLING, weights=both.sum(axis=1)))
    return distance, share, np.pi / 2 * share * (1 - share) / total


PER_DOUBLING = 2
"""Ranges of distances to each doubling."""


def _totals(source: MatrixSource, *, by_distance: bool, upper: bool) -> Floats:
    """Sum the counts by range of distances and by group, shape ``(ranges, groups)``."""
    n, m = source.shape
    ranges = 1 + int(PER_DOUBLING * np.log2(1.0 + max(n, m))) if by_distance else 1
    sums = np.zeros(ranges * GROUPS)
    for values, rows, columns in source.measured():
        if by_distance:
            number = (PER_DOUBLING * np.log2(1.0 + source.distances(rows, columns))).astype(np.intp)
            group = (rows + columns) * GROUPS // (n + m)
        else:
            number, group = np.zeros(len(rows), dtype=np.intp), (rows + columns) % GROUPS
        counts = values.astype(np.float64) * (rows <= columns if upper else 1)
        sums += np.bincount(number * GROUPS + group, counts, minlength=len(sums))
    return sums.reshape(ranges, GROUPS)
