"""Decoys: the false-discovery rate in noise is at most the stated one, and planted bumps are found."""

import csv
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.chance import PLACES, SIMULATIONS, Simulation, graph, planted, shares, symmetric
from gnnmax import find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import decoy_scope, false_discovery
from gnnmax.detection import false_discovery_rate as decoys_module
from gnnmax.detection.background_kernels import pieces_around
from gnnmax.detection.false_discovery_rate import q_values
from gnnmax.detection.local_background_model import LocalModel
from gnnmax.detection.local_null import LocalNull
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.normalisation import normalise
from gnnmax.detection.permutation_null import PermutationNull, end_scores, window_means
from gnnmax.detection.search import prepare_matrix, search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.shuffled_entries import in_memory
from gnnmax.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)


NOISE = [name for name, one in SIMULATIONS.items() if not (one.bumps or "wrong" in name)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NOISE)
def test_in_noise_anything_is_found_in_a_tenth_of_matrices_at_most(name):
    # 150 matrices at a rate of 0.1: above 0.175, three standard deviations, once in a thousand; 50: above 0.23.
    large = SIMULATIONS[name].k > 5
    assert shares(SIMULATIONS[name], 50 if large else 150).anything <= (0.23 if large else 0.175)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SIMULATIONS if "four bumps" in name])
def test_of_the_maxima_found_in_contact_maps_a_tenth_is_false_at_most(name):
    found = shares(SIMULATIONS[name], 50)
    assert found.false <= 0.2 and found.found >= 0.1


@pytest.mark.parametrize("name", [name for name in NOISE if "noise" in name or "contact" in name or "domains" in name])
def test_in_a_few_matrices_of_noise_hardly_anything_is_found(name):
    # 6 matrices at a rate of 0.1: 4 or more once in a thousand. Shuffles of all entries of a contact map: 6 of 6.
    assert shares(SIMULATIONS[name], 6).anything <= 0.5


def test_shuffles_of_all_entries_take_the_domains_of_a_map_for_discoveries():
    plain = replace(SIMULATIONS["balanced, bad bins, domains 2.5 times as high"], options={"decoys": "shuffle"})
    assert shares(plain, 3).anything == 1


def test_plain_shuffles_take_what_is_near_the_diagonal_for_a_discovery():
    assert shares(SIMULATIONS["the same, the wrong decoys"], 30).anything >= 0.9


def test_planted_bumps_are_found_and_single_entries_cannot_be():
    assert shares(SIMULATIONS["three bumps 3 s.d. high"], 30).found >= 0.9
    assert shares(SIMULATIONS["three single entries 10 s.d. high"], 30).found <= 0.1


def test_strong_edges_are_found_where_others_at_their_ends_are_strong_too():
    assert shares(SIMULATIONS["the same, 2 s.d. higher"], 30).found >= 0.9
    assert shares(SIMULATIONS["three strong edges of it, 10 s.d. high"], 30).found <= 0.1


def test_by_their_values_alone_nothing_is_ever_found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoys_module, "window_means", lambda source, maxima: maxima.values)
        assert shares(Simulation(planted(10.0)), 10).anything == 0


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, draws=st.integers(1, 5), levels=st.sampled_from([3, 1000]))
def test_q_is_the_least_rate_of_a_list_that_holds_it(seed, draws, levels):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, levels, size=rng.integers(1, 12)).astype(float)
    decoys = rng.integers(0, levels, size=rng.integers(0, 30)).astype(float)

    def rate(level):
        return min((1 + (decoys >= level).sum()) / draws / (targets >= level).sum(), 1)

    expected = [min(rate(level) for level in targets if level <= score) for score in targets]
    np.testing.assert_allclose(q_values(targets, decoys, draws), expected)


@pytest.mark.parametrize("mode", ["ordered", "graph"])
@pytest.mark.parametrize("matrix", [np.ones((9, 9)), sp.csr_array((9, 9))])
@pytest.mark.parametrize("decoys", ["shuffle", "distance"])
def test_no_maximum_has_no_q(matrix, mode, decoys):
    if mode == "graph" and decoys == "distance":
        return
    found = false_discovery(matrix, 3, mode=mode, decoys=decoys, rng=np.random.default_rng(0))
    assert len(found.maxima) == len(found.q) == len(found.statistic) == 0


