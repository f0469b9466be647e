"""Normalisation before the search: a value becomes a score relative to the rest of the matrix."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.block_reading import FittedNormalisation
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.search_options import Mode
from gnnmax.detection.smoothing import by_gaussian
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError, unknown_name

__all__ = ["NORMALISATIONS", "Normalisation", "by_degree", "by_distance", "by_rank", "measured_counts", "normalise"]

RANKED = 2**27
"""Most entries that are ranked: all their values are held and sorted, about 30 bytes each."""

STRIP = 128
"""Rows or columns that are summed together."""


@dataclass(frozen=True)
class Normalisation:
    """A normalisation that can be fitted to a matrix.

    Attributes:
        fit: Reads a matrix and returns the map of its entries.
        summary: One sentence that describes it.
        ordered: Whether it needs an order of rows and columns.
        scale: The number that a name without one stands for, where names may have one after a colon, as in
            ``smooth:2``: ``fit`` takes it. None: names have no number.
    """

    fit: Callable[..., FittedNormalisation]
    summary: str
    ordered: bool = False
    scale: float | None = None

    def fitted(self, source: MatrixSource, text: str) -> FittedNormalisation:
        """Fit the normalisation to a matrix, as some text names it.

        Raises:
            InputError: it has a number that it does not take, or another text after the colon.
        """
        name, colon, number = text.partition(":")
        if self.scale is None:
            if colon:
                raise InputError(f"the step {name} takes no number: write {name}, not {text!r}")
            return self.fit(source)
        if colon and not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", number, re.ASCII):
            raise InputError(f"the step {name} takes a number after the colon, such as {name}:2, not {text!r}")
        return replace(self.fit(source, float(number) if colon else self.scale), name=text)


def by_rank(source: MatrixSource) -> FittedNormalisation:
    """Map each value to its rank among all measured values, 1 the smallest; equal values share their mean rank.

    Ranks increase strictly with the values, so no maximum moves; margins and later normalisations change.

    Cost: the only normalisation that holds the values, sorted: about 30 bytes and 0.7 microseconds an entry, refused
    beyond ``RANKED``. Both halves of a symmetric matrix are ranked.

    Raises:
        InputError: more entries than are ranked.

    References:
        Kendall, "The treatment of ties in ranking problems", Biometrika, 1945: mean ranks.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> source = as_source(np.array([[5.0, 2.0], [2.0, np.nan]]))
        >>> by_rank(source).mapped(np.array([2.0, 5.0]), np.array([0, 0]), np.array([1, 0]))
        array([1.5, 3. ])
    """
    distinct, counts = measured_counts(
        source, "the step rank", ": leave it out, as ranks move no maximum by themselves"
    )
    ranks = np.cumsum(counts) - (counts - 1) / 2 if len(counts) else np.full(1, np.nan)

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        del rows, columns
        flat = np.ravel(values)
        order = np.argsort(flat)  # sorted lookups stay in the cache
        found = np.empty(values.shape)
        found.reshape(-1)[order] = ranks[np.minimum(np.searchsorted(distinct, flat[order]), len(ranks) - 1)]
        if values.dtype.kind == "f":
            found[np.isnan(values)] = np.nan
        return found

    return FittedNormalisation("rank", mapped, by_value=True, keeps_zero=False)


def by_distance(source: MatrixSource) -> FittedNormalisation:
    """Divide each entry by the mean of the measured entries at the same distance ``|i - j|``: observed over expected.

    Where that mean is not above 0 there is no score: the ratio would be undefined, or reverse the order. Across a break
    there is no distance, and no score. Unstored
    entries of a sparse matrix count in the mean if ``unstored`` is ``zero``, and do not if it is ``missing``: the mean
    of stored contacts alone would rise where contacts are rare.

    Cost: one pass; one number for each distance is held.

    Raises:
        InputError: not square, or values that are not finite.

    References:
        Lieberman-Aiden et al., "Comprehensive mapping of long-range interactions reveals folding principles of the
        human genome", Science, 2009: contact maps over the mean at each genomic distance. They balance the maps first;
        we balance nothing.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> source = as_source(np.array([[8.0, 1.0], [3.0, 8.0]]))
        >>> by_distance(source).mapped(np.array([8.0, 3.0]), np.array([0, 1]), np.array([0, 0]))
        array([1. , 1.5])
    """
    n, m = source.shape
    if n != m:
        raise InputError(f"the step distance needs a square matrix, rows and columns in one order, not {n} x {m}")
    if source.breaks is not None and not source.breaks.equal_sides:
        raise InputError("the step distance needs the same breaks in rows and in columns")
    sums, counts = np.zeros(n), _zeros(source)[:n]
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
        raise InputError("the step distance needs finite values, whose sums are finite too: replace infinite ones")
    expected = np.divide(sums, counts, out=np.full(n, np.nan), where=sums > 0)

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        ratios = np.asarray(values / expected[np.abs(rows - columns)], dtype=np.float64)
        if source.breaks is not None:
            ratios[~source.breaks.same_part(rows, columns)] = np.nan
        return ratios

    lost = int(counts[~(sums > 0)].sum())
    reason = "the mean at its distance is not above 0"
    return FittedNormalisation("distance", mapped, lost=lost, reason=reason, scored=sums > 0)


def by_degree(source: MatrixSource) -> FittedNormalisation:
    """Divide each entry by the root of the sums of its row and of its column: ``a_ij / sqrt(d_i d_j)``.

    Only measured entries are summed. In a symmetric matrix both sums are degrees of nodes; a loop counts once. If a sum
    is 0, its entries are 0 and stay 0. The sums are rounded once, so relabelled nodes have the same scores and a
    symmetric matrix stays symmetric, bit for bit.

    Cost: one pass, about 0.1 microseconds an entry; one number for each row and column is held.

    Raises:
        InputError: a negative weight, or one that is not finite.

    References:
        Chung, "Spectral Graph Theory", 1997: the normalised adjacency matrix. Shewchuk, "Adaptive precision
        floating-point arithmetic", Discrete & Computational Geometry, 1997: sums that are rounded once.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> source = as_source(np.array([[0, 4], [4, 12]]))
        >>> by_degree(source).mapped(np.array([4, 12]), np.array([0, 1]), np.array([1, 1]))
        array([0.5 , 0.75])
    """
    roots = [np.sqrt(np.where(sums > 0, sums, 1.0)) for sums in (_sums(source, 0), _sums(source, 1))]

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        return np.asarray(values / (roots[0][rows] * roots[1][columns]), dtype=np.float64)

    return FittedNormalisation("degree", mapped)


def _sums(source: MatrixSource, axis: int) -> npt.NDArray[np.float64]:
    """Sum the rows of a matrix, or its columns; each sum is rounded once."""
    length = source.shape[axis]
    sums = np.zeros(length)
    if source.sparse and (source.unstored == "missing" or source.skips_zeros):
        values, *ends = (np.concatenate(part) for part in zip(*source.measured(), strict=True))
        order = np.argsort(ends[axis], kind="stable")
        cuts = np.searchsorted(ends[axis][order], np.arange(length + 1)).tolist()
        values = _weights(values)[order]
        for end, (start, stop) in enumerate(pairwise(cuts)):
            sums[end] = _exact(values[start:stop])
        return sums
    for start in range(0, length, STRIP):
        width = min(STRIP, length - start)
        corner, sides = ((start, 0), (width, source.shape[1])) if axis == 0 else ((0, start), (source.shape[0], width))
        block = source.block(*corner, *sides, (0, 0))
        values = block.values if block.missing is None else np.where(block.missing, 0, block.values)
        for end, line in enumerate(_weights(values if axis == 0 else values.T)):
            sums[start + end] = _exact(line)
    return sums


def _weights(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.size and not (np.isfinite(values).all() and values.min() >= 0):
        raise InputError("the step degree needs finite weights of at least 0: leave out or shift those below 0")
    return values.astype(np.float64)


def _exact(weights: npt.NDArray[np.float64]) -> float:
    try:
        return math.fsum(weights.tolist())
    except OverflowError:
        raise InputError("the step degree needs weights whose sums are finite: divide them first") from None


def measured_counts(
    source: MatrixSource, what: str, instead: str = ""
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return the different values of the measured entries in rising order, and how many entries have each.

    Args:
        source: The matrix; both halves of a symmetric one are counted.
        what: The name of the caller in the error.
        instead: The end of its message: what to do.

    Raises:
        InputError: more than ``RANKED`` entries.
    """
    stored = source.sparse and (source.unstored == "missing" or source.skips_zeros)
    entries = source.matrix.nnz if stored else math.prod(source.shape)
    if entries > RANKED:
        raise InputError(f"{what} holds and sorts all values, at most {RANKED:,}, not {entries:,}{instead}")
    parts = [values for values, _, _ in source.measured()]
    distinct, counts = np.unique(np.concatenate(parts), return_counts=True)
    zeros = int(_zeros(source).sum())
    if zeros:
        distinct, place = np.unique(np.append(distinct, distinct.dtype.type(0)), return_inverse=True)
        counts = np.bincount(place, weights=np.append(counts, zeros)).astype(np.int64)
    return distinct, counts


