"""Evaluate scorers: their metrics, their distance from the best possible, and which of two is better.

No model code is needed: bring scores, or a callable. Nothing is guessed from the scale of the scores, nothing is
dropped, and every metric has an interval over graphs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.calibration import Scale, check_scale
from gnnmax.evaluation.clustered_metrics import ClusteredMetrics, Decisions
from gnnmax.evaluation.difference import Comparison, Difference
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.intervals import metrics_of, verdict_of
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.paired_tests import paired_differences
from gnnmax.evaluation.scored import leave_graphs_out
from gnnmax.evaluation.unit_sums import batches_of
from gnnmax.evaluation.verdict import Offsets, Slice, Verdict
from gnnmax.task.scorers import Scorer, checked_scores, on_values, refuse_windows
from gnnmax.task.windows import Windows

__all__ = [
    "Comparison",
    "Difference",
    "Offsets",
    "Scorer",
    "Slice",
    "Verdict",
    "compare_scores",
    "evaluate",
    "evaluate_set",
    "on_values",
    "point_metrics",
]

Groups = Mapping[str, npt.ArrayLike]

LEAST_RESAMPLES = 2
"""Resamples where no interval is asked for."""


def evaluate(
    scores: Any,
    windows: Windows | npt.ArrayLike,
    *,
    graph: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    threshold: float = 0.0,
    scale: Scale | None = None,
    groups: Groups | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Verdict:
    """Evaluate one scorer on labelled windows.

    A window is called centred iff its score is strictly above the threshold. A strictly increasing map of the scores
    does not change AUROC and average precision; it changes the accuracy only by moving scores across the threshold.

    Intervals are for other graphs of the same kind, because windows of one graph resemble each other; see
    :mod:`gnnmax.evaluation.jackknife`. Where nothing follows about other graphs, as from a single one, the interval is
    the whole range and the verdict carries a warning. Where a metric is at the end of its range, as for a scorer that
    never errs, the graphs are counted as if each were right or wrong as a whole, for nothing more is known. Above
    16,384 distinct scores the intervals (not the metrics) use 1,024 levels of equal size.

    Cost: a sort, and the metrics again without each graph, or without each of ``resamples`` batches of graphs.

    Args:
        scores: Finite real scores of shape ``(N,)``, numpy array or torch tensor on any device, or a scorer: a
            callable from windows to such scores; :mod:`gnnmax.evaluation.adapters` makes one from a module or an
            estimator.
        windows: Windows with their labels; or a label array of shape ``(N,)``, and then there are no slices but the
            caller's groups and no heat map.
        graph: Number or name of each window's graph, shape ``(N,)``; None takes those of the windows, and takes each
            label of an array for a graph of its own.
        sample_weight: Weight of each window, shape ``(N,)``, not negative; a window of weight 0 is left out. Metrics
            of whole graphs count every graph once. None weighs all windows the same.
        threshold: Of the decision.
        scale: ``logits`` or ``probabilities``, to compute Brier score and calibration; None computes neither.
        groups: More slices: names to arrays ``(N,)`` of names or integers, such as ``data.groups("test")``.
        resamples: How often the metrics are computed again at most, at least 1: each time without one graph, or
            without one batch of graphs where there are more.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws the batches of graphs; None takes a fresh ``default_rng(0)``, so equal input has equal intervals.

    Returns:
        The verdict. Where the windows know the amplitude of their spike, it has the gap to the Bayes rule, paired on
        these windows.

    Raises:
        InputError: scores that are lists, decisions, of the wrong shape or length, NaN or infinite, or not on their
            declared scale; no window, one class only; arguments swapped; an impossible option, group, graph or weight.

    References:
        As :mod:`gnnmax.evaluation.metrics` and :mod:`gnnmax.evaluation.jackknife`.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> verdict = evaluate(RULES["argmax"], w)
        >>> verdict.accuracy, verdict.auroc, sorted(verdict.slices["kind"])
        (1.0, 1.0, ['centred', 'runner_up', 'shifted'])
        >>> label = np.arange(60) % 2 == 0
        >>> evaluate(label - 0.5, label, graph=np.arange(60) // 10).n_graphs
        6
    """
    options = EvaluationOptions(threshold, resamples, confidence, rng)
    check_scale(scale, options.threshold)
    refuse_windows(scores)
    data = EvaluationSet.of(windows, groups, graph=graph, weight=sample_weight)
    return evaluate_set(data, checked_scores(scores, windows, len(data.label)), options, scale=scale)


def evaluate_set(
    data: EvaluationSet, scores: npt.NDArray[np.float64], options: EvaluationOptions, *, scale: Scale | None = None
) -> Verdict:
    """Evaluate checked scores on an evaluation set: the last step of :func:`evaluate` and of a stream of windows.

    Example:
        >>> data = EvaluationSet(np.array([True, False]))
        >>> evaluate_set(data, np.array([1.0, -1.0]), EvaluationOptions()).accuracy
        1.0
    """
    data, scores = data.weighing(), scores[data.counted]
    decisions = Decisions.of(data, scores, threshold=options.threshold, scale=scale)
    found = leave_graphs_out(data, {"": [decisions]}, options=options, scales={"": scale}, rng=options.stream())
    return verdict_of(data, found[""], options)


def point_metrics(scores: Any, windows: Windows, *, scale: Scale | None = None) -> dict[str, float | None]:
    """Return the metrics of one scorer alone: no interval, slice or ceiling, in a fraction of their time.

    Args:
        scores: As in :func:`evaluate`.
        windows: Windows with their labels.
        scale: As in :func:`evaluate`.

    Returns:
        The ``metrics`` of the verdict that :func:`evaluate` returns.

    Raises:
        InputError: as :func:`evaluate`.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> point_metrics(RULES["argmax"], w) == dict(evaluate(RULES["argmax"], w).metrics)
        True
    """
    options = EvaluationOptions(resamples=LEAST_RESAMPLES)
    check_scale(scale, options.threshold)
    data = EvaluationSet.of(windows, bare=True)
    decided = Decisions.of(
        data, checked_scores(scores, windows, len(data.label)), threshold=options.threshold, scale=scale
    )
    batch = batches_of(data.n_graphs, options.resamples, options.stream())
    return metrics_of(ClusteredMetrics.of(data, decided, batch).whole())


def compare_scores(
    scores: Mapping[str, Any],
    windows: Windows | npt.ArrayLike,
    *,
    graph: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    threshold: float = 0.0,
    scale: Scale | Mapping[str, Scale] | None = None,
    groups: Groups | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Comparison:
    """Evaluate several scorers on the same windows, and compare each pair.

    Differences are paired: windows that are hard for both scorers cancel. Windows of one graph resemble each other, so
    graphs are the units of interval and test. A scorer may have several seeds: then its metrics are means over them,
    and intervals and tests are valid for other seeds too, not only for other graphs. Interval and p-value of a
    difference agree, for each pair alone and, by Bonferroni, for all pairs at once. Where a difference is not
    significant, it states how many additional graphs would make it so.

    Args:
        scores: Names to scores or scorers, as in :func:`evaluate`; or to a list of them, one a seed, seeds in the same
            order for all. A scorer without a list has no seeds and is paired with every seed of the others.
        windows: As in :func:`evaluate`.
        graph: As in :func:`evaluate`.
        sample_weight: As in :func:`evaluate`.
        threshold: Of every decision.
        scale: As in :func:`evaluate`, of all scorers; or by name, for those that have one.
        groups: As in :func:`evaluate`.
        resamples: As in :func:`evaluate`.
        confidence: Of the intervals, between 0 and 1.
        rng: As in :func:`evaluate`.

    Returns:
        Verdicts by name and differences by pair.

    Raises:
        InputError: as :func:`evaluate`, with the scorer's name; no mapping, or an empty one; different numbers of
            seeds.

    References:
        As :func:`gnnmax.evaluation.paired_tests.paired_differences`.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> table = compare_scores({"rank": RULES["argmax"], "centre": RULES["centre_value"]}, w)
        >>> table.sentences()
        ['rank beats centre by 39.2 points [34.9, 43.5], p = 6.9e-56']
    """
    options = EvaluationOptions(threshold, resamples, confidence, rng)
    given = _by_seed(scores)
    scales = _scales(scale, list(given), options.threshold)
    data = EvaluationSet.of(windows, groups, graph=graph, weight=sample_weight)
    arrays = {
        name: {what: checked_scores(part, windows, len(data.label), what)[data.counted] for what, part in parts.items()}
        for name, parts in given.items()
    }
    data = data.weighing()
    decisions = {
        name: [
            Decisions.of(data, part, threshold=threshold, scale=scales[name], what=what) for what, part in parts.items()
        ]
        for name, parts in arrays.items()
    }
    found = leave_graphs_out(data, decisions, options=options, scales=scales, rng=options.stream())
    verdicts = {name: verdict_of(data, scorer, options) for name, scorer in found.items()}
    return Comparison(verdicts, paired_differences(data, found, confidence=float(confidence)))


def _by_seed(scores: Any) -> dict[str, dict[str, Any]]:
    """Return for each name its scores seed by seed, each under its name in a message."""
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(name, str) for name in scores):
        raise InputError(
            f"compare_scores takes a mapping of at least one name to scores, not {_described(scores)}: "
            'call compare_scores({"mine": scores}, windows)'
        )
    given: dict[str, dict[str, Any]] = {}
    for name, parts in scores.items():
        if _is_list_of_scores(parts):
            given[name] = {f"scores of {name!r}, seed {place}": part for place, part in enumerate(parts)}
        else:
            given[name] = {f"scores of {name!r}": parts}
        for what, part in given[name].items():
            refuse_windows(part, what)
    counts = {len(parts) for parts in given.values()} - {1}
    if len(counts) > 1:
        raise InputError(
            "seeds are paired, and these scorers have different numbers of them ("
            + ", ".join(f"{name} {len(parts)}" for name, parts in given.items())
            + "): give each the same number, or one array"
        )
    return given


def _is_list_of_scores(given: Any) -> bool:
    """Whether scores come seed by seed: a list of arrays, tensors or scorers, not of numbers."""
    return (
        isinstance(given, (list, tuple))
        and len(given) > 0
        and all(isinstance(part, (np.ndarray, Windows)) or hasattr(part, "detach") or callable(part) for part in given)
    )


def _scales(scale: Any, names: list[str], threshold: float) -> dict[str, Scale | None]:
    unknown = [name for name in scale if name not in names] if isinstance(scale, Mapping) else []
    if unknown:
        raise InputError(f"scale names {unknown[0]!r}, which is not compared: give it to one of {', '.join(names)}")
    scales = {name: scale.get(name) if isinstance(scale, Mapping) else scale for name in names}
    for given in scales.values():
        check_scale(given, threshold)
    return scales


def _described(scores: Any) -> str:
    if isinstance(scores, Mapping):
        return "an empty one" if not scores else f"one with the names {list(scores)!r:.80}"
    return type(scores).__name__
