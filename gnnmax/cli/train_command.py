"""The commands of learning: train and compare."""

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
from gnnmax.cli.printing import print_json, print_tables
from gnnmax.errors import InputError
from gnnmax.report.progress import training_progress

if TYPE_CHECKING:
    from gnnmax.training.config import TrainingConfig

__all__ = ["Budget", "Compare", "Train"]


@dataclass(frozen=True)
class Budget:
    """What a training run spends; a field that is not given keeps its default, see gnnmax.training.config."""

    steps: int | None = None
    """Updates of each model."""
    batch_size: int | None = None
    """Windows an update."""
    micro_batch: int | None = None
    """Windows taken at a time; their gradients add up to that of the batch."""
    train_windows: int | None = None
    """Learn from the first so many windows of the training split only."""
    stream: Flag = False
    """Draw fresh training windows without end in place of the stored ones."""
    match: Literal["steps", "parameters", "seconds"] | None = None
    """What the models have in common besides their batches."""
    seconds: float | None = None
    """Wall time of each model, with --match seconds."""
    learning_rate: float | None = None
    """Its peak."""
    evaluate_every: int | None = None
    """Steps between two evaluations on the validation split."""
    patience: int | None = None
    """Evaluations without a lower validation loss after which a model stops."""
    checkpoint_every: int | None = None
    """Steps between two checkpoints, which --resume goes on from."""
    precision: Literal["float32", "bfloat16"] | None = None
    """bfloat16 multiplies in half precision while training, where that makes no ties."""
    device: Literal["auto", "cpu", "cuda"] | None = None
    """auto takes a GPU where there is one."""

    def on(self, base: TrainingConfig) -> TrainingConfig:
        """Change the fields of a config that were given, and check them against their bounds."""
        from gnnmax.training.config import parse_training

        return parse_training({**msgspec.to_builtins(base), **self.given()}, "training")

    def given(self) -> dict[str, Any]:
        """Return the fields that were given."""
        return {name: value for name, value in asdict(self).items() if value is not None and value is not False}


@dataclass(frozen=True, kw_only=True)
class _Training:
    """What compare and train share."""

    data: str
    """Folder of a data set, name of a recipe, or path of a .toml file."""
    out: Path
    """The run folder to write."""
    budget: tyro.conf.OmitArgPrefixes[Budget] = field(default_factory=Budget)
    config: str = "standard"
    """Name of a shipped config, or a .toml file: budget, optimiser and sizes of nets. Options given here come first."""
    tensorboard: Flag = False
    """Write learning curves for TensorBoard into the run folder; needs the extra of that name."""
    force: Flag = False
    """Replace a run that stands in the folder."""
    resume: Flag = False
    """Go on with the run of the same call that was stopped; begin it where there is none."""
    json: Flag = False
    """Print JSON."""


@dataclass(frozen=True, kw_only=True)
class Compare(_Training):
    """Train models side by side on the same batches, judge them and the rules, and keep all in one run folder."""

    models: str | None = None
    """Names of models, separated by commas; those of the config, or cnn,gnn, if not given."""
    seeds: int = 3
    """How many seeds: 0, 1, ..."""
    also: str = ""
    """Further data sets to test on, separated by commas."""
    workers: int = 1
    """Seeds trained at the same time; the figures are the same for any number."""

    def run(self) -> int:
        """Train, judge, print the table."""
        if not 1 <= self.seeds <= 1000:
            raise InputError(f"--seeds must be between 1 and 1000, not {self.seeds}")
        models = None if self.models is None else words_of(self.models)
        return _compare(self, models, range(self.seeds), words_of(self.also), self.workers)


@dataclass(frozen=True, kw_only=True)
class Train(_Training):
    """Train one model from one seed; the run folder is that of compare."""

    model: str
    """Name of the model."""
    seed: int = 0
    """Of initial weights and order of the windows."""

    def run(self) -> int:
        """Train, judge, print the table."""
        return _compare(self, [self.model], [self.seed], [], 1)


def _compare(
    call: _Training, models: Sequence[str] | None, seeds: Sequence[int], also: Sequence[str], workers: int
) -> int:
    from gnnmax.experiments.comparison import compare
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
        print_json(msgspec.to_builtins(results))
    else:
        print_tables(*run_tables(results))
        sys.stdout.write(f"{call.out}\n")
    return 0
