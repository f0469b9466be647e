"""Whether a run gives its figures again: the same call once more, and every figure beside the old one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import AuditRecord, ModelRecord, Results, SplitResult, read_results
from gnnmax.experiments.run_folder import CONFIG
from gnnmax.task.claims import Check
from gnnmax.training.config import parse_training

__all__ = ["agreement_of", "run_again"]


def run_again(run: str | Path, on_progress: Callable[[dict[str, Any]], None] | None = None) -> list[Check]:
    """Run what a finished run was asked for once more, in a scratch folder, and compare.

    Stored data are drawn anew from their recipe, so that no file of the first run but its record is used. On the same
    versions and a CPU every figure is the same to the last digit.

    Args:
        run: A run folder that compare wrote.
        on_progress: Given each record of training as it comes.

    Raises:
        InputError: no finished run, or a record that is damaged.
    """
    old = read_results(run)
    try:
        asked = json.loads((Path(run) / CONFIG).read_text(encoding="utf-8"))
        data = parse_recipe(asked["recipe"], "config.json")
        also = [_again(source) for source in asked["also"]]
        call = {"models": asked["models"], "seeds": asked["seeds"], "training": asked["training"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{Path(run) / CONFIG} cannot be read: {error}; run compare again") from None
    with tempfile.TemporaryDirectory() as folder:
        new = compare(
            data,
            call["models"],
            Path(folder) / "run",
            seeds=call["seeds"],
            also=also,
            training=parse_training(call["training"], "config.json: training"),
            on_progress=on_progress,
        )
    return agreement_of(old, new)


def _again(source: Any) -> str | Path | Recipe:
    return parse_recipe(source, "config.json") if isinstance(source, dict) else str(source)


def agreement_of(old: Results, new: Results) -> list[Check]:
    """Compare the figures of two runs, test set by test set, scorer by scorer, then the audits of the nets.

    Example:
        >>> agreement_of.__name__
        'agreement_of'
    """
    versions = {name: (there, new.environment["versions"].get(name)) for name, there in _versions(old).items()}
    changed = [f"{name} {was}, now {now}" for name, (was, now) in versions.items() if was != now]
    checks = [Check("the versions are the same", not changed, ", ".join(changed))]
    checks.append(Check("the recipe is the same", old.card.digest == new.card.digest, new.card.digest[:12]))
    again = {test.name: test for test in new.tests}
    for test in old.tests:
        if test.name not in again:
            checks.append(Check(f"{test.name}: it is there again", False, "it is not"))
            continue
        checks += [_check(test, again[test.name], name) for name in test.verdicts]
    return checks + _audits(old.models, new.models)


def _versions(results: Results) -> dict[str, str]:
    versions: dict[str, str] = results.environment["versions"]
    return versions


def _audits(old: list[ModelRecord], new: list[ModelRecord]) -> list[Check]:
    """Compare what the audits found, but for the last digits of scores, which other machines round otherwise."""
    there, here = ({model.name: [_found(run.audit) for run in model.runs] for model in models} for models in (old, new))
    return [Check(f"{name}: its audit finds the same", found == here.get(name), "") for name, found in there.items()]


def _found(audit: AuditRecord) -> list[tuple[str, str, float | None, float | None]]:
    return [(name, each.verdict, each.spurious, each.due) for name, each in audit.findings.items()]


def _check(old: SplitResult, new: SplitResult, name: str) -> Check:
    claim = f"{old.name}: {name} has the same figures"
    if name not in new.verdicts:
        return Check(claim, False, "it was not judged")
    there, here = (test.verdicts[name].metrics for test in (old, new))
    differing = [
        f"{metric} {_written(value)}, now {_written(here.get(metric))}"
        for metric, value in there.items()
        if value != here.get(metric)
    ]
    return Check(claim, not differing, ", ".join(differing) or f"accuracy {here['accuracy']:.4f}")


def _written(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
