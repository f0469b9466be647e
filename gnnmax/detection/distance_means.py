"""The mean of the measured entries at each distance from the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gnnmax.detection.breaks import Breaks
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["NOT_ABOVE", "DistanceMeans", "distance_means", "unstored_zeros"]

NOT_ABOVE = "the mean at its distance is not above 0"
"""Why an entry has no score."""


@dataclass(frozen=True, eq=False)
class DistanceMeans:
    """Means by distance, and where they hold.

    Attributes:
        expected: The mean at each distance, NaN where it is not above 0.
        breaks: Parts of rows and columns; there is no distance between two of them.
        lost: Number of measured entries at distances whose mean is not above 0.
    """

    expected: npt.NDArray[np.float64]
    breaks: Breaks | None
    lost: int

    @property
    def scored(self) -> npt.NDArray[np.bool_]:
        """Whether the mean at each distance is above 0."""
        return ~np.isnan(self.expected)

    def at(self, rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        """Return the mean at the distance of some entries, shapes that broadcast; NaN across breaks."""
        expected = self.expected[np.abs(rows - columns)]
        if self.breaks is not None:
            expected[~self.breaks.same_part(rows, columns)] = np.nan
        return np.asarray(expected)


def distance_means(source: MatrixSource, step: str) -> DistanceMeans:
    """Take the mean of the measured entries at each distance, in one pass.

    Args:
        source: A square matrix.
        step: The name of the caller in errors.

    Raises:
        InputError: not square, breaks in rows and in columns that differ, or values that are not finite.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> distance_means(as_source(np.array([[8.0, 1.0], [3.0, 4.0]])), "distance").expected
        array([6., 2.])
    """
    n, m = source.shape
    if n != m:
        raise InputError(f"the step {step} needs a square matrix, rows and columns in one order, not {n} x {m}")
    if source.breaks is not None and not source.breaks.equal_sides:
        raise InputError(f"the step {step} needs the same breaks in rows and in columns")
    sums, counts = np.zeros(n), unstored_zeros(source)[:n]
    number = np.zeros(n, dtype=np.int64)
    for values, rows, columns in source.measured(once=source.undirected):
        apart = source.distances(rows, columns)
        counted = apart < n
        if source.undirected:
            counted &= rows <= columns  # each pair once
        apart, known = apart[counted], values[counted]
        np.add.at(sums, apart, known.astype(np.float64))
        number += np.bincount(apart, minlength=n)
    if source.undirected:
        sums[1:], number[1:] = 2 * sums[1:], 2 * number[1:]
    counts += number
    if not np.isfinite(sums).all():
        raise InputError(f"the step {step} needs finite values, whose sums are finite too: replace infinite ones")
    expected = np.divide(sums, counts, out=np.full(n, np.nan), where=sums > 0)
    return DistanceMeans(expected, source.breaks, int(counts[~(sums > 0)].sum()))


def unstored_zeros(source: MatrixSource) -> npt.NDArray[np.int64]:
    """Count the zeros that :meth:`MatrixSource.measured` leaves out, at each distance and then across breaks."""
    across = max(source.shape)
    zeros = np.zeros(across + 1, dtype=np.int64)
    if not source.skips_zeros:
        return zeros
    lines = source.missing if isinstance(source.missing, MissingLines) else MissingLines.none(source.shape)
    rows, columns, breaks = ~lines.rows, ~lines.columns, source.breaks
    if breaks is None or not breaks.equal_sides:
        zeros[:across] = _pairs(rows, columns)
    else:
        for start, stop in pairwise(breaks.rows.tolist()):
            zeros[: stop - start] += _pairs(rows[start:stop], columns[start:stop])
        zeros[across] = int(rows.sum()) * int(columns.sum()) - zeros.sum()
    stored = np.zeros(across + 1, dtype=np.int64)
    for _, places, others in source.stored(once=True):
        stored += np.bincount(source.distances(places, others)[~lines[places, others]], minlength=across + 1)
    if source.stored_once:
        stored[1:] *= 2
    zeros -= stored
    if not source.diagonal:
        zeros[0] = 0
    return zeros


def _pairs(rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count, at each distance, the pairs of a row and a column that are both True; exact up to 2^50 pairs."""
    n, m = len(rows), len(columns)
    size = 1 << (n + m - 2).bit_length()
    spectrum = np.fft.rfft(rows[::-1], size) * np.fft.rfft(columns, size)
    counts = np.rint(np.fft.irfft(spectrum, size)).astype(np.int64)[: n + m - 1]
    above, below = counts[n - 1 :], counts[n - 1 :: -1]  # at offsets from 0 up, and from 0 down
    pairs = np.zeros(max(n, m), dtype=np.int64)
    pairs[: len(above)] += above
    pairs[1 : len(below)] += below[1:]
    return pairs
