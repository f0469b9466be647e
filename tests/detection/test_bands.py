"""Sparse matrices are read along the diagonal: the answer is that of the dense matrix, the cost is that of the band."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gnnmax import find_maxima
from gnnmax.detection import matrix as source_module
from gnnmax.detection.sparse_storage import UpperTriangle
from gnnmax.errors import InputError
from tests.support.local_backgrounds import PLACES

SIDES = st.sampled_from([(3, 3), (5, 5), (7, 7), (3, 5), (5, 3), (1, 3), (3, 1)])
STEPS = st.sampled_from(
    [
        (),
        ("distance",),
        ("rank",),
        ("distance", "rank"),
        ("rank", "distance"),
        ("distance", "distance"),
        ("smooth:0.5",),
        ("distance", "smooth:0.25"),
        ("rank", "smooth:0.5"),
        ("smooth:0.25", "distance"),
        ("donut:1",),
        ("distance", "lower-left:0"),
        ("vertical:1", "distance"),
        ("smooth:0.5", "horizontal:0"),
    ]
)
OPTIONS = st.fixed_dictionaries(
    {
        "ties": st.sampled_from(["strict", "all", "first", "plateau"]),
        "diagonal": st.booleans(),
        "triangle": st.sampled_from(["upper", "both"]),
        "threshold": st.sampled_from([None, 1]),
        "min_distance": st.sampled_from([1, 4]),
        "max_missing": st.sampled_from([None, 0, 3, 6]),
        "steps": STEPS,
    }
)
KINDS = st.sampled_from(["i2", "i8", "f4", "f8"])


def needs_square(step):
    return step == "distance" or step.partition(":")[0] in PLACES


def band_of(rng, n, m, kind, symmetric):
    """Draw whole numbers near the diagonal, some of them 0, negative or NaN, and seldom one far from it."""
    offsets = np.arange(m) - np.arange(n)[:, None]
    low, width = (0, rng.integers(8)) if symmetric else (rng.integers(-6, 3), rng.integers(8))
    matrix = rng.integers(rng.choice([-2, 0]), rng.choice([2, 4, 1000]), size=(n, m)).astype(kind)
    matrix[(offsets < low) | (offsets > low + width) | (rng.random((n, m)) > rng.choice([0.3, 1]))] = 0
    if rng.random() < 0.2:
        matrix[rng.integers(n), rng.integers(m)] = 3
    if matrix.dtype.kind == "f" and rng.random() < 0.3:
        matrix[(rng.random((n, m)) < 0.2) & (matrix != 0)] = np.nan
    return np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix


def answer(matrix, k, **options):
    """All columns of the answer, rounded, or the reason why there is none."""
    try:
        maxima = find_maxima(matrix, k, **options)
    except InputError as refused:
        return str(refused)
    compared = maxima.values if maxima.scores is None else maxima.scores
    columns = (maxima.rows, maxima.columns, compared, maxima.margin, maxima.ties, maxima.missing)
    return [[round(entry, 9) for entry in column.tolist()] for column in columns]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 25), m=st.integers(4, 25), kind=KINDS, k=SIDES, options=OPTIONS,
       symmetric=st.booleans(), unstored=st.sampled_from(["zero", "missing"]), lines=st.sampled_from([0, 0.1, 0.8]),
       tile=st.sampled_from([(2, 2), (3, 5), (128, 1024)]), gap=st.sampled_from([0, 1, 64]))  # fmt: skip
def test_a_band_is_searched_as_the_dense_matrix(seed, n, m, kind, k, options, symmetric, unstored, lines, tile, gap):
    rng = np.random.default_rng(seed)
    m = n if symmetric else m
    matrix = band_of(rng, n, m, kind, symmetric)
    options = {**options, "steps": [step for step in options["steps"] if n == m or not needs_square(step)]}
    bad = rng.random(n) < lines
    pair = (bad, bad if symmetric else rng.random(m) < lines) if lines else None
    mask = pair and pair[0][:, None] | pair[1]
    dense = np.where(matrix == 0, np.nan, matrix.astype(float)) if unstored == "missing" else matrix
    expected = answer(dense, k, missing=mask, **options)
    assume("no entry of the matrix was measured" not in expected)
    forms = [sp.csr_array(matrix)] + symmetric * [UpperTriangle(sp.csr_array(np.triu(matrix)))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        patch.setattr(source_module, "TALLEST", 2 * tile[0])
        patch.setattr(source_module, "GAP", gap)
        for form in forms:
            for missing in (mask, pair):
                assert answer(form, k, missing=missing, unstored=unstored, **options) == expected


def upper_band(n, width):
    """A band of random numbers above the diagonal."""
    columns = np.arange(n)[:, None] + np.arange(width)
    inside = columns < n
    pointers = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    values = np.random.default_rng(0).random(pointers[-1])
    return sp.csr_array((values, columns[inside].astype(np.int32), pointers.astype(np.int32)), shape=(n, n))


@pytest.mark.parametrize("steps", [(), ("distance",)])
def test_a_band_with_missing_lines_is_searched_in_memory_of_a_strip(steps):
    band = UpperTriangle(upper_band(20_000, 41))
    bad = np.random.default_rng(1).random(20_000) < 0.05
    tracemalloc.start()
    try:
        maxima = find_maxima(band, 9, missing=(bad, bad), steps=steps)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(maxima) > 1000 and peak < 100 * band.upper.nnz  # 80 MB; a mask of every entry has 400


def test_a_symmetric_half_is_not_written_out_for_an_answer_of_one_half(monkeypatch):
    monkeypatch.setattr(UpperTriangle, "tocsr", lambda self: pytest.fail("both halves are written out"))
    half = UpperTriangle(upper_band(300, 20))
    assert len(find_maxima(half, 5, steps=["distance"]))


def test_missing_rows_and_columns_are_given_as_two_vectors():
    matrix = np.random.default_rng(0).random((12, 10))
    rows, columns = np.arange(12) % 4 == 0, np.arange(10) == 3
    expected = list(find_maxima(matrix, 3, missing=rows[:, None] | columns))
    assert list(find_maxima(matrix, 3, missing=(rows, columns))) == expected
    with pytest.raises(InputError, match="a pair of masks must be booleans, 12 for the rows and 10 for the columns"):
        find_maxima(matrix, 3, missing=(columns, rows))
    with pytest.raises(InputError, match="a pair of masks must be booleans"):
        find_maxima(matrix, 3, missing=(rows, columns.astype(int)))
