"""Figures of a ranking, AUROC and average precision, for any weights and any ties.

Both depend on scores only through their order. So scores become *levels* (0 the lowest, tied scores share one), and the
figures are functions of the weight of positives and of negatives on each level. Many weightings are judged at once:
that is what a bootstrap does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["auroc", "average_precision", "coarsened", "levels_of"]

Floats = npt.NDArray[np.float64]


def levels_of(scores: Floats) -> npt.NDArray[np.intp]:
    """Number the distinct scores from the lowest, tied scores alike.

    Args:
        scores: Finite floats, shape ``(N,)``.

    Returns:
        Levels in ``[0, L)``, shape ``(N,)``, each of them taken. Cost: one sort.

    Example:
        >>> levels_of(np.array([0.3, -1.0, 0.3, 7.0]))
        array([1, 0, 1, 2])
    """
    return np.unique(scores, return_inverse=True)[1].astype(np.intp)


def coarsened(level: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Merge neighbouring levels into at most ``most`` of about equally many scores each; the order stays.

    Example:
        >>> coarsened(np.array([0, 1, 2, 3]), 2)
        array([0, 0, 1, 1])
    """
    counts = np.bincount(level)
    middle = np.cumsum(counts) - (counts + 1) // 2
    group = middle * most // len(level)
    return np.asarray(np.unique(group, return_inverse=True)[1][level], dtype=np.intp)


def auroc(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> Floats:
    """Return the probability that a positive scores above a negative, a tie counting one half.

    Exact for integer weights whose product stays below 2**53.

    Args:
        positive: Weight of the positives on each level, lowest first, shape ``(L, ...)``.
        negative: Weight of the negatives, likewise.

    Returns:
        Shape ``(...,)``; NaN where a class has no weight.

    References:
        J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
        curve", Radiology 143, 1982.

    Example:
        >>> float(auroc(np.array([0, 1, 1]), np.array([1, 1, 0])))
        0.875
    """
    below = np.cumsum(negative, axis=0, dtype=np.float64)
    total = below[-1].copy()
    below -= np.asarray(negative) / 2
    won = np.einsum("l...,l...->...", positive, below)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(won / np.sum(positive, axis=0) / total)


def average_precision(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> Floats:
    """Return the mean precision over the positives, from the highest level down, tied scores taken together.

    Args:
        positive: Weight of the positives on each level, lowest first, shape ``(L, ...)``.
        negative: Weight of the negatives, likewise.

    Returns:
        Shape ``(...,)``; NaN where the positives have no weight.

    References:
        As scikit-learn's ``average_precision_score``: a sum over steps, not interpolated.

    Example:
        >>> round(float(average_precision(np.array([0, 1, 1]), np.array([1, 1, 0]))), 4)
        0.8333
    """
    found = np.cumsum(positive[::-1], axis=0, dtype=np.float64)
    called = np.cumsum(negative[::-1], axis=0, dtype=np.float64)
    called += found
    total = found[-1].copy()
    # Where nothing is called yet nothing is found either, and 0 / 1 adds 0.
    called[called == 0] = 1.0
    found /= called
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.einsum("l...,l...->...", positive[::-1], found) / total)
