"""The table of line maps: nets on maps, rules, and the ceilings with the order and without it."""

import numpy as np
import pytest

from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.experiments.reproduction import line as module
from gnnmax.experiments.reproduction import reproduce
from gnnmax.models.maps.trained import load_map_model


class Scorer:
    """A rule in the place of a net."""

    def __init__(self, rule):
        self.rule = rule

    def score(self, maps):
        return MAP_RULES[self.rule](maps).astype(np.float32)


class Leak:
    """A net that is told where the peaks are."""

    def score(self, maps):
        scores = np.zeros(maps.values.shape, dtype=np.float32)
        peaks = maps.peaks
        scores[peaks.map, peaks.row, peaks.column] = 1.0
        return scores


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "MAPS", 40)
    monkeypatch.setattr(module, "SWEEPS", 4)
    monkeypatch.setattr(module, "_trained", lambda _recipe, _seed: load_map_model("map-cnn", device="cpu"))


def test_shipped_nets_lie_between_the_rules_and_the_ceilings(small):
    outcome = reproduce("line", (0,))
    assert all(check.holds for check in outcome.checks[2:]), outcome.checks  # few maps, and short chains
    within = {(row["order"], row["amplitude"], row["scorer"]): row["within one"] for row in outcome.rows}
    for amplitude in module.AMPLITUDES:
        assert within[module.KNOWN, amplitude, "map-cnn"] > within[module.KNOWN, amplitude, "posterior"] - 0.1
        assert within[module.KNOWN, amplitude, "map-cnn"] > within[module.KNOWN, amplitude, "argmax"] + 0.2
        assert within[module.LOST, amplitude, "map-product"] > within[module.LOST, amplitude, "argmax"] + 0.2


def test_the_largest_entry_in_the_place_of_the_nets_is_noticed(small, monkeypatch):
    monkeypatch.setattr(module, "load_map_model", lambda *_args, **_kwargs: Scorer("argmax"))
    assert [check.holds for check in reproduce("line", (0,)).checks][:2] == [False, False]


def test_a_net_that_knows_the_place_is_noticed(small, monkeypatch):
    monkeypatch.setattr(module, "load_map_model", lambda *_args, **_kwargs: Leak())
    checks = reproduce("line", (0,)).checks
    assert checks[3].holds is False
    assert checks[2].holds is False


def test_training_uses_the_preset_of_nets_on_maps(monkeypatch):
    calls = []

    def train(*given, **options):
        calls.append((given, options))
        return load_map_model("map-cnn", device="cpu")

    monkeypatch.setattr(module, "train", train)
    module._trained(module.as_map_recipe("line-64"), 7)
    ((recipe, net), options), *others = calls
    assert (net, options["seed"], others) == ("map-cnn", 7, [])
    assert options["training"].stream and options["training"].steps == module.STEPS
    assert recipe.seed == 1_007
