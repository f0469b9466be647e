"""Compare several models over several seeds on the same batches, in one run folder."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gnnmax.data.card import describe
from gnnmax.data.dataset import DataSet
from gnnmax.data.recipe import Recipe
from gnnmax.data.store import load_data
from gnnmax.data.stream import stream_windows
from gnnmax.errors import InputError
from gnnmax.experiments.results import (
    RESULTS,
    ModelRecord,
    Results,
    RuleRecord,
    encode_results,
    parse_results,
    read_results,
    write_results,
)
from gnnmax.experiments.run_folder import (
    CONFIG,
    Log,
    RunConfig,
    check_same_call,
    environment,
    locked_folder,
    rewind,
    started_run,
)
from gnnmax.experiments.scoreboard import evaluate_split
from gnnmax.experiments.seed_run import ComparisonSpec, Progress, SeedResult, run_seeds, splits_to_evaluate
from gnnmax.io.atomic import check_output_folder
from gnnmax.io.ownership import RUN
from gnnmax.models.inference import resolve_device
from gnnmax.models.matching import match_parameters
from gnnmax.models.registry import MODELS, parse_config
from gnnmax.task.rules import RULES
from gnnmax.training.config import TrainingConfig, check_config
from gnnmax.training.distributed import is_distributed, is_main_process, joined_processes
from gnnmax.training.tensorboard import check_tensorboard, tensorboard_curves

__all__ = ["CONFIG", "Progress", "compare"]


def _ignore(record: dict[str, Any]) -> None:
    """Ignore a record of training."""


def compare(
    data: str | Path | Recipe,
    models: Sequence[str] | Mapping[str, Any],
    out: str | Path,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    also: Sequence[str | Path | Recipe] = (),
    training: TrainingConfig | None = None,
    workers: int = 1,
    force: bool = False,
    resume: bool = False,
    command: str = "",
    tensorboard: bool = False,
    on_progress: Progress | None = None,
) -> Results:
    """Train models side by side on the same batches; evaluate them and the explicit rules on the same windows.

    For each seed all models see the same batches in the same order. The weights of the lowest validation log loss
    are kept. Each net then scores every split but train and val, out-of-distribution splits too, and those of every
    data set in ``also``. Each seed is trained in one thread, so the results do not depend on ``workers``. Each data set
    is loaded or drawn once, for all seeds.

    The run folder holds ``config.json`` (the call), ``environment.json`` (versions and machine),
    ``metrics/seed-S.jsonl`` (training records), ``log.txt``, ``MODEL/seed-S/`` (weights) and, last, ``results.json``
    (all data of the report); nothing is written elsewhere. Until then ``checkpoints/`` holds the training checkpoint of
    each seed: a run that was killed at any instant resumes from there, to the same weights and metrics, bit for bit.

    Started by ``torchrun``, the processes share every batch and sum their gradients; the main one evaluates and
    writes, and all return the same results.

    Args:
        data: A shipped recipe's name, a recipe, or the folder of a stored data set, with splits train, val and test.
        models: Names in :data:`gnnmax.models.registry.MODELS`, or a mapping of names to their configs.
        out: The run folder to write, which must be absent or empty.
        seeds: One training per model and seed: initial weights and order of the windows.
        also: Further data sets with a test split, of other hosts.
        training: Budget and optimiser, the same for all.
        workers: Seeds trained at the same time, each in its own process.
        force: Whether to replace a run in ``out``. The old run is kept until the new one is complete: a forced run that
            is stopped leaves it, and must start again.
        resume: Whether to resume a stopped run of the same call; a missing run is started, a finished one is only read.
        command: The command line, for the record.
        tensorboard: Whether to write learning curves to ``tensorboard/`` as well; needs the extra tensorboard.
        on_progress: Called with each record of training, with its ``seed``.

    Returns:
        The content of ``results.json``.

    Raises:
        InputError: unknown names, a folder in use, missing splits, windows of a side that a net does not accept, or
            resuming a run that another call started.
        TrainingError: a loss is not finite; the folder holds the last checkpoint.

    References:
        Dror et al., "Deep dominance: how to properly compare deep neural models", ACL 2019 (several seeds, one
        criterion, differences with their uncertainty).
    """
    folder = Path(out)
    configs = {name: parse_config(name, config) for name, config in _named(models).items()}
    training = training or TrainingConfig()
    check_config(training)
    _check_call(configs, seeds, workers, training)
    if tensorboard:
        check_tensorboard()
    if force and resume:
        raise InputError("force starts a run again and resume continues one: choose one of the two")
    resuming = resume and os.path.lexists(folder / CONFIG)
    if not resuming and is_main_process():
        check_output_folder(folder, owner=RUN, force=force)
    sources = [_portable(source) for source in (data, *also)]
    sets = [load_data(source) for source in sources]
    _check_sets(sets, configs, training)
    if training.match == "parameters":
        configs = match_parameters(configs, sets[0].recipe.k)
    spec = ComparisonSpec(
        sources=tuple(map(_source_of, sources, sets)), models=configs, training=training, folder=folder.absolute()
    )
    config = _config_of(spec, seeds, data=sources, recipe=sets[0].recipe, command=command)
    if resuming:
        check_same_call(folder, config)
        if os.path.lexists(folder / RESULTS):
            return read_results(folder)
    with contextlib.ExitStack() as stack:
        if resuming and is_main_process():
            stack.enter_context(locked_folder(folder))
        elif is_main_process():
            target = stack.enter_context(started_run(folder.absolute(), config, force=force))
            spec = dataclasses.replace(spec, folder=target)
        record = stack.enter_context(_recorded(spec.folder, on_progress or _ignore, tensorboard=tensorboard))
        return _run(spec, seeds, sets=sets, workers=workers, command=command, on_progress=record, resuming=resuming)


def _run(
    spec: ComparisonSpec,
    seeds: Sequence[int],
    *,
    sets: Sequence[DataSet],
    workers: int,
    command: str,
    on_progress: Progress,
    resuming: bool,
) -> Results:
    """Train in this process or in all that torchrun started; the main one evaluates, writes and sends the results."""
    with joined_processes(resolve_device(spec.training.device)) as processes:
        main_folder = processes.broadcast(os.fsencode(spec.folder))
        spec = dataclasses.replace(spec, folder=Path(os.fsdecode(main_folder)))
        if not processes.is_main:
            run_seeds(spec, seeds, sets=sets, workers=1, on_progress=_ignore, processes=processes)
            return parse_results(processes.broadcast(b""))
        if resuming:
            for seed in seeds:
                rewind(spec.folder, seed)
        log = Log(spec.folder / "log.txt")
        log.write(f"{', '.join(spec.models)} on {sets[0].recipe.name}, seeds {', '.join(map(str, seeds))}")
        outcomes = run_seeds(spec, seeds, sets=sets, workers=workers, on_progress=on_progress, processes=processes)
        log.write("trained; evaluating")
        results = _results(spec, outcomes, sets=sets, command=command)
        write_results(spec.folder, results)
        shutil.rmtree(spec.folder / "checkpoints")
        log.write("done")
        processes.broadcast(encode_results(results))
        return results


def _config_of(
    spec: ComparisonSpec, seeds: Sequence[int], *, data: Sequence[Any], recipe: Recipe, command: str
) -> RunConfig:
    """Describe a call in plain values: a run is resumed by the same call only."""
    return RunConfig(
        command=command,
        recipe=recipe.to_dict(),
        digest=recipe.digest,
        data=data[0],
        also=list(data[1:]),
        models=msgspec.to_builtins(spec.models),
        training=msgspec.to_builtins(spec.training),
        seeds=list(seeds),
    )


def _named(models: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(models, str):
        raise InputError(f"models must be a sequence of names, not the string {models!r}: put it in a list")
    named = dict(models) if isinstance(models, Mapping) else dict.fromkeys(models)
    if not named or len(named) < len(models):
        raise InputError("models must name at least one model, each once")
    return named


def _check_call(configs: dict[str, Any], seeds: Sequence[int], workers: int, training: TrainingConfig) -> None:
    taken = sorted(set(configs) & set(RULES))
    if taken:
        raise InputError(f"the model {taken[0]!r} has the name of a rule: rename it")
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise InputError(f"seeds must be at least one non-negative integer, each once, not {list(seeds)}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")
    if workers > 1 and is_distributed():
        raise InputError(
            f"under torchrun the processes share each batch, one seed at a time: workers must be 1, not {workers}"
        )
    if training.match == "seconds" and is_distributed():
        raise InputError("several processes have several clocks: match steps or parameters, or train in one process")


def _portable(data: str | Path | Recipe) -> str | dict[str, Any]:
    return data.to_dict() if isinstance(data, Recipe) else str(data)


def _source_of(source: str | dict[str, Any], data: DataSet) -> Path | Recipe:
    """Return the source of a loaded data set for worker processes: the folder that stores it, or its recipe."""
    if isinstance(source, str) and Path(source).is_dir():
        return Path(source).absolute()
    return data.recipe


def _check_sets(sets: Sequence[DataSet], configs: dict[str, Any], training: TrainingConfig) -> None:
    trained_on = sets[0]
    if training.stream:
        stream_windows(trained_on.recipe, "train")  # refuses if there is none
    for split in ("train", "val", "test"):
        trained_on.split(split)
    for title, (data, split) in splits_to_evaluate(sets).items():
        label, k = data.split(split).label, data.recipe.of(split).k
        if label.all() or not label.any():
            raise InputError(f"the {split} split of {title} holds one class only: both are needed to evaluate a scorer")
        for model in configs:
            if k != trained_on.recipe.k and not MODELS[model].any_k:
                raise InputError(
                    f"model {model} is built for windows of side {trained_on.recipe.k}, and {title} has {k}: "
                    f"leave out one of the two"
                )


@contextlib.contextmanager
def _recorded(folder: Path, on_progress: Progress, *, tensorboard: bool) -> Iterator[Progress]:
    """Send every record to TensorBoard as well, if ``tensorboard`` is True."""
    if not tensorboard or not is_main_process():
        yield on_progress
        return
    with tensorboard_curves(folder / "tensorboard") as write:

        def both(record: dict[str, Any]) -> None:
            write(record)
            on_progress(record)

        yield both


def _results(spec: ComparisonSpec, outcomes: Sequence[SeedResult], *, sets: Sequence[DataSet], command: str) -> Results:
    trained_on = sets[0]
    return Results(
        command=command,
        environment=environment(),
        recipe=trained_on.recipe.to_dict(),
        card=describe(trained_on),
        training=msgspec.to_builtins(spec.training),
        seeds=[outcome.seed for outcome in outcomes],
        models=[
            ModelRecord(
                name,
                MODELS[name].summary,
                MODELS[name].source,
                MODELS[name].ceiling(trained_on.recipe.k, config),
                MODELS[name].group.invariances,
                [outcome.training[name] for outcome in outcomes],
            )
            for name, config in spec.models.items()
        ],
        rules=[RuleRecord(name, rule.summary) for name, rule in RULES.items()],
        tests=[
            evaluate_split(
                data,
                {name: [outcome.scores[name][title] for outcome in outcomes] for name in spec.models},
                split=split,
                trained=data is trained_on and split == "test",
            )
            for title, (data, split) in splits_to_evaluate(sets).items()
        ],
    )
