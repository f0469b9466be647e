"""Side by side: several models, several seeds, the same batches, one run folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from gnnmax.card import describe
from gnnmax.curves import check_tensorboard, tensorboard_curves
from gnnmax.errors import InputError
from gnnmax.generate.dataset import DataSet
from gnnmax.generate.recipe import Recipe
from gnnmax.judging import judge_symmetry, judge_test
from gnnmax.models.registry import MODELS, parse_config
from gnnmax.results import ModelRecord, Results, RuleRecord, TrainingRecord, write_results
from gnnmax.rules import RULES
from gnnmax.runs import Log, Tail, environment
from gnnmax.schedule import TrainingConfig
from gnnmax.staging import claim_folder, write_file
from gnnmax.store import load_data

if TYPE_CHECKING:
    pass

__all__ = ["CONFIG", "Progress", "compare"]

CONFIG = "config.json"

Progress = Callable[[dict[str, Any]], None]


def _ignore(record: dict[str, Any]) -> None:
    """Take a record of training and do nothing."""


@dataclass(frozen=True)
class _Plan:
    """One comparison, in plain values that a worker process can be handed."""

    data: str | dict[str, Any]
    also: tuple[str | dict[str, Any], ...]
    models: dict[str, dict[str, Any]]
    training: dict[str, Any]
    out: str


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
    (every figure that the report shows); nothing is written elsewhere.

    Args:
        data: A shipped recipe's name, a recipe, or the folder of a stored data set, with splits train, val and test.
        models: Names in :data:`gnnmax.models.registry.MODELS`, or a mapping of names to their configs.
        out: The run folder to write. It may be absent or empty.
        seeds: One training per model and seed: initial weights and order of the windows.
        also: Further data sets with a test split, of other hosts.
        training: Budget and optimiser, the same for all.
        workers: Seeds trained at the same time, each in a process of its own.
        force: Whether to replace a finished or broken run that stands in ``out``.
        command: The call, to be written down.
        tensorboard: Whether to write learning curves into ``tensorboard/`` too; needs the extra of that name.
        on_progress: Given each record of training as it comes, with its ``seed``.

    Returns:
        What ``results.json`` holds.

    Raises:
        InputError: unknown names, a folder in use, splits missing, or windows of a side that a net does not take.

    References:
        Dror et al., "Deep dominance: how to properly compare deep neural models", ACL 2019 (several seeds, one
        criterion, differences with their uncertainty).
    """
    folder = Path(out)
    configs = {name: parse_config(name, config) for name, config in _named(models).items()}
    training = training or TrainingConfig()
    _check_call(configs, seeds, workers)
    plan = _Plan(
        data=_portable(data),
        also=tuple(map(_portable, also)),
        models={name: msgspec.to_builtins(config) for name, config in configs.items()},
        training=msgspec.to_builtins(training),
        out=str(folder.absolute()),
    )
    if tensorboard:
        check_tensorboard()
    claim_folder(folder, mark=CONFIG, force=force)
    sets = [load_data(source) for source in (plan.data, *plan.also)]
    _check_sets(sets, configs)
    _open_folder(folder, plan, seeds, command, sets[0].recipe)
    log = Log(folder / "log.txt")
    log.write(f"{', '.join(configs)} on {sets[0].recipe.name}, seeds {', '.join(map(str, seeds))}")
    with _watched(folder, tensorboard, on_progress or _ignore) as watch:
        runs = _trained(plan, seeds, workers, watch)
    log.write("trained; judging")
    results = _results(sets, plan, runs, command)
    write_results(folder, results)
    log.write("done")
    return results


