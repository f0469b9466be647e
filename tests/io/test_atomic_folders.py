"""Folders are complete or absent, whatever fails."""

import json
import os
import re
import signal
import stat
import tempfile
import threading
import time
from pathlib import Path

import pytest

from gnnmax.errors import InputError
from gnnmax.io import atomic_folders
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder, check_output_folder, restored_folder
from gnnmax.io.ownership import DATA_SET
from tests.support.faults import failing

MARK = "manifest.json"


def stage(path, content="new", force=False, error=None):
    with atomic_folder(path, owner=DATA_SET, force=force) as scratch:
        write_file(scratch / "test-00000.safetensors", content * 1000)
        write_file(scratch / MARK, json.dumps({"program": "gnnmax", "content": content}))
        if error is not None:
            raise error


def content_of(path):
    return json.loads((path / MARK).read_text())["content"] if path.exists() else None


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [ValueError("no"), OSError(28, "No space"), KeyboardInterrupt("stopped")])
@pytest.mark.parametrize("stands", [False, True])
def test_a_block_that_fails_leaves_what_was_there(tmp_path, error, stands):
    if stands:
        stage(tmp_path / "data", "old")
    before, raised = names(tmp_path), type(error)(*error.args)
    with pytest.raises(type(error), match=re.escape(str(error))):
        stage(tmp_path / "data", force=True, error=raised)
    assert getattr(raised, "filename", str(tmp_path / "data")) == str(tmp_path / "data")  # what finds no place is named
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
            assert (path / "test-00000.safetensors").read_text() == content_of(path) * 1000
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
    monkeypatch.setattr(atomic_folders, "_exchange", lambda one, other: False)
    with pytest.raises(OSError, match="Input/output"):
        stage(tmp_path / "data", force=True)
    assert content_of(tmp_path / "data") == "old"


def test_the_new_folder_replaces_the_old_one_whole(tmp_path):
    stage(tmp_path / "data", "old")
    (tmp_path / "data" / "val-00000.safetensors").touch()
    stage(tmp_path / "data", "new", force=True)
    assert content_of(tmp_path / "data") == "new"
    assert names(tmp_path / "data") == [MARK, "test-00000.safetensors"]
    assert names(tmp_path) == ["data"]


def test_a_folder_in_use_is_refused_before_and_after_the_work(tmp_path):
    stage(tmp_path / "data", "old")
    with pytest.raises(InputError, match="in use"):
        stage(tmp_path / "data")
    with pytest.raises(InputError, match="in use"), atomic_folder(tmp_path / "other", owner=DATA_SET) as scratch:
        write_file(scratch / MARK, "{}")
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
    for name, complaint in (
        ("thesis", "it has no manifest.json"),
        ("file", "must be a folder"),
        ("link", "must be a folder"),
    ):
        with pytest.raises(InputError, match=complaint):
            check_output_folder(tmp_path / name, owner=DATA_SET, force=True)
    assert names(thesis) == ["thesis.tex"]
    check_output_folder(tmp_path / "empty", owner=DATA_SET)
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


def test_force_does_not_replace_a_folder_for_the_sake_of_a_file_name(tmp_path):
    model = tmp_path / "bert"
    (model / ".git").mkdir(parents=True)
    (model / "manifest.json").write_text('{"architectures": ["BertModel"]}')
    (model / "model.safetensors").write_bytes(b"weights")
    (model / ".git" / "HEAD").write_text("ref: refs/heads/main")
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"manifest\.json was not written by gnnmax; choose another folder"):
        stage(model, force=True)
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before


def test_force_does_not_replace_a_data_set_that_holds_something_else_too(tmp_path):
    stage(tmp_path / "data", "old")
    (tmp_path / "data" / "notes.txt").write_text("precious")
    with pytest.raises(InputError, match=r"it also holds notes\.txt"):
        stage(tmp_path / "data", force=True)
    assert (tmp_path / "data" / "notes.txt").read_text() == "precious"


def test_a_folder_within_one_of_ours_is_refused_even_by_force(tmp_path):
    stage(tmp_path / "data")
    for inner in ("more", "deep/more"):
        for force in (False, True):
            with pytest.raises(
                InputError, match=r"would lie in the data set in .*data, which holds its own files only"
            ):
                stage(tmp_path / "data" / inner, force=force)
    (tmp_path / "link").symlink_to("data")
    with pytest.raises(InputError, match="would lie in the data set"):
        stage(tmp_path / "link" / "more")
    assert names(tmp_path) == ["data", "link"] and DATA_SET.foreign(tmp_path / "data") == ""


