"""The run commands: a run from end to end; every wrong call gives one line and status 2."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gnnmax.cli.main import main
from tests.support.interrupts import heed_interrupts, wait_until
from tests.support.refusals import refused

TINY = ["--steps", "4", "--evaluate-every", "2", "--device", "cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "tiles"
    sets = [f"--set=splits.{split}=2" for split in ("train", "val", "test")]
    assert main(["generate", "tiles-3", "--out", str(folder), *sets]) == 0
    return str(folder)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("runs") / "tiles")
    assert main(["compare", "--data", data, "--models", "cnn,gnn", "--seeds", "2", "--out", out, *TINY]) == 0
    return out


def test_a_run_is_reported_and_evaluated_from_its_folder(run, data, capsys, tmp_path):
    assert main(["evaluate", "--run", run, "--data", data, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["trained"]
    assert result["nets"] == ["cnn", "gnn"]
    assert main(["evaluate", "--run", run, "--data", data, "--split", "val"]) == 0
    assert "tiles-3/val" in capsys.readouterr().out
    assert "unknown split" in refused(["evaluate", "--run", run, "--data", data, "--split", "nope"], capsys)
    assert main(["report", run, "--heat-maps", str(tmp_path / "maps.svg")]) == 0
    assert "accuracy" in capsys.readouterr().out
    assert Path(run, "report.html").stat().st_size > 10_000
    assert main(["report", run, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("tiles-3\n\n| scorer |")


def test_train_makes_a_run_of_one_model(data, tmp_path, capsys):
    out = str(tmp_path / "one")
    assert main(["train", "--data", data, "--model", "gnn", "--seed", "7", "--out", out, "--json", *TINY]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"] == [7]
    assert main(["evaluate", "--run", f"{out}/gnn", "--data", data]) == 0
    assert main(["evaluate", "--run", f"{out}/gnn/seed-7", "--data", data]) == 0


def test_results_go_to_standard_output_and_nothing_to_standard_error(run, data, capfd):
    assert main(["evaluate", "--run", run, "--data", data]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--models", "cnm"], "unknown model 'cnm': did you mean cnn? known: "),
        (["--models", ","], "at least one model"),
        (["--seeds", "0"], "--seeds"),
        (["--steps", "0"], "training: Expected `int` >= 1 - at `$.steps`"),
        (["--device", "tpu"], "invalid choice"),
        (["--also", "nowhere"], "unknown recipe 'nowhere'"),
        (["--also", "real-karate", "--models", "question"], "side 3"),
        (["--workers", "0"], "workers"),
        (["--frobnicate"], "Unrecognized options: --frobnicate"),
    ],
)
def test_a_wrong_comparison_is_one_line_and_leaves_no_folder(data, words, complaint, capsys, tmp_path):
    out = tmp_path / "out"
    assert complaint in refused(["compare", "--data", data, "--out", str(out), *words], capsys)
    assert not out.exists()


def test_a_refusal_has_the_same_words_where_the_output_is_not_utf_8():
    said = [
        subprocess.run(
            [sys.executable, "-m", "gnnmax", "detect", "m.npy", "--nonsense"],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        ).stderr
        for encoding in ("utf-8", "latin-1")
    ]
    assert said[0] == said[1] and b"--nonsense" in said[0] and b"---" not in said[0].replace(b"--nonsense", b"")


def test_an_output_folder_in_use_is_refused(run, data, capsys):
    assert "in use" in refused(["compare", "--data", data, "--out", run, *TINY], capsys)
    assert main(["evaluate", "--run", run, "--data", data]) == 0


@pytest.mark.parametrize(
    ("command", "remedy"),
    [(["evaluate", "--data", "tiles-3", "--run"], "give a folder that"), (["report"], "expected a folder with")],
)
def test_a_folder_without_a_run_is_refused(command, remedy, capsys, tmp_path):
    assert remedy in refused([*command, str(tmp_path)], capsys)


def test_tampered_weights_are_refused(data, capsys, tmp_path):
    out = tmp_path / "run"
    assert main(["train", "--data", data, "--model", "cnn", "--out", str(out), *TINY]) == 0
    weights = out / "cnn" / "seed-0" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert "weights" in refused(["evaluate", "--run", str(out), "--data", data], capsys)


def test_tampered_data_are_refused_before_a_run_folder_is_made(capsys, tmp_path):
    folder = tmp_path / "tiles"
    assert main(["generate", "tiles-3", "--out", str(folder), "--set=splits.train=2"]) == 0
    shard = folder / "train-00000.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    out = tmp_path / "run"
    assert "SHA-256" in refused(["compare", "--data", str(folder), "--out", str(out)], capsys)
    assert not out.exists()


def test_an_interrupted_run_ends_with_130_and_a_folder_that_force_may_replace(data, tmp_path):
    import signal

    out = tmp_path / "run"
    words = ["compare", "--data", data, "--models", "gnn", "--seeds", "2", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "gnnmax", *words, "--workers", "2", "--steps", "100000"],
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    wait_until(lambda: list(out.glob("metrics/*.jsonl")), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert said.decode() == "gnnmax: interrupted\n"
    assert not (out / "results.json").exists()
    assert main([*words, "--force", *TINY]) == 0


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--out", "results.json"),
        ("--out", "config.json"),
        ("--out", "gnn/seed-0/weights.safetensors"),
        ("--heat-maps", "results.json"),
        ("--heat-maps", "gnn/seed-0/model.json"),
        ("--heat-maps", "link.svg"),
    ],
)
def test_a_report_never_takes_the_place_of_a_file_of_a_run(run, option, name, force, capsys, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "link.svg").symlink_to("results.json")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert option in refused(["report", str(copy), option, str(copy / name), *force], capsys)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_report_replaces_what_gnnmax_wrote_and_another_file_only_with_force(run, capsys, tmp_path):
    page, maps = tmp_path / "page.html", tmp_path / "maps.svg"
    call = ["report", run, "--out", str(page), "--heat-maps", str(maps)]
    assert main(call) == 0 and main(call) == 0
    assert main(["report", run, "--heat-maps", f"{run}/heat-maps.svg"]) == 0
    assert main(["report", run, "--heat-maps", f"{run}/heat-maps.svg"]) == 0
    for mine, content in ((page, "<title>my thesis</title>"), (maps, "<svg>my drawing</svg>")):
        ours = mine.read_bytes()
        mine.write_text(content)
        assert "--force" in refused(call, capsys)
        assert mine.read_text() == content
        assert main([*call, "--force"]) == 0
        assert mine.read_bytes() == ours
