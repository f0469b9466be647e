"""Laws of weights against scipy's distributions, and at the ends of their bounds."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gnnmax.data.hosts.host import Host
from gnnmax.data.hosts.weights import (
    Counts,
    Exponential,
    FreeLaw,
    Law,
    Lognormal,
    Normal,
    Pareto,
    Poisson,
    Uniform,
    draw_unit,
    sample_weights,
    weigh,
)

CONTINUOUS = [
    (Uniform(low=-1.0, high=3.0), stats.uniform(-1, 4)),
    (Normal(mean=2.0, sd=0.5), stats.norm(2, 0.5)),
    (Lognormal(sigma=0.7), stats.lognorm(0.7)),
    (Exponential(), stats.expon()),
    (Pareto(shape=2.5), stats.pareto(2.5)),
]


def fits(draws, distribution):
    return stats.kstest(draws, distribution.cdf).pvalue > 1e-4


@pytest.mark.parametrize(("law", "distribution"), CONTINUOUS, ids=lambda value: type(value).__name__)
def test_weights_follow_their_law_and_no_other(law, distribution):
    draws = sample_weights(law, 5_000, np.random.default_rng(0)).astype(np.float64)
    assert fits(draws, distribution)
    assert not fits(1.1 * draws, distribution)
    for other, _ in CONTINUOUS:
        if other is not law:
            assert not fits(sample_weights(other, 5_000, np.random.default_rng(0)).astype(np.float64), distribution)


@pytest.mark.parametrize(
    ("law", "distribution", "another"),
    [(Counts(mean=4.0), stats.geom(0.25), stats.geom(0.27)), (Poisson(mean=3.0), stats.poisson(3), stats.poisson(3.2))],
    ids=lambda value: type(value).__name__,
)
def test_counts_follow_their_law_and_no_other(law, distribution, another):
    draws = sample_weights(law, 5_000, np.random.default_rng(0))
    support = np.arange(1, 9)
    seen = np.array([np.sum(draws < 1), *(np.sum(draws == x) for x in support), np.sum(draws > 8)])

    def pvalue(of):
        expected = 5_000 * np.array([of.cdf(0), *of.pmf(support), of.sf(8)])
        return stats.chisquare(seen[expected > 0], expected[expected > 0]).pvalue

    assert seen.sum() == 5_000
    assert pvalue(distribution) > 1e-4 > pvalue(another)


def test_the_unit_of_a_host_is_log_uniform_and_one_for_all_its_weights():
    units = [draw_unit((0.01, 100.0), np.random.default_rng(seed)) for seed in range(2_000)]
    assert stats.kstest(np.log(units), stats.uniform(np.log(0.01), np.log(1e4)).cdf).pvalue > 1e-4
    assert stats.kstest(units, stats.uniform(0.01, 100).cdf).pvalue < 1e-4
    plain, scaled = (
        sample_weights(Uniform(unit=unit), 100, np.random.default_rng(3)) for unit in [(1.0, 1.0), (0.5, 2.0)]
    )
    rng = np.random.default_rng(3)
    unit = draw_unit((0.5, 2.0), rng)
    np.testing.assert_array_equal(scaled, Uniform().draw(100, rng) * np.float32(unit))
    assert plain.dtype == scaled.dtype == np.float32


ENDS = [
    *(Uniform(low=low, high=high, unit=(1e6, 1e6)) for low, high in [(-1e30, 1e30), (1e30 / 2, 1e30), (0.0, 1e-20)]),
    *(Normal(mean=mean, sd=sd, unit=unit) for mean, sd, unit in [(1e30, 1e6, (1e6, 1e6)), (0.0, 1e-6, (1e-20, 1e-20))]),
    Lognormal(sigma=8.0, unit=(1e-6, 1.0)),
    Pareto(shape=0.5, unit=(1e6, 1e6)),
    Pareto(shape=1e6),
    Exponential(unit=(1e-20, 1e6)),
    Counts(mean=1e4, unit=(1e6, 1e6)),
    Poisson(mean=1e4, unit=(1e6, 1e6)),
]


@pytest.mark.parametrize("law", ENDS, ids=repr)
def test_weights_stay_inside_float32_at_the_ends_of_their_bounds(law):
    weights = sample_weights(law, 100_000, np.random.default_rng(0))
    assert np.isfinite(weights).all()
    assert np.abs(weights).max() > 0
    assert msgspec.json.decode(msgspec.json.encode(law), type=Law) == law


@pytest.mark.parametrize(
    "plain",
    [
        {"type": "uniform", "high": 1e31},
        {"type": "uniform", "high": float("inf")},
        {"type": "uniform", "low": float("nan")},
        {"type": "uniform", "low": 1.0, "high": 1.0},
        {"type": "uniform", "unit": [2.0, 1.0]},
        {"type": "uniform", "unit": [0.0, 1.0]},
        {"type": "uniform", "unit": [1e-300, 1.0]},
        {"type": "normal", "mean": float("nan")},
        {"type": "normal", "sd": 0.0},
        {"type": "lognormal", "sigma": 9.0},
        {"type": "pareto", "shape": 0.1},
        {"type": "counts", "mean": 1.0},
        {"type": "poisson", "mean": 0.0},
        {"type": "exponential", "mean": 2.0},
        {"type": "cauchy"},
    ],
    ids=str,
)
def test_laws_out_of_bounds_are_refused(plain):
    with pytest.raises(msgspec.ValidationError, match=r"Expected `float` [<>]|must be|unknown field|Invalid value"):
        msgspec.convert(plain, Law)


@given(
    st.sampled_from([Counts(), Poisson(), *(law for law, _ in CONTINUOUS)]), st.integers(0, 2**32), st.integers(1, 50)
)
def test_the_weights_of_a_host_are_the_draws_of_its_law(law, seed, count):
    assert isinstance(law, FreeLaw)
    host = Host(count + 1, np.stack([np.arange(count), np.arange(1, count + 1)], axis=1))
    np.testing.assert_array_equal(
        weigh(law, host, np.random.default_rng(seed)), sample_weights(law, count, np.random.default_rng(seed))
    )
