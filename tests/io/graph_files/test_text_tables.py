"""Tables in text as people download them: one reader for hosts and detection, whatever the delimiter and the ending."""

import gzip
import io
import json
import re
import sys

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gnnmax.cli.main import main
from gnnmax.data.hosts.own_files import name_file
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.matrix_input import as_source
from gnnmax.errors import InputError
from gnnmax.io.graph_files.entries import Entries
from gnnmax.io.graph_files.text_layout import layout_of
from gnnmax.io.graph_files.text_tables import read_text

GRAPH = nx.Graph()
GRAPH.add_edge("a", "b", weight=3)
GRAPH.add_edge("a", "c", weight=1)
GRAPH.add_edge("b", "c", weight=2.5)
MATRIX = np.array([[0, 3, 1], [3, 0, 2.5], [1, 2.5, 0]])
FRAME = pd.DataFrame(MATRIX, list("abc"), list("abc"))


def written(write, graph, **options):
    """The text that a writer of networkx writes."""
    file = io.BytesIO()
    write(graph, file, **options)
    return file.getvalue()


def savetxt(matrix, **options):
    """The text that numpy writes."""
    file = io.BytesIO()
    np.savetxt(file, matrix, **options)
    return file.getvalue()


NAMED = {
    "dicts.edgelist": written(nx.write_edgelist, GRAPH),
    "numbers.edgelist": written(nx.write_weighted_edgelist, GRAPH),
    "tabs.tsv": written(nx.write_weighted_edgelist, GRAPH, delimiter="\t"),
    "semicolons.csv": b"a;b;3\na;c;1\nb;c;2.5\n",
    "blanks.txt": b"  a   b\t3\na c 1  \n\nb c 2.5",
    "lines of blanks.csv": b"  \na,b,3\n   \r\na,c,1\n \nb,c,2.5\n  ",
    "lines of blanks.tsv": b"a\tb\t3\n   \na\tc\t1\nb\tc\t2.5\n",
    "comments.csv": b"# by me\n% 3 nodes\na,b,3\n# between\na,c,1\nb,c,2.5\n",
    "comments and a header.csv": b"# by me\nsource,target,weight\na,b,3\na,c,1\nb,c,2.5\n",
    "columns.csv": b"id,Target,Source,weight\n1,b,a,3\n2,c,a,1\n3,c,b,2.5\n",
    "index.csv": nx.to_pandas_edgelist(GRAPH).to_csv().encode(),
    "labelled.csv": FRAME.to_csv().encode(),
    "labelled.tsv": FRAME.to_csv(sep="\t").encode(),
    "labelled, semicolons.csv": FRAME.to_csv(sep=";").encode(),
    "corner.csv": FRAME.rename_axis("gene").to_csv().encode(),
    "compressed.csv.gz": gzip.compress(b"a,b,3\na,c,1\nb,c,2.5\n", mtime=0),
}
UNNAMED = {
    "blanks.csv": savetxt(MATRIX),
    "blanks.txt": savetxt(MATRIX, fmt="%g"),
    "blanks.tsv": savetxt(MATRIX, header="a matrix"),
    "commas.csv": savetxt(MATRIX, delimiter=","),
    "whole.csv": b"0,3,1\n3,0,2\n1,2,0\n",
    "frame.csv": pd.DataFrame(MATRIX).to_csv().encode(),
    "frame without index.csv": pd.DataFrame(MATRIX).to_csv(index=False).encode(),
    "frame without index.txt": pd.DataFrame(MATRIX).to_csv(index=False, sep="\t").encode(),
    "compressed.tsv.gz": gzip.compress(savetxt(MATRIX, delimiter="\t")),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_graph_with_names_is_read_the_same_from_every_file(name, tmp_path):
    (tmp_path / name).write_bytes(NAMED[name])
    found = as_source(read_matrix(tmp_path / name))
    order = [found.names[0].index(node) for node in "abc"]
    dense = found.matrix.toarray() if hasattr(found.matrix, "toarray") else found.matrix
    assert dense[np.ix_(order, order)].tolist() == MATRIX.tolist()
    host = name_file(tmp_path / name).sample(np.random.default_rng(0))
    assert sorted(host.weights.tolist()) == [1, 2.5, 3]


@pytest.mark.parametrize("name", UNNAMED)
def test_a_matrix_without_names_is_read_the_same_from_every_file(name, tmp_path):
    (tmp_path / name).write_bytes(UNNAMED[name])
    found = as_source(read_matrix(tmp_path / name))
    assert found.names is None and np.floor(found.matrix).tolist() == np.floor(MATRIX).tolist()
    assert len(name_file(tmp_path / name).sample(np.random.default_rng(0)).edges) == 3


@pytest.mark.parametrize(
    ("text", "dtype", "expected"),
    [
        ("0,1,,2\n1,0,NA,3\nnan,4,0,null\n2,3,4,0\n", np.float64, [0, 1, np.nan, 2]),
        (",3,1,2\n3,,3.5,1\n1,3.5,,4\n2,1,4,\n", np.float64, [np.nan, 3, 1, 2]),
        ("9007199254740993,9007199254740992,1,0\n1,2,3,4\n", np.int64, [2**53 + 1, 2**53, 1, 0]),
        ("0.5,-inf,1,2\n1,2,3,4\n", np.float64, [0.5, -np.inf, 1, 2]),
    ],
)
def test_entries_of_a_matrix_are_exact_and_missing_where_nothing_was_measured(text, dtype, expected):
    found = read_text(text.encode()).matrix
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[0], np.array(expected, dtype=dtype))


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (pd.DataFrame(np.diag([9, 5, 7, 6])).to_csv(index=False), True),  # the other rows are a square
        (pd.DataFrame(np.full((2, 5), 0.5)).to_csv(index=False), True),  # no other number is written as a whole one
        ("# a comment\n0 1 2 3\n" + "1 0 1 2\n" * 4, True),
        ("0,1,2,3\n1,0,1,2\n2,1,0,1\n3,2,1,0\n", False),  # distances along a line
        ("0,1,2,3\n1,0,1.5,2\n2,1.5,0,1\n3,2,1,0\n", False),
        ("0,1,2,3\n1,0,1,2\n", False),
    ],
)
def test_numbers_of_the_columns_that_pandas_writes_without_an_index_are_no_entries(text, header):
    found = read_text(text.encode())
    rows = [[float(word) for word in line.replace(" ", ",").split(",")] for line in text.splitlines() if line[0] != "#"]
    assert found.matrix.tolist() == rows[int(header) :] and found.columns is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 1\n1 2\n", "line 1: expected u,v,weight, not 2 fields: give each edge a weight, such as 1"),
        ("a\tb\nb\tc\n", "line 1: expected u,v,weight, not 2 fields: give each edge a weight"),
        ("1,2,3,4\n5,6,x,8\n", "line 2: expected a number as entry of the matrix, not 'x'; a list of edges has"),
        ("1,2,3,4\n5,6,7,8\n5,6,7\n", "line 3: expected u,v,weight, not 4 fields|line 3: expected 4 fields"),
        ("# head\n1 2 3 4\n5 6 7 8 9\n1 2 3 4\n", "line 3: expected 4 fields, as in the first row, not 5"),
        ("9007199254740993,0.5,1,1\n1,1,1,1\n", "whole number 9007199254740993 would be rounded"),
        ("9007199254740993,1,1,1\n" * 9 + "1,,1,1\n", "whole number 9007199254740993 would be rounded"),
        ("1e999,1,1,1\n", "the number 1e999 is too large"),
        (",a,b,c\n", "holds names and no numbers"),
        ("a,b,9007199254740993\na,c,0.5\n", "whole number 9007199254740993 would be rounded"),
        ("a b {'weight': 3}\nb c {}\n", "1 of 2 have none, as the edge from b to c"),
        ("a b {'w': 3}\nb c {'w': 4}\n", "the edges have no 'weight', but w: name the weights, as in --weight w"),
        ("a b {'weight': 3}\nb c {x}\n", "line 2: expected two names and a dict of attributes"),
        ("a b {" + "[" * 9000 + "}\n", "line 1: expected two names and a dict"),
        ("source,target,age,strength\na,b,1,2\n", "may be in age, strength: name their column, as in --weight NAME"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line_and_the_remedy(text, said):
    with pytest.raises(InputError, match=said):
        read_text(text.encode())


@pytest.mark.parametrize(
    "text", ["a b {'w': 2.5, 'x': 1}\n", "source,target,x,w\na,b,1,2.5\n", "p,q,w\na,b,2.5\n", "from;to;w\na;b;2.5\n"]
)
def test_a_named_column_or_attribute_holds_the_weights(text):
    assert read_text(text.encode(), "w").weights.tolist() == [2.5]
    with pytest.raises(InputError, match=r"'y'"):
        read_text(text.encode(), "y")


@pytest.mark.parametrize(
    "text",
    ["1,2,5\n2,3,4\n3,1,9\n", "#cats,#dogs,3\n#cats,#cows,4\n", "u,v,1\nu,w,2\n", "a b,c d,1\n", "7,nodes 1 2,3\n"],
)
def test_a_list_stays_a_list(text):
    found = read_text(text.encode())
    assert isinstance(found, Entries) and len(found.edges) == text.count("\n")


def test_rising_labels_are_names_and_not_data():
    frame = pd.DataFrame(np.eye(4), [10, 20, 30, 40], [10, 20, 30, 40])
    assert read_text(frame.to_csv().encode()).rows == ("10", "20", "30", "40")
    assert layout_of(b"1,2,3,4\n2,3,4,5\n").header is False


def test_quoted_names_may_hold_the_delimiter_and_line_ends():
    found = read_text(b'"a;1";"two\nlines";2\n"two\nlines";c,d;3\n')
    assert found.names == ("a;1", "two\nlines", "c,d") and found.weights.tolist() == [2, 3]


def test_standard_input_is_read_by_its_first_bytes(monkeypatch, capsys):
    for content in (UNNAMED["commas.csv"], UNNAMED["compressed.tsv.gz"], NAMED["labelled.csv"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(["detect", "-", "--k", "3", "--models", "none"]) == 0
        assert re.search(r"-: 1 maxima", capsys.readouterr().out)


def test_the_weights_are_named_on_the_command_line(tmp_path, capsys):
    (tmp_path / "e.csv").write_text("source,target,age,strength\na,b,1,2\nb,c,7,9\n")
    assert main(["detect", str(tmp_path / "e.csv"), "--models", "none"]) == 2
    assert "--weight NAME" in capsys.readouterr().err
    assert main(["detect", str(tmp_path / "e.csv"), "--models", "none", "--weight", "strength"]) == 0
    assert " 9 " in capsys.readouterr().out
    np.save(tmp_path / "m.npy", np.eye(9))
    assert main(["detect", str(tmp_path / "m.npy"), "--models", "none", "--weight", "strength"]) == 2
    assert "leave out the name of the weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8b", gzip.compress(b"a,b,1", mtime=0)[:-4], gzip.compress(b"a,b,1", mtime=0) + b"x"]
)
def test_a_damaged_compressed_file_is_refused(content, tmp_path):
    (tmp_path / "e.csv.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"e\.csv\.gz: (not a file of gzip|holds no edge)"):
        read_matrix(tmp_path / "e.csv.gz")


def test_three_columns_of_whole_numbers_are_edges_unless_said_otherwise(tmp_path, capsys):
    (tmp_path / "w.txt").write_text("1 2 3\n4 5 6\n7 8 9\n1 0 2\n")
    edges, dense, said = (read_matrix(tmp_path / "w.txt", form=form) for form in (None, "dense", "edges"))
    assert edges.names[0] == said.names[0] == tuple("01245 78".replace(" ", ""))
    assert "--format dense" in edges.note and not said.note
    assert dense.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 0, 2]]
    call = ["detect", str(tmp_path / "w.txt"), "--k", "3", "--models", "none", "--json"]
    for flags, form, noted in (([], "edges", True), (["--format", "dense"], "dense", False)):
        assert main([*call, *flags]) == 0
        card = json.loads(capsys.readouterr().out)["card"]
        assert (card["format"], bool(card["format_note"])) == (form, noted)


