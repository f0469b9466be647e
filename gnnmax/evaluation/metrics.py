"""Metrics: one table with a formula, a range and a title for each, from which all else that names a metric is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.sums import Needs, Sums

__all__ = [
    "METRICS",
    "Metric",
    "auroc",
    "average_precision",
    "coarsened",
    "compute_metrics",
    "levels_of",
    "natural_precision",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """One metric of a scorer.

    Attributes:
        compute: The formula, from sums of shape ``(...,)`` to ``(...,)``. NaN where the metric does not exist, such as
            the precision where nothing is called.
        title: Its name in tables and on the page.
        description: What it measures, in one line.
        needs: What must be known to compute it: ``decisions`` (always there), ``ranking`` of the scores (always there),
            ``probabilities`` (a declared scale), ``prevalence`` (the side of the windows), ``bayes_rule`` (a noisy
            recipe), ``graphs`` (offsets, and graphs of several windows; the metric then belongs to the localisation).
        range: Its least and greatest value; an infinite end stands for the side of the windows.
        share_of: The sum in :class:`Sums` that it is a share of, by name; "" where it is no plain share.
        over: The sums that it divides by, where it is no plain share.
        odds: As in :meth:`gnnmax.evaluation.jackknife.Estimate.of`.
        headline: Whether it stands in the short tables that compare scorers.
    """

    compute: Callable[[Sums], Floats]
    title: str
    description: str
    needs: Needs = "decisions"
    range: tuple[float, float] = (0.0, 1.0)
    share_of: str = ""
    over: tuple[str, ...] = ("positives", "negatives")
    odds: float = 1.0
    headline: bool = False

    @property
    def divisors(self) -> tuple[str, ...]:
        """The sums that it divides by: the graphs with a part in them are those that its interval rests on."""
        return (self.share_of,) if self.share_of else self.over

    @property
    def localises(self) -> bool:
        """Whether it is a metric of whole graphs, kept in the localisation of a verdict."""
        return self.needs == "graphs"


def compute_metrics(sums: Sums, *, needs: Needs | None = None) -> dict[str, Floats]:
    """Compute every metric of :data:`METRICS` whose sums are there.

    Args:
        sums: Of shape ``(...,)``.
        needs: Compute only the metrics that need this; None computes all.

    Returns:
        Names to values ``(...,)``; NaN where a metric does not exist.

    Example:
        >>> ten, five, four, one = (np.array(float(x)) for x in (10, 5, 4, 1))
        >>> found = compute_metrics(Sums(n=ten, positives=five, true_positives=four, false_positives=one))
        >>> round(float(found["accuracy"]), 3), round(float(found["mcc"]), 3), "auroc" in found
        (0.8, 0.6, False)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: np.asarray(metric.compute(sums))
            for name, metric in METRICS.items()
            if sums.has(metric.needs) and needs in (None, metric.needs)
        }


def _mcc(sums: Sums) -> Floats:
    """Return the Matthews correlation; that with a constant is 0, as scikit-learn has it.

    References:
        B. W. Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme",
        Biochimica et Biophysica Acta 405, 1975.
    """
    # Roots one by one: the product of four counts may leave the range.
    spread = np.sqrt(sums.positives) * np.sqrt(sums.negatives) * np.sqrt(sums.called) * np.sqrt(sums.not_called)
    covariance = sums.true_positives * sums.negatives - sums.false_positives * sums.positives
    return np.asarray(np.where(spread > 0, covariance / spread, 0.0))


def _accuracy(sums: Sums) -> Floats:
    return (sums.true_positives + sums.negatives - sums.false_positives) / sums.n


def _recall(sums: Sums) -> Floats:
    return sums.true_positives / sums.positives


def _specificity(sums: Sums) -> Floats:
    return sums.true_negatives / sums.negatives


def natural_precision(recall: Any, specificity: Any, prevalence: Any) -> Floats:
    """Return the precision of these decisions at another share of positives.

    A window with m edges, around one of them, is centred on its maximum about once in m times; data sets hold half of
    each class. Recall and specificity do not depend on the share of positives, the precision does.

    Args:
        recall: Share of positives called centred, shape ``(...,)``.
        specificity: Share of negatives not called, likewise.
        prevalence: Share of positives, between 0 and 1, shape ``(...,)``.

    Returns:
        Shape ``(...,)``; NaN where nothing is called. It holds for negatives like these: harder ones lower it.

    Example:
        >>> round(float(natural_precision(0.99, 0.99, 1 / 81)), 3)
        0.553
    """
    found, false = prevalence * np.asarray(recall), (1 - prevalence) * (1 - np.asarray(specificity))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(found / (found + false))


