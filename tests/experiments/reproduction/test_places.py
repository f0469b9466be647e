"""The table of line maps: which rule finds the peak, the order known and lost."""

import dataclasses

import pytest

from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.experiments.reproduction import places as module
from gnnmax.experiments.reproduction import reproduce


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "MAPS", 50)
    monkeypatch.setattr(module, "CELLS", dict(list(module.CELLS.items())[1:2]))
    monkeypatch.setattr(module, "RULES", ("posterior", "neighbours", "argmax", "spectral_seriation"))


def test_the_rules_rank_as_they_were_known_to(small):
    outcome = reproduce("places", (0,))
    assert outcome.holds, outcome.checks
    assert [row["rule"] for row in outcome.rows] == list(module.RULES)


def test_a_posterior_that_reads_the_largest_entry_does_not(small, monkeypatch):
    blind = dataclasses.replace(MAP_RULES["argmax"], name="posterior")
    monkeypatch.setitem(MAP_RULES, "posterior", blind)
    assert [check.holds for check in reproduce("places", (0,)).checks] == [False, False, False]


@pytest.mark.slow
def test_the_whole_table_holds():
    outcome = reproduce("places", (0,))
    assert outcome.holds, outcome.checks
    assert len(outcome.rows) == 18
