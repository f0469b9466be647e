"""The option --by: one command searches a matrix by a net, and says where the rule agrees."""

import csv
import json
import shutil

import numpy as np
import pytest

from gnnmax import build, load_model, load_recipe
from gnnmax.cli.main import main
from gnnmax.detection import find_calls
from gnnmax.models.maps.registry import build_map_model
from gnnmax.models.model_folders import SHIPPED, read_card, save_model

MATRIX = np.random.default_rng(0).random((24, 30))


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.parametrize(("net", "reads"), [("product", "windows with contexts"), ("map-product", "the whole matrix")])
def test_a_shuffled_line_map_in_a_file_is_one_command(net, reads, tmp_path, capsys):
    maps = build(load_recipe("line-64-shuffled").replace(splits={"test": 1}, **{"map.n": 32})).test
    np.savez(tmp_path / "map.npz", maps.values[0])
    call = ["detect", str(tmp_path / "map.npz"), "--by", net, "--mode", "graph", "--device", "cpu"]
    assert main([*call, "--models", "none", "--out", str(tmp_path / "calls.csv")]) == 0
    said = capsys.readouterr()
    rows = rows_of(tmp_path / "calls.csv")
    calls = find_calls(maps.values[0], net, mode="graph")
    assert [(int(row["i"]), int(row["j"])) for row in rows] == [place[:2] for place in calls.maxima]
    np.testing.assert_allclose([float(row["score"]) for row in rows], calls.maxima.scores, rtol=1e-6)
    np.testing.assert_allclose([float(row["value"]) for row in rows], calls.maxima.values, rtol=1e-6)
    assert [row["maximum"] for row in rows] == [str(answer) for answer in calls.is_maximum.tolist()]
    agreed = int(calls.is_maximum.sum())
    assert f"the rule agrees with {agreed} of {len(rows)} calls ({agreed / len(rows):.1%})" in said.out
    card = json.loads((tmp_path / "calls.card.json").read_text())["by"]
    assert card["net"] == net and card["reads"] == reads and card["calls"] == len(rows)
    assert card["weights_sha256"] == read_card(SHIPPED / net / "model.json").weights_sha256
    assert card["agreement"] == pytest.approx(calls.agreement) and said.err == ""


def test_the_score_of_a_call_is_that_of_the_same_net_on_its_window(tmp_path):
    np.save(tmp_path / "m.npy", MATRIX)
    for by, mode in (("gnn", "ordered"), ("product", "graph")):
        matrix = MATRIX[:, :24] + MATRIX[:, :24].T
        np.save(tmp_path / "m.npy", matrix)
        call = ["detect", str(tmp_path / "m.npy"), "--by", by, "--models", by, "--mode", mode, "--device", "cpu"]
        assert main([*call, "--k", "5", "--out", str(tmp_path / f"{by}.csv")]) == 0
        rows = rows_of(tmp_path / f"{by}.csv")
        found = [[float(row[name]) for row in rows] for name in ("score", by)]
        np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4)
        assert len(rows) > 3 and {row["reason"] for row in rows} == {""}


@pytest.mark.slow
def test_two_workers_write_the_calls_and_the_score_maps_of_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr("gnnmax.detection.score_strips.STRIP", 8)
    np.save(tmp_path / "m.npy", MATRIX)
    for workers in ("1", "2"):
        call = ["detect", str(tmp_path / "m.npy"), "--by", "gnn", "--models", "gnn", "--device", "cpu", "--k", "5"]
        call += ["--everywhere", str(tmp_path / f"{workers}.npz"), "--out", str(tmp_path / f"{workers}.csv")]
        assert main([*call, "--workers", workers]) == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    maps = [np.load(tmp_path / f"{workers}.npz")["gnn"] for workers in "12"]
    np.testing.assert_array_equal(*maps)


