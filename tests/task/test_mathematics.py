"""The laws of the task: transformations that change the label, and those that do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gnnmax import InputError, Windows, is_centred
from gnnmax.task.label import KINDS, centre_rank, kind_of, largest_other, margin, offset_of
from gnnmax.task.symmetry import increasing_map, permuted, relabellings, respaced, translations

SIDES = st.sampled_from([3, 5, 7])
SEEDS = st.integers(0, 2**32 - 1)


def windows_of(elements) -> st.SearchStrategy:
    shapes = st.tuples(st.integers(1, 6), SIDES).map(lambda nk: (nk[0], nk[1], nk[1]))
    return shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=elements))


FEW = windows_of(st.sampled_from([-1.0, 0.0, 1.0, 2.0, 3.0]))  # many ties
ANY = windows_of(st.floats(-1e300, 1e300) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0]))


def centred_by_loop(window: np.ndarray) -> bool:
    k = len(window)
    centre = window[k // 2, k // 2]
    others = [window[r, c] for r in range(k) for c in range(k) if (r, c) != (k // 2, k // 2)]
    return not np.isnan(centre) and all(np.isnan(other) or centre > other for other in others)


@given(FEW | ANY)
def test_the_label_is_that_of_a_plain_loop(values):
    assert is_centred(values).tolist() == [centred_by_loop(window) for window in values]


@given(FEW | ANY)
def test_rank_margin_and_offset_say_the_same_as_the_label(values):
    label = is_centred(values)
    np.testing.assert_array_equal(centre_rank(values) == 0, label)
    np.testing.assert_array_equal(margin(values) > 0, label & (margin(values) != 0))
    assert (label <= (margin(values) > 0)).all()
    observed_others = largest_other(values) > -np.inf
    at_centre = (offset_of(values) == 0).all(axis=1)
    np.testing.assert_array_equal(at_centre[observed_others], label[observed_others])


@given(FEW)
def test_the_offset_points_at_the_largest_other_entry_unless_centred(values):
    middle = values.shape[1] // 2
    for window, (row, column), label in zip(values, offset_of(values), is_centred(values), strict=True):
        found = window[middle + row, middle + column]
        assert found == (window[middle, middle] if label else largest_other(window))


@given(FEW)
def test_kinds_are_told_by_how_many_entries_are_above_and_equal(values):
    middle = values.shape[1] // 2
    for window, code in zip(values, kind_of(values), strict=True):
        centre = window[middle, middle]
        above, equal = (window > centre).sum(), (window == centre).sum() - 1
        expected = "runner_up" if above == 1 else "shifted"
        if above == 0:
            expected = "tied" if equal else "centred"
        if equal == window.size - 1:
            expected = "constant"
        assert KINDS[code] == expected


@given(FEW, SEEDS)
def test_nothing_that_keeps_the_order_around_a_fixed_centre_changes_the_label(values, seed):
    rng = np.random.default_rng(seed)
    n, k = values.shape[:2]
    label = is_centred(values)
    moved = permuted(values, relabellings(n, k, rng), relabellings(n, k, rng))
    np.testing.assert_array_equal(is_centred(moved), label)
    np.testing.assert_array_equal(is_centred(values.transpose(0, 2, 1)), label)
    np.testing.assert_array_equal(is_centred(respaced(values, rng)), label)
    np.testing.assert_array_equal(is_centred(increasing_map(values, np.exp)), label)


@given(SIDES, SEEDS)
def test_a_translation_is_noticed(k, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(20, k, k))
    values[:, k // 2, k // 2] = 10.0
    steps = rng.integers(1, k, size=20)
    still = np.tile(np.arange(k), (20, 1))
    assert is_centred(values).all()
    assert not is_centred(permuted(values, translations(steps, k), still)).any()
    assert is_centred(permuted(values, translations(k * steps, k), still)).all()


@given(SIDES, SEEDS)
def test_relabellings_are_permutations_that_fix_the_centre_and_differ(k, seed):
    found = relabellings(200, k, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(np.arange(k), (200, 1)))
    assert (found[:, k // 2] == k // 2).all()
    assert len(np.unique(found, axis=0)) > 1


@given(FEW, SEEDS)
def test_a_respaced_window_keeps_order_and_ties_in_float32(values, seed):
    mapped = respaced(values, np.random.default_rng(seed))
    for before, after in zip(values.reshape(len(values), -1), mapped.reshape(len(values), -1), strict=True):
        np.testing.assert_array_equal(np.sign(before[:, None] - before), np.sign(after[:, None] - after))


def test_a_map_that_saturates_is_refused():
    values = np.random.default_rng(0).normal(size=(4, 5, 5))
    with pytest.raises(InputError, match="does not keep the order"):
        increasing_map(values, lambda x: np.tanh(50 * x))
    with pytest.raises(InputError, match="does not keep the order"):
        increasing_map(values, lambda x: -x)


def test_a_tie_is_not_a_maximum_and_nan_beats_nothing():
    window = np.zeros((3, 3))
    assert not is_centred(window)
    window[1, 1] = 1.0
    assert is_centred(window)
    window[0, 0] = np.nan
    assert is_centred(window)
    window[0, 0] = 1.0
    assert not is_centred(window)
    window[1, 1] = np.nan
    assert not is_centred(window)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_every_real_type_is_judged_as_it_is(dtype):
    window = np.zeros((3, 3), dtype=dtype)
    window[1, 1] = 1
    assert is_centred(window)


@pytest.mark.parametrize(
    "values",
    [np.zeros((4, 4)), np.zeros((1, 1)), np.zeros((3, 5)), np.zeros(9), np.zeros((3, 3), complex), [["a"] * 3] * 3],
)
def test_what_is_no_window_is_refused(values):
    for function in (is_centred, margin, offset_of, kind_of):
        with pytest.raises(InputError, match=r"real numbers|shape|odd"):
            function(values)


def example(n: int = 40, k: int = 5, seed: int = 0) -> Windows:
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(2, n, k, k)).astype(np.float32)
    contexts += contexts.transpose(0, 1, 3, 2)
    import dataclasses

    plain = Windows.from_values(rng.integers(0, 9, size=(n, k, k)))
    return dataclasses.replace(plain, row_context=contexts[0], column_context=contexts[1])


@given(SIDES, SEEDS)
def test_relabelled_windows_keep_what_is_theirs_and_move_what_moves(k, seed):
    windows = example(k=k, seed=seed)
    moved = windows.relabelled(np.random.default_rng(seed))
    for name in ("observed", "planted", "kind_code", "margin", "graph"):
        np.testing.assert_array_equal(getattr(moved, name), getattr(windows, name))
    np.testing.assert_array_equal(moved.label, is_centred(moved.values))
    half, every = k // 2, np.arange(len(windows))
    before = windows.values[every, half + windows.offset[:, 0], half + windows.offset[:, 1]]
    np.testing.assert_array_equal(moved.values[every, half + moved.offset[:, 0], half + moved.offset[:, 1]], before)
    for index in range(len(windows)):  # entries and contexts stay with their nodes
        order = [windows.rows[index].tolist().index(node) for node in moved.rows[index]]
        cross = [windows.columns[index].tolist().index(node) for node in moved.columns[index]]
        np.testing.assert_array_equal(moved.values[index], windows.values[index][np.ix_(order, cross)])
        np.testing.assert_array_equal(moved.row_context[index], windows.row_context[index][np.ix_(order, order)])
        np.testing.assert_array_equal(moved.column_context[index], windows.column_context[index][np.ix_(cross, cross)])


def test_transposing_twice_is_the_identity_and_once_is_not():
    windows = example()
    once = windows.transposed()
    for name, array in once.transposed().arrays().items():
        np.testing.assert_array_equal(array, getattr(windows, name))
    np.testing.assert_array_equal(once.label, is_centred(once.values))
    assert (once.values != windows.values).any()


def test_a_permutation_that_moves_the_centre_is_refused():
    windows = example()
    rolled = np.tile(np.roll(np.arange(5), 1), (len(windows), 1))
    still = np.tile(np.arange(5), (len(windows), 1))
    with pytest.raises(InputError, match="moves the centre"):
        windows.permuted(rolled, still)


def test_slices_masks_indices_and_joins_are_those_of_arrays():
    windows = example()
    mask = windows.label
    joined = Windows.concatenate([windows[mask], windows[~mask], windows[3], windows[-1]])
    expected = np.concatenate([windows.values[mask], windows.values[~mask], windows.values[[3, -1]]])
    np.testing.assert_array_equal(joined.values, expected)
    assert len(windows[2:7]) == 5
    assert len(windows[[1, 1, 1]]) == 3
    with pytest.raises(IndexError, match="window 40 of 40"):
        _ = windows[len(windows)]
    with pytest.raises(InputError, match="give parts that agree"):
        Windows.concatenate([windows, example(k=7)])


def test_rounding_that_would_change_a_label_is_refused():
    values = np.ones((1, 3, 3))
    values[0, 1, 1] += 1e-12
    assert is_centred(values).all()
    with pytest.raises(InputError, match="would change the label of 1 of 1"):
        Windows.from_values(values)
    with pytest.raises(InputError, match="beyond what float32 can hold"):
        Windows.from_values(values * 1e300)


def test_labels_of_your_own_are_the_planted_ones():
    windows = Windows.from_values(np.zeros((2, 3, 3)), label=[1, 0])
    assert windows.label.tolist() == [True, False]
    assert not windows.observed.any()
    for label in ([2, 0], [1], [[1, 0]], ["yes", "no"]):
        with pytest.raises(InputError, match=r"^labels must "):
            Windows.from_values(np.zeros((2, 3, 3)), label=label)
