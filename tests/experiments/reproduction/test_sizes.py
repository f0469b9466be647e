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
    monkeypatch.setattr(module, "SWEEPS", 4)


def test_the_shipped_net_lies_between_the_rules_and_the_ceiling(small):
    outcome = reproduce("sizes", (0,))
    assert outcome.holds, outcome.checks
    assert {row["scorer"] for row in outcome.rows} == {
        *module.RULES,
        module.LOST,
        "map-product",
        "map-product, any pair",
    }


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


def test_losses_at_other_sizes_are_those_beyond_the_losses_of_each_ceiling():
    shares = {
        "posterior": {64: (0.6, 0.9), 128: (0.5, 0.8), 256: (0.5, 0.8)},
        "map-product": {64: (0.4, 0.7), 128: (0.3, 0.54), 256: (0.3, 0.5)},
        module.LOST: {64: (0.5, 0.8), 256: (0.4, 0.64)},
    }
    others = {name: {64: (0.0, 0.0)} for name in ("argmax", "spectral_seriation")}
    reached = {
        (n, amplitude, name): module._Reached(each, 100 if (n, name) == (256, module.LOST) else 400)
        for name, by_size in {**shares, **others}.items()
        for n, each in by_size.items()
        for amplitude in module.AMPLITUDES
    }
    known, lost = module._checks(reached)[-2:]
    assert not known.holds
    assert known.found == "6.0 +- 4.2 points at n = 128, 10.0 +- 4.2 points at n = 256"
    assert (lost.holds, lost.found) == (True, "4.0 +- 6.2 points at n = 256")
    reached[256, 3.0, "map-product"] = module._Reached((0.3, 0.43), 400)
    assert not module._checks(reached)[-1].holds
