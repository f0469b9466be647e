"""Detection from files: golden results, tables, run cards, scores of nets, and one line for each error."""

import csv
import json
import pickle
import re
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from pyarrow import parquet
from scipy.io import mmwrite
from torch_geometric.data import Data

from gnnmax import RULES, find_maxima, load_model, score_everywhere
from gnnmax.cli.main import main
from gnnmax.detection import read_matrix
from gnnmax.detection.dense_scoring import compare_with_rule
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.positions import detections_at
from gnnmax.detection.window_scoring import score_windows
from gnnmax.errors import InputError
from gnnmax.models.model_folders import save_model
from gnnmax.models.registry import build_model
from gnnmax.report.documents import markdown
from gnnmax.task.windows import Windows

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "tests" / "detection" / "golden_maxima.json").read_text(encoding="utf-8"))
MATRIX = np.random.default_rng(0).lognormal(size=(40, 50))


def asked(case):
    matrix = np.array(case["matrix"], dtype=float)  # null is NaN
    return matrix, {key: option_of(key, value) for key, value in case["options"].items()}


def option_of(key, value):
    """An option as Python takes it: two sides are a tuple, more are scales; labels and masks are arrays."""
    if not isinstance(value, list):
        return value
    if key == "k":
        return tuple(value) if len(value) == 2 else value
    return np.array(value) if key in ("labels", "threshold", "missing") else tuple(value)


def golden_markdown() -> str:
    """The table of the documents."""
    rows = [["what holds", "matrix", "options", "maxima"]]
    for case in GOLDEN:
        matrix = " / ".join(" ".join("NaN" if x is None else str(x) for x in row) for row in case["matrix"])
        options = ", ".join(f"{key} = {json.dumps(value)}" for key, value in case["options"].items())
        maxima = ", ".join(f"({i}, {j})" for i, j in case["maxima"]) or "none"
        rows.append([case["says"], f"`{matrix}`", f"`{options}`", maxima])
    return markdown(rows)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["says"])
def test_the_golden_answers_hold(case):
    matrix, options = asked(case)
    assert [[i, j] for i, j, _ in find_maxima(matrix, **options)] == case["maxima"]


