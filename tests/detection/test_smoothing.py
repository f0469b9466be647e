"""The step smooth: a normalised convolution, as scipy's filters give it, whatever form the matrix comes in."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, find_maxima
from tests.support.gaussian_references import by_scipy, scores_of
from tests.support.slices import Slices


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.5, 1, 2.5]), share=st.sampled_from([0, 0.3, 0.9]),
       form=st.sampled_from(["dense", "slices", "sparse"]))  # fmt: skip
def test_it_is_the_quotient_of_two_filters_of_scipy(seed, scale, share, form):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(17, 23))
    matrix[rng.random((17, 23)) < share] = np.nan
    rows, columns = np.nonzero(~np.isnan(matrix))
    stored = sp.csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)
    forms = {"dense": (matrix, "zero"), "slices": (Slices(matrix, (5, 4)), "zero"), "sparse": (stored, "missing")}
    given_as, unstored = forms[form]
    found = scores_of(given_as, [f"smooth:{scale}"], unstored=unstored)
    np.testing.assert_allclose(found, by_scipy(matrix, scale), rtol=1e-10, atol=1e-12)


def test_nothing_is_smoothed_across_a_break():
    matrix = np.random.default_rng(0).random((14, 14))
    found = scores_of(matrix, ["smooth:2"], breaks=([5], [9]))
    for rows in (slice(0, 5), slice(5, 14)):
        for columns in (slice(0, 9), slice(9, 14)):
            np.testing.assert_allclose(found[rows, columns], by_scipy(matrix[rows, columns], 2), rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, -1 / 3, 1e300, 3.0])
def test_equal_entries_stay_equal_so_a_constant_matrix_has_no_maximum(value):
    matrix = np.full((30, 40), value)
    matrix[3, 5] = np.nan
    scores = scores_of(matrix, ["smooth"])
    assert set(scores[~np.isnan(scores)].tolist()) == {value}
    assert len(find_maxima(matrix, 5, steps=["smooth"], ties="all")) == 0


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    holes=st.booleans(),
    steps=st.sampled_from([("smooth",), ("distance", "smooth:2"), ("smooth:0.5", "distance", "smooth")]),
)
def test_a_symmetric_matrix_stays_symmetric_bit_for_bit(seed, holes, steps):
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.random((25, 25)))
    matrix += np.triu(matrix, 1).T
    if holes:
        hidden = rng.random((25, 25)) < 0.1
        matrix[hidden | hidden.T] = np.nan
    scores = scores_of(matrix, steps)
    np.testing.assert_array_equal(scores, scores.T)
    half = scores_of(np.tril(matrix), steps, directed=False)
    np.testing.assert_array_equal(half, scores)


def test_a_band_is_smoothed_without_being_made_dense():
    n = 6000
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(n), 20)
    columns = rows + np.tile(np.arange(20), n)
    inside = columns < n
    counts = rng.poisson(9.0, inside.sum()).astype(float)
    matrix = sp.csr_array((counts, (rows[inside], columns[inside])), shape=(n, n))
    tracemalloc.start()
    found = find_maxima(matrix, 7, steps=["distance", "smooth"], directed=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) > 100 and peak < 40 * 2**20  # dense it has 288 MB


def test_the_middle_of_a_bump_is_found_although_its_largest_entry_is_at_the_side():
    rng, place = np.random.default_rng(0), np.arange(60)
    bump = 3 * np.exp(-((place - 20)[:, None] ** 2 + (place - 40) ** 2) / 18)
    near = {(): 0, ("smooth:2",): 0}
    for _ in range(20):
        matrix = bump + rng.normal(size=(60, 60))
        for steps in near:
            i, j, _ = next(iter(find_maxima(matrix, 9, steps=steps, directed=True)))
            near[steps] += max(abs(i - 20), abs(j - 40)) <= 1
    assert near["smooth:2",] >= 18 and near[()] <= 12


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("smooth:", "the step smooth takes a number after the colon, such as smooth:2, not 'smooth:'"),
        ("smooth:x", "the step smooth takes a number after the colon"),
        ("smooth:-1", "the step smooth takes a number after the colon"),
        ("smooth:nan", "the step smooth takes a number after the colon"),
        ("smooth:0", "the step smooth takes a scale from 0.25 to 64, not 0"),
        ("smooth:65", "the step smooth takes a scale from 0.25 to 64, not 65"),
        ("rank:2", "the step rank takes no number: write rank, not 'rank:2'"),
        ("smoth:2", "unknown step 'smoth': did you mean smooth"),
    ],
)
def test_a_scale_without_meaning_is_refused(step, message):
    with pytest.raises(InputError, match=f"^{message}"):
        find_maxima(np.eye(9), 3, steps=[step])


def test_infinite_values_and_graphs_are_refused():
    matrix = np.eye(9)
    matrix[3, 3] = np.inf
    with pytest.raises(InputError, match=r"^the step smooth needs finite values"):
        find_maxima(matrix, 3, steps=["smooth"])
    with pytest.raises(InputError, match=r"^the step smooth needs an order"):
        find_maxima(np.eye(9), mode="graph", steps=["smooth"])
