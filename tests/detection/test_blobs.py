"""The step blob: a difference of two filters of scipy that is largest where a bump is as wide as its scale."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gnnmax import InputError, find_maxima
from gnnmax.detection import matrix as source_module
from gnnmax.detection.blobs import RATIO
from tests.support.gaussian_references import by_scipy, scores_of
from tests.support.slices import Slices

SEEDS = st.integers(0, 2**32 - 1)


def bump(width, n=81):
    """A bump of height 1 in the middle of a matrix."""
    place = np.arange(n) - n // 2
    return np.exp(-(place[:, None] ** 2 + place**2) / (2 * width**2))


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, scale=st.sampled_from([0.5, 1, 2.5]), share=st.sampled_from([0, 0.3, 0.9]),
       form=st.sampled_from(["dense", "slices", "sparse"]))  # fmt: skip
def test_it_is_the_difference_of_two_filters_of_scipy(seed, scale, share, form):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(17, 23))
    matrix[rng.random((17, 23)) < share] = np.nan
    rows, columns = np.nonzero(~np.isnan(matrix))
    stored = sp.csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)
    forms = {"dense": (matrix, "zero"), "slices": (Slices(matrix, (5, 4)), "zero"), "sparse": (stored, "missing")}
    given_as, unstored = forms[form]
    narrow, wide = (by_scipy(matrix, scale * RATIO**power) for power in (-0.5, 0.5))
    expected = (narrow - wide) * 2 / (RATIO - 1 / RATIO)
    found = scores_of(given_as, [f"blob:{scale}"], unstored=unstored)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("width", [1.5, 3.0, 6.0])
def test_a_bump_has_its_largest_response_at_the_scale_of_its_width(width):
    matrix = bump(width)
    scales = [round(width * factor, 3) for factor in (0.5, 0.7, 0.85, 1, 1.2, 1.4, 2)]
    responses = [scores_of(matrix, [f"blob:{scale}"])[40, 40] for scale in scales]
    assert np.argmax(responses) == 3 and abs(responses[3] - 0.473) < 0.01
    laplace = -(width**2) * ndimage.gaussian_laplace(matrix, width)[40, 40]
    assert abs(responses[3] / laplace - 1) < 0.06


def test_the_step_says_how_wide_each_of_two_bumps_is():
    place = np.arange(90)
    matrix = np.zeros((90, 90))
    for (i, j), width in {(25, 25): 2.0, (60, 55): 5.0}.items():
        matrix += 4 * np.exp(-((place[:, None] - i) ** 2 + (place - j) ** 2) / (2 * width**2))
    matrix += 0.05 * np.random.default_rng(0).normal(size=matrix.shape)
    best = {}
    for scale in (1, 2, 3.5, 5, 8):
        for i, j, score in zip(*scored(find_maxima(matrix, 9, steps=[f"blob:{scale}"], threshold=0.5)), strict=True):
            middle = min([(25, 25), (60, 55)], key=lambda at, i=i, j=j: abs(at[0] - i) + abs(at[1] - j))
            best[middle] = max(best.get(middle, (0, 0)), (score, scale))
    assert {middle: scale for middle, (_, scale) in best.items()} == {(25, 25): 2, (60, 55): 5}


def scored(maxima):
    return maxima.rows.tolist(), maxima.columns.tolist(), maxima.scores.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, k=st.sampled_from([(3, 3), (5, 5), (1, 5)]), symmetric=st.booleans(), signed=st.booleans(),
       ties=st.sampled_from(["strict", "all", "first", "plateau"]), tile=st.sampled_from([(3, 4), (128, 1024)]),
       steps=st.sampled_from([("blob:0.4",), ("distance", "blob:0.5"), ("smooth:0.3", "blob:0.4")]))  # fmt: skip
def test_far_zeros_of_a_sparse_matrix_stand_above_the_hollows_beside_its_bumps(
    seed, k, symmetric, signed, ties, tile, steps
):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 26))
    matrix = rng.integers(-3 * signed, 6, (n, n)) * (rng.random((n, n)) < rng.choice([0.02, 0.2]))
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix
    hidden = rng.random(n) < rng.choice([0, 0.2])
    options = {"steps": steps, "ties": ties, "directed": not symmetric, "missing": (hidden, hidden)}

    def answer(form):
        try:
            found = find_maxima(form, k, **options)
        except InputError as refused:
            return str(refused)
        return set(zip(found.rows.tolist(), found.columns.tolist(), found.ties.tolist(), strict=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        assert answer(sp.csr_array(matrix)) == answer(matrix)


def test_equal_entries_have_no_response_and_both_halves_the_same():
    flat = np.full((30, 40), 1 / 3)
    flat[3, 5] = np.nan
    scores = scores_of(flat, ["blob:2"])
    assert set(scores[~np.isnan(scores)].tolist()) == {0.0} and np.isnan(scores[3, 5])
    half = np.triu(np.random.default_rng(0).random((25, 25)))
    scores = scores_of(half + np.triu(half, 1).T, ["blob"])
    np.testing.assert_array_equal(scores, scores.T)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("blob:0.3", "the step blob takes a scale from 0.35 to 50, not 0.3"),
        ("blob:51", "the step blob takes a scale from 0.35 to 50, not 51"),
        ("blob:wide", "the step blob takes a number after the colon"),
        ("blobs", "unknown step 'blobs': did you mean blob"),
    ],
)
def test_a_scale_without_meaning_is_refused(step, message):
    with pytest.raises(InputError, match=f"^{message}"):
        find_maxima(np.eye(9), 3, steps=[step])


def test_infinite_values_and_graphs_are_refused():
    with pytest.raises(InputError, match=r"^the step blob needs finite values"):
        find_maxima(np.diag([1.0, 2, np.inf, 3, 1]), 3, steps=["blob"])
    with pytest.raises(InputError, match=r"^the step blob needs an order"):
        find_maxima(np.eye(9), mode="graph", steps=["blob"])
