"""Windows as a struct of arrays: indexing, joining, permuting, and refusals."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnnmax import InputError, Windows
from gnnmax.task.label import is_centred, kind_of, margin, offset_of
from gnnmax.task.noise import NoiseModel
from gnnmax.task.symmetry import relabellings
from gnnmax.task.windows import checked_labels

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.sampled_from([3, 5])


def example(n=12, k=5, seed=0):
    """Windows without ties, with contexts that are not symmetric."""
    rng = np.random.default_rng(seed)
    plain = Windows.from_values(rng.permuted(np.arange(n * k * k).reshape(n, k * k), axis=1).reshape(n, k, k))
    contexts = rng.normal(size=(2, n, k, k)).astype(np.float32)
    return dataclasses.replace(plain, row_context=contexts[0], column_context=contexts[1])


def same(first, second):
    pairs = zip(first.arrays().items(), second.arrays().items(), strict=True)
    return all(a == b and np.array_equal(x, y) for (a, x), (b, y) in pairs)


def true_to_their_values(windows):
    """Check that the fields agree with the values."""
    return bool(
        (windows.observed == is_centred(windows.values)).all()
        and (windows.offset == offset_of(windows.values)).all()
        and (windows.kind_code == kind_of(windows.values)).all()
        and np.allclose(windows.margin, margin(windows.values))
    )


@given(SIDES, SEEDS)
def test_fields_stay_true_to_the_values_through_every_symmetry(k, seed):
    windows = example(k=k, seed=seed)
    rng = np.random.default_rng(seed)
    for moved in (windows.relabelled(rng), windows.transposed(), windows.transposed().relabelled(rng)):
        assert true_to_their_values(moved)
    assert not same(windows.relabelled(rng), windows)


def test_an_offset_left_behind_is_noticed():
    windows = example()
    moved = windows.relabelled(np.random.default_rng(0))
    assert not true_to_their_values(dataclasses.replace(moved, offset=windows.offset))
    assert not true_to_their_values(dataclasses.replace(windows.transposed(), offset=windows.offset))


@given(SIDES, SEEDS)
def test_permuting_twice_is_permuting_once_by_the_product(k, seed):
    windows, rng = example(k=k, seed=seed), np.random.default_rng(seed)
    p, q = (relabellings(len(windows), k, rng) for _ in range(2))
    still = np.tile(np.arange(k), (len(windows), 1))
    twice = windows.permuted(p, still).permuted(q, still)
    assert same(twice, windows.permuted(np.take_along_axis(p, q, axis=1), still))
    assert same(windows.permuted(still, still), windows)
    across = windows.permuted(p, q).transposed()
    assert same(across, windows.transposed().permuted(q, p))


@given(st.slices(12) | st.lists(st.integers(-12, 11)) | st.lists(st.booleans(), min_size=12, max_size=12))
def test_an_index_selects_in_every_field_equally(index):
    windows = example()
    chosen = windows[np.array(index, dtype=int) if index == [] else index]
    for name, array in chosen.arrays().items():
        expected = windows.arrays()[name][np.array(index, dtype=int) if index == [] else index]
        np.testing.assert_array_equal(array, expected)
    assert len(chosen) == len(chosen.values)


def test_an_integer_keeps_the_first_axis_and_iteration_ends():
    windows = example()
    assert len(windows[3]) == len(windows[-1]) == 1
    np.testing.assert_array_equal(windows[-1].values, windows.values[-1:])
    assert len(list(windows)) == len(windows)
    for index in (12, -13):
        with pytest.raises(IndexError, match=f"window {index} of 12"):
            _ = windows[index]
    with pytest.raises(IndexError, match="boolean"):
        _ = windows[np.array([True, False])]


@given(SEEDS)
def test_parts_join_to_the_whole(seed):
    windows = example(seed=seed)
    cuts = sorted(np.random.default_rng(seed).integers(0, 13, size=2).tolist())
    parts = [windows[: cuts[0]], windows[cuts[0] : cuts[1]], windows[cuts[1] :]]
    assert same(Windows.concatenate(parts), windows)


@pytest.mark.parametrize(
    "other",
    [
        example(k=3),
        dataclasses.replace(example(), row_context=None, column_context=None),
        dataclasses.replace(example(), label_rule="planted"),
        dataclasses.replace(example(), noise=NoiseModel(law="poisson")),
        dataclasses.replace(example(), amplitude=np.zeros(12, np.float32)),
    ],
)
def test_what_is_not_equally_is_not_joined(other):
    with pytest.raises(InputError, match="give parts that agree"):
        Windows.concatenate([example(), other])


@pytest.mark.parametrize("parts", [(w for w in [example()]), example(), [example(), 3], None])
def test_what_is_no_list_of_windows_is_not_joined(parts):
    with pytest.raises(InputError, match=r"pass list\(parts\)"):
        Windows.concatenate(parts)


@pytest.mark.parametrize("rng", [0, None, np.random])
def test_a_relabelling_is_drawn_from_a_generator(rng):
    with pytest.raises(InputError, match=r"numpy\.random\.Generator"):
        example().relabelled(rng)


def test_nothing_is_not_joined():
    with pytest.raises(InputError, match="nothing to concatenate"):
        Windows.concatenate([])


STILL = np.tile(np.arange(5), (12, 1))


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (np.full((12, 5), 2), "one permutation"),
        (STILL[:1], "one permutation"),
        (STILL[:, :3], "one permutation"),
        (STILL + 1, "one permutation"),
        (STILL[:, ::-1] - 5, "one permutation"),
        (np.roll(STILL, 1, axis=1), "moves the centre"),
    ],
)
def test_what_is_no_relabelling_is_refused(rows, complaint):
    for order in ((rows, STILL), (STILL, rows)):
        with pytest.raises(InputError, match=complaint):
            example().permuted(*order)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.zeros((3, 3)), "shape"),
        (np.zeros((2, 4, 4)), "odd"),
        (np.zeros((2, 1, 1)), "odd"),
        (np.zeros((2, 3, 5)), "shape"),
        (np.zeros((2, 3, 3), complex), "real"),
        (np.full((2, 3, 3), None), "real"),
        ([[[1, 2], [3]]], "unequal"),
        (np.full((1, 3, 3), 1e39), "float32"),
        (np.ma.masked_equal(np.zeros((1, 3, 3)), 0), "masked"),
    ],
)
def test_values_that_are_no_windows_are_refused(values, complaint):
    with pytest.raises(InputError, match=complaint):
        Windows.from_values(values)


@given(st.integers(0, 8), st.sampled_from([1e-9, 1e-12, -1e-12]))
def test_rounding_may_not_change_a_label(place, step):
    values = np.ones((1, 9))
    values[0, 4] = 1 + step
    values[0, place] = 1 + step
    values = values.reshape(1, 3, 3)
    if is_centred(values) == is_centred(values.astype(np.float32)):
        assert (Windows.from_values(values).label == is_centred(values)).all()
    else:
        with pytest.raises(InputError, match="change the label"):
            Windows.from_values(values)


@pytest.mark.parametrize("label", [[2, 0], [1], [[1, 0]], ["a", "b"], [np.nan, 0], [[1], [1, 0]], [None, 1], 1, "10"])
def test_labels_that_are_none_are_refused(label):
    with pytest.raises(InputError, match=r"^labels "):
        checked_labels(label, 2)


@pytest.mark.parametrize("label", [[True, False], [1, 0], [1.0, 0.0], np.array([1, 0], np.uint8)])
def test_labels_are_truth_values_zeros_and_ones(label):
    assert checked_labels(label, 2).tolist() == [True, False]


def test_fields_must_fit_each_other():
    windows = example()
    with pytest.raises(InputError, match="observed has N = 3"):
        dataclasses.replace(windows, observed=windows.observed[:3])
    with pytest.raises(InputError, match="come together"):
        dataclasses.replace(windows, row_context=None)
    with pytest.raises(InputError, match="label_rule"):
        dataclasses.replace(windows, label_rule="guessed")
    with pytest.raises(InputError, match="field offset"):
        dataclasses.replace(windows, offset=windows.offset[:, :1])
    with pytest.raises(dataclasses.FrozenInstanceError, match="values"):
        windows.values = windows.values  # type: ignore[misc]


def test_no_windows_are_windows_too():
    empty = Windows.from_values(np.zeros((0, 3, 3)))
    assert len(empty) == len(empty.transposed()) == len(empty.relabelled(np.random.default_rng(0))) == 0


def test_nodes_move_with_the_rows_and_columns_that_they_name():
    w = Windows.from_values(np.random.default_rng(0).normal(size=(20, 5, 5)))
    moved = w.relabelled(np.random.default_rng(1))
    assert (moved.rows != w.rows).any()
    for before, after in ((w[i], moved[i]) for i in range(len(w))):
        rows = [before.rows[0].tolist().index(node) for node in after.rows[0]]
        columns = [before.columns[0].tolist().index(node) for node in after.columns[0]]
        np.testing.assert_array_equal(after.values[0], before.values[0][np.ix_(rows, columns)])
