"""The command evaluate on your own files: the verdict of the library, and one line for every wrong call."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gnnmax import compare_scores, evaluate
from gnnmax.cli.main import main

LABEL = np.arange(120) % 3 == 0
GRAPH = np.arange(120) // 10
RNG = np.random.default_rng(0)
A, B = (2 * LABEL - 1 + RNG.normal(size=120) for _ in "ab")


@pytest.fixture
def files(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", A)
    (tmp_path / "b.csv").write_text("window,score\n" + "".join(f"{i},{x!r}\n" for i, x in enumerate(B.tolist())))
    np.savez(tmp_path / "y.npz", LABEL)
    (tmp_path / "g.csv").write_text("".join(f"host {g:02}\n" for g in GRAPH))
    np.save(tmp_path / "w.npy", np.arange(120) % 4)
    np.save(tmp_path / "short.npy", A[:7])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys, *words: str) -> dict:
    assert main(["evaluate", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_one_file_of_scores_has_the_verdict_of_the_library(files, capsys):
    call = ("--scores", "a.npy", "--labels", "y.npz", "--graph", "g.csv", "--weights", "w.npy", "--threshold", "0.2")
    expected = evaluate(A, LABEL, graph=GRAPH, sample_weight=np.arange(120) % 4, threshold=0.2)
    assert printed(capsys, *call) == expected.to_dict()
    assert main(["evaluate", *call]) == 0
    assert "of 12 graphs" in capsys.readouterr().out


def test_several_files_are_compared_under_their_names(files, capsys):
    call = ("--scores", "a.npy", "my net=b.csv", "--labels", "y.npz", "--graph", "g.csv")
    assert printed(capsys, *call) == compare_scores({"a": A, "my net": B}, LABEL, graph=GRAPH).to_dict()
    assert main(["evaluate", *call]) == 0
    assert "my net" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "evaluate needs --run: give --run FOLDER and --data DATA, or --scores FILE and --labels FILE"),
        (["--scores", "a.npy"], "evaluate needs --labels"),
        (["--labels", "y.npz"], "evaluate needs --scores"),
        (["--data", "question"], "evaluate needs --run"),
        (["--run", ".", "--threshold", "1"], "--threshold and --run do not go together"),
        (["--scores", "a.npy", "--labels", "y.npz", "--data", "question"], "--scores and --data do not go together"),
        (["--scores", "a.npy", "a.npy", "--labels", "y.npz"], "two files are called 'a'"),
        (["--scores", "short.npy", "--labels", "y.npz"], "short.npy has 7 entries, and y.npz has 120 labels"),
        (["--scores", "a.npy", "--labels", "y.npz", "--graph", "short.npy"], "expected integers or names"),
        (["--scores", "none.csv", "--labels", "y.npz"], "cannot read the file of scores none.csv"),
        (["--scores", "a.npy", "--labels", "y.npz", "--scale", "probabilities"], "pass threshold=0.5"),
    ],
)
def test_a_wrong_call_gives_one_line_and_status_2(files, capsys, words, message):
    assert main(["evaluate", *words]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert message in shown.err
