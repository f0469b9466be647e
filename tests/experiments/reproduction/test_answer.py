"""The answer: with the order known the image net is enough, with the order lost the graph net is needed."""

import numpy as np
import pytest
import torch

from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction import answer as module
from gnnmax.experiments.reproduction import reproduce
from gnnmax.experiments.reproduction.answer import score_seriated
from gnnmax.models.model_folders import load_model


@pytest.fixture(scope="module")
def outcome():
    before, module.TESTED = module.TESTED, 12
    try:
        return reproduce("answer", (0,))
    finally:
        module.TESTED = before


def test_the_graph_net_needs_no_order_and_the_image_net_does(outcome):
    right = {(row["order"], row["scorer"]): row["accuracy"] for row in outcome.rows}
    assert len(right) == 10
    image, graph = "image net, trained in natural order", "graph net (product)"
    assert right["natural", image] > 0.93 and right["shuffled", image] < 0.72
    assert right["natural", graph] > 0.93 and right["shuffled", graph] > 0.93
    assert right["shuffled", "image net, trained in shuffled order"] < 0.89


def test_seriation_gives_the_same_score_in_every_order():
    model = load_model("cnn-natural", device="cpu")
    w = build(load_recipe("bump-9-shuffled").replace(seed=3, splits={"test": 1})).test[:40]
    scores, moved = score_seriated(model, w), score_seriated(model, w.relabelled(np.random.default_rng(0)))
    assert np.corrcoef(scores, moved)[0, 1] > 0.97  # a spectral order is determined up to its direction
    plain = model(w)
    assert np.corrcoef(plain, model(w.relabelled(np.random.default_rng(0))))[0, 1] < 0.9


def test_read_in_the_middle_a_net_gives_its_own_score():
    model = load_model("cnn-natural", device="cpu")
    values = torch.randn(5, 9, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(module._ReadAt(model.module, 4, 4)(values), model.module(values))
