"""The explicit scorers: their decisions, their invariances, and their accuracies."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from gnnmax.errors import InputError
from gnnmax.task import rules
from gnnmax.task.bayes import Ceiling, ceiling_of, expected_accuracy, spike_log_likelihood_ratio
from gnnmax.task.label import is_centred
from gnnmax.task.rules import RULES
from gnnmax.task.symmetry import respaced
from gnnmax.task.windows import Windows

# SCIENCE.md section 2: accuracies known to a standard error of .0003
CELLS = {
    1: (0.7067, 0.6974, 0.6933, 0.6922),
    2: (0.8756, 0.8601, 0.8499, 0.8456),
    3: (0.9664, 0.9574, 0.9492, 0.9438),
    4: (0.9945, 0.9923, 0.9896, 0.9874),
    5: (0.9995, 0.9992, 0.9988, 0.9984),
}


def spikes(n: int, k: int, mu: float, rng: np.random.Generator) -> Windows:
    """Windows of a spike in noise: centred or at a uniformly random other entry."""
    entries = rng.normal(size=(n, k * k))
    label = rng.random(n) < 0.5
    middle = k * k // 2
    elsewhere = rng.integers(k * k - 1, size=n)
    entries[np.arange(n), np.where(label, middle, elsewhere + (elsewhere >= middle))] += mu
    w = Windows.from_values(entries.reshape(n, k, k).astype(np.float32), label)
    return dataclasses.replace(w, amplitude=np.full(n, mu, dtype=np.float32))


def small_integers(n: int, rng: np.random.Generator) -> Windows:
    """Windows full of ties."""
    return Windows.from_values(rng.integers(0, 4, size=(n, 3, 3)))


def normals(n: int, k: int, rng: np.random.Generator) -> Windows:
    return Windows.from_values(rng.normal(size=(n, k, k)).astype(np.float32))


def transformed(w: Windows, transformation: str, rng: np.random.Generator) -> Windows:
    if transformation == "relabelling":
        return w.relabelled(rng)
    if transformation == "transposition":
        return w.transposed()
    return dataclasses.replace(w, values=respaced(w.values, rng))


def changes(rule_name: str, w: Windows, transformation: str) -> bool:
    before, after = RULES[rule_name](w), RULES[rule_name](transformed(w, transformation, np.random.default_rng(3)))
    return not np.allclose(before, after, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("transformation", ["relabelling", "transposition", "increasing_map"])
@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_has_exactly_the_invariances_that_it_states(name: str, transformation: str) -> None:
    rng = np.random.default_rng(0)
    samples = [small_integers(400, rng), normals(400, 5, rng), spikes(400, 5, 2.0, rng)]
    changed = any(changes(name, w, transformation) for w in samples)
    assert changed == (transformation not in RULES[name].invariances)


@pytest.mark.parametrize("name", ["argmax", "margin", "bayes"])
def test_the_strict_rules_decide_the_observed_label_ties_and_gaps_included(name: str) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 6, size=(2000, 3, 3)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    w = Windows.from_values(values)
    assert 0.05 < w.label.mean() < 0.95
    assert np.array_equal(RULES[name](w) > 0, is_centred(values))


def test_nms_calls_some_ties_centred_and_relabelling_changes_which() -> None:
    later = Windows.from_values([[[0, 0, 0], [0, 7, 0], [0, 0, 7]]])
    earlier = Windows.from_values([[[7, 0, 0], [0, 7, 0], [0, 0, 0]]])
    assert RULES["nms"](later)[0] > 0 > RULES["nms"](earlier)[0]
    assert not later.label[0]


def test_nms_returns_the_position_of_the_maximum_where_nothing_ties() -> None:
    w = normals(500, 5, np.random.default_rng(2))
    assert np.array_equal(0.5 - RULES["nms"](w), np.abs(w.offset).max(axis=1))


def test_the_centre_value_is_judged_against_half_the_amplitude_where_it_is_known() -> None:
    w = spikes(100, 3, 3.0, np.random.default_rng(0))
    assert np.allclose(RULES["centre_value"](w), w.values[:, 1, 1] - 1.5)
    bare = dataclasses.replace(w, amplitude=None)
    assert np.allclose(RULES["centre_value"](bare), w.values[:, 1, 1])


def test_sorted_entries_is_right_exactly_on_centred_windows_and_on_those_without_a_strict_maximum() -> None:
    w = small_integers(5000, np.random.default_rng(4))
    entries = np.sort(w.values.reshape(len(w), 9), axis=1)
    no_strict_maximum = entries[:, -1] == entries[:, -2]
    right = (RULES["sorted_entries"](w) > 0) == w.label
    assert no_strict_maximum.sum() > 1000
    assert right.mean() == w.label.mean() + no_strict_maximum.mean()


def test_sorted_entries_sees_nothing_but_the_sorted_entries() -> None:
    rng = np.random.default_rng(5)
    w = normals(300, 5, rng)
    shuffled = Windows.from_values(rng.permuted(w.values.reshape(300, 25), axis=1).reshape(300, 5, 5))
    assert np.allclose(RULES["sorted_entries"](w), RULES["sorted_entries"](shuffled))
    assert not np.allclose(RULES["margin"](w), RULES["margin"](shuffled))


def test_sorted_entries_leaves_out_what_is_not_observed() -> None:
    values = np.full((4, 3, 3), np.nan, dtype=np.float32)
    values[0, 0, :2] = 1, 2
    values[1, 0, :2] = 2, 2
    values[2, 0, 0] = -5
    assert (RULES["sorted_entries"](Windows.from_values(values)) > 0).tolist() == [True, False, True, False]


@pytest.mark.parametrize("name", list(RULES))
@pytest.mark.parametrize("amplitude", [None, 0.0, 3.0, 1e30])
@pytest.mark.filterwarnings("error")
def test_rules_give_finite_scores_on_any_windows(name: str, amplitude: float | None) -> None:
    special = [np.nan, np.inf, -np.inf, 0.0, 1.0, 3e38, -3e38, 1e-45]
    values = np.random.default_rng(6).choice(special, size=(3000, 3, 3)).astype(np.float32)
    values[0], values[1], values[2] = np.nan, np.inf, -np.inf
    w = Windows.from_values(values)
    if amplitude is not None:
        w = dataclasses.replace(w, amplitude=np.full(len(w), amplitude, dtype=np.float32))
    scores = RULES[name](w)
    assert scores.shape == (3000,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()


def test_a_large_set_scored_in_blocks_scores_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    w = spikes(100, 3, 2.0, np.random.default_rng(0))
    whole = RULES["bayes"](w)
    monkeypatch.setattr(rules, "_BLOCK", 7)
    assert np.array_equal(RULES["bayes"](w), whole)
    assert RULES["bayes"](w[:0]).shape == (0,)


def test_a_rule_refuses_what_is_not_windows() -> None:
    with pytest.raises(InputError, match="scores Windows, not ndarray"):
        RULES["argmax"](np.zeros((2, 3, 3)))  # type: ignore[arg-type]


def test_the_likelihood_ratio_is_that_of_the_densities() -> None:
    x, mu = np.random.default_rng(7).normal(size=(50, 5, 5)), 2.5
    entries = x.reshape(50, 25)
    log_density = np.array([norm.logpdf(entries - mu * np.eye(25)[j]).sum(axis=1) for j in range(25)])  # (25, 50)
    expected = log_density[12] - logsumexp(np.delete(log_density, 12, axis=0), axis=0) + np.log(24)
    assert np.allclose(spike_log_likelihood_ratio(x, mu), expected, rtol=1e-10, atol=1e-10)
    assert np.allclose(spike_log_likelihood_ratio(x, mu, np.log(3)), expected + np.log(3), rtol=1e-10, atol=1e-10)


def test_an_entry_that_is_not_observed_says_nothing_to_the_likelihood_ratio() -> None:
    x, mu = np.random.default_rng(8).normal(size=(20, 3, 3)), 2.0
    x[:, 0, 0] = np.nan
    hidden = np.where(np.isnan(x), mu / 2, x)  # the value at which both hypotheses are equally likely
    assert np.allclose(spike_log_likelihood_ratio(x, mu), spike_log_likelihood_ratio(hidden, mu))


def test_the_likelihood_ratio_is_finite_for_huge_values() -> None:
    window = np.zeros((3, 3))
    window[1, 1], window[0, 0] = 1e300, -1e300
    assert np.isfinite(spike_log_likelihood_ratio(window, 5.0))


@pytest.mark.parametrize(("k", "mu", "column"), [(3, 1, 0), (3, 5, 0), (5, 2, 1), (9, 2, 2), (9, 3, 2), (15, 3, 3)])
def test_the_ceiling_is_that_of_the_table(k: int, mu: int, column: int) -> None:
    ceiling = ceiling_of(k, mu)
    assert ceiling.standard_error < 2e-4
    assert abs(ceiling.accuracy - CELLS[mu][column]) < 3 * np.hypot(ceiling.standard_error, 3e-4)


@pytest.mark.parametrize(("mu", "expected"), [(3.0, 0.94922), (2.0, 0.84988)])
def test_the_ceiling_agrees_with_the_metrics_of_the_issue(mu: float, expected: float) -> None:
    assert abs(ceiling_of(9, mu).accuracy - expected) < 3e-4


@pytest.mark.parametrize(("k", "mu"), [(3, 2.0), (9, 3.0)])
def test_simulated_windows_reach_the_ceiling_and_the_expected_accuracies(k: int, mu: float) -> None:
    n = 40_000
    w = spikes(n, k, mu, np.random.default_rng(9))
    for name, rule in RULES.items():
        expected = ceiling_of(k, mu).accuracy if name == "bayes" else expected_accuracy(name, k, mu)
        assert expected is not None
        accuracy = ((rule(w) > 0) == w.label).mean()
        assert abs(accuracy - expected) < 4 * np.sqrt(expected * (1 - expected) / n), name


@pytest.mark.parametrize(("mu", "expected"), [(3.0, 0.8491), (2.0, 0.6709)])
def test_argmax_scores_what_the_science_says(mu: float, expected: float) -> None:
    accuracy = expected_accuracy("argmax", 9, mu)
    assert accuracy is not None
    assert abs(accuracy - expected) < 2e-4


def test_the_argmax_integral_agrees_with_conditional_monte_carlo() -> None:
    others = np.random.default_rng(0).normal(size=(200_000, 8))
    right = norm.cdf(3.0 - others.max(axis=1))
    others[:, 0] += 3.0
    wrong = norm.sf(others.max(axis=1))
    simulated = (right + 1 - wrong) / 2
    expected = expected_accuracy("argmax", 3, 3.0)
    assert expected is not None
    assert abs(expected - simulated.mean()) < 4 * simulated.std() / np.sqrt(len(simulated))


def test_no_rule_beats_the_ceiling_and_without_a_spike_all_guess() -> None:
    for name in RULES:
        for k in (3, 9):
            accuracy = expected_accuracy(name, k, 2.0)
            assert accuracy is None or accuracy < ceiling_of(k, 2.0).accuracy
            assert expected_accuracy(name, k, 0.0) in (None, pytest.approx(0.5, abs=1e-12))
    assert ceiling_of(9, 0.0) == Ceiling(0.5, 0.0)
    assert expected_accuracy("bayes", 9, 2.0) is None


@pytest.mark.parametrize(("k", "mu"), [(4, 1.0), (1, 1.0), (3.0, 1.0), (3, -1.0), (3, np.nan), (3, np.inf), (3, "2")])
def test_an_impossible_spike_is_refused(k: int, mu: float) -> None:
    for function in (ceiling_of, lambda k, mu: expected_accuracy("argmax", k, mu)):
        with pytest.raises(InputError, match="must be"):
            function(k, mu)


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown rule 'max': did you mean argmax\? known: argmax, bayes"):
        expected_accuracy("max", 3, 1.0)


def test_the_registry_names_each_rule_by_its_key() -> None:
    assert {name: rule.name for name, rule in RULES.items()} == {name: name for name in RULES}
