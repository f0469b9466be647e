"""Reproductions: the claims about a table determine the exit status, and the Bayes rule reaches its accuracy."""

import json
import math

import numpy as np
import pytest
import torch

from gnnmax.cli.main import main
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.reproduction import (
    TABLES,
    Reproduction,
    ceilings,
    extrapolation,
    noise,
    reproduce,
    samples,
    sets,
    shifts,
    translation,
    variation,
)
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.experiments.reproduction.training import _first, drawn_for_test
from gnnmax.models.registry import MODELS, parse_config
from gnnmax.task.claims import Check
from gnnmax.task.rules import RULES


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
@pytest.mark.slow
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
    torch.set_num_threads(2)
    try:
        outcome = reproduce("sets", (0, 1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert [row["readout"] for row in outcome.rows] == list(sets.READOUTS)
    assert not outcome.holds
    assert reproduce("sets", (0, 1)) == outcome  # a seed decides all


@pytest.mark.learning
@pytest.mark.slow
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


def test_bands_are_where_their_class_puts_them_and_swapped_they_hold_the_same_pairs():
    images, left = translation.pairs(np.random.default_rng(0), 500, swapped=False)
    moved, same = translation.pairs(np.random.default_rng(0), 500, swapped=True)
    assert torch.equal(left, same)
    assert torch.equal(images.roll(16, dims=2), moved)
    upper = images[:, 0, :16].amax(dim=(1, 2)) > 0
    assert torch.equal(upper, left > 0)
    highest, lowest = (images == 2).flatten(1).int(), (images == 1).flatten(1).int()
    assert (highest.sum(1) == 1).all() and (lowest.sum(1) == 1).all()
    apart = lowest.argmax(1) % 32 - highest.argmax(1) % 32
    assert torch.equal(apart > 0, left > 0) and apart.abs().min() == translation.LEAST_APART


def test_before_any_step_no_padding_does_anything_elsewhere_but_a_border_tells(monkeypatch):
    monkeypatch.setattr(translation, "STEPS", 1)
    monkeypatch.setattr(translation, "TESTED", 200)
    outcome = reproduce("translation", (0,))
    assert [check.holds for check in outcome.checks] == [False, True]
    assert outcome.rows[2]["same bands"] == outcome.rows[2]["bands swapped"]


@pytest.mark.learning
@pytest.mark.slow
def test_nets_that_see_a_border_answer_by_where_the_pair_lies(monkeypatch):
    monkeypatch.setattr(translation, "STEPS", 300)
    monkeypatch.setattr(translation, "TESTED", 1_000)
    outcome = reproduce("translation", (5,))
    assert outcome.holds, outcome.rows


@pytest.mark.parametrize(
    ("name", "module", "short"),
    [
        ("noise", noise, {"STEPS": 5, "TESTED": 4, "RECIPES": ("noise-9-mu3",)}),
        ("shifts", shifts, {"STEPS": 5, "TESTED": 4}),
        pytest.param(
            "variation",
            variation,
            {"STEPS": 3, "TESTED": 4, "WINDOWS": 200, "LEAST_LEVELS": 2},
            marks=pytest.mark.slow,
        ),
        ("samples", samples, {"LEAST_STEPS": 5, "TESTED": 4, "WINDOWS": (100, 300)}),
    ],
)
def test_nets_hardly_trained_bear_out_no_claim_about_accuracy(monkeypatch, name, module, short):
    for field, value in short.items():
        monkeypatch.setattr(module, field, value)
    outcome = reproduce(name, (0,))
    assert not outcome.holds
    assert len({tuple(row) for row in outcome.rows}) == 1  # the same columns in every row


def test_training_windows_are_as_many_as_asked_for_and_of_other_hosts_than_the_tests():
    recipe = load_recipe("spike-9")
    first = _first(recipe.replace(seed=3, splits={"train": 1}, shifts={}), 100)
    assert len(first) == 100 and len(set(first.graph.tolist())) == 2
    tested = drawn_for_test(recipe, 3, 2)
    assert not {one.tobytes() for one in first.values} & {one.tobytes() for one in tested.values}


def test_a_net_that_is_no_better_with_more_windows_breaks_even_nowhere(monkeypatch):
    monkeypatch.setattr(samples, "EVEN", -1.0)
    for field, value in {"LEAST_STEPS": 2, "TESTED": 2, "WINDOWS": (100, 200)}.items():
        monkeypatch.setattr(samples, field, value)
    outcome = reproduce("samples", (0,))
    assert outcome.checks[0].found == "question nowhere, cnn nowhere"
    assert {row["break-even"] for row in outcome.rows} == {""}
