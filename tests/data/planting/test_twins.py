"""Matched pairs and ladders: windows that differ only in the position of the maximum."""

import numpy as np
import pytest

from gnnmax import InputError, build, load_recipe
from gnnmax.data.store import write_dataset
from gnnmax.data.verification import verify
from gnnmax.task.label import KINDS

SPIKE = load_recipe("spike-9").replace(splits={"train": 8, "test": 4})
TINY = load_recipe("tiny")
LADDER = {
    "splits": {"test": 2},
    "hosts": [{"type": "complete"}],
    "subgraphs": [],
    "cuts": [],
    "kinds": None,
    "windows_per_graph": 162,
    "pairing": "ladder",
}


def test_a_centred_window_has_a_twin_that_differs_in_the_place_of_its_values_alone():
    windows = build(SPIKE.replace(pairing="matched")).train
    first, second = windows[0::2], windows[1::2]
    assert first.label.all()
    assert not second.label.any()
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.values != 0, second.values != 0)
    untied = second.kind != "tied"
    ordered = [np.sort(half.values[untied].reshape(untied.sum(), -1), axis=1) for half in (first, second)]
    np.testing.assert_array_equal(*ordered)
    assert ((first.values != second.values).sum(axis=(1, 2)) <= 4).all()
    shares = [np.mean(second.kind == kind) for kind in KINDS]
    np.testing.assert_allclose(shares, [0, 0.4, 0.3, 0.2, 0.1, 0], atol=0.04)


def test_independent_windows_are_no_twins():
    windows = build(SPIKE).train
    assert (windows.rows[0::2] != windows.rows[1::2]).any()


def test_a_ladder_takes_the_spike_through_every_entry():
    windows = build(SPIKE.replace(**LADDER)).test
    offsets = windows.offset.reshape(4, 81, 2)
    expected = np.stack(np.divmod(np.arange(81), 9), axis=1) - 4
    np.testing.assert_array_equal(offsets, np.tile(expected, (4, 1, 1)))
    assert windows.label.reshape(4, 81).sum(axis=1).tolist() == [1, 1, 1, 1]
    ordered = np.sort(windows.values.reshape(4, 81, 81), axis=2)
    np.testing.assert_array_equal(ordered, np.tile(ordered[:, :1], (1, 81, 1)))


DENSE = {
    "block model": ({"type": "stochastic_block_model", "nodes": 40, "blocks": 2, "inside": 1.0, "between": 0.3}, {}),
    "graph of many edges": ({"type": "erdos_renyi", "nodes": 40, "probability": 0.9}, {}),
    "directed graph": ({"type": "erdos_renyi", "nodes": 40, "probability": 0.9, "directed": True}, {}),
    "contact map": ({"type": "contact", "nodes": 40}, {"weights": []}),
}


@pytest.mark.parametrize("cut", ["contiguous", "neighbours"])
@pytest.mark.parametrize("host", DENSE)
def test_a_ladder_of_another_host_stands_on_cuts_whose_every_entry_is_an_edge(host, cut, tmp_path):
    family, other = DENSE[host]
    own = {"hosts": [family], "cuts": [cut], "windows_per_graph": 50, "k": 5, **other}
    recipe = TINY.replace(pairing="ladder", kinds=None, subgraphs=[{"order": "natural"}], **own)
    windows = build(recipe).train
    assert (windows.values != 0).all()
    offsets = windows.offset.reshape(-1, 25, 2)
    expected = np.stack(np.divmod(np.arange(25), 5), axis=1) - 2
    np.testing.assert_array_equal(offsets, np.tile(expected, (len(offsets), 1, 1)))
    ordered = np.sort(windows.values.reshape(-1, 25, 25), axis=2)
    np.testing.assert_array_equal(ordered, np.tile(ordered[:, :1], (1, 25, 1)))
    assert all(check.holds for check in verify(write_dataset(recipe, tmp_path / "data")))
    plain = build(recipe.replace(pairing="matched", kinds={"centred": 0.5, "shifted": 0.5})).train
    assert (plain.values == 0).any() or host == "contact map"  # the control: pairs need no such cuts


def test_a_host_without_a_cut_for_a_ladder_is_refused():
    sparse = [{"type": "erdos_renyi", "nodes": 40, "probability": 0.3}]
    with pytest.raises(InputError, match="whose every entry is an edge, as a ladder needs: choose denser hosts"):
        build(TINY.replace(pairing="ladder", kinds=None, windows_per_graph=25, hosts=sparse))


def test_pairs_and_ladders_are_cut_from_a_real_graph_too():
    real = {"hosts": [{"type": "real", "name": "les_miserables"}], "weights": [], "splits": {"test": 1}}
    pairs = build(TINY.replace(pairing="matched", kinds={"centred": 0.5, "shifted": 0.5}, **real)).test
    np.testing.assert_array_equal(pairs.rows[0::2], pairs.rows[1::2])
    assert pairs.label.tolist() == [True, False] * 4
    small = {"windows_per_graph": 9, "k": 3, "cuts": ["neighbours"]}
    ladder = build(TINY.replace(pairing="ladder", kinds=None, **small, **real)).test
    assert ladder.label.sum() == 1


def test_noise_of_a_pair_is_the_same_but_for_what_was_raised():
    windows = build(load_recipe("noise-9-mu2").replace(splits={"test": 2}, pairing="matched")).test
    changed = (windows.values[0::2] != windows.values[1::2]).sum(axis=(1, 2))
    assert set(changed.tolist()) == {2}


@pytest.mark.parametrize("changes", [{"pairing": "matched"}, LADDER])
def test_twins_are_stored_and_verified(changes, tmp_path):
    assert all(check.holds for check in verify(write_dataset(SPIKE.replace(**changes), tmp_path / "data")))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"pairing": "matched", "windows_per_graph": 33}, "multiple of 2"),
        ({"pairing": "matched", "kinds": {"centred": 0.4, "shifted": 0.6}}, "centred = 0.5"),
        ({"pairing": "ladder"}, "kinds"),
        ({**LADDER, "windows_per_graph": 64}, "multiple of 81"),
        ({**LADDER, "plant": {"type": "noise", "amplitude": 2.0}}, "needs a spike plant"),
        ({"pairing": "triplets"}, "Invalid enum value"),
    ],
)
def test_twins_that_do_not_fit_are_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        SPIKE.replace(**changes)
