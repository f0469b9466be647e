"""Metrics of calls: one table with a formula, a range and a title for each, from which all else is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.metrics import average_precision
from gnnmax.evaluation.peaks.peak_sums import PeakNeeds, PeakSums

__all__ = ["FALSE_CALLS", "PEAK_METRICS", "PeakMetric", "compute_peak_metrics", "froc", "recall_at_fdr"]

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[Any]

FALSE_CALLS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False calls a map at which the mean of the FROC curve is taken."""


@dataclass(frozen=True)
class PeakMetric:
    """One metric of calls.

    Attributes:
        compute: The formula, from sums of shape ``(...,)`` to ``(...,)``; NaN or infinite where it does not exist.
        title: Its name in tables.
        description: What it measures, in one line.
        undefined: Why it may not exist, although what it needs is there.
        needs: What must be known: ``calls`` (always there), ``scores``, or the ``best`` call of maps with one peak.
        over: The sums that it divides by: the maps with a part in them are those that its interval rests on.
        odds: As in :meth:`gnnmax.evaluation.jackknife.Estimate.of`.
        greatest: Its greatest value; infinite where there is none. The least is 0.
        of_maps: Whether it is a share of maps.
        smooth: Whether a single map changes it little. If not, as where a threshold is chosen on the calls themselves,
            its variance is that of the bootstrap over maps, for the jackknife needs smooth metrics.
        lower_is_better: Whether fewer is better.
        headline: Whether it stands in the short tables that compare callers.
    """

    compute: Callable[[PeakSums], Floats]
    title: str
    description: str
    undefined: str = ""
    needs: PeakNeeds = "calls"
    over: tuple[str, ...] = ("peaks",)
    odds: float = 1.0
    greatest: float = 1.0
    of_maps: bool = False
    smooth: bool = True
    lower_is_better: bool = False
    headline: bool = False