def _zeros(source: MatrixSource) -> npt.NDArray[np.int64]:
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


def normalise(source: MatrixSource, steps: Sequence[str], mode: Mode = "ordered") -> MatrixSource:
    """Apply normalisations to a matrix in the order given; each is fitted to the scores of the one before it.

    Nothing is copied and the matrix is not changed: blocks are normalised as they are read. A second normalisation
    reads every entry of a sparse matrix whose unstored entries are zeros.

    Args:
        source: The matrix.
        steps: Names of :data:`NORMALISATIONS`, some of them with a number: ``smooth:2``.
        mode: In mode ``graph`` only edges are measured: stored entries, or those of a dense matrix that are not 0.

    Raises:
        InputError: an unknown name, a normalisation that needs an order in mode graph, or that refuses the values.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> source = as_source(np.array([[8.0, 1.0], [3.0, 8.0]]))
        >>> normalise(source, ["distance", "rank"]).block(0, 0, 2, 2, (0, 0)).values
        array([[2.5, 1. ],
               [4. , 2.5]])
    """
    for text in steps:
        name = text.partition(":")[0]
        if name not in NORMALISATIONS:
            raise unknown_name("step", name, NORMALISATIONS)
        if mode == "graph" and NORMALISATIONS[name].ordered:
            raise InputError(
                f"the step {name} needs an order, which a graph does not have: leave it out, or use mode ordered"
            )
    if steps and mode == "graph":
        source = source.edges()
    for text in steps:
        step = NORMALISATIONS[text.partition(":")[0]].fitted(source, text)
        source = replace(source, steps=(*source.steps, step))
    return source


NORMALISATIONS: dict[str, Normalisation] = {
    "rank": Normalisation(by_rank, "The rank among all measured values; equal values share their mean rank."),
    "distance": Normalisation(
        by_distance,
        "The value over the mean of the measured entries at the same distance from the diagonal.",
        ordered=True,
    ),
    "degree": Normalisation(by_degree, "The value over the root of the sums of its row and its column."),
    "smooth": Normalisation(
        by_gaussian, "The mean of the measured entries around it, with Gaussian weights.", ordered=True, scale=1.0
    ),
}
