"""Steps before the search: each equals a loop over the entries, whatever form the matrix comes in."""

import itertools
from functools import partial

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from gnnmax import find_maxima
from gnnmax.detection import NORMALISATIONS
from gnnmax.detection import matrix as source_module
from gnnmax.detection import normalisation as steps_module
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.normalisation import normalise
from gnnmax.errors import InputError
from tests.support.local_backgrounds import PLACES, over_background

SEEDS = st.integers(0, 2**32 - 1)
ORDERS = st.sampled_from([("rank",), ("distance",), ("degree",), ("distance", "rank"), ("rank", "distance"),
                          ("degree", "distance", "rank"), ("rank", "degree"), ("rank", "rank"), ("smooth:0.5",),
                          ("distance", "smooth:0.25"), ("smooth:0.25", "degree"), ("rank", "smooth:0.5")])  # fmt: skip


def loop_rank(matrix):
    """scipy's mean ranks of the measured entries."""
    scores, known = np.full(matrix.shape, np.nan), ~np.isnan(matrix)
    scores[known] = rankdata(matrix[known])
    return scores


def loop_distance(matrix):
    """Entry by entry, over the mean of all entries at the same distance from the diagonal."""
    scores = np.full(matrix.shape, np.nan)
    places = list(itertools.product(*map(range, matrix.shape)))
    for i, j in places:
        alike = [matrix[a, b] for a, b in places if abs(a - b) == abs(i - j) and not np.isnan(matrix[a, b])]
        if alike and np.mean(alike) > 0:
            scores[i, j] = matrix[i, j] / np.mean(alike)
    return scores


def loop_degree(matrix):
    """Entry by entry, over the root of the two sums."""
    scores = np.full(matrix.shape, np.nan)
    for i, j in itertools.product(*map(range, matrix.shape)):
        weight = np.sqrt(np.nansum(matrix[i]) * np.nansum(matrix[:, j]))
        scores[i, j] = matrix[i, j] / weight if weight > 0 else matrix[i, j]
    return scores


def loop_smooth(matrix, scale=1.0):
    """Entry by entry, the mean of the measured entries up to 4 scales away, with Gaussian weights."""
    scores, reach = np.full(matrix.shape, np.nan), int(4 * scale + 0.5)
    known = {place: matrix[place] for place in np.ndindex(matrix.shape) if not np.isnan(matrix[place])}
    for i, j in known:
        near = {(a, b): value for (a, b), value in known.items() if max(abs(a - i), abs(b - j)) <= reach}
        weights = [np.exp(-((a - i) ** 2 + (b - j) ** 2) / (2 * scale**2)) for a, b in near]
        scores[i, j] = np.average(list(near.values()), weights=weights)
    return scores


def loop_blob(matrix, scale=1.0):
    """The difference of two of these means, over what it makes of a bump of this scale."""
    near, wide = (loop_smooth(matrix, scale * factor) for factor in (1.6**-0.5, 1.6**0.5))
    return (near - wide) / ((1.6 - 1 / 1.6) / 2)


LOOPS = {"blob": loop_blob, "rank": loop_rank, "distance": loop_distance, "degree": loop_degree, "smooth": loop_smooth}
LOOPS |= {kind: partial(over_background, kind=kind) for kind in PLACES}


def looped(matrix, steps):
    for text in steps:
        name, _, scale = text.partition(":")
        matrix = LOOPS[name](matrix, float(scale)) if scale else LOOPS[name](matrix)
    return matrix


def scores_of(matrix, steps, unstored="zero", missing=None, diagonal=True):
    source = normalise(as_source(matrix, unstored=unstored, missing=missing, diagonal=diagonal), steps)
    block = source.block(0, 0, *source.shape, (0, 0))
    return block.values if block.missing is None else np.where(block.missing, np.nan, block.values)


