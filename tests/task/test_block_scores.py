"""Rules of blocks, one by one: against loops, textbook solvers, and the symmetries that they claim."""

import math

import numpy as np
import pytest
from scipy.special import expit, logit

from gnnmax import InputError, build
from gnnmax.task.block_scores import amp, block_overlaps, degrees, eigenvector, refined_eigenvector, scan
from gnnmax.task.blocks import BlockProblem
from tests.support.maps import BLOCK, map_recipe

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal((40, 40)).astype(np.float32)
SYMMETRIC = BlockProblem.of(np.triu(NOISE, 1) + np.triu(NOISE, 1).T, size=7, amplitude=0.9)
RECTANGLE = BlockProblem.of(RNG.standard_normal((30, 45)), size=(5, 8), amplitude=0.9, symmetric=False)


def sums_by_loops(problem):
    (k, m), values = problem.size, problem.values.astype(float)
    starts = [(i, j) for i in range(len(values) - k + 1) for j in range(values.shape[1] - m + 1)]
    starts = [(i, j) for i, j in starts if i == j or not problem.symmetric]
    return {(i, j): values[i : i + k, j : j + m].sum() for i, j in starts}


@pytest.mark.parametrize("problem", [SYMMETRIC, RECTANGLE], ids=["symmetric", "rectangle"])
def test_the_scan_is_the_largest_sum_of_all_blocks_by_loops(problem):
    sums = sums_by_loops(problem)
    for side, scores in enumerate(scan(problem)):
        own = problem.size[side]
        for node, score in enumerate(scores):
            best = max(total for start, total in sums.items() if start[side] <= node < start[side] + own)
            assert math.isclose(score, best, abs_tol=1e-4)
        best = max(sums, key=sums.__getitem__)[side]
        assert np.flatnonzero(scores == scores.max()).tolist() == list(range(best, best + own))


def test_the_leading_vectors_are_those_of_a_dense_solver():
    _, vectors = np.linalg.eigh(SYMMETRIC.values.astype(float))
    rows, columns = eigenvector(SYMMETRIC)
    assert abs(abs(rows @ vectors[:, -1]) - 1) < 1e-4
    assert np.array_equal(rows, columns)
    left, _, right = np.linalg.svd(RECTANGLE.values.astype(float))
    rows, columns = eigenvector(RECTANGLE)
    assert abs(abs(rows @ left[:, 0]) - 1) < 1e-4
    assert abs(abs(columns @ right[0]) - 1) < 1e-4
    assert (rows @ RECTANGLE.values @ columns) > 0
    assert (rows**3).sum() + (columns**3).sum() > 0


def test_message_passing_has_its_memory_and_its_posterior():
    w, n, k, mu = SYMMETRIC.values.astype(float), 40, 7, SYMMETRIC.amplitude
    now, old, memory = np.full(n, k / n), np.zeros(n), 0.0
    for _ in range(3):
        message = w @ now - memory * old
        odds = logit(k / n) + mu * message - mu**2 * (now**2).sum() / 2
        old, now = now, expit(odds)
        memory = mu * (now * (1 - now)).sum()
    assert np.allclose(amp(SYMMETRIC, steps=3)[0], odds, atol=1e-4)


@pytest.mark.parametrize("problem", [SYMMETRIC, RECTANGLE], ids=["symmetric", "rectangle"])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_votes_are_sums_of_entries_to_the_nodes_with_the_largest_votes_before(problem, rounds):
    votes, values = eigenvector(problem), problem.values.astype(float)
    for _ in range(rounds):
        rows, columns = (np.argsort(-each)[:own] for each, own in zip(votes, problem.size, strict=True))
        votes = values[:, columns].sum(axis=1), values[rows].sum(axis=0)
    for found, expected in zip(refined_eigenvector(problem, rounds), votes, strict=True):
        assert np.allclose(found, expected, atol=1e-5)


def planted(strength, *, n=400, size=20):
    noise = np.triu(np.random.default_rng(1).standard_normal((n, n)), 1)
    noise[:size, :size] += np.triu(np.full((size, size), math.sqrt(strength * n) / size), 1)
    return BlockProblem.of(noise + noise.T, size=size, amplitude=max(math.sqrt(strength * n) / size, 1e-3))


def test_votes_find_the_whole_block_of_which_the_eigenvector_finds_a_part_and_none_where_there_is_none():
    first, voted = (np.argsort(-rule(planted(1.6))[0])[:20] for rule in (eigenvector, refined_eigenvector))
    assert 10 < (first < 20).sum() < 20
    assert set(voted.tolist()) == set(range(20))
    assert (np.argsort(-refined_eigenvector(planted(0.0))[0])[:20] < 20).sum() < 6


