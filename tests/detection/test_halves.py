"""The two halves of a matrix: one decision for every part of the search, and a pair is not its own rival."""

import json
import tracemalloc

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gnnmax import RULES, InputError, find_maxima, is_centred, score_everywhere
from gnnmax.cli.main import main
from gnnmax.detection import false_discovery, mirror_pairs
from gnnmax.detection import halves as halves_module
from gnnmax.detection.dense_scoring import compare_with_rule
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.permutation_null import window_means
from gnnmax.detection.table import detections_of, with_net_scores
from gnnmax.detection.upper_half import UpperHalf
from gnnmax.detection.window_cuts import windows_at
from gnnmax.detection.window_scoring import WindowBatch
from tests.support.maxima_references import by_filters, by_pairs
from tests.support.slices import Slices

SEEDS = st.integers(0, 2**32 - 1)
TIES = st.sampled_from(["strict", "all", "first", "plateau"])
BORDERS = st.sampled_from([{"border": "shrink"}, {"border": "drop"}, *({"max_missing": most} for most in (0, 2, 5))])
FORMS = {"dense": np.asarray, "sparse": sp.csr_array}


def found(maxima):
    return [(i, j) for i, j, _ in maxima]


def correlations(seed, nodes=30, zeroed=True):
    matrix = np.corrcoef(np.random.default_rng(seed).normal(size=(nodes, 100)))
    if zeroed:
        np.fill_diagonal(matrix, 0)
    return matrix


def mirrored(matrix):
    return np.triu(matrix) + np.triu(matrix, 1).T


def levels(seed, n, most, holes):
    rng = np.random.default_rng(seed)
    matrix = mirrored(rng.integers(-most, most, size=(n, n)).astype(float))
    if holes:
        hidden = rng.random((n, n)) < 0.2
        matrix[hidden | hidden.T] = np.nan
    assume(not np.isnan(matrix).all())
    return matrix


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, n=st.integers(5, 11), most=st.sampled_from([1, 2, 1000]), holes=st.booleans(),
       k=st.sampled_from([(3, 3), (5, 5), (3, 5), (5, 3), (1, 3), (3, 1), (1, 5), (5, 1)]),
       ties=TIES, border=BORDERS, tile=st.sampled_from([3, 128]))  # fmt: skip
def test_a_window_of_an_undirected_matrix_covers_pairs(seed, n, most, holes, k, ties, border, tile):
    matrix = levels(seed, n, most, holes)
    expected = by_pairs(matrix, k, undirected=True, ties=ties, **border)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnnmax.detection.matrix.TILE", (tile, tile))
        maxima = find_maxima(matrix, k, ties=ties, **border)
    assert set(found(maxima)) == set(expected)
    for index, place in enumerate(found(maxima)):
        assert (maxima.margin[index], maxima.ties[index], maxima.missing[index]) == expected[place]
    if k[0] == k[1]:
        assert set(expected) == by_filters(matrix, k, undirected=True, ties=ties, **border)
    both = found(find_maxima(matrix, k, ties=ties, triangle="both", **border))
    assert sorted(both) == sorted({*expected, *((j, i) for i, j in expected)})


def test_a_pair_beside_the_diagonal_is_not_tied_with_its_own_mirror_image():
    for distance in range(10):
        matrix = np.zeros((20, 20))
        matrix[4, 4 + distance] = matrix[4 + distance, 4] = 5.0
        maxima = find_maxima(matrix, 9)
        assert list(maxima) == [(4, 4 + distance, 5.0)]
        assert maxima.margin.tolist() == [5.0] and maxima.ties.tolist() == [0]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, ties=TIES, border=BORDERS, holes=st.booleans(),
       k=st.sampled_from([(3, 3), (5, 5), (1, 3)]), steps=st.sampled_from([(), ("rank",), ("degree",), ("distance",)]),
       mode=st.sampled_from(["ordered", "graph"]))  # fmt: skip
def test_a_half_alone_gives_the_answer_of_the_whole_matrix(form, seed, ties, border, holes, k, steps, mode):
    assume(mode == "ordered" or (ties in ("strict", "all") and "distance" not in steps))
    matrix = np.abs(levels(seed, 9, 3, holes)) + 1.0
    options = {"ties": ties, "steps": steps, "mode": mode, **({"k": k, **border} if mode == "ordered" else {})}
    whole = find_maxima(form(matrix), **options)
    for half, name in ((np.triu(matrix), "upper"), (np.tril(matrix), "lower")):
        alone = find_maxima(form(half), directed=False, **options)
        assert alone.symmetry.found == (name if np.nan_to_num(np.triu(matrix, 1)).any() else "exact")
        for field in ("rows", "columns", "values", "margin", "ties", "missing"):
            np.testing.assert_array_equal(getattr(alone, field), getattr(whole, field))


