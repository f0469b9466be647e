"""Model cards: what a net is, how it was trained, its metrics on each test set, and its limits.

References:
    Mitchell et al., "Model Cards for Model Reporting", FAT* 2019; https://huggingface.co/docs/hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnnmax.data.descriptions import parse_description
from gnnmax.data.imported import Imported
from gnnmax.data.maps.imported import ImportedMaps
from gnnmax.experiments.map_results import MapResults
from gnnmax.experiments.results import Results, SplitResult
from gnnmax.io.ownership import PROGRAM
from gnnmax.models.registry import MODELS
from gnnmax.report.hugging_face import yaml_head
from gnnmax.task.tabulation import interval_text, markdown

__all__ = ["Figure", "SplitFigures", "is_imported", "model_head", "model_markdown", "origin_of", "training_text"]

SPIKE_TEXT = """is the strict maximum at the
centre? Where only that is asked, the exact rule (`argmax`) is faster and never wrong; the net is for what a rule does
not say: how far a learned scorer gets, and where it fails."""

NOISE_TEXT = """is the planted peak at the
centre, though noise hides it? The best possible scorer (`bayes`) knows the order of the nodes and the shape of
the peak."""

SHIPPED_TRAINING = "python scripts/train_shipped.py --workers 2"

LABEL_TEXT = "is the label true, as it was given with\nthe windows that the net learned from?"


@dataclass(frozen=True)
class Figure:
    """One metric of a net on a test set.

    Attributes:
        metric: Its name.
        title: Its name in words.
        value: Its value.
        best: The best possible value, where it is known.
    """

    metric: str
    title: str
    value: float
    best: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the metric as a model index of Hugging Face states it."""
        known = {} if self.best is None else {"args": {"ceiling": round(self.best, 4)}}
        return {"type": self.metric, "name": self.title, "value": round(self.value, 4), **known}


@dataclass(frozen=True)
class SplitFigures:
    """The metrics of a net on a test set.

    Attributes:
        name: Of the test set: a recipe, or a recipe and a split as ``sizes/k-5``.
        size: Numbers of its windows, or of its maps and peaks.
        figures: The metrics.
    """

    name: str
    size: Mapping[str, int]
    figures: Sequence[Figure]

    def to_dict(self, task: str) -> dict[str, Any]:
        """Return the metrics as a model index of Hugging Face states them."""
        split = self.name.partition("/")[2] or "test"
        dataset = {"type": f"{PROGRAM}/{self.name}", "name": self.name, "split": split, "args": dict(self.size)}
        metrics = [figure.to_dict() for figure in self.figures]
        return {"task": {"type": "other", "name": task}, "dataset": dataset, "metrics": metrics}


def model_head(
    title: str,
    tests: Sequence[SplitFigures],
    *,
    task: str = "is the window centred on its maximum?",
    trained_on: str = "",
    licence: str = "mit",
) -> str:
    """Write the head of a model card, in YAML: licence, tags, and the metrics on each test set.

    Args:
        title: Name of the model.
        tests: The metrics on each test set.
        task: The question that the model answers.
        trained_on: Name of the recipe that it was trained on; none if there is no single one.
        licence: Of the weights.

    Example:
        >>> tests = [SplitFigures("spike-9", {"windows": 12800}, [Figure("accuracy", "accuracy", 1.0)])]
        >>> model_head("gnn", tests, trained_on="close-9").splitlines()[:3]
        ['---', 'license: "mit"', 'library_name: "gnnmax"']
    """
    metrics = dict.fromkeys(figure.metric for test in tests for figure in test.figures)
    results = [test.to_dict(task) for test in tests if test.figures]  # an entry without a metric is refused
    return yaml_head(
        {
            "license": licence,
            "library_name": PROGRAM,
            "tags": [PROGRAM, "graph", "adjacency-matrix"],
            **({"datasets": [f"{PROGRAM}/{trained_on}"]} if trained_on else {}),
            "metrics": list(metrics),
            **({"model-index": [{"name": title, "results": results}]} if results else {}),
        }
    )


def is_imported(recipe: dict[str, Any]) -> bool:
    """Return whether the data of a run are the caller's own, from the plain values of their description."""
    return isinstance(parse_description(recipe, "of the run"), Imported | ImportedMaps)


