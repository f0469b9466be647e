"""Out-of-distribution splits: named, drawn and evaluated separately."""

import msgspec
import numpy as np
import pytest

from gnnmax.data.generation import build
from gnnmax.data.hosts.families import Complete, Real
from gnnmax.data.hosts.own_files import keep
from gnnmax.data.planting.plants import Natural, Spike
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.store import open_dataset, write_dataset
from gnnmax.data.verification import verify
from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.training.config import TrainingConfig

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


TINY = load_recipe("tiny").replace(splits={"train": 2, "val": 1, "test": 2, "apart": 2})
KARATE = {"type": "real", "name": "karate_club"}
MISERABLES = {"type": "real", "name": "les_miserables"}
FOUND = {"hosts": [KARATE, MISERABLES], "cuts": ["neighbours"], "plant": {"type": "natural"}}


def test_a_split_of_real_graphs_stands_beside_splits_of_drawn_ones(tmp_path):
    recipe = TINY.replace(shifts={"apart": FOUND})
    own = recipe.of("apart")
    assert (own.weights, own.kinds, own.windows_per_graph) == ((), None, None)
    assert isinstance(own.plant, Natural)
    data = build(recipe)
    assert np.bincount(data.apart.graph - recipe.span("apart").start).tolist() == [78, 254]
    alone = build(load_recipe("real-karate").replace(k=5)).test
    np.testing.assert_array_equal(data.apart[data.apart.graph == recipe.span("apart").start].values, alone.values)
    for split in ("train", "val", "test"):
        np.testing.assert_array_equal(data.split(split).values, build(TINY).split(split).values)
    assert all(check.holds for check in verify(write_dataset(recipe, tmp_path / "data")))


def test_a_split_of_a_persons_own_file_stands_beside_splits_of_drawn_ones(tmp_path):
    rng = np.random.default_rng(0)
    matrix = np.triu(rng.random((20, 20)), 1)
    file = keep(matrix + matrix.T, tmp_path / "mine.npz")
    plain = {"type": "file", "path": file.path, "sha256": file.sha256}
    recipe = TINY.replace(shifts={"apart": {**FOUND, "hosts": [plain]}}, **{"splits.apart": 1})
    assert len(build(recipe).apart) == 190  # every edge once


def test_planted_windows_are_cut_from_a_real_graph_too():
    spikes = {"hosts": [MISERABLES], "cuts": ["neighbours"]}
    windows = build(TINY.replace(shifts={"apart": spikes}, **{"splits.apart": 1})).apart
    assert (len(windows), windows.label.mean()) == (8, 0.5)


def test_real_hosts_are_dealt_out_to_the_splits_that_share_them():
    recipe = load_recipe("real-karate").replace(splits={"val": 1, "test": 1}, hosts=[KARATE, MISERABLES])
    data = build(recipe)
    assert (len(data.val), len(data.test)) == (78, 254)
    assert recipe.ingredients(0).host == Real("karate_club") != recipe.ingredients(1).host


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"shifts": {"apart": {**FOUND, "hosts": [KARATE]}}}, "as many graphs in the splits as hosts .1., not 2"),
        ({"shifts": {"apart": FOUND, "test": FOUND}}, "more often: Real.name='karate_club'"),
        ({"shifts": {"apart": {**FOUND, "hosts": [KARATE, KARATE]}}}, "more often"),
        ({"shifts": {"apart": FOUND}, "label": "planted"}, "split apart: natural windows have no planted label"),
        ({"hosts": [KARATE, MISERABLES], "weights": [], "splits": {"val": 2, "test": 2}}, "as hosts .2., not 4"),
    ],
)
def test_a_real_graph_is_never_in_two_splits_nor_asked_for_a_planted_label(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        TINY.replace(**changes)


AXES = {
    "side": ({"k": 7}, lambda w: w.k, 5, 7),
    "margin": ({"plant": Spike((0.01, 0.02))}, lambda w: (np.abs(w[w.label].margin) < 0.03).all(), False, True),
    "subgraph size": (
        {"subgraphs": [{"nodes": 12}]},
        lambda w: int(np.ptp(w.rows, axis=1).max() <= 12 and np.ptp(w.columns - w.rows) <= 22),
        0,
        1,
    ),
    "order": ({"subgraphs": [{"order": "shuffled"}]}, lambda w: (np.diff(w.rows, axis=1) > 0).all(), True, False),
    "weight law": (
        {"weights": [{"type": "counts", "mean": 4.0}]},
        lambda w: (w.values % 1 == 0).mean() > 0.9,
        False,
        True,
    ),
    "family": ({"hosts": [Complete()]}, lambda w: (w.values != 0).all(), False, True),
}


@pytest.mark.parametrize("axis", AXES)
def test_each_axis_can_be_shifted_by_itself(axis):
    shift, measure, own, other = AXES[axis]
    contiguous = TINY.replace(cuts=["contiguous"], **{"splits.apart": 4})
    data = build(contiguous.replace(shifts={"apart": msgspec.to_builtins(shift)}))
    assert measure(build(contiguous).apart) == own  # the control: as it is without the shift
    assert measure(data.apart) == other
    np.testing.assert_array_equal(data.test.values, build(contiguous).test.values)


def test_noise_can_be_shifted_by_itself():
    amplitudes = {"plant": {"type": "noise", "amplitude": 4.0}}
    data = build(NOISE.replace(shifts={"k-5": amplitudes}))
    assert set(data.split("k-5").amplitude.tolist()) == {4.0} != set(data.test.amplitude.tolist())
    assert data.ceiling_of("k-5") > data.ceiling