def test_the_table_of_the_documents_is_that_of_the_golden_answers():
    assert golden_markdown() in (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")


def written(folder: Path, suffix: str, matrix: np.ndarray) -> Path:
    path = folder / f"matrix{suffix}"
    if suffix == ".npy":
        np.save(path, matrix)
    elif suffix == ".npz":
        np.savez(path, matrix)
    elif suffix == ".mtx":
        mmwrite(path, matrix)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mtx"])
def test_every_format_gives_the_same_maxima(suffix, tmp_path):
    read = read_matrix(written(tmp_path, suffix, MATRIX))
    assert isinstance(read, np.memmap) == (suffix == ".npy")
    assert list(find_maxima(read)) == list(find_maxima(MATRIX))


def test_edge_lists_graphml_and_sparse_files_are_the_same_graph(tmp_path):
    graph = nx.les_miserables_graph()
    nx.write_graphml(graph, tmp_path / "g.graphml")
    lines = [f"{u},{v},{w}\n" for u, v, w in graph.edges(data="weight")]
    (tmp_path / "g.csv").write_text("".join(lines), encoding="utf-8")
    sp.save_npz(tmp_path / "g.npz", nx.to_scipy_sparse_array(graph, format="csr"))
    expected = sorted(value for *_, value in find_maxima(graph, mode="graph"))
    for name in ("g.graphml", "g.csv", "g.npz"):
        assert sorted(value for *_, value in find_maxima(read_matrix(tmp_path / name), mode="graph")) == expected
    maxima = find_maxima(read_matrix(tmp_path / "g.csv"), mode="graph")
    assert {maxima.names[0][maxima.rows[0]], maxima.names[1][maxima.columns[0]]} == {"Valjean", "Cosette"}


def needs_whole_windows(folder):
    """Save a net that standardises its windows, and so takes no missing entries; return its folder."""
    save_model(folder / "whole", build_model("cnn", 9), name="cnn", k=9)
    return folder / "whole"


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_the_table_the_card_and_the_windows_hold_what_was_found(suffix, tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    out, windows = tmp_path / f"maxima{suffix}", tmp_path / "windows.npz"
    call = ["detect", str(tmp_path / "m.npy"), "--out", str(out), "--windows", str(windows), "--device", "cpu"]
    assert main([*call, "--models", f"gnn,{needs_whole_windows(tmp_path)}"]) == 0
    assert "maxima, mode ordered, 9 x 9, ties strict, border shrink" in " ".join(capsys.readouterr().out.split())
    maxima = find_maxima(MATRIX)
    if suffix == ".parquet":
        rows = parquet.read_table(out).to_pylist()
    elif suffix == ".json":
        rows = json.loads(out.read_text())
    else:
        rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(int(row["i"]), int(row["j"]), float(row["value"])) for row in rows] == list(maxima)
    scored = [row for row in rows if not row["reason"]]
    assert 0 < len(scored) < len(rows)
    assert all(float(row["gnn"]) > 0 and row["centred"] in (True, "True") for row in scored)
    card = json.loads((tmp_path / "maxima.card.json").read_text())
    assert card["maxima"] == len(maxima) and card["k"] == [9, 9] and card["steps"] == []
    assert card["without_score"] == {
        f"{tmp_path / 'whole'}: the window is not wholly measured": len(rows) - len(scored)
    }
    assert card["models"]["gnn"] == load_model("gnn").card.weights_sha256
    assert card["peak_memory_bytes"] > 0
    held = np.load(windows)
    assert held["windows"].shape == (len(maxima), 9, 9)
    np.testing.assert_array_equal(held["windows"][:, 4, 4], maxima.values)


def test_json_is_json_and_a_graph_has_names(tmp_path, capsys):
    nx.write_graphml(nx.les_miserables_graph(), tmp_path / "g.graphml")
    assert main(["detect", str(tmp_path / "g.graphml"), "--mode", "graph", "--json", "--device", "cpu"]) == 0
    told = json.loads(capsys.readouterr().out)
    first = told["maxima"][0]
    assert {first["row"], first["column"], first["value"]} == {"Valjean", "Cosette", 31}
    assert first["centred"] and first["agreement"] == 1.0
    agreed = [row["agreement"] for row in told["maxima"] if row["agreement"] is not None]
    assert np.mean(agreed) >= 0.99


def test_positions_are_told_of_in_their_order_with_a_reason_where_there_is_nothing(tmp_path, capsys):
    matrix = MATRIX.copy()
    matrix[5, 6] = np.nan
    np.save(tmp_path / "m.npy", matrix)
    (i, j, _), *_ = find_maxima(matrix, border="drop")
    (tmp_path / "asked.csv").write_text(f"i,j\n5,6\n{i},{j}\n99,0\n20,20\n0,0\n")
    call = ["detect", str(tmp_path / "m.npy"), "--positions", str(tmp_path / "asked.csv"), "--json", "--device", "cpu"]
    assert main([*call, "--models", f"gnn,{needs_whole_windows(tmp_path)}"]) == 0
    rows = json.loads(capsys.readouterr().out)["maxima"]
    assert [(row["i"], row["j"]) for row in rows] == [(5, 6), (i, j), (99, 0), (20, 20), (0, 0)]
    assert [row["reason"] for row in rows] == [
        "not measured", "", "outside the matrix of 40 x 50", "",
        f"{tmp_path / 'whole'}: the window is not wholly measured",
    ]  # fmt: skip
    assert (rows[1]["maximum"], rows[1]["centred"]) == (True, True)
    assert rows[3]["maximum"] is rows[3]["centred"] is ((20, 20) in {(a, b) for a, b, _ in find_maxima(matrix)})
    assert rows[0]["value"] is None and rows[4]["value"] == matrix[0, 0]
    assert (rows[4]["gnn"] is None, rows[4][str(tmp_path / "whole")]) == (False, None)  # ranks have a place for missing


def test_a_position_just_outside_the_matrix_is_outside_and_its_last_entry_is_not():
    table = detections_at(as_source(MATRIX), [(40, 0), (0, 50), (39, 49)], find_maxima(MATRIX))
    assert table.reasons.tolist() == ["outside the matrix of 40 x 50", "outside the matrix of 40 x 50", ""]
    assert table.values.tolist() == [None, None, MATRIX[39, 49]]


def test_positions_of_a_graph_go_by_name(tmp_path, capsys):
    nx.write_graphml(nx.les_miserables_graph(), tmp_path / "g.graphml")
    (tmp_path / "asked.csv").write_text("Cosette,Valjean\nNapoleon,Cosette\n")
    call = ["detect", str(tmp_path / "g.graphml"), "--mode", "graph", "--positions", str(tmp_path / "asked.csv")]
    assert main([*call, "--json", "--device", "cpu"]) == 0
    rows = json.loads(capsys.readouterr().out)["maxima"]
    assert [(row["value"], row["maximum"], row["reason"]) for row in rows] == [(31, True, ""), (0, False, "no edge")]
    for lines, complaint in (
        ("Cosette,Nobody", "line 1"),
        ("a,b,c", "no columns i, j or row, column or those of BEDPE, but a, b, c"),
        ("", "holds no line: expected lines i,j"),
    ):
        (tmp_path / "asked.csv").write_text(lines)
        assert main(call) == 2
        assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("name", ["argmax", "gnn"])
def test_everywhere_is_window_by_window(name):
    scorer = RULES["argmax"] if name == "argmax" else load_model("gnn", device="cpu")
    matrix = MATRIX.astype(np.float32)
    matrix[20, 30] = np.nan
    scores = score_everywhere(scorer, matrix, k=5)
    assert scores.shape == matrix.shape and np.isnan(scores[:2]).all() and np.isnan(scores[:, -2:]).all()
    for i, j in ((2, 2), (10, 40), (37, 47), (19, 33)):
        window = matrix[i - 2 : i + 3, j - 2 : j + 3]
        expected = scorer(Windows.from_values(window[None]))[0]
        np.testing.assert_allclose(scores[i, j], expected, rtol=1e-5)
    assert np.isnan(scores[18:23, 28:33]).all()
    found = {(i, j) for i, j, _ in find_maxima(matrix, 5, border="drop")}
    if name == "argmax":
        assert set(zip(*np.nonzero(scores > 0), strict=True)) == found
    part, reasons = score_windows(scorer, np.stack([matrix[:5, :5], matrix[18:23, 28:33]]))
    assert np.isnan(part[1]) and reasons.tolist() == ["", "the window is not wholly measured"]


def bad(folder: Path, name: str) -> list[str]:
    """A wrong call by its name."""
    path = folder / "m.npy"
    np.save(path, np.ones((12, 12)) if name != "complex" else np.ones((12, 12), dtype=complex))
    if name == "pickle":
        np.save(path, np.array([[{}]], dtype=object), allow_pickle=True)
    elif name == "bare pickle":
        path.write_bytes(pickle.dumps([1, 2]))
    elif name == "truncated":
        path.write_bytes(path.read_bytes()[:300])
    elif name == "all NaN":
        np.save(path, np.full((12, 12), np.nan))
    elif name == "vector":
        np.save(path, np.ones(12))
    elif name in ("bad row", "twice", "both ways"):
        path = folder / "e.csv"
        lines = {"bad row": "a,b,1\nc,d\n", "twice": "a,b,1\na,b,2\n", "both ways": "a,b,1\nb,a,2\n"}
        path.write_text(lines[name])
        return [str(path), "--mode", "graph"]
    elif name == "text":
        path = folder / "m.md"
        path.write_text("1 2")
    options = {
        "even": ["--k", "4"], "negative": ["--k", "-3"], "too large": ["--k", "15"], "border": ["--border", "some"],
        "ending": ["--out", str(folder / "x.xlsx")], "folder": ["--out", str(folder / "no" / "x.csv")],
        "model": ["--models", "resnet"], "rectangle": ["--k-columns", "5"], "missing": [],
    }  # fmt: skip
    if name == "missing":
        path = folder / "nowhere.npy"
    return [str(path), *options.get(name, [])]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("complex", "real numbers, not complex128"), ("pickle", "pickled objects"), ("bare pickle", "cannot read"),
        ("truncated", "cannot read the matrix"), ("all NaN", "no entry of the matrix was measured"),
        ("vector", "rows and columns"), ("bad row", "line 2"), ("twice", "line 2: the edge a,b is in line 1 already"),
        ("both ways", "given in both directions"), ("text", "ends in"), ("even", "must be odd"),
        ("negative", "must be odd"), ("too large", "do not fit"), ("border", "border must be shrink or drop"),
        ("ending", "must end in"), ("folder", "does not exist"), ("model", "or one of cnn, cnn-natural"),
        ("rectangle", "square windows"), ("missing", "No such file or directory; give the path"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line_and_nothing_is_written(name, complaint, tmp_path, capsys):
    call = bad(tmp_path, name)
    before = sorted(tmp_path.iterdir())
    assert main(["detect", *call]) == 2
    said = capsys.readouterr()
    assert complaint in said.err and said.err.count("\n") == 1 and said.out == ""
    assert sorted(tmp_path.iterdir()) == before


def test_a_directed_list_may_name_an_edge_in_both_directions(tmp_path):
    (tmp_path / "e.csv").write_text("a,b,1\nb,a,2\n")
    assert read_matrix(tmp_path / "e.csv", directed=True).matrix.nnz == 2
    with pytest.raises(InputError, match="both directions"):
        read_matrix(tmp_path / "e.csv")


def test_nets_asked_everywhere_say_what_a_screen_by_the_rule_would_keep(tmp_path, capsys):
    matrix = np.random.default_rng(0).lognormal(size=(40, 30)).astype(np.float32)
    matrix[8, 9] = np.nan
    np.save(tmp_path / "m.npy", matrix)
    call = ["detect", str(tmp_path / "m.npy"), "--k", "5", "--models", "gnn", "--device", "cpu"]
    assert main([*call, "--everywhere", str(tmp_path / "s.npz"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["card"]["everywhere"]["gnn"]
    scores = np.load(tmp_path / "s.npz")["gnn"]
    np.testing.assert_array_equal(scores, score_everywhere(load_model("gnn", device="cpu"), matrix, k=5))
    whole = {(i, j) for i, j, _ in find_maxima(matrix, 5, border="drop", triangle="both")}
    called = set(zip(*(axis.tolist() for axis in np.nonzero(scores > 0)), strict=True))
    assert told["windows"] == np.isfinite(scores).sum() and told["called"] == len(called) > 5
    assert told["kept"] == len(called & whole) and told["recall"] == len(called & whole) / len(called) > 0.99
    assert main([*call, "--everywhere", str(tmp_path / "s.npz")]) == 0
    assert "recall of the rule" in capsys.readouterr().out
    for wrong in (["--models", "none"], ["--mode", "graph"]):
        assert main([*call, *wrong, "--everywhere", str(tmp_path / "s.npz")]) == 2
        assert "--everywhere" in capsys.readouterr().err


@pytest.mark.parametrize("score", [-1, 0])
def test_a_net_that_calls_nothing_centred_has_no_recall(score):
    source = as_source(np.eye(9))
    compared = compare_with_rule(np.full((9, 9), score, dtype=np.float32), source, 3)
    assert (compared.called, compared.recall) == (0, None)
    everything = compare_with_rule(np.ones((9, 9), dtype=np.float32), source, 3)
    assert everything.recall == 0  # on the diagonal each is tied with the next


@pytest.mark.parametrize("weight", ["edge_weight", "edge_attr", None])
def test_a_pyg_graph_and_a_data_frame_are_matrices(weight):
    graph = nx.les_miserables_graph()
    edges = np.array([(u, v) for u, v in nx.convert_node_labels_to_integers(graph).edges]).T
    edges = np.concatenate([edges, edges[::-1]], axis=1)
    weights = np.tile([w for *_, w in graph.edges(data="weight")], 2)
    given = {} if weight is None else {weight: torch.tensor(weights)}
    data = Data(edge_index=torch.tensor(edges), num_nodes=graph.number_of_nodes(), **given)
    for _, _, attributes in graph.edges(data=True):
        attributes["weight"] = attributes["weight"] if weight else 1
    assert list(find_maxima(data, mode="graph")) == list(find_maxima(graph, mode="graph"))
    twice = Data(edge_index=torch.tensor([[0, 0], [1, 1]]), num_nodes=2)
    outside = Data(edge_index=torch.tensor([[0], [5]]), num_nodes=2)
    for wrong, said in ((twice, "given twice"), (outside, "outside the 2 nodes")):
        with pytest.raises(InputError, match=said):
            find_maxima(wrong, mode="graph")


def test_a_data_frame_names_its_rows_and_columns():
    matrix = np.random.default_rng(0).random((6, 4))
    frame = pd.DataFrame(matrix, index=list("abcdef"), columns=list("wxyz"))
    found = find_maxima(frame, k=3)
    assert list(found) == list(find_maxima(matrix, k=3))
    assert found.names == (tuple("abcdef"), tuple("wxyz"))


OUTPUTS = [
    ("--out", "t.csv"),
    ("--out", "t.json"),
    ("--windows", "w.npz"),
    ("--everywhere", "e.npz"),
    ("--page", "p.html"),
]


@pytest.mark.parametrize(("option", "name"), [*OUTPUTS, ("--out", "t.parquet")])
def test_an_output_of_ours_is_written_again_and_a_file_of_another_only_with_force(option, name, tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.random.default_rng(0).random((9, 9)))
    call = ["detect", str(tmp_path / "m.npy"), "--k", "3", option, str(tmp_path / name)]
    assert main(call) == 0 and main(call) == 0
    (tmp_path / name).write_bytes(b'{"name": "my-app", "version": "1.0.0"}')
    capsys.readouterr()
    assert main(call) == 2
    said = capsys.readouterr().err
    assert "gnnmax did not write it" in said and said.count("\n") == 1
    assert (tmp_path / name).read_bytes() == b'{"name": "my-app", "version": "1.0.0"}'
    assert main([*call, "--force"]) == 0


@pytest.mark.parametrize("foreign", ["i,j,weight\n1,2,3\n", "i,j\n1,2\n"])
def test_a_list_of_positions_is_no_table_of_ours(foreign, tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.random.default_rng(0).random((9, 9)))
    (tmp_path / "mine.csv").write_text(foreign)
    assert main(["detect", str(tmp_path / "m.npy"), "--k", "3", "--out", str(tmp_path / "mine.csv")]) == 2
    assert "gnnmax did not write it" in capsys.readouterr().err
    assert (tmp_path / "mine.csv").read_text() == foreign


@pytest.mark.parametrize(
    ("options", "which"),
    [
        (["--out", "m.csv"], "m.csv"), (["--positions", "p.csv", "--out", "p.csv"], "p.csv"),
        (["--windows", "w.npz", "--everywhere", "./w.npz"], "w.npz"), (["--positions", "x.card.json", "--out", "x.csv"],
         "x.card.json"), (["--out", "./sub/../m.csv"], "sub/../m.csv"),
    ],
)  # fmt: skip
def test_no_output_takes_the_place_of_an_input_or_of_another(options, which, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    for name in ("m.csv", "p.csv", "x.card.json"):
        Path(name).write_text("0,1,2\n1,2,3\n")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    assert main(["detect", "m.csv", "--k", "3", *options]) == 2
    said = capsys.readouterr()
    assert re.search(rf"{re.escape(which)} is (an input of this call|written by --\w+ too)", said.err)
    assert said.err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == before
