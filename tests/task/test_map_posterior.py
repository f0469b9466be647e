"""The exact rule for one peak: against plain sums, the closed form, and with the wrong order."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import norm, poisson

from gnnmax import InputError, Maps, build
from gnnmax.task.map_model import MapModel
from gnnmax.task.map_posterior import evidence, matched_filter, needle_found, place_ceiling, posterior
from tests.support.maps import BUMP, LINE, TABLES, map_recipe

ONE_PEAK = [name for name, table in TABLES.items() if table.get("peaks", 1) == 1]


@pytest.mark.parametrize(
    ("n", "found"),
    [
        (9, (0.924, 0.990, 0.999)),
        (100, (0.558, 0.864, 0.980)),
        (1_000, (0.201, 0.554, 0.865)),
        (10_000, (0.047, 0.245, 0.613)),
    ],
)
def test_the_closed_form_of_the_needle_gives_the_known_figures(n, found):
    assert [needle_found(n, mu) for mu in (4.0, 5.0, 6.0)] == pytest.approx(found, abs=6e-4)


def test_a_needle_without_amplitude_is_found_by_chance_and_a_pair_counts_once():
    assert needle_found(7, 0.0) == pytest.approx(1 / 49)
    assert needle_found(7, 0.0, symmetric=True) == pytest.approx(1 / 21)


def log_likelihood(one, signal):
    """Sum the log likelihood of one map entry by entry, given the sum of its profiles times amplitudes."""
    values, model = one.values[0].astype(float), one.model
    background = 0.0 if one.background is None else one.background[0].astype(float)
    if model.law == "poisson":
        mean = (model.base if one.background is None else background) * (1 + signal)
        each = poisson.logpmf(values, np.where(np.isnan(mean), 1.0, np.maximum(mean, 1e-300)))
    else:
        with np.errstate(divide="ignore"):
            values = np.log(values) if model.law == "lognormal" else values
        each = norm.logpdf(values - background - signal)
    inside = ~np.isnan(one.values[0])
    return each[np.triu(inside, 1) if one.structure == "symmetric" else inside].sum()


def profile(one, p, q):
    row, column = one.row_place[0][:, None], one.column_place[0][None, :]
    total = np.zeros(one.values.shape[1:])
    for a, b in ((p, q), (q, p)) if one.structure == "symmetric" else ((p, q),):
        far = np.exp(-((row - a) ** 2 + (column - b) ** 2) / (2 * one.model.radius**2)) if one.model.radius else 0
        part = far if one.model.radius else ((row == a) & (column == b)).astype(float)
        if one.model.law == "poisson":
            part = np.where(np.maximum(abs(row - a), abs(column - b)) <= one.model.reach, part, 0.0)
        total += part
    return total


@pytest.mark.parametrize("name", ONE_PEAK)
def test_the_evidence_is_the_log_likelihood_of_a_peak_there_against_none(name):
    one = build(map_recipe(1, **TABLES[name])).test
    found, amplitude = evidence(one)[0], float(one.peak_amplitude[0, 0])
    allowed = np.argwhere(one.allowed[0])
    assert np.array_equal(np.isfinite(found), one.allowed[0])
    none = log_likelihood(one, np.zeros(found.shape))
    for row, column in allowed[:: max(len(allowed) // 12, 1)].tolist():
        place = int(one.row_place[0, row]), int(one.column_place[0, column])
        expected = log_likelihood(one, amplitude * profile(one, *place)) - none
        assert found[row, column] == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("name", ONE_PEAK)
def test_the_posterior_sums_to_one_and_moves_with_the_nodes(name):
    maps = build(map_recipe(2, **TABLES[name])).test
    share = posterior(maps)
    places = np.triu(share, 1) if maps.structure == "symmetric" else share
    assert places.sum(axis=(1, 2)) == pytest.approx(1.0)
    moved = maps.relabelled(np.random.default_rng(0))
    for rule in (posterior, matched_filter):
        assert np.sort(rule(moved), axis=None) == pytest.approx(np.sort(rule(maps), axis=None), abs=1e-9)
    assert posterior(maps, logarithm=True)[maps.allowed] == pytest.approx(
        np.log(np.maximum(share[maps.allowed], 1e-300)), abs=1e-6
    )


@pytest.mark.parametrize(("n", "maps", "mu"), [(9, 1_500, 4.0), (100, 150, 5.0)])
def test_the_rule_finds_needles_as_often_as_the_closed_form_says(n, maps, mu):
    needles = build(map_recipe(maps, structure="directed", n=n, plant={"type": "spike", "amplitude": mu})).test
    peaks = needles.peaks
    named = posterior(needles).reshape(maps, -1).argmax(axis=1)
    right = float((named == peaks.row * n + peaks.column).mean())
    expected = needle_found(n, mu)
    assert abs(right - expected) < 3 * math.sqrt(expected * (1 - expected) / maps)
    ceiling = place_ceiling(needles)
    assert abs(ceiling.found - expected) < 3 * ceiling.found_error


def test_the_rule_with_the_wrong_order_falls_far_below_its_ceiling():
    maps = build(map_recipe(150, n=40, plant=BUMP, diagonal=8, background=LINE)).test
    wrong = np.argsort(np.random.default_rng(0).random(maps.row_place.shape), axis=1)
    misled = dataclasses.replace(maps, row_place=wrong, column_place=wrong)
    right = place_ceiling(maps)

    def found(given):
        named = np.triu(np.where(maps.allowed, evidence(given), -np.inf), 1).reshape(len(maps), -1).argmax(axis=1)
        return float((named == maps.peaks.row * 40 + maps.peaks.column).mean())

    assert abs(found(maps) - right.found) < 4 * math.sqrt(right.found * (1 - right.found) / len(maps))
    assert found(misled) < 0.3 < 0.8 < right.found


def test_an_entry_that_is_not_observed_carries_no_information():
    values = np.random.default_rng(0).normal(size=(6, 6))
    values[2, 3] = np.nan
    model = MapModel(radius=1.2)
    maps = Maps.from_values(values, structure="directed", peaks=[[0, 1, 1]], model=model)
    filled = Maps.from_values(np.nan_to_num(values, nan=7.0), structure="directed", peaks=[[0, 1, 1]], model=model)
    assert not np.allclose(evidence(maps)[0, 2], evidence(filled)[0, 2])
    spike = dataclasses.replace(maps, model=MapModel())
    assert evidence(spike)[0, 2, 3] == 0.0


@pytest.mark.parametrize("name", ["symmetric spikes", "line", "lognormal", "contact"])
def test_the_evidence_of_a_symmetric_map_with_gaps_is_the_log_likelihood_of_the_others(name):
    one = build(map_recipe(1, **{**TABLES[name], "peaks": 1})).test
    gaps = np.random.default_rng(0).random((one.n, one.n)) < 0.2
    one = dataclasses.replace(one, values=np.where(gaps | gaps.T, np.nan, one.values).astype(np.float32))
    found, amplitude = evidence(one)[0], float(one.peak_amplitude[0, 0])
    none = log_likelihood(one, np.zeros(found.shape))
    for row, column in np.argwhere(one.allowed[0])[::9].tolist():
        place = int(one.row_place[0, row]), int(one.column_place[0, column])
        expected = log_likelihood(one, amplitude * profile(one, *place)) - none
        assert found[row, column] == pytest.approx(expected, abs=2e-4)
    assert np.isfinite(posterior(one)).all() and np.isfinite(matched_filter(one)[one.allowed]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: needle_found(1, 3.0), "at least 2"),
        (lambda: needle_found(9, -1.0), "at least 0"),
        (lambda: place_ceiling(build(map_recipe(2, peaks=0)).test), "exactly one peak"),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
