"""Lists of edges: the same graph as line by line, exact whole numbers, and messages with the right line."""

import csv
import io

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax.cli.main import main
from gnnmax.data.hosts.graph_objects import host_of
from gnnmax.data.hosts.own_files import name_file
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.search import find_maxima
from gnnmax.errors import InputError
from gnnmax.io.graph_files import edge_lists, text_blocks
from gnnmax.io.graph_files.edge_lists import read_csv

NAMES = st.one_of(
    st.integers(-5, 30).map(str),
    st.sampled_from(["07", "7", "-0", "x", "a b", 'say "hi"', "c,d", "two\nlines", "é", "１", "1_0", "+3"]),
)
WEIGHTS = st.one_of(st.integers(-3, 2**53).map(str), st.floats(-9, 9).map(repr), st.sampled_from(["1e3", " 2 ", "-0"]))


def graph_line_by_line(text, kind):
    """The graph as networkx holds it, names sorted if all are whole numbers: the reference."""
    edges = [
        (row[0].strip(), row[1].strip(), float(row[2])) for row in csv.reader(io.StringIO(text, newline="")) if row
    ]
    names = list(dict.fromkeys(name for u, v, _ in edges for name in (u, v)))
    if all(name.isascii() and name.removeprefix("-").isdecimal() for name in names):
        names.sort(key=lambda name: (int(name), name))
    graph = kind()
    graph.add_nodes_from(names)
    graph.add_weighted_edges_from(edges)
    return graph


@st.composite
def edge_lists_as_text(draw):
    """Text of a list, and whether it names an edge twice or in both directions."""
    pairs = draw(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=12, unique_by=lambda pair: frozenset(pair)))
    text = io.StringIO(newline="")
    end, quoting = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    for u, v in pairs:
        writer.writerow([u, v, draw(WEIGHTS)])
        if draw(st.booleans()):
            text.write(draw(st.sampled_from([end, ""])))
    return draw(st.sampled_from(["", "\ufeff"])) + text.getvalue()


@settings(max_examples=150)
@given(edge_lists_as_text(), st.sampled_from([16, 64, 2**21]))
def test_a_list_is_the_same_graph_as_line_by_line_whatever_its_blocks_quotes_and_ends(tmp_path_factory, text, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK", max(block, max(map(len, text.encode().split(b"\n"))) + 2))
        path = tmp_path_factory.getbasetemp() / "e.csv"
        path.write_bytes(text.encode())
        plain = text.removeprefix("\ufeff")
        for directed, kind in ((False, nx.Graph), (True, nx.DiGraph)):
            expected = graph_line_by_line(plain, kind)
            found = read_matrix(path, directed=directed)
            assert found.names == (tuple(expected), tuple(expected)) and found.directed == directed
            dense = nx.to_numpy_array(expected, nodelist=list(expected))
            np.testing.assert_array_equal(found.matrix.toarray().astype(float), dense)
            ours, theirs = (find_maxima(graph, mode="graph") for graph in (found, expected))
            assert list(ours) == list(theirs) and ours.names == theirs.names
            host = name_file(path, directed=directed).sample(np.random.default_rng(0))
            other = host_of(expected, directed=directed)
            assert host.edges.tolist() == other.edges.tolist() and host.nodes == other.nodes
            np.testing.assert_array_equal(host.weights, other.weights)


@pytest.mark.parametrize(
    ("weights", "dtype", "expected"),
    [
        (["9007199254740993", "9007199254740992"], np.int64, [2**53 + 1, 2**53]),
        (["-9223372036854775808", "9223372036854775807"], np.int64, [-(2**63), 2**63 - 1]),
        (["9007199254740992", "0.5"], np.float64, [2.0**53, 0.5]),
        (["1e20", "3"], np.float64, [1e20, 3.0]),
        (["+3", "007"], np.int64, [3, 7]),
    ],
)
def test_whole_weights_stay_whole_numbers_and_others_are_real(weights, dtype, expected):
    found = read_csv("".join(f"a{i},b,{weight}\n" for i, weight in enumerate(weights)).encode()).weights
    assert found.dtype == dtype and found.tolist() == expected


def test_whole_numbers_that_differ_by_one_are_not_tied(tmp_path):
    (tmp_path / "e.csv").write_text("a,b,9007199254740993\na,c,9007199254740992\n")
    ((i, j, value),) = find_maxima(read_matrix(tmp_path / "e.csv"), mode="graph")
    assert (i, j, value) == (0, 1, 9007199254740993)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("1_0", "expected a number as weight, not '1_0'"),
        ("\u0661\u0662", "expected a number as weight"),
        ("０.５", "expected a number as weight"),
        ("0x10", "expected a number as weight"),
        ("", "expected a number as weight, not ''"),
        ("1e999", "the weight 1e999 is too large for float64: scale all weights down"),
        ("-1E400", "the weight -1E400 is too large for float64"),
        ("9223372036854775808", "does not fit into 64 bits: write 9.22337e\\+18"),
        ("-99999999999999999999", "does not fit into 64 bits"),
    ],
)
@pytest.mark.parametrize("beside", ["1", "0.5"])
def test_a_number_that_only_python_reads_or_that_would_be_rounded_is_refused(number, said, beside):
    with pytest.raises(InputError, match=f"^line 3: .*{said}"):
        read_csv(f"a,b,{beside}\nb,c,{beside}\nc,d,{number}\n".encode())