@pytest.mark.parametrize(
    "content",
    [b"a,b,3\n", b"1,2,0.5\n3,4,2\n", b"source,target,weight\n1,2,3\n", b"1.5,2,3\n1,2,3\n", b",a,b\n1,2,3\n2,3,4\n"],
    ids=["names", "real weights", "named columns", "a real end", "an empty corner"],
)
def test_a_list_or_a_matrix_that_can_be_nothing_else_has_no_note(content):
    assert not layout_of(content).ambiguous


def test_a_dense_matrix_may_have_one_or_two_columns_if_it_is_said_to_be_one(tmp_path):
    (tmp_path / "two.csv").write_text("1,2\n3,4\n")
    assert read_matrix(tmp_path / "two.csv", form="dense").tolist() == [[1, 2], [3, 4]]
    (tmp_path / "one.csv").write_text("1\n3\n")
    assert read_matrix(tmp_path / "one.csv", form="dense").tolist() == [[1], [3]]


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("m.csv", b"1,2\n3,4\n", {"form": "edges"}, "line 1: expected u,v,weight, not 2 fields"),
        ("m.csv", b"1,2,3\na,b,1\n", {"form": "dense"}, "expected a number as entry of the matrix, not 'b'"),
        ("m.csv", b"a,b,1\n", {"form": "dense"}, "holds names and no numbers"),
        ("m.csv", b"", {"form": "dense"}, "holds names and no numbers"),
        ("m.csv", b"a b {'weight': 1}\n", {"form": "dense"}, "holds names and no numbers"),
        ("m.csv", b"1,2,3\n", {"form": "dense", "weight": "x"}, "a dense matrix has no column of weights"),
        ("m.mtx", b"%%MatrixMarket", {"form": "dense"}, r"only text \(\.csv, .*\) may hold edges or a dense matrix"),
    ],
)
def test_a_form_that_does_not_hold_is_refused(name, content, options, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_matrix(tmp_path / name, **options)


@pytest.mark.parametrize(
    "content",
    ["1,5;2,0\n3,5;4,0\n", "1,5;2,0;3\n1;2;3\n", "x;y\n1,5;2,0\n", "1,5\t2\n", "1,5 2,0 3,5\n", "1,234,567;2\n"],
)
@pytest.mark.parametrize("form", [None, "edges", "dense"])
def test_decimal_commas_are_refused_and_never_split(content, form):
    with pytest.raises(InputError, match=r"has numbers with commas, such as 1,.*: write decimal points"):
        read_text(content.encode(), None, form)
