"""Judge scorers: how often they are right, how far from the best possible, and which of two is better.

Model code is not needed here: bring scores, or a callable. Nothing is guessed from the scale of the scores, nothing is
dropped, and every figure has an interval by bootstrap over graphs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.label import KINDS
from gnnmax.ranking import auroc, average_precision, coarsened, levels_of
from gnnmax.resampling import bootstrap, mcnemar, percentile_interval, sign_flip
from gnnmax.rules import RULES
from gnnmax.scoring import Scorer, checked_scores, labels_of, on_values, refuse_windows
from gnnmax.verdict import Comparison, Difference, Interval, Offsets, Slice, Verdict
from gnnmax.window import Windows

__all__ = [
    "Comparison",
    "Difference",
    "Offsets",
    "Scorer",
    "Slice",
    "Verdict",
    "compare_scores",
    "evaluate",
    "on_values",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MARGIN_EDGES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Edges of the slices by absolute margin, in standard deviations; a tie, 0, is a slice of its own."""

_EXACT_LEVELS = 16_384
_COARSE_LEVELS = 1_024
_RANGES = {"auroc": (0.0, 1.0), "average_precision": (0.0, 1.0), "bayes_gap": (-1.0, 1.0)}


def evaluate(
    scores: Any,
    windows: Windows | npt.ArrayLike,
    *,
    threshold: float = 0.0,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Verdict:
    """Judge one scorer on labelled windows.

    A window is called centred iff its score is strictly above the threshold. AUROC and average precision do not notice
    a strictly increasing map of the scores; the accuracy notices only what crosses the threshold.

    Intervals are percentile intervals of a bootstrap whose unit is the graph, for windows of one graph are alike. Two
    things it cannot see, and what is said in their place: from a single graph nothing follows about others, so every
    interval is the whole range; where no decision (or every one) is wrong, the interval of the accuracy is the exact
    binomial one for independent windows, which is the least doubt there can be. With few graphs intervals are
    somewhat too short. Above 16,384 distinct scores the resamples (not the figures) use 1,024 levels of equal size.

    Cost: a sort, and ``resamples`` passes over the scores.

    Args:
        scores: Finite real scores of shape ``(N,)``, numpy array or torch tensor on any device, or a scorer: a
            callable from windows to such scores.
        windows: Windows, whose labels count; or a label array of shape ``(N,)``, and then each window is a graph of
            its own and there are no slices and no heat map.
        threshold: Of the decision.
        resamples: How many bootstrap resamples, at least 1.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws the resamples; None takes a fresh ``default_rng(0)``, so equal input has equal intervals.

    Returns:
        The verdict. Where the windows know the amplitude of their spike, with the gap to the Bayes rule, paired on
        these windows.

    Raises:
        InputError: scores that are lists, decisions, of the wrong shape or length, NaN or infinite; no window, one
            class only; arguments swapped; an impossible threshold, number of resamples or confidence.

    References:
        As :mod:`gnnmax.ranking` and :mod:`gnnmax.resampling`.

    Example:
        >>> from gnnmax.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> verdict = evaluate(RULES["argmax"], w)
        >>> verdict.accuracy, verdict.auroc, sorted(verdict.slices["kind"])
        (1.0, 1.0, ['centred', 'runner_up', 'shifted'])
        >>> evaluate(np.array([0.2, -1.0, 3.0]), np.array([True, False, True])).accuracy
        1.0
    """
    rng = _checked_options(threshold, resamples, confidence, rng)
    refuse_windows(scores)
    task = _task(windows)
    case = _case(task, scores, threshold, "scores")
    chosen, copies = _alike(task, case) if task.unclustered else (None, np.ones(task.n_graphs, np.int64))
    sample = _Sample.of(task, case, chosen)
    found = bootstrap(sample.statistics, copies, resamples, rng, width=sample.width)
    return _verdict(task, case, found, threshold, confidence)


def compare_scores(
    scores: Mapping[str, Any],
    windows: Windows | npt.ArrayLike,
    *,
    threshold: float = 0.0,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Comparison:
    """Judge several scorers on the same windows, and each pair of them against each other.

    All share their resamples, so differences are paired: what is hard for both cancels. The p-value flips signs over
    graphs; it is not corrected for the number of pairs.

    Args:
        scores: Names to scores or scorers, as in :func:`evaluate`.
        windows: As in :func:`evaluate`.
        threshold: Of every decision.
        resamples: How many bootstrap resamples, at least 1.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws resamples and sign flips; None takes a fresh ``default_rng(0)``.

    Returns:
        Verdicts by name and differences by pair.

    Raises:
        InputError: as :func:`evaluate`, with the scorer's name; or not a mapping, or an empty one.

    Example:
        >>> from gnnmax.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)).astype("float32"))
        >>> table = compare_scores({"rank": RULES["argmax"], "centre": RULES["centre_value"]}, w)
        >>> table.sentences()
        ['rank beats centre by 39.2 points [34.8, 43.6]']
    """
    rng = _checked_options(threshold, resamples, confidence, rng)
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(name, str) for name in scores):
        raise InputError(
            f"compare_scores takes a mapping of at least one name to scores, not {_described(scores)}: "
            'say compare_scores({"mine": scores}, windows)'
        )
    for name, given in scores.items():
        refuse_windows(given, f"scores of {name!r}")
    task = _task(windows)
    cases = {name: _case(task, given, threshold, f"scores of {name!r}") for name, given in scores.items()}
    samples = {name: _Sample.of(task, case) for name, case in cases.items()}

    def statistics(weights: Floats) -> dict[str, Floats]:
        return {f"{name}\n{key}": x for name, s in samples.items() for key, x in s.statistics(weights).items()}

    width = max(sample.width for sample in samples.values())
    drawn = bootstrap(statistics, np.ones(task.n_graphs, np.int64), resamples, rng, width=width)
    found: dict[str, dict[str, Floats]] = {name: {} for name in cases}
    for key, figures in drawn.items():
        name, figure = key.rsplit("\n", 1)
        found[name][figure] = figures
    verdicts = {name: _verdict(task, case, found[name], threshold, confidence) for name, case in cases.items()}
    pairs = tuple(
        _difference(task, (first, second), cases, verdicts, found, rng)
        for first, second in itertools.combinations(cases, 2)
    )
    return Comparison(verdicts, pairs)


def _described(scores: Any) -> str:
    if isinstance(scores, Mapping):
        return "an empty one" if not scores else f"one with the names {list(scores)!r:.80}"
    return type(scores).__name__


def _checked_options(
    threshold: float, resamples: int, confidence: float, rng: np.random.Generator | None
) -> np.random.Generator:
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.number)) or not np.isfinite(threshold):
        raise InputError(f"threshold must be a finite number, not {threshold!r}: 0 is usual for logits")
    if isinstance(resamples, bool) or not isinstance(resamples, (int, np.integer)) or resamples < 1:
        raise InputError(f"resamples must be an integer and at least 1, not {resamples!r}: 1000 is usual")
    if not isinstance(confidence, (int, float, np.number)) or not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, not {confidence!r}: 0.95 is usual")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise InputError(f"rng must be a numpy Generator, not {type(rng).__name__}: say np.random.default_rng(seed)")
    return np.random.default_rng(0) if rng is None else rng


