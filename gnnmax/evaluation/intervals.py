"""From decisions to verdicts: metrics, and their intervals from the metrics without each graph in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import reliability
from gnnmax.evaluation.caveats import caveats_of
from gnnmax.evaluation.clustered_metrics import Decisions
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.jackknife import Estimate
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.metrics import METRICS, natural_precision
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.scored import Scored
from gnnmax.evaluation.verdict import Interval, Offsets, Slice, Verdict

__all__ = ["metrics_of", "verdict_of"]

Floats = npt.NDArray[np.float64]


def verdict_of(data: EvaluationSet, scorer: Scored, options: EvaluationOptions) -> Verdict:
    """Assemble the verdict of one scorer."""
    intervals = _intervals(data, scorer, options.confidence)
    known = metrics_of(scorer.point)
    seeds = {name: tuple(_value(found[name]) for found in scorer.seeds) for name in known if known[name] is not None}
    first = scorer.decisions[0]
    return Verdict(
        n=len(data.label),
        n_graphs=data.n_graphs,
        positives=int(data.label.sum()),
        threshold=float(options.threshold),
        confidence=float(options.confidence),
        metrics=known,
        natural_prevalence=_prevalence(scorer),
        scale=scorer.scale,
        reliability=None if first.probability is None else reliability(first.probability, data.label, data.weight),
        bayes_accuracy=None if data.bayes_right is None else float(np.average(data.bayes_right, weights=data.weight)),
        ceiling=data.ceiling,
        intervals={name: intervals[name] for name in known if name in intervals},
        slices=_slices(data, scorer, options.confidence),
        offsets=_offsets(data, scorer.decisions),
        localisation=_localisation(scorer, intervals),
        by_seed=seeds,
        warnings=caveats_of(data, scorer, options.threshold),
    )


def metrics_of(found: Mapping[str, Floats]) -> dict[str, float | None]:
    """Return the metrics of single windows by name, as numbers; None where one does not exist."""
    own = [name for name, metric in METRICS.items() if not metric.localises]
    return {name: _value(found[name]) if name in found else None for name in own}


def _prevalence(scorer: Scored) -> float | None:
    sums = scorer.clustered[0].total
    return _value(sums.prevalence) if sums.has("prevalence") else None


def _value(found: Floats) -> float | None:
    return None if np.isnan(found) else float(found)


def _intervals(data: EvaluationSet, scorer: Scored, confidence: float) -> dict[str, Interval]:
    """Return the interval of every metric that exists on these windows."""
    intervals = {
        name: scorer.estimate(name, _ends(name, data)).interval(
            confidence, _ends(name, data), of_graphs=metric.share_of.startswith("graphs")
        )
        for name, metric in METRICS.items()
        if name in scorer.point and not np.isnan(scorer.point[name])
    }
    if "natural_precision" in intervals and scorer.point["specificity"] == 1:
        ends = (intervals["recall"][0], intervals["specificity"][0], _prevalence(scorer) or 0.0)
        intervals["natural_precision"] = float(natural_precision(*ends)), 1.0
    return intervals


def _ends(metric: str, data: EvaluationSet) -> Interval:
    """Return the least and the greatest value of a metric; an infinite end stands for the side of the windows."""
    low, high = METRICS[metric].range
    return low, min(high, float(data.k or 0)) if np.isinf(high) else high


def _slices(data: EvaluationSet, scorer: Scored, confidence: float) -> dict[str, dict[str, Slice]]:
    slices: dict[str, dict[str, Slice]] = {}
    for group, parts in data.slices.items():
        total, n = _weighed(parts.code, None, data), np.bincount(parts.code)
        correct, called = (
            np.array([_weighed(parts.code, column, data) / total for column in columns])
            for columns in ([each.correct for each in scorer.decisions], [each.called for each in scorer.decisions])
        )
        shares = scorer.clustered[0].slice_shares(group)
        graphs = scorer.clustered[0].graphs[f"n {group}"]
        slices[group] = {}
        for place, name in enumerate(parts.names):
            estimate = Estimate.of(
                correct[:, place],
                scorer.left_out[f"slice {group}"][place],
                shares=shares[place : place + 1],
                graphs=graphs[place : place + 1],
                ends=(0.0, 1.0),
            )
            low, high = estimate.interval(confidence, (0.0, 1.0))
            flagged = float(called[:, place].mean())
            slices[group][name] = Slice(int(n[place]), estimate.value, low, high, flagged)
    return slices


def _weighed(code: npt.NDArray[np.intp], column: npt.NDArray[np.bool_] | None, data: EvaluationSet) -> Floats:
    """Return the weight of the windows of each code where a column is true."""
    weight = np.ones(len(code)) if data.weight is None else data.weight
    return np.asarray(np.bincount(code, weights=weight if column is None else weight * column), dtype=np.float64)


def _offsets(data: EvaluationSet, decisions: Sequence[Decisions]) -> Offsets | None:
    if data.offset is None or data.k is None:
        return None
    k = data.k
    place = data.offset.astype(np.int64) + k // 2
    inside = ((place >= 0) & (place < k)).all(axis=1)
    flat = place[inside, 0] * k + place[inside, 1]
    count = np.bincount(flat, minlength=k * k)
    weight = np.ones(len(flat)) if data.weight is None else data.weight[inside]
    total = np.bincount(flat, weights=weight, minlength=k * k)
    called = [np.bincount(flat, weights=weight * each.called[inside], minlength=k * k) for each in decisions]
    with np.errstate(invalid="ignore"):
        return Offsets((np.mean(called, axis=0) / total).reshape(k, k), count.reshape(k, k))


def _localisation(scorer: Scored, intervals: dict[str, Interval]) -> Localisation | None:
    names = [name for name, metric in METRICS.items() if metric.localises and name in scorer.point]
    graphs = round(scorer.counted("graphs_centred")) if names else 0
    if not graphs:
        return None
    metrics = {name: _value(scorer.point[name]) for name in names}
    return Localisation(graphs, metrics, {name: intervals[name] for name in names if name in intervals})
