"""The detector equals a brute-force reference in every mode, for every way of ties, borders and missing entries."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gnnmax import find_maxima, is_centred
from gnnmax.detection import graph_mode as edges_module
from gnnmax.detection import halves
from gnnmax.detection import matrix as source_module
from gnnmax.detection import maxima as sorting_module
from gnnmax.detection.maxima import descending_order
from gnnmax.errors import InputError
from tests.support.maxima_references import by_filters, by_pairs


def found(maxima):
    return [(i, j) for i, j, _ in maxima]


def window_of(matrix, i, j, k):
    """Entries around (i, j), NaN where there are none."""
    hr, hc = k[0] // 2, k[1] // 2
    padded = np.pad(matrix.astype(float), ((hr, hr), (hc, hc)), constant_values=np.nan)
    return padded[i : i + k[0], j : j + k[1]]


def matrices(seed, n, m, levels, holes, symmetric=False):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-levels, levels, size=(n, m)).astype(float)
    if symmetric:
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
    if holes:
        hidden = rng.random((n, m)) < 0.2
        matrix[hidden | hidden.T if symmetric else hidden] = np.nan
    assume(not np.isnan(matrix).all())
    return matrix


SIDES = st.sampled_from([(3, 3), (5, 5), (3, 5), (5, 3), (1, 3), (3, 1)])
TIES = st.sampled_from(["strict", "all", "first", "plateau"])
BORDERS = st.sampled_from([{"border": "shrink"}, {"border": "drop"}, *({"max_missing": most} for most in (0, 2, 5))])


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(5, 12), m=st.integers(5, 12), levels=st.sampled_from([1, 2, 1000]),
    holes=st.booleans(), k=SIDES, ties=TIES, border=BORDERS,
)  # fmt: skip
def test_the_ordered_mode_is_the_brute_force_one(seed, n, m, levels, holes, k, ties, border):
    matrix = matrices(seed, n, m, levels, holes)
    before = matrix.copy()
    maxima = find_maxima(matrix, k, ties=ties, **border, directed=True)
    expected = by_pairs(matrix, k, ties=ties, **border)
    assert set(found(maxima)) == set(expected) == by_filters(matrix, k, ties=ties, **border)
    for index, place in enumerate(found(maxima)):
        assert (maxima.margin[index], maxima.ties[index], maxima.missing[index]) == expected[place]
    np.testing.assert_array_equal(matrix, before)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.booleans(), ties=TIES, border=BORDERS, rows=st.integers(1, 9),
       columns=st.integers(1, 9))  # fmt: skip
def test_blocks_of_any_size_give_the_same(seed, holes, ties, border, rows, columns):
    matrix = matrices(seed, 11, 13, 2, holes)
    whole = find_maxima(matrix, 5, ties=ties, **border)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", (rows, columns))
        cut = find_maxima(matrix, 5, ties=ties, **border)
    for name in ("rows", "columns", "values", "margin", "ties", "missing"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))


@settings(max_examples=75, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ties=TIES, border=BORDERS, diagonal=st.booleans(), tile=st.sampled_from([2, 5]))
def test_sparse_is_dense(seed, ties, border, diagonal, tile):
    rng = np.random.default_rng(seed)
    dense = rng.integers(-2, 3, size=(9, 11)) * (rng.random((9, 11)) < 0.3)
    options = {"ties": ties, **border, "diagonal": diagonal, "triangle": "both"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", (tile, tile))
        for form in (sp.csr_array, sp.coo_matrix, sp.csc_array):
            assert list(find_maxima(form(dense), 3, **options)) == list(find_maxima(dense, 3, **options))
    if not dense.any():
        return
    holes = np.where(dense == 0, np.nan, dense)
    assert found(find_maxima(sp.csr_array(dense), 3, unstored="missing", **options)) == found(
        find_maxima(holes, 3, **options)
    )


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ties=TIES, k=SIDES, diagonal=st.booleans(), masked=st.booleans(),
       share=st.sampled_from([0.01, 0.3]), steps=st.sampled_from([(), ("distance",), ("rank",)]))  # fmt: skip
def test_a_zero_alone_among_missing_entries_is_found_in_a_sparse_matrix_too(
    seed, ties, k, diagonal, masked, share, steps
):
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 4, size=(9, 9)) * (rng.random((9, 9)) < share)
    hidden = rng.random((9, 9)) < 0.8 if masked else None
    assume(hidden is None or not hidden.all())
    options = {"ties": ties, "diagonal": diagonal, "missing": hidden, "steps": steps, "triangle": "both"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", (2, 2))
        assert list(find_maxima(sp.csr_array(dense), k, **options)) == list(find_maxima(dense, k, **options))


@pytest.mark.parametrize("k", [(131, 3), (3, 1027), (261, 5)])
def test_a_sparse_window_larger_than_a_block_is_searched_wholly(k):
    matrix = sp.csr_array(([5.0, 4.0], ([192, 10], [1500, 3])), shape=(400, 3100))
    assert list(find_maxima(matrix, k)) == list(find_maxima(matrix.toarray(), k)) == [(192, 1500, 5.0), (10, 3, 4.0)]


def test_a_zero_in_the_corner_may_be_the_only_score_of_its_window():
    dense = np.zeros((9, 9))
    dense[8, 0] = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", (2, 2))
        for form in (np.asarray, sp.csr_array):
            maxima = find_maxima(form(dense), 3, steps=["distance"], triangle="both")
            assert list(maxima) == [(8, 0, 1.0), (0, 8, 0.0)]


def test_a_stored_zero_is_measured_and_an_absent_one_is_what_was_said():
    stored = sp.csr_array((np.array([-1.0, 0.0, -2.0]), ([0, 0, 2], [0, 1, 2])), shape=(3, 3))
    assert found(find_maxima(stored, 3, unstored="missing", triangle="both")) == [(0, 1), (2, 2)]
    assert found(find_maxima(stored, 3, triangle="both")) == []  # zeros all around tie


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ties=TIES, border=BORDERS, holes=st.booleans())
def test_transposing_increasing_maps_and_constants_move_nothing(seed, ties, border, holes):
    matrix = matrices(seed, 10, 12, 3, holes)
    options = {"ties": ties, **border, "triangle": "both"}
    here = set(found(find_maxima(matrix, (3, 5), **options)))
    assert set(found(find_maxima(matrix**3 + 7, (3, 5), **options))) == here
    assert set(found(find_maxima((matrix + 10).astype(np.float32), (3, 5), **options))) == here
    if ties in ("strict", "all"):
        there = find_maxima(matrix.T, (5, 3), **options)
        assert {(i, j) for j, i in found(there)} == here
    if not holes:
        for dtype in (np.int8, np.int64, np.float16):
            assert set(found(find_maxima(matrix.astype(dtype), (3, 5), **options))) == here
        assert set(found(find_maxima((matrix + 3).astype(np.uint8), (3, 5), **options))) == here
        assert set(found(find_maxima((matrix + 3).astype(np.uint64), (3, 5), **options))) == here


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ties=TIES, min_distance=st.integers(1, 6), holes=st.booleans())
def test_a_symmetric_matrix_has_symmetric_maxima_and_gives_each_pair_once(seed, ties, min_distance, holes):
    matrix = matrices(seed, 12, 12, 5, holes, symmetric=True)
    options = {"ties": ties, "min_distance": min_distance}
    both = set(found(find_maxima(matrix, 3, triangle="both", **options)))
    once = set(found(find_maxima(matrix, 3, **options)))
    assert once == {(i, j) for i, j in both if i <= j}
    assert both == {(j, i) for i, j in both}


GOLDEN = json.loads(Path(__file__).with_name("golden_maxima.json").read_text(encoding="utf-8"))
PLAIN = {"k", "ties", "border", "max_missing"}


@pytest.mark.parametrize(
    "case",
    [case for case in GOLDEN if set(case["options"]) <= PLAIN and np.size(case["options"].get("k", 9)) <= 2],
    ids=lambda case: case["says"],
)
def test_the_references_give_the_golden_answers_too(case):
    matrix, options = np.array(case["matrix"], dtype=float), dict(case["options"])
    k = options.pop("k")
    options["undirected"] = halves.symmetry_of(matrix, None).undirected
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if options["undirected"] else matrix
    sides = tuple(k) if isinstance(k, list) else (k, k)
    expected = {tuple(place) for place in case["maxima"]}
    assert set(by_pairs(matrix, sides, **options)) == by_filters(matrix, sides, **options) == expected


def test_the_rule_is_the_label():
    matrix = np.random.default_rng(0).integers(0, 30, size=(40, 40)).astype(float)
    hits = set(found(find_maxima(matrix, 9)))
    for i, j in itertools.product(range(40), repeat=2):
        assert ((i, j) in hits) == bool(is_centred(window_of(matrix, i, j, (9, 9))))


def test_padding_is_not_zero_and_a_constant_has_no_maximum():
    negative = -np.ones((6, 6))
    negative[0, 0] = -0.5
    assert found(find_maxima(negative, 3)) == [(0, 0)]
    for ties in ("strict", "all", "first", "plateau"):
        assert len(find_maxima(np.full((6, 6), 7.0), 3, ties=ties)) == 0
        assert len(find_maxima(np.zeros((6, 6), dtype=np.uint8), 3, ties=ties)) == 0


def test_an_entry_with_no_other_is_not_beaten():
    lonely = np.full((5, 5), np.nan)
    lonely[2, 2] = -np.inf
    maxima = find_maxima(lonely, 3)
    assert found(maxima) == [(2, 2)] and maxima.margin.tolist() == [np.inf] and maxima.missing.tolist() == [5]
    low = np.full((3, 3), np.iinfo(np.int64).min)
    hidden = np.ones((3, 3), dtype=bool)
    hidden[1, 1] = False
    assert found(find_maxima(low, 3, missing=hidden)) == [(1, 1)]


def greedy(places, values, least):
    """Drop, from the largest down, each maximum that is too near to a larger one that is kept."""
    kept = []
    for index in np.argsort(-values, kind="stable"):
        near = [
            other for other in kept
            if max(abs(places[other][0] - places[index][0]), abs(places[other][1] - places[index][1])) < least
        ]  # fmt: skip
        if all(values[other] == values[index] for other in near):
            kept.append(index)
    return {places[index] for index in kept}


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), least=st.integers(1, 9), levels=st.sampled_from([3, 1000]), ties=TIES)
def test_min_distance_is_the_greedy_one(seed, least, levels, ties):
    matrix = matrices(seed, 14, 14, levels, False)
    all_of_them = find_maxima(matrix, 3, ties=ties, triangle="both")
    apart = find_maxima(matrix, 3, ties=ties, triangle="both", min_distance=least)
    assert set(found(apart)) == greedy(found(all_of_them), all_of_them.values, least)


def brute_edges(weights, undirected, ties):
    """Edges by their two ends; each compared with all others that share one."""
    hits = {}
    for edge, value in weights.items():
        ends = set(edge) if undirected else {("row", edge[0]), ("column", edge[1])}
        others = [
            other for pair, other in weights.items()
            if pair != edge and ends & (set(pair) if undirected else {("row", pair[0]), ("column", pair[1])})
        ]  # fmt: skip
        equal = sum(other == value for other in others)
        if any(other > value for other in others) or (others and equal == len(others)) or (ties == "strict" and equal):
            continue
        hits[edge] = (value - max(others) if others and not equal else 0.0 if equal else np.inf, equal)
    return hits


VALUES = {
    "counts": lambda levels, rng: levels,
    "large": lambda levels, rng: levels + 2**62,  # beyond what a double tells apart
    "single": lambda levels, rng: -levels.astype(np.float32),
    "close": lambda levels, rng: 1 + levels * 2.0**-50,  # alike but for the last bits
    "signs": lambda levels, rng: np.where(rng.random(levels.shape) < 0.5, 1.5, -0.3) * levels,
    "infinite": lambda levels, rng: np.where(levels == 1, -np.inf, np.where(levels == 2, np.inf, levels)),
    "unknown": lambda levels, rng: np.where(levels == 2, rng.choice([-1, 1]) * np.nan, levels),
}


@settings(max_examples=600, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 4, 1000]), ties=st.sampled_from(["strict", "all"]),
       undirected=st.booleans(), loops=st.booleans(), dense=st.booleans(), kind=st.sampled_from(sorted(VALUES)),
       chunk=st.sampled_from([1, 5, 2**16]))  # fmt: skip
def test_the_graph_mode_is_the_brute_force_one(seed, levels, ties, undirected, loops, dense, kind, chunk):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    m = n if undirected else int(rng.integers(2, 9))
    edges = rng.random((n, m)) < 0.4
    values = VALUES[kind](rng.integers(1, levels + 1, size=(n, m)), rng)
    matrix = np.where(edges, values, np.zeros_like(values))
    if undirected:
        matrix = np.where(np.tri(n, dtype=bool).T, matrix, matrix.T)
    assume(undirected or n != m or not np.array_equal(matrix, matrix.T, equal_nan=kind != "large"))
    assume(not np.isnan(matrix[matrix != 0]).all() or kind != "unknown")
    weights = {
        (i, j): matrix[i, j] for i, j in zip(*np.nonzero(matrix), strict=True)
        if (i <= j or not undirected) and (loops or i != j or (not undirected and n != m))
    }  # fmt: skip
    weights = {(i, j): w for (i, j), w in weights.items() if (loops or i != j) and w == w}
    expected = brute_edges(weights, undirected, ties)
    given_matrix = matrix if dense else sp.csr_array(matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edges_module, "CHUNK", chunk)
        maxima = find_maxima(given_matrix, mode="graph", ties=ties, diagonal=loops)
    assert set(found(maxima)) == set(expected)
    for index, place in enumerate(found(maxima)):
        assert (maxima.margin[index], maxima.ties[index]) == expected[place]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 1000]), ties=st.sampled_from(["strict", "all"]))
def test_relabelled_nodes_have_relabelled_maxima(seed, levels, ties):
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.integers(1, levels + 1, size=(12, 12)) * (rng.random((12, 12)) < 0.4), 1)
    matrix = matrix + matrix.T
    order = rng.permutation(12)
    here = find_maxima(matrix, mode="graph", ties=ties, triangle="both")
    there = find_maxima(matrix[order][:, order], mode="graph", ties=ties, triangle="both")
    assert {(order[i], order[j]) for i, j in found(there)} == set(found(here))


def test_the_ordered_mode_does_notice_relabelling():
    matrix = np.random.default_rng(0).random((12, 12))
    order = np.random.default_rng(1).permutation(12)
    there = find_maxima(matrix[order][:, order], 3)
    assert {(order[i], order[j]) for i, j in found(there)} != set(found(find_maxima(matrix, 3)))


def test_graphs_keep_the_names_of_their_nodes():
    maxima = find_maxima(nx.les_miserables_graph(), mode="graph")
    i, j, value = next(iter(maxima))
    assert {maxima.names[0][i], maxima.names[1][j]} == {"Valjean", "Cosette"} and value == 31
    directed = nx.DiGraph([("a", "b", {"weight": 2.0}), ("c", "b", {"weight": 3.0}), ("a", "d", {"weight": 1.0})])
    maxima = find_maxima(directed, mode="graph")
    assert [(maxima.names[0][i], maxima.names[1][j]) for i, j in found(maxima)] == [("c", "b")]


def test_a_graph_s_own_word_is_taken_for_its_direction():
    undirected = nx.Graph([("a", "b", {"weight": 2.0}), ("b", "c", {"weight": 3.0})])
    both_ways = undirected.to_directed()
    assert found(find_maxima(undirected, mode="graph")) == [(1, 2)]
    assert found(find_maxima(both_ways, mode="graph")) == [(1, 2), (2, 1)]
    assert found(find_maxima(both_ways, mode="graph", directed=False)) == [(1, 2)]


@pytest.mark.parametrize("mode", ["ordered", "graph"])
@pytest.mark.parametrize("dtype", [*np.typecodes["AllInteger"], *np.typecodes["Float"], "?"])
def test_every_type_of_real_numbers_is_searched_and_kept(dtype, mode):
    matrix = np.zeros((5, 5), dtype=dtype)
    matrix[1, 2] = 1
    maxima = find_maxima(matrix, 3, mode=mode)
    assert list(maxima) == [(1, 2, 1)] and maxima.values.dtype == matrix.dtype


@pytest.mark.parametrize("mode", ["ordered", "graph"])
def test_margins_of_whole_numbers_are_exact_where_doubles_are_not(mode):
    matrix = np.full((3, 3), 2**62)
    matrix[1, 1] += 1
    maxima = find_maxima(matrix, 3, mode=mode)
    assert found(maxima) == [(1, 1)] and maxima.margin.tolist() == [1.0]


def test_results_come_by_value_row_and_column():
    matrix = np.zeros((9, 9))
    matrix[7, 1] = matrix[1, 7] = matrix[1, 1] = 2
    matrix[4, 4] = 3
    assert found(find_maxima(matrix, 3, triangle="both")) == [(4, 4), (1, 1), (1, 7), (7, 1)]
    assert found(find_maxima(matrix, 3, threshold=2, triangle="both")) == [(4, 4)]


def test_masks_are_what_was_not_measured():
    matrix = np.random.default_rng(0).random((12, 10))
    hidden = np.random.default_rng(1).random((12, 10)) < 0.3
    holes = np.where(hidden, np.nan, matrix)
    expected = list(find_maxima(holes, 3))
    assert list(find_maxima(matrix, 3, missing=hidden)) == expected
    assert list(find_maxima(np.ma.array(matrix, mask=hidden), 3)) == expected
    assert expected != list(find_maxima(matrix, 3))


def test_a_memory_map_is_read_block_by_block_and_stays_as_it_is(tmp_path):
    matrix = np.random.default_rng(0).random((300, 1500)).astype(np.float32)
    np.save(tmp_path / "m.npy", matrix)
    mapped = np.lib.format.open_memmap(tmp_path / "m.npy", mode="r")
    assert list(find_maxima(mapped)) == list(find_maxima(matrix))


@pytest.mark.parametrize(
    ("matrix", "options", "complaint"),
    [
        (np.zeros(5), {}, "rows and columns"),
        (np.zeros((0, 5)), {}, "rows and columns"),
        (np.zeros((5, 5), dtype=complex), {}, "real numbers, not complex128"),
        (np.array([["a"] * 3] * 3), {}, "real numbers"),
        (np.array([[None] * 3] * 3), {}, "real numbers, not object"),
        (np.zeros((5, 5)), {"k": 4}, "k must be odd"),
        (np.zeros((5, 5)), {"k": -3}, "k must be odd"),
        (np.zeros((5, 5)), {"k": 3.0}, "k must be odd"),
        (np.zeros((5, 5)), {"k": (3, 5, 7)}, "k must be odd"),
        (np.zeros((5, 5)), {"k": 7}, "do not fit"),
        (np.full((5, 5), np.nan), {"k": 3}, "no entry of the matrix was measured"),
        (np.zeros((5, 5)), {"k": 3, "ties": "any"}, "ties must be one of"),
        (np.zeros((5, 5)), {"k": 3, "border": "cut"}, "border must be shrink or drop, not 'cut'"),
        (np.zeros((5, 5)), {"k": 3, "max_missing": -1}, "max_missing must be an integer of at least 0"),
        (np.zeros((5, 5)), {"k": 3, "max_missing": 2, "border": "drop"}, "'drop' contradicts max_missing = 2"),
        (np.zeros((5, 5)), {"k": 3, "unstored": "one"}, "unstored must be one of zero, missing"),
        (np.zeros((5, 5)), {"k": 3, "triangle": "lower"}, "triangle must be one of upper, both"),
        (np.zeros((5, 5)), {"k": 3, "diagonal": 2}, "diagonal must be True or False, not 2"),
        (np.zeros((5, 5)), {"k": 3, "directed": "yes"}, "directed must be True, False or None"),
        (np.zeros((5, 5)), {"k": 3, "min_distance": 0}, "min_distance must be"),
        (np.zeros((5, 5)), {"k": 3, "threshold": np.nan}, "threshold must be a number"),
        (np.zeros((5, 5)), {"k": 3, "threshold": "0"}, "threshold must be a number"),
        (np.zeros((5, 5)), {"mode": "sorted"}, "mode must be one of"),
        (np.zeros((5, 5)), {"mode": "graph", "ties": "first"}, "needs an order"),
        (np.zeros((5, 5)), {"k": 3, "missing": np.zeros((5, 4), bool)}, "the mask must be booleans of shape"),
        (nx.MultiGraph([(0, 1), (0, 1)]), {"mode": "graph"}, "parallel edges"),
        (nx.Graph(), {"mode": "graph"}, "no nodes"),
        (np.zeros((5, 6)), {"k": 3, "directed": False}, "not that of an undirected graph"),
        ([[1, 2], [3]], {"k": 3}, "the matrix must be an array of numbers, not rows of unequal length"),
    ],
)
def test_wrong_input_is_refused_in_one_line(matrix, options, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        find_maxima(matrix, **options)
    assert "\n" not in str(caught.value)


def test_one_thread_or_two_at_once_find_the_same():
    matrix = np.random.default_rng(0).integers(0, 50, size=(300, 200)).astype(np.float32)
    alone = [list(find_maxima(matrix, k, ties="all")) for k in (3, 5, 9, 3)]
    with ThreadPoolExecutor(2) as pool:
        together = pool.map(lambda k: list(find_maxima(matrix, k, ties="all")), (3, 5, 9, 3))
    assert list(together) == alone


@pytest.mark.parametrize("kind", ["f4", "f8", "i8"])
@given(seed=st.integers(0, 2**32 - 1), piece=st.sampled_from([16, 2**19]))
@settings(max_examples=150)
def test_maxima_come_from_the_largest_down_and_equal_ones_as_they_are(kind, seed, piece):
    rng = np.random.default_rng(seed)
    values = rng.integers(-20, rng.integers(-19, 40), size=rng.integers(0, 200)).astype(kind)
    if kind == "i8":
        values += rng.choice([0, 2**60, -(2**60)])
    else:
        values *= rng.choice([1, 1e-42, 1e30, -1e-3])  # subnormal numbers too
        values += values.dtype.type(rng.choice([0, 1e8]))
        values[rng.random(len(values)) < 0.1] = rng.choice([np.inf, -np.inf, -0.0])
    expected = sorted(range(len(values)), key=lambda place: -values[place])  # stable
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting_module, "PIECE", piece)
        assert descending_order(values).tolist() == expected


def test_a_plateau_that_touches_itself_across_the_diagonal_needs_no_entry_at_the_edge_of_a_block():
    rows = ["nnnnn", "n101n", "n00nn", "n1nnn", "nnnnn"]
    matrix = np.array([[np.nan if entry == "n" else float(entry) for entry in row] for row in rows])
    assert found(find_maxima(matrix, (1, 3), ties="plateau")) == [(1, 1), (1, 3)]