@pytest.mark.parametrize("word", ["nan", "NaN", "-nan", "inf", "-Infinity"])
def test_edges_that_were_not_measured_or_are_infinite_are_those_of_graphml(word, tmp_path):
    graph = nx.Graph()
    graph.add_weighted_edges_from([("a", "b", 5.0), ("b", "c", float(word)), ("c", "d", 2.0), ("d", "e", 1.0)])
    nx.write_graphml(graph, tmp_path / "e.graphml")
    (tmp_path / "e.csv").write_text(f"source,target,weight\na,b,5\nb,c,{word}\nc,d,2\nd,e,1\n")
    (tmp_path / "bare.tsv").write_text(f"b\tc\t{word}\na\tb\t5\nc\td\t2\nd\te\t1\n")
    found = [
        {(*sorted((maxima.names[0][i], maxima.names[1][j])), float(value)) for i, j, value in maxima}
        for maxima in (
            find_maxima(read_matrix(tmp_path / name), mode="graph") for name in ("e.graphml", "e.csv", "bare.tsv")
        )
    ]
    assert found[0] == found[1] == found[2]
    assert (("c", "d", 2.0) in found[0]) == (word != "inf") and ("d", "e", 1.0) not in found[0]


@pytest.mark.parametrize("head", ["", "u,v,weight\n", "\n\n", '"two\nlines",b,5\n'])
def test_an_edge_given_twice_is_named_with_both_lines(head, monkeypatch):
    before = head.count("\n")
    text = f"{head}x,y,1\n\nz,y,2\ny,x,1\nx,y,3\nx,y,4\n"
    with pytest.raises(InputError, match=f"^line {before + 5}: the edge x,y is in line {before + 1} already$"):
        read_csv(text.encode())


def test_a_wrong_line_is_named_in_whatever_block_it_lies(monkeypatch):
    monkeypatch.setattr(text_blocks, "BLOCK", 16)
    monkeypatch.setattr(edge_lists, "ROWS", 3)
    lines = [f"{i},{i + 1},{i}\n" for i in range(50)]
    for wrong in (0, 1, 20, 49):
        for quote in ("", '"q","r",1\n'):
            text = quote + "".join([*lines[:wrong], "a,b\n", *lines[wrong:]])
            with pytest.raises(
                InputError, match=f"^line {wrong + 1 + bool(quote)}: expected u,v,weight, not 2 fields: give each"
            ):
                read_csv(text.encode())
    with pytest.raises(InputError, match=r"^not text in UTF-8: invalid start byte at byte 24$"):
        read_csv(b"1,2,0.5\n" * 3 + b"\xff,2,3\n")


def test_a_list_with_lone_carriage_returns_is_read():
    assert read_csv(b"u,v,w\ra,b,1\rb,c,2\r").weights.tolist() == [1, 2]


def test_numbers_far_apart_take_no_memory_for_those_between():
    found = read_csv(b"-999999999999999999,5,1\n5,999999999999999999,2\n")
    assert found.names == ("-999999999999999999", "5", "999999999999999999")
    assert found.edges.tolist() == [[0, 1], [1, 2]]


def test_names_that_begin_like_formulas_are_written_as_they_came(tmp_path, capsys):
    names = ["=1+1", "+x", "-y", "@z", "=SUM(A1)", "--", "'=a", "\tb"]
    path, out = tmp_path / "e.csv", tmp_path / "maxima.csv"
    path.write_text("".join(f"{u},{v},{i}.5\n" for i, (u, v) in enumerate(zip(names[::2], names[1::2], strict=True))))
    assert main(["detect", str(path), "--mode", "graph", "--models", "none", "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["row"] for row in rows} | {row["column"] for row in rows} == {name.strip() for name in names}
    (tmp_path / "asked.csv").write_text("".join(f"{row['row']},{row['column']}\n" for row in rows))
    capsys.readouterr()
    call = ["detect", str(path), "--mode", "graph", "--models", "none", "--positions", str(tmp_path / "asked.csv")]
    assert main([*call, "--out", str(tmp_path / "again.csv")]) == 0
    again = list(csv.DictReader((tmp_path / "again.csv").read_text().splitlines()))
    assert [(row["i"], row["j"], row["value"]) for row in again] == [(row["i"], row["j"], row["value"]) for row in rows]
