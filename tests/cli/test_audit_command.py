"""gnnmax audit."""

import json

import pytest

from gnnmax.cli.main import main


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    words = ["compare", "--data", "tiny", "--models", "cnn,gnn", "--seeds", "1", "--steps", "2", "--batch-size", "4"]
    assert main([*words, "--out", str(folder)]) == 0
    return folder


def test_a_rule_of_the_right_symmetry_passes_and_its_table_is_printed(capsys):
    assert main(["audit", "--rule", "argmax", "--data", "tiny", "--assert"]) == 0
    printed = capsys.readouterr().out
    assert "argmax: right symmetry" in printed
    assert printed.count("invariant") >= 8


@pytest.mark.parametrize("rule", ["sorted_entries", "centre_value", "nms"])
def test_a_rule_of_the_wrong_symmetry_fails_only_when_asked(rule, capsys):
    assert main(f"audit --rule {rule} --data tiny".split()) == 0
    assert main(f"audit --rule {rule} --data tiny --assert".split()) == 1
    assert f"{rule}: wrong" in capsys.readouterr().out


def test_the_counter_example_is_printed(capsys):
    assert main(["audit", "--rule", "nms", "--data", "tiny"]) == 0
    assert "notices relabelling:" in (printed := capsys.readouterr().out)
    assert "becomes" in printed
    assert "swap rows" in printed or "swap columns" in printed


def test_the_json_holds_every_finding(capsys):
    assert main(["audit", "--rule", "argmax,nms", "--data", "tiny", "--json", "--assert"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["argmax", "nms"]
    assert found["argmax"]["findings"]["translation"]["verdict"] == "neither"
    assert found["argmax"]["broken"] == []
    assert "notices relabelling" in found["nms"]["broken"]


def test_trained_models_are_audited_and_the_declared_symmetry_is_held_to(run_folder, capsys):
    assert main(["audit", "--run", str(run_folder), "--data", "tiny", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["cnn (seed 0)", "gnn (seed 0)"]
    graph_net = found["gnn (seed 0)"]
    assert graph_net["declared"] == ["relabelling", "transposition"]
    assert not [line for line in graph_net["broken"] if "declared" in line]
    assert main(["audit", "--run", str(run_folder / "cnn"), "--data", "tiny", "--assert"]) == 1


def test_the_layers_of_trained_models_are_looked_into_when_asked(run_folder, capsys):
    words = ["audit", "--run", str(run_folder), "--data", "tiny", "--layers"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.count("first layer to break it:") == 2
    assert "tower.0.spread (Conv2d): its kernel reads neighbours" in printed
    assert main([*words, "--json"]) == 0
    inside = json.loads(capsys.readouterr().out)["cnn (seed 0)"]["inside"]
    assert inside["layers"][0]["kind"] == "Conv2d"
    assert inside["breaks"]["roll"].startswith("embed.0")


def test_a_false_declaration_is_called_broken(monkeypatch, capsys):
    import dataclasses

    from gnnmax.task.rules import RULES

    boast = dataclasses.replace(RULES["nms"], invariances=("relabelling", "increasing_map"))
    monkeypatch.setitem(RULES, "nms", boast)
    assert main(["audit", "--rule", "nms", "--data", "tiny", "--json"]) == 0
    assert "is declared invariant to relabelling" in json.loads(capsys.readouterr().out)["nms"]["broken"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--data tiny", "nothing to audit"),
        ("--data tiny --rule argmx", "argmax"),
        ("--data nowhere --rule argmax", "nowhere"),
        ("--data tiny --rule argmax --layers", "--run"),
        ("--data tiny --rule argmax --split tset", "test"),
        ("--data tiny --rule argmax --most 0", "at least 1"),
        ("--data tiny --rule argmax --seed -1", "--seed"),
        ("--data tiny --run nowhere", "nowhere"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(words, message, capsys):
    assert main(["audit", *words.split()]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
