"""Trained nets on maps: saved, loaded and scored; damaged and foreign folders are refused as those of windows are."""

import json

import numpy as np
import pytest
import torch

from gnnmax.data.generation import build
from gnnmax.detection.net_calls import find_calls
from gnnmax.errors import InputError
from gnnmax.models.maps.registry import build_map_model
from gnnmax.models.maps.trained import load_map_model, map_evidence, sliding_model
from gnnmax.models.model_folders import load_model, save_model
from gnnmax.models.registry import build_model
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows
from tests.support.maps import TABLES, map_recipe

SMALL = {"width": 4, "dilations": (1, 2)}


@pytest.fixture
def saved(tmp_path):
    net = build_map_model("map-cnn", SMALL, seed=3)
    save_model(tmp_path / "net", net, name="map-cnn", k=None, config=SMALL, seed=3, recipe="line-64")
    return tmp_path / "net"


@pytest.mark.parametrize("table", ["needle", "line, shuffled", "contact", "two sets", "ragged"])
def test_scores_are_the_evidence_where_a_place_can_be_and_minus_infinity_elsewhere(saved, table):
    maps = build(map_recipe(**TABLES[table])).test
    model = load_map_model(saved, device="cpu")
    scores = model.score(maps)
    nowhere = np.isnan(maps.values)
    if maps.structure == "symmetric":
        nowhere |= np.eye(maps.n, dtype=bool)
        np.testing.assert_array_equal(scores, scores.swapaxes(1, 2))
    assert scores.dtype == np.float32 and scores.shape == maps.values.shape
    np.testing.assert_array_equal(np.isneginf(scores), nowhere)
    expected = map_evidence(model.module, torch.tensor(maps.values)).numpy()
    np.testing.assert_allclose(scores[~nowhere], expected[~nowhere], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model(maps), scores)


def test_one_matrix_has_the_scores_of_a_map(saved):
    matrix = np.random.default_rng(0).normal(size=(7, 9))
    model = load_map_model(saved, device="cpu")
    found = model.score_matrix(matrix, structure="bipartite")
    np.testing.assert_array_equal(found, model.score(Maps.from_values(matrix, structure="bipartite"))[0])
    with pytest.raises(InputError, match="as many rows as columns"):
        model.score_matrix(matrix, structure="directed")


@pytest.mark.parametrize("kind", ["int64", "uint32", "int16", "bool"])
def test_whole_numbers_are_read_exactly(saved, kind):
    counts = np.random.default_rng(0).poisson(2, size=(7, 9)).astype(kind)
    model = load_map_model(saved, device="cpu")
    offset = {"int64": 2**40, "uint32": 2**30, "int16": 2**14, "bool": 0}[kind]
    moved = counts + np.array(offset, dtype=kind)
    assert moved.dtype == kind
    plain, other = (model.score_matrix(one, structure="bipartite") for one in (counts.astype(float), moved))
    np.testing.assert_allclose(other, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["map-cnn", "map-product"])
def test_a_constant_map_has_no_evidence_for_any_place(name):
    model = load_map_model(name, device="cpu")
    for value in (0.0, 1.0, -7.3, 1e30):
        assert not model.score_matrix(np.full((12, 12), value), structure="directed").any()
    correlations = model.score_matrix(2 * np.eye(12) + 1, structure="symmetric")
    assert np.unique(correlations).tolist() == [-np.inf, 0.0], "the diagonal of a symmetric map holds no place"
    ragged = model.score(Maps.from_values([np.ones((12, 12)), np.arange(81.0).reshape(9, 9)], structure="directed"))
    assert not ragged[0].any() and len(np.unique(ragged[1, :9, :9])) > 60
    assert not len(find_calls(np.ones((40, 40)), model, 5))


@pytest.mark.parametrize(
    ("factor", "offset"), [(2.0**-1000, 0), (2.0**1000, 0), (2.0**-140, 0), (1, 2.0**30), (1, -(2.0**40))]
)
def test_a_matrix_has_the_same_scores_on_any_scale(saved, factor, offset):
    matrix = np.round(np.random.default_rng(0).normal(size=(7, 9)) * 256) / 256
    model = load_map_model(saved, device="cpu")
    plain, other = (model.score_matrix(one, structure="bipartite") for one in (matrix, matrix * factor + offset))
    np.testing.assert_allclose(other, plain, rtol=1e-4, atol=1e-4)


