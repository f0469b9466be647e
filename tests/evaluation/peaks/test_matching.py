"""Matching: against every matching of small sets, against networkx, and for every prefix of a list."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from gnnmax.evaluation.peaks import matching
from gnnmax.evaluation.peaks.matching import best_matching, ranked_hits
from gnnmax.evaluation.peaks.place_distance import CompatiblePairs


def drawn(seed: int, calls: int, peaks: int, most: int = 4) -> CompatiblePairs:
    """Compatible pairs with whole distances, so that ties are many."""
    rng = np.random.default_rng(seed)
    flat = np.flatnonzero(rng.random(calls * peaks) < rng.random())
    return CompatiblePairs(flat // peaks, flat % peaks, rng.integers(0, most, len(flat)).astype(float))


def best_of_all(pairs: CompatiblePairs, calls: list[int], peaks: int) -> tuple[int, float]:
    """Try every one-to-one map of calls to peaks or to none."""
    near = dict(zip(zip(pairs.call.tolist(), pairs.peak.tolist(), strict=True), pairs.distance.tolist(), strict=True))
    best = (0, 0.0)
    for size in range(1, min(len(calls), peaks) + 1):
        for some in itertools.combinations(calls, size):
            for taken in itertools.permutations(range(peaks), size):
                if all(pair in near for pair in zip(some, taken, strict=True)):
                    total = sum(near[pair] for pair in zip(some, taken, strict=True))
                    best = max(best, (size, -total))
    return best[0], -best[1]


@pytest.mark.parametrize("dense", [matching.DENSE, 0])
def test_the_matching_has_most_pairs_and_then_the_least_distance(dense, monkeypatch):
    monkeypatch.setattr(matching, "DENSE", dense)
    for seed in range(60):
        calls, peaks = np.random.default_rng(seed).integers(1, 5, 2)
        pairs = drawn(seed, calls, peaks)
        chosen = best_matching(pairs, calls, peaks)
        assert len(set(pairs.call[chosen])) == len(chosen) == len(set(pairs.peak[chosen]))
        assert (len(chosen), pairs.distance[chosen].sum()) == best_of_all(pairs, list(range(calls)), peaks), seed


def test_nearest_first_is_not_the_best_matching():
    pairs = CompatiblePairs(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.0, 1.0, 1.0]))
    greedy = [0]  # call 0 takes the peak at its place; call 1 then has none
    assert len(best_matching(pairs, 2, 2)) == 2 > len(greedy)


def test_large_sets_are_matched_as_by_networkx():
    for seed in (0, 1):
        pairs = drawn(100 + seed, 60, 40)
        graph = nx.Graph()
        for c, p, d in zip(pairs.call.tolist(), pairs.peak.tolist(), pairs.distance.tolist(), strict=True):
            graph.add_edge(("call", c), ("peak", p), weight=100 - d)
        chosen = best_matching(pairs, 60, 40)
        found = nx.max_weight_matching(graph, maxcardinality=True)
        assert len(chosen) == len(found)
        assert pairs.distance[chosen].sum() == sum(100 - graph.edges[edge]["weight"] for edge in found)


def test_at_every_prefix_of_a_list_the_hits_are_those_of_the_largest_matching():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        calls, peaks = rng.integers(1, 5, 2)
        pairs = drawn(seed, calls, peaks)
        order = rng.permutation(calls)
        hit = ranked_hits(pairs, order, peaks)
        for end in range(calls + 1):
            largest = best_of_all(pairs, order[:end].tolist(), peaks)[0]
            assert hit[order[:end]].sum() == largest, (seed, end)


def test_a_long_path_of_moves_is_found():
    n = 3000  # call i reaches the peaks i and i + 1; the last call starts a path through all of them
    call = np.append(np.repeat(np.arange(n), 2), n)
    peak = np.append(np.stack([np.arange(n), np.arange(n) + 1], axis=1).ravel(), 0)
    pairs = CompatiblePairs(call, peak, np.zeros(len(call)))
    assert ranked_hits(pairs, np.arange(n + 1), n + 1).all()


def test_what_a_failed_search_has_seen_is_not_searched_again(monkeypatch):
    class Counting(matching.deque):
        taken = 0

        def popleft(self) -> int:
            Counting.taken += 1
            return super().popleft()

    monkeypatch.setattr(matching, "deque", Counting)
    crowd = CompatiblePairs(np.repeat(np.arange(2000), 2), np.tile([0, 1], 2000), np.zeros(4000))
    assert ranked_hits(crowd, np.arange(2000), 2).sum() == 2
    assert Counting.taken < 2010  # one step for each call; else three


def test_greedy_matching_by_score_is_a_broken_twin():
    pairs = CompatiblePairs(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.0, 1.0, 0.0]))
    taken, greedy = set(), []
    for c in (0, 1):
        free = [p for a, p in zip(pairs.call.tolist(), pairs.peak.tolist(), strict=True) if a == c and p not in taken]
        greedy.append(bool(free))
        taken |= set(free[:1])
    assert greedy == [True, False]
    assert ranked_hits(pairs, np.array([0, 1]), 2).tolist() == [True, True]
