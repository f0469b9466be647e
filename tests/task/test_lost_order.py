"""The posterior of a peak's place over all orders of the nodes: Markov chains, and the sum over every order."""

import dataclasses
from itertools import permutations

import numpy as np
import pytest

from gnnmax import InputError, Maps, build, load_recipe
from gnnmax.task.lost_order import _exchange_gain, _rearranged, lost_order_posterior
from gnnmax.task.map_posterior import place_ceiling

NODES, AMPLITUDE, RADIUS = 6, 2.0, 1.2


def drawn(count=1, *, order="shuffled", nodes=NODES, noise="gaussian", **changes):
    recipe = load_recipe("line-64").replace(
        splits={"test": count},
        **{"map.n": nodes, "map.order": order, "map.diagonal": 2, "map.noise": noise},
        **{"map.plant.amplitude": AMPLITUDE, "map.background.affinity": 1.5} | changes,
    )
    return build(recipe).test


def summed_over_orders(one):
    """Return the two posteriors of one map, from every order and every place."""
    values = one.values[0].astype(np.float64)
    values = np.log(values + np.eye(NODES)) if one.model.law == "lognormal" else values
    along = np.argsort(one.row_place[0])
    background = one.background[0][along][:, along].astype(np.float64)
    place = np.arange(NODES)
    profile = np.exp(-(np.subtract.outer(place, place) ** 2) / (2 * RADIUS**2))
    found, near, total = np.zeros(values.shape), np.zeros(values.shape), 0.0
    upper = np.triu_indices(NODES, 1)
    for order in permutations(range(NODES)):
        seen = values[np.ix_(order, order)]
        for p in place:
            for q in range(p + 2, NODES):
                bump = np.outer(profile[p], profile[q])
                mean = background + AMPLITUDE * (bump + bump.T)
                chance = np.exp(-((seen - mean)[upper] ** 2).sum() / 2)
                total += chance
                found[order[p], order[q]] += chance
                for i in place:
                    for j in range(i + 1, NODES):
                        if abs(i - p) <= 1 and abs(j - q) <= 1:
                            near[order[i], order[j]] += chance
    return [(each + each.T) / total for each in (found, near)]


@pytest.mark.parametrize(("noise", "affinity"), [("gaussian", 1.5), ("gaussian", 3.0), ("lognormal", 1.5)])
def test_chains_agree_with_the_sum_over_every_order_wherever_they_begin(noise, affinity):
    one = drawn(noise=noise, **{"map.background.affinity": affinity})
    many = Maps.concatenate([one] * 1000)
    exact = summed_over_orders(one)
    for scatter in (0.0, 5.0):
        posterior = lost_order_posterior(many, scatter=scatter, sweeps=60, seed=1)
        for chains, expected in zip((posterior.found, posterior.within_one), exact, strict=True):
            error = chains.std(axis=0) / np.sqrt(len(many))
            np.testing.assert_allclose(chains.mean(axis=0), expected, atol=4.5 * error.max())


def test_the_gain_of_an_exchange_is_that_of_the_whole_likelihood():
    rng = np.random.default_rng(0)
    values, mean = (each + each.swapaxes(1, 2) for each in rng.normal(size=(2, 50, NODES, NODES)))
    for each in (values, mean):
        each[:, np.arange(NODES), np.arange(NODES)] = 0.0
    p, q = np.array([rng.choice(NODES, 2, replace=False) for _ in range(50)]).T
    order = np.tile(np.arange(NODES), (50, 1))
    every = np.arange(50)
    order[every, p], order[every, q] = q, p
    moved = values[every[:, None, None], order[:, :, None], order[:, None, :]]
    likelihood = [-((each - mean) ** 2).sum(axis=(1, 2)) / 4 for each in (values, moved)]  # each pair lies there twice
    np.testing.assert_allclose(_exchange_gain(values, mean, (every, p, q)), likelihood[1] - likelihood[0], atol=1e-12)


@pytest.mark.parametrize("source", [[4, 3, 2, 1], [2, 3, 4, 1], [5, 1, 2, 3, 4], [3]])
def test_the_gain_of_a_rearranged_stretch_is_that_of_the_whole_likelihood(source):
    values, mean = (each + each.T for each in np.random.default_rng(0).normal(size=(2, 7, 7)))
    for each in (values, mean):
        np.fill_diagonal(each, 0.0)
    order, low = np.arange(7), min(source)
    order[low : low + len(source)] = source
    expected = values[order][:, order]
    rows, gain = _rearranged(values, mean, np.array(source))
    np.testing.assert_array_equal(rows, expected[low : low + len(source)])
    assert gain == pytest.approx(((expected - values) * mean).sum() / 2)


def test_another_amplitude_has_another_posterior():
    one = drawn()
    exact = summed_over_orders(one)[0]
    weaker = dataclasses.replace(Maps.concatenate([one] * 200), peak_amplitude=np.full((200, 1), 1.0, dtype=np.float32))
    assert np.abs(lost_order_posterior(weaker, sweeps=60).found.mean(axis=0) - exact).max() > 0.02


def test_numbers_of_the_nodes_do_not_matter():
    maps = drawn(200, nodes=8)
    ceilings = []
    for given in (maps, maps.relabelled(np.random.default_rng(0))):
        posterior = lost_order_posterior(given, sweeps=40, seed=3)
        ceilings.append(posterior.found.max(axis=(1, 2)).mean())
    assert ceilings[0] == pytest.approx(ceilings[1], abs=0.02)


def test_without_the_order_less_can_be_found_than_with_it():
    maps = drawn(200, nodes=10, **{"map.plant.amplitude": 3.0})
    lost = lost_order_posterior(maps, sweeps=40).found.max(axis=(1, 2)).mean()
    assert lost < place_ceiling(maps).found - 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maps": build(load_recipe("needle-32").replace(splits={"test": 1})).test}, "choose such maps, at least one"),
        ({"maps": build(load_recipe("contact-256").replace(splits={"test": 1})).test}, "normal or lognormal noise"),
        ({"scatter": -1.0}, "scatter must be finite and at least 0 places, not -1.0"),
        ({"scatter": np.nan}, "scatter must be finite"),
        ({"sweeps": 3}, "at least 4, not 3"),
        ({"sweeps": 4.5}, "a whole number of sweeps, at least 4, not 4.5"),
    ],
)
def test_what_has_no_such_posterior_is_refused(change, message):
    given = {"maps": drawn(), "scatter": 0.0, "sweeps": 10, **change}
    with pytest.raises(InputError, match=message):
        lost_order_posterior(given.pop("maps"), **given)


def test_gaps_are_refused():
    values = drawn().values.copy()
    values[0, 0, 1] = values[0, 1, 0] = np.nan
    maps = Maps.from_values(values, structure="symmetric", peaks=[[0, 0, 3]])
    with pytest.raises(InputError, match="choose maps without gaps"):
        lost_order_posterior(maps)
