"""Footprints, labels, scales and thresholds of entries: each is the search that its sentence in the documents says."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gnnmax import InputError, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import matrix as source_module
from gnnmax.detection.footprints import footprint_of
from gnnmax.detection.labels import labels_of
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.search_options import SearchOptions
from tests.support.maxima_references import by_filters, by_pairs

SEEDS = st.integers(0, 2**32 - 1)
TILES = st.sampled_from([(2, 3), (128, 1024)])
SIDES = st.sampled_from([(3, 3), (5, 5), (3, 5), (5, 3), (1, 5), (3, 1)])
FOOTPRINTS = st.sampled_from(["square", "disk", "cross", "donut:1", "donut:3"])
TIES = st.sampled_from(["strict", "all", "first", "plateau"])
BORDERS = st.sampled_from([{}, {"border": "drop"}, {"max_missing": 2}])


def drawn(rng, n, m, *, symmetric=False, holes=False):
    levels = int(rng.choice([1, 2, 1000]))
    matrix = rng.integers(rng.choice([-levels, 0]), levels + 1, (n, m)) * (rng.random((n, m)) < rng.choice([0.3, 1.0]))
    matrix = matrix.astype(float)
    if holes:
        matrix[rng.random((n, m)) < rng.choice([0.2, 0.8])] = np.nan
        matrix[0, 0] = 1
    return np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix


def described(maxima):
    return {(i, j): (maxima.margin[at], maxima.ties[at], maxima.missing[at]) for at, (i, j, _) in enumerate(maxima)}


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, k=SIDES, footprint=FOOTPRINTS, ties=TIES, border=BORDERS, symmetric=st.booleans(),
       labelled=st.sampled_from(["no", "entries", "nodes"]), holes=st.booleans(), tile=TILES)  # fmt: skip
def test_a_search_with_footprint_and_labels_is_the_brute_force_one(
    seed, k, footprint, ties, border, symmetric, labelled, holes, tile
):
    assume(footprint != "donut:3" or max(k) > 3)
    rng = np.random.default_rng(seed)
    n, m = (int(side) for side in rng.integers(5, 12, 2))
    m = n if symmetric else m
    matrix = drawn(rng, n, m, symmetric=symmetric, holes=holes)
    labels = marks = None
    if labelled == "entries":
        labels = rng.integers(0, 3, (n, m))
        labels = marks = np.triu(labels) + np.triu(labels, 1).T if symmetric else labels
    elif labelled == "nodes":
        rows = rng.choice(["A", "B"], n)
        columns = rows if symmetric else rng.choice(["A", "B"], m)
        labels, pairs = (rows, columns), np.char.add(rows[:, None], columns[None])
        marks = 1 + np.searchsorted(["AA", "AB", "BB"], np.where(pairs == "BA", "AB" if symmetric else "BA", pairs))
        marks = np.where((pairs == "BA") & (not symmetric), 9, marks)
    inside = footprint_of(footprint, k)
    expected = by_pairs(matrix, k, undirected=symmetric, ties=ties, footprint=inside, labels=marks, **border)
    forms = [(matrix, "zero")]
    if holes:
        rows, columns = np.nonzero(~np.isnan(matrix))
        forms.append((sp.csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape), "missing"))
    else:
        forms.append((sp.csr_array(matrix), "zero"))
    options = {"footprint": footprint, "labels": labels, "ties": ties, "directed": not symmetric, **border}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        for form, unstored in forms:
            assert described(find_maxima(form, k, unstored=unstored, **options)) == expected


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, k=SIDES, footprint=FOOTPRINTS, ties=TIES, border=BORDERS, holes=st.booleans())
def test_footprints_are_those_of_the_filters_of_scipy(seed, k, footprint, ties, border, holes):
    assume(footprint != "donut:3" or max(k) > 3)
    rng = np.random.default_rng(seed)
    matrix = drawn(rng, 11, 9, holes=holes)
    found = find_maxima(matrix, k, footprint=footprint, ties=ties, directed=True, **border)
    ring = footprint_of(footprint, k)
    assert {(i, j) for i, j, _ in found} == by_filters(matrix, k, ties=ties, ring=ring, **border)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, k=SIDES, footprint=FOOTPRINTS, ties=TIES, diagonal=st.booleans(), symmetric=st.booleans(),
       steps=st.sampled_from([(), ("distance",), ("smooth:0.25",)]), tile=TILES)  # fmt: skip
def test_lone_zeros_of_a_sparse_matrix_are_found_beside_missing_lines_and_breaks(
    seed, k, footprint, ties, diagonal, symmetric, steps, tile
):
    assume(footprint != "donut:3" or max(k) > 3)
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 14))
    matrix = drawn(rng, n, n, symmetric=symmetric)
    hidden, cut = rng.random(n) < rng.choice([0.2, 0.7]), sorted({int(rng.integers(1, n)) for _ in range(2)})
    assume(hidden.sum() < n - 1)
    options = {"missing": (hidden, hidden), "breaks": (cut, cut), "footprint": footprint, "ties": ties,
               "diagonal": diagonal, "steps": steps, "directed": not symmetric}  # fmt: skip

    def answer(form):
        try:
            found = find_maxima(form, k, **options)
        except InputError as refused:
            return str(refused)
        return described(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        assert answer(sp.csr_array(matrix)) == answer(matrix)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"footprint": "ring"}, "footprint must be one of square, disk, cross, donut:INNER, not 'ring'"),
        ({"footprint": 3}, "footprint must be one of square"),
        ({"footprint": "donut"}, "footprint must be one of square"),
        ({"footprint": "donut:2"}, "footprint 'donut:2': the inner side must be odd"),
        ({"footprint": "donut:5"}, "footprint 'donut:5' leaves nothing of a window of 5 x 5"),
        ({"footprint": "disk", "mode": "graph"}, "footprint = 'disk' has no effect in mode graph"),
        ({"labels": np.ones((9, 8), int)}, r"labels have shape \(9, 8\), not \(9, 9\), .* and not \(9,\)"),
        ({"labels": np.ones((9, 9))}, "labels of entries must be whole numbers, not float64"),
        ({"labels": np.triu(np.ones((9, 9), int)) + 2 * np.tri(9, k=-1, dtype=int)}, "the matrix is undirected, but"),
        ({"labels": np.ones(8, int)}, "labels of nodes must be a vector .* 9 in all, not int64 of shape"),
        ({"labels": np.ones(9)}, "labels of nodes must be a vector of whole numbers or text"),
        ({"labels": (np.ones(9, int), np.zeros(9, int))}, "the matrix is undirected, so its rows and columns need the"),
        ({"threshold": np.ones((9, 8))}, r"the thresholds have shape \(9, 8\), not \(9, 9\)"),
        ({"threshold": np.full((9, 9), "a")}, "the thresholds"),
        ({"threshold": np.triu(np.ones((9, 9))) * 2 + np.tril(np.ones((9, 9)))}, "the matrix is undirected, but the"),
        ({"k": []}, "k is an empty list"),
        ({"k": [5, 5]}, "k has a scale twice"),
        ({"k": [5, 4]}, "k must be odd and at least 3"),
        ({"k": [3, 11]}, "windows of 11 x 11 do not fit"),
    ],
)  # fmt: skip
def test_an_option_without_meaning_is_refused_in_one_line(options, message):
    with pytest.raises(InputError, match=f"^{message}") as caught:
        find_maxima(np.eye(9), **{"k": 5, **options})
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, ties=st.sampled_from(["strict", "all", "first", "plateau"]), border=BORDERS, holes=st.booleans())
def test_several_scales_are_the_union_of_single_searches(seed, ties, border, holes):
    matrix = drawn(np.random.default_rng(seed), 13, 12, holes=holes)
    options = {"ties": ties, "directed": True, **border}
    single = {side: find_maxima(matrix, side, **options) for side in (3, 5, 9)}
    found = find_maxima(matrix, [9, 3, 5], **options)
    by_place = {side: described(maxima) for side, maxima in single.items()}
    assert {(i, j) for i, j, _ in found} == set().union(*by_place.values())
    for at, (i, j, _) in enumerate(found):
        sides = [side for side in (3, 5, 9) if (i, j) in by_place[side]]
        assert found.scales[at] == ",".join(map(str, sides)) and found.scale[at] == sides[-1]
        assert described(found)[i, j] == by_place[sides[-1]][i, j]
    if ties == "strict" and not border:  # a strict maximum of a window is one of the windows inside it
        assert set(found.scales) <= {"3", "3,5", "3,5,9"}
    assert found.values.tolist() == sorted(found.values.tolist(), reverse=True) and found.k == (3, 3)


def test_labels_count_the_largest_and_are_a_column():
    rng = np.random.default_rng(0)
    matrix, labels = rng.random((30, 30)), rng.integers(0, 4, (30, 30))
    every = find_maxima(matrix, 5, labels=labels)
    assert every.labels.tolist() == labels[every.rows, every.columns].tolist() and 0 not in every.labels
    top = find_maxima(matrix, 5, labels=labels, top=2, top_per="label")
    expected = [one for one in every if sum(
        value > one[2] for (i, j, value) in every if labels[i, j] == labels[one[0], one[1]]) < 2]  # fmt: skip
    assert list(top) == expected and len(top) == 6
    assert "label" in top.columns_by_name()
    nodes = find_maxima(np.triu(matrix) + np.triu(matrix, 1).T, 5, labels=np.repeat(["q", "p"], 15))
    assert set(nodes.labels) == {"p,p", "p,q", "q,q"}


def test_min_distance_acts_within_a_label():
    matrix = np.zeros((9, 9))
    matrix[4, 3], matrix[4, 5] = 2, 1
    labels = np.where(np.arange(9) < 4, 1, 2) + np.zeros((9, 9), int)
    options = {"min_distance": 5, "directed": True}
    assert len(find_maxima(matrix, 3, **options)) == 1
    assert len(find_maxima(matrix, 3, labels=labels, **options)) == 2


def test_labels_of_a_large_sparse_matrix_are_refused_where_each_zero_may_be_alone():
    matrix = sp.csr_array(([1.0], ([0], [1])), shape=(40_000, 40_000))
    labels = np.zeros(40_000, int)
    with pytest.raises(InputError, match=r"^with labels every zero of a sparse matrix is compared, of at most"):
        find_maxima(matrix, 3, labels=labels)
    assert len(find_maxima(matrix, 3, labels=labels, unstored="missing")) == 1
    assert labels_of(as_source(matrix), SearchOptions()) is None


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, symmetric=st.booleans(), mode=st.sampled_from(["ordered", "graph"]), sparse=st.booleans(),
       steps=st.sampled_from([(), ("rank",)]))  # fmt: skip
def test_a_threshold_for_each_entry_is_strict_there(seed, symmetric, mode, sparse, steps):
    rng = np.random.default_rng(seed)
    matrix = drawn(rng, 12, 12, symmetric=symmetric)
    background = rng.integers(-1, 3, (12, 12)).astype(float)
    background[rng.random((12, 12)) < 0.1] = np.nan
    background = np.triu(background) + np.triu(background, 1).T if symmetric else background
    options = {"mode": mode, "ties": "all", "steps": steps, "directed": not symmetric}
    every = find_maxima(matrix, 3, **options)
    compared = every.values if every.scores is None else every.scores
    expected = [one for one, score in zip(every, compared.tolist(), strict=True) if score > background[one[:2]]]
    threshold = sp.csr_array(background) if sparse else background
    assert list(find_maxima(matrix, 3, threshold=threshold, **options)) == expected


def test_a_threshold_acts_before_a_minimum_distance():
    matrix, background = np.zeros((9, 9)), np.zeros((9, 9))
    matrix[2, 2], matrix[2, 5], background[2, 2] = 9, 5, 9
    assert list(find_maxima(matrix, 3, threshold=background, min_distance=4, directed=True)) == [(2, 5, 5.0)]


def dominant(matrix, marks, *, undirected, ties):
    """The edges of a dense matrix, by their values, that no other edge of their label and their ends beats."""
    edges = {(i, j): matrix[i, j] for i, j in np.argwhere(matrix != 0).tolist()
             if marks[i, j] and not np.isnan(matrix[i, j]) and (i <= j or not undirected)}  # fmt: skip
    found = {}
    for (i, j), value in edges.items():
        ends = {i, j} if undirected else {("row", i), ("column", j)}
        others = [
            other for (a, b), other in edges.items()
            if (a, b) != (i, j) and marks[a, b] == marks[i, j]
            and ends & ({a, b} if undirected else {("row", a), ("column", b)})
        ]  # fmt: skip
        equal = others.count(value)
        if max(others, default=-np.inf) > value or (equal and (ties == "strict" or equal == len(others))):
            continue
        found[i, j] = value - max(others) if others else np.inf, equal, 0
    return found


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, ties=st.sampled_from(["strict", "all"]), symmetric=st.booleans(), nodes=st.booleans(),
       form=st.sampled_from([np.asarray, sp.csr_array]), holes=st.booleans())  # fmt: skip
def test_edges_of_a_graph_compete_within_their_label(seed, ties, symmetric, nodes, form, holes):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    m = n if symmetric or rng.random() < 0.5 else n + 2
    matrix = drawn(rng, n, m, symmetric=symmetric, holes=holes)
    if nodes:
        rows = rng.choice(["A", "B", "C"], n)
        columns = rows if symmetric else rng.choice(["A", "B", "C"], m)
        labels, marks = (rows, columns), np.char.add(rows[:, None], columns[None])
        if symmetric:
            marks = np.array(["".join(sorted(mark)) for mark in marks.ravel().tolist()]).reshape(n, m)
        marks = 1 + np.unique(marks, return_inverse=True)[1].reshape(n, m)
    else:
        labels = rng.integers(0, 3, (n, m))
        labels = marks = np.triu(labels) + np.triu(labels, 1).T if symmetric else labels
    options = {"mode": "graph", "ties": ties, "directed": not symmetric}
    found = find_maxima(form(matrix), labels=labels, **options)
    assert described(found) == dominant(matrix, marks, undirected=symmetric, ties=ties)
    order = [(-value, i, j) for i, j, value in found]
    assert order == sorted(order)
    relabelled = rng.permutation(n)
    if symmetric:
        moved = marks if nodes else labels
        moved = moved[np.ix_(relabelled, relabelled)]
        again = find_maxima(matrix[np.ix_(relabelled, relabelled)], labels=moved, **options)
        back = {tuple(sorted((int(relabelled[i]), int(relabelled[j])))) for i, j, _ in again}
        assert back == {(i, j) for i, j, _ in found}


def test_the_largest_edges_of_each_label_of_a_graph_are_listed(tmp_path, capsys):
    matrix = np.zeros((4, 4))
    matrix[0, 1], matrix[0, 2], matrix[0, 3], matrix[2, 3] = 9, 4, 3, 5
    np.save(tmp_path / "m.npy", matrix + matrix.T)
    (tmp_path / "teams.txt").write_text("a\na\nb\nb\n", encoding="utf-8")
    call = ["detect", str(tmp_path / "m.npy"), "--mode", "graph", "--models", "none", "--labels"]
    assert main([*call, str(tmp_path / "teams.txt"), "--out", str(tmp_path / "out.csv")]) == 0
    table = [line.split(",") for line in (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()]
    assert table[0][:2] == ["i", "j"] and [row[:2] for row in table[1:]] == [["0", "1"], ["2", "3"], ["0", "2"]]
    (tmp_path / "teams.txt").write_text("a\na\nb\n", encoding="utf-8")
    capsys.readouterr()
    assert main([*call, str(tmp_path / "teams.txt")]) == 2
    assert "one for each row, 4 in all" in capsys.readouterr().err