@dataclass(frozen=True, eq=False)
class _Task:
    """What all scorers are judged by: labels, graphs, slices, and the Bayes rule's decisions."""

    windows: Any
    label: Mask
    unit: npt.NDArray[np.intp]
    n_graphs: int
    groups: dict[str, dict[str, Mask]]
    bayes_right: Mask | None

    @property
    def unclustered(self) -> bool:
        """Whether each window is its own graph and there are many: then alike windows may be drawn together."""
        return self.n_graphs == len(self.label) > _EXACT_LEVELS


def _task(windows: Any) -> _Task:
    label = labels_of(windows)
    if not isinstance(windows, Windows):
        return _Task(windows, label, np.arange(len(label)), len(label), {}, None)
    graphs, unit = np.unique(windows.graph, return_inverse=True)
    known = windows.amplitude is not None and windows.label_rule == "planted"
    bayes_right = None if not known else (RULES["bayes"](windows) > 0) == label
    return _Task(windows, label, unit, len(graphs), _groups(windows), bayes_right)


def _groups(windows: Windows) -> dict[str, dict[str, Mask]]:
    """Say which windows are in which slice, empty slices left out."""
    kinds = {name: windows.kind_code == code for code, name in enumerate(KINDS)}
    size = np.abs(windows.margin.astype(np.float64))
    edges = (0.0, *MARGIN_EDGES, np.inf)
    bins = {"0": size == 0}
    for low, high in itertools.pairwise(edges):
        name = f"({low:g}, {high:g})" if low == 0 else f"[{low:g}, {high:g})"
        bins[name] = (size >= low) & (size > 0) & ((size < high) | (high == np.inf))
    bins["not observed"] = np.isnan(size)
    groups = {"kind": kinds, "margin": bins}
    return {group: {name: mask for name, mask in masks.items() if mask.any()} for group, masks in groups.items()}


