"""The best possible scorer of noisy plants, and the accuracy it reaches."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.task.bayes import ceiling_of, entry_log_likelihoods, log_likelihood_ratio
from gnnmax.task.noise import NoiseModel
from gnnmax.task.windows import Windows

NOISY = [
    "noise-9-levels",
    "bump-9-natural",
    "bump-9-shuffled",
    "counts-9",
    "noise-3-mu3",
    "noise-9-mu2",
    "noise-15-mu3",
]


def small(name: str) -> Windows:
    return build(load_recipe(name).replace(splits={"test": 1}, windows_per_graph=40)).test


def log_density(values, mean, law):
    if law == "poisson":
        return poisson.logpmf(values, mean).sum()
    return norm.logpdf(values, mean).sum()


@pytest.mark.parametrize("name", ["bump-9-shuffled", "counts-9", "noise-5-mu3"])
def test_the_ratio_is_that_of_the_densities_position_by_position(name):
    windows = small(name)[:5]
    noise, k = windows.noise, windows.k
    for index in range(len(windows)):
        w = windows[index]
        densities = np.empty((k, k))
        for p in range(k):
            for q in range(k):
                mean = np.full((k, k), noise.base if noise.law == "poisson" else 0.0)
                if noise.radius:
                    far = (w.rows[0] - w.rows[0, p])[:, None] ** 2 + (w.columns[0] - w.columns[0, q])[None, :] ** 2
                    mean += w.amplitude[0] * np.exp(-far / (2 * noise.radius**2))
                else:
                    mean[p, q] += w.amplitude[0]
                densities[p, q] = log_density(w.values[0].astype(float), mean, noise.law)
        others = np.delete(densities.ravel(), k * k // 2)
        peak = others.max()
        expected = densities[k // 2, k // 2] - (peak + np.log(np.exp(others - peak).mean()))
        np.testing.assert_allclose(log_likelihood_ratio(w), [expected], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", NOISY)
def test_the_rule_reaches_its_ceiling_and_does_not_pass_it(name):
    data = build(load_recipe(name).replace(splits={"test": 100}, shifts={}))
    accuracy = np.mean((data.bayes(data.test) > 0) == data.test.label)
    assert abs(accuracy - data.ceiling) < 3 * np.sqrt(data.ceiling * (1 - data.ceiling) / len(data.test))


def test_the_ceiling_of_the_bump_is_the_measured_one():
    assert abs(ceiling_of(9, 2.0, NoiseModel(radius=1.2)).accuracy - 0.962) < 0.003


def test_noise_that_multiplies_has_the_ceiling_of_noise_that_adds():
    assert ceiling_of(9, 2.0, NoiseModel("lognormal")) == ceiling_of(9, 2.0)


def test_a_wider_bump_in_the_same_noise_is_easier_to_place():
    found = [ceiling_of(9, 2.0, NoiseModel(radius=radius)).accuracy for radius in (0.1, 0.6, 1.2)]
    assert found == sorted(found)
    assert abs(found[0] - ceiling_of(9, 2.0).accuracy) < 0.003  # a narrow one is a spike


def test_the_ratio_of_a_bump_follows_its_nodes_through_a_relabelling():
    windows = small("bump-9-natural")
    moved = windows.relabelled(np.random.default_rng(0))
    np.testing.assert_allclose(log_likelihood_ratio(moved), log_likelihood_ratio(windows), rtol=1e-6, atol=1e-6)
    ignorant = Windows.from_values(moved.values)
    blind = log_likelihood_ratio(
        windows_like(moved, rows=ignorant.rows, columns=ignorant.columns)
    )  # the negative control: a scorer that takes the shuffled order for the natural one
    assert np.abs(blind - log_likelihood_ratio(windows)).max() > 1.0


def windows_like(windows: Windows, **changes) -> Windows:
    import dataclasses

    return dataclasses.replace(windows, **changes)


def test_an_entry_that_is_not_observed_says_nothing():
    for name in ("bump-9-natural", "counts-9"):
        windows = small(name)
        values = windows.values.copy()
        values[:, 0, 0] = np.nan
        assert np.isfinite(log_likelihood_ratio(windows_like(windows, values=values))).all()


def test_windows_without_a_planted_amplitude_have_no_ratio():
    with pytest.raises(InputError, match="amplitude"):
        log_likelihood_ratio(Windows.from_values(np.zeros((1, 3, 3))))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"law": "cauchy"}, "not 'cauchy'"),
        ({"base": 0.0}, "not 0.0 and 0.0"),
        ({"radius": -1.0}, "not 1.0 and -1.0"),
        ({"law": "poisson", "radius": 1.0}, "not in poisson"),
    ],
)
def test_an_impossible_noise_is_refused(fields, message):
    with pytest.raises(InputError, match=message):
        NoiseModel(**fields)


def test_natural_and_shuffled_bumps_are_the_same_windows_up_to_order():
    natural, shuffled = small("bump-9-natural"), small("bump-9-shuffled")
    middle = natural.k // 2
    assert (natural.rows[:, middle] == shuffled.rows[:, middle]).all()
    assert (np.sort(natural.rows, axis=1) == np.sort(shuffled.rows, axis=1)).all()
    assert (natural.rows != shuffled.rows).any()
    assert (np.diff(natural.rows, axis=1) == 1).all()


def test_contexts_along_a_line_fall_off_with_the_distance_in_either_order():
    for name in ("bump-9-natural", "bump-9-shuffled"):
        windows = build(load_recipe(name).replace(splits={"test": 4})).test
        far = np.abs(windows.rows[:, :, None] - windows.rows[:, None, :])
        for distance in range(1, 6):
            seen = windows.row_context[far == distance]
            assert abs(seen.mean() - np.exp(-distance / 3)) < 0.02
            assert abs(seen.std() - 0.1) < 0.02
        np.testing.assert_array_equal(windows.row_context, windows.row_context.transpose(0, 2, 1))


def test_the_ceiling_of_several_levels_is_the_mean_of_theirs():
    levels = [1.0, 2.0, 4.0]
    mixed, single = ceiling_of(9, levels), [ceiling_of(9, level) for level in levels]
    assert mixed.accuracy == pytest.approx(np.mean([one.accuracy for one in single]), abs=1e-12)
    assert mixed.standard_error == pytest.approx(np.mean([one.standard_error for one in single]), abs=1e-12)
    assert ceiling_of(9, [2.0]) == ceiling_of(9, 2.0)
    assert mixed.accuracy != pytest.approx(ceiling_of(9, 7 / 3).accuracy, abs=0.01)  # not that of the mean level
    for wrong in ([], [1.0, -1.0], [1.0, np.nan]):
        with pytest.raises(InputError, match="amplitude"):
            ceiling_of(9, wrong)


@pytest.mark.parametrize("name", ["bump-9-natural", "noise-9-mu3", "bump-9-shuffled"])
def test_the_likelihoods_of_all_entries_give_the_ratio_and_name_the_peak_best(name):
    w = build(load_recipe(name).replace(splits={"test": 4})).test
    evidence = entry_log_likelihoods(w).reshape(len(w), -1)
    middle = evidence.shape[1] // 2
    others = np.delete(evidence, middle, axis=1)
    np.testing.assert_allclose(
        evidence[:, middle] - np.log(np.exp(others).mean(axis=1)), log_likelihood_ratio(w), rtol=1e-5, atol=1e-5
    )
    place = (w.offset + w.k // 2) @ np.array([w.k, 1])
    found = [np.mean(each.argmax(axis=1) == place) for each in (evidence, w.values.reshape(len(w), -1))]
    assert found[0] >= found[1]
    assert found[0] > 0.4


def test_likelihoods_of_entries_need_an_amplitude():
    with pytest.raises(InputError, match="an amplitude"):
        entry_log_likelihoods(Windows.from_values(np.zeros((1, 3, 3))))
