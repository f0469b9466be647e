"""The intervals and tests that gnnmax had before: an expanded percentile bootstrap over graphs, and sign flips.

Kept only to stand beside the intervals of today in ``python -m benchmarks.coverage``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtr, stdtrit

from gnnmax.evaluation.clustered_metrics import ClusteredMetrics, Decisions
from gnnmax.evaluation.evaluation_set import EvaluationSet

__all__ = ["Before", "before"]

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]
Before = tuple[dict[str, Interval], float]
"""Intervals by metric and of the difference of two scorers, and the p-value of that difference."""

RESAMPLES, TAIL, FLIPS = 400, 0.025, 2000


def before(data: EvaluationSet, scores: Floats, rng: np.random.Generator) -> Before:
    """Return the intervals of the first scorer, and interval and p-value of the difference of the accuracies.

    Args:
        data: The evaluation set.
        scores: Of two scorers, shape ``(2, seeds, N)``.
        rng: Draws resamples and sign flips.
    """
    graphs = data.n_graphs
    decided = [[Decisions.of(data, each, threshold=0.0, scale=None) for each in parts] for parts in scores]
    summed = [[ClusteredMetrics.of(data, each, np.arange(graphs)) for each in parts] for parts in decided]
    weights = rng.multinomial(graphs, np.full(graphs, 1 / graphs), size=RESAMPLES).T.astype(np.float64)
    drawn = [_mean([_drawn(each, weights) for each in parts]) for parts in summed]
    whole = _mean([each.whole() for each in summed[0]])
    counts = {"accuracy": len(data.label), "recall": int(data.label.sum()), "found": graphs}
    intervals = {}
    for name, point in whole.items():
        if np.isnan(point) or name == "distance":
            continue
        intervals[name] = _percentiles(drawn[0][name], graphs)
        if name in counts and point in (0, 1):  # the exact binomial interval
            doubt = TAIL ** (1 / counts[name])
            intervals[name] = (doubt, 1.0) if point == 1 else (0.0, 1 - doubt)
    ahead = np.array([a.correct.astype(int) - b.correct for a, b in zip(*decided, strict=True)])
    table = np.array([np.bincount(data.unit, weights=row, minlength=graphs) for row in ahead]) / len(data.label)
    intervals["difference"], p_value = _difference(table, drawn[0]["accuracy"] - drawn[1]["accuracy"], rng)
    return intervals, p_value


def _drawn(clustered: ClusteredMetrics, weights: Floats) -> dict[str, Floats]:
    positive, negative = (table @ weights for table in clustered.levels)
    return clustered.computed(clustered.sums @ weights, (positive, negative))


def _mean(found: list[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.mean([each[name] for each in found], axis=0) for name in found[0]}


def _percentiles(drawn: Floats, graphs: int) -> Interval:
    known = drawn[~np.isnan(drawn)]
    tail = ndtr(np.sqrt(graphs / (graphs - 1)) * stdtrit(graphs - 1, TAIL))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _difference(table: Floats, drawn: Floats, rng: np.random.Generator) -> tuple[Interval, float]:
    """Return interval and p-value from the difference of each graph, one row a seed."""
    seeds, graphs = table.shape
    if seeds == 1:
        sums = rng.choice([-1.0, 1.0], size=(FLIPS, graphs)) @ table[0]
        alarms = np.count_nonzero(np.abs(sums) >= abs(table.sum()) - 1e-12)
        return _percentiles(drawn, graphs), (1 + alarms) / (1 + FLIPS)
    of_graphs, of_seeds = drawn.var() * graphs / (graphs - 1), table.sum(axis=1).var(ddof=1) / seeds
    freedom = (of_graphs + of_seeds) ** 2 / (of_graphs**2 / (graphs - 1) + of_seeds**2 / (seeds - 1))
    difference, error = table.sum() / seeds, np.sqrt(of_graphs + of_seeds)
    half = -stdtrit(freedom, TAIL) * error
    return (difference - half, difference + half), float(2 * stdtr(freedom, -abs(difference) / error))
