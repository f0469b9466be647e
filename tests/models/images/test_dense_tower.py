"""Towers over a whole matrix: the scores of every window, whatever the padding, stride and head."""

import itertools

import numpy as np
import pytest
import torch

from gnnmax import InputError, score_everywhere
from gnnmax.models.architecture import architecture_of
from gnnmax.models.images.dense_tower import DenseTower, has_dense_form
from gnnmax.models.images.tower import TowerNet
from gnnmax.models.registry import MODELS, build_model
from gnnmax.models.tower_spec import TowerSpec
from gnnmax.models.trained import ModelCard, TrainedModel

CARD = {"k": 5, "weights_sha256": "0" * 64, "versions": {}, "seed": 0}

PADDINGS, HEADS = ("valid", "zero", "circular", "full"), ("flatten", "global", "centre")
SHAPES = (((5,), 3, ()), ((4, 5), 3, ()), ((4, 3, 3), 3, ()), ((6, 4), 2, ()), ((4, 4), 3, (2, 1)), ((4, 3), 2, (1, 3)))


def net_of(spec, k, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = TowerNet(spec, k, encoding="none").eval().double()
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter, std=0.5)  # biases too
    return net


def one_by_one(net, matrix, k):
    windows = matrix.unfold(0, k, 1).unfold(1, k, 1)
    with torch.no_grad():
        return net(windows.flatten(0, 1)).view(windows.shape[:2])


@pytest.mark.parametrize(("padding", "head"), list(itertools.product(PADDINGS, HEADS)))
@pytest.mark.parametrize(("channels", "kernel", "steps"), SHAPES)
@pytest.mark.parametrize("k", [7, 9])
def test_scores_are_those_of_every_window(padding, head, channels, kernel, steps, k):
    net = net_of(TowerSpec(channels=channels, kernel=kernel, steps=steps, padding=padding, head=head), k)
    matrix = torch.randn(k + 6, k + 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(DenseTower(net, k)(matrix), one_by_one(net, matrix, k), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("tile", [1, 3, 1000])
def test_tiles_of_any_size_give_the_same(monkeypatch, tile):
    net = net_of(TowerSpec(channels=(4, 4), head="global"), 5)
    matrix = torch.randn(11, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr("gnnmax.models.images.dense_tower.TILE", tile)
    torch.testing.assert_close(DenseTower(net, 5)(matrix), one_by_one(net, matrix, 5))


def test_a_window_as_large_as_the_matrix_is_one_window():
    net = net_of(TowerSpec(channels=(4,)), 5)
    matrix = torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(DenseTower(net, 5)(matrix), one_by_one(net, matrix, 5))


def test_zero_padding_taken_over_the_whole_matrix_is_wrong():
    """The control: what a plain convolution over the matrix would give."""
    net = net_of(TowerSpec(channels=(4, 4), head="centre"), 5)
    matrix = torch.randn(12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        naive = net.tower.dense(net.tower.layers(matrix[None, None])[0].movedim(0, -1))[2:-2, 2:-2, 0]
    deep = net_of(TowerSpec(channels=(4, 4, 4), head="centre"), 5)
    with torch.no_grad():
        deeper = deep.tower.dense(deep.tower.layers(matrix[None, None])[0].movedim(0, -1))[2:-2, 2:-2, 0]
    torch.testing.assert_close(naive, one_by_one(net, matrix, 5))  # two layers do not reach the border from the centre
    assert (deeper - one_by_one(deep, matrix, 5)).abs().max() > 1e-3  # three do
    torch.testing.assert_close(DenseTower(deep, 5)(matrix), one_by_one(deep, matrix, 5))


@pytest.mark.parametrize("name", ["question-max", "blurpool", "polyphase", "coordconv"])
def test_nets_on_chosen_grids_or_with_coordinates_are_left_to_windows(name):
    net = build_model(name, 9, {"encoding": "none"})
    assert not has_dense_form(net)
    with pytest.raises(InputError, match="no dense form"):
        DenseTower(net, 9)


@pytest.mark.parametrize(("name", "config"), [("cnn", {}), ("question", {}), ("question", {"encoding": "rank"})])
def test_nets_on_a_windows_own_scale_are_left_to_windows(name, config):
    assert not has_dense_form(build_model(name, 9, config))


def test_a_wrong_side_or_matrix_is_refused():
    net = net_of(TowerSpec(channels=(4,)), 5)
    with pytest.raises(InputError, match="windows of one side only"):
        DenseTower(net, 7)
    with pytest.raises(InputError, match="no window"):
        DenseTower(net, 5)(torch.zeros(4, 9, dtype=torch.float64))
    with pytest.raises(InputError, match="used up"):
        DenseTower(net_of(TowerSpec(channels=(4, 4, 4), padding="valid", head="global"), 9), 5)


def test_scores_are_even_to_single_precision():
    net = build_model("zero-global", 9, {"encoding": "none"}, seed=0).eval()
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32))
    torch.testing.assert_close(DenseTower(net, 9)(matrix), one_by_one(net, matrix, 9), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["valid-global", "question", "question-valid", "zero-global"])
def test_score_everywhere_gives_the_scores_of_windows_with_and_without_holes(tmp_path, name):
    card = ModelCard(**CARD, name=name, config={"encoding": "none"}, any_k=MODELS[name].any_k)
    net = architecture_of(name, card.config)
    model = TrainedModel(net.build(5).eval(), card, torch.device("cpu"), net)
    assert (model.dense(5) is not None) == (name != "zero-global")
    matrix = np.random.default_rng(0).normal(size=(300, 23))
    matrix[7, 9] = np.nan
    scores = score_everywhere(model, matrix, k=5)
    np.testing.assert_allclose(scores, score_everywhere(model.score, matrix, k=5), rtol=1e-5, atol=1e-5)
    assert np.isnan(scores[5:10, 7:12]).all() and np.isfinite(scores[2:5, 2:-2]).all()
    with pytest.raises(InputError, match="300 x 23, not 25"):
        score_everywhere(model, matrix, k=25)


def test_a_side_that_the_net_does_not_take_is_refused_as_by_windows():
    card = ModelCard(**CARD, name="question", config={"encoding": "none"}, any_k=False)
    net = architecture_of("question", card.config)
    model = TrainedModel(
        build_model("question", 5, {"encoding": "none"}, seed=0).eval(), card, torch.device("cpu"), net
    )
    with pytest.raises(InputError, match="accepts no other"):
        score_everywhere(model, np.random.default_rng(0).normal(size=(9, 9)), k=7)
