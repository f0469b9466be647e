"""One's own graph as host: parts share no node, names are kept to the end, and the printed recipe is ready."""

import tomllib

import msgspec
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gnnmax import InputError, build, find_maxima, open_dataset
from gnnmax.cli.main import main
from gnnmax.data.dataset import DataSet
from gnnmax.data.hosts.graph_objects import host_of
from gnnmax.data.hosts.graph_parts import Part, part_nodes
from gnnmax.data.hosts.own_files import keep, name_file, names_of
from gnnmax.data.own_graph import recipe_of_graph
from gnnmax.data.recipe import parse_recipe
from gnnmax.data.store import write_dataset
from gnnmax.data.verification import _pairs_apart, verify
from gnnmax.io.graph_files.text_tables import read_edge_columns

K = 5


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    graph = nx.relabel_nodes(nx.connected_watts_strogatz_graph(120, 14, 0.2, seed=1), lambda node: f"gene{node}")
    for u, v in graph.edges:
        graph[u][v]["score"] = float(rng.exponential())
    return graph


@pytest.fixture(scope="module")
def folder(graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    nx.write_graphml(graph, folder / "My Graph.graphml")
    lines = [f"{u},x,{v},{data['score']!r}" for u, v, data in graph.edges(data=True)]
    (folder / "edges.csv").write_text("\ufefffrom,kind,to,score\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


COLUMNS = ("from", "to", "score")


@pytest.fixture(scope="module")
def stored(folder):
    recipe = recipe_of_graph(folder / "edges.csv", k=K, parts=5, columns=COLUMNS)
    return write_dataset(recipe, folder / "data")


def test_the_printed_recipe_is_ready_to_be_drawn(folder, capsys):
    assert main(["host", str(folder / "edges.csv"), "--columns", ",".join(COLUMNS), "--k", "5", "--parts", "3"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# 120 nodes, 840 edges\n# weights from ")
    recipe = parse_recipe(tomllib.loads(printed), "printed")
    assert recipe == recipe_of_graph(folder / "edges.csv", k=K, parts=3, columns=COLUMNS)
    data = build(recipe)
    assert [len(data[split]) for split in data] == [64, 64, 64] and data.test.row_context is not None


def test_planted_maxima_stand_among_the_graphs_own_weights(stored, graph):
    windows = open_dataset(stored).test
    own = {np.float32(data["score"]) for *_, data in graph.edges(data=True)} | {np.float32(0)}
    foreign = [len(set(values.ravel().tolist()) - own) for values in windows.values]
    assert max(foreign) <= 2 and 0.4 < windows.label.mean() < 0.6


def test_no_pair_of_nodes_is_in_two_splits_and_verification_says_so(stored):
    checks = {check.claim: check for check in verify(stored, every_host=True)}
    assert all(check.holds for check in checks.values())
    assert "no pair of nodes of a file is in two splits" in checks
    data = open_dataset(stored)
    nodes = [set(np.concatenate([w.rows.ravel(), w.columns.ravel()]).tolist()) for w in data.values()]
    assert not nodes[0] & nodes[1] and not nodes[0] & nodes[2] and not nodes[1] & nodes[2]


def test_verification_notices_a_pair_of_nodes_in_two_splits(stored):
    data = open_dataset(stored)
    train, test = data.train[:], data.test[:]
    rows = train.rows.copy()
    rows[0, :2] = test.rows[0, :2]
    moved = {"train": type(train)(**{**train.arrays(), "rows": rows}), "test": test}
    check = _pairs_apart(DataSet(data.recipe, moved), data.recipe)
    assert not check.holds and "2 nodes are in train and test" in check.found


def test_the_parts_of_a_graph_are_disjoint_and_all_of_it(folder):
    host = name_file(folder / "edges.csv", columns=COLUMNS).sample(np.random.default_rng(0))
    for along in ("rcm", "natural"):
        parts = [part_nodes(host, Part(index, 7, along)) for index in range(7)]
        assert sorted(np.concatenate(parts).tolist()) == list(range(120))
        assert {len(part) for part in parts} <= {17, 18}


def test_hosts_that_share_nodes_are_refused_in_one_recipe(folder):
    recipe = recipe_of_graph(folder / "edges.csv", k=K, parts=3, columns=COLUMNS).to_dict()
    whole = {name: value for name, value in recipe["hosts"][0].items() if name != "part"}
    for other in (whole, {**whole, "part": {"index": 0, "of": 4}}):
        with pytest.raises(InputError, match="share nodes"):
            parse_recipe({**recipe, "hosts": [other, *recipe["hosts"][1:]]}, "x")
    with pytest.raises(InputError, match="index must be below"):
        parse_recipe({**recipe, "hosts": [{**whole, "part": {"index": 3, "of": 3}}]}, "x")


def test_names_of_nodes_are_kept_in_windows_tables_and_pictures(stored, graph):
    windows = open_dataset(stored).test
    rows, columns = windows.names_of(3)
    for at, row in enumerate(rows):
        for across, column in enumerate(columns):
            if (at, across) != (K // 2, K // 2) and not windows[3].kind_code.any():
                weight = graph.get_edge_data(row, column, {"score": 0.0})["score"]
                assert weight == pytest.approx(windows.values[3, at, across], abs=1e-6)
    frame = windows[3:5].to_pandas()
    assert frame.row_name[0] == rows[K // 2] and frame.column_name[0] == columns[K // 2]
    _, axes = windows[3].plot()
    assert [text.get_text() for text in axes[0].get_yticklabels()] == rows
    assert windows.relabelled(np.random.default_rng(0)).names_of(3)[0][K // 2] == rows[K // 2]


def test_names_are_numbers_where_the_file_was_moved(folder, tmp_path, monkeypatch):
    copy = tmp_path / "edges.csv"
    copy.write_bytes((folder / "edges.csv").read_bytes())
    stored = write_dataset(recipe_of_graph(copy, k=3, parts=3, columns=COLUMNS), tmp_path / "data")
    names_of.cache_clear()
    copy.unlink()
    assert open_dataset(stored).test.names_of(0)[0][0].isdecimal()


@pytest.mark.parametrize("form", ["adjacency", "edges", "networkx"])
def test_data_frames_and_graphs_are_hosts_with_names(graph, form, tmp_path):
    listed = pd.DataFrame([(u, v, d["score"], "x") for u, v, d in graph.edges(data=True)], columns=[*COLUMNS, "kind"])
    expected = nx.to_numpy_array(graph, weight="score").astype(np.float32)
    order = {name: place for place, name in enumerate(graph)}
    if form == "adjacency":
        given, columns = nx.to_pandas_adjacency(graph, weight="score"), None
    elif form == "edges":
        given, columns = listed, COLUMNS
    else:
        given, columns = nx.from_pandas_edgelist(listed, *COLUMNS[:2]), None
        nx.set_edge_attributes(given, {(u, v): graph[u][v]["score"] for u, v in given.edges}, "weight")
    host = host_of(given, columns=columns)
    family = keep(given, tmp_path / "kept.graphml", columns=columns)
    again, names = family.sample(np.random.default_rng(0)), names_of(family)
    assert np.array_equal(again.edges, host.edges) and np.allclose(again.weights, host.weights)
    for (u, v), weight in zip(host.edges.tolist(), host.weights.tolist(), strict=True):
        assert expected[order[names[u]], order[names[v]]] == pytest.approx(weight)
    maxima = find_maxima(nx.to_pandas_adjacency(graph, weight="score"), mode="graph")
    assert maxima.to_pandas().row.isin(list(graph)).all()


def test_the_only_edge_attribute_holds_the_weights_and_several_are_asked_for(folder, tmp_path, graph):
    file = recipe_of_graph(folder / "My Graph.graphml", k=3, parts=3).hosts[0]
    assert file.weight == "score" and names_of(file)[0] == "gene0"
    both = graph.copy()
    nx.set_edge_attributes(both, 1.0, "age")
    nx.write_graphml(both, tmp_path / "both.graphml")
    with pytest.raises(InputError, match="but age, score: name the attribute with --weight"):
        recipe_of_graph(tmp_path / "both.graphml")
    assert recipe_of_graph(tmp_path / "both.graphml", weight="score", k=3, parts=3).name == "both"
    with pytest.raises(InputError, match="did you mean score"):
        recipe_of_graph(tmp_path / "both.graphml", weight="scor")


def test_a_graph_without_weights_gets_drawn_ones(tmp_path):
    np.save(tmp_path / "karate.npy", nx.to_numpy_array(nx.karate_club_graph(), weight=None))
    recipe = recipe_of_graph(tmp_path / "karate.npy")
    assert recipe.k == 9 and not recipe.hosts[0].weighted and len(recipe.weights) == 1


def test_a_recipe_of_a_file_has_the_digest_that_it_had_before_parts_were_known(tmp_path):
    plain = name_file(_csv(tmp_path, "a,b,1\nb,c,2\n"))
    assert set(msgspec.to_builtins(plain)) == {"type", "path", "sha256", "directed", "weighted"}


def _csv(folder, text):
    (folder / "g.csv").write_text(text)
    return folder / "g.csv"


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda f: recipe_of_graph(f / "edges.csv", columns=("from", "too", "score")), "did you mean to"),
        (
            lambda f: recipe_of_graph(f / "edges.csv", columns=("from", "to", "kind")),
            "line 2: expected a number as weight",
        ),
        (lambda f: recipe_of_graph(f / "edges.csv", parts=4), "parts must be 10, 5 or 3"),
        (lambda f: recipe_of_graph(f / "edges.csv", columns=COLUMNS, k=99), "makes no windows"),
        (lambda f: recipe_of_graph(f / "nowhere.csv"), "cannot read the graph"),
        (lambda f: host_of(pd.DataFrame({"a": [1, 2], "b": [3, 4]})), "for a list of edges give columns"),
        (lambda f: keep(np.eye(3), f / "x.csv"), "new file"),
        (lambda f: read_edge_columns(b"a,b,c\n", ("a", "b", "c")), "no edge"),
    ],
)
def test_what_is_no_graph_is_refused_in_one_line(folder, call, match):
    with pytest.raises(InputError, match=match) as caught:
        call(folder)
    assert "\n" not in str(caught.value)
