"""One seed of a comparison: train its models from the same batches, keep their weights, score every test split."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from gnnmax.auditing.battery import audit
from gnnmax.data.dataset import DataSet
from gnnmax.data.store import load_data
from gnnmax.errors import InputError
from gnnmax.experiments.results import AuditRecord, TrainingRecord
from gnnmax.experiments.run_folder import Metrics, Tail, checkpoint_file, metrics_file
from gnnmax.models.registry import build_model
from gnnmax.models.trained import load_model, save_model
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows
from gnnmax.training.batches import Stream
from gnnmax.training.checkpoint import Checkpoint
from gnnmax.training.config import TrainingConfig
from gnnmax.training.distributed import ALONE, Ranks
from gnnmax.training.learner import TrainingResult
from gnnmax.training.loop import train_models

__all__ = ["Plan", "Progress", "Trial", "run_trials", "splits_to_judge"]

Progress = Callable[[dict[str, Any]], None]

AUDITED_WINDOWS = 300
"""Windows of the test split that an audit transforms: some 6,000 are scored for each net."""


@dataclass(frozen=True)
class Plan:
    """One comparison, in plain values that a worker process can be handed."""

    data: str | dict[str, Any]
    also: tuple[str | dict[str, Any], ...]
    models: dict[str, dict[str, Any]]
    training: dict[str, Any]
    out: str


@dataclass(frozen=True)
class Trial:
    """What one seed brings back: figures of the training and scores on every test split, by model."""

    seed: int
    training: dict[str, TrainingRecord]
    scores: dict[str, dict[str, npt.NDArray[np.float32]]]


class _OrphanedError(RuntimeError):
    """The run that this worker works for was killed."""


def run_trials(plan: Plan, seeds: Sequence[int], workers: int, on_progress: Progress, ranks: Ranks) -> list[Trial]:
    """Train every seed, so many at a time, each in one thread; the figures are the same for any number of workers."""
    if workers == 1 or len(seeds) == 1:
        return [_trial(plan, seed, on_progress, ranks) for seed in seeds]
    from concurrent.futures import wait

    from loky import get_reusable_executor

    executor = get_reusable_executor(max_workers=min(workers, len(seeds)))
    futures = [executor.submit(_trial_of_worker, plan, seed) for seed in seeds]
    tails = [Tail(metrics_file(Path(plan.out), seed), seed) for seed in seeds]
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


def _trial_of_worker(plan: Plan, seed: int) -> Trial:
    """Run a trial for as long as the process lives that asked for it: whoever resumes a killed run finds it alone."""
    parent = os.getppid()

    def watch(_record: dict[str, Any]) -> None:
        if os.getppid() != parent:
            raise _OrphanedError(f"the run in {plan.out} was killed")

    return _trial(plan, seed, watch, ALONE)


def _trial(plan: Plan, seed: int, on_progress: Progress, ranks: Ranks) -> Trial:
    """Train all models of a plan from one seed, keep their weights, and score every test split."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _finished_trial(plan, seed, on_progress, ranks)
    finally:
        torch.set_num_threads(threads)


def _finished_trial(plan: Plan, seed: int, on_progress: Progress, ranks: Ranks) -> Trial:
    data = load_data(plan.data)
    nets = {name: build_model(name, data.recipe.k, config, seed=seed) for name, config in plan.models.items()}
    results = _trained(plan, seed, data, nets, on_progress, ranks)
    if not ranks.first:
        return Trial(seed, {}, {})
    tests = splits_to_judge([data, *map(load_data, plan.also)])
    figures, scores = {}, {}
    for name, net in nets.items():
        scorer = _kept(plan, seed, data, name, net, results[name])
        figures[name] = TrainingRecord(
            seed=seed,
            parameters=sum(parameter.numel() for parameter in net.parameters()),
            steps=results[name].steps,
            best_step=results[name].best_step,
            validation_loss=results[name].loss,
            validation_accuracy=results[name].accuracy,
            seconds=results[name].seconds,
            history=[dict(record) for record in results[name].history],
            audit=_audited(scorer, data.split("test"), seed),
        )
        scores[name] = {title: scorer(test.split(split)) for title, (test, split) in tests.items()}
    return Trial(seed, figures, scores)


def _audited(scorer: Scorer, windows: Windows, seed: int) -> AuditRecord:
    """Audit a trained net; the windows and what is done to them are the same for every net of a seed."""
    rng = np.random.default_rng(seed)
    report = audit(scorer, windows, rng=rng, most=AUDITED_WINDOWS, shrink=False)
    return msgspec.convert(report.to_dict(), AuditRecord)


def _trained(
    plan: Plan, seed: int, data: DataSet, nets: dict[str, nn.Module], on_progress: Progress, ranks: Ranks
) -> dict[str, TrainingResult]:
    """Train nets in place, from where a run that was killed left them."""
    training = msgspec.convert(plan.training, TrainingConfig)
    train = Stream(data.recipe) if training.stream else data.split("train")
    checkpoint = Checkpoint(checkpoint_file(Path(plan.out), seed))
    rng = np.random.default_rng(seed)
    if not ranks.first:
        return train_models(nets, train, data.split("val"), training, rng, checkpoint=checkpoint, ranks=ranks)
    with Metrics(metrics_file(Path(plan.out), seed)) as metrics:

        def keep(record: dict[str, Any]) -> None:
            metrics.write(record)
            on_progress({"seed": seed, **record})

        return train_models(
            nets, train, data.split("val"), training, rng, on_record=keep, checkpoint=checkpoint, ranks=ranks
        )


def _kept(
    plan: Plan, seed: int, data: DataSet, name: str, net: nn.Module, result: TrainingResult
) -> Callable[..., npt.NDArray[np.float32]]:
    """Write a model into the run folder and return it as it is read back: a scorer."""
    folder = Path(plan.out, name, f"seed-{seed}")
    if folder.exists():  # left by a run that was killed after this seed's training
        shutil.rmtree(folder)
    save_model(
        folder,
        net,
        name=name,
        config=plan.models[name],
        k=data.recipe.k,
        seed=seed,
        recipe=data.recipe.name,
        recipe_digest=data.recipe.digest,
        validation_loss=result.loss,
    )
    return load_model(folder, device=plan.training["device"]).score


def splits_to_judge(sets: Sequence[DataSet]) -> dict[str, tuple[DataSet, str]]:
    """Name every split to be judged: all but train and val, ``test`` by its recipe's name alone.

    Raises:
        InputError: two data sets have the same name.

    Example:
        >>> list(splits_to_judge([load_data("real-karate")]))
        ['real-karate']
    """
    tests = {}
    for data in sets:
        for split in data.splits:
            if split not in ("train", "val"):
                title = data.recipe.name if split == "test" else f"{data.recipe.name}/{split}"
                if title in tests:
                    raise InputError("two of the data sets have the same name: give each its own")
                tests[title] = data, split
    return tests
