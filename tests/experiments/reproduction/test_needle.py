"""The table of needles: the posterior agrees with the closed form, and nothing is above it."""

import numpy as np
import pytest

from gnnmax.experiments.reproduction import needle as module
from gnnmax.experiments.reproduction import reproduce


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "MAPS", {9: (300, 300), 60: (40, 10)})


def test_the_posterior_agrees_with_the_closed_form_and_the_net_is_not_above(small):
    outcome = reproduce("needle", (0, 1))
    assert outcome.holds, outcome.checks
    assert [row["n"] for row in outcome.rows] == [9, 9, 9, 60, 60, 60]
    assert all(row["posterior"] > 0.2 for row in outcome.rows)


def test_another_rule_in_its_place_is_noticed(small, monkeypatch):
    monkeypatch.setattr(module, "posterior", lambda maps, logarithm: -maps.values)
    assert [check.holds for check in reproduce("needle", (0,)).checks] == [False, True]


def test_a_net_that_knows_the_place_is_noticed(small, monkeypatch):
    class Leak:
        def score(self, maps):
            scores = np.zeros(maps.values.shape, dtype=np.float32)
            scores[maps.peaks.map, maps.peaks.row, maps.peaks.column] = 1.0
            return scores

    monkeypatch.setattr(module, "load_map_model", lambda *_args, **_kwargs: Leak())
    assert [check.holds for check in reproduce("needle", (0,)).checks] == [True, False]
