"""Audits and evaluations of the nets of a run on maps, for the commands audit and evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gnnmax.cli.arguments import nets_of
from gnnmax.cli.printing import print_json, print_tables
from gnnmax.errors import InputError, unknown_name

if TYPE_CHECKING:
    from gnnmax.data.maps.dataset import MapSet
    from gnnmax.models.maps.trained import TrainedMapModel

__all__ = ["MapRun", "audit_map_scorers", "evaluate_map_run"]


@dataclass(frozen=True)
class MapRun:
    """The nets of a run that a command scores maps with.

    Attributes:
        folder: The run folder, or that of one model.
        device: ``auto``, ``cpu`` or ``cuda``.
        nets: The code of nets of your own, as the option ``--models`` gives it.
        allow_changed: Whether the files that define them may have changed since the training.
    """

    folder: Path
    device: str
    nets: str = ""
    allow_changed: bool = False

    def load(self) -> dict[str, list[TrainedMapModel]]:
        """Load the nets, one for each seed, and refuse those that read windows."""
        from gnnmax.experiments.run_folder import load_run

        nets = nets_of(self.nets)
        found = load_run(self.folder, device=self.device, models=nets, allow_changed=self.allow_changed)
        for name, seeds in found.items():
            if not seeds[0].card.on_maps:
                raise InputError(
                    f"{name} in {self.folder} reads windows, and the data set holds maps: name a data set of windows"
                )
        return found


def audit_map_scorers(
    data: MapSet,
    *,
    run: MapRun | None,
    rules: Sequence[str],
    split: str,
    most: int,
    seed: int,
    fails: bool,
    json: bool,
) -> int:
    """Audit nets and rules on maps, print a table for each, and return the exit status.

    Raises:
        InputError: nothing to audit, an unknown rule, or nets that read windows.
    """
    import numpy as np

    from gnnmax.auditing.map_audit import audit_maps
    from gnnmax.data.maps.rules import MAP_RULES

    scorers: list[tuple[str, Any, tuple[str, ...]]] = []
    for name in rules:
        if name not in MAP_RULES:
            raise unknown_name("rule of maps", name, MAP_RULES)
        scorers.append((name, MAP_RULES[name], ()))
    if run is not None:
        for name, seeds in run.load().items():
            scorers += [(f"{name} (seed {m.card.seed})", m, m.architecture.entry.invariances) for m in seeds]
    if not scorers:
        raise InputError("nothing to audit: give --run DIR, or --rule NAME")
    maps = data.split(split)
    found = {
        name: (audit_maps(scorer, maps, rng=np.random.default_rng(seed), most=most), declared)
        for name, scorer, declared in scorers
    }
    if json:
        print_json(
            {
                name: {"findings": audit.to_dict(), "declared": list(declared), "broken": audit.broken(declared)}
                for name, (audit, declared) in found.items()
            }
        )
    else:
        from rich.text import Text

        for name, (audit, declared) in found.items():
            print_tables(Text(f"{name}, declared: {', '.join(declared) or 'nothing'}"), audit)
    return 1 if fails and any(audit.broken(declared) for audit, declared in found.values()) else 0


def evaluate_map_run(data: MapSet, *, run: MapRun, split: str, json: bool) -> int:
    """Evaluate the nets of a run, and the rules, on a split of maps; print the table and return the exit status.

    Raises:
        InputError: no such split, a split without a peak, or nets that read windows.
    """
    from gnnmax.experiments.divergence import diverged_in
    from gnnmax.experiments.map_kind import net_calls
    from gnnmax.experiments.map_scoreboard import evaluate_map_split
    from gnnmax.experiments.results import encode_results
    from gnnmax.report.map_tables import map_split_table

    models = run.load()
    calls = {name: [net_calls(model, data, split) for model in seeds] for name, seeds in models.items()}
    own = any(model.card.recipe_digest == data.recipe.digest for seeds in models.values() for model in seeds)
    trained = own and split not in data.recipe.shifts
    result = evaluate_map_split(data, calls, split=split, trained=trained, diverged=diverged_in(run.folder))
    if json:
        print_json(msgspec.json.decode(encode_results(result)))
    else:
        print_tables(map_split_table(result))
    return 0
