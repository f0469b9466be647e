"""The command detect always writes the table of the rule, and gives reasons that hold in the case at hand."""

import csv
import json
import os

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

from gnnmax import find_maxima
from gnnmax.cli.main import main
from gnnmax.models.model_folders import save_model
from gnnmax.models.registry import build_model
from tests.support.faults import failing

COUNTS = np.random.default_rng(0).integers(3e8, 3e8 + 400, (30, 30))
"""Counts that float32 merges."""


def table_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def detect(folder, matrix, *options):
    """Run the command on a matrix; return the exit status and the path of the table."""
    path = folder / "m.npy"
    np.save(path, matrix)
    return main(["detect", str(path), "--out", str(folder / "t.csv"), *options]), folder / "t.csv"


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.int32, np.float32])
def test_values_that_float32_merges_have_a_table_with_scores(dtype, tmp_path, capsys):
    matrix = COUNTS.astype(dtype)
    status, out = detect(tmp_path, matrix, "--k", "5")
    assert status == 0 and capsys.readouterr().err == ""
    rows = table_of(out)
    assert [(int(row["i"]), int(row["j"])) for row in rows] == [place[:2] for place in find_maxima(matrix, 5)]
    assert all(row["centred"] == "True" and row["cnn"] and row["gnn"] and not row["reason"] for row in rows)


def test_a_net_that_cannot_score_is_a_reason_in_its_rows_and_the_others_score(tmp_path, capsys):
    save_model(tmp_path / "seven", build_model("vit", 9), name="vit", k=9)
    seven = str(tmp_path / "seven")
    status, out = detect(tmp_path, COUNTS % 97, "--k", "5", "--models", f"gnn,{seven}")
    assert status == 0 and capsys.readouterr().err == ""
    rows = table_of(out)
    assert rows and all(row["gnn"] and row["centred"] == "True" and row["agreement"] == "1.0" for row in rows)
    whole = [row for row in rows if "not wholly" not in row["reason"]]
    assert whole and all(row["reason"].startswith(f"{seven}: vit was trained on windows of side 9") for row in whole)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [(17, "windows of side 9 are cut from graphs of at least 18 nodes, not of 17"), (4200, "")],
)
def test_a_graph_with_too_few_nodes_for_windows_has_a_table_with_the_reason(nodes, reason, tmp_path, capsys):
    ring = sp.diags_array(np.arange(1.0, nodes), offsets=1).tocsr()
    sp.save_npz(tmp_path / "g.npz", ring + ring.T)
    out = tmp_path / "t.csv"
    assert main(["detect", str(tmp_path / "g.npz"), "--mode", "graph", "--device", "cpu", "--out", str(out)]) == 0
    (row,) = table_of(out)
    assert (row["i"], row["j"], row["value"]) == (str(nodes - 2), str(nodes - 1), str(nodes - 1.0))
    assert row["reason"] == reason and (row["gnn"] == "") == (reason != "")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("matrix", "options"),
    [
        (np.where(np.eye(20) > 0, np.inf, COUNTS[:20, :20]), ["--ties", "all"]),
        (COUNTS * 5e299, []),
        (np.where(np.eye(20) > 0, np.inf, COUNTS[:20, :20]), ["--ties", "all", "--mode", "graph"]),
    ],
    ids=["infinite", "huge", "graph"],
)
def test_decoys_without_finite_means_leave_the_table_with_the_reason(matrix, options, tmp_path, capsys):
    decoys = ["--models", "none", "--decoys", "shuffle", "--draws", "2", "--fdr", "0.1"]
    sides = [] if "graph" in options else ["--k", "5"]
    status, out = detect(tmp_path, matrix, *options, *sides, *decoys)
    said = capsys.readouterr()
    assert status == 0 and said.err == "" and "no q-values, and no maximum dropped: decoys need" in said.out
    rows = table_of(out)
    assert len(rows) > 3
    assert all(row["q"] == "" and row["statistic"] == "" and "no q-value: " in row["reason"] for row in rows)
    card = json.loads((tmp_path / "t.card.json").read_text())
    assert card["decoys"]["dropped"] == 0 and "finite" in card["decoys"]["failed"]


