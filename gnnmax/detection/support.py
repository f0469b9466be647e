"""What surrounds a maximum: what it is compared by where its own value tells nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import Maxima
from gnnmax.detection.source import Source
from gnnmax.errors import InputError

__all__ = ["end_scores", "window_means"]


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
