"""Figures of decisions: from how many are right and wrong in each class to accuracy, precision, MCC and the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RANGES", "SHARES", "decision_figures", "natural_precision"]

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
