"""Out-of-distribution splits: named, drawn apart, judged apart."""

import numpy as np
import pytest

from gnnmax.comparison import compare
from gnnmax.errors import InputError
from gnnmax.generate.drawing import build
from gnnmax.generate.recipe import load_recipe
from gnnmax.schedule import TrainingConfig
from gnnmax.store import open_dataset, write_dataset
from gnnmax.verification import verify

NOISE = load_recipe("noise-9-mu2").replace(splits={"train": 2, "val": 2, "test": 2, "k-5": 2, "seen": 4})
SHIFTED = NOISE.replace(shifts={"k-5": {"k": 5}, "seen": {"label": "observed"}})


def test_a_split_without_a_shift_is_the_same_to_the_byte_whatever_others_have():
    plain, shifted = build(NOISE), build(SHIFTED)
    for split in ("train", "val", "test"):
        for name, array in plain.split(split).arrays().items():
            np.testing.assert_array_equal(array, shifted.split(split).arrays()[name])


def test_a_covariate_shift_changes_windows_and_a_concept_shift_the_label_of_a_window():
    plain, shifted = build(NOISE), build(SHIFTED)
    assert SHIFTED.shifts["k-5"].sort == "covariate"
    assert shifted.split("k-5").k == 5
    assert SHIFTED.shifts["seen"].sort == "concept"
    np.testing.assert_array_equal(plain.split("seen").values, shifted.split("seen").values)
    assert (plain.split("seen").label != shifted.split("seen").label).any()


def test_offsets_follow_the_label_of_their_split():
    data = build(SHIFTED)
    for windows in data.splits.values():
        np.testing.assert_array_equal((windows.offset == 0).all(axis=1), windows.label)


def test_every_split_has_the_ceiling_of_what_it_is_drawn_from():
    data = build(SHIFTED)
    assert data.ceiling_of("k-5") == build(load_recipe("noise-5-mu3").replace(**{"plant.amplitude": 2.0})).ceiling
    assert data.ceiling_of("seen") is None  # an observed label leaves nothing to chance
    with pytest.raises(InputError, match="unknown split 'k-7'"):
        data.ceiling_of("k-7")


def test_shifted_splits_are_stored_verified_and_read_back(tmp_path):
    folder = write_dataset(SHIFTED, tmp_path / "data")
    assert all(check.holds for check in verify(folder))
    stored, drawn = open_dataset(folder), build(SHIFTED)
    for split, windows in drawn.splits.items():
        assert stored.split(split).k == windows.k
        assert stored.split(split).label_rule == windows.label_rule
        np.testing.assert_array_equal(stored.split(split).label, windows.label)


def test_a_comparison_judges_every_split_by_name(tmp_path):
    recipe = load_recipe("sizes").replace(splits={"train": 2, "val": 2, "test": 2, "k-5": 2, "k-15": 2, "k-31": 2})
    budget = TrainingConfig(steps=2, evaluate_every=2, device="cpu")
    results = compare(recipe, ["gnn"], tmp_path / "run", seeds=(0,), training=budget)
    assert [(test.name, test.k, test.trained) for test in results.tests] == [
        ("sizes", 9, True),
        ("sizes/k-5", 5, False),
        ("sizes/k-15", 15, False),
        ("sizes/k-31", 31, False),
    ]
    with pytest.raises(InputError, match="question is built for windows of side 9, and sizes/k-5 has 5"):
        compare(recipe, ["question"], tmp_path / "other", seeds=(0,), training=budget)


@pytest.mark.parametrize(
    ("shifts", "complaint"),
    [
        ({"train": {"k": 5}}, "other than train and val"),
        ({"nowhere": {"k": 5}}, "other than train and val"),
        ({"k-5": {"k": 4}}, "split k-5: k must be odd"),
        ({"k-5": {"seed": 1}}, "unknown field"),
        ({"k-5": {"plant": {"type": "spike"}, "weights": []}}, "split k-5: weights"),
    ],
)
def test_a_shift_that_does_not_fit_is_refused(shifts, complaint):
    with pytest.raises(InputError, match=complaint):
        NOISE.replace(shifts=shifts)


@pytest.mark.parametrize("name", ["families", "orders", "sizes", "weights"])
def test_the_shipped_shifts_have_windows_of_every_kind_and_no_host_of_another_split(name):
    recipe = load_recipe(name)
    few = dict.fromkeys(recipe.splits, 2)
    data = build(recipe.replace(splits=few))
    graphs = [set(windows.graph.tolist()) for windows in data.splits.values()]
    assert len(set.union(*graphs)) == sum(map(len, graphs))
    for windows in data.splits.values():
        assert len(set(windows.kind.tolist())) >= 4
