"""A rerun gives the same metrics, and a changed run is detected."""

import json

import pytest

from gnnmax.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    words = ["--models", "cnn,gnn", "--seeds", "2", "--steps", "12", "--batch-size", "16", "--device", "cpu"]
    assert main(["compare", "--data", "tiny", "--also", "real-karate", "--out", str(out), *words]) == 0
    return out


def changed(run, folder, change):
    for name in ("results.json", "config.json"):
        content = json.loads((run / name).read_text())
        change(name, content)
        (folder / name).write_text(json.dumps(content))
    return folder


def test_every_figure_comes_again(run, capsys):
    capsys.readouterr()
    assert main(["report", str(run), "--reproduce"]) == 0
    printed = capsys.readouterr().out
    assert "FAILED" not in printed
    for claim in (
        "the versions are the same",
        "tiny: cnn has the same metrics",
        "real-karate: gnn has the same metrics",
        "gnn: its audit finds the same",
    ):
        assert f"ok     {claim}" in printed


def test_a_figure_that_was_made_up_is_found(run, tmp_path, capsys):
    def flatter(name, content):
        if name == "results.json":
            content["tests"][0]["verdicts"]["cnn"]["accuracy"] = 0.99
            content["models"][1]["runs"][1]["audit"]["findings"]["roll"]["expected_flips"] = 0.001
            content["environment"]["versions"]["torch"] = "1.0"

    assert main(["report", str(changed(run, tmp_path, flatter)), "--reproduce"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED tiny: cnn has the same metrics: accuracy 0.990000, now" in printed
    assert "FAILED the versions are the same: torch 1.0, now" in printed
    assert "ok     tiny: gnn has the same metrics" in printed
    assert "FAILED gnn: its audit finds the same" in printed
    assert "ok     cnn: its audit finds the same" in printed


def test_another_seed_gives_other_metrics(run, tmp_path, capsys):
    def reseed(name, content):
        if name == "config.json":
            content["seeds"] = [5, 6]

    assert main(["report", str(changed(run, tmp_path, reseed)), "--reproduce"]) == 1
    assert "FAILED tiny: " in capsys.readouterr().out


def test_a_record_that_is_damaged_is_one_line(run, tmp_path, capsys):
    changed(run, tmp_path, lambda _name, _content: None)
    (tmp_path / "config.json").write_text("{}")
    assert main(["report", str(tmp_path), "--reproduce"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["report", str(tmp_path / "nowhere"), "--reproduce"]) == 2