def _named(models: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(models, str):
        raise InputError(f"models must be a sequence of names, not the string {models!r}: put it in a list")
    named = dict(models) if isinstance(models, Mapping) else dict.fromkeys(models)
    if not named or len(named) < len(models):
        raise InputError("models must name at least one model, each once")
    return named


def _check_call(configs: dict[str, Any], seeds: Sequence[int], workers: int) -> None:
    taken = sorted(set(configs) & set(RULES))
    if taken:
        raise InputError(f"the model {taken[0]!r} has the name of a rule: rename it")
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise InputError(f"seeds must be at least one non-negative integer, each once, not {list(seeds)}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")


def _portable(data: str | Path | Recipe) -> str | dict[str, Any]:
    return data.to_dict() if isinstance(data, Recipe) else str(data)


def _tests(sets: Sequence[DataSet]) -> dict[str, tuple[DataSet, str]]:
    """Name every split to be judged: all but train and val, ``test`` by its recipe's name alone."""
    tests = {}
    for data in sets:
        for split in data.splits:
            if split not in ("train", "val"):
                title = data.recipe.name if split == "test" else f"{data.recipe.name}/{split}"
                if title in tests:
                    raise InputError("two of the data sets have the same name: give each its own")
                tests[title] = data, split
    return tests


def _check_sets(sets: Sequence[DataSet], configs: dict[str, Any]) -> None:
    own = sets[0]
    for split in ("train", "val", "test"):
        own.split(split)
    for title, (data, split) in _tests(sets).items():
        label, k = data.split(split).label, data.recipe.of(split).k
        if label.all() or not label.any():
            raise InputError(f"the {split} split of {title} holds one class only: both are needed to judge a scorer")
        for model in configs:
            if k != own.recipe.k and not MODELS[model].any_k:
                raise InputError(
                    f"model {model} is built for windows of side {own.recipe.k}, and {title} has {k}: "
                    f"leave out the one or the other"
                )


def _open_folder(folder: Path, plan: _Plan, seeds: Sequence[int], command: str, recipe: Recipe) -> None:
    """Empty the folder of an earlier run and write down what was asked, and on what machine."""
    if folder.exists():
        import shutil

        shutil.rmtree(folder)
    (folder / "metrics").mkdir(parents=True)
    config = {
        "command": command,
        "recipe": recipe.to_dict(),
        "digest": recipe.digest,
        "data": plan.data,
        "also": plan.also,
        "models": plan.models,
        "training": plan.training,
        "seeds": list(seeds),
    }
    write_file(folder / CONFIG, json.dumps(config, indent=1))
    write_file(folder / "environment.json", json.dumps(environment(), indent=1))


@contextlib.contextmanager
def _watched(folder: Path, tensorboard: bool, on_progress: Progress) -> Iterator[Progress]:
    """Give every record to TensorBoard as well, if asked."""
    if not tensorboard:
        yield on_progress
        return
    with tensorboard_curves(folder / "tensorboard") as write:

        def both(record: dict[str, Any]) -> None:
            write(record)
            on_progress(record)

        yield both


@dataclass(frozen=True)
class _Run:
    """What one seed brings back: figures of the training and scores on every test split, by model."""

    seed: int
    training: dict[str, TrainingRecord]
    scores: dict[str, dict[str, npt.NDArray[np.float32]]]


def _trained(plan: _Plan, seeds: Sequence[int], workers: int, on_progress: Progress) -> list[_Run]:
    if workers == 1 or len(seeds) == 1:
        return [train_seed(plan, seed, on_progress) for seed in seeds]
    from concurrent.futures import wait

    from loky import get_reusable_executor

    executor = get_reusable_executor(max_workers=min(workers, len(seeds)))
    futures = [executor.submit(train_seed, plan, seed) for seed in seeds]
    tails = [Tail(Path(plan.out, "metrics", f"seed-{seed}.jsonl"), seed) for seed in seeds]
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


def train_seed(plan: _Plan, seed: int, on_progress: Progress = _ignore) -> _Run:
    """Train all models of a plan from one seed, keep their weights, and score every test split.

    Runs on one thread, in this process or a worker's, so the figures are the same in both.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train_seed(plan, seed, on_progress)
    finally:
        torch.set_num_threads(threads)


def _train_seed(plan: _Plan, seed: int, on_progress: Progress) -> _Run:
    from gnnmax.checkpoint import load_model, save_model
    from gnnmax.models.registry import build_model
    from gnnmax.training import train_models

    data = load_data(plan.data)
    k, training = data.recipe.k, msgspec.convert(plan.training, TrainingConfig)
    nets = {name: build_model(name, k, config, seed=seed) for name, config in plan.models.items()}
    with Path(plan.out, "metrics", f"seed-{seed}.jsonl").open("w", encoding="utf-8", buffering=1) as metrics:

        def keep(record: dict[str, Any]) -> None:
            metrics.write(json.dumps(record) + "\n")
            on_progress({"seed": seed, **record})

        rng = np.random.default_rng(seed)
        results = train_models(nets, data.split("train"), data.split("val"), training, rng, on_record=keep)
    tests = _tests([data, *map(load_data, plan.also)])
    figures, scores = {}, {}
    for name, net in nets.items():
        folder = Path(plan.out, name, f"seed-{seed}")
        save_model(
            folder,
            net,
            name=name,
            config=plan.models[name],
            k=k,
            seed=seed,
            recipe=data.recipe.name,
            recipe_digest=data.recipe.digest,
            validation_loss=results[name].loss,
        )
        model = load_model(folder)
        declared = {kind: getattr(MODELS[name].group, kind) for kind in ("relabelling", "transposition")}
        figures[name] = TrainingRecord(
            seed=seed,
            parameters=sum(parameter.numel() for parameter in net.parameters()),
            best_step=results[name].best_step,
            validation_loss=results[name].loss,
            validation_accuracy=results[name].accuracy,
            seconds=results[name].seconds,
            history=[dict(record) for record in results[name].history],
            symmetry=judge_symmetry(model.score, data.split("test"), declared, np.random.default_rng(seed)),
        )
        scores[name] = {title: model.score(test.split(split)) for title, (test, split) in tests.items()}
    return _Run(seed, figures, scores)


def _results(sets: list[DataSet], plan: _Plan, runs: list[_Run], command: str) -> Results:
    own = sets[0]
    return Results(
        command=command,
        environment=environment(),
        recipe=own.recipe.to_dict(),
        card=describe(own),
        training=plan.training,
        seeds=[run.seed for run in runs],
        models=[
            ModelRecord(name, MODELS[name].summary, MODELS[name].source, [run.training[name] for run in runs])
            for name in plan.models
        ],
        rules=[RuleRecord(name, rule.summary) for name, rule in RULES.items()],
        tests=[
            judge_test(
                data,
                {name: [run.scores[name][title] for run in runs] for name in plan.models},
                split=split,
                trained=data is own and split == "test",
            )
            for title, (data, split) in _tests(sets).items()
        ],
    )
