"""The commands: one small class each, whose fields are the flags; nothing heavy is loaded before it is used."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import msgspec
import tyro

from gnnmax.errors import InputError
from gnnmax.report.progress import drawing_progress, training_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from gnnmax.generate.dataset import DataSet
    from gnnmax.generate.recipe import Recipe
    from gnnmax.schedule import TrainingConfig

__all__ = ["COMMANDS", "Command"]

Flag = tyro.conf.FlagCreatePairsOff[bool]
Changes = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


class Command(Protocol):
    """What every command is: its fields are the flags, ``run`` does the work and returns the exit status."""

    def run(self) -> int:
        """Do the work."""


@dataclass(frozen=True)
class Generate:
    """Draw the data set of a recipe into a folder, whole or not at all."""

    recipe: tyro.conf.Positional[str]
    """Name of a shipped recipe, or path of a .toml file."""
    out: Path | None = None
    """The folder to write; datasets/NAME if not given."""
    workers: int = 1
    """Processes to draw with; the bytes are the same for any number."""
    set: Changes = ()
    """Change a field of the recipe, as in --set seed=3 or --set plant.margin=[0.1,1.0]; may be repeated."""
    force: Flag = False
    """Replace a data set that stands there."""

    def run(self) -> int:
        """Draw, then say where it is."""
        from gnnmax.store import write_dataset

        recipe = _recipe(self.recipe, self.set)
        with drawing_progress("drawing hosts") as on_progress:
            folder = write_dataset(
                recipe,
                self.out or Path("datasets") / recipe.name,
                workers=self.workers,
                force=self.force,
                on_progress=on_progress,
            )
        sys.stdout.write(f"{folder}\n")
        return 0


@dataclass(frozen=True)
class Verify:
    """Check a stored data set: digests, schema, and every label, kind, offset and margin anew."""

    data: tyro.conf.Positional[Path]
    """Folder of the data set."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print every check; status 1 if one does not hold."""
        from gnnmax.verification import verify

        checks = verify(self.data)
        if self.json:
            _print_json([{"claim": c.claim, "holds": c.holds, "found": c.found} for c in checks])
        else:
            for check in checks:
                note = f": {check.found}" if check.found else ""
                sys.stdout.write(f"{'ok    ' if check.holds else 'FAILED'} {check.claim}{note}\n")
        return 0 if all(check.holds for check in checks) else 1


@dataclass(frozen=True)
class Info:
    """Print the data card of a recipe or a stored data set: counts, explicit rules, shortcut probes."""

    data: tyro.conf.Positional[str]
    """Name of a recipe, path of a .toml file, or folder of a data set."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print the card."""
        from gnnmax.card import describe
        from gnnmax.report.tables import card_tables

        card = describe(_data(self.data))
        if self.json:
            _print_json(card.to_dict())
        else:
            _print_tables(*card_tables(card))
        return 0


@dataclass(frozen=True)
class Budget:
    """What a training run spends; a field that is not given keeps its default, see gnnmax.schedule."""

    steps: int | None = None
    """Updates of each model."""
    batch_size: int | None = None
    """Windows an update."""
    learning_rate: float | None = None
    """Its peak."""
    evaluate_every: int | None = None
    """Steps between two evaluations on the validation split."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes a GPU where there is one."""

    def config(self) -> TrainingConfig:
        """Check the fields against their bounds."""
        from gnnmax.schedule import TrainingConfig

        given = {name: value for name, value in asdict(self).items() if value is not None}
        try:
            return msgspec.convert(given, TrainingConfig)
        except msgspec.ValidationError as error:
            raise InputError(f"training: {error}") from None


@dataclass(frozen=True, kw_only=True)
class _Training:
    """What compare and train share."""

    data: str
    """Folder of a data set, name of a recipe, or path of a .toml file."""
    out: Path
    """The run folder to write."""
    budget: tyro.conf.OmitArgPrefixes[Budget] = field(default_factory=Budget)
    tensorboard: Flag = False
    """Write learning curves for TensorBoard into the run folder; needs the extra of that name."""
    force: Flag = False
    """Replace a run that stands in the folder."""
    json: Flag = False
    """Print JSON."""


@dataclass(frozen=True, kw_only=True)
class Compare(_Training):
    """Train models side by side on the same batches, judge them and the rules, and keep all in one run folder."""

    models: str = "cnn,gnn"
    """Names of models, separated by commas."""
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
        return _compare(self, _words(self.models), range(self.seeds), _words(self.also), self.workers)


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


def _compare(call: _Training, models: Sequence[str], seeds: Sequence[int], also: Sequence[str], workers: int) -> int:
    from gnnmax.comparison import compare
    from gnnmax.report.tables import run_tables

    training = call.budget.config()
    with training_progress(models, seeds, training.steps) as on_progress:
        results = compare(
            call.data,
            models,
            call.out,
            seeds=seeds,
            also=also,
            training=training,
            workers=workers,
            force=call.force,
            command=f"gnnmax {shlex.join(sys.argv[1:])}",
            tensorboard=call.tensorboard,
            on_progress=on_progress,
        )
    if call.json:
        _print_json(msgspec.to_builtins(results))
    else:
        _print_tables(*run_tables(results))
        sys.stdout.write(f"{call.out}\n")
    return 0


