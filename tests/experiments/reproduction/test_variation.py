"""Variance components: the estimates recover the simulated ones."""

import numpy as np
import pytest

from gnnmax import InputError
from gnnmax.experiments.reproduction.variation import variance_components

FACTORS = ("data", "initial weights", "order")


def drawn(rng, deviations, rest, shape=(4, 4, 4)):
    block = 0.9 + rest * rng.normal(size=shape)
    for axis, (deviation, levels) in enumerate(zip(deviations, shape, strict=True)):
        block += deviation * rng.normal(size=[levels if other == axis else 1 for other in range(3)])
    return block


def test_components_are_found_on_average():
    deviations, rest = (0.03, 0.01, 0.0), 0.005
    found = [variance_components(drawn(np.random.default_rng(run), deviations, rest), FACTORS) for run in range(2_000)]
    squares = {name: np.mean([one[name] ** 2 for one in found]) for name in (*FACTORS, "rest")}
    assert squares["data"] == pytest.approx(0.03**2, rel=0.08)
    assert squares["initial weights"] == pytest.approx(0.01**2, rel=0.08)
    assert squares["rest"] == pytest.approx(rest**2, rel=0.05)
    assert squares["order"] < 0.1 * rest**2  # below 0 is 0, so a little is left of nothing


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_factor_that_decides_alone_has_all_of_it(axis):
    levels = np.array([0.1, 0.2, 0.4]).reshape([3 if other == axis else 1 for other in range(3)])
    found = variance_components(np.broadcast_to(levels, (3, 3, 3)), FACTORS)
    assert found.pop(FACTORS[axis]) == pytest.approx(np.std([0.1, 0.2, 0.4], ddof=1))
    assert max(found.values()) < 1e-7


def test_an_interaction_is_the_rest():
    found = variance_components([[1.0, -1.0], [-1.0, 1.0]], ("data", "order"))
    assert found == {"data": 0.0, "order": 0.0, "rest": 2.0}


def test_one_factor_is_its_standard_deviation():
    figures = [0.1, 0.5, 0.6]
    assert variance_components(figures, ("data",)) == {"data": pytest.approx(np.std(figures, ddof=1)), "rest": 0.0}


@pytest.mark.parametrize(
    ("figures", "factors", "said"),
    [
        (np.ones((2, 2)), ("data",), "one axis per factor"),
        (np.ones((2, 2)), ("data", "data"), "one axis per factor"),
        (np.ones((2, 2)), ("data", "rest"), "one axis per factor"),
        (0.5, (), "one axis per factor"),
        (np.ones((2, 1)), ("data", "order"), "two levels"),
        (np.array([0.5, np.nan]), ("data",), "finite"),
    ],
)
def test_what_cannot_be_split_is_refused(figures, factors, said):
    with pytest.raises(InputError, match=said):
        variance_components(figures, factors)
