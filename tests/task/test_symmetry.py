"""Transformations as data: their definitions, their distributions, and their refusals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gnnmax.errors import InputError
from gnnmax.task.label import is_centred
from gnnmax.task.symmetry import increasing_map, permuted, relabellings, respaced, translations

SEEDS = st.integers(0, 2**32 - 1)
EXTREMES = st.sampled_from([-(2**63), -1, 0, 1, 2**62, 2**63 - 1])
WHOLE = hnp.arrays(np.int64, (3, 3, 3), elements=EXTREMES)
FLOATS = hnp.arrays(np.float64, (3, 3, 3), elements=st.sampled_from([-np.inf, -1.0, 0.0, 2.0, np.inf, np.nan]))
TRUTH = hnp.arrays(np.bool_, (3, 3, 3))


def order_of(window):
    """Whether each entry is below, equal to or above each other one; NaN is none of these."""
    flat = window.reshape(-1)
    return flat[:, None] > flat, flat[:, None] == flat


def same_order(before, after):
    return all(
        np.array_equal(a, b)
        for old, new in zip(before, after, strict=True)
        for a, b in zip(order_of(old), order_of(new), strict=True)
    )


def is_uniform(drawn):
    """Chi-square over the 24 orders of four nodes around a centre, 500 draws expected of each."""
    counts = [
        int((drawn == np.insert(order, 2, 2)).all(axis=1).sum()) for order in itertools.permutations([0, 1, 3, 4])
    ]
    assert sum(counts) == len(drawn) == 12_000
    return sum((count - 500) ** 2 / 500 for count in counts) < 23 + 5 * math.sqrt(2 * 23)


def test_relabellings_that_fix_the_centre_are_drawn_uniformly():
    assert is_uniform(relabellings(12_000, 5, np.random.default_rng(0)))


def test_the_classic_wrong_shuffle_would_be_caught():
    rng, every = np.random.default_rng(0), np.arange(12_000)
    drawn = np.tile([0, 1, 3, 4], (12_000, 1))
    for place in range(4):  # swapping each place with any place favours some orders
        other = rng.integers(4, size=12_000)
        drawn[every, place], drawn[every, other] = drawn[every, other], drawn[every, place].copy()
    assert not is_uniform(np.insert(drawn, 2, 2, axis=1))


@given(SEEDS, st.sampled_from([3, 5, 7]))
def test_permuting_is_indexing_by_rows_and_columns(seed, k):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4, k, k))
    rows, columns = (rng.permuted(np.tile(np.arange(k), (4, 1)), axis=1) for _ in range(2))
    found = permuted(values, rows, columns)
    for window in range(4):
        np.testing.assert_array_equal(found[window], values[window][np.ix_(rows[window], columns[window])])
    back = permuted(found, np.argsort(rows, axis=1), np.argsort(columns, axis=1))
    np.testing.assert_array_equal(back, values)


@given(st.integers(-20, 20), st.sampled_from([3, 5, 9]))
def test_a_translation_is_a_roll(step, k):
    values = np.arange(k * k).reshape(1, k, k)
    still = translations([0], k)
    np.testing.assert_array_equal(permuted(values, translations([step], k), still), np.roll(values, step, axis=1))
    np.testing.assert_array_equal(permuted(values, still, translations([step], k)), np.roll(values, step, axis=2))


@given(WHOLE | FLOATS | TRUTH, SEEDS)
def test_respacing_keeps_order_ties_and_what_is_not_observed(values, seed):
    mapped = respaced(values, np.random.default_rng(seed))
    assert mapped.dtype == np.float32
    assert same_order(values, mapped)
    np.testing.assert_array_equal(is_centred(mapped), is_centred(values))


def test_respacing_by_differences_would_not():
    ordered = np.array([-(2**63), 2**63 - 1])
    with np.errstate(over="ignore"):
        assert not np.diff(ordered) > 0  # it overflows: the rise is lost


@given(WHOLE | FLOATS | TRUTH)
def test_an_increasing_map_keeps_the_order_or_is_refused(values):
    for function in (np.arctan, np.exp, np.cbrt, lambda x: 3 * x - 1):
        try:
            mapped = increasing_map(values, function)
        except InputError:
            continue  # it makes ties of what float32 cannot tell apart
        assert same_order(values, mapped)
        np.testing.assert_array_equal(is_centred(mapped), is_centred(values))


def test_small_numbers_truth_values_and_infinities_are_mapped():
    assert increasing_map(np.eye(3, dtype=bool)[None], np.exp).max() == np.float32(np.e)
    assert increasing_map(np.array([[[np.inf] * 3, [0, 1, 2], [-np.inf] * 3]]), lambda x: x).min() == -np.inf


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (lambda x: -x, "does not keep the order"),
        (lambda x: np.minimum(x, 4), "does not keep the order"),
        (lambda x: np.sqrt(x - 2), "does not keep the order"),
        (lambda x: x.sum(), "must return real numbers"),
        (lambda x: x + 0j, "must return real numbers"),
        (lambda x: x.reshape(-1), "must return real numbers"),
    ],
)
def test_a_function_that_is_no_increasing_map_is_refused(function, complaint):
    with pytest.raises(InputError, match=complaint):
        increasing_map(np.arange(9.0).reshape(1, 3, 3), function)


def test_a_map_may_not_make_up_what_was_not_observed():
    values = np.arange(9.0).reshape(1, 3, 3)
    values[0, 0, 0] = np.nan
    assert np.isnan(increasing_map(values, np.exp)[0, 0, 0])
    for made_up in (100.0, 3.5, -100.0):
        with pytest.raises(InputError, match="does not keep the order"):
            increasing_map(values, lambda x, made_up=made_up: np.nan_to_num(x, nan=made_up))


@pytest.mark.parametrize("values", [np.eye(3), np.zeros((2, 2, 3, 3))])
def test_windows_to_be_mapped_come_in_one_stack(values):
    with pytest.raises(InputError, match=r"shape \(n, k, k\)"):
        respaced(values, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"shape \(n, k, k\)"):
        increasing_map(values, np.exp)


def test_values_are_respaced_by_a_generator():
    with pytest.raises(InputError, match=r"numpy\.random\.Generator"):
        respaced(np.zeros((1, 3, 3)), 0)
