"""Figures of decisions: from how many are right and wrong in each class to accuracy, precision, MCC and the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "RANGES",
    "SHARES",
    "auroc",
    "average_precision",
    "coarsened",
    "decision_figures",
    "levels_of",
    "natural_precision",
]

Floats = npt.NDArray[np.float64]

RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1"), (0.0, 1.0)),
    "mcc": (-1.0, 1.0),
    **dict.fromkeys(("auroc", "average_precision", "natural_precision", "brier", "calibration_error"), (0.0, 1.0)),
    "bayes_gap": (-1.0, 1.0),
    **dict.fromkeys(("found", "exact"), (0.0, 1.0)),
    "distance": (0.0, np.inf),
}
"""The range of every figure: what is known of it before any window is seen."""

SHARES = ("accuracy", "recall", "specificity", "precision")
"""Figures that are plain shares of windows, whose exact binomial interval stands in where all are alike."""


def decision_figures(
    n: npt.ArrayLike, positives: npt.ArrayLike, found: npt.ArrayLike, false: npt.ArrayLike
) -> dict[str, Floats]:
    """Return the figures of decisions, from counts or any weights in their place.

    Args:
        n: Windows, shape ``(...,)``.
        positives: Windows whose label is "centred", likewise.
        found: Positives called centred.
        false: Negatives called centred.

    Returns:
        ``accuracy``; ``recall``, the share of positives called centred; ``specificity``, the share of negatives not
        called; ``balanced_accuracy``, their mean; ``precision``, the share of those called that are positive; ``f1``,
        the harmonic mean of precision and recall; ``mcc``, the correlation of decision and label. NaN where a figure
        does not exist: the precision where nothing is called, what is of a class where it has no window. The
        correlation with a constant is 0, as scikit-learn has it.

    References:
        B. W. Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme",
        Biochimica et Biophysica Acta 405, 1975.

    Example:
        >>> figures = decision_figures(n=10, positives=5, found=4, false=1)
        >>> {name: round(float(value), 3) for name, value in figures.items()}
        {'accuracy': 0.8, 'balanced_accuracy': 0.8, 'precision': 0.8, 'recall': 0.8, 'specificity': 0.8, 'f1': 0.8, 'mcc': 0.6}
    """  # noqa: E501
    n, positives, found, false = (np.asarray(x, dtype=np.float64) for x in (n, positives, found, false))
    negatives, called = n - positives, found + false
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, specificity = found / positives, (negatives - false) / negatives
        # Roots one by one: the product of four counts may leave the range.
        spread = np.sqrt(positives) * np.sqrt(negatives) * np.sqrt(called) * np.sqrt(n - called)
        return {
            "accuracy": np.asarray((found + negatives - false) / n),
            "balanced_accuracy": np.asarray((recall + specificity) / 2),
            "precision": np.asarray(found / called),
            "recall": np.asarray(recall),
            "specificity": np.asarray(specificity),
            "f1": np.asarray(2 * found / (positives + called)),
            "mcc": np.asarray(np.where(spread > 0, (found * negatives - false * positives) / spread, 0.0)),
        }


def natural_precision(recall: Any, specificity: Any, prevalence: float) -> Floats:
    """Return the precision that these decisions would have where positives are rarer than among these windows.

    Slid over a matrix, a window of side k is centred on its maximum about once in ``k * k`` times; data sets hold half
    of each class. Recall and specificity do not depend on the share of positives, the precision does.

    Args:
        recall: Share of positives called centred, shape ``(...,)``.
        specificity: Share of negatives not called, likewise.
        prevalence: Share of positives, between 0 and 1.

    Returns:
        Shape ``(...,)``; NaN where nothing is called. It is that of negatives like these: harder ones lower it.

    Example:
        >>> round(float(natural_precision(0.99, 0.99, 1 / 81)), 3)
        0.553
    """
    found, false = prevalence * np.asarray(recall), (1 - prevalence) * (1 - np.asarray(specificity))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(found / (found + false))


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
