"""From decisions to verdicts: metrics, and their intervals from joint resamples of graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.bootstrap import bootstrap, percentile_interval
from gnnmax.evaluation.calibration import Scale, reliability
from gnnmax.evaluation.clustered_metrics import ClusteredMetrics, Decisions
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.metrics import METRICS, natural_precision
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.verdict import Interval, Offsets, Slice, Verdict

__all__ = ["Resampled", "resample", "verdict_of"]

Floats = npt.NDArray[np.float64]


class Resampled:
    """One scorer's decisions, one entry a seed, and its metrics on every resample.

    Attributes:
        decisions: One a seed.
        clustered: Their sums by graph, one a seed.
        seeds: Metrics of each seed on all windows.
        point: Mean of these over the seeds.
        drawn: Mean over the seeds of each metric on each resample, shape ``(resamples,)``; of the slices of a group
            ``(slices, resamples)``.
        scale: Of the scores, where it was declared.
    """

    def __init__(
        self,
        data: EvaluationSet,
        decisions: Sequence[Decisions],
        *,
        batch: npt.NDArray[np.intp],
        scale: Scale | None,
    ) -> None:
        self.decisions, self.scale = decisions, scale
        self.clustered = [ClusteredMetrics.of(data, each, batch) for each in decisions]
        self.seeds = [clustered.whole() for clustered in self.clustered]
        self.point = _mean(self.seeds)
        self.drawn: dict[str, Floats] = {}

    def resampled(self, weights: Floats) -> dict[str, Floats]:
        """Return the mean of each metric over the seeds, weights ``(U, b)`` to ``(..., b)``."""
        return _mean([clustered.resampled(weights) for clustered in self.clustered])

    def counted(self, name: str) -> float:
        """Return a sum over all windows, mean over the seeds."""
        return float(np.mean([getattr(clustered.total, name) for clustered in self.clustered]))


def _mean(found: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    if len(found) == 1:
        return found[0]
    return {name: np.mean([each[name] for each in found], axis=0) for name in found[0]}


def resample(
    data: EvaluationSet,
    decisions: Mapping[str, Sequence[Decisions]],
    *,
    options: EvaluationOptions,
    scales: Mapping[str, Scale | None],
    rng: np.random.Generator,
) -> dict[str, Resampled]:
    """Compute every metric of every scorer on the same resamples of the graphs.

    Args:
        data: The evaluation set.
        decisions: For each name the decisions of its seeds.
        options: The number of resamples.
        scales: Declared scale of each name.
        rng: Draws the resamples.
    """
    batch = data.batch_of_graph(rng)
    scorers = {name: Resampled(data, each, batch=batch, scale=scales[name]) for name, each in decisions.items()}

    def statistics(weights: Floats) -> dict[str, Floats]:
        return {f"{name}\n{key}": x for name, s in scorers.items() for key, x in s.resampled(weights).items()}

    width = max(clustered.width for scorer in scorers.values() for clustered in scorer.clustered)
    for key, drawn in bootstrap(statistics, int(batch.max()) + 1, options.resamples, rng, width=width).items():
        name, metric = key.rsplit("\n", 1)
        scorers[name].drawn[metric] = drawn
    return scorers


def verdict_of(data: EvaluationSet, scorer: Resampled, options: EvaluationOptions) -> Verdict:
    """Assemble the verdict of one scorer."""
    intervals = _intervals(data, scorer, options.confidence)
    own = [name for name, metric in METRICS.items() if not metric.localises]
    known = {name: _value(scorer.point[name]) if name in scorer.point else None for name in own}
    first = scorer.decisions[0]
    return Verdict(
        n=len(data.label),
        n_graphs=data.n_graphs,
        positives=int(data.label.sum()),
        threshold=float(options.threshold),
        confidence=float(options.confidence),
        metrics=known,
        natural_prevalence=None if data.k is None else 1 / data.k**2,
        scale=scorer.scale,
        reliability=None if first.probability is None else reliability(first.probability, data.label),
        bayes_accuracy=None if data.bayes_right is None else float(data.bayes_right.mean()),
        ceiling=data.ceiling,
        intervals={name: intervals[name] for name in own if name in intervals},
        slices=_slices(data, scorer, options.confidence),
        offsets=_offsets(data, scorer.decisions),
        localisation=_localisation(scorer, intervals),
        by_seed={name: tuple(_value(found[name]) for found in scorer.seeds) for name in own if known[name] is not None},
    )


def _value(found: Floats) -> float | None:
    return None if np.isnan(found) else float(found)


def _intervals(data: EvaluationSet, scorer: Resampled, confidence: float) -> dict[str, Interval]:
    """Return the interval of every metric that exists on these windows."""
    point, graphs = scorer.point, data.n_graphs
    intervals = {}
    for name, metric in METRICS.items():
        if name not in point or np.isnan(point[name]):
            continue
        low, high = metric.range
        widest = low, min(high, float(data.k or 0)) if np.isinf(high) else high
        interval = _interval(scorer.drawn[name], widest, confidence=confidence, graphs=graphs)
        if metric.share_of:
            n = max(1, int(scorer.counted(metric.share_of)))
            interval = _share_interval(float(point[name]), n, interval, confidence=confidence, graphs=graphs)
        intervals[name] = interval
    if "natural_precision" in intervals and point["specificity"] == 1 and graphs > 1:
        ends = (intervals["recall"][0], intervals["specificity"][0], 1 / (data.k or 1) ** 2)
        intervals["natural_precision"] = float(natural_precision(*ends)), 1.0
    return intervals


def _share_interval(share: float, n: int, interval: Interval, *, confidence: float, graphs: int) -> Interval:
    """Return the interval of a share of n; at 0 and 1 the exact binomial one, the least doubt there can be."""
    if graphs < 2 or 0 < share < 1:
        return interval
    doubt = float(((1 - confidence) / 2) ** (1 / n))
    return (doubt, 1.0) if share == 1 else (0.0, 1 - doubt)


def _interval(drawn: Floats, widest: Interval, *, confidence: float, graphs: int) -> Interval:
    """Return the interval from resamples; the whole range for a single graph and for a metric on no resample."""
    interval = None if graphs < 2 else percentile_interval(drawn, confidence, graphs)
    if interval is None:
        return widest
    return max(widest[0], interval[0]), min(widest[1], interval[1])


def _slices(data: EvaluationSet, scorer: Resampled, confidence: float) -> dict[str, dict[str, Slice]]:
    slices: dict[str, dict[str, Slice]] = {}
    for group, parts in data.slices.items():
        count = np.bincount(parts.code)
        correct, called = (
            np.mean([np.bincount(parts.code, weights=column) for column in columns], axis=0) / count
            for columns in ([each.correct for each in scorer.decisions], [each.called for each in scorer.decisions])
        )
        graphs = scorer.clustered[0].units_of(group)
        slices[group] = {}
        for place, name in enumerate(parts.names):
            share, n, units = float(correct[place]), int(count[place]), int(graphs[place])
            drawn = scorer.drawn[f"slice {group}"][place]
            interval = _interval(drawn, (0.0, 1.0), confidence=confidence, graphs=units)
            low, high = _share_interval(share, n, interval, confidence=confidence, graphs=units)
            slices[group][name] = Slice(n, share, low, high, float(called[place]))
    return slices


def _offsets(data: EvaluationSet, decisions: Sequence[Decisions]) -> Offsets | None:
    if data.offset is None or data.k is None:
        return None
    k = data.k
    place = data.offset.astype(np.int64) + k // 2
    inside = ((place >= 0) & (place < k)).all(axis=1)
    flat = place[inside, 0] * k + place[inside, 1]
    count = np.bincount(flat, minlength=k * k)
    flagged = np.mean([np.bincount(flat, weights=each.called[inside], minlength=k * k) for each in decisions], axis=0)
    with np.errstate(invalid="ignore"):
        return Offsets((flagged / count).reshape(k, k), count.reshape(k, k))


def _localisation(scorer: Resampled, intervals: dict[str, Interval]) -> Localisation | None:
    names = [name for name, metric in METRICS.items() if metric.localises and name in scorer.point]
    graphs = round(scorer.counted("graphs_centred")) if names else 0
    if not graphs:
        return None
    metrics = {name: _value(scorer.point[name]) for name in names}
    return Localisation(graphs, metrics, {name: intervals[name] for name in names if name in intervals})
