"""Nets read windows in the order of their values, whatever type of number these have."""

import numpy as np
import pytest
import torch

from gnnmax import RULES, is_centred, load_model, score_everywhere
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.window_batches import windows_around
from gnnmax.detection.window_cuts import windows_at
from gnnmax.detection.window_scoring import score_windows
from gnnmax.detection.window_values import as_read, in_order
from gnnmax.models.encoding import rank, standardise
from gnnmax.models.model_folders import load_model as loaded
from gnnmax.models.model_folders import save_model
from gnnmax.models.registry import build_model
from gnnmax.task.arrays import as_floats
from gnnmax.task.windows import Windows

SMALL = np.random.default_rng(0).permuted(np.tile(np.arange(25), (40, 1)), axis=1).reshape(40, 5, 5)
"""Windows of 25 different small numbers, which float32 holds exactly."""

MOVED = {
    "float64": SMALL + 3e8,
    "tiny": SMALL * 1e-60,
    "huge": SMALL * 1e300,
    "int32": SMALL.astype(np.int32) + 2**30,
    "uint32": SMALL.astype(np.uint32) + np.uint32(2**31),
    "int64": SMALL + 2**62,
    "negative": SMALL - 2**62,
    "uint64": SMALL.astype(np.uint64) + np.uint64(2**63),
}
"""The same windows in the same order, where float32 merges the values or cannot hold them."""


@pytest.fixture(scope="module")
def standard(tmp_path_factory):
    """Save and load a net that standardises windows."""
    folder = tmp_path_factory.mktemp("standard")
    save_model(folder, build_model("cnn", 5), name="cnn", k=5)
    return loaded(folder, device="cpu")


@pytest.mark.parametrize("name", MOVED)
def test_a_net_that_ranks_scores_moved_values_as_the_small_ones(name):
    net = load_model("gnn", device="cpu")
    scores, reasons = score_windows(net, as_floats(MOVED[name]))
    np.testing.assert_array_equal(scores, net(Windows.from_values(SMALL)))
    assert not any(reasons)


@pytest.mark.parametrize("name", MOVED)
def test_a_net_that_standardises_scores_moved_values_as_the_small_ones(name, standard):
    scores, reasons = score_windows(standard, as_floats(MOVED[name]))
    np.testing.assert_allclose(scores, standard(Windows.from_values(SMALL)), rtol=1e-4, atol=1e-5)
    assert not any(reasons)


@pytest.mark.parametrize("name", MOVED)
def test_windows_of_a_matrix_keep_the_answer_of_the_rule_in_every_type(name):
    centred = is_centred(SMALL)
    for window, expected in zip(MOVED[name], centred, strict=True):
        cut = windows_at(as_source(window, directed=True), np.array([2]), np.array([2]), k=5)
        assert is_centred(cut).tolist() == [expected]
    assert centred.any() and not centred.all()


def test_windows_of_a_graph_keep_the_order_of_its_weights():
    weights = np.zeros((12, 12), dtype=np.int64)
    upper = np.triu_indices(12, 1)
    weights[upper] = 2**60 + np.arange(66)
    weights += weights.T
    places, every = (np.array([10]), np.array([11])), np.ones(1, dtype=np.bool_)
    (cut,) = windows_around(as_source(weights), *places, 3, cut=every, graph=True)
    assert is_centred(cut.values).all()


def test_a_window_that_float32_holds_exactly_is_read_unchanged():
    for encoding in ("rank", "standard", "none", ""):
        read, same = as_read(SMALL.astype(np.float64), encoding)
        np.testing.assert_array_equal(read, SMALL)
        assert same.all()


@pytest.mark.parametrize("encode", ["rank", "standard"])
def test_values_that_float32_rounds_and_keeps_apart_have_the_scores_of_the_rounded_ones(encode):
    windows = np.random.default_rng(1).lognormal(size=(50, 3, 3))
    read, _ = as_read(windows, encode)
    net = {"rank": rank, "standard": standardise}[encode]
    assert torch.equal(net(torch.tensor(read)), net(torch.tensor(windows.astype(np.float32))))


def test_a_rule_that_reads_values_leaves_out_only_the_windows_that_float32_ties():
    windows = np.full((3, 3, 3), 3e8)
    windows[:, 1, 1] += [1, 1000, 0]
    scores, reasons = score_windows(RULES["argmax"], windows)
    assert np.isnan(scores).tolist() == [True, False, False]
    assert "float32" in reasons[0] and reasons[1:].tolist() == ["", ""]


def test_infinite_values_have_ranks_and_are_no_reason_for_nets_that_rank(standard):
    window = SMALL[:1].astype(np.float64)
    window[window == window.max()] = np.inf
    net = load_model("gnn", device="cpu")
    assert score_windows(net, window)[0] == net(Windows.from_values(SMALL[:1]))
    assert score_windows(standard, window)[1].tolist() == ["the window holds infinite values"]
    windows = in_order(np.array([[[np.inf, -np.inf, np.nan]]]))
    np.testing.assert_array_equal(windows, [[[1, 0, np.nan]]])


@pytest.mark.parametrize("name", ["int64", "float64", "huge"])
def test_score_maps_keep_the_order_too(name):
    net, matrix = load_model("gnn", device="cpu"), MOVED[name][0]
    np.testing.assert_array_equal(score_everywhere(net, matrix, 3), score_everywhere(net, SMALL[0], 3))


def test_a_tower_on_raw_values_has_no_score_where_float32_ties_or_overflows(tmp_path):
    raw = {"encoding": "none"}
    save_model(tmp_path, build_model("question-valid", 5, raw), name="question-valid", config=raw, k=5)
    tower = loaded(tmp_path, device="cpu")
    assert tower.dense(5) is not None, "the premise"
    matrix = np.random.default_rng(0).random((18, 18))
    matrix[:8, :8] = 3e8
    matrix[3, 3], matrix[13, 13] = 3e8 + 1, 1e300
    scores = score_everywhere(tower, matrix, 5)[2:-2, 2:-2]
    expected = {(3, 3), *((i, j) for i in range(11, 16) for j in range(11, 16))}
    assert {(i, j) for i, j in np.argwhere(np.isnan(scores)) + 2} == expected