def compute_peak_metrics(sums: PeakSums, *, needs: PeakNeeds | None = None) -> dict[str, Floats]:
    """Compute every metric of :data:`PEAK_METRICS` whose sums are there.

    Args:
        sums: Of shape ``(...,)``.
        needs: Compute only the metrics that need this; None computes all.

    Returns:
        Names to values ``(...,)``; NaN where a metric does not exist.

    Example:
        >>> two, four, eight, zero = (np.array(float(x)) for x in (2, 4, 8, 0))
        >>> sums = PeakSums(maps=two, peaks=four, called=eight, matched=two, matched_distance=zero)
        >>> {name: float(value) for name, value in compute_peak_metrics(sums).items() if name != "f1"}
        {'precision': 0.25, 'recall': 0.5, 'false_calls': 3.0, 'matched_distance': 0.0}
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: np.asarray(metric.compute(sums))
            for name, metric in PEAK_METRICS.items()
            if sums.has(metric.needs) and needs in (None, metric.needs)
        }


def froc(hits: Levels, misses: Levels, *, peaks: Floats, maps: Floats) -> Floats:
    """Return the mean recall at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false calls a map.

    The recall at r false calls a map is that of the longest list, cut between two scores, that has at most r a map.
    It is that of the whole list where this has fewer.

    Args:
        hits: Calls that find a peak on each level, lowest first, shape ``(L, ...)``.
        misses: The other calls, likewise.
        peaks: Number of peaks, shape ``(...,)``.
        maps: Number of maps, shape ``(...,)``.

    Returns:
        Shape ``(...,)``; NaN without peaks.

    References:
        D. P. Chakraborty, "Maximum likelihood analysis of free-response receiver operating characteristic (FROC) data",
        Medical Physics 16, 1989. The seven rates are those of A. A. A. Setio et al., "Validation, comparison, and
        combination of algorithms for automatic detection of pulmonary nodules", Medical Image Analysis 42, 2017, which
        interpolates between the points of the curve.

    Example:
        >>> float(froc(np.array([1.0, 1.0]), np.array([1.0, 0.0]), peaks=np.array(2.0), maps=np.array(1.0))) * 14
        11.0
    """
    found, false = (np.cumsum(each[::-1], axis=0, dtype=np.float64) for each in (hits, misses))
    at = [np.where(false <= rate * maps + 1e-9, found, 0.0).max(axis=0, initial=0.0) for rate in FALSE_CALLS]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.mean(at, axis=0) / peaks)


def recall_at_fdr(hits: Levels, misses: Levels, *, peaks: Floats, fdr: float) -> Floats:
    """Return the greatest recall of a list, cut between two scores, whose share of false calls is at most ``fdr``.

    Args:
        hits: As in :func:`froc`.
        misses: As in :func:`froc`.
        peaks: Number of peaks, shape ``(...,)``.
        fdr: Between 0 and 1.

    Returns:
        Shape ``(...,)``; 0 where no list is so pure, NaN without peaks.

    Example:
        >>> hits, misses = np.array([0.0, 1.0, 1.0]), np.array([3.0, 1.0, 0.0])
        >>> [float(recall_at_fdr(hits, misses, peaks=np.array(4.0), fdr=share)) for share in (0.1, 0.4)]
        [0.25, 0.5]
    """
    found, false = (np.cumsum(each[::-1], axis=0, dtype=np.float64) for each in (hits, misses))
    pure = false <= fdr * (found + false) + 1e-9
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(pure, found, 0.0).max(axis=0, initial=0.0) / peaks)


def _average_precision(sums: PeakSums) -> Floats:
    """Return the mean precision over all peaks; one that is never found counts 0."""
    hits, misses = _known(sums.levels)
    found = np.sum(hits, axis=0, dtype=np.float64)
    return np.asarray(np.where(found > 0, average_precision(hits, misses) * found, 0.0) / sums.peaks)


def _froc(sums: PeakSums) -> Floats:
    return froc(*_known(sums.levels), peaks=sums.peaks, maps=sums.maps)


def _recall_at_fdr(sums: PeakSums) -> Floats:
    return recall_at_fdr(*_known(sums.levels), peaks=sums.peaks, fdr=sums.fdr)


PEAK_METRICS: dict[str, PeakMetric] = {
    "precision": PeakMetric(
        lambda sums: sums.matched / sums.called,
        "precision",
        "Share of the calls that are matched to a peak.",
        undefined="nothing is called",
        over=("called",),
        headline=True,
    ),
    "recall": PeakMetric(
        lambda sums: sums.matched / sums.peaks,
        "recall",
        "Share of the peaks that are matched to a call.",
        headline=True,
    ),
    "f1": PeakMetric(
        lambda sums: 2 * sums.matched / sums.peaks_and_calls,
        "F1",
        "Harmonic mean of precision and recall.",
        over=("peaks", "peaks_and_calls"),
        odds=2.0,
        headline=True,
    ),
    "false_calls": PeakMetric(
        lambda sums: sums.false_calls / sums.maps,
        "false calls a map",
        "Calls matched to no peak, for each map, those without peaks included.",
        over=("maps",),
        greatest=np.inf,
        lower_is_better=True,
    ),
    "average_precision": PeakMetric(
        _average_precision,
        "average precision",
        "Mean precision over the peaks, each at the score that finds it; 0 for a peak that no score finds.",
        needs="scores",
        headline=True,
    ),
    "recall_at_fdr": PeakMetric(
        _recall_at_fdr,
        "recall at FDR",
        "Greatest recall of a threshold whose share of false calls is at most `fdr`, 0.1 unless stated.",
        needs="scores",
        smooth=False,
        headline=True,
    ),
    "froc": PeakMetric(
        _froc,
        "mean of FROC",
        "Mean recall at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false calls a map.",
        needs="scores",
        over=("peaks", "maps"),
    ),
    "found_exactly": PeakMetric(
        lambda sums: _known(sums.single_exact) / _known(sums.single),
        "found exactly",
        "Of the maps with one peak, the share whose best call is at the peak.",
        needs="best",
        over=("single",),
        of_maps=True,
        headline=True,
    ),
    "found_within": PeakMetric(
        lambda sums: _known(sums.single_within) / _known(sums.single),
        "found within tolerance",
        "Of the maps with one peak, the share whose best call is within the tolerance.",
        needs="best",
        over=("single",),
        of_maps=True,
        headline=True,
    ),
    "matched_distance": PeakMetric(
        lambda sums: sums.matched_distance / sums.matched,
        "distance of matched calls",
        "Mean distance of matched calls from their peaks, in places or in hops.",
        undefined="no call is matched",
        over=("matched",),
        greatest=np.inf,
        lower_is_better=True,
    ),
    "best_distance": PeakMetric(
        lambda sums: _known(sums.best_distance) / _known(sums.single_called),
        "distance of best calls",
        "Mean distance of the best call from the peak, over the maps with one peak and a call.",
        undefined="no map with one peak has a call, or a best call lies at an infinite distance",
        needs="best",
        over=("single_called",),
        greatest=np.inf,
        lower_is_better=True,
    ),
}
"""Every metric of calls by its name, in the order of the tables. A new metric is one entry here."""


def _known(value: Any) -> Any:
    """Return a sum that the metric's ``needs`` promise."""
    assert value is not None
    return value
