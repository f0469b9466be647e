"""Duplicates up to the label's group: all of them are found, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax.data import duplicates as duplication
from gnnmax.data.duplicates import count_shared, fingerprints, same_up_to_relabelling
from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.task.symmetry import permuted, relabellings
from gnnmax.task.windows import Windows


def windows(seed: int, n: int, k: int, levels: int) -> np.ndarray:
    """Windows of few levels, full of ties."""
    return np.random.default_rng(seed).integers(0, levels, size=(n, k, k)).astype(np.float32)


def moved(values: np.ndarray, seed: int) -> np.ndarray:
    """Relabelled around the centre, every second one transposed."""
    rng = np.random.default_rng(seed)
    n, k = values.shape[:2]
    out = permuted(values, relabellings(n, k, rng), relabellings(n, k, rng)).copy()
    out[::2] = out[::2].transpose(0, 2, 1)
    return out


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.sampled_from([3, 5, 9]), levels=st.sampled_from([2, 3, 1000]))
def test_what_the_label_does_not_notice_changes_no_fingerprint(seed, k, levels):
    values = windows(seed, 6, k, levels)
    again = moved(values, seed + 1)
    np.testing.assert_array_equal(fingerprints(values), fingerprints(again))
    assert same_up_to_relabelling(values[0], again[0])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 3]))
def test_at_side_3_it_is_a_search_through_all_relabellings(seed, levels):
    a, b = windows(seed, 2, 3, levels)
    orders = [[0, 1, 2], [2, 1, 0]]
    brute = any(np.array_equal(a, c[rows][:, columns]) for c in (b, b.T) for rows in orders for columns in orders)
    assert same_up_to_relabelling(a, b) == brute
    assert (fingerprints(a[None]) == fingerprints(b[None])) or not brute


@pytest.mark.parametrize("change", ["value", "centre", "move"])
def test_what_is_not_a_relabelling_is_another_window(change):
    values = windows(0, 50, 9, 1000)
    other = values.copy()
    if change == "value":
        other[:, 0, 0] += 1
    elif change == "centre":
        other[:, 4, 4], other[:, 0, 0] = values[:, 0, 0], values[:, 4, 4]
    else:
        other = np.roll(values, 1, axis=1)
    assert not set(fingerprints(values)) & set(fingerprints(other))
    assert not any(map(same_up_to_relabelling, values, other))


def test_duplicates_planted_between_splits_are_counted():
    train, test = windows(0, 300, 9, 5), windows(1, 200, 9, 5)
    test[[3, 50, 199]] = moved(train[[7, 8, 299]], 2)
    (shared,) = count_shared({"train": Windows.from_values(train), "test": Windows.from_values(test)})
    assert (shared.windows, shared.example) == (3, (7, 3))


def test_equal_fingerprints_alone_are_no_duplicates(monkeypatch):
    monkeypatch.setattr(duplication, "fingerprints", lambda values: np.zeros(len(values), np.uint64))
    sets = {name: Windows.from_values(windows(seed, 5, 5, 9)) for name, seed in (("a", 0), ("b", 1))}
    assert count_shared(sets)[0].windows == 0
    sets["b"] = Windows.from_values(moved(sets["a"].values, 3))
    assert count_shared(sets)[0].windows == 5


def test_windows_that_colours_cannot_tell_apart_are_distinguished():
    """Around an empty cross: one cycle of eight against two of four, every node of degree two."""
    one, two = np.zeros((5, 5), np.float32), np.zeros((5, 5), np.float32)
    others = [0, 1, 3, 4]
    for i in range(4):
        one[others[i], others[i]] = one[others[i], others[(i + 1) % 4]] = 1
        two[others[i], others[i]] = two[others[i], others[i ^ 1]] = 1
    assert fingerprints(one[None]) == fingerprints(two[None])
    assert not same_up_to_relabelling(one, two)
    assert same_up_to_relabelling(one, one[[4, 1, 2, 3, 0]])


def test_zero_has_one_sign_and_sides_differ():
    assert fingerprints(np.zeros((1, 3, 3))) == fingerprints(-np.zeros((1, 3, 3)))
    sets = {"a": Windows.from_values(windows(0, 5, 3, 2)), "b": Windows.from_values(windows(0, 5, 5, 2))}
    assert count_shared(sets)[0].windows == 0
    with pytest.raises(InputError, match="shape"):
        fingerprints(np.zeros((3, 3)))


def test_the_two_windows_of_an_undirected_edge_are_one():
    """Windows of a real graph lie at (i, j) and at (j, i): each other's transposes."""
    w = build(load_recipe("real-les-miserables")).test
    seen = fingerprints(w.values)
    assert len(np.unique(seen)) < len(seen)


def test_constant_windows_are_not_counted_although_every_split_has_them():
    values = windows(0, 8, 5, 1000)
    values[::2] = 0
    kept = Windows.from_values(values)
    (shared,) = count_shared({"train": kept, "test": Windows.from_values(np.concatenate([values[:1], values[1:2]]))})
    assert (shared.windows, shared.example) == (1, (1, 1))
