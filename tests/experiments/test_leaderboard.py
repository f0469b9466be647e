"""A leaderboard's figures follow from its scores; a forged or foreign file is refused in one line."""

import msgspec
import numpy as np
import pytest

from gnnmax import build, load_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.leaderboard import check_board, new_board, read_board, with_entries, write_board
from gnnmax.report.leaderboard_page import board_table, write_board_page
from gnnmax.task.rules import RULES

DATA = build(load_recipe("noise-9-mu2").replace(splits={"test": 40}))
SCORES = {
    "bayes": DATA.bayes(DATA.test),
    "again": DATA.bayes(DATA.test),
    "random": np.random.default_rng(0).normal(size=len(DATA.test)),
}
BOARD = with_entries(new_board(DATA), DATA, SCORES, audits={"bayes": {"relabelling": "invariant"}})


def changed(**fields):
    """The board with fields of its first entry changed."""
    first = msgspec.structs.replace(BOARD.entries[0], **fields)
    return msgspec.structs.replace(BOARD, entries=(first, *BOARD.entries[1:]))


def test_what_does_not_differ_stands_in_one_group(tmp_path):
    write_board(BOARD, tmp_path / "board.json")
    standing = check_board(read_board(tmp_path / "board.json"), DATA)
    assert standing.groups == (("bayes", "again"), ("random",))
    rows = board_table(standing).rows
    assert [row[:2] for row in rows] == [["bayes", "1"], ["again", "1"], ["random", "2"]]
    assert standing.audit_of("bayes") == "invariant: relabelling"
    assert standing.audit_of("random") == "scores alone"
    assert not any(standing.is_above_ceiling(name) for name in SCORES)


@pytest.mark.parametrize(
    ("board", "complaint"),
    [
        (changed(figures={**BOARD.entries[0].figures, "accuracy": 0.9999}), "accuracy of 'bayes' is stated as 0.9999"),
        (changed(figures={**BOARD.entries[0].figures, "auroc": None}), "auroc of 'bayes' is stated as None"),
        (changed(figures={"accuracy": 1.0}), "the figures of 'bayes' are not"),
        (changed(scores=[1.0, *BOARD.entries[0].scores[1:]]), "do not have their digest"),
        (changed(scores=BOARD.entries[0].scores[1:]), "do not have their digest"),
        (changed(name="again"), "two entries 'again'"),
        (msgspec.structs.replace(BOARD, digest="0" * 64), "the leaderboard is of noise-9-mu2 with digest 0000"),
        (msgspec.structs.replace(BOARD, windows_sha256="0" * 64), "are not those of the leaderboard"),
        (msgspec.structs.replace(BOARD, windows=3), "are not those of the leaderboard"),
        (msgspec.structs.replace(BOARD, split="nix"), "unknown split 'nix'"),
    ],
)
def test_a_forged_or_foreign_board_is_refused_in_one_line(board, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        check_board(board, DATA)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_board_is_refused(tmp_path):
    (tmp_path / "board.json").write_text('{"format": 1}')
    with pytest.raises(InputError, match=r"the leaderboard .* is damaged"):
        read_board(tmp_path / "board.json")


def test_scores_that_know_the_label_are_marked_as_above_the_ceiling(tmp_path):
    board = with_entries(BOARD, DATA, {"leak": DATA.test.label - 0.5, "<b>": SCORES["random"]})
    standing = check_board(board, DATA)
    assert standing.is_above_ceiling("leak")
    page = write_board_page(standing, tmp_path / "board.html").read_text()
    assert page.count("look for a leak") == 1
    assert "<b>" not in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [
        (np.zeros(1), "the scores of mine must have one entry"),
        (np.full(len(DATA.test), np.nan), "the scores of mine .*(finite|NaN)"),
    ],
)
def test_scores_of_another_length_or_not_finite_are_refused(scores, complaint):
    with pytest.raises(InputError, match=complaint):
        with_entries(BOARD, DATA, {"mine": scores})


def test_an_entry_of_the_same_name_is_replaced_and_rules_are_scores_like_others():
    board = with_entries(BOARD, DATA, {"random": RULES["margin"](DATA.test)})
    assert [entry.name for entry in board.entries] == ["bayes", "again", "random"]
    assert board.entries[2].figures != BOARD.entries[2].figures
