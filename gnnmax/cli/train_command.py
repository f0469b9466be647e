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

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.errors import InputError
from gnnmax.report.progress import training_progress

if TYPE_CHECKING:
    from gnnmax.training.config import TrainingConfig

__all__ = ["Budget", "Compare", "Train"]


@dataclass(frozen=True)
class Budget:
    """The budget of a training run; missing options keep the value of the config, see gnnmax.training.config."""

    steps: int | None = None
    """Updates of each model."""
    batch_size: int | None = None
    """Windows per update."""
    micro_batch: int | None = None
    """Windows per forward pass; the gradients of a batch are summed."""
    train_windows: int | None = None
    """Train on the first N windows of the training split only."""
    stream: Flag = False
    """Draw fresh training windows from an infinite stream instead of the stored ones."""
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
    config: str = "standard"
    """Name of a shipped config, or a .toml file: budget, optimiser and sizes of nets. Options override it."""
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
    """Names of models, separated by commas. Default: the models of the config, or cnn,gnn."""
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
        models = None if self.models is None else words_of(self.models)
        return _compare(self, models, range(self.seeds), words_of(self.also), self.workers)


@dataclass(frozen=True, kw_only=True)
class Train(_Training):
    """Train one model from one seed; the run folder has the layout of compare."""

    model: str
    """Name of the model."""
    seed: int = 0
    """Seed of the initial weights and of the order of the windows."""

    def run(self) -> int:
        """Train, evaluate and print the table."""
        return _compare(self, [self.model], [self.seed], [], 1)


def _compare(
    call: _Training, models: Sequence[str] | None, seeds: Sequence[int], also: Sequence[str], workers: int
) -> int:
    from gnnmax.experiments.comparison import compare
    from gnnmax.experiments.results import encode_results
    from gnnmax.report.tables import run_tables
    from gnnmax.training.config_files import load_config
    from gnnmax.training.distributed import is_main_process

    given = load_config(call.config)
    training = call.budget.on(given.training)
    if models is None:
        models = list(given.models) or ["cnn", "gnn"]
    if len(set(models)) < len(models):
        raise InputError(f"name each model once, not {', '.join(models)}")
    with training_progress(models, seeds, training.steps) as on_progress:
        results = compare(
            call.data,
            {name: given.models.get(name) for name in models},
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
    if not is_main_process():
        return 0
    if call.json:
        print_json(msgspec.json.decode(encode_results(results)))
    else:
        print_tables(*run_tables(results))
        print_text(call.out)
    return 0
