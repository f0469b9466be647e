"""Reproductions: what is claimed of a table decides the exit status, and the Bayes rule is where it must be."""

import json
import math

import pytest
import torch

from gnnmax.cli import main
from gnnmax.errors import InputError
from gnnmax.models.registry import MODELS, parse_config
from gnnmax.reproduction import TABLES, Reproduction, ceilings, extrapolation, reproduce, sets
from gnnmax.reproduction.outcome import Outcome
from gnnmax.rules import RULES
from gnnmax.verification import Check


def fixed(holds: bool) -> Reproduction:
    row = {"net": "cnn", "accuracy": 0.91234}
    return Reproduction("", lambda _seeds, _done: Outcome("t", "s", (row,), (Check("high", holds, "0.9"),)))


@pytest.mark.parametrize(("holds", "status", "word"), [(True, 0, "ok"), (False, 1, "FAILED")])
def test_the_status_says_whether_the_claims_hold(holds, status, word, monkeypatch, capsys):
    monkeypatch.setitem(TABLES, "fixed", fixed(holds))
    assert main(["reproduce", "fixed"]) == status
    printed = capsys.readouterr().out
    assert "0.9123" in printed
    assert f"{word:<6} high: 0.9" in printed
    assert main(["reproduce", "fixed", "--json"]) == status
    assert json.loads(capsys.readouterr().out)["rows"] == [{"net": "cnn", "accuracy": 0.91234}]


@pytest.mark.parametrize("words", [["nothing"], ["bayes", "--seeds", "0"]])
def test_a_wrong_call_is_refused_in_one_line(words, capsys):
    assert main(["reproduce", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_no_seed_is_refused():
    with pytest.raises(InputError, match="at least one"):
        reproduce("bayes", ())


def test_the_bayes_rule_scores_what_it_must_in_every_cell():
    outcome = reproduce("bayes", (7,))
    assert outcome.holds
    assert len(outcome.rows) == 20


def test_the_argmax_rule_in_its_place_does_not(monkeypatch):
    monkeypatch.setitem(RULES, "bayes", RULES["argmax"])
    assert not reproduce("bayes", (7,)).holds


def test_all_tables_are_listed(capsys):
    assert main(["list", "tables"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in TABLES)


@pytest.mark.learning
def test_a_maximum_extrapolates_a_sum_does_not():
    outcome = reproduce("extrapolation", (0,))
    assert outcome.holds, outcome.checks


def test_nets_that_are_hardly_trained_bear_out_nothing(monkeypatch):
    monkeypatch.setattr(extrapolation, "STEPS", 40)  # hardly trained
    assert not reproduce("extrapolation", (0,)).holds


def test_what_a_single_seed_leaves_open_is_told_as_none(monkeypatch, capsys):
    row = {"net": "cnn", "s.e.": math.nan}
    monkeypatch.setitem(TABLES, "open", Reproduction("", lambda _seeds, _done: Outcome("t", "s", (row,), ())))
    assert main(["reproduce", "open", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [{"net": "cnn", "s.e.": None}]
    assert main(["reproduce", "open"]) == 0
    assert "nan" not in capsys.readouterr().out


def test_the_table_of_ceilings_holds_nets_of_every_ceiling_and_finds_one_that_is_not_trained(monkeypatch):
    allowed = {round(MODELS[name].ceiling(9, parse_config(name, config)), 2) for name, config in ceilings.NETS}
    assert allowed == {0.5, 0.85, 0.95, 1.0}
    monkeypatch.setattr(ceilings, "NETS", (("deepsets", {"marked": False}), ("gnn", {})))
    monkeypatch.setattr(ceilings, "SIDES", (9,))
    monkeypatch.setattr(ceilings, "TESTED", 20)
    monkeypatch.setattr(ceilings, "STEPS", 2)
    assert [check.holds for check in reproduce("ceilings", (0,)).checks] == [False, True]


@pytest.mark.learning
def test_nets_come_to_their_ceilings_and_no_further(monkeypatch):
    nets = (("deepsets", {"marked": False}), ("exchangeable", {"mark": "row"}), ("valid-global", {}), ("gnn", {}))
    monkeypatch.setattr(ceilings, "NETS", nets)
    monkeypatch.setattr(ceilings, "SIDES", (9,))
    monkeypatch.setattr(ceilings, "STEPS", 400)
    outcome = reproduce("ceilings", (0,))
    assert outcome.holds, outcome.rows


def test_sets_hardly_looked_at_teach_no_readout(monkeypatch):
    monkeypatch.setattr(sets, "STEPS", 20)
    monkeypatch.setattr(sets, "TESTED", 50)
    threads = torch.get_num_threads()
    outcome = reproduce("sets", (0, 1))
    assert torch.get_num_threads() == threads
    assert [row["readout"] for row in outcome.rows] == list(sets.READOUTS)
    assert not outcome.holds
    assert reproduce("sets", (0, 1)) == outcome  # a seed decides all


@pytest.mark.learning
def test_the_maximum_of_a_set_is_learned_by_maximum_best_and_by_mean_worst(monkeypatch):
    monkeypatch.setattr(sets, "STEPS", 2_500)
    outcome = reproduce("sets", (7,))
    assert outcome.checks[0].holds, outcome.rows


@pytest.mark.parametrize("pool", ["mean", "sum", "max"])
def test_no_readout_notices_the_order_of_a_set(pool):
    numbers = torch.rand(5, 10, 1, generator=torch.Generator().manual_seed(0))
    for net in (sets.PooledSet(pool), sets.AttendedSet()):
        estimates = net(numbers)
        torch.testing.assert_close(net(numbers.flip(1)), estimates)
        assert (net(numbers * 0.5) - estimates).abs().min() > 1e-6  # it notices the numbers
