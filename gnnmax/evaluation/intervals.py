"""From decisions to verdicts: point figures, and their intervals from joint resamples of graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.bootstrap import bootstrap, percentile_interval
from gnnmax.evaluation.calibration import Scale, reliability
from gnnmax.evaluation.clustered_metrics import Case, Replicates
from gnnmax.evaluation.evaluation_set import Task
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.metrics import RANGES, SHARES, natural_precision
from gnnmax.evaluation.options import Options
from gnnmax.evaluation.verdict import Interval, Offsets, Slice, Verdict

__all__ = ["Resampled", "resample", "verdict_of"]

Floats = npt.NDArray[np.float64]
LOCALISED = ("found", "exact", "distance")
BY_SEED = ("accuracy", "auroc", "average_precision")


class Resampled:
    """One scorer's cases, one a seed, and its figures on every resample.

    Attributes:
        cases: One a seed.
        replicates: Their sums.
        seeds: Figures of each seed on all windows.
        point: Mean of these over the seeds.
        drawn: Mean over the seeds of each figure on each resample, shape ``(resamples,)``, of a partition
            ``(parts, resamples)``.
        scale: Of the scores, where it was declared.
    """

    def __init__(self, task: Task, cases: Sequence[Case], batch: npt.NDArray[np.intp], scale: Scale | None) -> None:
        self.cases, self.scale = cases, scale
        self.replicates = [Replicates.of(task, case, batch) for case in cases]
        self.seeds = [replicates.whole() for replicates in self.replicates]
        self.point = _mean(self.seeds)
        self.drawn: dict[str, Floats] = {}

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """Return the mean figures over seeds, weights ``(U, b)`` to ``(..., b)``."""
        return _mean([replicates.figures(weights) for replicates in self.replicates])


def _mean(figures: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    if len(figures) == 1:
        return figures[0]
    return {name: np.mean([found[name] for found in figures], axis=0) for name in figures[0]}


def resample(
    task: Task,
    cases: Mapping[str, Sequence[Case]],
    options: Options,
    scales: Mapping[str, Scale | None],
    rng: np.random.Generator,
) -> dict[str, Resampled]:
    """Evaluate every figure of every scorer on the same resamples of the graphs.

    Args:
        task: What is judged by.
        cases: For each name the decisions of its seeds.
        options: How many resamples.
        scales: Declared scale of each name.
        rng: Draws the resamples.
    """
    batch = task.batch_of_graph(rng)
    scorers = {name: Resampled(task, parts, batch, scales[name]) for name, parts in cases.items()}

    def statistics(weights: Floats) -> dict[str, Floats]:
        return {f"{name}\n{key}": x for name, s in scorers.items() for key, x in s.figures(weights).items()}

    width = max(replicates.width for scorer in scorers.values() for replicates in scorer.replicates)
    for key, drawn in bootstrap(statistics, int(batch.max()) + 1, options.resamples, rng, width=width).items():
        name, figure = key.rsplit("\n", 1)
        scorers[name].drawn[figure] = drawn
    return scorers


def verdict_of(task: Task, scorer: Resampled, options: Options) -> Verdict:
    """Put the verdict of one scorer together."""
    point, k = scorer.point, task.k
    known = {name: None if np.isnan(value) else float(value) for name, value in point.items() if name in RANGES}
    intervals = _intervals(task, scorer, options.confidence)
    bayes = None if task.bayes_right is None else float(task.bayes_right.mean())
    first = scorer.cases[0]
    return Verdict(
        n=len(task.label),
        n_graphs=task.n_graphs,
        positives=int(task.label.sum()),
        threshold=float(options.threshold),
        confidence=float(options.confidence),
        **{
            name: known.get(name)
            for name in (*SHARES, "balanced_accuracy", "f1", "mcc", "auroc", "average_precision", "natural_precision")
        },  # type: ignore[arg-type]
        natural_prevalence=None if k is None else 1 / k**2,
        scale=scorer.scale,
        brier=known.get("brier"),
        calibration_error=known.get("calibration_error"),
        reliability=None if first.probability is None else reliability(first.probability, task.label),
        bayes_accuracy=bayes,
        ceiling=task.ceiling,
        bayes_gap=known.get("bayes_gap"),
        intervals={name: interval for name, interval in intervals.items() if name not in LOCALISED},
        slices=_slices(task, scorer, options.confidence),
        offsets=_offsets(task, scorer.cases),
        localisation=_localisation(scorer, known, intervals),
        by_seed={name: tuple(float(found[name]) for found in scorer.seeds) for name in BY_SEED},
    )


def _intervals(task: Task, scorer: Resampled, confidence: float) -> dict[str, Interval]:
    """Return the interval of every figure that exists on these windows."""
    point, positives = scorer.point, int(task.label.sum())
    n = len(task.label)
    of = {"accuracy": n, "recall": positives, "specificity": n - positives}
    of["precision"] = max(1, int(np.mean([case.called.sum() for case in scorer.cases])))
    of |= dict.fromkeys(("found", "exact"), task.n_graphs)
    intervals = {}
    for name, widest in RANGES.items():
        if name not in point or np.isnan(point[name]):
            continue
        within = (0.0, float(task.k or 0)) if name == "distance" else widest
        interval = _interval(scorer.drawn[name], within, confidence, task.n_graphs)
        intervals[name] = _share_interval(float(point[name]), of.get(name, 0), interval, confidence, task.n_graphs)
    if "natural_precision" in intervals and point["specificity"] == 1 and task.n_graphs > 1:
        ends = (intervals["recall"][0], intervals["specificity"][0], 1 / (task.k or 1) ** 2)
        intervals["natural_precision"] = float(natural_precision(*ends)), 1.0
    return intervals


def _share_interval(share: float, n: int, interval: Interval, confidence: float, graphs: int) -> Interval:
    """Interval of a share of n; where all are alike, the exact binomial one, the least doubt there can be."""
    if n == 0 or graphs < 2 or 0 < share < 1:
        return interval
    doubt = float(((1 - confidence) / 2) ** (1 / n))
    return (doubt, 1.0) if share == 1 else (0.0, 1 - doubt)


def _interval(drawn: Floats, widest: Interval, confidence: float, graphs: int) -> Interval:
    """Interval from resamples; the whole range where there is a single graph or the figure exists on no resample."""
    interval = None if graphs < 2 else percentile_interval(drawn, confidence, graphs)
    if interval is None:
        return widest
    return max(widest[0], interval[0]), min(widest[1], interval[1])


def _slices(task: Task, scorer: Resampled, confidence: float) -> dict[str, dict[str, Slice]]:
    slices: dict[str, dict[str, Slice]] = {}
    for group, parts in task.partitions.items():
        count = np.bincount(parts.code)
        right, called = (
            np.mean([np.bincount(parts.code, weights=column) for column in columns], axis=0) / count
            for columns in ([case.right for case in scorer.cases], [case.called for case in scorer.cases])
        )
        graphs = scorer.replicates[0].units_of(group)
        slices[group] = {}
        for place, name in enumerate(parts.names):
            share, n, units = float(right[place]), int(count[place]), int(graphs[place])
            interval = _interval(scorer.drawn[f"slice {group}"][place], (0.0, 1.0), confidence, units)
            low, high = _share_interval(share, n, interval, confidence, units)
            slices[group][name] = Slice(n, share, low, high, float(called[place]))
    return slices


def _offsets(task: Task, cases: Sequence[Case]) -> Offsets | None:
    if task.offset is None or task.k is None:
        return None
    k = task.k
    place = task.offset.astype(np.int64) + k // 2
    inside = ((place >= 0) & (place < k)).all(axis=1)
    flat = place[inside, 0] * k + place[inside, 1]
    count = np.bincount(flat, minlength=k * k)
    flagged = np.mean([np.bincount(flat, weights=case.called[inside], minlength=k * k) for case in cases], axis=0)
    with np.errstate(invalid="ignore"):
        return Offsets((flagged / count).reshape(k, k), count.reshape(k, k))


def _localisation(
    scorer: Resampled, known: dict[str, float | None], intervals: dict[str, Interval]
) -> Localisation | None:
    found, exact = known.get("found"), known.get("exact")
    if found is None or exact is None:
        return None
    own = {name: intervals[name] for name in LOCALISED if name in intervals}
    return Localisation(scorer.replicates[0].total("graph centred"), found, known.get("distance"), exact, own)
