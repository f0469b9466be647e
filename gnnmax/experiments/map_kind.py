"""Comparisons on maps: checks, calls, audits and results."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from gnnmax.auditing.map_audit import audit_maps
from gnnmax.data.maps.card import describe_maps
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.errors import InputError
from gnnmax.experiments.comparison_spec import (
    ComparisonSpec,
    Measured,
    SeedResult,
    save_trained,
    splits_to_evaluate,
    training_fields,
)
from gnnmax.experiments.divergence import divergence_text
from gnnmax.experiments.map_results import MapModelRecord, MapResults, MapTrainingRecord
from gnnmax.experiments.map_scoreboard import (
    calls_of,
    evaluate_map_split,
    log_shares,
    measured_calls,
    separation_of,
)
from gnnmax.experiments.result_records import RuleRecord
from gnnmax.experiments.run_config import environment
from gnnmax.io.atomic import write_file
from gnnmax.models.architecture import Architecture
from gnnmax.models.inference import resolve_device
from gnnmax.models.maps.trained import load_map_model, map_evidence, place_scores
from gnnmax.task.maps import Maps
from gnnmax.task.peaks import Peaks
from gnnmax.training.config import TrainingConfig, recorded_training
from gnnmax.training.learner import TrainingResult
from gnnmax.training.objectives import PlaceObjective, Stream, objective_of
from gnnmax.training.rehearsal import rehearse_own
from gnnmax.training.threads import one_thread

__all__ = ["MapKind", "net_calls", "write_calls"]

AUDITED_MAPS = 10
"""Maps of the test split that an audit transforms."""

REHEARSED_MAPS = 2
"""Maps of each test split that an own net scores before the run."""

Finished = tuple[MapTrainingRecord, dict[str, Peaks]]


class MapKind:
    """What a comparison on maps does with its data and its nets."""

    def side(self, data: MapSet) -> None:
        """Return None: nets on maps have no side."""
        del data

    def check(self, sets: Sequence[MapSet], nets: Mapping[str, Architecture], training: TrainingConfig) -> None:
        """Refuse data sets that nets cannot be trained or evaluated on.

        Raises:
            InputError: a missing split, a split without a peak, or maps that a net does not accept.
        """
        if training.stream and not isinstance(sets[0].recipe, MapRecipe):
            raise InputError("maps of your own have no endless stream: train with stream = false")
        for name in sorted(nets.keys() & MAP_RULES.keys()):
            raise InputError(f"the net {name!r} has the name of a rule of maps: rename it")
        for split in ("train", "val", "test"):
            given = sets[0].split(split)
            if split != "test" and not len(given.peaks) and not max(given.model.block):
                raise InputError(f"the {split} split of {sets[0].recipe.name} has no peak: nothing can be learned")
        for title, (data, split) in splits_to_evaluate(sets).items():
            maps: Maps = data.split(split)
            if max(maps.model.block):
                raise InputError(
                    f"the maps of {title} hide a block, and nets on maps look for peaks: choose another recipe, or "
                    "score blocks by evaluate_block"
                )
            if not len(maps.peaks):
                raise InputError(f"the maps of {title} have no peak: nothing can be found; choose another recipe")
            for name, net in nets.items():
                if getattr(net.entry, "needs_nodes", False) and maps.structure == "bipartite":
                    raise InputError(
                        f"net {name} reads the weights among nodes, and the maps of {title} are bipartite, with none "
                        "among rows: leave out one of the two"
                    )

    def rehearse(self, nets: Mapping[str, Architecture], sets: Sequence[MapSet], training: TrainingConfig) -> None:
        """Refuse an own net that cannot be trained or evaluated, or lacks a declared symmetry, before any work is done.

        Its scores of some test maps are audited with fresh weights: a symmetry holds for all weights.
        """
        device = resolve_device(training.device)
        train, val = (sets[0].split(split) for split in ("train", "val"))
        rehearse_own(nets, train, val, device)
        for net in nets.values():
            if net.is_own:
                with one_thread():
                    _rehearse_tests(net, sets, device)

    def finish(
        self,
        folder: Path,
        net: nn.Module,
        name: str,
        *,
        spec: ComparisonSpec,
        seed: int,
        sets: Sequence[MapSet],
        result: TrainingResult,
    ) -> Finished:
        """Save a trained net, read it back, audit it, and call the peaks of every test split."""
        data = sets[0]
        save_trained(folder, net, name, spec=spec, seed=seed, data=data, k=None, loss=result.loss)
        model = load_map_model(folder, device=spec.training.device, net=spec.models[name])
        found = audit_maps(model, data.split("test"), rng=np.random.default_rng(seed), most=AUDITED_MAPS)
        best = next(record for record in result.history if record["step"] == result.best_step)
        record = MapTrainingRecord(
            **training_fields(seed, net, result),
            validation_within_one=best["within_one"],
            audit=dict(found.findings),
        )
        calls = {}
        for title, (test, split) in splits_to_evaluate(sets).items():
            calls[title] = net_calls(model.score, test, split)
            write_calls(folder / f"calls-{file_title(title)}.csv", calls[title])
        return record, calls

    def measure(self, net: nn.Module, data: MapSet, split: str, *, device: str) -> Measured:
        """Return the metrics of a net on a split, without intervals."""
        score = functools.partial(_scored, net, device=resolve_device(device), name="that was trained")
        return measured_calls(net_calls(score, data, split), data, split)

    def results(
        self, spec: ComparisonSpec, outcomes: Sequence[SeedResult], *, sets: Sequence[MapSet], command: str
    ) -> MapResults:
        """Evaluate the calls of all seeds beside the explicit rules."""
        trained_on = sets[0]
        models = [_record_of(name, net, outcomes) for name, net in spec.models.items()]
        diverged = {model.name: divergence_text(model.diverged) for model in models if model.diverged}
        finished = [name for name in spec.models if name not in diverged]
        recipe = trained_on.recipe
        train: Maps | Stream = trained_on.split("train")
        if spec.training.stream and isinstance(recipe, MapRecipe):
            train = Stream(recipe)
        objective = objective_of(train, trained_on.split("val"))
        tests = []
        for title, (data, split) in splits_to_evaluate(sets).items():
            write_calls(spec.folder / f"truth-{file_title(title)}.csv", data.split(split).peaks, height="amplitude")
            tests.append(
                evaluate_map_split(
                    data,
                    {name: [outcome.scores[name][title] for outcome in outcomes] for name in finished},
                    split=split,
                    trained=data is trained_on and split == "test",
                    diverged=diverged,
                )
            )
        return MapResults(
            command=command,
            environment=environment(),
            recipe=trained_on.recipe.to_dict(),
            card=describe_maps(trained_on),
            training=recorded_training(spec.training),
            prior=objective.prior if isinstance(objective, PlaceObjective) else None,
            seeds=[outcome.seed for outcome in outcomes],
            models=models,
            rules=[RuleRecord(name, rule.summary) for name, rule in MAP_RULES.items()],
            tests=tests,
        )


def _scored(net: nn.Module, maps: Maps, *, device: torch.device, name: str) -> npt.NDArray[np.float32]:
    """Return the scores of all places by a net that is not saved."""
    values = torch.tensor(maps.values, device=device)
    return place_scores(map_evidence(net, values).cpu().numpy(), maps, name=name)


def _rehearse_tests(net: Architecture, sets: Sequence[MapSet], device: torch.device) -> None:
    """Score some maps of every test split with fresh weights, and audit the declared symmetries.

    Raises:
        InputError: the net fails, returns NaN, or does not follow an action that it declares.
    """
    name, declared = net.reference, net.entry.invariances
    score = functools.partial(_scored, net.build(None).to(device), device=device, name=name)
    for title, (data, split) in splits_to_evaluate(sets).items():
        maps = data.split(split)[:REHEARSED_MAPS]
        found = audit_maps(score, maps, rng=np.random.default_rng(0), actions=declared)
        if broken := found.broken(declared):
            raise InputError(
                f"the net {name} declares {broken[0]}, and its scores of {title} do not follow it: they change by up "
                f"to {found[broken[0]].maximum:.2g}; take it out of its attribute equivariant"
            )


def net_calls(score: Callable[[Maps], npt.NDArray[np.float32]], data: MapSet, split: str) -> Peaks:
    """Return the ranked calls of a net on a split; with one peak in every map their score is a log probability.

    The net is not given how far from the diagonal a peak must be: every place inside a map can be called.
    """
    given = data.split(split)
    maps = dataclasses.replace(given, model=dataclasses.replace(given.model, diagonal=0))
    scores: npt.NDArray[Any] = score(maps)
    if (maps.peak_count == 1).all():
        scores = log_shares(scores, maps)
    return calls_of(scores, maps, separation=separation_of(data.recipe.of(split).map))


def write_calls(path: Path, calls: Peaks, *, height: str = "score") -> None:
    """Write calls or peaks as a table that ``gnnmax evaluate-peaks`` reads: map, row, column, and a score."""
    lines = [f"map,row,column,{height}"]
    places = zip(calls.places.tolist(), calls.amplitude.tolist(), strict=True)
    lines += [f"{one},{row},{column},{value:.9g}" for (one, row, column), value in places]
    write_file(path, "\n".join(lines) + "\n")


def file_title(title: str) -> str:
    """Return the name of a test set as a part of the name of a file.

    Example:
        >>> file_title("peaks-128/small")
        'peaks-128.small'
    """
    return title.replace("/", ".")


def _record_of(name: str, net: Architecture, outcomes: Sequence[SeedResult]) -> MapModelRecord:
    return MapModelRecord(
        name=name,
        reference=net.reference,
        summary=net.entry.summary,
        source=net.entry.source,
        cannot=net.entry.cannot,
        equivariant=net.entry.invariances,
        sha256=net.sha256,
        runs=[outcome.training[name] for outcome in outcomes if name in outcome.training],
        diverged=[outcome.diverged[name] for outcome in outcomes if name in outcome.diverged],
    )
