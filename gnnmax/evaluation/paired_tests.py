"""Paired tests of two scorers on the same windows, with graphs as clusters and seeds as blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from gnnmax.evaluation.difference import Difference
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.jackknife import Estimate
from gnnmax.evaluation.scored import Scored
from gnnmax.evaluation.significance import mcnemar

__all__ = ["paired_differences"]

Floats = npt.NDArray[np.float64]
POWER = 0.8
ENDS = (-1.0, 1.0)


def paired_differences(
    data: EvaluationSet, scorers: Mapping[str, Scored], *, confidence: float
) -> tuple[Difference, ...]:
    """Compare every two scorers, each pair alone and all pairs at once.

    Interval and p-value of a difference come from one t distribution, so the interval excludes 0 exactly where the
    p-value is at most ``1 - confidence``. The variance is that over graphs, by the jackknife, and with S seeds, which
    are blocks that both scorers share, also that over seeds: ``V = V_graphs + V_seeds``, with Satterthwaite's degrees
    of freedom. Both are then valid for other graphs and for other seeds. The interaction of graphs and seeds is counted
    twice, on the safe side. For m pairs at once, the interval has confidence ``1 - (1 - confidence) / m`` and the
    p-value is m times as large, by Bonferroni: these two agree likewise.

    Args:
        data: The evaluation set.
        scorers: Names to scorers; one with a single seed counts as equal in all seeds.
        confidence: Of the intervals.

    References:
        A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007 (why rows and columns must both
        vary). F. E. Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics
        Bulletin 2, 1946.
    """
    pairs = list(itertools.combinations(scorers, 2))
    return tuple(_difference(data, pair, scorers, confidence=confidence, pairs=len(pairs)) for pair in pairs)


def _difference(
    data: EvaluationSet, names: tuple[str, str], scorers: Mapping[str, Scored], *, confidence: float, pairs: int
) -> Difference:
    first, second = (scorers[name] for name in names)
    seeds = max(len(first.decisions), len(second.decisions))
    level = (1 - confidence) / pairs
    accuracy, area = (_estimate(first, second, metric, seeds) for metric in ("accuracy", "auroc"))
    low, high = accuracy.difference_interval(confidence)
    corrected_low, corrected_high = accuracy.difference_interval(1 - level)
    area_low, area_high = area.difference_interval(confidence)
    p_value = accuracy.p_value()
    ahead = [
        first.decisions[s % len(first.decisions)].correct.astype(np.int64)
        - second.decisions[s % len(second.decisions)].correct
        for s in range(seeds)
    ]
    known = accuracy.freedom > 0
    first_only, second_only = (sum(int((sign * column > 0).sum()) for column in ahead) for sign in (1, -1))
    return Difference(
        first=names[0],
        second=names[1],
        accuracy=accuracy.value,
        low=low,
        high=high,
        p_value=p_value,
        mcnemar_p_value=mcnemar(first_only, second_only),
        first_only=first_only,
        second_only=second_only,
        auroc=area.value,
        auroc_low=area_low,
        auroc_high=area_high,
        confidence=confidence,
        pairs=pairs,
        corrected_low=corrected_low,
        corrected_high=corrected_high,
        corrected_p_value=min(1.0, pairs * p_value),
        minimum_detectable_effect=_quantiles(level) * accuracy.error if known else None,
        additional_graphs=_additional_graphs(accuracy, data.n_graphs, level) if known else None,
        seeds=seeds,
    )


def _estimate(first: Scored, second: Scored, metric: str, seeds: int) -> Estimate:
    """Return the difference of a metric with its variance over graphs and seeds."""
    by_seed = np.resize(first.by_seed(metric), seeds) - np.resize(second.by_seed(metric), seeds)
    return Estimate.of(
        by_seed,
        first.left_out[metric] - second.left_out[metric],
        shares=first.shares(metric),
        graphs=first.graphs(metric),
        ends=ENDS,
    )


def _quantiles(level: float) -> float:
    """Return how many standard errors a difference must be away from 0, for a test of this level and power."""
    return float(ndtri(1 - level / 2)) + float(ndtri(POWER))


def _additional_graphs(difference: Estimate, graphs: int, level: float) -> int | None:
    """Return the graphs to add for significance at this power; 0 where it is there, None where no number suffices."""
    if difference.p_value() <= level:
        return 0
    wanted = (difference.value / _quantiles(level)) ** 2 - difference.of_seeds
    return max(1, math.ceil(graphs * (difference.of_graphs / wanted - 1))) if wanted > 0 else None
