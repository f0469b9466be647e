"""Intervals from the value without each graph: against closed forms, exact binomial sums, and each other."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, ttest_1samp
from scipy.stats import t as student

from gnnmax.evaluation.jackknife import Estimate, binomial_interval, effective_number


def of_shares(correct: np.ndarray, n: np.ndarray, ends: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    """The estimate of a share of windows, from counts by graph."""
    with np.errstate(invalid="ignore"):
        left_out = (correct.sum() - correct) / (n.sum() - n)
    value, share = correct.sum() / n.sum(), n / n.sum()
    graphs = np.array([effective_number(n)])
    return Estimate.of(np.array([value]), left_out, shares=share[None], graphs=graphs, ends=ends)


def test_the_variance_of_a_mean_of_equal_graphs_is_that_of_the_textbook() -> None:
    x = np.random.default_rng(0).random(12)
    estimate = of_shares(20 * x, np.full(12, 20.0))
    assert estimate.of_graphs == pytest.approx(x.var(ddof=1) / 12)
    assert estimate.freedom == pytest.approx(11)


def test_a_difference_of_equal_graphs_is_tested_as_by_a_t_test() -> None:
    x = np.random.default_rng(1).normal(0.02, 0.05, 9)
    estimate = of_shares(20 * x, np.full(9, 20.0), ends=(-1.0, 1.0))
    expected = ttest_1samp(x, 0)
    assert estimate.p_value() == pytest.approx(expected.pvalue)
    assert estimate.difference_interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))


@given(st.lists(st.integers(-6, 6), min_size=2, max_size=12), st.sampled_from([0.8, 0.95, 0.99]))
def test_an_interval_of_a_difference_excludes_0_exactly_where_its_p_value_is_small(
    ahead: list[int], confidence: float
) -> None:
    estimate = of_shares(np.array(ahead, float), np.full(len(ahead), 8.0), ends=(-1.0, 1.0))
    low, high = estimate.difference_interval(confidence)
    assert (low > 0 or high < 0) == (estimate.p_value() < 1 - confidence)


def test_graphs_that_differ_equally_are_tested_by_their_signs() -> None:
    estimate = of_shares(np.full(8, 3.0), np.full(8, 20.0), ends=(-1.0, 1.0))
    assert estimate.p_value() == pytest.approx(2 / 2**8)
    assert of_shares(np.full(4, 3.0), np.full(4, 20.0), ends=(-1.0, 1.0)).difference_interval(0.95)[0] < 0


def test_where_no_graph_shows_a_difference_the_interval_says_what_may_have_been_missed() -> None:
    estimate = of_shares(np.zeros(10), np.full(10, 20.0), ends=(-1.0, 1.0))
    assert estimate.difference_interval(0.95) == pytest.approx((0.05 ** (1 / 10) - 1, 1 - 0.05 ** (1 / 10)))
    assert estimate.p_value() == 1.0


def test_an_interval_of_a_share_is_a_t_interval_of_its_log_odds() -> None:
    x = np.random.default_rng(2).uniform(0.6, 0.9, 30)
    low, high = of_shares(20 * x, np.full(30, 20.0)).interval(0.95, (0.0, 1.0))
    mean = x.mean()
    deviation = x.std(ddof=1) / math.sqrt(30) / (mean * (1 - mean))
    for end, side, held in ((low, -1, 1 - x), (high, 1, x)):
        half = student.ppf(0.975, min(29, effective_number(held))) * deviation
        assert math.log(end / (1 - end)) == pytest.approx(math.log(mean / (1 - mean)) + side * half)


def test_the_scale_of_a_range_does_not_matter() -> None:
    x = np.random.default_rng(3).uniform(0.6, 0.9, 12)
    low, high = of_shares(20 * x, np.full(12, 20.0)).interval(0.95, (0.0, 1.0))
    twice = of_shares(20 * (4 * x - 1), np.full(12, 20.0), ends=(-1.0, 3.0)).interval(0.95, (-1.0, 3.0))
    assert twice == pytest.approx((4 * low - 1, 4 * high - 1))


def test_one_large_graph_counts_for_few() -> None:
    sizes = np.array([1000.0, *[10.0] * 9])
    estimate = of_shares(0.7 * sizes + np.arange(10), sizes)
    assert estimate.graphs == pytest.approx(1090**2 / (1000**2 + 9 * 100))
    assert estimate.freedom < 0.3
    low, high = estimate.interval(0.95, (0.0, 1.0))
    assert high - low > 0.8


def test_errors_in_one_graph_leave_the_low_end_as_open_as_whole_graphs_do() -> None:
    correct = np.full(20, 30.0)
    spread = of_shares(correct - np.arange(20) % 2, np.full(20, 30.0))
    correct[3] -= 10
    single = of_shares(correct, np.full(20, 30.0))
    assert single.value == spread.value
    assert single.downward == pytest.approx(1)
    low, narrow = (each.interval(0.95, (0.0, 1.0))[0] for each in (single, spread))
    assert 0.75 < low < 0.86 < 0.95 < narrow


def test_a_value_at_an_end_is_as_doubtful_as_that_many_graphs() -> None:
    for graphs in (5, 50):
        low, high = of_shares(np.full(graphs, 20.0), np.full(graphs, 20.0)).interval(0.95, (0.0, 1.0))
        assert (low, high) == (pytest.approx(0.05 ** (1 / graphs)), 1.0)


def test_from_a_single_graph_nothing_follows() -> None:
    sizes = np.array([20.0, 0.0, 0.0])
    estimate = of_shares(0.7 * sizes, sizes)
    assert estimate.interval(0.95, (0.0, 1.0)) == (0.0, 1.0)
    assert estimate.difference_interval(0.95) == (-1.0, 1.0)
    assert estimate.p_value() == 1.0


@pytest.mark.parametrize("n", [5, 10, 20, 50])
def test_the_exact_interval_of_a_share_of_graphs_covers_it_on_average_and_nearly_everywhere(n: int) -> None:
    ends = np.array([binomial_interval(x / n, n, 0.95) for x in range(n + 1)])
    chance = np.linspace(0.01, 0.99, 99)
    inside = (ends[:, :1] <= chance) & (chance <= ends[:, 1:])
    covered = (binom.pmf(np.arange(n + 1)[:, None], n, chance) * inside).sum(axis=0)
    assert covered.min() > 0.92
    assert 0.95 < covered.mean() < 0.98


def test_seeds_add_their_variance_and_their_degrees_of_freedom() -> None:
    x = np.random.default_rng(4).uniform(0.6, 0.9, 40)
    value = x.mean()
    seeds = value + np.array([-0.03, 0.0, 0.03])
    one = of_shares(20 * x, np.full(40, 20.0))
    left_out = (x.sum() - x) / 39
    three = Estimate.of(seeds, left_out, shares=np.full((1, 40), 1 / 40), graphs=np.array([40.0]), ends=(0.0, 1.0))
    assert three.variance == pytest.approx(one.variance + 0.03**2 / 3)
    assert 2 < three.degrees() < 39
    alone = Estimate(value, 0.0, 0.03**2 / 3, 3, 40.0, 39.0, 40.0, 40.0)
    assert alone.degrees() == pytest.approx(2)


@pytest.mark.parametrize("right", [0, 1, 3, 20, 39])
def test_f1_of_whole_graphs_has_the_interval_of_the_share_of_right_graphs(right: int) -> None:
    """Where each graph is right as a whole or not called at all, F1 is 2 q / (1 + q) of their share q."""
    called = (np.arange(40) < right).astype(float)
    share = of_shares(called, np.ones(40))
    total, left = called.sum() + 40, called.sum() + 40 - called - 1
    sums = np.array([np.ones(40) / 40, (called + 1) / total])
    f1 = Estimate.of(
        np.array([2 * called.sum() / total]),
        2 * (called.sum() - called) / left,
        shares=sums,
        graphs=effective_number(sums),
        ends=(0.0, 1.0),
        odds=2.0,
    )
    least, greatest = (2 * q / (1 + q) for q in share.interval(0.95, (0.0, 1.0)))
    low, high = f1.interval(0.95, (0.0, 1.0))
    assert high == pytest.approx(greatest, rel=0.04)
    assert low <= least * 1.04 + 0.002


@pytest.mark.parametrize("right", [0, 2, 17, 40])
def test_f1_of_one_call_a_graph_has_no_narrower_interval_than_the_share_of_right_graphs(right: int) -> None:
    share = of_shares((np.arange(40) < right).astype(float), np.ones(40))
    low, high = dataclasses.replace(share, odds=2.0).interval(0.95, (0.0, 1.0))
    assert low <= share.interval(0.95, (0.0, 1.0))[0] and high >= share.interval(0.95, (0.0, 1.0))[1]
