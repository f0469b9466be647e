"""Folds over graphs: no graph is parted, every window is tested once, classes are balanced."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gnnmax import RULES, InputError, Windows
from gnnmax.evaluation.folds import graph_folds, out_of_fold_scores

W = Windows.from_values(np.random.default_rng(0).normal(size=(300, 3, 3)))
W = dataclasses.replace(W, graph=np.random.default_rng(1).integers(20, size=300))
NAMES = np.array([f"g{number}" for number in W.graph])


@pytest.mark.parametrize("rng", [None, np.random.default_rng(3)])
@pytest.mark.parametrize(("given", "graph"), [(W, None), (W.label, NAMES), (W, NAMES)])
def test_no_graph_is_parted_and_every_window_is_tested_once(given, graph, rng):
    tested = []
    for train, test in graph_folds(given, 4, graph=graph, rng=rng):
        assert not set(W.graph[train]) & set(W.graph[test])
        assert len(train) + len(test) == len(W)
        assert 0.15 < len(test) / len(W) < 0.35
        tested += test.tolist()
    assert sorted(tested) == list(range(len(W)))


def test_only_the_stream_changes_the_folds():
    def tests(seed):
        return [test.tolist() for _, test in graph_folds(W, 5, rng=np.random.default_rng(seed))]

    assert tests(0) == tests(0) != tests(1)


def test_scores_out_of_fold_come_from_scorers_that_never_saw_the_graph():
    def fit(train):
        seen = set(train.graph.tolist())
        return lambda windows: np.array([float(graph in seen) for graph in windows.graph])

    assert out_of_fold_scores(fit, W, 5).sum() == 0
    np.testing.assert_array_equal(out_of_fold_scores(lambda train: RULES["margin"], W), RULES["margin"](W))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: list(graph_folds(W.label)), "give graph=, the number or name"),
        (lambda: list(graph_folds(W, 21)), "from 2 to the number of graphs, 20, not 21"),
        (lambda: list(graph_folds(W, 1)), "not 1"),
        (lambda: list(graph_folds(W, True)), "not True"),
        (lambda: out_of_fold_scores(lambda train: lambda windows: None, W), "what the scorer returned"),
    ],
)
def test_impossible_folds_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