def test_a_set_that_has_settled_ends_the_votes_and_the_sign_of_the_solver_does_not_matter(monkeypatch):
    from scipy.sparse import linalg

    expected, _ = refined_eigenvector(planted(1.6))
    assert np.array_equal(refined_eigenvector(planted(1.6), rounds=1_000)[0], expected)
    whole = linalg.eigsh
    monkeypatch.setattr(linalg, "eigsh", lambda *given, **named: (None, -whole(*given, **named)[1]))
    assert np.array_equal(refined_eigenvector(planted(1.6))[0], expected)


def test_equal_votes_share_the_places_that_are_left_so_no_order_decides():
    signs = np.sign(NOISE)
    problem = BlockProblem.of(np.triu(signs, 1) + np.triu(signs, 1).T, size=7, amplitude=1.0)
    votes, _ = refined_eigenvector(problem, rounds=1)
    least = np.sort(votes)[-7]
    assert (votes == least).sum() > 7 - (votes > least).sum()  # more than there is room for
    share = (7 - (votes > least).sum()) / (votes == least).sum()
    expected = problem.values @ ((votes > least) + share * (votes == least))
    assert np.allclose(refined_eigenvector(problem, rounds=2)[0], expected, atol=1e-5)
    order = RNG.permutation(40)
    moved = BlockProblem.of(problem.values[np.ix_(order, order)], size=7, amplitude=1.0)
    for rounds in (2, 3, 9):
        found, _ = refined_eigenvector(moved, rounds)
        assert np.allclose(found, refined_eigenvector(problem, rounds)[0][order], atol=1e-4)


@pytest.mark.parametrize("rule", [amp, eigenvector, refined_eigenvector, degrees])
@pytest.mark.parametrize("problem", [SYMMETRIC, RECTANGLE], ids=["symmetric", "rectangle"])
def test_rules_of_graphs_move_with_the_nodes_and_the_scan_does_not(rule, problem):
    rows = RNG.permutation(len(problem.values))
    columns = rows if problem.symmetric else RNG.permutation(problem.values.shape[1])
    moved = BlockProblem(problem.values[np.ix_(rows, columns)], problem.size, problem.amplitude, problem.symmetric)
    for order, scores, after in zip((rows, columns), rule(problem), rule(moved), strict=True):
        assert np.allclose(after, scores[order], atol=2e-3 * max(1, np.abs(scores).max()))
    assert not np.allclose(scan(moved)[0], scan(problem)[0][rows])


def test_a_rectangle_is_found_by_rows_and_by_columns():
    table = {"structure": "bipartite", "n": 300, "columns": 500, "plant": {**BLOCK, "amplitude": 1.5, "nodes": 20}}
    table["plant"]["columns"] = 30
    maps = build(map_recipe(1, **table)).test
    problem = BlockProblem.of(maps.values[0], size=(20, 30), amplitude=1.5, symmetric=False)
    for rule in (amp, eigenvector, refined_eigenvector, scan):
        scores = np.concatenate(rule(problem))[None]
        assert block_overlaps(scores, maps)[0] > 0.95
    assert block_overlaps(np.concatenate(degrees(problem))[None], maps)[0] > 0.3


def test_the_overlap_counts_the_top_nodes_and_the_first_of_equal_scores():
    maps = build(map_recipe(3, plant=BLOCK, peaks=[0, 1], order="shuffled")).test
    there = maps.row_block.any(axis=1)
    truth = maps.row_block.astype(float)
    assert np.array_equal(block_overlaps(truth, maps), np.where(there, 1.0, np.nan), equal_nan=True)
    assert np.nan_to_num(block_overlaps(-truth, maps)).max() == 0
    first = maps.row_block[:, :6].sum(axis=1) / 6
    assert np.array_equal(block_overlaps(np.zeros((3, 20)), maps), np.where(there, first, np.nan), equal_nan=True)


def test_scores_that_do_not_fit_are_refused():
    maps = build(map_recipe(2, plant=BLOCK)).test
    with pytest.raises(InputError, match=r"must have shape \(2, 20\), one a node, not \(2, 19\)"):
        block_overlaps(np.zeros((2, 19)), maps)
    with pytest.raises(InputError, match="a score of a node is NaN"):
        block_overlaps(np.full((2, 20), np.nan), maps)
    with pytest.raises(InputError, match="these maps hide no blocks"):
        block_overlaps(np.zeros((2, 20)), build(map_recipe(2)).test)
