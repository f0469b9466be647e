"""What chance could have done: the draws, the tests and the intervals, against independent references."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from gnnmax import resampling
from gnnmax.resampling import bootstrap, drawn_weights, mcnemar, percentile_interval, sign_flip


def test_each_resample_draws_as_many_units_as_there_are() -> None:
    for copies in (np.ones(17, int), np.array([3, 1, 5])):
        weights = drawn_weights(copies, 50, np.random.default_rng(0))
        assert weights.shape == (len(copies), 50)
        assert (weights.sum(axis=0) == copies.sum()).all()


def test_merged_units_are_drawn_with_the_mean_and_variance_of_single_ones() -> None:
    copies = np.array([3, 1, 6])
    merged = drawn_weights(copies, 20_000, np.random.default_rng(0))
    single = drawn_weights(np.ones(10, int), 20_000, np.random.default_rng(1))
    together = np.stack([single[:3].sum(axis=0), single[3], single[4:].sum(axis=0)])
    assert np.allclose(merged.mean(axis=1), copies, atol=0.05)
    assert np.allclose(np.cov(merged), np.cov(together), atol=0.1)


@pytest.mark.parametrize("copies", [np.ones(5, int), np.array([2, 1, 4])])
def test_resamples_do_not_depend_on_the_size_of_the_blocks(copies: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn() -> np.ndarray:
        statistic = np.arange(len(copies)) + 1.0
        return bootstrap(lambda w: {"x": statistic @ w}, copies, 100, np.random.default_rng(0))["x"]

    whole = drawn()
    monkeypatch.setattr(resampling, "_CELLS", 3 * len(copies))
    assert np.array_equal(drawn(), whole)


def test_the_bootstrap_of_a_mean_has_its_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=200)
    out = bootstrap(lambda w: {"mean": x @ w / 200}, np.ones(200, int), 5000, np.random.default_rng(1))["mean"]
    assert out.std() == pytest.approx(x.std() / np.sqrt(200), rel=0.05)


def test_an_interval_leaves_out_resamples_on_which_the_figure_does_not_exist() -> None:
    assert percentile_interval(np.array([np.nan, 1.0, 3.0]), 0.5) == (1.5, 2.5)
    assert percentile_interval(np.array([np.nan]), 0.5) is None


def brute_force_sign_flip(differences: list[int]) -> float:
    observed = abs(sum(differences))
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    return float(np.mean([total >= observed for total in sums]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_the_sign_flip_p_value_is_that_of_all_patterns(differences: list[int]) -> None:
    p = sign_flip(np.array(differences), np.random.default_rng(0))
    assert p == pytest.approx(brute_force_sign_flip(differences), abs=1e-12)


def test_the_monte_carlo_sign_flip_agrees_with_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(0).integers(-4, 6, size=60)
    exact = sign_flip(differences, np.random.default_rng(0))
    monkeypatch.setattr(resampling, "_EXACT_COST", 0)
    drawn = sign_flip(differences, np.random.default_rng(0))
    assert 0.001 < exact < 0.3
    assert drawn == pytest.approx(exact, abs=5 * np.sqrt(exact / 10_000))
    assert drawn != exact


def test_a_monte_carlo_p_value_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "_EXACT_COST", 0)
    assert sign_flip(np.full(100, 2), np.random.default_rng(0)) == pytest.approx(1 / 10_001)


def test_sign_flips_of_single_windows_are_the_mcnemar_test() -> None:
    differences = np.array([1] * 20 + [-1] * 8 + [0] * 30)
    assert sign_flip(differences, np.random.default_rng(0)) == pytest.approx(mcnemar(20, 8), rel=1e-10)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 3), (7, 0), (12, 30), (1000, 1100)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
