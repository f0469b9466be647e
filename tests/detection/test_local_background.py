"""Local backgrounds: each step equals a loop over the surroundings, whatever is missing and wherever parts end."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import find_maxima
from gnnmax.detection import matrix as source_module
from gnnmax.detection.background_kernels import KERNELS, kernel_of, kernel_sums
from gnnmax.detection.blocks import Block
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.normalisation import normalise
from gnnmax.errors import InputError
from tests.support.local_backgrounds import PLACES, over_background

SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(sorted(PLACES))


def drawn(seed, n=11, *, symmetric=True, share=0.8):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 9, size=(n, n)) * (rng.random((n, n)) < share)
    return np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix


def holed(matrix, seed, share=0.2):
    hidden = np.random.default_rng(seed + 1).random(matrix.shape) < share
    return np.where(hidden | hidden.T, np.nan, matrix.astype(float))


def scores_of(matrix, step, **options):
    source = normalise(as_source(matrix, **options), [step])
    block = source.block(0, 0, *source.shape, (0, 0)) if source.breaks is None else None
    if block is not None:
        return block.values if block.missing is None else np.where(block.missing, np.nan, block.values)
    scores = np.full(source.shape, np.nan)
    for part in source.parts.cut((0, 0, *source.shape)):
        block = source.block(*part, (0, 0))
        values = block.values if block.missing is None else np.where(block.missing, np.nan, block.values)
        scores[part[0] : part[0] + part[2], part[1] : part[1] + part[3]] = values
    return scores


def test_every_kernel_has_a_reference():
    assert set(KERNELS) == set(PLACES)


@pytest.mark.parametrize("kind", sorted(PLACES))
@pytest.mark.parametrize(("peak", "window"), [(0, 1), (1, 3), (2, 5), (4, 7)])
def test_a_kernel_is_that_of_cooltools(kind, peak, window):
    """The masks as cooltools.api.dotfinder.get_adjusted_expected_tile_some_nans has them, written out by loops."""
    kernel = kernel_of(kind, (peak, peak), (window, window))
    for down, right in np.ndindex(kernel.shape):
        place = down - window, right - window
        assert kernel[down, right] == (PLACES[kind](*place) and max(map(abs, place)) > peak)


def test_the_donut_of_a_reach_of_two_has_the_entries_of_the_figure():
    shown = ["".join(".x"[mark] for mark in row) for row in kernel_of("donut", (2, 2), (5, 5)).astype(int)]
    middle = ["xxx.....xxx"] * 2
    assert shown == ["xxxxx.xxxxx"] * 3 + middle + ["..........."] + middle + ["xxxxx.xxxxx"] * 3


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, kind=KINDS, peak=st.integers(0, 2), symmetric=st.booleans(), holes=st.booleans(),
       diagonal=st.booleans())  # fmt: skip
def test_a_step_is_the_loop_over_surroundings(seed, kind, peak, symmetric, holes, diagonal):
    matrix = drawn(seed, symmetric=symmetric).astype(float)
    matrix = holed(matrix, seed) if holes else matrix
    undirected = np.array_equal(matrix, matrix.T, equal_nan=True)
    seen = matrix.copy()
    if not diagonal:
        np.fill_diagonal(seen, np.nan)
    expected = over_background(seen, kind, peak, undirected=undirected)
    found = scores_of(matrix, f"{kind}:{peak}", diagonal=diagonal)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    if undirected:
        np.testing.assert_array_equal(found, found.T)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, kind=KINDS, cut=st.integers(1, 11), symmetric=st.booleans(), sparse=st.booleans())
def test_nothing_reaches_across_a_break(seed, kind, cut, symmetric, sparse):
    matrix = drawn(seed, 12, symmetric=symmetric)
    parts = (np.arange(12) >= cut).astype(int)
    undirected = np.array_equal(matrix, matrix.T)
    expected = over_background(matrix.astype(float), kind, 1, undirected=undirected, parts=parts)
    found = scores_of(sp.csr_array(matrix) if sparse else matrix, f"{kind}:1", breaks=([cut], [cut]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, kind=KINDS, peak=st.integers(0, 2), symmetric=st.booleans(), missing=st.booleans(),
       unstored=st.sampled_from(["zero", "missing"]), tile=st.sampled_from([(2, 2), (3, 5), (128, 1024)]))  # fmt: skip
def test_a_band_has_the_scores_and_the_maxima_of_the_dense_matrix(seed, kind, peak, symmetric, missing, unstored, tile):
    rng = np.random.default_rng(seed)
    matrix = drawn(seed, 16, symmetric=symmetric, share=0.6)
    matrix[np.abs(np.subtract.outer(np.arange(16), np.arange(16))) > rng.integers(2, 16)] = 0
    dense = matrix.astype(float) if unstored == "zero" else np.where(matrix == 0, np.nan, matrix)
    bad = rng.random(16) < 0.2
    lines = (bad, bad) if missing else None
    if np.isnan(np.where(bad[:, None] | bad, np.nan, dense) if missing else dense).all():
        return
    steps, options = (f"{kind}:{peak}",), {"ties": "all", "triangle": "both", "missing": lines}
    whole = find_maxima(dense, 3, steps=steps, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        band = find_maxima(sp.csr_array(matrix), 3, steps=steps, unstored=unstored, **options)
    for field in ("rows", "columns", "values", "scores", "margin", "missing"):
        np.testing.assert_array_equal(getattr(band, field), getattr(whole, field))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, kind=KINDS, mirrored=st.booleans())
def test_sums_along_a_diagonal_are_those_of_the_rectangle_bit_for_bit(seed, kind, mirrored):
    kernel = kernel_of(kind, (1, 1), (3, 3))
    matrix = np.random.default_rng(seed).random((40, 40))
    plain = kernel_sums(matrix, kernel, mirrored=mirrored)  # of entries from (3, 3) on
    top, start, rows, width = 5, 2, 12, 22  # by row and by offset from the diagonal
    sheared = np.array([matrix[row, row + start : row + start + width] for row in range(top, top + rows)])
    found = kernel_sums(sheared, kernel, shear=1, mirrored=mirrored)
    block = Block(sheared, None, False, top + 3, top + 3 + start + 6, shear=1)
    places = block.places(*np.indices(found.shape))
    np.testing.assert_array_equal(found, plain[places[0] - 3, places[1] - 3])


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, kind=KINDS, factor=st.sampled_from([0.25, 2.0, 1024.0]))
def test_neither_the_depth_nor_a_fall_with_distance_matters_to_a_flat_map(seed, kind, factor):
    matrix = drawn(seed, 14).astype(float) + 1
    np.testing.assert_array_equal(scores_of(matrix * factor, kind), scores_of(matrix, kind))
    apart = np.abs(np.subtract.outer(np.arange(14), np.arange(14)))
    flat = scores_of(1 / (1.0 + apart), kind)
    np.testing.assert_allclose(flat[~np.isnan(flat)], 1, rtol=1e-12)


def test_the_corner_of_a_block_stands_out_of_its_donut_and_not_of_what_is_towards_the_diagonal():
    place = np.arange(60)
    matrix = 1 + 4.0 * ((place[:, None] // 20) == place // 20)
    matrix[25, 33] = matrix[33, 25] = 8.0
    found = {
        kind: {place[:2] for place in find_maxima(matrix, 5, steps=[kind], diagonal=False, distance=(4, 12))}
        for kind in ("donut", "lower-left")
    }
    assert found["lower-left"] == {(25, 33)}
    assert {(25, 33), (20, 25), (40, 45)} <= found["donut"]


@pytest.mark.parametrize(
    ("matrix", "step", "complaint"),
    [
        (np.ones((5, 6)), "donut", "the step donut needs a square matrix"),
        (np.ones((9, 9)), "donut:1.5", "the step donut takes a whole number from 0 to 64, not 1.5"),
        (np.ones((9, 9)), "vertical:65", "the step vertical takes a whole number from 0 to 64, not 65"),
        (np.ones((9, 9)), "horizontal:x", "takes a number after the colon"),
        (np.diag([np.inf, 1, 2, 3, 4]), "lower-left", "the step lower-left needs finite values"),
    ],
)
def test_a_wrong_background_is_refused_in_one_line(matrix, step, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        find_maxima(matrix, 3, steps=[step])
    assert "\n" not in str(caught.value)


def test_a_graph_has_no_surroundings():
    with pytest.raises(InputError, match="the step donut needs an order"):
        find_maxima(drawn(0), mode="graph", steps=["donut"])


def test_rows_and_columns_need_the_same_breaks():
    with pytest.raises(InputError, match="needs the same breaks in rows and in columns"):
        find_maxima(drawn(0, symmetric=False), 3, steps=["donut"], breaks=([3], [4]))
