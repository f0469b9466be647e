"""A search by a net is the rule's search in its score map, and score maps are made strip by strip."""

import threading
from concurrent.futures import BrokenExecutor, Executor

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import RULES, find_maxima, load_model, score_everywhere
from gnnmax.detection import SearchOptions, find_calls, score_strips, tiled_scores
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.score_maps import EVERYWHERE, MatrixScores, WindowScores
from gnnmax.detection.score_strips import StripScorer
from gnnmax.detection.search import prepare_matrix
from gnnmax.detection.tiled_scores import TiledScores
from gnnmax.detection.window_batches import windows_around
from gnnmax.detection.window_scoring import score_windows
from gnnmax.detection.window_values import in_order
from gnnmax.errors import InputError, LostWorkerError
from gnnmax.models.maps.registry import build_map_model
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import save_model
from gnnmax.models.registry import build_model
from gnnmax.task.maps import Maps
from tests.support.score_maps import CentreValue, ContextSum, Elsewhere, Shifted

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, *, symmetric, levels, side=14, holes=0.05):
    """Draw a matrix with equal entries and missing ones."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, levels + 1, size=(side, side)).astype(np.float32)
    matrix[rng.random((side, side)) < holes] = np.nan
    return np.where(np.arange(side)[:, None] > np.arange(side), matrix.T, matrix) if symmetric else matrix


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    symmetric=st.booleans(),
    levels=st.sampled_from([2, 5, 1000]),
    ties=st.sampled_from(["strict", "all", "first", "plateau"]),
    options=st.sampled_from(
        [
            {},
            {"border": "drop"},
            {"max_missing": 3},
            {"min_distance": 4},
            {"threshold": "p60"},
            {"top": 3},
            {"distance": "3:9"},
            {"prominence": 1.0},
            {"breaks": ([5], [5]), "contacts": "trans"},
            {"diagonal": False, "triangle": "both"},
        ]
    ),
)
def test_a_net_that_returns_the_centre_finds_what_the_rule_finds(seed, symmetric, levels, ties, options):
    matrix = drawn(seed, symmetric=symmetric, levels=levels)
    # With border = "drop" a net scores whole windows alone, so a window of scores reaches twice as far.
    found = find_calls(matrix, CentreValue(), 3, ties=ties, **options)
    expected = find_maxima(matrix, 3, ties=ties, **options)
    if options == {"border": "drop"}:
        assert set(found.maxima) <= set(expected)
        return
    assert list(found.maxima) == list(expected)
    np.testing.assert_array_equal(found.maxima.margin, expected.margin)
    np.testing.assert_array_equal(found.maxima.scores, expected.values)
    assert [one.dropped for one in found.maxima.dropped] == [one.dropped for one in expected.dropped]
    assert found.is_maximum.all() and found.rule_maxima >= len(expected) - sum(expected.rows > expected.columns)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, directed=st.booleans(), ties=st.sampled_from(["strict", "all"]))
def test_so_does_it_in_a_graph(seed, directed, ties):
    rng = np.random.default_rng(seed)
    graph = rng.integers(1, 5, size=(20, 20)).astype(np.float32) * (rng.random((20, 20)) < 0.2)
    graph = sp.csr_array(graph if directed else np.triu(graph) + np.triu(graph, 1).T)
    found = find_calls(graph, CentreValue(), 3, mode="graph", ties=ties, directed=directed)
    expected = find_maxima(graph, mode="graph", ties=ties, directed=directed)
    assert list(found.maxima) == list(expected) and found.is_maximum.all()


NETS = {
    "ranks": lambda: load_model("gnn", device="cpu"),
    "standard": lambda: load_model("cnn-natural", device="cpu"),
    "contexts": ContextSum,
}


@pytest.mark.parametrize("partly", [True, False], ids=["partly", "whole"])
@pytest.mark.parametrize("breaks", [None, ([9], [9])], ids=["", "breaks"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "directed"])
@pytest.mark.parametrize("net", NETS)
def test_strips_have_the_scores_of_the_windows_one_by_one(net, symmetric, breaks, partly, monkeypatch):
    monkeypatch.setattr(score_strips, "STRIP", 4)
    monkeypatch.setattr(score_strips, "SCORED", 10)
    model = NETS[net]()
    source = as_source(drawn(3, symmetric=symmetric, levels=1000, side=18, holes=0.01), breaks=breaks)
    score = StripScorer.of(model, source, 5, partly=partly)
    found = np.concatenate([score(*strip) for strip in score.strips()])
    places = np.indices((18, 18)).reshape(2, -1)
    batches = windows_around(source, *places, 5, cut=np.ones(18 * 18, bool), graph=False, contexts=True)
    missing = partly and getattr(model, "takes_missing", False)
    expected = np.concatenate([score_windows(model, batch, partly=missing)[0] for batch in batches]).reshape(18, 18)
    if symmetric and not missing and getattr(model, "takes_missing", False):
        # The second cells of pairs are no gaps: such windows count as whole.
        known = ~np.isnan(expected)
        np.testing.assert_allclose(found[known], expected[known], rtol=1e-4, atol=1e-4)
        return
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(expected).any()


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "directed"])
@pytest.mark.parametrize("net", NETS)
def test_strips_scored_by_an_executor_have_the_scores_of_one_process(net, symmetric, monkeypatch):
    monkeypatch.setattr(score_strips, "STRIP", 4)
    monkeypatch.setattr(score_strips, "SCORED", 10)
    model, matrix = NETS[net](), drawn(3, symmetric=symmetric, levels=1000, side=18, holes=0.01)
    expected = score_everywhere(model, matrix, 5, directed=not symmetric)
    found = score_everywhere(model, matrix, 5, directed=not symmetric, executor=Elsewhere())
    assert np.isfinite(expected).any()
    np.testing.assert_array_equal(found, expected)
    calls = [find_calls(matrix, model, 5, executor=executor) for executor in (None, Elsewhere)]
    assert list(calls[0].maxima) == list(calls[1].maxima) and len(calls[0])
    np.testing.assert_array_equal(calls[0].maxima.scores, calls[1].maxima.scores)


def test_a_strip_that_ends_its_worker_is_named_and_a_net_that_cannot_be_sent_is_refused():
    class Broken(Executor):
        def submit(self, function, item):
            raise BrokenExecutor("the worker ended")

    matrix = np.random.default_rng(0).random((300, 9))
    with pytest.raises(LostWorkerError, match=r"^rows 0 to 255: the worker process ended 3 times"):
        score_everywhere(RULES["argmax"], matrix, 3, executor=Broken)
    locked = threading.Lock()
    with pytest.raises(InputError, match="the net cannot be sent to worker processes"):
        score_everywhere(lambda windows: locked, matrix, 3, workers=2)


def test_workers_of_a_net_that_reads_the_whole_matrix_are_refused():
    net = build_map_model("map-gnn", {})
    for changes in ({"workers": 2}, {"executor": Elsewhere}):
        with pytest.raises(InputError, match="reads the whole matrix, in one process: leave out workers"):
            find_calls(np.eye(9), MatrixScores(net, "net"), 3, **changes)
    with pytest.raises(InputError, match="workers must be an integer and at least 1"):
        find_calls(np.eye(9), CentreValue(), 3, workers=0)


def test_a_convolved_map_has_the_scores_of_the_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(score_strips, "STRIP", 7)
    config = {"encoding": "none"}
    save_model(tmp_path / "net", build_model("valid-global", 9, config), name="valid-global", k=9, config=config)
    model = load_model(tmp_path / "net", device="cpu")
    matrix = np.random.default_rng(0).normal(size=(24, 20))
    assert model.dense(9) is not None
    found = find_calls(matrix, model, 9).maxima
    np.testing.assert_array_equal(find_calls(matrix, model, 9, executor=Elsewhere).maxima.scores, found.scores)
    batches = windows_around(
        as_source(matrix), found.rows, found.columns, 9, cut=np.ones(len(found), bool), graph=False
    )
    expected = np.concatenate([score_windows(model, batch)[0] for batch in batches])
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "directed"])
def test_calls_do_not_depend_on_strips_nor_on_where_scores_are_kept(symmetric, monkeypatch):
    matrix, model = drawn(5, symmetric=symmetric, levels=1000, side=40), load_model("gnn", device="cpu")
    whole = find_calls(matrix, model, 5)
    monkeypatch.setattr(tiled_scores, "IN_MEMORY", 64)
    monkeypatch.setattr(score_strips, "STRIP", 16)
    parts = find_calls(matrix, model, 5)
    assert len(whole) and list(parts.maxima) == list(whole.maxima)
    np.testing.assert_allclose(parts.maxima.scores, whole.maxima.scores, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 12), m=st.integers(1, 12), side=st.integers(1, 5), mirrored=st.booleans())
def test_tiled_scores_are_read_as_they_were_written(seed, n, m, side, mirrored):
    rng = np.random.default_rng(seed)
    m = n if mirrored else m
    matrix = rng.random((n, m)).astype(np.float32)
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if mirrored else matrix
    scores = TiledScores((n, m), side=side, mirrored=mirrored)
    for row in range(0, n, side):
        strip = matrix[row : row + side].copy()
        if mirrored:
            strip[np.arange(row, row + len(strip))[:, None] > np.arange(m)] = 99
        scores.write(row, strip)
    a, b = sorted(rng.integers(0, n + 1, 2))
    c, d = sorted(rng.integers(0, m + 1, 2))
    np.testing.assert_array_equal(scores[a:b, c:d], matrix[a:b, c:d])


@pytest.mark.parametrize("cut", ["contiguous", "neighbours"])
def test_contexts_are_those_of_windows_cut_from_maps(cut):
    values = drawn(7, symmetric=True, levels=1000, side=20)
    values = np.nan_to_num(values) * (1 - np.eye(20, dtype=np.float32))
    if cut == "neighbours":  # no two weights of a node are equal
        values = values + np.triu(np.random.default_rng(0).random((20, 20)), 1).astype(np.float32)
        values = np.triu(values) + np.triu(values, 1).T
    windows = Maps.from_values(values[None], structure="symmetric").windows(5, cut=cut)
    net, mode = ContextSum(), "ordered" if cut == "contiguous" else "graph"
    options = SearchOptions(5, mode=mode)
    source = prepare_matrix(values, options)
    scores = WindowScores(net, "sum").score(source, options).matrix
    scores = scores[0:20, 0:20] if cut == "contiguous" else scores.toarray()
    places = windows.rows[:, 2], windows.columns[:, 2]
    assert len(windows) > 50
    np.testing.assert_allclose(scores[places], net(windows), rtol=1e-6)


def test_edges_whose_windows_have_the_same_order_have_the_same_score_to_the_bit():
    tree = np.zeros((60, 60))
    for node in range(1, 60):
        tree[node, (node - 1) // 3] = tree[(node - 1) // 3, node] = node
    source, options = as_source(tree), SearchOptions(5, mode="graph")
    model = load_model("gnn", device="cpu")
    found = WindowScores(model, "gnn").score(source, options).matrix.upper.tocoo()
    (batch,) = windows_around(source, found.row, found.col, 5, cut=np.ones(59, dtype=bool), graph=True)
    np.testing.assert_allclose(found.data, score_windows(model, batch)[0], rtol=1e-4, atol=1e-4)
    orders, which = np.unique(in_order(batch.values).reshape(59, -1), axis=0, return_inverse=True)
    assert len(orders) < 30
    assert all(len(set(found.data[which.reshape(-1) == order].tolist())) == 1 for order in range(len(orders)))


def test_a_net_that_reads_the_whole_matrix_is_one_adapter():
    matrix, net = drawn(9, symmetric=False, levels=1000), Shifted()
    found = find_calls(matrix, net, 3).maxima
    expected = find_maxima(matrix, 3, diagonal=False)
    assert list(found) == list(expected)
    np.testing.assert_array_equal(found.scores, found.values + 5)
    symmetric = np.triu(np.nan_to_num(matrix), 1)
    symmetric += symmetric.T
    graph = find_calls(symmetric, net, mode="graph").maxima
    assert list(graph) == list(find_maxima(symmetric, mode="graph"))
    find_calls(matrix[:9], net, 3)
    assert net.structures == ["directed", "symmetric", "bipartite"]


@pytest.mark.parametrize("net", ["map-cnn", "map-gnn"])
@pytest.mark.parametrize("mode", ["ordered", "graph"])
def test_a_net_on_maps_is_loaded_from_its_folder_and_searched_by(net, mode, tmp_path):
    save_model(tmp_path / "net", build_map_model(net), name=net, k=None)
    matrix = np.nan_to_num(drawn(4, symmetric=True, levels=1000, side=20))
    found = find_calls(matrix, tmp_path / "net", 3, mode=mode).maxima
    scores = load_map_model(tmp_path / "net", device="cpu").score_matrix(matrix, structure="symmetric")
    assert len(found) and found.by == str(tmp_path / "net")
    np.testing.assert_allclose(found.scores, scores[found.rows, found.columns], rtol=1e-4, atol=1e-5)
    if mode == "ordered":
        scores[~np.isfinite(scores)] = np.nan
        assert [place[:2] for place in found] == [place[:2] for place in find_maxima(scores, 3)]


@pytest.mark.parametrize(("factor", "offset"), [(2.0**-1000, 0), (2.0**1000, 0), (1, 2.0**40)])
def test_calls_do_not_depend_on_the_scale_of_the_matrix(factor, offset):
    matrix = np.round(np.random.default_rng(0).normal(size=(16, 16)) * 256) / 256
    plain, other = (find_calls(one, "map-product", 5).maxima for one in (matrix, matrix * factor + offset))
    assert len(plain) and [place[:2] for place in other] == [place[:2] for place in plain]


def test_a_net_that_reads_the_values_themselves_refuses_those_that_it_would_get_as_infinite():
    with pytest.raises(InputError, match="reads single precision"):
        find_calls(np.full((9, 9), 1e300), Shifted(), 3)


def test_a_score_that_no_window_has_is_refused():
    with pytest.raises(InputError, match="no window of the matrix has a score of the net contexts"):
        find_calls(np.where(np.eye(9) > 0, 1.0, np.nan), ContextSum(), 5)
    with pytest.raises(InputError, match="no entry of the matrix has a score of the net map-product: give a matrix"):
        find_calls(np.where(np.eye(9) > 0, 1.0, np.nan), "map-product", 5)


@pytest.mark.parametrize("by", ["gnn", "map-product"])
def test_a_graph_without_edges_has_no_calls(by):
    assert list(find_calls(np.zeros((12, 12)), by, 3, mode="graph").maxima) == []


@pytest.mark.parametrize(
    ("matrix", "by", "options", "complaint"),
    [
        (np.ones((9, 12)), ContextSum(), {}, "a matrix of 9 x 12 whose rows and columns are different nodes has none"),
        (np.ones((9, 12)), CentreValue(), {"mode": "graph"}, "a square matrix, not 9 x 12"),
        (np.ones((9, 9)), CentreValue(), {"k": (3, 5)}, "takes square windows, not 3 x 5"),
        (np.ones((9, 9)), CentreValue(), {"k": 11}, "no larger than the matrix of 9 x 9"),
        (np.ones((9, 9)), "gnm", {}, "did you mean gnn"),
        (np.ones((9, 9)), 7, {}, "not int: give by='cnn'"),
        (np.ones((9, 9)), "gnn", {"decoys": "shuffle"}, "decoys and rng come together"),
        (sp.csr_array((20_000, 20_000)), CentreValue(), {}, f"at most {EVERYWHERE:,} entries, not 20,000 x 20,000"),
        (sp.csr_array((20_000, 20_000)), Shifted(), {}, "not 20,000 x 20,000: search a part"),
    ],
)
def test_wrong_input_is_refused_in_one_line(matrix, by, options, complaint):
    with pytest.raises(InputError, match=complaint) as raised:
        find_calls(matrix, by, **options)
    assert "\n" not in str(raised.value)


def test_a_side_that_a_net_does_not_accept_is_refused(tmp_path):
    save_model(tmp_path / "nine", build_model("vit", 9), name="vit", k=9)
    with pytest.raises(InputError, match="accepts windows of side 9 only, not 5"):
        find_calls(np.ones((9, 9)), tmp_path / "nine", 5)


def test_each_window_is_scored_once_however_often_the_map_is_read():
    calls = []

    class Counting(CentreValue):
        def __call__(self, w):
            calls.append(len(w))
            return super().__call__(w)

    matrix = drawn(1, symmetric=False, levels=1000)
    find_calls(matrix, Counting(), 3, threshold="p50", prominence=0.5, top=5)
    assert sum(calls) == int((~np.isnan(matrix)).sum())
