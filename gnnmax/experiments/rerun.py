"""Rerun a finished run and compare all metrics with the recorded ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gnnmax.auditing.findings import Audit
from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import ModelRecord, Results, SplitResult, read_results
from gnnmax.experiments.run_folder import CONFIG, read_config
from gnnmax.task.claims import Check
from gnnmax.training.config import parse_training

__all__ = ["reproduce_run"]


def reproduce_run(run: str | Path, on_progress: Callable[[dict[str, Any]], None] | None = None) -> list[Check]:
    """Repeat the call of a finished run in a temporary folder and compare the results.

    Stored data are generated again from their recipe, so that only the record of the first run is used. With the same
    versions and on a CPU all metrics agree to the last digit.

    Args:
        run: A run folder written by compare.
        on_progress: Called with each record of training.

    Raises:
        InputError: no finished run, a damaged record, or one of another version.
    """
    old = read_results(run)
    asked = read_config(run)
    data = parse_recipe(asked.recipe, CONFIG)
    also = [_source_of(source) for source in asked.also]
    with tempfile.TemporaryDirectory() as folder:
        new = compare(
            data,
            asked.models,
            Path(folder) / "run",
            seeds=asked.seeds,
            also=also,
            training=parse_training(asked.training, "config.json: training"),
            on_progress=on_progress,
        )
    return _compare_results(old, new)


def _source_of(source: Any) -> str | Path | Recipe:
    return parse_recipe(source, "config.json") if isinstance(source, dict) else str(source)


def _compare_results(old: Results, new: Results) -> list[Check]:
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
    return checks + _audits(old.models, new.models)


def _audits(old: list[ModelRecord], new: list[ModelRecord]) -> list[Check]:
    """Compare the findings of the audits, but not the last digits of scores, which depend on the machine."""
    there, here = ({model.name: [_found(run.audit) for run in model.runs] for model in models} for models in (old, new))
    return [Check(f"{name}: its audit finds the same", found == here.get(name), "") for name, found in there.items()]


def _found(audit: Audit) -> list[tuple[str, str, float | None, float | None]]:
    return [(name, each.verdict, each.unexpected_flips, each.expected_flips) for name, each in audit.findings.items()]


def _check(old: SplitResult, new: SplitResult, name: str) -> Check:
    claim = f"{old.name}: {name} has the same metrics"
    if name not in new.verdicts:
        return Check(claim, False, "it was not evaluated")
    there, here = (test.verdicts[name].metrics for test in (old, new))
    differing = [
        f"{metric} {_written(value)}, now {_written(here.get(metric))}"
        for metric, value in there.items()
        if value != here.get(metric)
    ]
    return Check(claim, not differing, ", ".join(differing) or f"accuracy {here['accuracy']:.4f}")


def _written(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
