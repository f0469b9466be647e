"""The models that ship with the package: weights and a model card each, from a finished run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from gnnmax.data.generation import build
from gnnmax.data.recipe_files import as_map_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.map_kind import net_calls
from gnnmax.experiments.map_results import MapResults
from gnnmax.experiments.map_scoreboard import evaluate_map_split
from gnnmax.experiments.results import read_results
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.json_text import json_text
from gnnmax.io.ownership import CARD_FOLDER, PROGRAM
from gnnmax.models.maps.registry import MAP_MODELS
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import CARD, WEIGHTS, load_net
from gnnmax.models.registry import MODELS
from gnnmax.report.documents import DOCUMENT, replace_marked
from gnnmax.report.map_model_cards import TASK, map_figures, map_figures_table, map_model_markdown
from gnnmax.report.model_cards import model_head, model_markdown

__all__ = ["MAP_TESTS", "TRAININGS", "own_nets", "refresh_map_card", "ship_models", "write_model_cards"]

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

MAP_TESTS = {
    "map-cnn": ("line-64", "line-64-shuffled", "peaks-128", "contact-256"),
    "map-product": ("line-64-shuffled", "line-64"),
}
"""The recipes whose test maps the cards of the shipped nets on maps are about."""


def ship_models(run: Path, destination: Path, names: Mapping[str, str], *, shipped: bool = True) -> None:
    """Copy models of a finished run to the shipped ones, in the seed with the lowest validation loss.

    Args:
        run: A run folder that compare wrote.
        destination: The folder of the models, one folder each; models of other names stay.
        names: Name in the run of each model, by the name of its folder.
        shipped: Whether they ship with the package, under those names; their cards say how to load them.
    """
    results = read_results(run)
    for title, name in names.items():
        seed = load_net(run / name, device="cpu").card.seed
        folder = destination / title
        folder.mkdir(parents=True, exist_ok=True)
        for file in (CARD, WEIGHTS):
            shutil.copyfile(run / name / f"seed-{seed}" / file, folder / file)
        if isinstance(results, MapResults):
            card = map_model_markdown(results, name, seed, title=title)
        else:
            card = model_markdown(results, name, seed, title=title, shipped=shipped)
        write_file(folder / "README.md", card)


def write_model_cards(run: Path, path: Path, *, force: bool = False) -> list[Path]:
    """Write the models of a finished run, each in the seed with the lowest validation loss, with its card.

    Nets of the caller's own are left out: a folder without their code does not load.

    Args:
        run: A run folder that compare wrote, on windows or on maps.
        path: The folder to write, with a folder for each model: weights, model.json and README.md.
        force: Whether to replace a folder that this function wrote.

    Returns:
        The folders of the models.

    Raises:
        InputError: not a finished run, one without a net of gnnmax that finished, or a folder in use.
    """
    results = read_results(run)
    own = own_nets(run)
    names = [record.name for record in results.finished if record.name not in own]
    if not names:
        raise InputError(f"the run in {run} holds no net of gnnmax whose training finished: give another run")
    with atomic_folder(path, owner=CARD_FOLDER, force=force) as scratch:
        ship_models(run, scratch, {name: name for name in names}, shipped=False)
        origin = {"program": PROGRAM, "source": results.recipe, "digest": results.card.digest}
        write_file(scratch / CARD_FOLDER.mark, json_text(origin))
    return [path / name for name in names]


def own_nets(run: Path) -> list[str]:
    """Return the names of the nets of a finished run whose code is the caller's own.

    Raises:
        InputError: not a finished run.
    """
    results = read_results(run)
    known = MAP_MODELS if isinstance(results, MapResults) else MODELS
    return [record.name for record in results.models if (record.reference or record.name) not in known]


def refresh_map_card(name: str, folder: Path) -> None:
    """Measure a shipped net on maps, and write the head of its card and the table between its marks ``figures``.

    Args:
        name: A key of :data:`MAP_TESTS`.
        folder: That of the net, which holds its README.md.
    """
    net, tests = load_map_model(folder, device="cpu"), []
    for source in MAP_TESTS[name]:
        recipe = as_map_recipe(source)
        data = build(recipe.replace(splits={"test": recipe.splits["test"], **dict.fromkeys(recipe.shifts, 1)}))
        calls = {name: [net_calls(net.score, data, "test")]}
        tests.append(evaluate_map_split(data, calls, trained=False))
    card = folder / "README.md"
    _, _, text = DOCUMENT.read(card).decode().partition("\n---\n")
    head = model_head(name, [map_figures(test, name) for test in tests], task=TASK)
    write_file(card, f"{head}\n{text}")
    replace_marked(card, "figures", map_figures_table(tests, name))
