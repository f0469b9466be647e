"""Tests of significance against enumeration, simulation and scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from gnnmax.evaluation import significance
from gnnmax.evaluation.significance import mcnemar, sign_flip


def brute_force_sign_flip(differences: list[int]) -> float:
    observed = abs(sum(differences))
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    return float(np.mean([total >= observed for total in sums]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_the_sign_flip_p_value_is_that_of_all_patterns(differences: list[int]) -> None:
    p = sign_flip(np.array(differences), np.random.default_rng(0))
    assert p == pytest.approx(brute_force_sign_flip(differences), abs=1e-12)


def test_the_monte_carlo_sign_flip_agrees_with_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(0).integers(-4, 6, size=60)
    exact = sign_flip(differences, np.random.default_rng(0))
    monkeypatch.setattr(significance, "_EXACT_COST", 0)
    drawn = sign_flip(differences, np.random.default_rng(0))
    assert 0.001 < exact < 0.3
    assert drawn == pytest.approx(exact, abs=5 * np.sqrt(exact / 10_000))
    assert drawn != exact


def test_a_monte_carlo_p_value_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "_EXACT_COST", 0)
    assert sign_flip(np.full(100, 2), np.random.default_rng(0)) == pytest.approx(1 / 10_001)


def test_sign_flips_of_single_windows_are_the_mcnemar_test() -> None:
    differences = np.array([1] * 20 + [-1] * 8 + [0] * 30)
    assert sign_flip(differences, np.random.default_rng(0)) == pytest.approx(mcnemar(20, 8), rel=1e-10)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 3), (7, 0), (12, 30), (1000, 1100)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
