"""One seed of a comparison: train its models on the same batches, save their weights, score every test split."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from torch import nn

from gnnmax.auditing.battery import audit
from gnnmax.auditing.findings import Audit
from gnnmax.data.dataset import DataSet
from gnnmax.data.imported import Imported
from gnnmax.data.recipe import Recipe
from gnnmax.errors import InputError
from gnnmax.experiments.divergence import Divergence, write_divergence
from gnnmax.experiments.results import TrainingRecord
from gnnmax.experiments.run_folder import Metrics, Tail, checkpoint_file, metrics_file
from gnnmax.experiments.sources import WorkerSource, load_once
from gnnmax.io.workers import starting_workers
from gnnmax.models.architecture import Architecture
from gnnmax.models.trained import TrainedModel, load_model, save_model
from gnnmax.task.windows import Windows
from gnnmax.training.checkpoint import Checkpoint
from gnnmax.training.config import TrainingConfig
from gnnmax.training.distributed import SINGLE_PROCESS, Processes
from gnnmax.training.learner import TrainingResult
from gnnmax.training.loop import train_models
from gnnmax.training.objectives import Stream
from gnnmax.training.records import EvaluationRecord
from gnnmax.training.threads import one_thread

__all__ = ["ComparisonSpec", "Progress", "SeedResult", "run_seeds", "splits_to_evaluate"]

Progress = Callable[[dict[str, Any]], None]

AUDITED_WINDOWS = 300
"""Windows of the test split that an audit transforms: some 6,000 are scored for each net."""


@dataclass(frozen=True)
class ComparisonSpec:
    """One comparison, in the form that worker processes receive.

    Attributes:
        sources: Where a worker finds each data set. The first is trained on; the others are tested on too.
        models: Nets by name.
        training: Budget and optimiser.
        folder: The run folder.
    """

    sources: tuple[WorkerSource, ...]
    models: Mapping[str, Architecture]
    training: TrainingConfig
    folder: Path


@dataclass(frozen=True)
class SeedResult:
    """The outcome of one seed: metrics of the training and scores on every test split, by model.

    A model whose training diverged has neither.
    """

    seed: int
    training: dict[str, TrainingRecord]
    scores: dict[str, dict[str, npt.NDArray[np.float32]]]
    diverged: dict[str, Divergence]


class _OrphanedError(RuntimeError):
    """The process that started this worker was killed."""


def run_seeds(
    spec: ComparisonSpec,
    seeds: Sequence[int],
    *,
    sets: Sequence[DataSet],
    workers: int,
    on_progress: Progress,
    processes: Processes,
) -> list[SeedResult]:
    """Train every seed, ``workers`` at a time, each in one thread; the results do not depend on ``workers``.

    Args:
        spec: The comparison.
        seeds: One training per model and seed.
        sets: The data sets of ``spec.sources``, loaded. Worker processes do not get them: each maps a stored data set
            and draws a recipe once.
        workers: Worker processes; with 1, all seeds run in this process.
        on_progress: Called with each record of training.
        processes: The processes that share each batch.
    """
    if workers == 1 or len(seeds) == 1:
        return [_run_seed(spec, seed, sets=sets, on_progress=on_progress, processes=processes) for seed in seeds]
    tails = [Tail(metrics_file(spec.folder, seed), seed) for seed in seeds]
    with starting_workers(min(workers, len(seeds)), timeout=300) as executor:
        futures = [executor.submit(_run_seed_in_worker, spec, seed) for seed in seeds]
    try:
        while True:
            pending = wait(futures, timeout=0.5, return_when="FIRST_EXCEPTION").not_done
            for tail in tails:
                for record in tail.read():
                    on_progress(record)
            if not pending or any(future.done() and future.exception() for future in futures):
                return [future.result() for future in futures]
    finally:
        if not all(future.done() for future in futures):
            executor.shutdown(kill_workers=True)


def _run_seed_in_worker(spec: ComparisonSpec, seed: int) -> SeedResult:
    """Run a seed while the parent process lives: a resumed run must not meet the workers of a killed one."""
    parent = os.getppid()

    def check_parent(_record: dict[str, Any]) -> None:
        if os.getppid() != parent:
            raise _OrphanedError(f"the run in {spec.folder} was killed")

    sets = load_once(spec.sources)
    return _run_seed(spec, seed, sets=sets, on_progress=check_parent, processes=SINGLE_PROCESS)


def _run_seed(
    spec: ComparisonSpec, seed: int, *, sets: Sequence[DataSet], on_progress: Progress, processes: Processes
) -> SeedResult:
    """Train all models of a comparison from one seed, save their weights, and score every test split."""
    data = sets[0]
    with one_thread():
        nets = {name: architecture.build(data.recipe.k, seed) for name, architecture in spec.models.items()}
        results = _train(spec, seed, nets, data=data, on_progress=on_progress, processes=processes)
        if not processes.is_main:
            return SeedResult(seed, {}, {}, {})
        training, scores, diverged = {}, {}, {}
        for name, net in nets.items():
            folder = _emptied(spec.folder / name / f"seed-{seed}")
            if results[name].diverged:
                diverged[name] = _record_divergence(folder, seed, results[name])
                continue
            model = _save_and_load(folder, net, name, spec=spec, seed=seed, recipe=data.recipe, result=results[name])
            audited = _audit(model, data.split("test"), seed)
            training[name] = _training_record(seed, net, result=results[name], audited=audited)
            scores[name] = {
                title: model.score(test.split(split)) for title, (test, split) in splits_to_evaluate(sets).items()
            }
        return SeedResult(seed, training, scores, diverged)


def _emptied(folder: Path) -> Path:
    """Remove what a run left in a folder that was killed after the training of this seed."""
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _record_divergence(folder: Path, seed: int, result: TrainingResult) -> Divergence:
    """Write a record in the place of a model."""
    divergence = Divergence(seed=seed, step=result.steps, reason=result.diverged)
    write_divergence(folder, divergence)
    return divergence


def _training_record(seed: int, net: nn.Module, *, result: TrainingResult, audited: Audit) -> TrainingRecord:
    return TrainingRecord(
        seed=seed,
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        steps=result.steps,
        best_step=result.best_step,
        validation_loss=result.loss,
        validation_accuracy=result.accuracy,
        seconds=result.seconds,
        history=msgspec.convert(list(result.history), list[EvaluationRecord]),
        audit=audited,
    )


def _audit(model: TrainedModel, windows: Windows, seed: int) -> Audit:
    """Audit a trained net; the windows and their transformations are the same for every net of a seed."""
    rng = np.random.default_rng(seed)
    return audit(model, windows, rng=rng, most=AUDITED_WINDOWS, shrink=False)


def _train(
    spec: ComparisonSpec,
    seed: int,
    nets: dict[str, nn.Module],
    *,
    data: DataSet,
    on_progress: Progress,
    processes: Processes,
) -> dict[str, TrainingResult]:
    """Train nets in place; a killed training resumes from its checkpoint."""
    recipe, streams = data.recipe, spec.training.stream  # the call refused a stream of imported windows
    train = Stream(recipe) if streams and isinstance(recipe, Recipe) else data.split("train")
    checkpoint = Checkpoint(checkpoint_file(spec.folder, seed))
    rng = np.random.default_rng(seed)
    call: tuple[Any, ...] = (nets, train, data.split("val"), spec.training, rng)
    if not processes.is_main:
        return train_models(*call, checkpoint=checkpoint, processes=processes)
    with Metrics(metrics_file(spec.folder, seed)) as metrics:

        def write_record(record: dict[str, Any]) -> None:
            metrics.write(record)
            on_progress({"seed": seed, **record})

        return train_models(*call, on_record=write_record, checkpoint=checkpoint, processes=processes)


def _save_and_load(
    folder: Path,
    net: nn.Module,
    name: str,
    *,
    spec: ComparisonSpec,
    seed: int,
    recipe: Recipe | Imported,
    result: TrainingResult,
) -> TrainedModel:
    """Write a model into the run folder and return it as read back from there."""
    save_model(
        folder,
        net,
        name=name,
        architecture=spec.models[name],
        k=recipe.k,
        seed=seed,
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        validation_loss=result.loss,
    )
    return load_model(folder, device=spec.training.device, net=spec.models[name])


def splits_to_evaluate(sets: Sequence[DataSet]) -> dict[str, tuple[DataSet, str]]:
    """Name every split to evaluate on: all but train and val; ``test`` has the name of its recipe.

    Raises:
        InputError: two data sets have the same name.

    Example:
        >>> from gnnmax.data.store import load_data
        >>> list(splits_to_evaluate([load_data("real-karate")]))
        ['real-karate']
    """
    tests = {}
    for data in sets:
        for split in data.splits:
            if split not in ("train", "val"):
                title = data.recipe.name if split == "test" else f"{data.recipe.name}/{split}"
                if title in tests:
                    raise InputError("two of the data sets have the same name: give each a different name")
                tests[title] = data, split
    return tests
