"""Side by side: several models, several seeds, the same batches, one run folder."""

from __future__ import annotations

import contextlib
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
from gnnmax.experiments.run_folder import CONFIG, Log, check_same_call, environment, open_run, rewind, working_in
from gnnmax.experiments.scoreboard import evaluate_split
from gnnmax.experiments.seed_run import Plan, Progress, Trial, run_trials, splits_to_judge
from gnnmax.io.atomic import claim_folder
from gnnmax.models.inference import resolve_device
from gnnmax.models.matching import match_parameters
from gnnmax.models.registry import MODELS, parse_config
from gnnmax.task.rules import RULES
from gnnmax.training.config import TrainingConfig, check_config
from gnnmax.training.distributed import Ranks, joined_ranks, launched, writes
from gnnmax.training.tensorboard import check_tensorboard, tensorboard_curves

__all__ = ["CONFIG", "Progress", "compare"]


def _ignore(record: dict[str, Any]) -> None:
    """Take a record of training and do nothing."""


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
    """Train models side by side on the same batches, judge them and the explicit rules on the same windows.

    For each seed all models see the very same batches in the same order. The weights of the lowest validation log loss
    are kept. Each net then scores every split but train and val, out-of-distribution splits too, and those of every
    data set in ``also``, none of which it has seen. Each seed is trained by one thread, so the figures do not depend
    on ``workers``.

    The run folder holds ``config.json`` (what was asked), ``environment.json`` (versions and machine),
    ``metrics/seed-S.jsonl`` (losses as they came), ``log.txt``, ``MODEL/seed-S/`` (weights) and, last, ``results.json``
    (every figure that the report shows); nothing is written elsewhere. Until then ``checkpoints/`` holds the state of
    each seed's training: a run that was killed at any instant goes on from there, to the same weights and figures, bit
    for bit, as if it had not been.

    Started by ``torchrun``, the processes share every batch and add up their gradients; the first one judges and
    writes, and all return the same results.

    Args:
        data: A shipped recipe's name, a recipe, or the folder of a stored data set, with splits train, val and test.
        models: Names in :data:`gnnmax.models.registry.MODELS`, or a mapping of names to their configs.
        out: The run folder to write. It may be absent or empty.
        seeds: One training per model and seed: initial weights and order of the windows.
        also: Further data sets with a test split, of other hosts.
        training: Budget and optimiser, the same for all.
        workers: Seeds trained at the same time, each in a process of its own.
        force: Whether to replace a finished or broken run that stands in ``out``.
        resume: Whether to go on with a run of the same call that was stopped; where there is none it is begun, and a
            finished one is only read.
        command: The call, to be written down.
        tensorboard: Whether to write learning curves into ``tensorboard/`` too; needs the extra of that name.
        on_progress: Given each record of training as it comes, with its ``seed``.

    Returns:
        What ``results.json`` holds.

    Raises:
        InputError: unknown names, a folder in use, splits missing, windows of a side that a net does not take, or a
            run to go on with that was begun by another call.
        TrainingError: a loss stopped being finite; the folder holds the last checkpoint.

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
        raise InputError("force begins a run anew and resume goes on with one: choose one of the two")
    going_on = resume and (folder / CONFIG).is_file()
    if not going_on and writes():
        claim_folder(folder, mark=CONFIG, force=force)
    sets = [load_data(source) for source in map(_portable, (data, *also))]
    _check_sets(sets, configs, training)
    if training.match == "parameters":
        configs = match_parameters(configs, sets[0].recipe.k)
    plan = Plan(
        data=_portable(data),
        also=tuple(map(_portable, also)),
        models={name: msgspec.to_builtins(config) for name, config in configs.items()},
        training=msgspec.to_builtins(training),
        out=str(folder.absolute()),
    )
    asked = _asked(plan, seeds, command, sets[0].recipe)
    if going_on:
        check_same_call(folder, asked)
        if (folder / RESULTS).is_file():
            return read_results(folder)
    elif writes():
        open_run(folder, asked)
    with _watched(folder, tensorboard, on_progress or _ignore) as watch:
        return _shared(plan, sets, seeds, workers, command, watch, going_on)


def _shared(
    plan: Plan,
    sets: list[DataSet],
    seeds: Sequence[int],
    workers: int,
    command: str,
    on_progress: Progress,
    going_on: bool,
) -> Results:
    """Run in one process, or with the others that torchrun started: the first one writes and tells them."""
    folder = Path(plan.out)
    with _ranks(plan) as ranks:
        if not ranks.first:
            run_trials(plan, seeds, 1, _ignore, ranks)
            return parse_results(ranks.hand_out(b""))
        with working_in(folder):
            if going_on:
                for seed in seeds:
                    rewind(folder, seed)
            results = _compared(plan, sets, seeds, workers, command, on_progress, ranks)
        ranks.hand_out(encode_results(results))
        return results


@contextlib.contextmanager
def _ranks(plan: Plan) -> Iterator[Ranks]:
    """Meet the other processes of the run, if there are any."""
    with joined_ranks(resolve_device(plan.training["device"])) as ranks:
        yield ranks


def _compared(
    plan: Plan,
    sets: list[DataSet],
    seeds: Sequence[int],
    workers: int,
    command: str,
    on_progress: Progress,
    ranks: Ranks,
) -> Results:
    """Train, judge and write, in a run folder that is open."""
    folder = Path(plan.out)
    log = Log(folder / "log.txt")
    log.write(f"{', '.join(plan.models)} on {sets[0].recipe.name}, seeds {', '.join(map(str, seeds))}")
    trials = run_trials(plan, seeds, workers, on_progress, ranks)
    log.write("trained; judging")
    results = _results(sets, plan, trials, command)
    write_results(folder, results)
    shutil.rmtree(folder / "checkpoints")
    log.write("done")
    return results


def _asked(plan: Plan, seeds: Sequence[int], command: str, recipe: Recipe) -> dict[str, Any]:
    """Write down a call in plain values: a run goes on only with the same."""
    return {
        "command": command,
        "recipe": recipe.to_dict(),
        "digest": recipe.digest,
        "data": plan.data,
        "also": plan.also,
        "models": plan.models,
        "training": plan.training,
        "seeds": list(seeds),
    }


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
    if workers > 1 and launched():
        raise InputError(f"torchrun's processes share a batch, seeds take turns: workers must be 1, not {workers}")
    if training.match == "seconds" and launched():
        raise InputError("several processes have several clocks: match steps or parameters, or train in one process")


def _portable(data: str | Path | Recipe) -> str | dict[str, Any]:
    return data.to_dict() if isinstance(data, Recipe) else str(data)


def _check_sets(sets: Sequence[DataSet], configs: dict[str, Any], training: TrainingConfig) -> None:
    own = sets[0]
    if training.stream:
        stream_windows(own.recipe, "train")  # refuses where there is none
    for split in ("train", "val", "test"):
        own.split(split)
    for title, (data, split) in splits_to_judge(sets).items():
        label, k = data.split(split).label, data.recipe.of(split).k
        if label.all() or not label.any():
            raise InputError(f"the {split} split of {title} holds one class only: both are needed to judge a scorer")
        for model in configs:
            if k != own.recipe.k and not MODELS[model].any_k:
                raise InputError(
                    f"model {model} is built for windows of side {own.recipe.k}, and {title} has {k}: "
                    f"leave out the one or the other"
                )


@contextlib.contextmanager
def _watched(folder: Path, tensorboard: bool, on_progress: Progress) -> Iterator[Progress]:
    """Give every record to TensorBoard as well, if asked."""
    if not tensorboard or not writes():
        yield on_progress
        return
    with tensorboard_curves(folder / "tensorboard") as write:

        def both(record: dict[str, Any]) -> None:
            write(record)
            on_progress(record)

        yield both


def _results(sets: list[DataSet], plan: Plan, trials: list[Trial], command: str) -> Results:
    own = sets[0]
    return Results(
        command=command,
        environment=environment(),
        recipe=own.recipe.to_dict(),
        card=describe(own),
        training=plan.training,
        seeds=[trial.seed for trial in trials],
        models=[
            ModelRecord(
                name,
                MODELS[name].summary,
                MODELS[name].source,
                MODELS[name].ceiling(own.recipe.k, parse_config(name, config)),
                MODELS[name].group.invariances,
                [trial.training[name] for trial in trials],
            )
            for name, config in plan.models.items()
        ],
        rules=[RuleRecord(name, rule.summary) for name, rule in RULES.items()],
        tests=[
            evaluate_split(
                data,
                {name: [trial.scores[name][title] for trial in trials] for name in plan.models},
                split=split,
                trained=data is own and split == "test",
            )
            for title, (data, split) in splits_to_judge(sets).items()
        ],
    )
