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

from gnnmax.detection.blobs import by_blob
from gnnmax.detection.block_reading import FittedNormalisation
from gnnmax.detection.distance_means import NOT_ABOVE, distance_means, unstored_zeros
from gnnmax.detection.local_background import BACKGROUNDS, PEAK
from gnnmax.detection.matrix import MatrixSource
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
    means = distance_means(source, "distance")

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        return np.asarray(values / means.at(rows, columns), dtype=np.float64)

    return FittedNormalisation(
        "distance", mapped, flat_zeros=True, lost=means.lost, reason=NOT_ABOVE, scored=means.scored
    )


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

    return FittedNormalisation("degree", mapped, flat_zeros=True)


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
    zeros = int(unstored_zeros(source).sum())
    if zeros:
        distinct, place = np.unique(np.append(distinct, distinct.dtype.type(0)), return_inverse=True)
        counts = np.bincount(place, weights=np.append(counts, zeros)).astype(np.int64)
    return distinct, counts


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
    "blob": Normalisation(
        by_blob, "The scale-normalised difference of two Gaussian means around it.", ordered=True, scale=1.0
    ),
    **{name: Normalisation(fit, summary, ordered=True, scale=PEAK) for name, (fit, summary) in BACKGROUNDS.items()},
}
"""The steps before a search, by name."""