EXTRAS = {
    "--windows": ("w.npz", "gnnmax.cli.detect_command.write_windows"),
    "--everywhere": ("e.npz", "gnnmax.cli.detect_nets.write_arrays"),
    "--page": ("p.html", "gnnmax.report.matrix_page.write_whole"),
}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError("unable to allocate")])
@pytest.mark.parametrize("flag", EXTRAS)
def test_an_output_that_cannot_be_written_leaves_the_others(flag, error, tmp_path, capsys, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(EXTRAS[flag][1], fail)
    outputs = [word for each, (name, _) in EXTRAS.items() for word in (each, str(tmp_path / name))]
    status, out = detect(tmp_path, COUNTS[:12, :12], "--k", "3", "--models", "gnn", *outputs)
    said = capsys.readouterr()
    reason = "No space left on device" if isinstance(error, OSError) else "not enough memory: unable to allocate"
    assert status == 2 and said.err.count("\n") == 1
    assert f"not written: {flag} {tmp_path / EXTRAS[flag][0]} ({reason}); written: --out {out}, " in said.err
    assert "maxima, mode ordered" in " ".join(said.out.split())
    assert table_of(out) and json.loads((tmp_path / "t.card.json").read_text())["maxima"] == len(table_of(out))
    assert all((tmp_path / name).exists() == (each != flag) for each, (name, _) in EXTRAS.items())


def test_a_table_that_cannot_be_written_is_still_printed(tmp_path, capsys, monkeypatch):
    failing(monkeypatch, os, "fsync", 1)
    status, out = detect(tmp_path, COUNTS[:12, :12], "--k", "3", "--models", "none")
    said = capsys.readouterr()
    assert status == 2 and f"not written: --out {out} (No space left on device)" in said.err
    assert (
        "maxima, mode ordered" in " ".join(said.out.split())
        and str(out) not in said.out.splitlines()
        and not out.exists()
    )


def test_a_wrong_net_is_refused_before_the_search(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gnnmax.detection.search.search_matrix", None)
    assert detect(tmp_path, COUNTS, "--models", "resnet")[0] == 2
    assert "or one of cnn" in capsys.readouterr().err


BUMP = np.pad(np.full((1, 1), 5.0), 5)
PAIR = np.pad(np.full((1, 2), 5.0), 5)
REASONS = [
    (np.ones((12, 12)), [], "all entries of each window are equal"),
    (np.zeros((12, 12)), ["--ties", "all"], "all entries of each window are equal"),
    (np.zeros((12, 12)), ["--threshold", "9"], "all entries of each window are equal"),
    (np.ones((12, 12)), ["--border", "drop", "--ties", "all"], "all entries of each window are equal"),
    (BUMP, ["--threshold", "9"], "no maximum is above --threshold 9; without --threshold 9: 1 maximum"),
    (PAIR, [], "no entry is above all others of its window; with --ties all: 2 maxima"),
    (PAIR, ["--threshold", "9"],
     "there is none with all these options; without --threshold 9 and with --ties all: 2 maxima"),
    (np.diag([5.0, 0, 0, 0]), ["--border", "drop"],
     "the window of every maximum misses more entries than --border drop allows; without --border drop: 1 maximum"),
    (np.diag([5.0, 0, 0, 0]), ["--max-missing", "2"],
     "the window of every maximum misses more entries than --max-missing 2 allows; without --max-missing 2: 1 maximum"),
    (-np.ones((12, 12)), ["--steps", "distance"],
     "no entry has a score after --steps distance: the mean at its distance is not above 0"),
    (np.zeros((5, 5)), ["--mode", "graph"], "the graph has no edge"),
    (np.ones((3, 3)) - np.eye(3), ["--mode", "graph"], "no edge is above another one at its ends"),
    (np.kron(np.eye(2), [[0, 2, 2], [2, 0, 1], [2, 1, 0]]), ["--mode", "graph"],
     "no edge is above all others at its ends; with --ties all: 4 maxima"),
    (nx.to_numpy_array(nx.path_graph(4)) * [[1], [2], [2], [1]] * [1, 2, 2, 1], ["--mode", "graph", "--threshold", "7"],
     "no maximum is above --threshold 7; without --threshold 7: 1 maximum"),
]  # fmt: skip


@pytest.mark.parametrize(("matrix", "options", "reason"), REASONS)
def test_that_there_is_no_maximum_has_a_reason_that_holds(matrix, options, reason, tmp_path, capsys):
    sides = [] if "graph" in options else ["--k", "3"]
    status, _ = detect(tmp_path, matrix, "--models", "none", *sides, *options)
    printed = " ".join(capsys.readouterr().out.split())
    assert status == 0 and f"no maximum found: {reason}" in printed
    assert json.loads((tmp_path / "t.card.json").read_text())["no_maximum"] == reason


def test_a_list_with_maxima_has_no_reason_for_none(tmp_path):
    assert detect(tmp_path, BUMP, "--k", "3", "--models", "none")[0] == 0
    assert json.loads((tmp_path / "t.card.json").read_text())["no_maximum"] == ""
