"""The data commands: every wrong call gives one line and status 2, and writes nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gnnmax import __version__, load_recipe
from gnnmax.cli.main import main
from gnnmax.data.store import MANIFEST, write_dataset
from tests.support.interrupts import heed_interrupts, wait_until


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stored(tmp_path):
    return write_dataset(load_recipe("tiny"), tmp_path / "stored")


def refused(capsys, *words):
    """Whether a call ended with status 2, one line on standard error, and nothing else anywhere."""
    before = sorted(Path().iterdir())
    status, said = main(list(words)), capsys.readouterr()
    assert status == 2, said
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert len(said.err) < 1_500
    assert sorted(Path().iterdir()) == before
    return said.err


WRONG = {
    "no command": [],
    "an unknown command": ["frobnicate"],
    "no recipe": ["generate"],
    "an unknown recipe": ["generate", "nowhere"],
    "a path without a file": ["generate", "nowhere.toml"],
    "a path above": ["generate", "../nowhere"],
    "no workers": ["generate", "tiny", "--workers", "0"],
    "workers below zero": ["generate", "tiny", "--workers", "-3"],
    "too many workers": ["generate", "tiny", "--workers", "100000"],
    "workers in words": ["generate", "tiny", "--workers", "two"],
    "an even k": ["generate", "tiny", "--set", "k=4"],
    "a change without a value": ["generate", "tiny", "--set", "k"],
    "a change without a key": ["generate", "tiny", "--set", "=4"],
    "a change of nothing": ["generate", "tiny", "--set", "frobnicate=1"],
    "a change that is deep": ["generate", "tiny", "--set", "k=" + "[" * 5_000],
    "a change to a name above": ["generate", "tiny", "--set", "name=../x"],
    "a change to a name with a line break": ["generate", "tiny", "--set", 'name="x\\n"'],
    "a change to an index": ["generate", "tiny", "--set", "weights.²=1"],
    "a change to 10^12 windows": ["generate", "tiny", "--set", "splits={train=1000000000000}"],
    "a margin that does not exist": ["generate", "tiny", "--set", "plant.margin=[100.0,100.0]"],
    "weights beyond float32": ["generate", "tiny", "--set", "weights=[{type='lognormal',sigma=1000.0}]"],
    "hosts without edges": ["generate", "tiny", "--set", "hosts.0.probability=0.0", "--out", "data"],
    "an unknown flag": ["generate", "tiny", "--frobnicate"],
    "a device as folder": ["generate", "tiny", "--out", "/dev/null"],
    "a file as folder": ["generate", "tiny", "--out", "/etc/hostname"],
    "a file as parent": ["generate", "tiny", "--out", "/etc/hostname/data"],
    "a folder that cannot be": ["generate", "tiny", "--out", "/proc/data"],
    "a name that is too long": ["generate", "tiny", "--out", "x" * 300],
    "a folder in use": ["generate", "tiny", "--out", "/", "--force"],
    "nothing to verify": ["verify"],
    "no data to verify": ["verify", "nowhere"],
    "a folder without data": ["verify", "/"],
    "no information on nothing": ["info", "nowhere"],
    "no information on a folder": ["info", "/"],
    "an unknown list": ["list", "nowhere"],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_one_line_and_nothing_is_written(name, capsys):
    assert refused(capsys, *WRONG[name]).startswith("gnnmax: ")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"k = " + b"[" * 5_000, "nested too deeply"),
        (b"seed = " + b"9" * 5_000, "not TOML"),
        (bytes(range(256)), "not TOML"),
        (b"", "missing required field"),
        (b" " * 1_000_001, "larger than 1 MB"),
    ],
    ids=["deep", "long number", "binary", "empty", "huge"],
)
def test_a_hostile_recipe_is_one_line(content, complaint, capsys, tmp_path):
    (tmp_path / "mine.toml").write_bytes(content)
    assert complaint in refused(capsys, "generate", "mine.toml")
    assert complaint in refused(capsys, "info", "mine.toml")


def test_a_pipe_is_not_read(capsys):
    os.mkfifo("pipe.toml")
    assert "regular file" in refused(capsys, "generate", "pipe.toml")


def test_a_folder_in_use_stays_as_it_is(stored, capsys):
    before = {path.name: path.read_bytes() for path in stored.iterdir()}
    assert "in use" in refused(capsys, "generate", "tiny", "--out", "stored", "--set", "seed=3")
    assert {path.name: path.read_bytes() for path in stored.iterdir()} == before


def test_what_is_generated_verifies_and_force_replaces_it(capsys, tmp_path):
    assert main(["generate", "tiny", "--set", "seed=3", "--set", "splits={train=9,test=2}", "--workers", "2"]) == 0
    assert capsys.readouterr() == ("datasets/tiny\n", "")
    assert main(["verify", "datasets/tiny"]) == 0
    assert main(["generate", "tiny", "--force"]) == 0
    assert json.loads((tmp_path / "datasets/tiny" / MANIFEST).read_text())["digest"] == load_recipe("tiny").digest


def test_tampered_data_do_not_verify(stored, capsys):
    shard = stored / "test-00000.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\2")
    assert main(["verify", "stored"]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert main(["verify", "stored", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)
    assert [check["claim"] for check in checks if not check["holds"]] == ["test: digests, names, dtypes and shapes"]
    assert "SHA-256" in refused(capsys, "info", "stored")


@pytest.mark.parametrize(
    "words", [["verify", "stored"], ["info", "stored"], ["info", "tiny"], ["info", "real-karate"], ["list"]], ids=str
)
def test_json_is_json_and_standard_error_is_silent(stored, words, capsys):
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)
    assert said.err == ""


@pytest.mark.parametrize("reader", ["head -1", "head -c 0", "true"])
def test_a_reader_that_has_seen_enough_is_no_error(reader):
    done = subprocess.run(
        f"{sys.executable} -m gnnmax list | {reader}; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("words", ["list", "list rules"])
def test_output_that_finds_no_room_is_one_line(words):
    with Path("/dev/full").open("w") as full:
        call = [sys.executable, "-m", "gnnmax", *words.split()]
        done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_the_command_tells_its_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gnnmax {__version__}\n"
    assert main(["--help"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_generation_ends_with_130_and_leaves_nothing(tmp_path, workers):
    words = [sys.executable, "-m", "gnnmax", "generate", "spike-15", "--out", "data", "--workers", workers]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, cwd=tmp_path, preexec_fn=heed_interrupts, **pipes)
    begun = ".data.*" if workers == "1" else ".data.*/*.safetensors"  # until all its workers draw
    wait_until(lambda: list(tmp_path.glob(begun)), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert (out, err) == ("", "gnnmax: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_page_of_a_card_never_takes_the_place_of_a_recipe_or_a_file_of_a_data_set(force, tmp_path, capsys):
    recipe = Path(__file__).parents[2] / "datasets" / "recipes" / "tiny.toml"
    own = tmp_path / "own.toml"
    own.write_bytes(recipe.read_bytes())
    assert main(["generate", "tiny", "--out", str(tmp_path / "data")]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for data, page in ((own, own), (tmp_path / "data", tmp_path / "data" / "manifest.json")):
        assert main(["info", str(data), "--page", str(page), *force]) == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_page_of_a_card_replaces_a_page_of_ours_and_another_only_with_force(tmp_path, capsys):
    page = tmp_path / "card.html"
    call = ["info", "tiny", "--page", str(page)]
    assert main(call) == 0 and main(call) == 0
    page.write_text("<title>my thesis</title>")
    assert main(call) == 2
    assert page.read_text() == "<title>my thesis</title>"
    assert main([*call, "--force"]) == 0
