"""Rerun a finished run and compare all metrics with the recorded ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gnnmax.auditing.findings import Audit
from gnnmax.auditing.map_audit import MapFinding
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import parse_any
from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.map_results import MapModelRecord, MapResults, MapSplitResult
from gnnmax.experiments.results import ModelRecord, Results, SplitResult, read_results
from gnnmax.experiments.run_config import CONFIG, NetRecord, RunConfig, read_config
from gnnmax.experiments.sources import is_held
from gnnmax.models.architecture import NETS
from gnnmax.models.references import is_reference
from gnnmax.task.claims import Check
from gnnmax.training.config import parse_training

__all__ = ["data_of", "net_of", "reproduce_run", "source_of"]


def reproduce_run(
    run: str | Path,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    *,
    models: Mapping[str, Any] | None = None,
) -> list[Check]:
    """Repeat the call of a finished run in a temporary folder and compare the results.

    Stored data are generated again from their recipe, so that only the record of the first run is used. With the same
    versions and on a CPU all metrics agree to the last digit.

    Args:
        run: A run folder written by compare.
        on_progress: Called with each record of training.
        models: The code of nets of your own, by name, see :func:`gnnmax.experiments.run_folder.load_run`.

    Raises:
        InputError: no finished run, a damaged record, or one of another version; an own net that is not given, or data
            that the run held in memory.
    """
    old = read_results(run)
    asked = read_config(run)
    held = any(is_held(source) for source in (asked.data, *asked.also))
    data = data_of(asked)
    also = [] if held else [source_of(source) for source in asked.also]
    nets = {name: net_of(name, net, models or {}) for name, net in asked.models.items()}
    if held:
        raise InputError(f"the run in {run} held its data in memory: they cannot be drawn again; compare them again")
    with tempfile.TemporaryDirectory() as folder:
        new = compare(
            data,
            nets,
            Path(folder) / "run",
            seeds=asked.seeds,
            also=also,
            training=parse_training(asked.training, "config.json: training"),
            on_progress=on_progress,
        )
    return _compare_results(old, new)


def data_of(asked: RunConfig) -> str | Recipe | MapRecipe:
    """Return the data of a run: its recipe, or the folder of imported windows."""
    if "content" not in asked.recipe:
        return parse_any(asked.recipe, CONFIG)
    if not isinstance(asked.data, str):
        raise InputError(
            "the data of this run were in memory only: compare them again, or save windows with data.save(folder) first"
        )
    return asked.data


def net_of(name: str, net: NetRecord, given: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return a net of a run with its config; the code of an own net is the one that the caller gives."""
    reference, config = net.model, net.config
    if not is_reference(reference):
        if reference not in NETS:  # never a net of an installed package: a folder alone runs no code
            raise unknown_name("model", reference, NETS)
        return reference, config
    if name not in given:
        raise InputError(f"{name} is a net of your own, {reference}: give --models {name}={reference} to run that code")
    return given[name] or name, config


def source_of(source: Any) -> str | Path | Recipe | MapRecipe:
    """Return a further data set of a run, from its record."""
    return parse_any(source, "config.json") if isinstance(source, dict) else str(source)


def _compare_results(old: Results | MapResults, new: Results | MapResults) -> list[Check]:
    """Compare the metrics of two runs for every test set and scorer, then the audits of the nets."""
    there = old.environment.versions
    versions = {name: (version, new.environment.versions.get(name)) for name, version in there.items()}
    changed = [f"{name} {was}, now {now}" for name, (was, now) in versions.items() if was != now]
    checks = [Check("the versions are the same", not changed, ", ".join(changed))]
    checks.append(Check("the recipe is the same", old.card.digest == new.card.digest, new.card.digest[:12]))
    again = {test.name: test for test in new.tests}
    for test in old.tests:
        if test.name not in again:
            checks.append(Check(f"{test.name}: it was evaluated again", False, "it was not"))
            continue
        checks += [_check(test, again[test.name], name) for name in test.verdicts]
    code = _code_of(new)
    for name, sha256 in _code_of(old).items():
        checks.append(Check(f"{name}: its code is the same", sha256 == code.get(name), ""))
    for name in old.diverged | new.diverged:
        was, now = (results.diverged.get(name, "did not diverge") for results in (old, new))
        checks.append(Check(f"{name} diverged as before", was == now, f"{was}, now {now}"))
    return checks + _audits(old.models, new.models)


def _code_of(results: Results | MapResults) -> dict[str, str]:
    """Return the digests of the files that define own nets, by name."""
    return {model.name: model.sha256 for model in results.models if model.sha256}


def _audits(old: Sequence[ModelRecord | MapModelRecord], new: Sequence[ModelRecord | MapModelRecord]) -> list[Check]:
    """Compare the findings of the audits, but not the last digits of scores, which depend on the machine."""
    there, here = ({model.name: [_found(run.audit) for run in model.runs] for model in models} for models in (old, new))
    return [Check(f"{name}: its audit finds the same", found == here.get(name), "") for name, found in there.items()]


def _found(audit: Audit | Mapping[str, MapFinding]) -> list[tuple[Any, ...]]:
    if isinstance(audit, Audit):
        return [
            (name, each.verdict, each.unexpected_flips, each.expected_flips) for name, each in audit.findings.items()
        ]
    return [(name, each.verdict, each.moved) for name, each in audit.items()]


def _check(old: SplitResult | MapSplitResult, new: SplitResult | MapSplitResult, name: str) -> Check:
    claim = f"{old.name}: {name} has the same metrics"
    if name not in new.verdicts:
        return Check(claim, False, "it was not evaluated")
    there, here = (test.verdicts[name].metrics for test in (old, new))
    differing = [
        f"{metric} {_written(value)}, now {_written(here.get(metric))}"
        for metric, value in there.items()
        if value != here.get(metric)
    ]
    return Check(claim, not differing, ", ".join(differing) or _shown(here))


def _shown(metrics: Mapping[str, float | None]) -> str:
    """Write the first metric: the accuracy on windows, the precision of calls on maps."""
    name, value = next(iter(metrics.items()))
    return f"{name} {_written(value)[:6]}"


def _written(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
