"""Own windows and graphs by command, paths with a tilde, and flags with a value."""

import json
import os

import numpy as np
import pytest

from gnnmax import open_dataset
from gnnmax.cli import COMMANDS
from gnnmax.cli.arguments import plain_flags
from gnnmax.cli.main import main
from gnnmax.testing import sample_windows

SAMPLE = sample_windows(3, 60, rng=np.random.default_rng(0), contexts=True)


@pytest.fixture
def files(tmp_path, monkeypatch):
    np.save(tmp_path / "X.npy", SAMPLE.values)
    np.savetxt(tmp_path / "y.csv", SAMPLE.label.astype(int), fmt="%d")
    np.save(tmp_path / "g.npy", np.arange(60) // 3)
    np.save(tmp_path / "rows.npy", SAMPLE.row_context)
    np.save(tmp_path / "columns.npy", SAMPLE.column_context)
    monkeypatch.chdir(tmp_path)
    return tmp_path


IMPORT = ["import", "X.npy", "--labels", "y.csv", "--graph", "g.npy", "--contexts", "rows.npy,columns.npy"]


def test_imported_windows_go_through_every_command(files, capsys):
    assert main([*IMPORT, "--split", "0.8,0.1,0.1", "--out", "mine"]) == 0
    assert main(["verify", "mine"]) == 0
    assert main(["info", "mine", "--page", "card.html"]) == 0
    assert main(["audit", "--data", "mine", "--rule", "argmax", "--most", "5"]) == 0
    run = ["--models", "product", "--seeds", "1", "--steps", "2", "--batch-size", "8"]
    assert main(["compare", "--data", "mine", *run, "--out", "run"]) == 0
    assert main(["report", "run"]) == 0
    assert main(["report", "run", "--reproduce"]) == 0
    assert "Traceback" not in capsys.readouterr().err
    assert open_dataset("mine").test.row_context is not None


def test_a_wrong_import_is_one_line_and_leaves_no_folder(files, capsys):
    for words, complaint in (
        (["--split", "0.8,x"], "--split takes shares"),
        (["--split", "a=0.5,0.5"], "all with different names or all without"),
        (["--contexts", "rows.npy"], "--contexts takes two files"),
        (["--labels", "nowhere.npy"], "cannot read the arrays nowhere.npy"),
        (["--split", "0.5,0.4,0.2"], "sum to 1"),
    ):
        assert main([*IMPORT, "--out", "mine", *words]) == 2
        error = capsys.readouterr().err
        assert complaint in error and error.count("\n") == 1
        assert not (files / "mine").exists()


def test_an_array_in_place_of_a_data_set_is_refused_with_the_command_to_type(files, capsys):
    assert main(["info", "X.npy"]) == 2
    assert "gnnmax import X.npy --labels FILE --out FOLDER" in capsys.readouterr().err


def test_windows_without_graphs_are_warned_about_and_splits_may_be_named(files, capsys):
    assert main(["import", "X.npy", "--split", "dev=0.5,held=0.5", "--out", "mine", "--json"]) == 0
    out, error = capsys.readouterr()
    assert "each window is a graph of its own" in error
    assert list(json.loads(out)["import"]["splits"]) == ["dev", "held"]


def test_a_tilde_is_the_home_folder_in_every_path(files, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(files))
    assert main([*IMPORT, "--out=~/mine"]) == 0
    assert main(["info", "~/mine", "--page=~/card.html"]) == 0
    assert main(["verify", "~/mine"]) == 0
    assert (files / "card.html").is_file() and not os.path.lexists("~")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["compare", "--stream=true"], ["compare", "--stream"]),
        (["compare", "--stream=FALSE", "--json=yes"], ["compare", "--json"]),
        (["generate", "tiny", "--force=1"], ["generate", "tiny", "--force"]),
        (["audit", "--assert=true"], ["audit", "--assert"]),
        (["compare", "--out=true", "--steps=1"], ["compare", "--out=true", "--steps=1"]),
        (["compare", "--stream=maybe"], ["compare", "--stream=maybe"]),
        ([], []),
        (["nowhere", "--stream=true"], ["nowhere", "--stream=true"]),
    ],
)
def test_a_flag_may_be_given_with_a_value(given, expected):
    assert plain_flags(COMMANDS, given) == expected


def test_a_flag_with_another_value_is_refused_in_one_line(capsys):
    assert main(["compare", "--data", "tiny", "--out", "x", "--stream=maybe"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
