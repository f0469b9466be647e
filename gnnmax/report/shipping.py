"""The models that ship with the package: weights and a model card each, from a finished run."""

from __future__ import annotations

import shutil
from pathlib import Path

from gnnmax.evaluation.tabulation import interval_text
from gnnmax.experiments.results import Results, read_results
from gnnmax.io.atomic import write_file
from gnnmax.models.registry import MODELS
from gnnmax.models.trained import CARD, WEIGHTS, load_model
from gnnmax.report.documents import markdown

__all__ = ["model_markdown", "ship_models"]


def ship_models(run: Path, shelf: Path) -> None:
    """Copy each model of a finished run to the shipped ones, in the seed with the lowest validation loss.

    Args:
        run: A run folder that compare wrote.
        shelf: The folder of the shipped models, one folder each; models of other names stay.
    """
    results = read_results(run)
    for model in results.finished:
        chosen = load_model(run / model.name, device="cpu").card.seed
        folder = shelf / model.name
        folder.mkdir(parents=True, exist_ok=True)
        for file in (CARD, WEIGHTS):
            shutil.copyfile(run / model.name / f"seed-{chosen}" / file, folder / file)
        write_file(folder / "README.md", model_markdown(results, model.name, chosen))


def model_markdown(results: Results, name: str, seed: int) -> str:
    """Write a model card in Markdown: description, training, evaluation, limits.

    Args:
        results: Of the run that trained it.
        name: Of the model.
        seed: Of the weights that ship; the table shows its accuracy.

    References:
        Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
    """
    record = next(model for model in results.models if model.name == name)
    entry, training = MODELS[record.reference or name], results.training
    place = results.seeds.index(seed)
    rows = [
        [
            f"`{test.name}`",
            str(test.k),
            f"{test.windows:,}",
            f"{test.verdicts[name].by_seed['accuracy'][place]:.4f}",
            interval_text(test.verdicts[name].intervals["accuracy"]) if test.hosts > 1 else "one host",
            f"{test.verdicts['argmax'].accuracy:.4f}",
        ]
        for test in results.tests
    ]
    header = ["test set", "k", "windows", "right", "interval over seeds and hosts", "the exact rule"]
    table = markdown([header, *rows])
    cannot = f"{entry.cannot} " if entry.cannot else ""
    sides = "any odd side" if entry.any_k else f"side {results.tests[0].k}"
    recipe, digest = results.recipe["name"], results.card.digest[:16]
    return f"""# {name}

{entry.summary} {record.runs[place].parameters:,} parameters. Source: {entry.source}.

**Use.** `gnnmax.load_model("{name}")` scores windows of {sides}: is the strict maximum at the
centre? Where only that is asked, the exact rule (`argmax`) is faster and never wrong; the net is for what a rule does
not say: how far a learned scorer gets, and where it fails.

**Training.** Windows of `{recipe}` (digest `{digest}`), synthetic graphs only, {training["steps"]:,} steps of
{training["batch_size"]}. Of seeds {", ".join(map(str, results.seeds))} this is {seed}: the lowest validation loss.
`python scripts/train_shipped.py --workers 2` trains it again.

**How it does.** Test windows, none of them seen in training or for a choice.

{table}

**What it cannot do.** {cannot}It was shown one planted maximum a window and says nothing about
windows of other labels, such as a peak in noise. Scores are logits, calibrated on its own training windows alone.
"""
