"""The commands train and compare."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import tyro

from gnnmax.cli.arguments import Flag, nets_of, words_of
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.errors import InputError
from gnnmax.report.progress import training_progress

if TYPE_CHECKING:
    from gnnmax.experiments.results import Results
    from gnnmax.training.config import TrainingConfig

__all__ = ["Budget", "Compare", "Train"]


@dataclass(frozen=True)
class Budget:
    """The budget of a training run; missing options keep the value of the config, see gnnmax.training.config."""

    steps: int | None = None
    """Updates of each model."""
    batch_size: int | None = None
    """Windows or maps per update."""
    train_windows: int | None = None
    """Train on the first N windows or maps of the training split only."""
    stream: Flag = False
    """Draw fresh training examples from an infinite stream instead of the stored ones."""
    stream_workers: int | None = None
    """Processes that draw the examples of the stream ahead; the results do not depend on it."""
    match: Literal["steps", "parameters", "seconds"] | None = None
    """The budget that the models share: steps, parameters (and steps), or seconds of wall time."""
    seconds: float | None = None
    """Wall time of each model, with --match seconds."""
    learning_rate: float | None = None
    """Peak of the learning rate."""
    evaluate_every: int | None = None
    """Steps between two evaluations on the validation split."""
    patience: int | None = None
    """Stop a model after N evaluations without a lower validation loss."""
    checkpoint_every: int | None = None
    """Steps between two checkpoints, from which --resume continues."""
    precision: Literal["float32", "bfloat16"] | None = None
    """bfloat16 trains in half precision, where that makes no ties."""
    device: Literal["auto", "cpu", "cuda"] | None = None
    """auto uses a GPU if there is one."""

    def on(self, base: TrainingConfig) -> TrainingConfig:
        """Return a config with the given fields changed, checked against their bounds."""
        from gnnmax.training.config import parse_training

        return parse_training({**msgspec.to_builtins(base), **self.given()}, "training")

    def given(self) -> dict[str, Any]:
        """Return the given fields."""
        return {name: value for name, value in asdict(self).items() if value is not None and value is not False}


@dataclass(frozen=True, kw_only=True)
class _Training:
    """The options that compare and train share."""

    data: str
    """Folder of a data set, name of a recipe, or path of a .toml file."""
    out: Path
    """The run folder to write."""
    budget: tyro.conf.OmitArgPrefixes[Budget] = field(default_factory=Budget)
    config: str | None = None
    """Name of a shipped config, or a .toml file: budget, optimiser and sizes of nets. Options override it. Default:
    standard; for maps, maps."""
    tensorboard: Flag = False
    """Write learning curves for TensorBoard into the run folder; needs the extra tensorboard."""
    force: Flag = False
    """Replace a run in the folder."""
    resume: Flag = False
    """Resume a stopped run of the same call; start it if there is none."""
    json: Flag = False
    """Print JSON."""


@dataclass(frozen=True, kw_only=True)
class Compare(_Training):
    """Train models side by side on the same batches, evaluate them and the rules, and write one run folder."""

    models: str | None = None
    """Names of models, for maps of map-models, and nets of your own as NAME=FILE.py:CLASS, separated by commas.
    Default: the models of the config, or cnn,gnn; for maps, map-cnn,map-gnn."""
    seeds: int = 3
    """Number of seeds: 0, 1, ..."""
    also: str = ""
    """Further data sets to test on, separated by commas."""
    workers: int = 1
    """Seeds trained at the same time; the results do not depend on it."""

    def run(self) -> int:
        """Train, evaluate and print the table."""
        if not 1 <= self.seeds <= 1000:
            raise InputError(f"--seeds must be between 1 and 1000, not {self.seeds}")
        models = None if self.models is None else nets_of(self.models)
        return _compare(self, models, range(self.seeds), also=words_of(self.also), workers=self.workers)


@dataclass(frozen=True, kw_only=True)
class Train(_Training):
    """Train one model from one seed; the run folder has the layout of compare."""

    model: str
    """Name of the model, or a net of your own as NAME=FILE.py:CLASS; for maps, one of map-models or such a net."""
    seed: int = 0
    """Seed of the initial weights and of the order of the windows."""

    def run(self) -> int:
        """Train, evaluate and print the table."""
        model = nets_of(self.model)
        if len(model) != 1:
            raise InputError(f"--model takes one net, not {', '.join(model) or 'none'}: gnnmax compare trains several")
        return _compare(self, model, [self.seed], also=[], workers=1)


def _compare(
    call: _Training, models: dict[str, Any] | None, seeds: Sequence[int], *, also: Sequence[str], workers: int
) -> int:
    """Train the nets of a call, show the results, and return the exit status."""
    from gnnmax.experiments.comparison import compare

    nets, training = _asked(call, models)
    with training_progress(list(nets), seeds, training.steps) as on_progress:
        results = compare(
            call.data,
            nets,
            call.out,
            seeds=seeds,
            also=also,
            training=training,
            workers=workers,
            force=call.force,
            resume=call.resume,
            command=f"gnnmax {shlex.join(sys.argv[1:])}",
            tensorboard=call.tensorboard,
            on_progress=on_progress,
        )
    return _show(call, results)


def _asked(call: _Training, models: dict[str, Any] | None) -> tuple[dict[str, Any], TrainingConfig]:
    """Return the nets of a call by name, each with its config, and the budget; options override the config file."""
    from gnnmax.data.loading import holds_maps
    from gnnmax.models.architecture import NETS
    from gnnmax.training.config_files import load_config

    maps = holds_maps(call.data)
    own = [name for name, net in (models or {}).items() if net is not None or name not in NETS]
    given = load_config(call.config or ("maps" if maps else "standard"), own)
    training = call.budget.on(given.training)
    if models is None:
        models = dict.fromkeys(given.models or (("map-cnn", "map-gnn") if maps else ("cnn", "gnn")))
    tables = given.models
    return {
        name: tables.get(name) if net is None else (net, tables.get(name)) for name, net in models.items()
    }, training


def _show(call: _Training, results: Results | Any) -> int:
    """Print the results on the main process; return 1 if a training diverged."""
    from gnnmax.experiments.results import Results, encode_results
    from gnnmax.report.map_tables import map_run_tables
    from gnnmax.report.tables import run_tables
    from gnnmax.training.distributed import is_main_process

    status = 1 if results.diverged else 0
    if not is_main_process():
        return status
    if call.json:
        print_json(msgspec.json.decode(encode_results(results)))
    else:
        print_tables(*(run_tables(results) if isinstance(results, Results) else map_run_tables(results)))
        print_text(call.out)
    for model in results.models:
        for each in model.diverged:
            sys.stderr.write(f"gnnmax: {model.name} diverged from seed {each.seed}: {each.reason}\n")
    return status
