"""The minimum distance: exactly the greedy choice, in memory that grows with the maxima alone."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax.detection import min_distance as module
from gnnmax.detection.min_distance import suppress_nearby


def greedy(rows, columns, values, least):
    kept = np.zeros(len(rows), dtype=bool)
    for index in np.argsort(-values, kind="stable"):
        near = kept & (np.abs(rows - rows[index]) < least) & (np.abs(columns - columns[index]) < least)
        kept[index] = not (values[near] > values[index]).any()
    return kept


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 60), least=st.integers(1, 20),
       levels=st.sampled_from([2, 5, 1000]), one_by_one=st.booleans())  # fmt: skip
def test_the_choice_is_the_greedy_one(seed, size, least, levels, one_by_one):
    rng = np.random.default_rng(seed)
    places = rng.permutation(9 * size)[:100]
    rows, columns, values = places // 9, places % 9, rng.integers(levels, size=len(places))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST_SHARE", 2.0 if one_by_one else 0.0)
        kept = suppress_nearby(rows, columns, values, least)
    np.testing.assert_array_equal(kept, greedy(rows, columns, values, least))


def test_memory_grows_with_the_maxima_and_not_with_the_distance():
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(150, size=(2, 4000))
    values = rng.random(4000)
    tracemalloc.start()
    try:
        suppress_nearby(rows, columns, values, 50)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1000 * len(rows)


def test_a_long_chain_of_maxima_is_decided_without_a_round_for_each():
    places = 2 * np.arange(3000)
    assert suppress_nearby(places, places, places, 3).tolist() == [False, True] * 1500
