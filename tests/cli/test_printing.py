"""Text that comes from data reaches the terminal as it is: no markup, no control characters."""

from types import SimpleNamespace

import numpy as np
import pytest

from gnnmax import load_recipe
from gnnmax.auditing.battery import audit
from gnnmax.cli.main import main
from gnnmax.cli.printing import print_checks, print_tables
from gnnmax.data.card import describe
from gnnmax.data.generation import build
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.experiments.scoreboard import evaluate_split
from gnnmax.report.audits import audit_table
from gnnmax.report.tables import card_tables, reproduction_table, run_tables
from gnnmax.task.claims import Check
from gnnmax.task.rules import RULES
from gnnmax.task.terminal import visible

HOSTILE = {
    "p[alpha]": "p[alpha]",
    "[/x]": "[/x]",
    "[bold]": "[bold]",
    "\x1b[31mred": r"\x1b[31mred",
    "a\u202eb": r"a\u202eb",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_of_a_node_is_shown_as_it_is(name, tmp_path, capsys):
    matrix = tmp_path / "m.csv"
    matrix.write_text(f"u,v,weight\n{name},b,9\nb,c,5\nc,{name},2\n", encoding="utf-8")
    assert main(["detect", str(matrix), "--mode", "ordered", "--k", "3", "--models", "none", "--ties", "all"]) == 0
    said = capsys.readouterr().out
    assert HOSTILE[name] in said and "\x1b" not in said and "\u202e" not in said


@pytest.mark.parametrize("name", HOSTILE)
def test_every_table_shows_text_of_data_as_it_is(name, capsys):
    recipe = load_recipe("tiny").replace(summary=name)
    data = build(recipe)
    windows, rule = data.test, RULES["argmax"]
    record = evaluate_split(data, {name: [rule(windows)]}, split="test", trained=False)
    tables = {
        "card": card_tables(describe(data)),
        "test": run_tables(SimpleNamespace(tests=[record])),
        "audit": [audit_table(name, audit(rule, windows, rng=np.random.default_rng(0)))],
        "reproduction": [reproduction_table(Outcome(name, "source", ({"net": name},), ()))],
    }
    for title, some in tables.items():
        print_tables(*some)
        said = capsys.readouterr().out
        assert HOSTILE[name] in said and "\x1b" not in said and "\u202e" not in said, title


@pytest.mark.parametrize("name", HOSTILE)
def test_lines_show_text_of_data_as_it_is(name, capsys):
    print_checks([Check(f"claim about {name}", True, name)])
    said = capsys.readouterr().out
    assert HOSTILE[name] in said and "\x1b" not in said and "\u202e" not in said


@pytest.mark.parametrize("name", HOSTILE)
def test_an_error_shows_the_words_of_a_call_as_they_are(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["info", f"no {name}"]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said and "\u202e" not in said and said.count("\n") == 1


def test_control_characters_are_made_visible_and_line_breaks_stay():
    assert visible("a\tb\nc\x1b[0m\x07\x9b\u2028é") == "a\\tb\nc\\x1b[0m\\x07\\x9b\\u2028é"