@pytest.mark.parametrize("mode", ["ordered", "graph"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_correlations_are_symmetric_within_rounding_and_give_each_pair_once(form, mode):
    inexact = 0
    for seed in range(10):
        matrix = correlations(seed)
        inexact += not np.array_equal(matrix, matrix.T)
        maxima = find_maxima(form(matrix), 5, mode=mode)
        assert maxima.symmetry.undirected and len(maxima) > 5 and (maxima.margin > 1e-9).all()
        assert list(maxima) == list(find_maxima(form(mirrored(matrix)), 5, mode=mode))
        assert list(maxima) == list(find_maxima(form(matrix), 5, mode=mode, directed=False))
    assert inexact == 10


def halves_of(matrix, missing=None, **options):
    return halves_module.symmetry_of(matrix, missing, **options)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_kind_of_agreement_is_recognised(form, monkeypatch):
    monkeypatch.setattr(mirror_pairs, "SIDE", 7)
    monkeypatch.setattr(mirror_pairs, "COMPARED", 50)
    exact = mirrored(np.random.default_rng(0).random((20, 20)))
    rounded, apart = exact.copy(), exact.copy()
    rounded[3, 17] += 2e-16
    apart[17, 3] += 1e-9
    kinds = [(exact, "exact"), (rounded, "rounding"), (apart, "none"), (np.triu(exact), "upper"),
             (np.tril(exact), "lower"), (np.diag(np.arange(20)), "exact"), (exact[:9], "unchecked")]  # fmt: skip
    for matrix, kind in kinds:
        symmetry = halves_of(form(matrix))
        assert symmetry.found == kind and symmetry.undirected == (kind in ("exact", "rounding"))
    assert halves_of(form(rounded)).place == (3, 17)
    assert halves_of(form(apart), directed=True) == halves_module.Symmetry("unchecked", False)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_rounding_is_that_of_the_type(dtype):
    exact = mirrored(np.random.default_rng(0).random((9, 9))).astype(dtype)
    for times, kind in ((1, "rounding"), (100, "none")):
        matrix = exact.copy()
        matrix[2, 7] += times * np.finfo(dtype).eps
        assert halves_of(matrix).found == kind


def test_one_large_entry_does_not_hide_differences_of_others():
    matrix = mirrored(np.random.default_rng(0).random((9, 9))).astype(np.float32)
    matrix[2, 3] = matrix[3, 2] = 1e9
    np.fill_diagonal(matrix, 1e9)
    assert halves_of(matrix).found == "exact"
    matrix[0, 8] += 0.01
    assert halves_of(matrix).found == "none"
    matrix[2, 3] = matrix[3, 2] = np.inf
    assert halves_of(matrix).found == "none"


def test_whole_numbers_are_equal_or_not():
    matrix = np.full((5, 5), 2**62)
    assert halves_of(matrix).found == "exact"
    matrix[0, 1] += 1
    for form in FORMS.values():
        assert halves_of(form(matrix)).found == "none"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_was_not_measured_in_one_half_alone_is_a_difference(form):
    matrix, hidden = mirrored(np.random.default_rng(0).random((9, 9))), np.zeros((9, 9), dtype=bool)
    hidden[2, 5] = True
    assert halves_of(form(matrix), hidden).found == "none"
    assert halves_of(form(matrix), hidden | hidden.T).undirected
    assert halves_of(form(np.where(hidden, np.nan, matrix))).found == "none"
    assert halves_of(form(np.where(hidden | hidden.T, np.nan, matrix))).found == "exact"
    assert halves_of(form(matrix), np.tri(9, k=-1, dtype=bool)).found == "upper"
    with pytest.raises(InputError, match=r"entry \(2, 5\) is missing and \(5, 2\) is not"):
        halves_of(form(matrix), hidden, directed=False)
    zeros = form(np.zeros((9, 9)))
    assert halves_of(zeros, hidden | hidden.T).undirected and not halves_of(zeros, hidden).undirected


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_word_that_does_not_hold_is_refused_with_the_largest_difference(form, monkeypatch):
    monkeypatch.setattr(mirror_pairs, "SIDE", 3)
    matrix = mirrored(np.arange(1.0, 82).reshape(9, 9))
    matrix[1, 2] += 1
    matrix[8, 4] = 1
    complaint = (
        r"^the matrix is not that of an undirected graph: entry \(4, 8\) is 45\.0 and \(8, 4\) is 1\.0, the largest"
    )
    for search in (
        lambda: find_maxima(form(matrix), 3, directed=False),
        lambda: find_maxima(form(matrix), mode="graph", directed=False),
        lambda: false_discovery(form(matrix), 3, directed=False, decoys="shuffle", rng=np.random.default_rng(0)),
        lambda: find_maxima(nx.from_numpy_array(matrix, create_using=nx.DiGraph), mode="graph", directed=False),
    ):
        with pytest.raises(InputError, match=complaint):
            search()
    with pytest.raises(InputError, match="not that of an undirected graph"):
        score_everywhere(RULES["argmax"], matrix, 3, directed=False)


def test_symmetry_within_rounding_needs_no_copy_of_the_matrix():
    import tracemalloc

    matrix = np.random.default_rng(0).random((1500, 1500)).astype(np.float32)
    matrix = mirrored(matrix)
    matrix[3, 700] = np.nextafter(matrix[3, 700], np.float32(2))
    tracemalloc.start()
    source = as_source(matrix)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert source.symmetry.found == "rounding" and peak < matrix.nbytes / 2
    assert np.shares_memory(source.block(0, 0, 9, 9, (0, 0)).values, matrix) is False


def test_a_matrix_read_as_one_half_is_the_same_on_both_sides():
    matrix = np.random.default_rng(0).random((30, 30))
    for lower, expected in ((False, mirrored(matrix)), (True, mirrored(matrix.T))):
        half = UpperHalf(matrix, lower=lower)
        for rows, columns in ((slice(0, 30), slice(0, 30)), (slice(3, 9), slice(20, 25)), (slice(20, 25), slice(3, 9)),
                              (slice(5, 12), slice(8, 20)), (slice(5, 6), slice(5, 6))):  # fmt: skip
            np.testing.assert_array_equal(half[rows, columns], expected[rows, columns])
        places = np.array([3, 20, 7]), np.array([20, 3, 7])
        np.testing.assert_array_equal(half[places], expected[places])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, k=st.sampled_from([3, 5, 7]), holes=st.booleans())
def test_the_windows_of_nets_agree_with_the_rule_in_both_halves(seed, k, holes):
    matrix = levels(seed, 11, 5, holes)
    hits = set(found(find_maxima(matrix, k, triangle="both")))
    rows, columns = (part.ravel() for part in np.indices(matrix.shape))
    centred = is_centred(windows_at(as_source(matrix), rows, columns, k=k))
    assert {
        place for place, yes in zip(zip(rows.tolist(), columns.tolist(), strict=True), centred, strict=True) if yes
    } == hits


def test_a_score_map_of_an_undirected_matrix_agrees_with_the_rule():
    matrix = mirrored(np.random.default_rng(0).random((25, 25)))

    def rule(windows):
        return np.where(is_centred(windows.values), 1.0, -1.0)

    scores = score_everywhere(rule, matrix, 5)
    apart = np.abs(np.subtract.outer(np.arange(25), np.arange(25)))
    inside = np.pad(np.ones((21, 21), dtype=bool), 2)
    np.testing.assert_array_equal(np.isnan(scores), ~inside | (apart < 4))
    rule.takes_missing = True
    scores = score_everywhere(rule, matrix, 5)
    np.testing.assert_array_equal(np.isnan(scores), ~inside)
    maxima = find_maxima(matrix, 5, border="drop", triangle="both")
    assert set(zip(*(part.tolist() for part in np.nonzero(scores > 0)), strict=True)) == set(found(maxima))
    assert compare_with_rule(scores, as_source(matrix), 5).recall == 1.0
    assert not np.isnan(score_everywhere(rule, matrix, 5, directed=True)[inside]).any()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, k=st.sampled_from([(3, 3), (5, 5), (3, 7), (1, 3)]), holes=st.booleans())