def test_ragged_maps_have_the_scores_that_each_has_alone(saved):
    maps = build(map_recipe(**TABLES["ragged"])).test
    model = load_map_model(saved, device="cpu")
    together = model.score(maps)
    for index, (rows, columns) in enumerate(maps.size.tolist()):
        alone = model.score_matrix(maps.values[index, :rows, :columns], structure="bipartite")
        np.testing.assert_allclose(together[index, :rows, :columns], alone, rtol=1e-4, atol=1e-5)


def test_a_saved_net_comes_back_with_its_card(saved, tmp_path):
    model = load_map_model(saved, device="cpu")
    again = model.save(tmp_path / "again")
    assert again.weights_sha256 == model.card.weights_sha256 and again.k is None and again.recipe == "line-64"
    assert "maps of any sides" in str(model.tables()) and "map-cnn: any map" in repr(model)
    assert model.to("cpu") is model
    with pytest.raises(InputError, match="holds a model already"):
        model.save(saved)


def test_each_loader_refuses_the_nets_of_the_other(saved):
    with pytest.raises(InputError, match="map-cnn reads maps, not windows: load it with load_map_model"):
        load_model(saved)
    with pytest.raises(InputError, match="gnn reads windows, not maps"):
        load_map_model("gnn")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"k": 9}, "unknown model 'map-cnn'"),
        ({"model": "gnn"}, "unknown model 'gnn'"),
        ({"any_k": False}, "any_k = False, which is wrong"),
        ({"config": {"width": 8}}, "of another net"),
        ({"weights_sha256": "0" * 64}, "the file was changed or cut short"),
        ({"extra": 1}, "unknown field"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(saved, changes, complaint):
    card = saved / "model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), **changes}))
    with pytest.raises(InputError, match=complaint):
        load_map_model(saved)


def test_weights_that_are_not_of_the_net_are_not_saved(tmp_path):
    with pytest.raises(InputError, match="it is of another net"):
        save_model(tmp_path, build_map_model("map-cnn", SMALL), name="map-cnn", k=None)


def test_maps_that_cannot_be_scored_are_refused(saved, tmp_path):
    model = load_map_model(saved, device="cpu")
    maps = build(map_recipe(**TABLES["needle"])).test
    with pytest.raises(InputError, match="scores Maps, not ndarray"):
        model.score(maps.values)
    with pytest.raises(InputError, match="no maps to score"):
        model.score(maps[:0])
    with pytest.raises(InputError, match="1 of 1 maps hold infinite values"):
        model.score_matrix(np.full((3, 3), np.inf), structure="directed")
    save_model(tmp_path / "gnn", build_map_model("map-gnn"), name="map-gnn", k=None)
    with pytest.raises(InputError, match="bipartite maps have none among rows"):
        load_map_model(tmp_path / "gnn", device="cpu").score_matrix(np.eye(4), structure="bipartite")


def test_a_trained_net_on_windows_slides_with_its_own_weights(tmp_path):
    net = build_model("cnn", 5, seed=1)
    save_model(tmp_path, net, name="cnn", k=5, seed=1)
    sliding = sliding_model(load_model(tmp_path, device="cpu"), k=3)
    matrix = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    matrix += matrix.T
    window = Windows.from_values(matrix[None, 1:4, 2:5])
    turned = Windows.from_values(matrix[None, 2:5, 1:4])
    mean = (load_model(tmp_path, device="cpu").score(window) + load_model(tmp_path, device="cpu").score(turned)) / 2
    np.testing.assert_allclose(sliding.score_matrix(matrix, structure="symmetric")[2, 3], mean[0], rtol=1e-4)
    assert load_map_model_of(sliding, tmp_path / "again").card.config["k"] == 3


def load_map_model_of(model, folder):
    model.save(folder)
    return load_map_model(folder, device="cpu")


def test_a_side_that_a_net_on_windows_does_not_accept_is_refused(tmp_path):
    save_model(tmp_path, build_model("question", 5), name="question", k=5)
    with pytest.raises(InputError, match="accepts no side 7"):
        sliding_model(load_model(tmp_path, device="cpu"), k=7)
