"""The command leaderboard: a board is checked, extended and shown; forged, foreign and broken files are refused."""

import hashlib
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gnnmax import build
from gnnmax.cli.leaderboard_command import Leaderboard
from gnnmax.cli.main import main
from gnnmax.experiments.leaderboard import new_board, with_entries, write_board
from gnnmax.task.rules import RULES

DATA = build("tiny")
WINDOWS = len(DATA.test)
AUDIT = {"relabelling": "invariant", "roll": "neither", "translation": "neither"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a board of the data set tiny and a file of scores."""
    scores = {"argmax": RULES["argmax"](DATA.test), "half": np.full(WINDOWS, 0.5)}
    write_board(with_entries(new_board(DATA), DATA, scores, audits={"argmax": AUDIT}), tmp_path / "board.json")
    np.save(tmp_path / "scores.npy", np.arange(WINDOWS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *words):
    """Run a call that must be refused, and return its one line; no file may change."""
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    capsys.readouterr()
    assert main(["leaderboard", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("gnnmax: ") and shown.err.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before
    return shown.err


def altered(**fields):
    """Write the board with fields changed, and return the name of the file."""
    Path("altered.json").write_text(json.dumps({**json.loads(Path("board.json").read_text()), **fields}))
    return "altered.json"


def altered_entry(**fields):
    entries = json.loads(Path("board.json").read_text())["entries"]
    return altered(entries=[{**entries[0], **fields}, *entries[1:]])


def test_a_board_is_started_checked_and_shown_as_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    call = ["leaderboard", "new.json", "--data", "tiny"]
    assert main([*call, "--rules", "argmax,margin", "--page", "new.html"]) == 0
    shown = capsys.readouterr()
    assert "tiny" in shown.out and "16 windows" in shown.out
    assert "invariant: relabelling," in shown.out
    page = Path("new.html").read_text(encoding="utf-8")
    assert "Leaderboard of tiny" in page and "neither: " in page and "http" not in page
    before = Path("new.json").read_bytes()
    assert main([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [set(group) for group in found["groups"]] == [{"argmax", "margin"}]
    assert found["figures"]["argmax"]["accuracy"] == 1.0
    assert Path("new.json").read_bytes() == before


def test_scores_of_files_are_added_under_their_names(place, capsys):
    call = ["leaderboard", "board.json", "--data", "tiny", "--json", "--scores"]
    assert main([*call, "scores.npy", "mine=scores.npy"]) == 0
    assert list(json.loads(capsys.readouterr().out)["figures"]) == ["argmax", "half", "scores", "mine"]


def test_the_models_of_a_run_are_added_and_audited(place, capsys):
    assert main(["train", "--data", "tiny", "--model", "gnn", "--steps", "1", "--device", "cpu", "--out", "run"]) == 0
    capsys.readouterr()
    assert main(["leaderboard", "board.json", "--data", "tiny", "--run", "run"]) == 0
    assert "gnn (seed 0)" in capsys.readouterr().out
    assert json.loads(Path("board.json").read_text())["entries"][2]["audit"]["relabelling"] == "invariant"


def test_entries_of_another_call_at_the_same_time_are_not_lost(place, capsys, monkeypatch):
    call = ["board.json", "--data", "tiny"]
    computed = Leaderboard._added

    def slow(self, *words):
        monkeypatch.setattr(Leaderboard, "_added", computed)
        assert main(["leaderboard", *call, "--rules", "margin"]) == 0
        return computed(self, *words)

    monkeypatch.setattr(Leaderboard, "_added", slow)
    assert main(["leaderboard", *call, "--scores", "scores.npy"]) == 2
    assert "another call has changed board.json in the meantime" in capsys.readouterr().err
    assert main(["leaderboard", *call, "--scores", "scores.npy", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["figures"]) == ["argmax", "half", "margin", "scores"]


def test_an_entry_is_replaced_only_by_force(place, capsys):
    call = ["board.json", "--data", "tiny", "--scores", "half=scores.npy"]
    assert "has an entry 'half': choose another name, or pass --force" in refused(capsys, *call)
    assert main(["leaderboard", *call, "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["half"]["accuracy"] != 0.5


@pytest.mark.parametrize(
    ("forge", "complaint"),
    [
        (lambda: altered_entry(figures={"accuracy": 1.0}), "the figures of 'argmax' are not accuracy,"),
        (lambda: altered_entry(scores=[1.0] * WINDOWS), "the scores of 'argmax' do not have their digest: altered"),
        (lambda: altered_entry(scores=[1.0]), "do not have their digest"),
        (lambda: altered_entry(name="half"), "two entries 'half'"),
        (lambda: altered_entry(name="one\nline"), "is damaged"),
        (lambda: altered_entry(audit={"roll": "good"}), "is damaged"),
        (lambda: altered(threshold=7.5), "is stated as 1.0, and its scores give 0.5: altered"),
        (lambda: altered(windows=15), "are not those of the leaderboard"),
        (lambda: altered(split="val"), "are not those of the leaderboard"),
        (lambda: altered(digest="0" * 64), "is of tiny with digest 000000000000, not of tiny with"),
        (lambda: altered(more=1), "is damaged"),
    ],
)
def test_a_forged_board_is_refused(place, capsys, forge, complaint):
    assert complaint in refused(capsys, forge(), "--data", "tiny")


def test_scores_that_are_forged_with_their_digest_no_longer_give_the_figures(place, capsys):
    scores = np.full(WINDOWS, 1.0)
    name = altered_entry(scores=scores.tolist(), sha256=hashlib.sha256(scores.astype("<f8").tobytes()).hexdigest())
    assert "argmax' is stated as 1.0, and its scores give 0.5" in refused(capsys, name, "--data", "tiny")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is damaged"),
        (b"argmax: 1.0", "is damaged: JSON is malformed"),
        (b"\xff\xfe", "is damaged"),
        (b"[1, 2]", "is damaged"),
        (b'{"format": 2}', "is damaged"),
        (b"[" * 100_000, "is damaged"),
    ],
)
@pytest.mark.parametrize("added", [(), ("--rules", "margin", "--force")])
def test_a_file_that_is_no_board_is_refused_and_stays(place, capsys, content, complaint, added):
    Path("other.json").write_bytes(content)
    found = refused(capsys, "other.json", "--data", "tiny", *added)
    assert complaint in found or "gnnmax did not write it" in found


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gone.json", "--data", "tiny"], "cannot read the leaderboard gone.json: No such file"),
        (["board.json", "--data", "real-karate"], "not of real-karate with"),
        (["board.json", "--data", "line-64-shuffled"], "describes maps where windows are expected"),
        (["board.json", "--data", "nowhere"], "nowhere"),
        (["board.txt", "--data", "tiny", "--rules", "margin"], "must end in .json"),
        (["nowhere/board.json", "--data", "tiny", "--rules", "margin"], "the folder nowhere does not exist"),
        (["board.json", "--data", "tiny", "--split", "val"], "--split is val, and the board keeps test"),
        (["board.json", "--data", "tiny", "--threshold", "1"], "--threshold is 1.0, and the board keeps 0.0"),
        (["new.json", "--data", "tiny", "--rules", "margin", "--threshold", "nan"], "must be a number, not nan"),
        (["new.json", "--data", "tiny", "--rules", "margin", "--split", "no"], "unknown split 'no'"),
        (["board.json", "--data", "tiny", "--rules", "no"], "unknown rule 'no'"),
        (["board.json", "--data", "tiny", "--run", "no"], "no trained model at no"),
        (["board.json", "--data", "tiny", "--scores", "gone.npy"], "cannot read the file of scores gone.npy"),
        (["board.json", "--data", "tiny", "--scores", "=scores.npy"], "'=scores.npy' lacks its name"),
        (["board.json", "--data", "tiny", "--scores", "mine="], "'mine=' lacks its file"),
        (["board.json", "--data", "tiny", "--scores", "a\nb=scores.npy"], "is no name of an entry"),
        (["board.json", "--data", "tiny", "--scores", "\x1b[31m=scores.npy"], "is no name of an entry"),
        (["board.json", "--data", "tiny", "--scores", "\udcff=scores.npy"], "is no name of an entry"),
        (["board.json", "--data", "tiny", "--scores", f"{'x' * 201}=scores.npy"], "is no name of an entry"),
        (["board.json", "--data", "tiny", "--scores", "a=scores.npy", "a=scores.npy"], "two files are called 'a'"),
        (["board.json", "--data", "tiny", "--rules", "nms", "--scores", "nms=scores.npy"], "two entries are called"),
        (["board.json", "--data", "tiny", "--page", "board.json"], "--page board.json must end in .html"),
        (["board.json", "--data", "tiny", "--page", "page.html"], "page.html exists and gnnmax did not write it"),
    ],
)
def test_a_wrong_call_is_one_line_and_changes_no_file(place, capsys, words, complaint):
    Path("page.html").write_text("my own page")
    assert complaint in refused(capsys, *words)


def test_scores_of_another_length_or_not_finite_are_refused(place, capsys):
    np.save("short.npy", np.zeros(3))
    np.save("missing.npy", np.full(WINDOWS, np.nan))
    np.save("square.npy", np.zeros((WINDOWS, 2)))
    call = ["board.json", "--data", "tiny", "--scores"]
    assert "one entry for each of 16 windows, not 3" in refused(capsys, *call, "short.npy")
    assert "must be finite: 16 of 16 are NaN" in refused(capsys, *call, "missing.npy")
    assert "expected real numbers of shape (N,)" in refused(capsys, *call, "square.npy")


def test_markup_in_names_is_text_on_the_page_and_in_the_terminal(place, capsys):
    names = ["</script><script>alert(1)</script>", "[red]x[/red]", "{{ 7 * 7 }}", "café"]
    scores = [f"{name}=scores.npy" for name in names]
    assert main(["leaderboard", "board.json", "--data", "tiny", "--page", "b.html", "--scores", *scores]) == 0
    assert "[red]x[/red]" in capsys.readouterr().out
    page = Path("b.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page and "{{ 7 * 7 }}" in page and "café" in page


def test_a_forged_name_of_the_data_is_not_shown(place, capsys):
    assert main(["leaderboard", altered(data="<b>the best data"), "--data", "tiny", "--page", "b.html"]) == 0
    assert "best data" not in capsys.readouterr().out + Path("b.html").read_text(encoding="utf-8")


def test_a_board_without_entries_is_a_table_without_rows(place, capsys):
    assert main(["leaderboard", altered(entries=[]), "--data", "tiny", "--page", "b.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"groups": [], "figures": {}}


def test_the_file_is_json_that_its_type_describes(place):
    found = msgspec.json.decode(Path("board.json").read_bytes())
    assert list(found) == [
        *("format", "made", "data", "digest", "split", "windows", "windows_sha256", "threshold", "entries")
    ]
