"""The table of sizes: the shipped map product net lies between the rules and the ceiling, and stays below it."""

import numpy as np
import pytest

from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.experiments.reproduction import reproduce
from gnnmax.experiments.reproduction import sizes as module


class Scorer:
    """A rule in the place of the net."""

    def __init__(self, rule):
        self.rule = rule

    def score(self, maps):
        return MAP_RULES[self.rule](maps).astype(np.float32)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "MAPS", {64: 60})


def test_the_shipped_net_lies_between_the_rules_and_the_ceiling(small):
    outcome = reproduce("sizes", (0,))
    assert outcome.holds, outcome.checks
    assert {row["scorer"] for row in outcome.rows} == {*module.RULES, "map-product", "map-product, any pair"}


@pytest.mark.parametrize("rule", ["argmax", "spectral_seriation"])
def test_a_scorer_without_neighbours_does_not(small, monkeypatch, rule):
    monkeypatch.setattr(module, "load_map_model", lambda *_args, **_kwargs: Scorer(rule))
    found = [check.holds for check in reproduce("sizes", (0,)).checks]
    assert found[1] is False
    assert found[3] is False


def test_a_scorer_that_reads_the_order_behind_the_back_of_the_maps_is_noticed(small, monkeypatch):
    class Leak:
        def score(self, maps):
            scores = np.zeros(maps.values.shape, dtype=np.float32)
            peaks = maps.peaks
            scores[peaks.map, peaks.row, peaks.column] = 1.0
            return scores

    monkeypatch.setattr(module, "load_map_model", lambda *_args, **_kwargs: Leak())
    assert reproduce("sizes", (0,)).checks[0].holds is False
