"""Steps before the search: what a value becomes when it is compared with the rest of the matrix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import Places, Source, Transform
from gnnmax.detection.maxima import Mode
from gnnmax.errors import InputError, unknown_name

__all__ = ["STEPS", "Step", "by_degree", "by_distance", "by_rank", "stepped"]

RANKED = 2**27
"""Entries that are ranked at most: all their values are held and sorted, some 30 bytes each."""

STRIP = 128
"""Rows or columns added up together."""


@dataclass(frozen=True)
class Step:
    """A step by its name.

    Attributes:
        learn: Looks at a matrix and returns what maps its entries.
        summary: What it does, in one sentence.
        ordered: Whether it needs an order of rows and columns.
    """

    learn: Callable[[Source], Transform]
    summary: str
    ordered: bool = False


def by_rank(source: Source) -> Transform:
    """Map each value to its rank among all measured ones, 1 the smallest; equal ones share the mean of their ranks.

    A strictly increasing map moves no maximum; margins and what later steps make of it differ.

    Cost: the only step that holds the values, sorted: some 30 bytes and 0.7 microseconds an entry, refused beyond
    ``RANKED``. Both halves of a symmetric matrix are ranked.

    Raises:
        InputError: more entries than are ranked.

    References:
        Kendall, "The treatment of ties in ranking problems", Biometrika, 1945: mean ranks.

    Example:
        >>> from gnnmax.detection.matrix import source_of
        >>> source = source_of(np.array([[5.0, 2.0], [2.0, np.nan]]), "zero", None, diagonal=True)
        >>> by_rank(source).mapped(np.array([2.0, 5.0]), np.array([0, 0]), np.array([1, 0]))
        array([1.5, 3. ])
    """
    entries = source.matrix.nnz if source.sparse and source.absent == "missing" else math.prod(source.shape)
    entries = source.matrix.nnz if source.skips_zeros else entries
    if entries > RANKED:
        raise InputError(
            f"the step rank holds and sorts all values, at most {RANKED:,}, not {entries:,}: leave it out, as ranks "
            "move no maximum by themselves"
        )
    parts = [values for values, _, _ in source.measured()]
    distinct, counts = np.unique(np.concatenate(parts), return_counts=True)
    zeros = int(_zeros(source).sum())
    if zeros:
        distinct, place = np.unique(np.append(distinct, distinct.dtype.type(0)), return_inverse=True)
        counts = np.bincount(place, weights=np.append(counts, zeros)).astype(np.int64)
    ranks = np.cumsum(counts) - (counts - 1) / 2 if len(counts) else np.full(1, np.nan)

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        del rows, columns
        flat = np.ravel(values)
        order = np.argsort(flat)  # looking up in sequence stays in the cache
        found = np.empty(values.shape)
        found.reshape(-1)[order] = ranks[np.minimum(np.searchsorted(distinct, flat[order]), len(ranks) - 1)]
        if values.dtype.kind == "f":
            found[np.isnan(values)] = np.nan
        return found

    return Transform("rank", mapped, even=True, keeps_zero=False)


def by_distance(source: Source) -> Transform:
    """Divide each entry by the mean of the measured entries at the same distance ``|i - j|``: observed over expected.

    Where that mean is not above 0 there is no score: the ratio would be none, or turn large into small. Entries that a
    sparse matrix does not store count in the mean if they are zeros, as ``absent`` says, and do not if they are
    missing: the mean of stored contacts alone would rise where contacts are rare.

    Cost: one pass; a number a distance is held.

    Raises:
        InputError: not square, or values that are not finite.

    References:
        Lieberman-Aiden et al., "Comprehensive mapping of long-range interactions reveals folding principles of the
        human genome", Science, 2009: contact maps over the mean at each genomic distance. Theirs is of balanced maps;
        we balance nothing.

    Example:
        >>> from gnnmax.detection.matrix import source_of
        >>> source = source_of(np.array([[8.0, 1.0], [3.0, 8.0]]), "zero", None, diagonal=True)
        >>> by_distance(source).mapped(np.array([8.0, 3.0]), np.array([0, 1]), np.array([0, 0]))
        array([1. , 1.5])
    """
    n, m = source.shape
    if n != m:
        raise InputError(f"the step distance needs rows and columns in one order, so as many, not {n} x {m}")
    sums, counts = np.zeros(n), _zeros(source)
    for values, rows, columns in source.measured():
        apart = np.abs(rows - columns)
        np.add.at(sums, apart, values.astype(np.float64))
        counts += np.bincount(apart, minlength=n)
    if not np.isfinite(sums).all():
        raise InputError("the step distance needs finite values, whose sums are finite too: replace infinite ones")
    expected = np.divide(sums, counts, out=np.full(n, np.nan), where=sums > 0)

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        return np.asarray(values / expected[np.abs(rows - columns)], dtype=np.float64)

    lost = int(counts[~(sums > 0)].sum())
    return Transform("distance", mapped, lost=lost, reason="the mean at its distance is not above 0")


def by_degree(source: Source) -> Transform:
    """Divide each entry by the root of the sums of its row and of its column: ``a_ij / sqrt(d_i d_j)``.

    What is measured is summed. Of a symmetric matrix both sums are degrees of nodes, a loop counted once. An entry of
    an end whose sum is 0 is 0 and stays it. The sums are rounded once, so that relabelled nodes have the same scores
    and a symmetric matrix stays one, bit for bit.

    Cost: one pass, about 0.1 microseconds an entry; a number a row and a column is held.

    Raises:
        InputError: a negative weight, or one that is not finite.

    References:
        Chung, "Spectral Graph Theory", 1997: the normalised adjacency matrix. Shewchuk, "Adaptive precision
        floating-point arithmetic", Discrete & Computational Geometry, 1997: sums that are rounded once.

    Example:
        >>> from gnnmax.detection.matrix import source_of
        >>> source = source_of(np.array([[0, 4], [4, 12]]), "zero", None, diagonal=True)
        >>> by_degree(source).mapped(np.array([4, 12]), np.array([0, 1]), np.array([1, 1]))
        array([0.5 , 0.75])
    """
    roots = [np.sqrt(np.where(sums > 0, sums, 1.0)) for sums in (_sums(source, 0), _sums(source, 1))]

    def mapped(values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        return np.asarray(values / (roots[0][rows] * roots[1][columns]), dtype=np.float64)

    return Transform("degree", mapped)


def _sums(source: Source, axis: int) -> npt.NDArray[np.float64]:
    """Add up the rows of a matrix, or its columns, each sum rounded once."""
    length = source.shape[axis]
    sums = np.zeros(length)
    if source.sparse and (source.absent == "missing" or source.skips_zeros):
        values, *ends = next(source.measured())
        order = np.argsort(ends[axis], kind="stable")
        cuts = np.searchsorted(ends[axis][order], np.arange(length + 1)).tolist()
        values = _weights(values)[order]
        for end, (start, stop) in enumerate(itertools.pairwise(cuts)):
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
        raise InputError("the step degree needs finite weights from 0 on: leave out or shift those below 0")
    return values.astype(np.float64)


def _exact(weights: npt.NDArray[np.float64]) -> float:
    try:
        return math.fsum(weights.tolist())
    except OverflowError:
        raise InputError("the step degree needs weights whose sums are finite: divide them first") from None


def _zeros(source: Source) -> npt.NDArray[np.int64]:
    """Count, at each distance ``|i - j|``, the zeros that :meth:`Source.measured` leaves out."""
    n, m = source.shape
    apart = np.arange(max(n, m))
    if not source.skips_zeros:
        return np.zeros(len(apart), dtype=np.int64)
    above, below = np.minimum(n, m - apart), np.minimum(m, n - apart)
    cells = np.maximum(above, 0) + np.where(apart > 0, np.maximum(below, 0), 0)
    rows = np.repeat(np.arange(n), np.diff(source.matrix.indptr))
    zeros = cells - np.bincount(np.abs(rows - source.matrix.indices), minlength=len(apart))
    if not source.diagonal:
        zeros[0] = 0
    return np.asarray(zeros, dtype=np.int64)


def stepped(source: Source, steps: Sequence[str], mode: Mode = "ordered") -> Source:
    """Put a matrix through steps, in the order given: each looks at what the one before it made.

    Nothing is copied and the matrix is not changed: blocks go through the steps as they are read. A step after the
    first reads every cell of a sparse matrix whose absent entries are zeros.

    Args:
        source: The matrix.
        steps: Names of :data:`STEPS`.
        mode: In mode ``graph`` only edges are measured: what is stored, or not 0 in a dense matrix.

    Raises:
        InputError: a step that is none, that needs an order where there is none, or that refuses the values.

    Example:
        >>> from gnnmax.detection.matrix import source_of
        >>> source = source_of(np.array([[8.0, 1.0], [3.0, 8.0]]), "zero", None, diagonal=True)
        >>> stepped(source, ["distance", "rank"]).block(0, 0, 2, 2, (0, 0)).values
        array([[2.5, 1. ],
               [4. , 2.5]])
    """
    if isinstance(steps, str):
        raise InputError(f"steps are a sequence of names, not {steps!r}: write ({steps!r},)")
    for name in steps:
        if name not in STEPS:
            raise unknown_name("step", name, STEPS)
        if mode == "graph" and STEPS[name].ordered:
            raise InputError(
                f"the step {name} needs an order, which a graph has not: leave it out, or take mode ordered"
            )
    if steps and mode == "graph":
        source = source.edges()
    for name in steps:
        source = replace(source, steps=(*source.steps, STEPS[name].learn(source)))
    return source


STEPS: dict[str, Step] = {
    "rank": Step(by_rank, "The rank among all measured values, equal ones sharing the mean of theirs."),
    "distance": Step(by_distance, "Over the mean of the measured entries as far from the diagonal.", ordered=True),
    "degree": Step(by_degree, "Over the root of the sums of its row and its column."),
}
