"""Response curves, break-even points and variance shares of data whose answer is known."""

import numpy as np
import pytest

from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.responses import Observations, break_even, heat_map, response, variance_shares


def observations(worlds=400, noise=0.1):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 10, worlds), rng.choice(["a", "b"], worlds)
    values = (x - 4) + noise * rng.normal(size=worlds)
    return Observations("one less two", values, {"x": x.tolist(), "y": y.tolist()}, np.arange(worlds))


def test_the_break_even_of_a_line_is_its_root():
    found = break_even(observations(), "x")
    ((point, sign),) = found.points
    assert abs(point - 4) < 0.2
    assert sign == 1
    assert found.low < point < found.high
    assert found.share == 1


def test_an_axis_of_names_has_no_break_even():
    assert break_even(observations(), "y") is None


def test_an_axis_that_decides_everything_explains_the_variance():
    shares = variance_shares(observations())
    assert list(shares) == ["x", "y"]
    assert shares["x"] > 0.95
    assert shares["y"] < 0.02


def test_intervals_count_repetitions_and_not_observations():
    one = Observations("net", np.arange(8.0), {"x": [1] * 4 + [2] * 4}, np.repeat([0, 1], 4))
    first, second = response(one, "x")
    assert (first.mean, second.mean) == (1.5, 5.5)
    assert (first.repetitions, np.isnan(first.low)) == (1, True)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(300):
        one = Observations("net", rng.normal(size=12), {"x": [1] * 12}, np.arange(12))
        (cell,) = response(one, "x")
        covered.append(cell.low <= 0 <= cell.high)
    assert 0.91 < np.mean(covered) < 0.99


def test_a_heat_map_has_the_mean_of_each_pair():
    found = heat_map(observations(noise=0), "y", "x")
    assert found.means.shape == (2, 5)
    assert (np.diff(found.means, axis=1) > 0).all()


def test_unknown_axes_are_refused():
    with pytest.raises(InputError, match="unknown axis 'z'"):
        response(observations(), "z")
    with pytest.raises(InputError, match="was given twice"):
        heat_map(observations(), "x", "x")
