"""What newcomers hand over first, at every public entry: it is taken, or one line says what to hand over."""

import numpy as np
import pytest

import gnnmax
from gnnmax import InputError, WindowDataset, audit, build, evaluate, find_maxima, load_model, load_recipe, to_data
from gnnmax.experiments.comparison import compare
from gnnmax.training.config import TrainingConfig

DATA = build("tiny")
VALUES = DATA.test.values
RNG = np.random.default_rng(0)
MODEL = load_model("gnn", device="cpu")


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: evaluate(MODEL, DATA), r"such as data\.test"),
        (lambda: evaluate(np.zeros(16), VALUES), "labels must have shape"),
        (lambda: audit(MODEL, DATA, rng=RNG), r"such as data\.test"),
        (lambda: audit(MODEL, VALUES, rng=RNG), r"Windows\.from_values"),
        (lambda: MODEL(DATA), r"such as data\.test"),
        (lambda: MODEL.predict(VALUES), r"Windows\.from_values"),
        (lambda: WindowDataset(DATA), r"such as data\.test"),
        (lambda: to_data(VALUES), r"Windows\.from_values"),
        (lambda: build(DATA), "expected a recipe, not DataSet"),
        (lambda: build("own.npz"), "unknown recipe"),
        (lambda: load_recipe(DATA.recipe), "takes a recipe as it is"),
        (lambda: find_maxima("m.npy"), "gnnmax detect PATH"),
        (lambda: compare("own.npz", ["cnn"], "nowhere"), "gnnmax import own.npz"),
        (lambda: compare(VALUES, ["cnn"], "nowhere"), "expected a recipe, not ndarray"),
        (lambda: load_model(MODEL), "must be a path"),
        (lambda: gnnmax.open_dataset("tiny"), "gnnmax generate RECIPE"),
        (lambda: gnnmax.import_windows(DATA), "the values"),
    ],
)
def test_one_line_says_what_to_hand_over(call, hint):
    with pytest.raises(InputError, match=hint) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_data_set_is_compared_on_as_it_is(tmp_path):
    results = compare(DATA, ["question"], tmp_path / "run", seeds=[0], training=TrainingConfig(steps=1, batch_size=4))
    assert results.recipe == DATA.recipe.to_dict()