def weights(seed, n=9, symmetric=True, share=0.5, levels=6):
    """Whole numbers, many of them 0 and many equal."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, levels, size=(n, n)) * (rng.random((n, n)) < share)
    return np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix


def holed(matrix, seed):
    """The same with some pairs not measured."""
    hidden = np.random.default_rng(seed + 1).random(matrix.shape) < 0.2
    return np.where(hidden | hidden.T, np.nan, matrix.astype(float))


def test_every_step_has_a_loop_and_a_summary():
    assert set(NORMALISATIONS) == set(LOOPS)
    assert all(step.summary.endswith(".") for step in NORMALISATIONS.values())


@pytest.mark.parametrize("scale", [0.5, 1.0])
@pytest.mark.parametrize("holes", [False, True])
def test_a_blob_is_the_loop_over_entries(scale, holes):
    matrix = weights(3).astype(float)
    matrix = holed(matrix, 3) if holes else matrix
    expected = loop_blob(matrix, scale)
    np.testing.assert_allclose(scores_of(matrix, (f"blob:{scale:g}",)), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, steps=ORDERS, symmetric=st.booleans(), holes=st.booleans(), diagonal=st.booleans())
def test_a_step_is_the_loop_over_entries(seed, steps, symmetric, holes, diagonal):
    matrix = weights(seed, symmetric=symmetric).astype(float)
    matrix = holed(matrix, seed) if holes else matrix
    before = matrix.copy()
    # Ranks would part where two ways to round give other ties, so each step is compared on the scores before it.
    before_last = scores_of(matrix, steps[:-1], diagonal=diagonal)
    expected = looped(before_last, steps[-1:])
    np.testing.assert_allclose(scores_of(matrix, steps, diagonal=diagonal), expected, rtol=1e-12)
    np.testing.assert_array_equal(matrix, before)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, steps=ORDERS, unstored=st.sampled_from(["zero", "missing"]), diagonal=st.booleans())
def test_sparse_is_dense_bit_for_bit(seed, steps, unstored, diagonal):
    matrix = weights(seed, symmetric=False)
    dense = matrix if unstored == "zero" else np.where(matrix == 0, np.nan, matrix)
    if np.isnan(dense).all():
        return
    stored = sp.csr_array(matrix)
    held = stored.data.copy()
    np.testing.assert_array_equal(
        scores_of(stored, steps, unstored, diagonal=diagonal), scores_of(dense, steps, diagonal=diagonal)
    )
    np.testing.assert_array_equal(stored.data, held)
    with pytest.MonkeyPatch.context() as patch:  # tiles without a stored entry may be passed over
        patch.setattr(source_module, "TILE", (2, 2))
        for k in (3, (1, 3)):
            options = {"steps": steps, "ties": "all", "diagonal": diagonal, "triangle": "both"}
            assert told(find_maxima(stored, k, unstored=unstored, **options)) == told(find_maxima(dense, k, **options))


def told(maxima):
    return list(zip(maxima.rows.tolist(), maxima.columns.tolist(), maxima.values.tolist(), maxima.scores.tolist(),
                    maxima.margin.tolist(), strict=True))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, steps=ORDERS, holes=st.booleans())
def test_a_symmetric_matrix_stays_symmetric_bit_for_bit(seed, steps, holes):
    matrix = weights(seed, n=12) * np.pi
    scores = scores_of(holed(matrix, seed) if holes else matrix, steps)
    np.testing.assert_array_equal(scores, scores.T)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, steps=st.sampled_from([("rank",), ("degree",), ("degree", "rank"), ("rank", "degree")]),
       dense=st.booleans(), ties=st.sampled_from(["strict", "all"]))  # fmt: skip
def test_relabelled_nodes_have_relabelled_maxima_and_the_same_scores(seed, steps, dense, ties):
    matrix = np.triu(weights(seed, n=12) * np.pi, 1)
    matrix = matrix + matrix.T
    order = np.random.default_rng(seed).permutation(12)
    moved = matrix[order][:, order]
    options = {"mode": "graph", "ties": ties, "steps": steps, "triangle": "both"}
    here = find_maxima(matrix if dense else sp.csr_array(matrix), **options)
    there = find_maxima(moved if dense else sp.csr_array(moved), **options)
    assert {(order[i], order[j], *rest) for i, j, *rest in told(there)} == set(told(here))


def test_distance_does_notice_relabelling():
    matrix = weights(0, n=12)
    order = np.random.default_rng(0).permutation(12)
    moved = scores_of(matrix[order][:, order], ["distance"])
    assert not np.allclose(moved, scores_of(matrix, ["distance"])[order][:, order], equal_nan=True)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_in_mode_graph_edges_alone_are_measured(form):
    matrix = weights(3, n=10)
    edges = np.where(matrix == 0, np.nan, matrix)
    for steps in (("rank",), ("degree",), ("rank", "degree")):
        expected = looped(edges, steps)
        maxima = find_maxima(form(matrix), mode="graph", ties="all", steps=steps, triangle="both")
        np.testing.assert_allclose(maxima.scores, expected[maxima.rows, maxima.columns], rtol=1e-12)
        np.testing.assert_array_equal(maxima.values, matrix[maxima.rows, maxima.columns])


def test_values_stay_and_scores_are_searched():
    matrix = np.array([[9.0, 8, 1, 1], [8, 9, 8, 3], [1, 8, 9, 8], [1, 3, 8, 9]])
    assert [place[:2] for place in find_maxima(matrix, 3, ties="all")] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    maxima = find_maxima(matrix, 3, steps=["distance"])
    assert list(maxima) == [(1, 3, 3.0)] and maxima.scores.tolist() == [1.5] and maxima.margin.tolist() == [0.5]
    assert maxima.steps == ("distance",) and maxima[:0].scores.tolist() == [] and maxima[:0].steps == ("distance",)
    assert find_maxima(matrix, 3, ties="all").scores is None
    assert len(find_maxima(matrix, 3, steps=["distance"], threshold=1.5)) == 0


def test_the_order_given_is_the_order_applied():
    matrix = weights(1, n=8, share=1.0)
    one, other = (scores_of(matrix, steps) for steps in (("rank", "distance"), ("distance", "rank")))
    assert not np.allclose(one, other)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, holes=st.booleans(), ties=st.sampled_from(["strict", "all", "first", "plateau"]))
def test_ranks_move_no_maximum(seed, holes, ties):
    matrix = weights(seed, n=11, share=1.0)
    matrix = holed(matrix, seed) if holes else matrix
    assert list(find_maxima(matrix, 3, ties=ties, steps=["rank"])) == list(find_maxima(matrix, 3, ties=ties))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.bool_])
def test_every_type_has_the_scores_of_its_numbers(dtype):
    matrix = weights(2, levels=2 if dtype == np.bool_ else 6).astype(dtype)
    for steps in (("rank",), ("distance",), ("degree",)):
        expected = looped(matrix.astype(float), steps)
        for form in (np.asarray, sp.csr_array) if dtype != np.float16 else (np.asarray,):
            np.testing.assert_allclose(scores_of(form(matrix), steps), expected, rtol=1e-12)


def test_large_whole_numbers_are_not_rounded_before_they_are_ranked():
    matrix = np.full((3, 3), 2**62)
    matrix[1, 1] += 1
    assert scores_of(matrix, ["rank"]).max() == 9.0


def test_a_mask_is_what_was_not_measured():
    matrix, hidden = weights(5), np.random.default_rng(0).random((9, 9)) < 0.3
    hidden |= hidden.T
    for steps in (("rank",), ("distance",), ("degree",), ("distance", "rank")):
        expected = scores_of(np.where(hidden, np.nan, matrix), steps)
        for form in (np.asarray, sp.csr_array):
            np.testing.assert_array_equal(scores_of(form(matrix), steps, missing=hidden), expected)


def test_what_a_step_loses_is_counted_with_its_reason():
    matrix = np.diag(np.ones(5))
    for form in (np.asarray, sp.csr_array):
        (step,) = normalise(as_source(form(matrix)), ["distance"]).steps
        assert (step.lost, step.reason) == (20, "the mean at its distance is not above 0")
    (step,) = normalise(as_source(sp.csr_array(matrix), unstored="missing"), ["distance"]).steps
    assert step.lost == 0


def test_a_mean_below_0_gives_no_score_as_a_ratio_would_reverse_the_order():
    matrix = np.array([[1.0, -2, 3], [-4, 1, -2], [3, -4, 1]])
    for form in (np.asarray, sp.csr_array):
        expected = [[1, np.nan, 1], [np.nan, 1, np.nan], [1, np.nan, 1]]
        np.testing.assert_array_equal(scores_of(form(matrix), ["distance"]), expected)
        (step,) = normalise(as_source(form(matrix)), ["distance"]).steps
        assert step.lost == 4


def test_a_memory_map_goes_through_steps_block_by_block(tmp_path):
    matrix = np.random.default_rng(0).random((300, 300)).astype(np.float32)
    np.save(tmp_path / "m.npy", matrix)
    mapped = np.lib.format.open_memmap(tmp_path / "m.npy", mode="r")
    for steps in (("distance",), ("degree",)):
        assert told(find_maxima(mapped, steps=steps)) == told(find_maxima(matrix, steps=steps))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "RANKED", 300 * 300 - 1)
        with pytest.raises(InputError, match="holds and sorts all values, at most 89,999, not 90,000"):
            find_maxima(mapped, steps=("rank",))


def test_an_empty_sparse_matrix_has_no_maximum_after_any_step():
    for name, unstored in itertools.product(NORMALISATIONS, ("zero", "missing")):
        assert len(find_maxima(sp.csr_array((6, 6)), 3, unstored=unstored, steps=[name])) == 0


@pytest.mark.parametrize(
    ("matrix", "options", "complaint"),
    [
        (np.ones((5, 5)), {"steps": ["log"]}, "unknown step 'log'; known: blob, degree, distance, "),
        (np.ones((5, 5)), {"steps": "rank"}, "sequence of names"),
        (np.ones((5, 6)), {"steps": ["distance"]}, "a square matrix, rows and columns in one order, not 5 x 6"),
        (np.full((5, 5), np.inf), {"steps": ["distance"]}, "finite values"),
        (np.full((5, 5), np.inf), {"steps": ["degree"]}, "finite weights"),
        (np.full((5, 5), 1e308), {"steps": ["degree"]}, "sums are finite"),
        (-np.ones((5, 5)), {"steps": ["degree"]}, "weights of at least 0"),
        (nx.path_graph(5), {"steps": ["distance"], "mode": "graph"}, "distance needs an order"),
        (np.full((5, 5), np.nan), {"steps": ["rank"]}, "no entry of the matrix was measured"),
    ],
)
def test_a_wrong_step_is_refused_in_one_line(matrix, options, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        find_maxima(matrix, 3, **options)
    assert "\n" not in str(caught.value)
