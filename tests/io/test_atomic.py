"""Files and folders: whole or absent, whatever fails."""

import os
import re
import stat
import tempfile
from pathlib import Path

import pytest

from gnnmax.errors import InputError
from gnnmax.io.atomic import atomic_folder, check_output_folder, write_file
from tests.support.faults import failing

MARK = "manifest.json"


def stage(path, content="new", force=False, error=None):
    with atomic_folder(path, mark=MARK, force=force) as scratch:
        write_file(scratch / "data.bin", content * 1000)
        write_file(scratch / MARK, content)
        if error is not None:
            raise error


def content_of(path):
    return (path / MARK).read_text() if path.exists() else None


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [ValueError("no"), OSError(28, "No space"), KeyboardInterrupt("stopped")])
@pytest.mark.parametrize("stands", [False, True])
def test_a_block_that_fails_leaves_what_was_there(tmp_path, error, stands):
    if stands:
        stage(tmp_path / "data", "old")
    before = names(tmp_path)
    with pytest.raises(type(error), match=re.escape(str(error))):
        stage(tmp_path / "data", force=True, error=error)
    assert names(tmp_path) == before
    assert content_of(tmp_path / "data") == ("old" if stands else None)


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace"), (Path, "open"), (Path, "chmod")])
@pytest.mark.parametrize("stands", [False, True])
def test_whatever_call_fails_the_folder_is_the_old_one_or_the_new_one(tmp_path, monkeypatch, owner, name, stands):
    for turn in range(1, 20):
        path = tmp_path / f"run-{turn}" / "data"
        if stands:
            stage(path, "old")
        with monkeypatch.context() as patch:
            calls = failing(patch, owner, name, turn)
            try:
                stage(path, force=True)
                outcome = {"new"}
            except OSError:
                outcome = {"old" if stands else None, "new"}
        assert content_of(path) in outcome
        if content_of(path) is not None:
            assert (path / "data.bin").read_text() == content_of(path) * 1000
        assert not list(path.parent.glob("*.partial"))
        if len(calls) < turn:
            return
    pytest.fail("more calls than that")


def test_the_old_folder_is_put_back_when_the_new_one_cannot_take_its_name(tmp_path, monkeypatch):
    stage(tmp_path / "data", "old")
    real = Path.replace

    def replace(self, target):
        if self.name.endswith(".partial") and Path(target).name == "data":
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="Input/output"):
        stage(tmp_path / "data", force=True)
    assert content_of(tmp_path / "data") == "old"


def test_the_new_folder_replaces_the_old_one_whole(tmp_path):
    stage(tmp_path / "data", "old")
    (tmp_path / "data" / "stale.bin").touch()
    stage(tmp_path / "data", "new", force=True)
    assert content_of(tmp_path / "data") == "new"
    assert names(tmp_path / "data") == ["data.bin", MARK]
    assert names(tmp_path) == ["data"]


def test_a_folder_in_use_is_refused_before_and_after_the_work(tmp_path):
    stage(tmp_path / "data", "old")
    with pytest.raises(InputError, match="in use"):
        stage(tmp_path / "data")
    with pytest.raises(InputError, match="in use"), atomic_folder(tmp_path / "other", mark=MARK) as scratch:
        write_file(scratch / MARK, "new")
        stage(tmp_path / "other", "faster")
    assert content_of(tmp_path / "other") == "faster"
    assert names(tmp_path) == ["data", "other"]


def test_foreign_folders_files_and_links_are_refused_even_by_force(tmp_path):
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "thesis.tex").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    for name, complaint in (("thesis", "other files"), ("file", "must be a folder"), ("link", "must be a folder")):
        with pytest.raises(InputError, match=complaint):
            check_output_folder(tmp_path / name, mark=MARK, force=True)
    assert names(thesis) == ["thesis.tex"]
    check_output_folder(tmp_path / "empty", mark=MARK)
    stage(tmp_path / "empty")
    assert content_of(tmp_path / "empty") == "new"


def test_an_old_folder_whose_successor_took_the_name_is_swept_and_one_without_is_put_back(tmp_path):
    stage(tmp_path / "data")
    stage(tmp_path / ".data.abcdefgh.old", "old")
    stage(tmp_path / "data", "newer", force=True)
    assert names(tmp_path) == ["data"] and content_of(tmp_path / "data") == "newer"
    (tmp_path / "data").rename(tmp_path / ".data.abcdefgh.old")
    with pytest.raises(InputError, match="in use"):
        stage(tmp_path / "data")
    assert names(tmp_path) == ["data"] and content_of(tmp_path / "data") == "newer"


def test_a_parent_that_cannot_be_written_is_an_error_of_the_system(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(PermissionError, match="denied"):
        stage(tmp_path / "data")
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_parent_is_an_error_of_the_system(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="denied"):
        stage(tmp_path / "data")
    tmp_path.chmod(0o700)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("mask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)])
def test_permissions_are_those_of_any_new_file(tmp_path, mask, folder, file):
    before = os.umask(mask)
    try:
        stage(tmp_path / "data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == folder
    assert stat.S_IMODE((tmp_path / "data" / MARK).stat().st_mode) == file


def test_a_file_is_the_old_one_or_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    write_file(path, "old")
    for owner, name in ((os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            failing(patch, owner, name, 1)
            with pytest.raises(OSError, match="No space"):
                write_file(path, "new")
        assert path.read_text() == "old"
        assert names(tmp_path) == ["note.txt"]
    write_file(path, "grün")
    assert path.read_bytes() == "grün".encode()


def test_folders_made_on_the_way_go_with_a_block_that_fails(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="no data"):
        stage(tmp_path / "there" / "a" / "b" / "data", error=ValueError("no data"))
    assert names(tmp_path) == ["there"] and names(tmp_path / "there") == []
    stage(tmp_path / "there" / "a" / "b" / "data")
    with pytest.raises(ValueError, match="no data"):
        stage(tmp_path / "there" / "a" / "c" / "data", error=ValueError("no data"))
    assert names(tmp_path / "there" / "a") == ["b"]


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
    with pytest.raises(InputError, match="a file was to be written"):
        write_file(path, "new")
    assert os.path.samestat(before, path.lstat()) and names(tmp_path) == ["taken"]
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
