"""Results of a run on maps as records: the types of everything in its ``results.json``."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gnnmax.auditing.map_audit import MapFinding
from gnnmax.data.descriptions import parse_description
from gnnmax.data.maps.card import MapCard
from gnnmax.evaluation.peaks.peak_comparison import PeakDifference
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.experiments.divergence import Divergence, divergence_text
from gnnmax.experiments.result_records import Count, RuleRecord, Share
from gnnmax.experiments.run_config import Environment, Seeds
from gnnmax.models.architecture import check_net_name
from gnnmax.models.maps.registry import MAP_MODELS
from gnnmax.models.references import is_reference
from gnnmax.task.map_model import Structure
from gnnmax.task.map_posterior import PlaceCeiling
from gnnmax.training.config import parse_training
from gnnmax.training.records import EvaluationRecord, check_history

__all__ = ["MapModelRecord", "MapPicture", "MapResults", "MapSplitResult", "MapTrainingRecord", "check_map_results"]

Place = tuple[Count, Count]
Matrix = list[list[float | None]]


class MapTrainingRecord(Struct, frozen=True, kw_only=True):
    """One training on maps; ``history`` has one entry an evaluation, ``audit`` is that on the test split."""

    seed: int
    parameters: Count
    steps: Count
    best_step: Count
    validation_loss: Annotated[float, Meta(ge=0)]
    validation_accuracy: Share
    validation_within_one: Share
    seconds: Annotated[float, Meta(ge=0)]
    history: list[EvaluationRecord]
    audit: dict[str, MapFinding]


class MapModelRecord(Struct, frozen=True, kw_only=True):
    """One net of a run on maps.

    Attributes:
        name: Of the net, in this run.
        reference: Its name in the registry of nets on maps, or the reference of a net of the caller's own.
        summary: One line about it.
        source: The paper it is from.
        cannot: What no weights overcome.
        equivariant: The actions that it is declared equivariant to.
        sha256: Digest of the file that defines an own net; empty if there is none.
        runs: One training a seed, without those that diverged.
        diverged: The trainings that diverged; a net with any has no metrics.
    """

    name: str
    reference: str
    summary: str
    source: str
    cannot: str
    equivariant: tuple[str, ...]
    runs: list[MapTrainingRecord]
    diverged: list[Divergence] = []
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""


class MapPicture(Struct, frozen=True, kw_only=True):
    """One map to show, along the host, with its peaks and the calls of some callers, as many as peaks.

    Attributes:
        map: Its number in the split.
        first: Row and column of the host at which the shown part begins.
        values: The entries of the shown part; None where nothing is observed.
        peaks: Rows and columns of the peaks along the host.
        calls: Those of the calls, by caller; of nets, from the first seed.
    """

    map: Count
    first: Place
    values: Matrix
    peaks: list[Place]
    calls: dict[str, list[Place]]


class MapSplitResult(Struct, frozen=True, kw_only=True):
    """The results on one test split of maps.

    Attributes:
        name: Of its recipe.
        summary: Of its recipe.
        trained: Whether the nets were trained on other maps of this very recipe.
        structure: Of the maps.
        order: Of their nodes: natural, shuffled or seriated.
        rows: Least and greatest number of rows.
        maps: Number of maps.
        peaks: Number of peaks.
        separation: Least distance along the host between two calls of a map.
        ceilings: How well the places can be known.
        verdicts: By caller, nets first (means over their seeds), then rules. Precision, recall, F1 and the slices are
            of as many calls as each map has peaks; the other metrics, of ranked calls.
        differences: Between a net and any other caller, in the headline metrics.
        nets: Names of the nets; the other verdicts are those of rules.
        knowing: Names of the rules that know what nets do not see.
        gallery: Some maps, spread over the split.
        diverged: Nets without metrics because the training of a seed diverged, with the seed and the step.
    """

    name: str
    summary: str
    trained: bool
    structure: Structure
    order: str
    rows: tuple[Count, Count]
    maps: Annotated[int, Meta(ge=1, le=2**53)]
    peaks: Annotated[int, Meta(ge=1, le=2**53)]
    separation: Count
    ceilings: list[PlaceCeiling]
    verdicts: dict[str, PeakVerdict]
    differences: list[PeakDifference]
    nets: list[str]
    knowing: list[str]
    gallery: list[MapPicture]
    diverged: dict[str, str] = {}


class MapResults(Struct, frozen=True, kw_only=True):
    """All results of a run on maps; ``prior`` is that of the loss, None for the cross-entropy over places."""

    format: Literal[6] = 6
    content: Literal["maps"] = "maps"
    command: str
    environment: Environment
    recipe: dict[str, Any]
    card: MapCard
    training: dict[str, Any]
    prior: Share | None
    seeds: Seeds
    models: list[MapModelRecord]
    rules: list[RuleRecord]
    tests: Annotated[list[MapSplitResult], Meta(min_length=1)]

    @property
    def finished(self) -> list[MapModelRecord]:
        """The nets whose training diverged in no seed: those with metrics."""
        return [model for model in self.models if not model.diverged]

    @property
    def diverged(self) -> dict[str, str]:
        """The other nets, with the seeds and the steps."""
        return {model.name: divergence_text(model.diverged) for model in self.models if model.diverged}


def check_map_results(results: MapResults) -> None:
    """Refuse results whose parts contradict each other.

    Raises:
        ValueError: the message names the part and the reason.
    """
    recipe = parse_description(results.recipe, "of the run")
    _require(recipe.digest == results.card.digest, "the recipe does not have the digest of the card")
    parse_training(results.training, "training")
    for what, names in (
        ("seeds", results.seeds),
        ("models", [model.name for model in results.models]),
        ("test sets", [test.name for test in results.tests]),
    ):
        _require(bool(names) and len(set(names)) == len(names), f"the {what} must be at least one, each once")
    for model in results.models:
        _check_model(model, results.seeds)
    for test in results.tests:
        _check_test(test, results)


def _require(holds: object, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


def _check_model(model: MapModelRecord, seeds: list[int]) -> None:
    check_net_name(model.name, model.reference)
    if not is_reference(model.reference):
        _require(model.reference in MAP_MODELS, f"there is no net on maps {model.reference!r:.40}")
        _require(not model.sha256, f"{model.name} has the digest of a file, and it is a net of the registry")
    lost = [each.seed for each in model.diverged]
    trained = [run.seed for run in model.runs]
    _require(sorted(trained + lost) == sorted(seeds), f"the runs of {model.name} have other seeds than the run")
    for run in model.runs:
        _require(bool(run.history), f"{model.name} has no evaluations")
        _require(check_history(run.history) == run.best_step, f"the best step of {model.name} is not of its history")


def _check_test(test: MapSplitResult, results: MapResults) -> None:
    callers = list(test.verdicts)
    _require(test.nets == [model.name for model in results.finished], f"{test.name} has other nets than the run")
    _require(callers[: len(test.nets)] == test.nets, f"the verdicts on {test.name} are not of its nets")
    known = {rule.name for rule in results.rules}
    _require(set(callers[len(test.nets) :]) <= known, f"the rules on {test.name} are not those of the run")
    _require(set(test.knowing) <= known, f"the rules on {test.name} are not those of the run")
    for name, verdict in test.verdicts.items():
        counts = (verdict.n_maps, verdict.n_peaks)
        _require(counts == (test.maps, test.peaks), f"the verdict of {name} is of other maps than {test.name}")
        _require(verdict.metrics.keys() == PEAK_METRICS.keys(), f"the verdict of {name} has other metrics")
        for metric, value in verdict.metrics.items():
            greatest = PEAK_METRICS[metric].greatest
            _require(value is None or 0 <= value <= greatest + 1e-9, f"{metric} of {name} is out of its range")
        if verdict.curve is not None:
            _require(all(a <= b for a, b in pairwise(verdict.curve.recall)), f"the curve of {name} turns back")
    for each in test.differences:
        _require({each.first, each.second} <= set(callers), f"a difference on {test.name} is of another caller")
    for picture in test.gallery:
        sides = {len(row) for row in picture.values}
        _require(len(sides) == 1 and picture.map < test.maps, f"a picture of {test.name} is no map of it")
        _require(set(picture.calls) <= set(callers), f"a picture of {test.name} has calls of another caller")
