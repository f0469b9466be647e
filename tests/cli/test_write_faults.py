"""After an interrupted generation the folder holds a complete data set or none, and the next generation succeeds."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gnnmax.data.store as store
from gnnmax import load_recipe
from gnnmax.data.store import write_dataset
from gnnmax.data.verification import verify
from gnnmax.errors import InputError
from tests.support.faults import failing

RECIPE = load_recipe("tiny").replace(splits={"train": 40, "test": 6})
SCRIPT = """
import sys
import gnnmax.data.store as store
from gnnmax import load_recipe
store.SHARD_BYTES = 4000  # several shards
recipe = load_recipe("tiny").replace(splits={"train": 40, "test": 6})
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
store.write_dataset(recipe, sys.argv[1], force=True, workers=int(sys.argv[2]))
"""
MORTAL = """
import itertools, os, signal, sys
import gnnmax.data.store as store
from gnnmax import load_recipe
store.SHARD_BYTES = 4000  # several shards
recipe = load_recipe("tiny").replace(splits={"train": 40, "test": 6})
FATAL = {"open", "os.fsync", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree"}

def die_at(turn):
    calls, fsync = itertools.count(1), os.fsync
    def hook(event, arguments):
        if event in FATAL and next(calls) == turn:
            os.kill(os.getpid(), signal.SIGKILL)
    def audited(descriptor):
        sys.audit("os.fsync", descriptor)
        fsync(descriptor)
    os.fsync = audited
    sys.addaudithook(hook)

for line in sys.stdin:
    if not (child := os.fork()):
        die_at(int(line))
        store.write_dataset(recipe, sys.argv[1], force=True)
        os._exit(0)
    sys.stdout.write(f"{os.waitpid(child, 0)[1]}\\n"); sys.stdout.flush()
"""


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def started(out: Path, workers: int = 1, **options) -> subprocess.Popen:
    """A process that has imported everything and waits for a line to begin."""
    call = [sys.executable, "-c", SCRIPT, str(out), str(workers)]
    process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def begin(process: subprocess.Popen) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """Wait for a process; return its status and its output."""
    said = process.communicate(timeout=600)[1]
    return process.returncode, said.decode()


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """The expected data set."""
    monkeypatch.setattr(store, "SHARD_BYTES", 4000)
    write_dataset(RECIPE, tmp_path / "whole")
    assert len(list((tmp_path / "whole").glob("train-*"))) > 3, "the premise: several shards"
    return content(tmp_path / "whole")


def test_killed_before_any_call_that_changes_a_disk_it_is_whole_or_not_there(tmp_path, whole):
    out = tmp_path / "out" / "data"
    call = [sys.executable, "-c", MORTAL, str(out)]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        for turn in range(1, 1000, 7):
            process.stdin.write(f"{turn}\n")
            status = int(process.stdout.readline())
            assert status in (0, signal.SIGKILL)
            if out.exists():
                assert content(out) == whole, turn
            if status == 0:
                break
        process.stdin.close()
    assert turn > 25, "the premise: it was killed at many places"
    assert content(out) == whole
    assert [path.name for path in out.parent.iterdir()] == ["data"], "what killed runs left is swept"
    assert all(check.holds for check in verify(out))


@pytest.mark.parametrize("workers", [1, 2])
def test_two_generators_on_one_folder_leave_one_whole_data_set(tmp_path, whole, workers):
    out = tmp_path / "out" / "data"
    pair = [started(out, workers), started(out, workers)]
    for process in pair:
        begin(process)
    outcomes = [ended(process) for process in pair]
    assert 0 in {status for status, _ in outcomes}
    assert all(status == 0 or "InputError" in said for status, said in outcomes)
    assert content(out) == whole
    assert [path.name for path in out.parent.iterdir()] == ["data"]


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (os, "open"), (Path, "replace"), (Path, "open")])
@pytest.mark.parametrize("stands", [False, True])
def test_whichever_write_fails_the_old_data_set_or_the_new_one_is_there(tmp_path, monkeypatch, owner, name, stands):
    monkeypatch.setattr(store, "SHARD_BYTES", 9000)
    old = RECIPE.replace(seed=9)
    write_dataset(RECIPE, tmp_path / "new")
    write_dataset(old, tmp_path / "old")
    outcomes = [content(tmp_path / "new"), content(tmp_path / "old") if stands else None]
    for turn in range(1, 60):
        out = tmp_path / f"turn-{turn}" / "data"
        if stands:
            write_dataset(old, out)
        with monkeypatch.context() as patch:
            calls = failing(patch, owner, name, turn)
            try:
                write_dataset(RECIPE, out, force=True)
            except (OSError, InputError):
                assert len(calls) >= turn
        found = content(out) if out.exists() else None
        assert found in outcomes, turn
        if out.parent.exists() and {path.name for path in out.parent.iterdir()} - {"data"}:
            write_dataset(RECIPE, out, force=True)  # sweeps what the failing system would not remove
            assert [path.name for path in out.parent.iterdir()] == ["data"]
        if len(calls) < turn:
            assert found == outcomes[0]
            return
    pytest.fail("more calls than that")


@pytest.mark.parametrize("most", [0, 100, 3000])
def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_the_old_data_set(tmp_path, most):
    out = tmp_path / "data"
    write_dataset(RECIPE.replace(seed=9), out)
    before = content(out)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    process = started(out, preexec_fn=limited)
    begin(process)
    status, said = ended(process)
    assert status != 0 and f"File too large: '{out}'" in said
    assert content(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_is_really_full_is_one_line(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        call = [sys.executable, "-m", "gnnmax", "generate", "tiles-3", "--out", str(disk / "data")]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert f"No space left on device: {disk / 'data'}" in done.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
