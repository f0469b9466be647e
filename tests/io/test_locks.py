"""Locks exclude other processes, are never waited for, and end with the process that holds them."""

import signal
import subprocess
import sys
import tempfile

import pytest

from gnnmax.io import atomic, atomic_folders, locks
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.locks import locked
from gnnmax.io.ownership import DATA_SET

HOLD = """
import sys, tempfile
from pathlib import Path
from gnnmax.io import atomic, atomic_folders, locks
locks.IS_WINDOWS = sys.argv[2] == "windows"
tempfile.tempdir = sys.argv[3]
with locks.locked(Path(sys.argv[1])) as held:
    sys.stdout.write(f"{held}\\n"); sys.stdout.flush()
    sys.stdin.readline()
"""


@pytest.fixture(params=["unix", "windows"])
def system(request, monkeypatch, tmp_path):
    """Either way of locking; the place of Windows' locks is outside the folder of the results."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for module in (locks, atomic, atomic_folders):
        monkeypatch.setattr(module, "IS_WINDOWS", request.param == "windows")
    return request.param


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_another_process_is_kept_out_until_it_is_killed(system, tmp_path, kind):
    path = tmp_path / "results"
    if kind == "file":
        path /= "note"
        path.touch()
    call = [sys.executable, "-c", HOLD, str(path), system, str(tmp_path / "temporary")]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "True\n"
        with locked(path) as held:
            assert held is False
        with locked(tmp_path) as held:
            assert held is True  # another path
        other.send_signal(signal.SIGKILL)
        other.wait()
    with locked(path) as held:
        assert held is True
    assert names(tmp_path / "results") == (["note"] if kind == "file" else [])


def test_a_path_that_does_not_exist_is_not_locked(system, tmp_path):
    with locked(tmp_path / "results" / "nothing") as held:
        assert held is False


def test_an_open_file_that_lost_its_name_is_not_locked(tmp_path):
    path = tmp_path / "note"
    with path.open("xb") as file, locked(path, file.fileno()) as held:
        assert held is True
    with path.open("rb") as file:
        path.unlink()
        with locked(path, file.fileno()) as held:
            assert held is False


def test_a_system_without_locks_says_so(monkeypatch, tmp_path):
    def fail(*_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("filelock.lock_descriptor", fail)
    with locked(tmp_path) as held:
        assert held is None
    write_file(tmp_path / "note", "whole")
    assert (tmp_path / "note").read_text() == "whole"


def test_files_and_folders_are_written_whole_with_either_way_of_locking(system, tmp_path):
    folder = tmp_path / "results"
    for content in ("first", "second"):
        write_file(folder / "note", content)
        with atomic_folder(folder / "data", owner=DATA_SET, force=True) as scratch:
            write_file(scratch / "manifest.json", '{"program": "gnnmax"}')
    assert (folder / "note").read_text() == "second"
    assert names(folder) == ["data", "note"]
    assert names(folder / "data") == ["manifest.json"]
