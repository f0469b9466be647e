"""Kinds that a set of windows lacks: the sentence comes where windows are sparse, and only there."""

import numpy as np
import pytest

from gnnmax import Windows, build, compare_scores, evaluate, load_recipe
from gnnmax.data.card import describe
from gnnmax.data.prevalence import natural_prevalence
from gnnmax.task.lacking_kinds import NO_CONSTANT, edge_counts


def sparse_windows(n: int = 200, *, blank: int = 0) -> Windows:
    rng = np.random.default_rng(0)
    values = rng.random((n, 5, 5)) * (rng.random((n, 5, 5)) < 0.3)
    values[:, 2, 2] = rng.random(n)
    values[:blank] = 0
    return Windows.from_values(values.astype(np.float32))


def said(w: Windows) -> list[str]:
    return [warning for warning in evaluate(np.where(w.label, 1.0, -1.0), w).warnings if NO_CONSTANT in warning]


def test_a_verdict_warns_where_sparse_windows_lack_constant_ones() -> None:
    assert len(said(sparse_windows())) == 1
    assert not said(sparse_windows(blank=1))
    dense = np.random.default_rng(0).random((200, 5, 5)).astype(np.float32)
    assert not said(Windows.from_values(dense))


def test_a_warning_that_concerns_every_scorer_is_printed_once() -> None:
    w = sparse_windows()
    scores = np.where(w.label, 1.0, -1.0)
    assert compare_scores({"one": scores, "two": -scores}, w)._repr_html_().count(NO_CONSTANT) == 1


def test_the_card_says_it_of_the_split_that_it_describes() -> None:
    assert NO_CONSTANT in describe(build(load_recipe("real-karate"))).note
    assert NO_CONSTANT not in describe(build(load_recipe("tiles-3").replace(splits={"test": 2}))).note
    assert NO_CONSTANT not in describe(build(load_recipe("close-9").replace(splits={"test": 4}))).note


def test_an_edge_is_neither_zero_nor_unmeasured() -> None:
    window = np.array([[0, np.nan, 2], [1, 1, -1], [0, 0, 0]])
    assert edge_counts([window, window.T, np.full((3, 3), np.nan)]).tolist() == [4, 4, 0]
    assert edge_counts(np.arange(9).reshape(1, 3, 3)).tolist() == [8]


def test_the_prevalence_that_a_verdict_expects_is_the_one_that_a_card_counts() -> None:
    data = build(load_recipe("spike-9").replace(splits={"test": 40}))
    counted = natural_prevalence(data, "test")
    expected = evaluate(np.where(data.test.label, 1.0, -1.0), data.test).natural_prevalence
    assert expected == pytest.approx(counted.share, abs=4 * counted.standard_error)
    assert expected > 2 / 81
