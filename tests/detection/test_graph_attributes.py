"""Graphs of networkx: the attribute of edges that is searched, and attributes of nodes as columns."""

import csv
import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from gnnmax import InputError, find_differences, find_maxima, order_test
from gnnmax.cli.main import main
from gnnmax.detection import false_discovery
from gnnmax.io.graph_files.node_attributes import node_columns


@pytest.fixture
def graph():
    made = nx.Graph()
    made.add_edge("a", "b", weight=1.0, trips=9)
    made.add_edge("b", "c", weight=5.0, trips=2)
    made.add_edge("d", "c", weight=2.0, trips=7)
    for node, size in zip("abcd", (3, 1, 4, 1), strict=True):
        made.nodes[node].update(team=f"team {node.upper()}", size=size, share=size / 2, big=size > 2)
    del made.nodes["d"]["team"], made.nodes["d"]["size"]
    return made


def test_the_named_attribute_of_the_edges_is_searched(graph):
    assert [v for *_, v in find_maxima(graph, mode="graph")] == [5.0]
    found = find_maxima(graph, mode="graph", weight="trips")
    assert [(found.names[0][i], found.names[1][j], v) for i, j, v in found] == [("a", "b", 9), ("c", "d", 7)]
    for call in (
        lambda: find_maxima(graph, mode="graph", weight="trip"),
        lambda: order_test(graph, weight="trip"),
        lambda: find_differences(graph, graph, mode="graph", weight="trip"),
    ):
        with pytest.raises(InputError, match="unknown edge attribute 'trip': did you mean trips"):
            call()
    assert find_differences(graph, graph, mode="graph", weight="trips").values[0].tolist() == [9, 7]
    assert order_test(graph, weight="trips", draws=9).axes[0].n == 4
    assert (
        len(false_discovery(graph, mode="graph", weight="trips", decoys="shuffle", rng=np.random.default_rng(0)).q) == 2
    )


def test_attributes_of_nodes_are_columns_of_their_types(graph):
    asked = ("team", "size", "share", "big")
    frame = find_maxima(graph, mode="graph", weight="trips", node_attributes=asked).to_pandas()
    assert list(frame)[:12] == [
        "i",
        "j",
        "row",
        "column",
        *(f"{side}_{n}" for n in asked for side in ("row", "column")),
    ]
    assert frame["row_team"].tolist() == ["team A", "team C"] and pd.isna(frame["column_team"][1])
    assert frame["row_size"].tolist() == [3, 4] and frame["row_share"].tolist() == [1.5, 2.0]
    assert frame["row_big"].tolist() == [True, True]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 3], "i", [1, None, 3]),
        ([1, 2.5, None], "f", [1.0, 2.5, None]),
        ([True, False, None], "b", [True, False, None]),
        ([True, 2, None], "O", ["True", "2", None]),
        ([2**60, 1, None], "O", [str(2**60), "1", None]),
        (["x", (1, 2), 3], "O", ["x", "(1, 2)", "3"]),
    ],
)
def test_columns_hold_numbers_exactly_or_are_text(values, kind, expected):
    graph = nx.path_graph(3)
    for node, value in enumerate(values):
        if value is not None:
            graph.nodes[node]["x"] = value
    found = node_columns(graph, ["x"])["x"]
    assert (found.dtype.kind, found.tolist()) == (kind, expected)


def test_attributes_that_are_not_there_are_refused(graph):
    with pytest.raises(InputError, match="unknown node attribute 'tema': did you mean team"):
        find_maxima(graph, mode="graph", node_attributes=["tema"])
    with pytest.raises(InputError, match="node_attributes must be a sequence of names"):
        find_maxima(graph, mode="graph", node_attributes="team")
    for options in ({"weight": "trips"}, {"node_attributes": ["team"]}):
        with pytest.raises(InputError, match="names an attribute of a networkx graph, which this matrix is not"):
            find_maxima(np.eye(4), mode="graph", **options)
    for options in ({"node_attributes": ["team"]}, {"centroid": True}):
        with pytest.raises(InputError, match="has no effect on differences"):
            find_differences(graph, graph, **options)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_the_command_writes_attributes_of_a_graphml_file(graph, suffix, tmp_path, capsys):
    nx.write_graphml(graph, tmp_path / "g.graphml")
    out = tmp_path / f"m{suffix}"
    call = ["detect", str(tmp_path / "g.graphml"), "--models", "none", "--weight", "trips", "--out", str(out)]
    assert main([*call, "--node-attributes", "team,size"]) == 0
    if suffix == ".csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
    else:
        rows = json.loads(out.read_text()) if suffix == ".json" else parquet.read_table(out).to_pylist()
    none = "" if suffix == ".csv" else None
    assert [(row["row_team"], row["column_team"]) for row in rows] == [("team A", "team B"), ("team C", none)]
    assert str(rows[0]["row_size"]) == "3" and rows[1]["column_size"] == none
    card = json.loads((tmp_path / "m.card.json").read_text())
    assert card["node_attributes"] == ["team", "size"] and card["weight"] == "trips"


def test_the_command_refuses_attributes_of_other_files(tmp_path, capsys):
    (tmp_path / "e.csv").write_text("a,b,1\n")
    call = ["detect", "--models", "none", "--node-attributes", "team"]
    assert main([*call, str(tmp_path / "e.csv")]) == 2
    assert "has no attributes of nodes, as a .graphml file has" in capsys.readouterr().err