@pytest.mark.parametrize("name", [".", "..", "../.."])
def test_the_current_folder_and_those_above_it_are_no_output(tmp_path, monkeypatch, name):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    with pytest.raises(InputError, match="choose a separate folder"):
        stage(Path(name), force=True)


@pytest.mark.parametrize("name", [".data.20240101.old", ".data.backup_1.partial"])
def test_a_backup_of_a_fitting_name_is_not_swept(tmp_path, name):
    backup = tmp_path / name
    backup.mkdir()
    (backup / "thesis.tex").write_text("precious")
    stage(tmp_path / "data")
    assert (backup / "thesis.tex").read_text() == "precious"


def test_what_a_killed_run_left_is_swept(tmp_path):
    unfinished, replaced = tmp_path / ".data.0a1b2c3d.partial", tmp_path / ".data.0a1b2c3e.partial"
    unfinished.mkdir()
    (unfinished / atomic_folders.UNFINISHED).write_text("gnnmax")
    (unfinished / "test-00000.safetensors").touch()
    (tmp_path / ".data.0a1b2c3f.partial").mkdir()  # killed at once
    stage(tmp_path / "old")
    (tmp_path / "old").rename(replaced)
    stage(tmp_path / "data")
    assert names(tmp_path) == ["data"]


def test_folders_exchange_names_one_after_the_other_where_the_system_cannot_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_folders, "_exchange", lambda one, other: False)
    stage(tmp_path / "data", "old")
    stage(tmp_path / "data", "new", force=True)
    assert content_of(tmp_path / "data") == "new"
    assert names(tmp_path) == ["data"]


def test_an_exchange_of_names_is_one_step(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if atomic_folders._exchange(tmp_path / "one", tmp_path / "other"):
        assert names(tmp_path / "one") == ["other"]
    assert names(tmp_path) == ["one", "other"]
    assert not atomic_folders._exchange(tmp_path / "one", tmp_path / "nowhere")


def test_a_reader_restores_the_folder_whose_replacement_was_killed_between_two_renames(tmp_path):
    stage(tmp_path / "data", "old")
    if not (child := os.fork()):
        real, turns = os.replace, iter(range(100))
        atomic_folders._exchange = lambda one, other: False

        def replace(*names):
            if "test-00000" not in str(names[0]) and MARK not in str(names[0]) and next(turns) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*names)

        os.replace = replace
        stage(tmp_path / "data", "new", force=True)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not (tmp_path / "data").exists() and len(names(tmp_path)) == 2, "the premise: nothing has the name"
    assert content_of(restored_folder(tmp_path / "data", owner=DATA_SET)) == "old"
    stage(tmp_path / "data", "newer", force=True)
    assert names(tmp_path) == ["data"] and content_of(tmp_path / "data") == "newer"


def test_a_reader_waits_while_a_running_process_renames(tmp_path):
    old = tmp_path / ".data.abcdefgh.old"
    stage(tmp_path / "data")
    (tmp_path / "data").rename(old)

    def rename():
        time.sleep(0.2)
        old.rename(tmp_path / "data")

    with atomic_folders.locked(old) as ours:
        assert ours
        thread = threading.Thread(target=rename)
        thread.start()
        assert content_of(restored_folder(tmp_path / "data", owner=DATA_SET)) == "new"
        thread.join()
    assert names(tmp_path) == ["data"]


def test_a_reader_restores_nothing_of_another_kind_and_does_not_wait_for_it(tmp_path):
    backup = tmp_path / ".data.abcdefgh.old"
    backup.mkdir()
    (backup / "thesis.tex").touch()
    started = time.monotonic()
    assert not restored_folder(tmp_path / "data", owner=DATA_SET).exists()
    assert not restored_folder(Path("no\x00name"), owner=DATA_SET).name.endswith("old")
    assert names(tmp_path) == [".data.abcdefgh.old"] and time.monotonic() - started < 1


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


def test_folders_made_on_the_way_go_with_a_block_that_fails(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="no data"):
        stage(tmp_path / "there" / "a" / "b" / "data", error=ValueError("no data"))
    assert names(tmp_path) == ["there"] and names(tmp_path / "there") == []
    stage(tmp_path / "there" / "a" / "b" / "data")
    with pytest.raises(ValueError, match="no data"):
        stage(tmp_path / "there" / "a" / "c" / "data", error=ValueError("no data"))
    assert names(tmp_path / "there" / "a") == ["b"]


def test_an_interrupt_while_a_scratch_folder_is_locked_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt("stopped")

    monkeypatch.setattr("filelock.lock_descriptor", interrupted)
    with pytest.raises(KeyboardInterrupt, match="stopped"), atomic_folder(tmp_path / "data", owner=DATA_SET):
        pass
    assert names(tmp_path) == []
