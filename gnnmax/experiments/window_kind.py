"""Comparisons on windows: checks, scores, audits and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from gnnmax.auditing.battery import audit
from gnnmax.auditing.findings import Audit
from gnnmax.data.card import describe
from gnnmax.data.dataset import DataSet
from gnnmax.data.stream import stream_windows
from gnnmax.errors import InputError
from gnnmax.evaluation.calibration import Scale, like_probabilities
from gnnmax.evaluation.evaluator import point_metrics
from gnnmax.experiments.comparison_spec import (
    ComparisonSpec,
    Measured,
    SeedResult,
    save_trained,
    splits_to_evaluate,
    training_fields,
)
from gnnmax.experiments.divergence import divergence_text
from gnnmax.experiments.results import ModelRecord, Results, RuleRecord, TrainingRecord
from gnnmax.experiments.run_config import environment
from gnnmax.experiments.scoreboard import evaluate_split
from gnnmax.models.architecture import Architecture
from gnnmax.models.inference import resolve_device, scored
from gnnmax.models.model_folders import load_model
from gnnmax.models.tensors import inputs_of
from gnnmax.models.trained import TrainedModel
from gnnmax.task.rules import RULES
from gnnmax.task.windows import Windows
from gnnmax.training.config import TrainingConfig, recorded_training
from gnnmax.training.learner import TrainingResult
from gnnmax.training.rehearsal import rehearse_own

__all__ = ["AUDITED_WINDOWS", "WindowKind"]

AUDITED_WINDOWS = 300
"""Windows of the test split that an audit transforms: some 6,000 are scored for each net."""

Finished = tuple[TrainingRecord, dict[str, npt.NDArray[np.float32]]]


class WindowKind:
    """What a comparison on windows does with its data and its nets."""

    def side(self, data: DataSet) -> int:
        """Return the side of the windows."""
        return data.recipe.k

    def check(self, sets: Sequence[DataSet], nets: Mapping[str, Architecture], training: TrainingConfig) -> None:
        """Refuse data sets that nets cannot be trained or evaluated on.

        Raises:
            InputError: a missing split, a split of one class only, or windows that a net does not accept.
        """
        trained_on = sets[0]
        if training.stream:
            stream_windows(trained_on.recipe, "train")  # refuses if there is none
        for split in ("train", "val", "test"):
            trained_on.split(split)
        for title, (data, split) in splits_to_evaluate(sets).items():
            w = data.split(split)
            if w.label.all() or not w.label.any():
                raise InputError(
                    f"the {split} split of {title} holds one class only: both are needed to evaluate a scorer"
                )
            for model, net in nets.items():
                _check_fits(model, net, w, title=title, k=trained_on.recipe.k)

    def rehearse(self, nets: Mapping[str, Architecture], sets: Sequence[DataSet], training: TrainingConfig) -> None:
        """Refuse an own net that cannot be trained, before any work is done."""
        train, val = (sets[0].split(split) for split in ("train", "val"))
        rehearse_own(nets, train, val, resolve_device(training.device))

    def finish(
        self,
        folder: Path,
        net: nn.Module,
        name: str,
        *,
        spec: ComparisonSpec,
        seed: int,
        sets: Sequence[DataSet],
        result: TrainingResult,
    ) -> Finished:
        """Save a trained net, read it back, audit it, and score every test split."""
        data = sets[0]
        save_trained(folder, net, name, spec=spec, seed=seed, data=data, k=data.recipe.k, loss=result.loss)
        model = load_model(folder, device=spec.training.device, net=spec.models[name])
        record = TrainingRecord(**training_fields(seed, net, result), audit=_audit(model, data.split("test"), seed))
        tests = splits_to_evaluate(sets)
        return record, {title: model.score(test.split(split)) for title, (test, split) in tests.items()}

    def measure(self, net: nn.Module, data: DataSet, split: str, *, device: str) -> Measured:
        """Return the metrics of a net on a split, without intervals."""
        w = data.split(split)
        scores = scored(net, inputs_of(w, slice(None), resolve_device(device))).cpu().numpy()
        scale: Scale | None = None if like_probabilities(scores) else "logits"
        return Measured(point_metrics(scores, w, scale=scale), data.ceiling_of(split))

    def results(
        self, spec: ComparisonSpec, outcomes: Sequence[SeedResult], *, sets: Sequence[DataSet], command: str
    ) -> Results:
        """Evaluate the scores of all seeds beside the explicit rules."""
        trained_on = sets[0]
        models = [_record_of(name, net, outcomes, k=trained_on.recipe.k) for name, net in spec.models.items()]
        diverged = {model.name: divergence_text(model.diverged) for model in models if model.diverged}
        finished = [name for name in spec.models if name not in diverged]
        return Results(
            command=command,
            environment=environment(),
            recipe=trained_on.recipe.to_dict(),
            card=describe(trained_on),
            training=recorded_training(spec.training),
            seeds=[outcome.seed for outcome in outcomes],
            models=models,
            rules=[RuleRecord(name, rule.summary) for name, rule in RULES.items()],
            tests=[
                evaluate_split(
                    data,
                    {name: [outcome.scores[name][title] for outcome in outcomes] for name in finished},
                    split=split,
                    trained=data is trained_on and split == "test",
                    diverged=diverged,
                )
                for title, (data, split) in splits_to_evaluate(sets).items()
            ],
        )


def _check_fits(model: str, net: Architecture, w: Windows, *, title: str, k: int) -> None:
    if w.k != k and not net.entry.any_k:
        raise InputError(
            f"model {model} is built for windows of side {k}, and {title} has {w.k}: leave out one of the two"
        )
    if net.entry.needs_contexts and w.row_context is None:
        raise InputError(
            f"model {model} needs the contexts of windows, and those of {title} have none: choose a recipe "
            "with contexts = true, or leave out one of the two"
        )


def _audit(model: TrainedModel, windows: Windows, seed: int) -> Audit:
    """Audit a trained net; the windows and their transformations are the same for every net of a seed."""
    rng = np.random.default_rng(seed)
    return audit(model, windows, rng=rng, most=AUDITED_WINDOWS, shrink=False)


def _record_of(name: str, net: Architecture, outcomes: Sequence[SeedResult], *, k: int) -> ModelRecord:
    return ModelRecord(
        name,
        net.entry.summary,
        net.entry.source,
        net.ceiling(k),
        net.entry.invariances,
        [outcome.training[name] for outcome in outcomes if name in outcome.training],
        reference=net.reference,
        sha256=net.sha256,
        group=net.entry.group_name,
        diverged=[outcome.diverged[name] for outcome in outcomes if name in outcome.diverged],
    )
