"""Train several models side by side on the same batches."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn

from gnnmax.errors import InputError
from gnnmax.models.inference import resolve_device, scored
from gnnmax.models.tensors import inputs_of
from gnnmax.training.batches import Batches, StoredBatches, StreamedBatches, plain_state
from gnnmax.training.checkpoint import Checkpoint, Snapshot
from gnnmax.training.config import TrainingConfig, check_config
from gnnmax.training.distributed import SINGLE_PROCESS, Processes
from gnnmax.training.learner import Learner, Record, TrainingError, TrainingResult
from gnnmax.training.objectives import Examples, Stream, batch_of, objective_of
from gnnmax.training.split_checks import check_splits, limited

__all__ = [
    "TrainingConfig",
    "TrainingError",
    "TrainingResult",
    "inputs_of",
    "refuse_divergence",
    "scored",
    "train_models",
]


def train_models(
    models: Mapping[str, nn.Module],
    train: Examples | Stream,
    val: Examples,
    config: TrainingConfig,
    rng: np.random.Generator,
    *,
    on_record: Callable[[Record], None] = lambda _record: None,
    checkpoint: Checkpoint | None = None,
    processes: Processes = SINGLE_PROCESS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, TrainingResult]:
    """Train models side by side on the same batches; each ends with the weights of its best evaluation.

    AdamW on the log loss, one optimiser per model; the best weights have the lowest validation log loss. On maps it is
    the log loss of the places of peaks, see :class:`gnnmax.training.objectives.PlaceObjective`. On a CPU the
    same ``rng`` and number of threads give the same weights, bit for bit, with dropout too. A model's weights do not
    depend on the models beside it, nor on interruptions and resumptions. Exceptions are a budget of wall time, and nets
    that draw random numbers elsewhere than from torch, or that keep a state outside their ``state_dict``.

    A model whose loss or gradient is not finite has *diverged*: it stops there, and the others go on.

    Args:
        models: Nets by name, changed in place and left on the device, in evaluation mode.
        train: Training windows or maps, or a stream of fresh ones.
        val: Validation windows or maps of other hosts, which choose the best weights.
        config: Budget and optimiser.
        rng: Decides the order of the examples, or the start position of a stream.
        on_record: Called with a flat dict, fit for JSON, every 50 steps (``event`` "step") and at every evaluation
            (``event`` "evaluation") of each model, and where one has diverged (``event`` "diverged").
        checkpoint: Where the state is written every ``config.checkpoint_every`` steps. Training resumes from
            its content; ``models``, data, ``config`` and ``rng`` must be those of the interrupted call.
        processes: The processes that share each batch; the main one writes the checkpoint.
        clock: Returns seconds; only differences count.

    Returns:
        One result per model, by name, in the given order; see :func:`refuse_divergence`.

    Raises:
        InputError: no model, empty splits, values that are not finite, windows of one class only or maps without a
            peak, splits that differ in kind, side or contexts, half precision where it makes ties, or a checkpoint of
            another training.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> from gnnmax import Windows
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(64, 3, 3)).astype("float32"))
        >>> results = train_models(
        ...     {"cnn": build_model("cnn", k=3)}, w, w, TrainingConfig(steps=3), np.random.default_rng(0)
        ... )
        >>> results["cnn"].best_step, len(results["cnn"].history)
        (3, 1)
    """
    check_config(config)
    _check_call(models, train, config, processes)
    if not isinstance(train, Stream):
        train = limited(train, config.train_windows)
    check_splits(train, val, config)
    device = resolve_device(config.device)
    shared: dict[str, Any] = {
        "config": config,
        "objective": objective_of(train, val),
        "on_record": on_record,
        "processes": processes,
        "clock": clock,
    }
    learners = [Learner(name, module.to(device), seed=_seed_of(rng), **shared) for name, module in models.items()]
    validation = batch_of(val, device)
    batches = _batches_of(train, config, rng, device)
    step = _resume(checkpoint, batches, learners)
    try:
        while not all(learner.finished for learner in learners):
            step += 1
            batch = batches.take()
            for learner in learners:
                if not learner.finished:
                    learner.learn(batch, validation)
            last = all(learner.finished for learner in learners)
            if checkpoint is not None and processes.is_main and (last or step % config.checkpoint_every == 0):
                checkpoint.write(_state(step, batches, learners))
    finally:
        for learner in learners:
            learner.restore_best()
    return {learner.name: learner.result() for learner in learners}


def refuse_divergence(results: Mapping[str, TrainingResult]) -> None:
    """Refuse results if a training diverged.

    Raises:
        TrainingError: with the first reason.

    Example:
        >>> refuse_divergence({"net": TrainingResult(3, 0, float("inf"), float("nan"), 0.1, (), "the loss is nan")})
        Traceback (most recent call last):
        ...
        gnnmax.training.learner.TrainingError: the loss is nan
    """
    for result in results.values():
        if result.diverged:
            raise TrainingError(result.diverged)


def _seed_of(rng: np.random.Generator) -> int:
    """Return a seed that depends on the state of a generator, which is not changed."""
    state = json.dumps(plain_state(rng), sort_keys=True)
    return int.from_bytes(hashlib.sha256(state.encode()).digest()[:8])


def _batches_of(
    train: Examples | Stream, config: TrainingConfig, rng: np.random.Generator, device: torch.device
) -> Batches:
    if isinstance(train, Stream):
        return StreamedBatches(train, config.batch_size, rng, device, workers=config.stream_workers)
    return StoredBatches(train, config.batch_size, rng, device)


def _state(step: int, batches: Batches, learners: Sequence[Learner]) -> Snapshot:
    parts = {"batches": batches.state(), **{f"model {learner.name}": learner.state() for learner in learners}}
    return Snapshot.joined({"step": Snapshot({"step": step}, {}), **parts})


def _resume(checkpoint: Checkpoint | None, batches: Batches, learners: Sequence[Learner]) -> int:
    """Restore batches and learners from the checkpoint and return its step; 0 if there is none."""
    snapshot = checkpoint.read() if checkpoint is not None else None
    if snapshot is None:
        return 0
    parts = {"step", "batches", *(f"model {learner.name}" for learner in learners)}
    try:
        if snapshot.plain.keys() != parts or {name.split("/")[0] for name in snapshot.tensors} - parts:
            raise ValueError(f"it holds {', '.join(snapshot.plain)}")
        batches.restore(snapshot.part("batches"))
        for learner in learners:
            learner.restore(snapshot.part(f"model {learner.name}"))
        if snapshot.step != max(learner.step for learner in learners):
            raise ValueError(f"no model is at step {snapshot.step}")
        return snapshot.step
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError, msgspec.ValidationError) as error:
        first = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise InputError(f"the checkpoint is of another training: {first}; start again with --force") from None


def _check_call(
    models: Mapping[str, nn.Module], train: Examples | Stream, config: TrainingConfig, processes: Processes
) -> None:
    if not models:
        raise InputError("there is no model to train: name at least one")
    if config.stream != isinstance(train, Stream):
        raise InputError(f"the training config says stream = {config.stream}: give examples or a Stream accordingly")
    if config.batch_size < processes.world_size:
        raise InputError(
            f"a batch of {config.batch_size} cannot be shared by {processes.world_size} processes: "
            "give at least one example per process"
        )
    if processes.world_size > 1 and config.match == "seconds":
        raise InputError("several processes have several clocks: match steps or parameters, or train in one process")