@dataclass(frozen=True)
class Evaluate:
    """Judge the trained models of a run, and the explicit rules, on a split of a data set."""

    run_folder: Annotated[Path, tyro.conf.arg(name="run")]
    """A run folder, or the folder of one model."""
    data: str
    """Folder of a data set, name of a recipe, or path of a .toml file."""
    split: str = "test"
    """Which of its splits."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes a GPU where there is one."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Score, judge, print the table."""
        from gnnmax.judging import judge_test
        from gnnmax.report.tables import test_table
        from gnnmax.runs import load_run

        models = load_run(self.run_folder, device=self.device)
        data = _data(self.data)
        windows = data.split(self.split)
        scores = {name: [model.score(windows) for model in seeds] for name, seeds in models.items()}
        own = any(model.card.recipe_digest == data.recipe.digest for seeds in models.values() for model in seeds)
        result = judge_test(data, scores, split=self.split, trained=own and self.split not in data.recipe.shifts)
        if self.json:
            _print_json(msgspec.to_builtins(result))
        else:
            _print_tables(test_table(result))
        return 0


@dataclass(frozen=True)
class Report:
    """Write the page of a run: one self-contained HTML file that answers the question."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """A run folder that compare wrote."""
    out: Path | None = None
    """The file to write; report.html in the run folder if not given."""
    heat_maps: Path | None = None
    """Write the heat maps as an SVG file too."""
    markdown: Flag = False
    """Print the tables in Markdown."""

    def run(self) -> int:
        """Draw, write, print the table and the path."""
        from gnnmax.report.documents import test_markdown
        from gnnmax.report.page import write_heat_maps, write_page
        from gnnmax.report.tables import run_tables
        from gnnmax.results import read_results

        results = read_results(self.run_folder)
        page = write_page(results, self.out or self.run_folder / "report.html")
        if self.heat_maps is not None:
            write_heat_maps(results, self.heat_maps)
        if self.markdown:
            sys.stdout.write("\n\n".join(f"{test.name}\n\n{test_markdown(test)}" for test in results.tests) + "\n")
            return 0
        _print_tables(*run_tables(results))
        sys.stdout.write(f"{page}\n")
        return 0


@dataclass(frozen=True)
class List:
    """List the shipped recipes, the models and the rules."""

    what: tyro.conf.Positional[Literal["all", "recipes", "models", "rules"]] = "all"
    """Which of them."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print names and summaries."""
        shelves = {name: shelf() for name, shelf in _SHELVES.items() if self.what in ("all", name)}
        if self.json:
            _print_json(shelves)
            return 0
        width = max(len(name) for shelf in shelves.values() for name in shelf)
        for title, shelf in shelves.items():
            sys.stdout.write(f"{title}\n")
            for name, summary in shelf.items():
                sys.stdout.write(f"  {name:<{width}}  {summary}\n")
        return 0


def _recipes() -> dict[str, str]:
    from gnnmax.generate.recipe import load_recipe, recipe_names

    return {name: load_recipe(name).summary for name in recipe_names()}


def _models() -> dict[str, str]:
    from gnnmax.models.registry import MODELS

    return {name: entry.summary for name, entry in MODELS.items()}


def _rules() -> dict[str, str]:
    from gnnmax.rules import RULES

    return {name: rule.summary for name, rule in RULES.items()}


_SHELVES: dict[str, Callable[[], dict[str, str]]] = {"recipes": _recipes, "models": _models, "rules": _rules}

COMMANDS: dict[str, Any] = {
    "generate": Generate,
    "verify": Verify,
    "info": Info,
    "train": Train,
    "compare": Compare,
    "evaluate": Evaluate,
    "report": Report,
    "list": List,
}


def _recipe(name: str, changes: Sequence[str] = ()) -> Recipe:
    from gnnmax.generate.recipe import load_recipe

    recipe = load_recipe(name)
    return recipe.replace(**dict(_change(change) for change in changes)) if changes else recipe


def _change(text: str) -> tuple[str, Any]:
    """Read ``key=value``, the value as TOML or, failing that, as a plain string."""
    import tomllib

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set takes key=value, as in --set seed=3, not {text!r}")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
    except (ValueError, RecursionError):
        raise InputError(
            f"the value of --set {key.strip()} is too long or too deep: give a number, a word or a list"
        ) from None


def _data(name: str) -> DataSet:
    """Open a folder, or build a recipe in memory, with a bar."""
    from gnnmax.store import load_data

    with drawing_progress("drawing hosts") as on_progress:
        return load_data(name, on_progress=on_progress)


def _words(text: str) -> list[str]:
    """Split at commas, leaving out what is empty."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, indent=1, allow_nan=False) + "\n")


def _print_tables(*tables: Any) -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in tables:
        console.print(table)
