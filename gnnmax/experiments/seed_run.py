"""One seed of a comparison: train its models on the same batches, save their weights, score every test split."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.experiments.comparison_spec import ComparisonSpec, Progress, SeedResult
from gnnmax.experiments.data_kinds import kind_of
from gnnmax.experiments.divergence import Divergence, write_divergence
from gnnmax.experiments.metrics_tail import Tail
from gnnmax.experiments.run_records import Metrics, checkpoint_file, metrics_file, rewind
from gnnmax.experiments.sources import Loaded, load_once
from gnnmax.io.ordered_map import map_ahead
from gnnmax.io.workers import ExecutorLike, is_orphan
from gnnmax.training.checkpoint import Checkpoint
from gnnmax.training.distributed import SINGLE_PROCESS, Processes
from gnnmax.training.learner import TrainingResult
from gnnmax.training.loop import train_models
from gnnmax.training.objectives import Stream
from gnnmax.training.threads import one_thread

__all__ = ["run_seeds"]


class _OrphanedError(RuntimeError):
    """The process that started this worker was killed."""


def run_seeds(
    spec: ComparisonSpec,
    seeds: Sequence[int],
    *,
    sets: Sequence[Loaded],
    workers: int,
    on_progress: Progress,
    processes: Processes,
    executor: ExecutorLike | None = None,
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
        executor: Trains in place of worker processes. A seed whose worker is lost resumes from its checkpoint.

    Raises:
        LostWorkerError: a seed ended its worker every time.
    """
    if executor is None and (workers == 1 or len(seeds) == 1):
        return [_run_seed(spec, seed, sets=sets, on_progress=on_progress, processes=processes) for seed in seeds]
    tails = [Tail(metrics_file(spec.folder, seed), seed) for seed in seeds]

    def read_records() -> None:
        for tail in tails:
            for record in tail.read():
                on_progress(record)

    return list(
        map_ahead(
            functools.partial(_run_seed_in_worker, spec),
            seeds,
            workers=min(workers, len(seeds)),
            timeout=300,
            executor=executor,
            name=lambda seed: f"seed {seed}",
            on_wait=read_records,
        )
    )


_ONE_SEED = threading.Lock()
"""Locked while a seed is trained: torch's number of threads and the drawn data sets belong to the whole process."""


def _run_seed_in_worker(spec: ComparisonSpec, seed: int) -> SeedResult:
    """Run a seed from its checkpoint, if there is one; an orphan stops: a resumed run must not meet it."""

    def check_parent(_record: dict[str, Any]) -> None:
        if is_orphan():
            raise _OrphanedError(f"the run in {spec.folder} was killed")

    with _ONE_SEED:
        rewind(spec.folder, seed)
        sets = load_once(spec.sources)
        return _run_seed(spec, seed, sets=sets, on_progress=check_parent, processes=SINGLE_PROCESS)


def _run_seed(
    spec: ComparisonSpec, seed: int, *, sets: Sequence[Any], on_progress: Progress, processes: Processes
) -> SeedResult:
    """Train all models of a comparison from one seed, save their weights, and score every test split."""
    data = sets[0]
    kind = kind_of(data)
    with one_thread():
        k = kind.side(data)
        nets = {name: architecture.build(k, seed) for name, architecture in spec.models.items()}
        results = _train(spec, seed, nets, data=data, on_progress=on_progress, processes=processes)
        if not processes.is_main:
            return SeedResult(seed, {}, {}, {})
        training, scores, diverged = {}, {}, {}
        for name, net in nets.items():
            folder = _emptied(spec.folder / name / f"seed-{seed}")
            if results[name].diverged:
                diverged[name] = _record_divergence(folder, seed, results[name])
                continue
            training[name], scores[name] = kind.finish(
                folder, net, name, spec=spec, seed=seed, sets=sets, result=results[name]
            )
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


def _train(
    spec: ComparisonSpec,
    seed: int,
    nets: dict[str, nn.Module],
    *,
    data: Loaded,
    on_progress: Progress,
    processes: Processes,
) -> dict[str, TrainingResult]:
    """Train nets in place; a killed training resumes from its checkpoint."""
    recipe, streams = data.recipe, spec.training.stream  # the call refused a stream of imported windows
    train = Stream(recipe) if streams and isinstance(recipe, Recipe | MapRecipe) else data.split("train")
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
