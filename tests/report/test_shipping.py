"""The models that ship: small, found by name without a network, and right where their cards say so."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from gnnmax.cli.main import main
from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.store import load_data
from gnnmax.errors import InputError
from gnnmax.evaluation.evaluator import evaluate
from gnnmax.experiments.run_folder import load_run
from gnnmax.models.model_folders import SHIPPED, load_model, load_net, shipped_models
from gnnmax.report.shipping import MAP_TESTS, refresh_map_card, ship_models
from gnnmax.task.windows import Windows

SEED = 20_000
"""Of test windows that no training and no card has seen."""


def test_nets_for_spikes_for_bumps_and_for_maps_ship_and_weigh_less_than_two_megabytes():
    assert shipped_models() == ["cnn", "cnn-natural", "cnn-shuffled", "gnn", "product"]
    assert shipped_models(maps=True) == ["map-cnn", "map-product"]
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) < 2_000_000
    for name in [*shipped_models(), *shipped_models(maps=True)]:
        card = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
        assert (
            card.startswith('---\nlicense: "mit"\n') and f"\n---\n\n# {name}\n" in card and "What it cannot do" in card
        )
        assert load_net(name).card.recipe_digest[:16] in card


@pytest.mark.parametrize("name", ["cnn", "gnn"])
@pytest.mark.parametrize(("k", "lowest"), [(5, 0.99), (9, 0.998)])
def test_a_shipped_net_agrees_with_the_rule_on_windows_that_it_has_never_seen(name, k, lowest):
    data = build(load_recipe("spike-9").replace(k=k, seed=SEED, splits={"test": 40}))
    assert evaluate(load_model(name, device="cpu"), data.test, resamples=2).accuracy >= lowest


@pytest.mark.parametrize(
    ("name", "graph"),
    [(name, graph) for graph in ("real-les-miserables", "real-karate") for name in ("cnn", "gnn")]
    + [("gnn", "real-florentine")],  # of ones and zeros: on ties beyond any in training the image net errs
)
def test_a_shipped_net_agrees_with_the_rule_on_real_graphs(name, graph):
    w = load_data(graph).test
    assert ((load_model(name, device="cpu")(w) > 0) == w.label).mean() >= 0.99


@pytest.mark.parametrize("k", [15, 31])
@pytest.mark.parametrize("form", ["as it is", "cubed", "exponential"])
def test_the_shipped_gnn_knows_neither_side_nor_scale(k, form):
    w = build(load_recipe("spike-9").replace(k=k, seed=SEED, splits={"test": 10})).test
    values = w.values.astype(np.float64)
    values = values**3 if form == "cubed" else np.exp(values / values.max()) if form == "exponential" else values
    moved = Windows.from_values(values.astype(np.float32))
    assert evaluate(load_model("gnn", device="cpu"), moved, resamples=2).accuracy >= 0.998


def test_a_folder_of_one_s_own_is_meant_by_its_path(tmp_path, monkeypatch):
    shutil.copytree(SHIPPED / "cnn", tmp_path / "gnn")
    monkeypatch.chdir(tmp_path)
    assert (load_model("gnn").name, load_model("./gnn").name) == ("gnn", "cnn")
    assert list(load_run("gnn")) == ["gnn"]
    with pytest.raises(InputError, match="or one of cnn, cnn-natural"):
        load_model("gnm")


def test_the_seed_of_the_lowest_validation_loss_ships(tmp_path):
    run, shipped_folder = tmp_path / "run", tmp_path / "shipped_folder"
    words = ["--models", "cnn,gnn", "--seeds", "3", "--steps", "4", "--device", "cpu"]
    assert main(["compare", "--data", "tiny", "--out", str(run), *words]) == 0
    ship_models(run, shipped_folder, {"image": "cnn", "gnn": "gnn"})
    for shipped, name in (("image", "cnn"), ("gnn", "gnn")):
        seeds = [load_model(run / name / f"seed-{seed}").card for seed in range(3)]
        best = min(seeds, key=lambda card: card.validation_loss)
        assert load_model(shipped_folder / shipped).card == best
        assert f"this is {best.seed}:" in (Path(shipped_folder) / shipped / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["cnn", "gnn"])
def test_a_shipped_net_never_calls_a_constant_window_centred_and_sees_the_closest_margins(name):
    data = build(load_recipe("close-9").replace(seed=SEED, splits={"test": 60}))
    model, w = load_model(name, device="cpu"), data.test
    right = (model(w) > 0) == w.label
    assert right[w.kind == "constant"].all() and (w.kind == "constant").any()
    close = (np.abs(w.margin) < 1e-4) & (w.margin != 0)
    assert close.sum() > 300 and right[close].all()
    for number in (0.0, -3.0, 1e9):
        assert model(Windows.from_values(np.full((1, 9, 9), number, dtype=np.float32))) < 0


@pytest.mark.slow
@pytest.mark.parametrize("name", MAP_TESTS)
def test_the_card_of_a_shipped_net_on_maps_is_what_is_measured(name, tmp_path):
    shutil.copytree(SHIPPED / name, tmp_path / name)
    refresh_map_card(name, tmp_path / name)
    assert (tmp_path / name / "README.md").read_text("utf-8") == (SHIPPED / name / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["cnn", "gnn"])
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_shipped_net_scores_windows_with_missing_entries_as_the_rule_does(name, share):
    rng = np.random.default_rng(0)
    values = build(load_recipe("spike-9").replace(seed=SEED, splits={"test": 20})).test.values.copy()
    values[rng.random(values.shape) < share] = np.nan
    w = Windows.from_values(values)
    measured = ~np.isnan(values[:, 4, 4])
    right = ((load_model(name, device="cpu")(w) > 0) == w.label)[measured]
    assert right.mean() >= 0.99


def test_where_the_order_is_lost_the_product_net_is_ten_points_above_the_image_net():
    w = build(load_recipe("bump-9-shuffled").replace(seed=SEED, splits={"test": 40})).test
    right = {name: ((load_model(name, device="cpu")(w) > 0) == w.label).mean() for name in ("product", "cnn-shuffled")}
    assert right["product"] > 0.945 and right["product"] - right["cnn-shuffled"] > 0.09
    natural = build(load_recipe("bump-9-natural").replace(seed=SEED, splits={"test": 40})).test
    assert ((load_model("cnn-natural", device="cpu")(natural) > 0) == natural.label).mean() > 0.945
