"""Labels flipped at random: only the planted label, independently of everything else, and every ceiling follows."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import binom

from gnnmax import InputError, Windows, build, evaluate, load_recipe, open_dataset
from gnnmax.data.card import describe, probe_ceiling, stated_accuracy
from gnnmax.data.generation import draw_flips
from gnnmax.data.store import write_dataset
from gnnmax.data.verification import check_windows_of, verify
from gnnmax.task.bayes import ceiling_of, log_likelihood_ratio
from gnnmax.task.noise import NoiseModel
from gnnmax.task.rules import RULES

CLEAN = load_recipe("noise-9-mu3").replace(splits={"train": 40, "test": 60})
NOISY = CLEAN.replace(label_noise=0.2)
SPIKES = load_recipe("spike-9").replace(splits={"train": 40, "test": 60}, label="planted", label_noise=0.3)


def flips(windows: Windows):
    return windows.planted != (windows.kind == "centred")


def test_only_the_planted_label_is_flipped():
    clean, noisy = build(CLEAN).test, build(NOISY).test
    for name, array in clean.arrays().items():
        if name != "planted":
            np.testing.assert_array_equal(noisy.arrays()[name], array)
    assert (clean.planted != noisy.planted).any()
    assert not flips(clean).any()
    np.testing.assert_array_equal(noisy.label, noisy.planted)


def test_the_observed_label_never_flips():
    windows = build(SPIKES).test
    np.testing.assert_array_equal(windows.observed, windows.kind == "centred")
    assert flips(windows).any()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5])
def test_the_stated_share_is_flipped_in_both_classes_and_window_by_window(share):
    windows = build(CLEAN.replace(label_noise=share)).test
    flip, n = flips(windows), len(windows)
    for part in (flip, flip[windows.kind == "centred"], flip[windows.kind == "shifted"]):
        assert binom.cdf(part.sum(), len(part), share) > 1e-5
        assert binom.sf(part.sum() - 1, len(part), share) > 1e-5
    both = (flip[1:] & flip[:-1]).sum()  # neighbours flip together no more often than apart
    assert abs(both - n * share**2) <= 5 * np.sqrt(n * share**2 + 1e-9)


def test_twins_are_flipped_one_by_one():
    flip = flips(build(CLEAN.replace(pairing="matched", label_noise=0.3)).test).reshape(-1, 2)
    assert abs((flip[:, 0] != flip[:, 1]).mean() - 2 * 0.3 * 0.7) < 0.03


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_ceiling_with_flipped_labels_is_exactly_the_mixture(share):
    pure, mixed = ceiling_of(9, 2.0), ceiling_of(9, 2.0, NoiseModel(flips=share))
    assert mixed.accuracy == (1 - 2 * share) * pure.accuracy + share
    assert mixed.standard_error == (1 - 2 * share) * pure.standard_error


def test_the_best_rule_reaches_the_ceiling_and_is_above_the_ceiling_of_no_flips_nowhere():
    data = build(load_recipe("labels-9").replace(splits={"test": 150, "clean": 150}))
    for split in ("test", "clean"):
        windows = data.split(split)
        accuracy = np.mean((data.bayes(windows) > 0) == windows.label)
        ceiling = data.ceiling_of(split)
        assert abs(accuracy - ceiling) < 3 * np.sqrt(ceiling * (1 - ceiling) / len(windows))
    assert data.ceiling_of("clean") == load_ceiling("noise-9-mu3") > data.ceiling_of("test") + 0.1


def load_ceiling(name):
    return build(load_recipe(name).replace(splits={"test": 1})).ceiling


def test_the_ratio_is_the_log_odds_of_the_label_as_written():
    """Independent reference: both likelihoods, mixed by hand."""
    windows = build(NOISY).test[:200]
    true = log_likelihood_ratio(dataclasses.replace(windows, noise=NoiseModel()))
    centred = 1 / (1 + np.exp(-true))
    written = 0.8 * centred + 0.2 * (1 - centred)
    found = log_likelihood_ratio(windows)
    np.testing.assert_allclose(found, np.log(written / (1 - written)), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(found > 0, true > 0)
    assert np.abs(found).max() <= np.log(0.8 / 0.2) < np.abs(true).max()


def test_spikes_with_flipped_labels_have_a_ceiling_and_a_gap():
    data = build(SPIKES)
    assert data.ceiling == pytest.approx(0.7)
    verdict = evaluate(RULES["argmax"], data.test, resamples=10)
    assert verdict.bayes_gap == pytest.approx(0.0)
    assert abs(verdict.accuracy - 0.7) < 0.03
    assert build(SPIKES.replace(label_noise=0.0)).ceiling is None  # nothing is left to chance there


@pytest.mark.parametrize("recipe", [NOISY, SPIKES], ids=["noise", "spike"])
def test_no_probe_passes_its_ceiling_and_rules_hold_what_is_stated(recipe):
    card = describe(build(recipe))
    for rung in (*card.probes, *(rule for rule in card.rules if rule.stated is not None)):
        assert rung.accuracy <= rung.stated + 4 * rung.standard_error + 0.01, rung
    assert stated_accuracy(recipe, "argmax") < stated_accuracy(recipe.replace(label_noise=0.0), "argmax")
    assert probe_ceiling(recipe, "degree") == 0.5


def test_a_set_with_flipped_labels_is_stored_and_verified_and_one_more_flip_is_found(tmp_path):
    recipe = load_recipe("labels-9").replace(splits={"test": 3, "clean": 2})
    folder = write_dataset(recipe, tmp_path / "data")
    assert all(check.holds for check in verify(folder))
    stored = open_dataset(folder)
    assert (stored.test.noise.flips, stored.clean.noise.flips) == (0.2, 0.0)
    planted = stored.test.planted.copy()
    planted[-1] = ~planted[-1]
    changed = dataclasses.replace(stored.test, planted=planted)
    wrong = [check.claim for check in check_windows_of(recipe, "test", changed) if not check.holds]
    assert wrong == ["planted labels, kinds and values agree", "3 of its hosts are drawn again to the byte"]


def test_flips_are_those_of_the_host_whoever_asks():
    whole = build(NOISY).test
    graph = int(whole.graph[-1])
    own = whole[whole.graph == graph]

    def flips_of(index, count):
        return draw_flips(NOISY.seed, index, count=count, share=NOISY.label_noise)

    np.testing.assert_array_equal(flips(own), flips_of(graph, len(own)))
    assert (flips_of(graph, 128) != flips_of(graph - 1, 128)).any()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"label": "observed"}, "never the observed one"),
        ({"label_noise": 0.6}, "<= 0.5"),
        ({"label_noise": -0.1}, ">= 0.0"),
        ({"shifts": {"test": {"label_noise": 0.7}}}, "<= 0.5"),
    ],
)
def test_label_noise_that_does_not_fit_is_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        NOISY.replace(**changes)
    with pytest.raises(InputError, match=r"not 0\.6"):
        NoiseModel(flips=0.6)


def test_flipping_is_a_concept_shift_and_falls_away_with_the_observed_label():
    shifted = NOISY.replace(shifts={"test": {"label_noise": 0.0}})
    assert shifted.shifts["test"].sort == "concept"
    assert NOISY.replace(shifts={"test": {"label": "observed"}}).of("test").label_noise == 0.0