def test_workers_are_refused_where_no_net_scores_every_entry(tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    for more, said in (
        (["--models", "gnn"], "--workers has no effect in this call: it needs a net that scores every entry"),
        (["--by", "gnn", "--mode", "graph"], "--workers has no effect in this call"),
        (["--by", "map-product"], "the net map-product reads the whole matrix, in one process"),
    ):
        assert main(["detect", str(tmp_path / "m.npy"), "--workers", "2", "--device", "cpu", *more]) == 2
        assert said in capsys.readouterr().err


def test_a_net_on_maps_is_given_by_its_folder(tmp_path, capsys):
    save_model(tmp_path / "net", build_map_model("map-gnn"), name="map-gnn", k=None)
    matrix = MATRIX[:, :24] + MATRIX[:, :24].T
    np.savez(tmp_path / "m.npz", matrix)
    call = ["detect", str(tmp_path / "m.npz"), "--by", str(tmp_path / "net"), "--models", "none", "--k", "5"]
    assert main([*call, "--out", str(tmp_path / "t.csv")]) == 0
    card = json.loads((tmp_path / "t.card.json").read_text())["by"]
    assert card["reads"] == "the whole matrix" and card["calls"] == len(rows_of(tmp_path / "t.csv")) > 0
    np.savez(tmp_path / "m.npz", MATRIX)
    capsys.readouterr()
    assert main(call) == 2
    assert "bipartite maps have none among rows" in capsys.readouterr().err


def test_calls_have_q_values_by_decoys_and_are_dropped_by_them(tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    call = ["detect", str(tmp_path / "m.npy"), "--by", "gnn", "--models", "none", "--k", "5", "--device", "cpu"]
    decoys = ["--decoys", "shuffle", "--draws", "2", "--seed", "4"]
    assert main([*call, *decoys, "--out", str(tmp_path / "t.csv")]) == 0
    rows = rows_of(tmp_path / "t.csv")
    found = find_calls(
        MATRIX, load_model("gnn", device="cpu"), 5, decoys="shuffle", draws=2, rng=np.random.default_rng(4)
    )
    np.testing.assert_allclose([float(row["q"]) for row in rows], found.q)
    assert [row["statistic"] for row in rows] == [row["score"] for row in rows]
    capsys.readouterr()
    assert main([*call, *decoys, "--fdr", "0.001", "--threshold", "p50"]) == 0
    assert "has a q-value up to --fdr 0.001" in " ".join(capsys.readouterr().out.split())


def test_the_page_names_the_net_and_the_rule(tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    page = tmp_path / "p.html"
    assert main(["detect", str(tmp_path / "m.npy"), "--by", "gnn", "--k", "5", "--page", str(page)]) == 0
    assert "by the net gnn" in page.read_text() and "calls are maxima of the matrix by the rule" in page.read_text()


def test_where_there_is_no_call_the_reason_is_that_of_the_score_map(tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    call = ["detect", str(tmp_path / "m.npy"), "--by", "gnn", "--models", "none", "--k", "5", "--threshold", "1000"]
    assert main(call) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "no maximum is above --threshold 1000; without --threshold 1000:" in said


def truncated(folder):
    shutil.copytree(SHIPPED / "gnn", folder)
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return folder


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--by", "gnm"], "did you mean gnn"),
        (["--by", ""], "--by takes one net"),
        (["--by", "gnn,cnn"], "--by takes one net, not 'gnn,cnn'"),
        (["--by", "product"], "a matrix of 24 x 30 whose rows and columns are different nodes has none"),
        (["--by", "gnn", "--mode", "graph"], "a square matrix, not 24 x 30"),
        (["--by", "gnn", "--k", "4"], "k must be odd"),
        (["--by", "gnn", "--k", "25"], "24 x 30"),
        (["--by", "gnn", "--k-columns", "5"], "leave out --by and pass --models none"),
        (["--by", "truncated"], "cut short"),
    ],
)
def test_wrong_nets_and_matrices_are_refused_in_one_line(flags, complaint, tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    flags = [str(truncated(tmp_path / "net")) if word == "truncated" else word for word in flags]
    out = tmp_path / "t.csv"
    assert main(["detect", str(tmp_path / "m.npy"), "--models", "none", *flags, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert complaint in said.err and said.err.count("\n") == 1 and said.out == "" and not out.exists()