@dataclass(frozen=True, eq=False)
class _Case:
    """One scorer's decisions on a task."""

    level: npt.NDArray[np.intp]
    called: Mask
    right: Mask


def _case(task: _Task, scores: Any, threshold: float, what: str) -> _Case:
    array = checked_scores(scores, task.windows, len(task.label), what)
    called = array > threshold
    return _Case(levels_of(array), called, called == task.label)


def _alike(task: _Task, case: _Case) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Choose one window of each lot that no figure tells apart, and count the lots.

    Where each window is a graph of its own, the counts of the lots in a resample are multinomial: the same
    distribution as drawing the windows one by one, in far fewer draws.
    """
    masks = [task.label, case.right, *(mask for parts in task.groups.values() for mask in parts.values())]
    if task.bayes_right is not None:
        masks.append(task.bayes_right)
    code = _coarse(case.level)
    for mask in masks:
        code = np.unique(2 * code + mask, return_inverse=True)[1]
    _, chosen, copies = np.unique(code, return_index=True, return_counts=True)
    return chosen, copies


def _coarse(level: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    return level if level.max() < _EXACT_LEVELS else coarsened(level, _COARSE_LEVELS)


@dataclass(frozen=True, eq=False)
class _Sample:
    """One scorer's figures as functions of how often each unit is drawn.

    Attributes:
        names: Of the sums.
        sums: For each name, the sum over the windows of each unit, shape ``(S, U)``.
        positive: Number of positives on each level in each unit, sparse, shape ``(L, U)``.
        negative: Number of negatives, likewise.
        shift: What coarse levels changed in AUROC and average precision.
    """

    names: list[str]
    sums: Any
    positive: Any
    negative: Any
    shift: tuple[float, float]

    @classmethod
    def of(cls, task: _Task, case: _Case, chosen: npt.NDArray[np.intp] | None = None) -> _Sample:
        """Sum by graph; or, for ``chosen`` windows, take each as a unit."""
        # Sparse products run in one thread: a threaded one of this shape waits far longer than it computes.
        from scipy.sparse import csr_array

        columns: dict[str, npt.NDArray[Any]] = {"n": np.ones(len(task.label)), "right": case.right}
        if task.bayes_right is not None:
            columns["bayes_gap"] = task.bayes_right.astype(np.float64) - case.right
        for group, parts in task.groups.items():
            for name, mask in parts.items():
                columns[f"n {group} {name}"], columns[f"right {group} {name}"] = mask, mask & case.right
        level = _coarse(case.level)
        exact, coarse = _ranked(case.level, task.label), _ranked(level, task.label)
        if chosen is None:
            chosen, unit = np.arange(len(level)), task.unit
        else:
            unit = np.arange(len(chosen))
        sums = csr_array(np.stack([np.bincount(unit, weights=column[chosen]) for column in columns.values()]))
        tables = _tables(level[chosen], unit, task.label[chosen], (int(level.max()) + 1, sums.shape[1]))
        return cls(list(columns), sums, *tables, shift=(exact[0] - coarse[0], exact[1] - coarse[1]))

    @property
    def width(self) -> int:
        return int(self.positive.shape[0])

    def statistics(self, weights: Floats) -> dict[str, Floats]:
        """Return the figures on ``b`` resamples, weights ``(U, b)`` to ``(b,)`` each."""
        sums = dict(zip(self.names, self.sums @ weights, strict=True))
        positive, negative = self.positive @ weights, self.negative @ weights
        figures = {
            "auroc": auroc(positive, negative) + self.shift[0],
            "average_precision": average_precision(positive, negative) + self.shift[1],
            "accuracy": sums["right"] / sums["n"],
        }
        if "bayes_gap" in sums:
            figures["bayes_gap"] = sums["bayes_gap"] / sums["n"]
        with np.errstate(invalid="ignore"):  # a slice may be absent from a resample: 0 / 0
            for name in self.names:
                if name.startswith("n "):
                    figures[name[2:]] = sums["right" + name[1:]] / sums[name]
        return figures


def _tables(
    level: npt.NDArray[np.intp], unit: npt.NDArray[np.intp], label: Mask, shape: tuple[int, int]
) -> tuple[Any, Any]:
    """Count the positives and the negatives on each level in each unit, sparse, shape ``(L, U)``."""
    from scipy.sparse import csr_array

    positive, negative = (
        csr_array((np.ones(int(mask.sum())), (level[mask], unit[mask])), shape=shape) for mask in (label, ~label)
    )
    return positive, negative


def _ranked(level: npt.NDArray[np.intp], label: Mask) -> tuple[float, float]:
    levels = int(level.max()) + 1
    positive, negative = (np.bincount(level[mask], minlength=levels) for mask in (label, ~label))
    return float(auroc(positive, negative)), float(average_precision(positive, negative))


def _verdict(task: _Task, case: _Case, found: dict[str, Floats], threshold: float, confidence: float) -> Verdict:
    area, precision = _ranked(case.level, task.label)
    accuracy = float(case.right.mean())
    bayes = None if task.bayes_right is None else float(task.bayes_right.mean())
    alone = task.n_graphs < 2
    intervals = {"accuracy": _share_interval(case.right, found["accuracy"], confidence, alone)}
    for name, widest in _RANGES.items():
        if name in found:
            intervals[name] = _interval(found[name], widest, confidence, alone)
    slices = {
        group: {name: _slice(task, case, mask, found[f"{group} {name}"], confidence) for name, mask in parts.items()}
        for group, parts in task.groups.items()
    }
    return Verdict(
        n=len(task.label),
        n_graphs=task.n_graphs,
        positives=int(task.label.sum()),
        threshold=float(threshold),
        confidence=float(confidence),
        accuracy=accuracy,
        auroc=area,
        average_precision=precision,
        bayes_accuracy=bayes,
        bayes_gap=None if bayes is None else bayes - accuracy,
        intervals=intervals,
        slices=slices,
        offsets=_offsets(task.windows, case.called) if isinstance(task.windows, Windows) else None,
    )


def _slice(task: _Task, case: _Case, mask: Mask, found: Floats, confidence: float) -> Slice:
    right = case.right[mask]
    alone = len(np.unique(task.unit[mask])) < 2
    low, high = _share_interval(right, found, confidence, alone)
    return Slice(len(right), float(right.mean()), low, high, float(case.called[mask].mean()))


def _share_interval(right: Mask, found: Floats, confidence: float, alone: bool) -> Interval:
    """Interval of a share of right decisions; where all are alike, the exact binomial one."""
    doubt = float(((1 - confidence) / 2) ** (1 / len(right)))
    if not alone and right.all():
        return doubt, 1.0
    if not alone and not right.any():
        return 0.0, 1 - doubt
    return _interval(found, (0.0, 1.0), confidence, alone)


def _interval(found: Floats, widest: Interval, confidence: float, alone: bool) -> Interval:
    """Percentile interval; the whole range where there is a single graph or the figure exists on no resample."""
    interval = None if alone else percentile_interval(found, confidence)
    if interval is None:
        return widest
    return max(widest[0], interval[0]), min(widest[1], interval[1])


def _offsets(windows: Windows, called: Mask) -> Offsets:
    k = windows.k
    place = windows.offset.astype(np.int64) + k // 2
    inside = ((place >= 0) & (place < k)).all(axis=1)
    flat = place[inside, 0] * k + place[inside, 1]
    count = np.bincount(flat, minlength=k * k)
    flagged = np.bincount(flat, weights=called[inside], minlength=k * k)
    with np.errstate(invalid="ignore"):
        return Offsets((flagged / count).reshape(k, k), count.reshape(k, k))


def _difference(
    task: _Task,
    names: tuple[str, str],
    cases: dict[str, _Case],
    verdicts: dict[str, Verdict],
    found: dict[str, dict[str, Floats]],
    rng: np.random.Generator,
) -> Difference:
    first, second = names
    ahead = cases[first].right.astype(np.int64) - cases[second].right
    by_graph = np.rint(np.bincount(task.unit, weights=ahead)).astype(np.int64)
    first_only, second_only = int((ahead > 0).sum()), int((ahead < 0).sum())
    confidence, alone = verdicts[first].confidence, task.n_graphs < 2
    low, high, area_low, area_high = itertools.chain.from_iterable(
        _interval(found[first][key] - found[second][key], (-1.0, 1.0), confidence, alone)
        for key in ("accuracy", "auroc")
    )
    return Difference(
        first=first,
        second=second,
        accuracy=float(ahead.mean()),
        low=low,
        high=high,
        p_value=sign_flip(by_graph, rng),
        mcnemar_p_value=mcnemar(first_only, second_only),
        first_only=first_only,
        second_only=second_only,
        auroc=verdicts[first].auroc - verdicts[second].auroc,
        auroc_low=area_low,
        auroc_high=area_high,
        confidence=confidence,
    )
