"""The table of a detection: every format has the columns of one list, empty tables too."""

import csv
import json
import tracemalloc

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
import scipy.sparse as sp

from gnnmax import find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import false_discovery
from gnnmax.detection import table as table_module
from gnnmax.detection.output import write_table, write_windows
from gnnmax.detection.table import COLUMNS, Column, detections_of, with_net_scores
from gnnmax.detection.window_scoring import WindowBatch

MATRIX = np.random.default_rng(0).random((20, 20))
OF_MAXIMA = ["i", "j", "value", "margin", "ties", "missing"]


def read(path):
    """The columns of a table, and its rows."""
    if path.suffix == ".csv":
        lines = list(csv.reader(path.read_text().splitlines()))
        return lines[0], lines[1:]
    if path.suffix == ".json":
        rows = json.loads(path.read_text())
        return (list(rows[0]) if rows else None), rows
    table = parquet.read_table(path)
    return table.column_names, table.to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
@pytest.mark.parametrize("matrix", [MATRIX, np.ones((20, 20))], ids=["some", "none"])
def test_a_table_has_its_columns_whether_or_not_there_are_maxima(suffix, matrix, tmp_path):
    path = tmp_path / f"maxima{suffix}"
    write_table(path, detections_of(find_maxima(matrix, 5)))
    names, rows = read(path)
    assert names == OF_MAXIMA or (suffix == ".json" and rows == [])
    assert len(rows) == len(find_maxima(matrix, 5))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_empty_table_of_the_command_has_the_columns_of_a_full_one(suffix, tmp_path, capsys):
    calls = {"full": MATRIX, "none": np.ones((20, 20))}
    for name, matrix in calls.items():
        np.save(tmp_path / f"{name}.npy", matrix)
        assert main(["detect", str(tmp_path / f"{name}.npy"), "--k", "5", "--steps", "rank", "--decoys", "shuffle",
                     "--device", "cpu", "--out", str(tmp_path / f"{name}{suffix}")]) == 0  # fmt: skip
    (full, rows), (none, no_rows) = (read(tmp_path / f"{name}{suffix}") for name in calls)
    assert full == none and len(rows) > len(no_rows) == 0
    assert {"score", "steps", "statistic", "q", "centred", "cnn", "gnn", "agreement", "reason"} < set(full)
    card = json.loads((tmp_path / "none.card.json").read_text())
    assert list(card["columns"]) == none


NODES = [f"n{place}" for place in range(20)]
SOURCES = {
    "dense": lambda m: m,
    "whole numbers": lambda m: (m * 100).astype(np.int32),
    "single": lambda m: m.astype(np.float32),
    "sparse": sp.csr_array,
    "names": lambda m: pd.DataFrame(m, index=NODES, columns=NODES),
    "graph": lambda m: nx.from_numpy_array(m + m.T),
    "nothing stored": lambda m: sp.csr_array((20, 20)) if m.min() == m.max() else sp.csr_array(m),
}


@pytest.mark.parametrize("mode", ["ordered", "graph"])
@pytest.mark.parametrize("steps", [(), ("rank",)])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_shape_of_an_output_does_not_depend_on_what_was_found(source, steps, mode, tmp_path):
    shapes, lengths = [], []
    for matrix in (MATRIX, np.ones((20, 20))):
        found = false_discovery(
            source(matrix), 5, mode=mode, steps=steps, decoys="shuffle", draws=1, rng=np.random.default_rng(0)
        )
        table = detections_of(found.maxima, found)
        for suffix in (".csv", ".parquet"):
            write_table(tmp_path / f"m{suffix}", table)
        frame = found.maxima.to_pandas()
        header = (tmp_path / "m.csv").read_text().split("\n")[0]
        shapes.append((header, parquet.read_schema(tmp_path / "m.parquet").to_string(), dict(frame.dtypes)))
        lengths.append(len(table))
    assert shapes[0] == shapes[1] and lengths[0] > lengths[1] == 0