def origin_of(recipe: dict[str, Any]) -> str:
    """Return where the data of a run come from, in words.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> origin_of(load_recipe("tiny").to_dict()), origin_of(load_recipe("real-karate").to_dict())
        ('synthetic graphs only', 'real graphs')
    """
    if is_imported(recipe):
        return "imported data"
    background = recipe.get("map", {}).get("background") or {}
    hosts = recipe.get("hosts") or [background.get("family", {})]
    return "real graphs" if any(host.get("type") in ("real", "file") for host in hosts) else "synthetic graphs only"


def training_text(results: Results | MapResults, seed: int, command: str = "") -> str:
    """Write how the nets of a run were trained.

    Args:
        results: Of the run.
        seed: Of the weights that the card is of.
        command: The command that trains them again; empty for that of the run.
    """
    recipe, training = results.recipe, results.training
    what = "Maps" if isinstance(results, MapResults) else "Windows"
    return f"""{what} of `{recipe["name"]}` (digest `{results.card.digest[:16]}`), {origin_of(recipe)},
{training["steps"]:,} steps of {training["batch_size"]}. Of seeds {", ".join(map(str, results.seeds))} this is {seed}:
the lowest validation loss. `{command or " ".join(results.command.split())}` trains it again."""


def model_markdown(results: Results, name: str, seed: int, *, title: str, shipped: bool = False) -> str:
    """Write the card of a net on windows in Markdown: description, training, evaluation, limits.

    Args:
        results: Of the run that trained it.
        name: Its name in the run.
        seed: Of the weights that the card is of; the table shows its accuracy.
        title: Its name on the card.
        shipped: Whether it ships with the package, under that name.
    """
    record = next(model for model in results.models if model.name == name)
    entry, place = MODELS[record.reference or name], results.seeds.index(seed)
    recipe = results.recipe
    best = "bayes" if "bayes" in results.tests[0].verdicts else "argmax"
    cannot = f"{entry.cannot} " if entry.cannot else ""
    sides = "any odd side" if entry.any_k else f"side {results.tests[0].k}"
    contexts = ", with their contexts" if entry.needs_contexts else ""
    tests = [_figures_of(test, name, place) for test in results.tests]
    licence = "unknown" if is_imported(recipe) else "mit"
    return f"""{model_head(title, tests, trained_on=recipe["name"], licence=licence)}

# {title}

{entry.summary} {record.runs[place].parameters:,} parameters. Source: {entry.source}.

**Use.** `gnnmax.load_model("{title if shipped else "FOLDER"}")` scores windows of {sides}{contexts}: {_asked(recipe)}

**Training.** {training_text(results, seed, SHIPPED_TRAINING if shipped else "")}

**How it does.** Test windows, none of them seen in training or for a choice.

{_table(results.tests, name, place, best)}

**What it cannot do.** {cannot}{_limits(recipe)} Scores are logits, calibrated on its own training windows alone.
"""


def _asked(recipe: Mapping[str, Any]) -> str:
    if recipe["label"] == "observed":
        return SPIKE_TEXT
    return LABEL_TEXT if is_imported(dict(recipe)) else NOISE_TEXT


def _limits(recipe: Mapping[str, Any]) -> str:
    if is_imported(dict(recipe)):
        return "It says nothing about windows from another source than those that it learned from."
    foreign = "a maximum without noise" if recipe["label"] == "planted" else "a peak in noise"
    return f"""It was shown one planted maximum a window and says nothing about
windows of other labels, such as {foreign}."""


def _figures_of(test: SplitResult, name: str, place: int) -> SplitFigures:
    """Return the accuracy of one seed; none where it does not exist."""
    accuracy = test.verdicts[name].by_seed["accuracy"][place]
    figures = [] if accuracy is None else [Figure("accuracy", "accuracy", accuracy, test.ceiling)]
    return SplitFigures(test.name, {"windows": test.windows}, figures)


def _table(tests: Sequence[SplitResult], name: str, place: int, best: str) -> str:
    rows = [
        [
            f"`{test.name}`",
            str(test.k),
            f"{test.windows:,}",
            f"{test.verdicts[name].by_seed['accuracy'][place]:.4f}",
            interval_text(test.verdicts[name].intervals["accuracy"]) if test.hosts > 1 else "one host",
            f"{test.verdicts[best].accuracy:.4f}",
        ]
        for test in tests
    ]
    return markdown([["test set", "k", "windows", "right", "interval over seeds and hosts", f"`{best}`"], *rows])