def test_the_mean_of_a_window_counts_each_pair_once(seed, k, holes):
    matrix = levels(seed, 11, 1000, holes)
    maxima = find_maxima(matrix, k)
    expected = []
    for i, j, _ in maxima:
        cells = np.ndindex(*k)
        pairs = {tuple(sorted((i + a - k[0] // 2, j + b - k[1] // 2))) for a, b in cells}
        inside = [matrix[a, b] for a, b in pairs if a >= 0 and b < 11]
        expected.append(np.nanmean(inside))
    np.testing.assert_allclose(window_means(as_source(matrix), maxima), expected)


def test_a_decoy_of_a_half_is_that_of_the_whole():
    matrix = correlations(0)
    results = [
        false_discovery(form(part), 5, decoys=kind, directed=directed, rng=np.random.default_rng(0))
        for form in FORMS.values()
        for part, directed in ((mirrored(matrix), None), (matrix, None), (np.triu(matrix), False))
        for kind in ("shuffle",)
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result.q, results[0].q)
        np.testing.assert_allclose(result.statistic, results[0].statistic)


def test_a_net_without_a_score_beside_the_diagonal_says_why():
    matrix = np.zeros((20, 20))
    matrix[6, 7] = matrix[7, 6] = 5
    matrix[0, 12] = matrix[12, 0] = 4
    matrix[5, 15] = matrix[15, 5] = 3
    source, table = as_source(matrix), detections_of(find_maxima(matrix, 3))
    windows = windows_at(source, table.rows, table.columns, k=3)
    rows = with_net_scores(table, [WindowBatch(windows)], {"net": RULES["margin"]}).as_rows()
    reasons = [
        "net: the window lies across the diagonal and holds pairs twice", "net: the window is not wholly measured", "",
    ]  # fmt: skip
    assert [row["reason"] for row in rows] == reasons
    assert [row["centred"] for row in rows] == [True, True, True]


def run(capsys, *call):
    assert main(["detect", *map(str, call), "--models", "none"]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_command_says_how_the_halves_agree(tmp_path, capsys):
    matrix = correlations(0)
    np.save(tmp_path / "m.npy", matrix)
    np.save(tmp_path / "half.npy", np.triu(matrix).T)
    said = run(
        capsys, tmp_path / "m.npy", "--k", 5, "--out", tmp_path / "x.csv", "--page", tmp_path / "x.html",
        "--windows", tmp_path / "x.npz",
    )  # fmt: skip
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "mode ordered, undirected" in page.lower() and "Halves: symmetric within rounding" in page
    with np.load(tmp_path / "x.npz") as stored:
        near = np.abs(stored["rows"] - stored["columns"]) < 4
        assert np.isnan(stored["windows"][near]).any(axis=(1, 2)).all() and 0 < near.sum() < len(near)
    assert "undirected" in said and "symmetric within rounding, largest difference" in said
    card = json.loads((tmp_path / "x.card.json").read_text())
    assert card["symmetry"]["found"] == "rounding" and card["symmetry"]["read"] == "undirected"
    said = run(capsys, tmp_path / "half.npy", "--k", 5)
    assert "the upper half is empty: read as directed; directed=False (--undirected) reads the lower half" in said
    said = run(capsys, tmp_path / "half.npy", "--k", 5, "--undirected", "--out", tmp_path / "y.csv")
    assert "the upper half is empty: the lower half was read" in said
    assert [line.split(",")[:6] for line in (tmp_path / "y.csv").read_text().splitlines()] == [
        line.split(",")[:6] for line in (tmp_path / "x.csv").read_text().splitlines()
    ]
    said = run(capsys, tmp_path / "m.npy", "--k", 5, "--directed")
    assert "border shrink, directed" in said


def test_the_command_refuses_a_word_that_does_not_hold(tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.arange(144.0).reshape(12, 12))
    for options, complaint in ((["--undirected"], "entry (0, 11) is 11.0 and (11, 0) is 132.0"),
                               (["--undirected", "--directed"], "--directed contradicts --undirected")):  # fmt: skip
        assert main(["detect", str(tmp_path / "m.npy"), *options]) == 2
        said = capsys.readouterr()
        assert complaint in said.err and said.err.count("\n") == 1 and said.out == ""


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, ties=TIES, border=BORDERS, k=st.sampled_from([(3, 3), (5, 5), (1, 3), (5, 3)]),
       tile=st.sampled_from([(2, 3), (5, 4), (128, 1024)]), unstored=st.sampled_from(["zero", "missing"]),
       share=st.sampled_from([0.05, 0.4]))  # fmt: skip
def test_an_undirected_sparse_matrix_is_the_dense_one(seed, ties, border, k, tile, unstored, share):
    rng = np.random.default_rng(seed)
    dense = mirrored(rng.integers(-2, 3, size=(11, 11)) * (rng.random((11, 11)) < share))
    assume(dense.any())
    shown = np.where(dense == 0, np.nan, dense) if unstored == "missing" else dense
    expected = by_pairs(shown.astype(float), k, undirected=True, ties=ties, **border)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnnmax.detection.matrix.TILE", tile)
        maxima = find_maxima(sp.csr_array(dense), k, ties=ties, unstored=unstored, **border)
    assert set(found(maxima)) == set(expected)


def test_halves_in_large_chunks_are_compared_in_little_memory():
    chunked = Slices(np.random.default_rng(0).random((2000, 2000), dtype=np.float32), (1000, 1000))
    tracemalloc.start()
    try:
        assert halves_module.symmetry_of(chunked, None).found == "none"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # two chunks, and parts of them