def holed_source(seed, *, mirrored, stored, holes, diagonal):
    """A matrix of whole numbers, some of them missing, and how it is read."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 50, size=(9, 9)).astype(float)
    hidden = (rng.random((9, 9)) < 0.3) & holes
    matrix, hidden = (symmetric(matrix), hidden | hidden.T) if mirrored else (matrix, hidden)
    seen = np.where(hidden, np.nan, matrix)
    given_matrix = sp.csr_array(np.where(hidden, 0, matrix)) if stored else seen
    return given_matrix, as_source(given_matrix, unstored="missing", diagonal=diagonal, directed=not mirrored)


FORMS = {"mirrored": st.booleans(), "stored": st.booleans(), "holes": st.booleans(), "diagonal": st.booleans()}


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, kind=st.sampled_from(["shuffle", "distance"]), form=st.fixed_dictionaries(FORMS))
def test_a_decoy_exchanges_measured_entries_alone(seed, kind, form):
    given_matrix, source = holed_source(seed, **form)
    before = given_matrix.copy()
    null = PermutationNull.of(source) if kind == "shuffle" else LocalNull.of(LocalModel.of(in_memory(source), (3, 3)))
    decoy = null.draw(np.random.default_rng(seed))
    (one, other) = (part.block(0, 0, 9, 9, (0, 0)) for part in (source, decoy))
    known = ~one.missing if one.missing is not None else np.ones((9, 9), dtype=bool)
    assert np.array_equal(known, ~other.missing if other.missing is not None else np.ones((9, 9), dtype=bool))
    once = known & (np.tri(9, dtype=bool).T | (not form["mirrored"]))
    if kind == "shuffle":
        np.testing.assert_array_equal(np.sort(one.values[once]), np.sort(other.values[once]))
    else:
        model = null.model
        rows, columns = model.entries.rows, model.entries.columns
        assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [*map(tuple, np.argwhere(once).tolist())]
        ratios = [(block.values[rows, columns] / model.local)[null.order] for block in (one, other)]
        for first, last in pairwise(null.edges.tolist()):
            np.testing.assert_allclose(*(np.sort(ratio[first:last]) for ratio in ratios), rtol=1e-9)
    if form["mirrored"]:
        np.testing.assert_array_equal(other.values, other.values.T)
    for part in ("data", "indices") if form["stored"] else ():
        np.testing.assert_array_equal(getattr(given_matrix, part), getattr(before, part))
    if not form["stored"]:
        np.testing.assert_array_equal(given_matrix, before)


def test_shuffles_move_entries_and_come_from_the_seed_alone():
    matrix = np.random.default_rng(0).random((30, 30))
    found = [false_discovery(matrix, 5, decoys="shuffle", rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(found[0].q, found[1].q)
    assert list(found[0].maxima) == list(find_maxima(matrix, 5))
    assert not np.array_equal(found[0].q, found[2].q)


def test_sparse_zeros_are_shuffled_too():
    matrix = np.random.default_rng(0).poisson(0.3, size=(30, 30))
    results = [
        false_discovery(form(matrix), 5, decoys="distance", rng=np.random.default_rng(0), ties="all")
        for form in (np.asarray, sp.csr_array)
    ]
    np.testing.assert_array_equal(results[0].q, results[1].q)
    assert len(results[0].q)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, k=st.sampled_from([(3, 3), (5, 5), (3, 7)]), holes=st.booleans())
def test_the_mean_of_a_window_is_that_of_what_was_measured(seed, k, holes):
    rng = np.random.default_rng(seed)
    matrix = np.where((rng.random((12, 11)) < 0.2) & holes, np.nan, rng.random((12, 11)))
    maxima = find_maxima(matrix, k)
    padded = np.pad(matrix, ((k[0] // 2,) * 2, (k[1] // 2,) * 2), constant_values=np.nan)
    expected = [np.nanmean(padded[i : i + k[0], j : j + k[1]]) for i, j, _ in maxima]
    np.testing.assert_allclose(window_means(as_source(matrix), maxima), expected)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, undirected=st.booleans(), dense=st.booleans(), steps=st.sampled_from([(), ("degree",)]))
def test_edges_are_held_against_the_others_at_their_ends(seed, undirected, dense, steps):
    rng = np.random.default_rng(seed)
    matrix = rng.random((7, 7)) * (rng.random((7, 7)) < 0.5)
    matrix = symmetric(matrix) if undirected else matrix
    assume(np.count_nonzero(matrix) > 1 and (undirected or not np.array_equal(matrix, matrix.T)))
    given_matrix = matrix if dense else sp.csr_array(matrix)
    maxima = find_maxima(given_matrix, mode="graph", steps=steps)
    source = normalise(as_source(given_matrix), steps, "graph")
    values, rows, columns = next(source.edges().measured())
    edges = {(i, j): value for i, j, value in zip(rows.tolist(), columns.tolist(), values, strict=True)}
    expected = []
    for i, j, _ in maxima:
        ends = {i, j} if undirected else {("row", i), ("column", j)}
        others = [
            value for (a, b), value in edges.items()
            if (ends & ({a, b} if undirected else {("row", a), ("column", b)}))
            and (a, b) != (i, j) and (a <= b or not undirected)
        ]  # fmt: skip
        error = values.std() / np.sqrt(max(len(others), 1))
        expected.append((np.mean(others) - values.mean()) / error if others and error else 0)
    np.testing.assert_allclose(end_scores(source, maxima), expected, rtol=1e-6, atol=1e-6)


def test_a_decoy_of_a_graph_keeps_its_edges():
    weights = sp.random_array((20, 20), density=0.2, rng=np.random.default_rng(0))
    graph = sp.csr_array(sp.triu(weights) + sp.triu(weights, 1).T)
    source = as_source(graph).edges()
    decoy = PermutationNull.of(source).draw(np.random.default_rng(1)).matrix.tocsr()
    assert np.array_equal(decoy.indptr, graph.indptr) and np.array_equal(decoy.indices, graph.indices)
    assert not np.array_equal(decoy.data, graph.data) and (decoy != decoy.T).nnz == 0
    half, other = (np.sort(sp.triu(one).data) for one in (graph, decoy))
    np.testing.assert_array_equal(half, other)


@pytest.mark.parametrize(
    ("matrix", "options", "complaint"),
    [
        (np.eye(5), {"decoys": "rows"}, "decoys must be one of shuffle, distance"),
        (np.eye(5), {"decoys": "shuffle", "draws": 0}, "draws must be a whole number of at least 1"),
        (np.eye(5, 6), {"decoys": "distance"}, "a square matrix, rows and columns in one order, not 5 x 6"),
        (np.eye(5), {"decoys": "distance", "mode": "graph"}, "which a graph does not have: use shuffle"),
        (np.diag([np.inf, 1, 2, 3, 4]), {"decoys": "shuffle"}, "whose mean is finite"),
        (np.diag([np.inf, 1, 2, 3, 4]), {"decoys": "distance"}, "whose squares have a finite sum"),
        (np.diag([1e200, 1, 2, 3, 4]), {"decoys": "distance"}, "whose squares have a finite sum"),
        (np.triu([np.inf, 1, 2, 3, 4]), {"decoys": "shuffle", "mode": "graph"}, "whose sums are finite"),
    ],
)
def test_wrong_decoys_are_refused_in_one_line(matrix, options, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        false_discovery(matrix, 3, rng=np.random.default_rng(0), **options)
    assert "\n" not in str(caught.value)


def test_decoys_of_a_matrix_that_is_too_large_are_refused():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoy_scope, "SHUFFLED", 80)
        with pytest.raises(InputError, match="at most 80 entries, and these would hold 81: search a part"):
            false_discovery(np.arange(81).reshape(9, 9), 3, decoys="shuffle", rng=np.random.default_rng(0))


def test_the_command_names_steps_and_drops_above_the_rate(tmp_path, capsys):
    matrix = planted(4.0)(np.random.default_rng(0)) + 6
    np.save(tmp_path / "m.npy", matrix)
    call = ["detect", str(tmp_path / "m.npy"), "--k", "5", "--models", "none", "--steps", "distance,rank",
            "--decoys", "distance", "--seed", "3", "--out", str(tmp_path / "x.csv")]  # fmt: skip
    expected = false_discovery(matrix, 5, decoys="distance", steps=("distance", "rank"), rng=np.random.default_rng(3))
    for options, kept in (([], np.ones(len(expected.q), dtype=bool)), (["--fdr", "0.1"], expected.q <= 0.1)):
        assert main([*call, *options]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
        assert [(int(row["i"]), int(row["j"]), float(row["value"])) for row in rows] == list(expected.maxima[kept])
        assert [float(row["q"]) for row in rows] == expected.q[kept].tolist()
        assert [float(row["score"]) for row in rows] == expected.maxima.scores[kept].tolist()
        assert {row["steps"] for row in rows} == {"distance,rank"} and "steps distance,rank" in printed
        card = json.loads((tmp_path / "x.card.json").read_text())
        assert card["steps"] == ["distance", "rank"] and card["maxima"] == kept.sum()
        told = {
            "kind": "distance",
            "draws": 10,
            "seed": 3,
            "found": len(kept),
            "dropped": int((~kept).sum()),
            "failed": "",
        }
        assert card["decoys"] == {**told, "fdr": 0.1 if options else None}
    assert 0 < kept.sum() < len(kept)
    assert f"{(~kept).sum()} of {len(kept)} maxima dropped: q above 0.1" in printed


def test_the_command_gives_edges_of_a_graph_their_q(tmp_path, capsys):
    matrix = graph(10.0, 2.0)(np.random.default_rng(0))
    np.save(tmp_path / "m.npy", matrix)
    call = [
        "detect",
        str(tmp_path / "m.npy"),
        "--mode",
        "graph",
        "--models",
        "none",
        "--decoys",
        "shuffle",
        "--fdr",
        "0.1",
    ]
    assert main([*call, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["maxima"]
    found = false_discovery(matrix, mode="graph", decoys="shuffle", rng=np.random.default_rng(0))
    kept = found.q <= 0.1
    assert [(row["i"], row["j"], row["statistic"], row["q"]) for row in rows] == [
        (*place[:2], statistic, q)
        for place, statistic, q in zip(found.maxima[kept], found.statistic[kept], found.q[kept], strict=True)
    ]
    assert set(PLACES) <= {(row["i"], row["j"]) for row in rows}


def test_the_command_tells_why_a_position_has_no_score_and_how_many(tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.diag(np.ones(6)) + np.diag(np.arange(1.0, 6), 1))
    (tmp_path / "asked.csv").write_text("1,2\n0,3\n")
    call = ["detect", str(tmp_path / "m.npy"), "--k", "3", "--steps", "distance", "--models", "none", "--page",
            str(tmp_path / "m.html")]  # fmt: skip
    assert main([*call, "--json", "--positions", str(tmp_path / "asked.csv")]) == 0
    told = json.loads(capsys.readouterr().out)
    reason = "the mean at its distance is not above 0"
    assert told["card"]["lost"] == {f"distance: {reason}": 20}
    assert [(row["value"], row["reason"]) for row in told["maxima"]] == [(2.0, ""), (0.0, reason)]
    assert [row["score"] for row in told["maxima"]] == [2 / 1.5, None]
    assert main(call) == 0
    assert f"20 entries without a score: distance: {reason}" in capsys.readouterr().out
    assert "after the steps distance" in (tmp_path / "m.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--fdr", "0.1"], "--fdr needs decoys"), (["--fdr", "0", "--decoys", "shuffle"], "a rate above 0"),
        (["--decoys", "shuffle", "--triangle", "both"], "leave out --triangle"), (["--seed", "-1"], "--seed takes"),
        (["--decoys", "distance", "--mode", "graph"], "use shuffle"), (["--steps", "log"], "unknown step"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line(options, complaint, tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.eye(12))
    assert main(["detect", str(tmp_path / "m.npy"), *options]) == 2
    said = capsys.readouterr()
    assert complaint in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.parametrize("steps", [(), ("distance",), ("distance", "smooth")])
def test_means_of_windows_of_a_sparse_matrix_with_breaks_are_those_of_the_dense_one(steps):
    rng, n = np.random.default_rng(0), 60
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    matrix = np.triu(rng.poisson(40 / (1 + apart)))
    matrix = matrix + np.triu(matrix, 1).T
    options = SearchOptions(5, steps=steps, breaks=([25, 43], [25, 43]))
    means = []
    for form in (matrix, sp.csr_array(matrix)):
        source = prepare_matrix(form, options)
        means.append(window_means(source, search_matrix(source, options)))
    np.testing.assert_allclose(means[1], means[0], rtol=1e-12)
    assert len(means[0]) > 20


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, depth=st.sampled_from([0.5, 4.0]), form=st.sampled_from(["dense", "sparse", "masked", "broken"]))
def test_the_excess_of_a_window_does_not_depend_on_the_form_or_the_unit_of_the_matrix(seed, depth, form):
    counts = symmetric(np.random.default_rng(seed).poisson(4.0, size=(24, 24)).astype(float))
    lost = np.random.default_rng(seed + 1).random(24) < 0.15
    seen = np.where(lost[:, None] | lost, np.nan, counts)
    given_matrix, options = {
        "dense": (seen * depth, {}),
        "sparse": (sp.csr_array(counts * depth), {"missing": (lost, lost)}),
        "masked": (counts * depth, {"missing": lost[:, None] | lost}),
        "broken": (seen * depth, {"breaks": ([], [])}),
    }[form]
    maxima = find_maxima(seen, 5, ties="all")
    expected, found = (
        LocalModel.of(source, (5, 5), additive=False).excess(maxima.rows, maxima.columns)
        for source in (as_source(seen), as_source(given_matrix, **options))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_beside_missing_bins_windows_exceed_their_surroundings_no_more_often_than_elsewhere():
    scores = {True: [], False: []}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        counts = symmetric(rng.poisson(5.0, size=(60, 60)).astype(float))
        lost = rng.random(60) < 0.1
        counts[lost], counts[:, lost] = np.nan, np.nan
        maxima = find_maxima(counts, 5)
        beside = np.convolve(lost, [1, 1, 1], mode="same") > 0
        for near in (True, False):
            part = maxima[(beside[maxima.rows] | beside[maxima.columns]) == near]
            scores[near].append(LocalModel.of(as_source(counts), (5, 5)).excess(part.rows, part.columns))
    near, far = (np.concatenate(scores[side]) for side in (True, False))
    assert len(near) > 300 and len(far) > 300
    assert abs(near.mean() - far.mean()) < 0.2 and abs(near.std() - far.std()) < 0.15


@pytest.mark.parametrize(("blocks", "least", "mean"), [(3, 0.5, 0.8), (6, 0.9, 1.2), (10, 1.5, 1.8)])
def test_a_window_at_the_corner_of_a_block_is_compared_with_the_block(blocks, least, mean):
    """Among three blocks few distances are structured in most pieces: a bump raises the scatter of its own rows."""
    place, row, found = np.arange(20 * blocks), 20 * (blocks // 2) + 2, []
    column = row + 14
    block = 20 + 40.0 * ((place[:, None] // 20) == place // 20)
    bump = np.round(120 * np.exp(-((place[:, None] - row) ** 2 + (place - column) ** 2) / 2))
    for seed in range(6):
        counts = symmetric(np.random.default_rng(seed).poisson(block).astype(float))
        models = [LocalModel.of(as_source(matrix), (5, 5)) for matrix in (counts, counts + bump + bump.T)]
        found.append([model.excess(np.array([row]), np.array([column]))[0] for model in models])
    flat, raised = np.transpose(found)
    assert np.abs(flat).max() < 2.5 and (raised > flat + least).all() and (raised - flat).mean() > mean


def test_the_level_of_pieces_that_differ_is_unsure_by_half_their_variance():
    model = LocalModel.of(as_source(symmetric(np.random.default_rng(0).normal(size=(30, 30)))), (5, 5))
    pieces, ones = pieces_around((2, 2), model.half), np.ones((1, 11, 11))
    weights, counts = model._weights(), np.array([piece.sum() for piece in pieces])
    for levels in (np.full(8, 3.0), np.tile([3.0, -3.0], 4)):
        values = sum(level * piece for level, piece in zip(levels, pieces, strict=True))[None] + 10 * (weights == 1)
        between = max(float(np.mean(np.square(levels - levels.mean()) - 1 / counts)), 0)
        variance = np.square(weights).sum() + weights.sum() ** 2 * (1 / counts[levels > 0].sum() + between / 2)
        expected = (10 - 3 * weights.sum()) / np.sqrt(variance)
        assert model._excess(values, ones, ones)[0] == pytest.approx(expected)
