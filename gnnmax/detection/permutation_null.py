"""Decoys by shuffling all entries, and how high the surroundings of a maximum are, which is compared with theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.pair_cells import repeated_cells
from gnnmax.detection.shuffled_entries import StatisticError, with_entries
from gnnmax.detection.storage import Places

__all__ = ["PermutationNull", "end_scores", "window_means"]


@dataclass(frozen=True, eq=False)
class PermutationNull:
    """The measured entries of a matrix, of one half if it is symmetric: any two may be exchanged."""

    source: MatrixSource
    values: npt.NDArray[Any]
    rows: Places
    columns: Places

    @classmethod
    def of(cls, source: MatrixSource) -> PermutationNull:
        """List the entries of a matrix before normalisation, an array or one whose stored entries are measured."""
        parts = list(source.measured(once=True))
        values, rows, columns = (np.concatenate([part[at] for part in parts]) for at in range(3))
        kept = rows <= columns if source.undirected else np.ones(len(rows), dtype=np.bool_)
        return cls(source, values[kept], rows[kept], columns[kept])

    def draw(self, rng: np.random.Generator) -> MatrixSource:
        """Draw a decoy."""
        order = np.argsort(rng.random(len(self.values)), kind="stable")
        return with_entries(self.source, self.values[order], self.rows, self.columns)


def window_means(source: MatrixSource, maxima: Maxima) -> npt.NDArray[np.float64]:
    """Return the mean of the measured entries of the window of each maximum, itself included.

    In an undirected matrix each pair counts once.

    Raises:
        StatisticError: a mean is not finite.
    """
    rows, columns = maxima.k if maxima.k is not None else (1, 1)
    means = np.full(len(maxima), np.nan)
    for block in source.tiles((rows // 2, columns // 2), upper=False):
        here, *at = block.holding(maxima.rows, maxima.columns, (rows // 2, columns // 2))
        if not len(here):
            continue
        known = np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing
        parts = (np.where(known, block.values, 0).astype(np.float64), known)
        views = [block.windows(part, (rows, columns)) for part in parts]
        windows, counted = (view[tuple(at)] for view in views)
        if source.undirected:
            again = repeated_cells(maxima.rows[here], maxima.columns[here], (rows, columns))
            windows[again], counted[again] = 0, False
        with np.errstate(invalid="ignore", over="ignore"):
            means[here] = windows.sum(axis=(1, 2)) / counted.sum(axis=(1, 2))
    if not np.isfinite(means).all():
        raise StatisticError("decoys need windows whose mean is finite: replace infinite entries")
    return means


def end_scores(source: MatrixSource, maxima: Maxima) -> npt.NDArray[np.float64]:
    """Return the z-score of the other edges at the ends of each maximum of a graph.

    That is ``(mean of them - mean of all) * sqrt(their number) / standard deviation of all``, so that ends with few and
    with many edges compare; 0 where there are no other edges.

    Raises:
        StatisticError: a score is not finite.
    """
    if not len(maxima):
        return np.empty(0)
    symmetric = source.undirected
    values, rows, columns = (np.concatenate(part) for part in zip(*source.edges().measured(), strict=True))
    own = maxima.values if maxima.scores is None else maxima.scores
    values, own = values.astype(np.float64), own.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        middle, spread = values.mean(dtype=np.float64), values.std(dtype=np.float64)
        above, own = values - middle, own - middle
        sums, counts = [], []
        for ends, length in zip((rows, rows if symmetric else columns), source.shape, strict=True):
            sums.append(np.bincount(ends, above, minlength=length))
            counts.append(np.bincount(ends, minlength=length))
        total = sums[0][maxima.rows] + sums[1][maxima.columns] - 2 * own
        number = counts[0][maxima.rows] + counts[1][maxima.columns] - 2
        loops = (maxima.rows == maxima.columns) & symmetric  # its two ends are one
        error = np.where(loops, 2, 1) * spread * np.sqrt(np.where(loops, number // 2, number))
        scores: npt.NDArray[np.float64] = np.divide(total, error, out=np.zeros(len(total)), where=error != 0)
    if not np.isfinite(scores).all():
        raise StatisticError(
            "decoys need edges whose sums are finite: replace infinite ones, or scale all weights down first"
        )
    return scores