def test_the_card_names_columns_and_types_where_json_has_no_row(tmp_path, capsys):
    cards = []
    for matrix in (MATRIX, np.ones((20, 20))):
        np.save(tmp_path / "m.npy", matrix)
        assert main(["detect", str(tmp_path / "m.npy"), "--k", "5", "--models", "none", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        cards.append({name: told["card"][name] for name in ("columns", "types")})
        assert all(list(row) == list(cards[0]["columns"]) for row in told["maxima"])
    assert cards[0] == cards[1]
    assert cards[0]["types"] == dict(zip(OF_MAXIMA, ["int64"] * 2 + ["float64"] * 2 + ["int64"] * 2, strict=True))


def test_the_types_of_an_empty_parquet_table_are_those_of_a_full_one(tmp_path):
    for matrix in (MATRIX, (MATRIX * 100).astype(np.int32), (MATRIX * 100).astype(np.uint64), MATRIX > 0.9):
        schemas = []
        for index in (slice(None), slice(0)):
            write_table(tmp_path / "m.parquet", detections_of(find_maxima(matrix, 3)[index]))
            schemas.append(parquet.read_schema(tmp_path / "m.parquet"))
        assert schemas[0].equals(schemas[1])


def test_a_column_is_added_in_one_place(tmp_path, monkeypatch, capsys):
    twice = Column("twice", "double the value", float, lambda table: [2 * value for value in table.values])
    monkeypatch.setattr(table_module, "COLUMNS", (*COLUMNS, twice))
    np.save(tmp_path / "m.npy", MATRIX)
    call = ["detect", str(tmp_path / "m.npy"), "--k", "5", "--models", "none"]
    for suffix in (".csv", ".json", ".parquet"):
        assert main([*call, "--out", str(tmp_path / f"x{suffix}")]) == 0
        assert read(tmp_path / f"x{suffix}")[0] == [*OF_MAXIMA, "twice"]
    assert "twice" in capsys.readouterr().out
    assert main([*call, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert all(row["twice"] == 2 * row["value"] for row in told["maxima"])
    assert told["card"]["columns"]["twice"] == "double the value"


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_a_long_table_is_written_in_parts_and_its_memory_does_not_grow(suffix, tmp_path, monkeypatch):
    table = detections_of(find_maxima(np.random.default_rng(0).random((400, 400)), 3))
    write_table(tmp_path / f"whole{suffix}", table)
    monkeypatch.setattr(table_module, "PART", 500)
    peaks = []
    for length in (3_000, len(table)):
        tracemalloc.start()
        write_table(tmp_path / f"parts{suffix}", table[:length])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(table) > 15_000 and peaks[1] < peaks[0] + 500_000
    assert read(tmp_path / f"parts{suffix}") == read(tmp_path / f"whole{suffix}")
    if suffix != ".parquet":
        assert (tmp_path / f"parts{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


def test_windows_are_written_batch_by_batch(tmp_path):
    table = detections_of(find_maxima(MATRIX, 3)[:5])
    windows = np.random.default_rng(0).random((5, 3, 3))
    windows[1] = np.nan
    path = tmp_path / "windows.npz"
    write_windows(path, table, iter([WindowBatch(windows[:2]), WindowBatch(windows[2:])]))
    with np.load(path) as stored:
        assert np.array_equal(stored["windows"], windows, equal_nan=True)
        assert stored["rows"].tolist() == table.rows.tolist() and stored["columns"].tolist() == table.columns.tolist()


def test_names_of_columns_are_unique_and_each_says_what_it_holds():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert all(column.holds and not column.holds.endswith(".") for column in COLUMNS)


def test_a_table_of_a_graph_names_its_ends_and_a_margin_without_rival_is_none():
    graph = nx.Graph([("a", "b", {"weight": 2.0})])
    (row,) = detections_of(find_maxima(graph, mode="graph")).as_rows()
    assert row == {"i": 0, "j": 1, "row": "a", "column": "b", "value": 2.0, "margin": None, "ties": 0, "missing": 0}


def test_q_values_stand_beside_their_maxima():
    found = false_discovery(MATRIX, 5, decoys="shuffle", rng=np.random.default_rng(0))
    rows = detections_of(found.maxima, found).as_rows()
    assert [row["q"] for row in rows] == found.q.tolist()
    assert [row["statistic"] for row in rows] == found.statistic.tolist()


def test_nets_agree_with_the_rule_or_not_and_a_window_without_a_centre_has_no_answers():
    table = detections_of(find_maxima(MATRIX, 3)[:3])
    peak, edge = np.zeros((3, 3)), np.zeros((3, 3))
    peak[1, 1] = edge[0, 0] = 1
    batches = [WindowBatch(np.stack([peak, edge])), WindowBatch(np.full((1, 3, 3), np.nan))]
    nets = {"x": lambda w: w.values[:, 0, 0] + 1, "y": lambda w: -w.values[:, 0, 0]}
    rows = with_net_scores(table, batches, nets).as_rows()
    assert [row["centred"] for row in rows] == [True, False, None]
    assert [row["agreement"] for row in rows] == [0.5, 0.5, None]
    assert [row["reason"] for row in rows] == ["", "", "the window is not wholly measured"]
    assert [(row["x"], row["y"]) for row in rows] == [(1.0, 0.0), (2.0, -1.0), (None, None)]


@pytest.mark.parametrize(
    ("matrix", "values"),
    [
        (np.diag([1.0, np.inf, 2.0]), ["Infinity"]),
        (np.diag([1.0, 5.0, 2.0]).astype(np.longdouble), [5.0]),
        (np.diag([1, 5, 2]).astype(">i4"), [5]),
        (np.diag([1.0, 5.0, 2.0]).astype(">f8"), [5.0]),
        (np.diag([1.0, 5.0, 2.0]).astype(np.float16), [5.0]),
    ],
    ids=["infinite", "extended", "big-endian integers", "big-endian", "half"],
)
@pytest.mark.parametrize("mode", [["ordered", "--k", "3"], ["graph"]], ids=["ordered", "graph"])
def test_numbers_of_every_type_are_printed_and_written_as_strict_json(matrix, values, mode, tmp_path, capsys):
    np.save(tmp_path / "m.npy", matrix)
    out = tmp_path / "o.json"
    call = ["detect", str(tmp_path / "m.npy"), "--models", "none", "--mode", *mode, "--out", str(out)]
    assert main([*call, "--json"]) == 0
    card = json.loads((tmp_path / "o.card.json").read_text(), parse_constant=pytest.fail)
    assert card["maxima"] >= 1
    for rows in (
        json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["maxima"],
        json.loads(out.read_text(), parse_constant=pytest.fail),
    ):
        assert [row["value"] for row in rows][:1] == values


def test_an_infinite_option_leaves_the_card_strict_json(tmp_path):
    np.save(tmp_path / "m.npy", np.eye(9))
    call = ["detect", str(tmp_path / "m.npy"), "--models", "none", "--threshold=-inf", "--out", str(tmp_path / "o.csv")]
    assert main(call) == 0
    card = json.loads((tmp_path / "o.card.json").read_text(), parse_constant=pytest.fail)
    assert card["threshold"] == "-Infinity"
