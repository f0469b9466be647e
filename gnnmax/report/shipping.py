"""The models that ship with the package: weights and a model card each, from a finished run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gnnmax.errors import InputError
from gnnmax.experiments.results import Results, read_results
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.json_text import json_text
from gnnmax.io.ownership import CARD_FOLDER, PROGRAM
from gnnmax.models.registry import MODELS
from gnnmax.models.trained import CARD, WEIGHTS, load_model
from gnnmax.report.documents import markdown
from gnnmax.report.hugging_face import yaml_head
from gnnmax.task.tabulation import interval_text

__all__ = ["TRAININGS", "model_head", "model_markdown", "ship_models", "write_model_cards"]


TRAININGS = {
    "spikes": (
        "--data close-9 --config shipped "
        "--also spike-9,sizes,weights,ties-9,hubs-9,contact-11,real-les-miserables,real-karate",
        {"cnn": "cnn", "gnn": "gnn"},
    ),
    "bump-natural": (
        "--data bump-9-natural --also bump-9-shuffled --config bump --models cnn,product",
        {"cnn-natural": "cnn"},
    ),
    "bump-shuffled": (
        "--data bump-9-shuffled --also bump-9-natural --config bump --models cnn,product",
        {"cnn-shuffled": "cnn", "product": "product"},
    ),
}
"""The runs that train the shipped models: the arguments of compare, and the name in the run of each one that ships."""


def ship_models(run: Path, destination: Path, names: Mapping[str, str]) -> None:
    """Copy models of a finished run to the shipped ones, in the seed with the lowest validation loss.

    Args:
        run: A run folder that compare wrote.
        destination: The folder of the shipped models, one folder each; models of other names stay.
        names: Name in the run of each model that ships, by the name under which it ships.
    """
    results = read_results(run)
    for shipped, name in names.items():
        chosen = load_model(run / name, device="cpu").card.seed
        folder = destination / shipped
        folder.mkdir(parents=True, exist_ok=True)
        for file in (CARD, WEIGHTS):
            shutil.copyfile(run / name / f"seed-{chosen}" / file, folder / file)
        write_file(folder / "README.md", model_markdown(results, name, chosen, title=shipped))


SPIKE_TEXT = """is the strict maximum at the
centre? Where only that is asked, the exact rule (`argmax`) is faster and never wrong; the net is for what a rule does
not say: how far a learned scorer gets, and where it fails."""

NOISE_TEXT = """is the planted peak at the
centre, though noise hides it? The best possible scorer (`bayes`) knows the order of the nodes and the shape of
the peak."""


def write_model_cards(run: Path, path: Path, *, force: bool = False) -> list[Path]:
    """Write the models of a finished run on windows, each in the seed with the lowest validation loss, with its card.

    Args:
        run: A run folder that compare wrote.
        path: The folder to write, with a folder for each model: weights, model.json and README.md.
        force: Whether to replace a folder that this function wrote.

    Returns:
        The folders of the models.

    Raises:
        InputError: not a run on windows, or a folder in use.
    """
    results = read_results(run)
    if not isinstance(results, Results):
        raise InputError(f"the run in {run} is on maps, and model cards are of nets on windows: give another run")
    names = [record.name for record in results.finished if (record.reference or record.name) in MODELS]
    if not names:
        raise InputError(f"the run in {run} holds no net of gnnmax whose training finished: give another run")
    with atomic_folder(path, owner=CARD_FOLDER, force=force) as scratch:
        ship_models(run, scratch, {name: name for name in names})
        origin = {"program": PROGRAM, "source": results.recipe, "digest": results.card.digest}
        write_file(scratch / CARD_FOLDER.mark, json_text(origin))
    return [path / name for name in names]


def model_head(title: str, training_set: str, tests: Sequence[tuple[str, int, float]]) -> str:
    """Write the head of a model card, in YAML: licence, tags, and its accuracy on each test set.

    Args:
        title: Name of the model.
        training_set: Name of the recipe that it was trained on.
        tests: Name, number of windows and accuracy of each test set.

    Example:
        >>> model_head("gnn", "close-9", [("spike-9", 12800, 1.0)]).splitlines()[:3]
        ['---', 'license: "mit"', 'library_name: "gnnmax"']
    """
    results = [
        {
            "task": {"type": "other", "name": "is the window centred on its maximum?"},
            "dataset": {"type": f"gnnmax/{test}", "name": test, "split": "test", "args": {"windows": windows}},
            "metrics": [{"type": "accuracy", "name": "accuracy", "value": round(accuracy, 4)}],
        }
        for test, windows, accuracy in tests
    ]
    return yaml_head(
        {
            "license": "mit",
            "library_name": PROGRAM,
            "tags": [PROGRAM, "graph", "adjacency-matrix"],
            "datasets": [f"gnnmax/{training_set}"],
            "metrics": ["accuracy"],
            "model-index": [{"name": title, "results": results}],
        }
    )


def model_markdown(results: Results, name: str, seed: int, *, title: str) -> str:
    """Write a model card in Markdown: description, training, evaluation, limits.

    Args:
        results: Of the run that trained it.
        name: Its name in the run.
        seed: Of the weights that ship; the table shows its accuracy.
        title: The name under which it ships.

    References:
        Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
    """
    record = next(model for model in results.models if model.name == name)
    entry, training = MODELS[record.reference or name], results.training
    place = results.seeds.index(seed)
    noisy = results.recipe["label"] == "planted"
    best = "bayes" if noisy else "argmax"
    rows = [
        [
            f"`{test.name}`",
            str(test.k),
            f"{test.windows:,}",
            f"{test.verdicts[name].by_seed['accuracy'][place]:.4f}",
            interval_text(test.verdicts[name].intervals["accuracy"]) if test.hosts > 1 else "one host",
            f"{test.verdicts[best].accuracy:.4f}",
        ]
        for test in results.tests
    ]
    header = ["test set", "k", "windows", "right", "interval over seeds and hosts", f"`{best}`"]
    table = markdown([header, *rows])
    cannot = f"{entry.cannot} " if entry.cannot else ""
    sides = "any odd side" if entry.any_k else f"side {results.tests[0].k}"
    contexts = ", with their contexts" if entry.needs_contexts else ""
    recipe, digest = results.recipe["name"], results.card.digest[:16]
    foreign = "a maximum without noise" if noisy else "a peak in noise"
    tests = [
        (test.name, test.windows, accuracy)
        for test in results.tests
        if (accuracy := test.verdicts[name].by_seed["accuracy"][place]) is not None
    ]
    return f"""{model_head(title, recipe, tests)}

# {title}

{entry.summary} {record.runs[place].parameters:,} parameters. Source: {entry.source}.

**Use.** `gnnmax.load_model("{title}")` scores windows of {sides}{contexts}: {NOISE_TEXT if noisy else SPIKE_TEXT}

**Training.** Windows of `{recipe}` (digest `{digest}`), synthetic graphs only, {training["steps"]:,} steps of
{training["batch_size"]}. Of seeds {", ".join(map(str, results.seeds))} this is {seed}: the lowest validation loss.
`python scripts/train_shipped.py --workers 2` trains it again.

**How it does.** Test windows, none of them seen in training or for a choice.

{table}

**What it cannot do.** {cannot}It was shown one planted maximum a window and says nothing about
windows of other labels, such as {foreign}. Scores are logits, calibrated on its own training windows alone.
"""
