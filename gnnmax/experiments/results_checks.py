"""Checks of results that were read back: ranges, and parts that must agree with each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from gnnmax.auditing.findings import Finding
from gnnmax.auditing.transformations import TRANSFORMATIONS
from gnnmax.data.descriptions import parse_description
from gnnmax.evaluation.calibration import BINS, Reliability
from gnnmax.evaluation.curves import Curves
from gnnmax.evaluation.difference import Difference
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.verdict import Verdict
from gnnmax.experiments.result_records import ModelRecord, Picture, Results, SplitResult, TrainingRecord
from gnnmax.models.architecture import check_net_name
from gnnmax.models.references import is_reference
from gnnmax.models.registry import MODELS
from gnnmax.task.label import KINDS
from gnnmax.training.config import parse_training
from gnnmax.training.records import check_history

__all__ = ["check_results"]

ROUNDING = 1e-9
"""A metric may leave its range by the rounding of its formula."""

SHOWN_RULES = {"argmax", "nms"}
"""Rules that the pages compare every net with."""


def check_results(results: Results) -> None:
    """Refuse results whose parts contradict each other, or with a number out of its range.

    Models, seeds, splits, windows, scores and transformations must agree wherever they occur.

    Raises:
        ValueError: the message names the part and the reason.
    """
    recipe = parse_description(results.recipe, "of the run")
    _require(recipe.digest == results.card.digest, "the recipe does not have the digest of the card")
    _require(recipe.name == results.card.name, "the recipe does not have the name of the card")
    parse_training(results.training, "training")
    _distinct("seeds", results.seeds)
    _distinct("models", [model.name for model in results.models])
    _distinct("rules", [rule.name for rule in results.rules])
    _distinct("test sets", [test.name for test in results.tests])
    _require(sum(test.trained for test in results.tests) == 1, "one test set must be of the recipe trained on")
    _require(set(results.card.splits) == set(recipe.splits), "the card has other splits than the recipe")
    for split in results.card.splits.values():
        _require(split["kinds"].keys() == set(KINDS), "the card has other kinds than there are")
    for model in results.models:
        _check_model(model, results.seeds)
    _agree("transformations", [list(run.audit) for model in results.models for run in model.runs])
    for test in results.tests:
        _check_test(test, results)


def _require(holds: object, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


def _distinct(what: str, names: Sequence[object]) -> None:
    _require(bool(names) and len(set(names)) == len(names), f"the {what} must be at least one, each once")


def _agree(what: str, parts: Iterable[object]) -> None:
    listed = list(parts)
    _require(all(part == listed[0] for part in listed), f"its {what} differ between its parts")


def _within(what: str, value: float | None, low: float = 0.0, high: float = 1.0) -> None:
    holds = value is None or low - ROUNDING <= value <= high + ROUNDING
    _require(holds, f"{what} must lie between {low:g} and {high:g}, not {value}")


def _check_interval(what: str, interval: tuple[float, float], low: float = 0.0, high: float = 1.0) -> None:
    holds = low - ROUNDING <= interval[0] <= interval[1] + ROUNDING and interval[1] <= high + ROUNDING
    _require(holds, f"the interval of {what} is {list(interval)}")


def _check_model(model: ModelRecord, seeds: Sequence[int]) -> None:
    _check_net(model)
    lost = [each.seed for each in model.diverged]
    trained = [run.seed for run in model.runs]
    _require(
        trained == [seed for seed in seeds if seed not in lost] and lost == [seed for seed in seeds if seed in lost],
        f"the runs of {model.name} have other seeds than the run",
    )
    _require(set(model.declared) <= TRANSFORMATIONS.keys(), f"{model.name} declares an unknown transformation")
    for run in model.runs:
        try:
            _check_run(run, model.name)
        except ValueError as error:
            raise ValueError(f"seed {run.seed} of {model.name}: {error}") from None


def _check_net(model: ModelRecord) -> None:
    """Check the reference of a net: results of older formats and nets of the registry may leave it empty."""
    reference = model.reference or model.name
    check_net_name(model.name, reference)
    if is_reference(reference):
        return
    _require(reference in MODELS, f"there is no net {reference!r:.40}")
    _require(model.ceiling is not None and not model.sha256, f"{model.name} lacks the ceiling of its symmetry")


def _check_run(run: TrainingRecord, name: str) -> None:
    _require(bool(run.history) and run.history[0]["model"] == name, "it has no evaluations of its own")
    best = check_history(run.history)
    kept = next(record for record in run.history if record["step"] == best)
    stated = (run.best_step, run.validation_loss, run.validation_accuracy)
    _require(stated == (best, kept["loss"], kept["accuracy"]), "its best step is not that of its history")
    _require(run.steps is None or run.steps >= run.history[-1]["step"], "it has evaluations after its last step")
    _require("relabelling" in run.audit, "its audit lacks the relabelling")
    for key, finding in run.audit.items():
        _require(key == finding.name, f"the finding {key} is about {finding.name}")
        _check_finding(finding)


def _check_finding(finding: Finding) -> None:
    name = finding.name
    _require(finding.label_stays == TRANSFORMATIONS[name].label_stays, f"{name}: it is not known whether labels stay")
    for what, value in (("maximum", finding.maximum), ("relative", finding.relative), ("floor", finding.floor)):
        _within(f"{name}: {what}", value, 0.0, math.inf)
    for value in (finding.unexpected_flips, finding.expected_flips):
        _within(f"{name}: a share of flips", value)
    noticed = finding.verdict != "invariant"
    _require((finding.worst is not None) == noticed, f"{name}: the worst window does not fit the verdict")
    _within(f"{name}: the worst window", finding.worst, 0, finding.windows - 1)
    _require(finding.windows >= 0, f"{name}: it has {finding.windows} windows")


def _check_test(test: SplitResult, results: Results) -> None:
    try:
        nets, scorers = [model.name for model in results.finished], list(test.verdicts)
        _require(test.diverged == results.diverged, "its diverged nets are not those of the run")
        _require(test.nets == nets, "its nets are not the models of the run")
        _require(test.k % 2 == 1, f"its side {test.k} is even")
        _require(scorers[: len(nets)] == nets, "its verdicts are not of these nets")
        rules = set(scorers[len(nets) :])
        _require(SHOWN_RULES <= rules <= {rule.name for rule in results.rules}, "its rules are not those of the run")
        _require(set(test.curves) == set(scorers), "its curves are not of these scorers")
        _require(list(test.mistakes) == nets, "its mistakes are not of these nets")
        pairs = [(pair.first, pair.second) for pair in test.pairs]
        _require(pairs == list(combinations(nets, 2)), "its differences are not of these nets")
        _agree("slices", [_sizes(verdict) for verdict in test.verdicts.values()])
        _agree("natural prevalences", [verdict.natural_prevalence for verdict in test.verdicts.values()])
        for name, verdict in test.verdicts.items():
            _check_verdict(name, verdict, test, seeds=len(results.seeds) if name in nets else 1)
        for curves in test.curves.values():
            _check_curves(curves)
        for pair in test.pairs:
            _within("the number of compared pairs", pair.pairs, len(test.pairs), math.comb(len(scorers), 2))
            _check_difference(pair, len(results.seeds))
        for name, pictures in (("", test.gallery), *test.mistakes.items()):
            for picture in pictures:
                _check_picture(picture, test, [name] if name else scorers)
    except ValueError as error:
        raise ValueError(f"test set {test.name}: {error}") from None


def _sizes(verdict: Verdict) -> dict[str, dict[str, int]]:
    return {group: {name: part.n for name, part in parts.items()} for group, parts in verdict.slices.items()}


def _check_verdict(name: str, verdict: Verdict, test: SplitResult, *, seeds: int) -> None:
    try:
        _require(
            (verdict.n, verdict.n_graphs) == (test.windows, test.hosts), "its windows are not those of the test set"
        )
        _require(round(test.centred * test.windows) == verdict.positives, "its positives are not those of the test set")
        if (prevalence := verdict.natural_prevalence) is not None:
            least = (1 - 1e-9) / test.k**2
            _require(least <= prevalence <= 1, "its natural prevalence is not that of windows of the side")
        _within("its confidence", verdict.confidence)
        for value in (verdict.bayes_accuracy, verdict.ceiling):
            _within("the accuracy of the best scorer", value)
        _check_metrics(verdict.metrics, verdict.intervals, localises=False)
        known = {metric for metric, value in verdict.metrics.items() if value is not None}
        _require(verdict.by_seed.keys() == known, "it has other metrics by seed than on the whole")
        for metric, values in verdict.by_seed.items():
            _require(len(values) == seeds, f"it has {len(values)} values of {metric} for {seeds} seeds")
            for value in values:
                _within(metric, value, *METRICS[metric].range)
        _check_slices(verdict)
        shape = None if verdict.offsets is None else (verdict.offsets.flagged.shape, verdict.offsets.count.shape)
        _require(shape == ((test.k, test.k), (test.k, test.k)), "it has no heat map of the side")
        _require((verdict.scale is None) == (verdict.reliability is None), "its reliability does not fit its scale")
        if verdict.reliability is not None:
            _check_reliability(verdict.reliability, verdict.n)
        if verdict.localisation is not None:
            _check_localisation(verdict.localisation, verdict.n_graphs)
    except ValueError as error:
        raise ValueError(f"verdict of {name}: {error}") from None


def _check_metrics(metrics: Mapping[str, float | None], intervals: Mapping[str, Any], *, localises: bool) -> None:
    for name, value in metrics.items():
        _require(name in METRICS and METRICS[name].localises == localises, f"there is no metric {name}")
        _within(name, value, *METRICS[name].range)
    known = {name for name, value in metrics.items() if value is not None}
    _require(intervals.keys() == known, "it has other intervals than metrics")
    for name, interval in intervals.items():
        _check_interval(name, interval, *METRICS[name].range)


def _check_slices(verdict: Verdict) -> None:
    _require(verdict.slices.get("kind", {}).keys() <= set(KINDS), "it has slices of unknown kinds")
    _require("kind" in verdict.slices, "it has no slices by kind")
    for group, parts in verdict.slices.items():
        _require(sum(part.n for part in parts.values()) == verdict.n, f"its slices by {group} are not all windows")
        for part in parts.values():
            _within("the accuracy of a slice", part.accuracy)
            _within("the flagged share of a slice", part.flagged)
            _check_interval(f"a slice by {group}", (part.low, part.high))


def _check_reliability(found: Reliability, windows: int) -> None:
    columns = (found.count, found.stated, found.observed)
    _require(all(len(column) == BINS for column in columns), f"its reliability has not {BINS} bins")
    _require(min(found.count) >= 0 and sum(found.count) == windows, "its reliability is not of all windows")
    for count, *shares in zip(*columns, strict=True):
        for share in shares:
            _require((share is None) == (count == 0), "its reliability has a share of an empty bin")
            _within("a share of its reliability", share)


def _check_localisation(found: Localisation, graphs: int) -> None:
    _require(1 <= found.graphs <= graphs, f"it localises in {found.graphs} of {graphs} graphs")
    _check_metrics(found.metrics, found.intervals, localises=True)


def _check_curves(curves: Curves) -> None:
    columns = (curves.false_positive_rate, curves.recall, curves.precision)
    _require(
        len({len(column) for column in columns}) == 1 and len(curves.recall) > 1, "its curves have no common points"
    )
    for value in (value for column in columns for value in column):
        _within("a point of a curve", value)
    for column in columns[:2]:
        _require(all(a <= b for a, b in pairwise(column)), "its curves turn back")


def _check_difference(pair: Difference, seeds: int) -> None:
    _require(pair.seeds == seeds, f"a difference is of {pair.seeds} seeds, not {seeds}")
    _within("a confidence", pair.confidence)
    for value in (pair.p_value, pair.mcnemar_p_value, pair.corrected_p_value):
        _within("a p-value", value)
    for value in (pair.accuracy, pair.auroc):
        _within("a difference", value, -1.0, 1.0)
    both = (pair.corrected_low, pair.corrected_high)
    for interval in ((pair.low, pair.high), (pair.auroc_low, pair.auroc_high), both):
        _check_interval("a difference", interval, -math.inf, math.inf)
    counts = (pair.first_only, pair.second_only, pair.additional_graphs, pair.minimum_detectable_effect)
    for count in counts:
        _within("a number of a difference", count, 0, math.inf)


def _check_picture(picture: Picture, test: SplitResult, scorers: Sequence[str]) -> None:
    sides = {len(picture.values), *map(len, picture.values)}
    _require(sides == {test.k}, f"a picture is not of side {test.k}")
    _require(picture.kind in KINDS, f"a picture is of the unknown kind {picture.kind!r:.40}")
    _require(max(map(abs, picture.offset)) <= test.k // 2, f"a picture has the offset {list(picture.offset)}")
    _within("the index of a picture", picture.window, 0, test.windows - 1)
    _require(set(picture.scores) == set(scorers), "a picture has scores of other scorers")
