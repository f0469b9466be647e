"""Positions from a file: names may be quoted, numbers are those of every program, and messages have the right line."""

import hashlib
import json

import numpy as np
import pytest

from gnnmax.cli.main import main
from gnnmax.detection.positions import read_positions
from gnnmax.errors import InputError

NODES = ("a, b", "two\nlines", "=x")


def test_names_may_be_quoted_and_span_lines(tmp_path):
    (tmp_path / "p.csv").write_text('i,j\n"a, b","two\nlines"\n\n=x,"a, b"\n')
    assert read_positions(tmp_path / "p.csv", (NODES, NODES)) == [(0, 1), (2, 0)]


@pytest.mark.parametrize(
    ("lines", "names", "said"),
    [
        ("3,4\n1_0,2\n", None, "line 2: expected a whole number of at least 0, not '1_0'"),
        ("3,4\n\u0663,2\n", None, "line 2: expected a whole number"),
        ("3,-4\n", None, "line 1: expected a whole number"),
        (f"3,{'9' * 19}\n", None, "line 1: expected a whole number"),
        ('"a, b","two\nlines"\n=x,y\n', (NODES, NODES), "line 3: expected the name of a node, not 'y'"),
        ("row,column\nb,c\na,c\n", (("a", "b", "a"), ("a", "c")), "line 3: the matrix has several nodes called 'a'"),
        ('=x,=x\n"a, b,=x\n', (NODES, NODES), "line 2: unexpected end of data"),
        ("=x," + "y" * 200_000, (NODES, NODES), "line 1: field larger than field limit"),
    ],
)
def test_a_wrong_line_is_named(lines, names, said, tmp_path):
    (tmp_path / "p.csv").write_text(lines)
    with pytest.raises(InputError, match=f"p.csv: {said}"):
        read_positions(tmp_path / "p.csv", names)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_an_empty_table_of_ours_has_an_empty_answer_as_positions(ending, tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.random.default_rng(0).random((20, 20)))
    none, again = tmp_path / f"none.{ending}", tmp_path / "again.csv"
    call = ["detect", str(tmp_path / "m.npy"), "--k", "5", "--models", "none"]
    assert main([*call, "--threshold", "5", "--out", str(none)]) == 0
    page = ["--page", str(tmp_path / "p.html")]
    assert main([*call, "--positions", str(none), "--out", str(again), *page]) == 0
    assert again.read_text() == "i,j,value,maximum,reason\n"
    card = json.loads((tmp_path / "again.card.json").read_text())
    assert card["no_maximum"] == f"{none} lists no position" and "0 positions" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "text"), [("p.csv", "i,j\n"), ("p.json", "[]"), ("p.tsv", "row\tcolumn\tq\n")])
def test_a_list_with_a_header_alone_is_empty(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    assert read_positions(tmp_path / name) == []


def test_a_table_of_a_matrix_whose_nodes_share_names_is_read_by_its_numbers(tmp_path):
    (tmp_path / "m.csv").write_text(",a,b,a,c\na,0,5,1,9\nb,5,0,2,1\na,1,2,0,3\nc,9,1,3,0\n")
    call = ["detect", str(tmp_path / "m.csv"), "--k", "3", "--models", "none", "--mode", "ordered"]
    assert main([*call, "--out", str(tmp_path / "t.csv")]) == 0
    assert main([*call, "--positions", str(tmp_path / "t.csv"), "--out", str(tmp_path / "again.csv")]) == 0
    first, again = ((tmp_path / name).read_text().splitlines()[1:] for name in ("t.csv", "again.csv"))
    assert len(first) > 0 and [line.split(",")[:2] for line in first] == [line.split(",")[:2] for line in again]
    assert all(",true," in line.lower() for line in again)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_the_card_names_the_table_that_it_describes_by_its_digest(ending, tmp_path):
    np.save(tmp_path / "m.npy", np.random.default_rng(0).random((20, 20)))
    table, card = tmp_path / f"t.{ending}", tmp_path / "t.card.json"
    call = ["detect", str(tmp_path / "m.npy"), "--models", "none", "--out", str(table), "--force"]
    seen = set()
    for k in ("5", "9"):
        assert main([*call, "--k", k]) == 0
        digest = json.loads(card.read_text())["table_sha256"]
        assert digest == hashlib.sha256(table.read_bytes()).hexdigest()
        seen.add(digest)
    assert len(seen) == 2  # so a card beside the table of another run shows it
