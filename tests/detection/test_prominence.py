"""Prominence of maxima, compared with floods of the matrix at every level."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.signal import peak_prominences

from gnnmax import InputError, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import false_discovery, prominence
from gnnmax.detection import matrix as source_module
from tests.support.slices import Slices


def flooded(matrix, i, j):
    """Lower the water from the height of an entry until its island holds a higher entry, or grows no more."""
    height, lowest = matrix[i, j], np.inf
    for level in np.unique(matrix[~np.isnan(matrix)])[::-1]:
        if level > height:
            continue
        islands, _ = ndimage.label(matrix >= level, structure=np.ones((3, 3)))
        island = matrix[islands == islands[i, j]]
        lowest = island.min()
        if island.max() > height:
            break
    return height - lowest


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 8, 1000]), symmetric=st.booleans(),
       share=st.sampled_from([0.0, 0.3, 0.6]), ties=st.sampled_from(["strict", "all", "plateau"]),
       diagonal=st.booleans(), k=st.sampled_from([3, (1, 3)]),
       form=st.sampled_from(["dense", "slices", "sparse", "zeros"]))  # fmt: skip
def test_prominence_is_that_of_a_flood(seed, levels, symmetric, share, ties, diagonal, k, form):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 11))
    m = n if symmetric else int(rng.integers(3, 11))
    matrix = rng.integers(-levels, levels, (n, m)).astype(float)
    matrix[rng.random((n, m)) < share] = np.nan if form != "zeros" else 0
    if form == "zeros":
        matrix[rng.random((n, m)) < 0.1] = np.nan
    matrix[0, 0] = 1.0
    if symmetric:
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
    if not diagonal:
        matrix[0, 1] = matrix[1, 0] = 1.0
    known = np.where(np.eye(n, m, dtype=bool) & (not diagonal), np.nan, matrix)
    rows, columns = np.nonzero(~np.isnan(matrix))
    stored = sp.csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)
    forms = {"dense": (matrix, "zero"), "slices": (Slices(matrix, (3, 2)), "zero"), "sparse": (stored, "missing"),
             "zeros": (sp.csr_array(matrix), "zero")}  # fmt: skip
    given_as, unstored = forms[form]
    options = {"ties": ties, "diagonal": diagonal, "unstored": unstored, "directed": not symmetric}
    found = find_maxima(given_as, k, prominence=0, **options)
    assert list(found) == list(find_maxima(given_as, k, **options))
    expected = [flooded(known, i, j) for i, j, _ in found]
    assert found.prominence.tolist() == expected
    least = float(np.median(expected)) if expected else 0.0
    kept = find_maxima(given_as, k, prominence=least, **options)
    assert list(kept) == [one for one, height in zip(found, expected, strict=True) if height >= least]


def test_no_path_leads_across_breaks():
    matrix = np.random.default_rng(3).integers(0, 50, (14, 14))
    matrix = np.triu(matrix) + np.triu(matrix, 1).T
    rows, columns = np.nonzero(np.ones_like(matrix))
    stored = sp.csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)
    for form, unstored in ((matrix, "zero"), (stored, "missing"), (stored, "zero")):
        found = find_maxima(form, 3, breaks=([5], [5]), prominence=0, unstored=unstored)
        parts = [slice(0, 5), slice(5, 14)]
        for (i, j, _), height in zip(found, found.prominence.tolist(), strict=True):
            a, b = (int(place >= 5) for place in (i, j))
            part = matrix[parts[a], parts[b]].astype(float)
            assert height == flooded(part, i - 5 * a, j - 5 * b)


def test_in_one_row_the_prominence_below_a_higher_peak_is_that_of_scipy():
    row = np.random.default_rng(0).random(200)
    found = find_maxima(row[None], (1, 3), prominence=0)
    inner = (found.columns > 0) & (found.columns < 199) & (found.values < row.max())
    expected = []
    for column in found.columns[inner]:  # scipy goes down to the ends of a row where no peak there is higher
        left, right = row[:column][::-1], row[column + 1 :]
        lows = [side[: np.argmax(side > row[column])].min() for side in (left, right) if (side > row[column]).any()]
        expected.append(row[column] - max(lows))
    assert np.array_equal(found.prominence[inner], expected)
    both = [max(row[:c]) > row[c] < max(row[c + 1 :]) for c in found.columns[inner]]
    scipys = peak_prominences(row, found.columns[inner])[0]
    assert sum(both) > 20 and np.array_equal(found.prominence[inner][both], scipys[both])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.bool_])
def test_whole_numbers_are_subtracted_exactly(dtype):
    top = {np.uint8: 255, np.int64: 2**62 + 1, np.float16: 2, np.bool_: 1}[dtype]
    second = {np.uint8: 200, np.int64: 2**62, np.float16: 1, np.bool_: 1}[dtype]
    matrix = np.zeros((1, 5), dtype)
    matrix[0, 1], matrix[0, 3] = top, second
    found = find_maxima(matrix, (1, 3), ties="all", prominence=0)
    assert found.prominence.tolist() == [float(top), float(second)]


def test_infinite_entries_have_infinite_prominence():
    matrix = np.array([[np.inf, 1.0, np.inf, -np.inf, 3.0]])
    found = find_maxima(matrix, (1, 3), prominence=0)
    assert found.prominence.tolist() == [np.inf, np.inf, np.inf]


def test_scores_after_a_normalisation_are_those_that_are_measured():
    matrix = np.random.default_rng(0).random((12, 12))
    matrix = np.triu(matrix) + np.triu(matrix, 1).T
    found = find_maxima(matrix, 3, steps=["rank"], prominence=0)
    ranks = find_maxima(matrix, 3, steps=["rank"]).scores
    assert found.scores.tolist() == ranks.tolist()
    assert found.prominence[0] == found.scores[0] - 1.5  # of the pairs off the diagonal the smallest has this rank
    assert found.prominence.max() == found.prominence[0] and (found.prominence >= found.margin - 1e-9).all()


def test_decoys_have_a_prominence_too():
    matrix = np.random.default_rng(1).random((30, 30))
    found = false_discovery(matrix, 3, decoys="shuffle", rng=np.random.default_rng(0), draws=1, prominence=0.4)
    assert len(found.maxima) == len(found.q) and found.maxima.prominence.min() >= 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prominence": -1}, "prominence must be a number of at least 0, or None, not -1"),
        ({"prominence": float("nan")}, "prominence must be a number"),
        ({"prominence": "5%"}, "prominence must be a number of at least 0, or None, not '5%'"),
        ({"prominence": 1, "mode": "graph"}, "prominence = 1 has no effect in mode graph"),
    ],
)
def test_a_prominence_without_meaning_is_refused(options, message):
    with pytest.raises(InputError, match=f"^{message}"):
        find_maxima(np.eye(6), 3, **options)


def test_a_part_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(prominence, "LARGEST", 99)
    matrix = np.random.default_rng(0).random((20, 20))
    with pytest.raises(InputError, match=r"^prominence reads a part of .* at most 99 entries, not 400"):
        find_maxima(matrix, 3, prominence=0)
    assert len(find_maxima(matrix, 3, prominence=0, breaks=([9, 18], [9, 18])))
    with pytest.raises(InputError, match=r"^prominence reads a part of .* at most 99 entries that are not 0: search"):
        find_maxima(sp.csr_array(matrix), 3, prominence=0)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([1, 3, 1000]), negative=st.booleans(),
       symmetric=st.booleans(), diagonal=st.booleans(), lines=st.booleans(), breaks=st.booleans(),
       tile=st.sampled_from([(2, 3), (128, 1024)]),
       steps=st.sampled_from([(), ("distance",), ("smooth:0.25",), ("distance", "smooth:0.5"), ("rank",)]))  # fmt: skip
def test_unstored_zeros_are_a_landscape_as_stored_ones_are(
    seed, levels, negative, symmetric, diagonal, lines, breaks, tile, steps
):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 14))
    matrix = rng.integers(-levels if negative else 0, levels + 1, (n, n)) * (rng.random((n, n)) < 0.3) * 1.0
    matrix[rng.random((n, n)) < 0.1] = np.nan
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix
    options = {"ties": "all", "diagonal": diagonal, "steps": steps, "directed": not symmetric, "prominence": 0}
    if lines:
        hidden = np.arange(n) == rng.integers(n)
        options["missing"] = hidden, hidden
    if breaks:
        options["breaks"] = [n // 2], [n // 2]

    def answer(form):
        try:
            found = find_maxima(form, 3, **options)
        except InputError as refused:
            return str(refused)
        return list(found), [round(height, 9) for height in found.prominence.tolist()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        assert answer(sp.csr_array(matrix)) == answer(matrix)


def test_a_sparse_map_of_any_size_has_prominences():
    rows = np.arange(20_000)
    matrix = sp.csr_array((rows % 7 + 1.0, (rows, rows)), shape=(20_000, 20_000))
    found = find_maxima(matrix, 3, prominence=4)
    assert len(found) == 20_000 // 7 and set(found.values) == {7.0} and set(found.prominence) == {7.0}


def test_the_table_of_the_command_has_a_column_of_prominence(tmp_path, capsys):
    matrix = np.zeros((12, 12))
    matrix[2, 3], matrix[2, 5], matrix[9, 9] = 5.0, 4.0, 3.0
    matrix[2, 4] = 3.5
    np.save(tmp_path / "m.npy", matrix)
    call = ["detect", str(tmp_path / "m.npy"), "--k", "3", "--models", "none", "--out", str(tmp_path / "m.csv")]
    assert main([*call, "--prominence", "1"]) == 0
    assert "1 of 3 maxima dropped: --prominence 1.0\n" in capsys.readouterr().out
    lines = (tmp_path / "m.csv").read_text().splitlines()
    assert lines[0] == "i,j,value,margin,ties,missing,prominence"
    assert [line.split(",")[-1] for line in lines[1:]] == ["5.0", "3.0"]
