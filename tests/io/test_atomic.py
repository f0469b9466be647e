"""Files are complete or absent, whatever fails."""

import fcntl
import os
import re
import signal
import stat
from pathlib import Path

import pytest

from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from tests.support.faults import failing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_the_old_one_or_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    write_file(path, "old")
    for owner, name in ((os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            failing(patch, owner, name, 1)
            with pytest.raises(OSError, match="No space") as caught:
                write_file(path, "new")
        assert caught.value.filename == str(path)
        assert path.read_text() == "old"
        assert names(tmp_path) == ["note.txt"]
    write_file(path, "grün")
    assert path.read_bytes() == "grün".encode()


def test_a_file_goes_where_a_link_leads_and_the_link_stays(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "note.txt").symlink_to("far/note.txt")
    for content in ("first", "second"):
        write_file(tmp_path / "note.txt", content)
        assert (tmp_path / "note.txt").is_symlink() and (tmp_path / "far" / "note.txt").read_text() == content
    assert names(tmp_path / "far") == ["note.txt"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, make):
    path = tmp_path / "taken"
    make(path)
    before = path.lstat()
    with pytest.raises(InputError, match="a file is to be written"):
        write_file(path, "new")
    assert os.path.samestat(before, path.lstat()) and names(tmp_path) == ["taken"]
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_a_killed_writer_left_of_a_file_is_swept_by_the_next_write(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    if not (child := os.fork()):
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        write_file(path, "half")
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert re.fullmatch(r"\.report\.html\.[0-9a-f]{8}\.partial", *names(tmp_path))
    write_file(tmp_path / "other.html", "whole")
    assert len(names(tmp_path)) == 2
    write_file(path, "whole")
    assert names(tmp_path) == ["other.html", "report.html"]


def test_what_is_no_leftover_of_the_same_file_is_not_swept(tmp_path):
    kept = [".other.12345678.partial", ".note.1234567.partial", ".note.backup00.partial", ".note.12345678.old"]
    kept += ["note.12345678.partial", ".note.123456789.partial", ".note.1234ABCD.partial"]
    for name in kept:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".note.00000001.partial").mkdir()
    (tmp_path / ".note.00000002.partial").symlink_to(kept[0])
    os.mkfifo(tmp_path / ".note.00000003.partial")
    before = names(tmp_path)
    write_file(tmp_path / "note", "new")
    assert names(tmp_path) == sorted([*before, "note"])


def test_what_a_living_writer_has_locked_is_not_swept(tmp_path):
    with (tmp_path / ".note.12345678.partial").open("xb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        write_file(tmp_path / "note", "new")
        assert names(tmp_path) == [".note.12345678.partial", "note"]
    write_file(tmp_path / "note", "new")
    assert names(tmp_path) == ["note"]


def test_many_writers_of_one_file_leave_one_whole_file_and_none_of_them_fails(tmp_path):
    path, children = tmp_path / "note", []
    for number in range(4):
        if not (child := os.fork()):
            try:
                for _ in range(100):
                    write_file(path, str(number) * 5000)
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert names(tmp_path) == ["note"]
    assert path.read_text() in [str(number) * 5000 for number in range(4)]


def test_a_file_that_another_process_removes_in_the_same_instant_is_no_other_thing(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    looks = Path.stat

    def removed_after(self, **options):
        found = looks(self, **options)
        if self == path:
            path.unlink()
        return found

    path.write_text("old")
    monkeypatch.setattr(Path, "stat", removed_after)
    write_file(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "new" and names(tmp_path) == ["note.txt"]
