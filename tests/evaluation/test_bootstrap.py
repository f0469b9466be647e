"""What chance could have done: the draws, the tests and the intervals, against independent references."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from gnnmax.evaluation import bootstrap as resampling
from gnnmax.evaluation.bootstrap import bootstrap, drawn_weights, percentile_interval


def test_each_resample_draws_as_many_units_as_there_are() -> None:
    weights = drawn_weights(17, 50, np.random.default_rng(0))
    assert weights.shape == (17, 50)
    assert (weights.sum(axis=0) == 17).all()


def test_units_are_drawn_with_the_variance_of_a_multinomial() -> None:
    weights = drawn_weights(4, 40_000, np.random.default_rng(0))
    assert np.allclose(np.cov(weights), np.eye(4) - 0.25, atol=0.02)


def test_resamples_do_not_depend_on_the_size_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn() -> np.ndarray:
        statistic = np.arange(15.0).reshape(3, 5)
        return bootstrap(lambda w: {"x": statistic @ w}, 5, 100, np.random.default_rng(0))["x"]

    whole = drawn()
    monkeypatch.setattr(resampling, "_CELLS", 3 * 5)
    assert np.array_equal(drawn(), whole)


def test_the_bootstrap_of_a_mean_has_its_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=200)
    out = bootstrap(lambda w: {"mean": x @ w / 200}, 200, 5000, np.random.default_rng(1))["mean"]
    assert out.std() == pytest.approx(x.std() / np.sqrt(200), rel=0.05)


def test_an_interval_leaves_out_resamples_on_which_the_figure_does_not_exist() -> None:
    assert percentile_interval(np.array([np.nan, 1.0, 3.0]), 0.5, 10**12) == pytest.approx((1.5, 2.5))
    assert percentile_interval(np.array([np.nan]), 0.5, 9) is None


@pytest.mark.parametrize("n", [3, 6, 20])
def test_an_expanded_interval_of_a_mean_is_as_long_as_a_t_interval(n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    normal_replicates = x.mean() + norm.ppf(np.linspace(0, 1, 2_000_003)[1:-1]) * x.std() / np.sqrt(n)
    expected = student.interval(0.9, n - 1, loc=x.mean(), scale=x.std(ddof=1) / np.sqrt(n))
    assert percentile_interval(normal_replicates, 0.9, n) == pytest.approx(expected, rel=0.01)
