"""Judge scorers: how often they are right, how far from the best possible, and which of two is better.

Model code is not needed here: bring scores, or a callable. Nothing is guessed from the scale of the scores, nothing is
dropped, and every figure has an interval by bootstrap over graphs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.calibration import Scale, check_scale
from gnnmax.evaluation.clustered_metrics import Case
from gnnmax.evaluation.difference import Comparison, Difference
from gnnmax.evaluation.evaluation_set import Task
from gnnmax.evaluation.intervals import resample, verdict_of
from gnnmax.evaluation.options import Options
from gnnmax.evaluation.paired_tests import paired_differences
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
    "judge",
    "on_values",
]

Groups = Mapping[str, npt.ArrayLike]


def evaluate(
    scores: Any,
    windows: Windows | npt.ArrayLike,
    *,
    threshold: float = 0.0,
    scale: Scale | None = None,
    groups: Groups | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Verdict:
    """Judge one scorer on labelled windows.

    A window is called centred iff its score is strictly above the threshold. AUROC and average precision do not notice
    a strictly increasing map of the scores; the accuracy notices only what crosses the threshold.

    Intervals are expanded percentile intervals of a bootstrap whose unit is the graph, for windows of one graph are
    alike. What it cannot see, and what is said in its place: from a single graph nothing follows about others, so
    every interval is the whole range; where no decision (or every one) is wrong, the interval of a share is the exact
    binomial one for independent windows, the least doubt there can be. Other figures then have an interval of no
    length: no resample differed. Above 16,384 graphs the bootstrap draws batches of graphs; above 16,384 distinct
    scores its resamples (not the figures) use 1,024 levels of equal size.

    Cost: a sort, and ``resamples`` passes over the scores.

    Args:
        scores: Finite real scores of shape ``(N,)``, numpy array or torch tensor on any device, or a scorer: a
            callable from windows to such scores; :mod:`gnnmax.evaluation.adapters` makes one of a module or an
            estimator.
        windows: Windows, whose labels count; or a label array of shape ``(N,)``, and then each window is a graph of
            its own and there are neither slices of its own nor a heat map.
        threshold: Of the decision.
        scale: ``logits`` or ``probabilities`` where the scores are that, for Brier score and calibration.
        groups: More slices: names to arrays ``(N,)`` of names or integers, such as ``data.groups("test")``.
        resamples: How many bootstrap resamples, at least 1.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws the resamples; None takes a fresh ``default_rng(0)``, so equal input has equal intervals.

    Returns:
        The verdict. Where the windows know the amplitude of their spike, with the gap to the Bayes rule, paired on
        these windows.

    Raises:
        InputError: scores that are lists, decisions, of the wrong shape or length, NaN or infinite, or not on their
            declared scale; no window, one class only; arguments swapped; an impossible option or group.

    References:
        As :mod:`gnnmax.evaluation.metrics`, :mod:`gnnmax.evaluation.metrics` and :mod:`gnnmax.evaluation.bootstrap`.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> verdict = evaluate(RULES["argmax"], w)
        >>> verdict.accuracy, verdict.auroc, sorted(verdict.slices["kind"])
        (1.0, 1.0, ['centred', 'runner_up', 'shifted'])
        >>> evaluate(np.array([0.2, -1.0, 3.0]), np.array([True, False, True])).accuracy
        1.0
    """
    options = Options(threshold, resamples, confidence, rng)
    check_scale(scale, options.threshold)
    refuse_windows(scores)
    task = Task.of(windows, groups)
    return judge(task, checked_scores(scores, windows, len(task.label)), options, scale)


def judge(task: Task, scores: npt.NDArray[np.float64], options: Options, scale: Scale | None = None) -> Verdict:
    """Judge checked scores on a task: what :func:`evaluate` and a stream of windows end with.

    Example:
        >>> judge(Task(np.array([True, False])), np.array([1.0, -1.0]), Options()).accuracy
        1.0
    """
    case = Case.of(task, scores, options.threshold, scale, "scores")
    found = resample(task, {"": [case]}, options, {"": scale}, options.stream())
    return verdict_of(task, found[""], options)


def compare_scores(
    scores: Mapping[str, Any],
    windows: Windows | npt.ArrayLike,
    *,
    threshold: float = 0.0,
    scale: Scale | Mapping[str, Scale] | None = None,
    groups: Groups | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Comparison:
    """Judge several scorers on the same windows, and each pair of them against each other.

    All share their resamples, so differences are paired: what is hard for both cancels. Windows of one graph are alike,
    so graphs are the units of interval and test. A scorer may come with several seeds: then its figures are means over
    them, and what is said of a difference holds for other seeds too, not only for other graphs. P-values are corrected
    by Holm for the number of pairs; where two cannot be told apart, the difference says what would tell them.

    Args:
        scores: Names to scores or scorers, as in :func:`evaluate`; or to a list of such, one a seed, seeds in the same
            order for all. A scorer without a list has no seeds and stands beside each.
        windows: As in :func:`evaluate`.
        threshold: Of every decision.
        scale: As in :func:`evaluate`, of all scorers; or by name, for those that have one.
        groups: As in :func:`evaluate`.
        resamples: How many bootstrap resamples, at least 1.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws resamples and sign flips; None takes a fresh ``default_rng(0)``.

    Returns:
        Verdicts by name and differences by pair.

    Raises:
        InputError: as :func:`evaluate`, with the scorer's name; not a mapping, or an empty one; unequally many seeds.

    References:
        As :func:`gnnmax.evaluation.paired_tests.paired_differences`.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> table = compare_scores({"rank": RULES["argmax"], "centre": RULES["centre_value"]}, w)
        >>> table.sentences()
        ['rank beats centre by 39.2 points [34.7, 43.7]']
    """
    options = Options(threshold, resamples, confidence, rng)
    given = _by_seed(scores)
    scales = _scales(scale, list(given), options.threshold)
    task = Task.of(windows, groups)
    cases = {
        name: [
            Case.of(task, checked_scores(part, windows, len(task.label), what), threshold, scales[name], what)
            for what, part in parts.items()
        ]
        for name, parts in given.items()
    }
    stream = options.stream()
    found = resample(task, cases, options, scales, stream)
    verdicts = {name: verdict_of(task, scorer, options) for name, scorer in found.items()}
    return Comparison(verdicts, paired_differences(task, found, float(confidence), stream))


def _by_seed(scores: Any) -> dict[str, dict[str, Any]]:
    """Return for each name its scores seed by seed, each under what to call it in a message."""
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(name, str) for name in scores):
        raise InputError(
            f"compare_scores takes a mapping of at least one name to scores, not {_described(scores)}: "
            'say compare_scores({"mine": scores}, windows)'
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
            "seeds are paired, and these scorers have unequally many ("
            + ", ".join(f"{name} {len(parts)}" for name, parts in given.items())
            + "): give each as many, or one array"
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