def levels_of(scores: Floats) -> npt.NDArray[np.intp]:
    """Number the distinct scores from the lowest; tied scores share a number.

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


METRICS: dict[str, Metric] = {
    "accuracy": Metric(_accuracy, "accuracy", "Share of windows decided correctly.", share_of="n", headline=True),
    "balanced_accuracy": Metric(
        lambda sums: (_recall(sums) + _specificity(sums)) / 2, "balanced accuracy", "Mean of recall and specificity."
    ),
    "precision": Metric(
        lambda sums: sums.true_positives / sums.called,
        "precision",
        "Share of the windows called centred that are centred; missing where none is called.",
        share_of="called",
    ),
    "recall": Metric(_recall, "recall", "Share of the centred windows that are called centred.", share_of="positives"),
    "specificity": Metric(
        _specificity,
        "specificity",
        "Share of the windows off centre that are not called centred.",
        share_of="negatives",
    ),
    "negative_predictive_value": Metric(
        lambda sums: sums.true_negatives / sums.not_called,
        "negative predictive value",
        "Share of the windows not called centred that are off centre; missing where every window is called.",
        share_of="not_called",
    ),
    "f1": Metric(
        lambda sums: 2 * sums.true_positives / sums.positives_and_called,
        "F1",
        "Harmonic mean of precision and recall.",
        over=("positives", "positives_and_called"),
        odds=2.0,
    ),
    "mcc": Metric(
        _mcc,
        "MCC",
        "Matthews correlation of decision and label; 0 where all decisions are equal.",
        range=(-1.0, 1.0),
    ),
    "auroc": Metric(
        lambda sums: auroc(*_levels(sums)),
        "AUROC",
        "Probability that a centred window scores above another one; a tie counts one half.",
        needs="ranking",
        headline=True,
    ),
    "average_precision": Metric(
        lambda sums: average_precision(*_levels(sums)),
        "average precision",
        "Mean precision over the centred windows, tied scores taken together.",
        needs="ranking",
        headline=True,
    ),
    "natural_precision": Metric(
        lambda sums: natural_precision(_recall(sums), _specificity(sums), sums.prevalence),
        "natural precision",
        "Precision at the natural prevalence: one window in `m` centred, `m` edges in a window.",
        needs="prevalence",
    ),
    "brier": Metric(
        lambda sums: _known(sums.squared_error) / sums.n,
        "Brier score",
        "Mean squared difference of probability and label.",
        needs="probabilities",
        over=("n",),
    ),
    "calibration_error": Metric(
        lambda sums: np.abs(_known(sums.excess)).sum(axis=0) / sums.n,
        "calibration error",
        "Expected calibration error of the probability of centred, in 15 bins; noise adds to it.",
        needs="probabilities",
        over=("n",),
    ),
    "bayes_gap": Metric(
        lambda sums: _known(sums.bayes_right) / sums.n - _accuracy(sums),
        "Bayes gap",
        "Accuracy of the Bayes rule on the same windows less the accuracy; at chance it may be negative.",
        needs="bayes_rule",
        range=(-1.0, 1.0),
        headline=True,
        over=("n",),
    ),
    "found": Metric(
        lambda sums: _known(sums.graphs_found) / _known(sums.graphs_centred),
        "best is centred",
        "Share of the graphs with a centred window whose best-scored window is centred.",
        needs="graphs",
        share_of="graphs_centred",
    ),
    "exact": Metric(
        lambda sums: _known(sums.graphs_exact) / _known(sums.graphs),
        "all windows right",
        "Share of the graphs whose windows are all decided correctly.",
        needs="graphs",
        share_of="graphs",
    ),
    "distance": Metric(
        lambda sums: _known(sums.missed_distance) / _known(sums.graphs_missed),
        "distance of a miss",
        "Mean distance, in king's moves, of the maximum from the centre of a best-scored window that is off centre.",
        needs="graphs",
        range=(0.0, np.inf),
        over=("graphs_missed",),
    ),
}
"""Every metric by its name, in the order of the tables. A new metric is one entry here."""


def _known(value: Any) -> Any:
    """Return a sum that the metric's ``needs`` promise."""
    assert value is not None
    return value


def _levels(sums: Sums) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    assert sums.levels is not None
    return sums.levels
