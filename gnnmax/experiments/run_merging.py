"""Merge finished runs of one call that differ in their seeds into one run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from gnnmax.errors import InputError
from gnnmax.experiments.comparison_spec import ComparisonSpec, SeedResult, splits_to_evaluate
from gnnmax.experiments.data_kinds import kind_of
from gnnmax.experiments.map_kind import net_calls
from gnnmax.experiments.rerun import data_of, net_of, source_of
from gnnmax.experiments.results import Results, read_results, write_results
from gnnmax.experiments.run_config import CONFIG, RunConfig, read_config
from gnnmax.experiments.run_records import metrics_file
from gnnmax.experiments.sources import is_held, load_source, source_for_workers
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.models.architecture import named_architectures
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import load_model, read_card
from gnnmax.training.config import parse_training
from gnnmax.training.threads import one_thread

__all__ = ["merge_runs"]

ENVIRONMENT = "environment.json"


def merge_runs(
    runs: Sequence[str | Path], out: str | Path, *, models: Mapping[str, Any] | None = None, force: bool = False
) -> Results | Any:
    """Merge finished runs of one configuration, of different seeds, into the run of all their seeds.

    The nets are not trained again: their weights are copied, and they score the test splits again, as a single run of
    all seeds would. A seed may be in several runs if its weights are the same.

    Args:
        runs: Run folders that differ in nothing but their seeds.
        out: The run folder to write.
        models: The code of nets of your own, by name, see :func:`gnnmax.experiments.run_folder.load_run`.
        force: Whether to replace a run in ``out``.

    Returns:
        The results of the merged run.

    Raises:
        InputError: a run is unfinished or damaged, the runs differ in more than their seeds, one seed has two
            different results, or the data were held in memory.
    """
    folders = [as_path(run) for run in runs]
    if not folders:
        raise InputError("there is nothing to merge: give at least one run folder")
    results = [read_results(folder) for folder in folders]
    configs = [read_config(folder) for folder in folders]
    for folder, config in zip(folders[1:], configs[1:], strict=True):
        _check_same(folders[0], configs[0], folder, config)
    origin = _origin_of_seeds(folders, configs)
    call = configs[0]
    if any(is_held(source) for source in (call.data, *call.also)):
        raise InputError(f"the run in {folders[0]} held its data in memory: they cannot be drawn again; compare again")
    sources = [data_of(call), *map(source_of, call.also)]
    sets = [load_source(source) for source in sources]
    given = {name: net_of(name, net, models or {}) for name, net in call.models.items()}
    nets = named_architectures(given, maps=kind_of(sets[0]).side(sets[0]) is None)
    with atomic_folder(as_path(out, "the run folder"), owner=RUN, force=force) as scratch:
        spec = ComparisonSpec(
            sources=tuple(map(source_for_workers, sources, sets)),
            models=nets,
            training=parse_training(call.training, CONFIG),
            folder=scratch,
        )
        _copy(origin, nets, scratch)
        merged = structs.replace(call, seeds=list(origin))
        write_file(scratch / CONFIG, json.dumps(msgspec.to_builtins(merged), indent=1))
        by_folder = dict(zip(folders, results, strict=True))
        with one_thread():
            outcomes = [_outcome(seed, by_folder[folder], spec, sets) for seed, folder in origin.items()]
            found = kind_of(sets[0]).results(spec, outcomes, sets=sets, command=call.command)
        write_file(scratch / ENVIRONMENT, json.dumps(msgspec.to_builtins(found.environment), indent=1))
        write_results(scratch, found)
    return found


def _check_same(first: Path, asked: RunConfig, second: Path, other: RunConfig) -> None:
    """Refuse two runs that differ in more than their seeds."""
    for name in RunConfig.__struct_fields__:
        if name not in ("command", "seeds") and getattr(asked, name) != getattr(other, name):
            raise InputError(
                f"the runs in {first} and {second} differ in their {name}: merge runs that differ in their seeds alone"
            )


def _origin_of_seeds(folders: Sequence[Path], configs: Sequence[RunConfig]) -> dict[int, Path]:
    """Return the folder of each seed, in the order of seeds; a seed in two folders must have equal weights."""
    found: dict[int, Path] = {}
    for folder, config in zip(folders, configs, strict=True):
        for seed in config.seeds:
            if seed in found:
                for name in config.models:
                    digests = {_weights(each / name / f"seed-{seed}") for each in (found[seed], folder)}
                    if len(digests) > 1:
                        raise InputError(
                            f"seed {seed} of {name} has other weights in {found[seed]} than in {folder}: leave out one"
                        )
            else:
                found[seed] = folder
    return dict(sorted(found.items()))


def _weights(folder: Path) -> str:
    """Return the digest of the weights in a folder; empty if the training diverged."""
    card = folder / "model.json"
    return read_card(card).weights_sha256 if card.exists() else ""


def _copy(origin: Mapping[int, Path], nets: Mapping[str, Any], target: Path) -> None:
    """Copy the trained nets and the metrics of every seed."""
    (target / "metrics").mkdir()
    for seed, folder in origin.items():
        shutil.copyfile(metrics_file(folder, seed), metrics_file(target, seed))
        for name in nets:
            shutil.copytree(folder / name / f"seed-{seed}", target / name / f"seed-{seed}")


def _outcome(seed: int, results: Any, spec: ComparisonSpec, sets: Sequence[Any]) -> SeedResult:
    """Return the outcome of a seed: the record of its training, and the scores of its nets on every test split."""
    training, scores, diverged = {}, {}, {}
    for model in results.models:
        for lost in model.diverged:
            if lost.seed == seed:
                diverged[model.name] = lost
        for run in model.runs:
            if run.seed == seed:
                training[model.name] = run
                scores[model.name] = _scores(spec, model.name, seed, sets)
    return SeedResult(seed, training, scores, diverged)


def _scores(spec: ComparisonSpec, name: str, seed: int, sets: Sequence[Any]) -> dict[str, Any]:
    folder, device = spec.folder / name / f"seed-{seed}", spec.training.device
    tests = splits_to_evaluate(sets)
    if kind_of(sets[0]).side(sets[0]) is None:
        on_maps = load_map_model(folder, device=device, net=spec.models[name])
        return {title: net_calls(on_maps.score, data, split) for title, (data, split) in tests.items()}
    model = load_model(folder, device=device, net=spec.models[name])
    return {title: model.score(data.split(split)) for title, (data, split) in tests.items()}
