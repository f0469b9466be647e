"""How many of the maxima found are chance: the same search in matrices whose entries were shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import Absent, Places, Source
from gnnmax.detection.maxima import Border, Maxima, Mode, Ties
from gnnmax.detection.normalisation import stepped
from gnnmax.detection.search import maxima_of, searched
from gnnmax.errors import InputError

__all__ = ["Decoys", "Discoveries", "discoveries_among", "end_scores", "false_discovery", "q_values", "window_means"]

Decoys = Literal["shuffle", "distance"]
"""What is exchanged: all measured entries, or those as far from the diagonal."""

SHUFFLED = 2**26
"""Entries shuffled at most: each decoy is a whole copy, some 60 bytes an entry while it is made."""


@dataclass(frozen=True, eq=False)
class Discoveries:
    """Maxima, and what part of them and those above them is chance.

    Attributes:
        maxima: As :func:`gnnmax.find_maxima` gives them.
        support: What was compared with the decoys, float64, shape ``(M,)``: the mean of the measured entries of the
            window of each, the scores where steps were applied; in mode graph how far the mean of the other edges at
            its ends exceeds that of all, in its standard errors.
        q: The least false-discovery rate of a list that holds it, from 0 to 1, shape ``(M,)``.
    """

    maxima: Maxima
    support: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]


def false_discovery(
    matrix: Any,
    k: int | tuple[int, int] = 9,
    *,
    decoys: Decoys,
    rng: np.random.Generator,
    draws: int = 10,
    steps: Sequence[str] = (),
    mode: Mode = "ordered",
    ties: Ties = "strict",
    border: Border = "shrink",
    missing: Any = None,
    absent: Absent = "zero",
    diagonal: bool = True,
    threshold: float | None = None,
    separation: int = 1,
    directed: bool | None = None,
) -> Discoveries:
    """Find the maxima of a matrix, each with its q-value.

    Decoys are the same matrix, its measured entries shuffled; a symmetric one stays symmetric, what is missing stays
    where it is. Each goes through the same steps and the same search. What is compared is the mean of the window around
    a maximum, not its value: a decoy holds the same values, the largest too, and nearly each of them is a maximum
    there, so by its value nothing would ever be found. What the mean finds is a maximum whose surroundings stand high
    as well; a single high entry among low ones it does not tell from chance, and by shuffling nothing can.

    In mode ``graph`` the weights are exchanged among the edges, which stay where they are, and what is compared is how
    high the other edges at the two ends stand.

    The rate is held if the entries are exchangeable where there is nothing: all of them for ``shuffle``, those at one
    distance ``|i - j|`` for ``distance``. A matrix that falls off with distance needs the latter: plain shuffles would
    make all that is near the diagonal a discovery. Noise that is correlated from entry to entry is exchangeable in
    neither sense, and its crests count as discoveries.

    Args:
        matrix: As for :func:`gnnmax.find_maxima`, and the other arguments too; of a symmetric one each pair counts
            once.
        k: Side of the windows.
        decoys: ``shuffle`` or ``distance``; a graph has no distance.
        rng: Where the shuffles come from.
        draws: Decoys; ``q`` is at least ``1 / draws`` over the number of maxima that are as high.
        steps: What values go through before they are compared, in decoys too.
        mode: See there.
        ties: See there.
        border: See there.
        missing: See there.
        absent: See there. Of a sparse matrix whose absent entries are missing, those stored are exchanged.
        diagonal: See there.
        threshold: See there.
        separation: See there.
        directed: See there.

    Returns:
        The maxima and their q-values.

    Raises:
        InputError: as the search does; more entries than can be shuffled; means that are not finite.

    References:
        Elias and Gygi, "Target-decoy search strategy for increased confidence in large-scale protein identifications by
        mass spectrometry", Nature Methods, 2007. Benjamini and Hochberg, "Controlling the false discovery rate: a
        practical and powerful approach to multiple testing", Journal of the Royal Statistical Society B, 1995: what is
        held. Barber and Candes, "Controlling the false discovery rate via knockoffs", Annals of Statistics, 2015: the
        one that is added.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> matrix = rng.random((40, 40))
        >>> matrix[18:23, 8:13] += np.outer([0, 1, 2, 1, 0], [0, 1, 2, 1, 0])
        >>> found = false_discovery(matrix, 5, decoys="shuffle", rng=rng)
        >>> len(found.maxima), [place[:2] for place in found.maxima[found.q <= 0.1]]
        (67, [(20, 10)])
    """
    source = searched(matrix, steps, mode, absent, missing, diagonal)
    return discoveries_among(source, k, decoys, rng, draws, mode, ties, border, threshold, separation, directed)


def discoveries_among(
    source: Source,
    k: int | tuple[int, int],
    decoys: Decoys,
    rng: np.random.Generator,
    draws: int,
    mode: Mode,
    ties: Ties,
    border: Border,
    threshold: float | None,
    separation: int,
    directed: bool | None,
) -> Discoveries:
    """Find the maxima, with their q-values, of a matrix that was read; see :func:`false_discovery`."""
    if decoys not in get_args(Decoys):
        raise InputError(f"decoys must be one of {', '.join(get_args(Decoys))}, not {decoys!r}")
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
        raise InputError(f"draws must be a whole number from 1 on, not {draws!r}")
    if mode == "graph" and decoys == "distance":
        raise InputError("decoys by distance need an order, which a graph has not: take shuffle")
    directed = source.directed if directed is None else directed
    directed = not source.plain.symmetric() if directed is None else directed

    def search(one: Source) -> tuple[Maxima, npt.NDArray[np.float64]]:
        found = maxima_of(one, k, mode, ties, border, threshold, separation, False, directed)
        return found, window_means(one, found) if mode == "ordered" else end_scores(one, found, not directed)

    maxima, support = search(source)
    names = [step.name for step in source.steps]
    cells = _Cells.of(source.plain if mode == "ordered" else source.plain.edges(), decoys, not directed)
    others = [search(stepped(cells.shuffled(rng), names, mode))[1] for _ in range(draws)]
    return Discoveries(maxima, support, q_values(support, np.concatenate(others), draws))


def q_values(targets: npt.NDArray[np.float64], decoys: npt.NDArray[np.float64], draws: int) -> npt.NDArray[np.float64]:
    """Estimate the least false-discovery rate of a list of targets that holds each of them.

    Of the targets at or above a score, ``(1 + decoys at or above it) / draws`` are expected to be chance; the rate is
    this over their number, at most 1, and q the least rate at any score that a target passes.

    Args:
        targets: Scores, higher is better, shape ``(M,)``.
        decoys: Those of all draws together.
        draws: How many decoys were drawn.

    Returns:
        Shape ``(M,)``.

    Example:
        >>> q_values(np.array([5.0, 4.0, 1.0]), np.array([2.0, 1.0, 0.0]), 2)
        array([0.25, 0.25, 0.5 ])
    """
    levels, place = np.unique(targets, return_inverse=True)
    above = len(targets) - np.searchsorted(np.sort(targets), levels)
    chance = len(decoys) - np.searchsorted(np.sort(decoys), levels)
    rate = np.minimum((1 + chance) / draws / np.maximum(above, 1), 1.0)
    return np.asarray(np.minimum.accumulate(rate)[place.reshape(-1)])


@dataclass(frozen=True, eq=False)
class _Cells:
    """What is exchanged: flat places of the measured entries, of one half where the matrix is symmetric, in groups."""

    source: Source
    values: npt.NDArray[Any]
    rows: Places
    columns: Places
    group: Places
    symmetric: bool

    @classmethod
    def of(cls, source: Source, decoys: Decoys, symmetric: bool) -> _Cells:
        """List the cells of a matrix, before any step."""
        n, m = source.shape
        if decoys == "distance" and n != m:
            raise InputError(f"decoys by distance need rows and columns in one order, so as many, not {n} x {m}")
        stored = source.sparse and source.absent == "missing"
        entries = source.matrix.nnz if stored else n * m
        if entries > SHUFFLED:
            raise InputError(f"decoys are copies of the matrix, of at most {SHUFFLED:,} entries, not {entries:,}")
        if not stored:
            block = source.block(0, 0, n, m, (0, 0))
            source = replace(source, matrix=block.values, absent="zero", missing=block.missing, diagonal=True)
        parts = list(source.measured())
        values, rows, columns = (np.concatenate([part[at] for part in parts]) for at in range(3))
        kept = rows <= columns if symmetric else np.ones(len(rows), dtype=np.bool_)
        values, rows, columns = values[kept], rows[kept], columns[kept]
        group = np.abs(rows - columns) if decoys == "distance" else np.zeros(len(rows), dtype=np.intp)
        order = np.argsort(group, kind="stable")
        return cls(source, values[order], rows[order], columns[order], group[order], symmetric)

    def shuffled(self, rng: np.random.Generator) -> Source:
        """Draw a decoy."""
        values = self.values[np.lexsort((rng.random(len(self.values)), self.group))]
        if self.source.sparse:
            from scipy.sparse import csr_array

            off = (self.rows != self.columns) & self.symmetric
            rows = np.concatenate([self.rows, self.columns[off]])
            columns = np.concatenate([self.columns, self.rows[off]])
            data = np.concatenate([values, values[off]])
            stored = csr_array((data, (rows, columns)), shape=self.source.shape)
            stored.sum_duplicates()
            return replace(self.source, matrix=stored)
        matrix = self.source.matrix.copy()
        matrix[self.rows, self.columns] = values
        if self.symmetric:
            matrix[self.columns, self.rows] = values
        return replace(self.source, matrix=matrix)


def window_means(source: Source, maxima: Maxima) -> npt.NDArray[np.float64]:
    """Return the mean of what was measured in the window of each maximum, itself included.

    Raises:
        InputError: a mean is not finite.
    """
    rows, columns = maxima.k if maxima.k is not None else (1, 1)
    means = np.full(len(maxima), np.nan)
    for block in source.tiles((rows // 2, columns // 2), upper=False):
        n, m = block.values.shape[0] - rows + 1, block.values.shape[1] - columns + 1
        top, left = maxima.rows - block.row, maxima.columns - block.column
        here = np.flatnonzero((top >= 0) & (top < n) & (left >= 0) & (left < m))
        if not len(here):
            continue
        known = np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing
        parts = (np.where(known, block.values, 0).astype(np.float64), known)
        views = [np.lib.stride_tricks.sliding_window_view(part, (rows, columns)) for part in parts]
        sums, counts = (view[top[here], left[here]].sum(axis=(1, 2)) for view in views)
        means[here] = sums / counts
    if not np.isfinite(means).all():
        raise InputError("decoys need windows whose mean is finite: replace infinite entries")
    return means


def end_scores(source: Source, maxima: Maxima, symmetric: bool) -> npt.NDArray[np.float64]:
    """Return how high the other edges at the ends of each maximum of a graph stand, in standard errors of their mean.

    That is ``(mean of them - mean of all) * sqrt(how many) / standard deviation of all``, so that ends of few edges and
    of many compare; 0 where there are no others.

    Raises:
        InputError: a score is not finite.
    """
    if not len(maxima):
        return np.empty(0)
    values, rows, columns = (np.concatenate(part) for part in zip(*source.edges().measured(), strict=True))
    own = maxima.values if maxima.scores is None else maxima.scores
    with np.errstate(invalid="ignore", over="ignore"):
        middle, spread = values.mean(dtype=np.float64), values.std(dtype=np.float64)
        above, own = values - middle, own - middle
        sums, counts = [], []
        for ends, length in zip((rows, rows if symmetric else columns), source.shape, strict=True):
            sums.append(np.bincount(ends, above, minlength=length))
            counts.append(np.bincount(ends, minlength=length))
        total = sums[0][maxima.rows] + sums[1][maxima.columns] - 2 * own
        number = counts[0][maxima.rows] + counts[1][maxima.columns] - 2
        loops = (maxima.rows == maxima.columns) & symmetric  # their two ends are one
        error = np.where(loops, 2, 1) * spread * np.sqrt(np.where(loops, number // 2, number))
        scores: npt.NDArray[np.float64] = np.divide(total, error, out=np.zeros(len(total)), where=error != 0)
    if not np.isfinite(scores).all():
        raise InputError("decoys need edges whose sums are finite: replace infinite ones, or divide all of them first")
    return scores
