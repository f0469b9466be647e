"""The command that audits the symmetry of models and rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from gnnmax.cli.arguments import NETS_HELP, Flag, nets_of, open_any_data, words_of
from gnnmax.cli.map_runs import MapRun, audit_map_scorers
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.errors import InputError, unknown_name

if TYPE_CHECKING:
    from gnnmax.auditing.findings import Audit as Findings
    from gnnmax.auditing.layers import LayerAudit
    from gnnmax.data.maps.dataset import MapSet
    from gnnmax.task.scorers import Scorer
    from gnnmax.task.windows import Windows

__all__ = ["Audit"]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Find out which transformations of a window or a map change the scores of models or rules, and which should."""

    data: str
    """Folder of a data set, name of a recipe, or path of a .toml file."""
    run_folder: Annotated[Path | None, tyro.conf.arg(name="run")] = None
    """A run folder, or the folder of one model."""
    models: Annotated[str, tyro.conf.arg(help=NETS_HELP)] = ""
    allow_changed: Flag = False
    """Run nets of your own although their file was changed since the training."""
    rule: str = ""
    """Names of rules, separated by commas; see gnnmax list rules, and for maps gnnmax list map-rules."""
    split: str = "test"
    """Split of the data set."""
    most: int = 500
    """Largest number of windows to transform; at most 20 maps."""
    seed: int = 0
    """Seed of the random transformations."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto uses a GPU if there is one."""
    assert_: Annotated[Flag, tyro.conf.arg(name="assert")] = False
    """Exit with status 1 if a declared symmetry, or the symmetry of the label, is broken."""
    layers: Flag = False
    """Name the first layer that breaks each symmetry, for each model of a run that needs no contexts."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Audit each scorer, print its table and the smallest counter-examples."""
        import numpy as np

        from gnnmax.auditing.battery import audit
        from gnnmax.data.maps.dataset import MapSet

        if self.layers and self.run_folder is None:
            raise InputError("--layers needs the models of a run: give --run DIR")
        if self.seed < 0:
            raise InputError(f"--seed must be at least 0, not {self.seed}")
        data = open_any_data(self.data)
        if isinstance(data, MapSet):
            return self._of_maps(data)
        scorers = list(self._scorers())
        windows = data.split(self.split)
        found = [
            _Audited(
                name,
                audit(scorer, windows, rng=np.random.default_rng(self.seed), most=self.most, any_k=any_k),
                declared,
                self._inside(scorer, windows),
            )
            for name, scorer, declared, any_k in scorers
        ]
        if self.json:
            print_json({each.name: each.to_dict() for each in found})
        else:
            _show(found)
        return 1 if self.assert_ and any(each.broken for each in found) else 0

    def _of_maps(self, data: MapSet) -> int:
        """Audit scorers of maps."""
        if self.layers:
            raise InputError(f"{self.data} holds maps: leave out --layers")
        if self.most < 1:
            raise InputError(f"--most must be at least 1, not {self.most}")
        run = None if self.run_folder is None else MapRun(self.run_folder, self.device, self.models, self.allow_changed)
        return audit_map_scorers(
            data,
            run=run,
            rules=words_of(self.rule),
            split=self.split,
            most=min(self.most, 20),
            seed=self.seed,
            fails=self.assert_,
            json=self.json,
        )

    def _inside(self, scorer: Any, windows: Windows) -> LayerAudit | None:
        """Audit the layers of a trained model, with --layers."""
        if not self.layers or not hasattr(scorer, "module"):
            return None
        import numpy as np

        from gnnmax.auditing.layers import audit_layers

        if scorer.architecture.entry.needs_contexts:
            return None
        return audit_layers(scorer.module, windows, rng=np.random.default_rng(self.seed), contexts=True)

    def _scorers(self) -> Iterator[tuple[str, Scorer, tuple[str, ...], bool]]:
        """Yield each scorer with its name, its declared invariances and whether it takes windows of any side."""
        from gnnmax.task.rules import RULES

        if self.run_folder is None and not words_of(self.rule):
            raise InputError("nothing to audit: give --run DIR, or --rule NAME")
        for name in words_of(self.rule):
            if name not in RULES:
                raise unknown_name("rule", name, RULES)
            yield name, RULES[name], RULES[name].invariances, True
        if self.run_folder is not None:
            from gnnmax.experiments.run_folder import load_run

            found = load_run(
                self.run_folder, device=self.device, models=nets_of(self.models), allow_changed=self.allow_changed
            )
            for name, seeds in found.items():
                if seeds[0].card.on_maps:
                    raise InputError(f"{name} reads maps, and {self.data} holds windows: name a data set of maps")
                for model in seeds:
                    declared = model.architecture.entry.invariances
                    yield f"{name} (seed {model.card.seed})", model, declared, model.card.any_k


@dataclass(frozen=True)
class _Audited:
    """The audit of one scorer."""

    name: str
    report: Findings
    declared: tuple[str, ...]
    layers: LayerAudit | None

    @property
    def broken(self) -> list[str]:
        """The broken symmetries: first those of the label, then declared ones."""
        found = [*self.report.faults, *(["constant"] if self.report.constant else [])]
        return found + [
            f"is declared invariant to {name}" for name in self.declared if self.report[name] != "invariant"
        ]

    def to_dict(self) -> dict[str, Any]:
        plain = {**self.report.to_dict(), "declared": list(self.declared), "broken": self.broken}
        return plain if self.layers is None else {**plain, "inside": self.layers.to_dict()}


def _show(found: list[_Audited]) -> None:
    from gnnmax.report.audits import audit_table

    for each in found:
        print_tables(audit_table(each.name, each.report, each.declared))
        for finding in each.report.values():
            if finding.smallest is not None:
                print_text(f"{finding.fault}:\n{finding.smallest}\n")
        if each.layers is not None:
            print_text(f"first layer to break it:\n{each.layers}\n")
