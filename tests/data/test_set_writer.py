"""A stopped generation is continued by the same call, to the same bytes; nothing that another one left is used."""

import functools
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gnnmax import InputError, load_recipe
from gnnmax.data import set_writer, store
from gnnmax.data.set_writer import SetWriter
from gnnmax.data.store import write_dataset
from gnnmax.data.verification import verify
from gnnmax.io.atomic_folders import UNFINISHED
from tests.support.altered_json import altered_trees
from tests.support.maps import map_recipe
from tests.support.mutations import mutants

RECIPES = {
    "windows": load_recipe("tiny").replace(splits={"train": 40, "test": 10}),
    "natural windows, several numbers a graph": load_recipe("real-karate").replace(splits={"test": 1}),
    "maps": map_recipe(splits={"train": 12, "test": 3}),
}
FROM_EACH = pytest.mark.parametrize("name", RECIPES)


class StoppedError(OSError):
    """A stand-in for a kill: the folder stays as it is at that instant."""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(store, "SHARD_BYTES", 6_000)
    monkeypatch.setattr("gnnmax.data.maps.generation.CHUNK", 2_000)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def wholes(tmp_path_factory):
    """The expected data sets."""
    place = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "SHARD_BYTES", 6_000)
        patch.setattr("gnnmax.data.maps.generation.CHUNK", 2_000)
        return {name: content(write_dataset(RECIPES[name], place / str(at))) for at, name in enumerate(RECIPES)}


def stopped_at(monkeypatch, turn, call, *, begun=False):
    """Stop a call before it writes its n-th file; return whether it was stopped."""
    turns, write = itertools.count(1), set_writer.write_file

    def stopping(path, written):
        if next(turns) == turn:
            raise StoppedError(28, "stopped")
        write(path, written)

    with monkeypatch.context() as patch:
        for module in ("set_writer", "shards"):
            patch.setattr(f"gnnmax.data.{module}.write_file", stopping)
        if begun:  # after every part
            patch.setattr(set_writer, "BEGUN_SECONDS", 0.0)
            patch.setattr(set_writer, "BEGUN_SHARE", 0)
        try:
            call()
        except StoppedError:
            return True
    return False


def counted(monkeypatch, graphs):
    """Record the indices of the graphs that are drawn."""
    for module, name in (("generation", "generate_graphs"), ("maps.generation", "generate_maps")):
        place = f"gnnmax.data.{module}.{name}"
        draw = functools.partial(_counting, getattr(__import__(f"gnnmax.data.{module}", fromlist=[name]), name), graphs)
        monkeypatch.setattr(place, draw)


def _counting(draw, graphs, recipe, some):
    graphs += some
    return draw(recipe, some)


@FROM_EACH
@pytest.mark.parametrize("begun", [False, True])
def test_a_call_that_is_stopped_again_and_again_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path, monkeypatch, wholes, name, begun
):
    whole, out = wholes[name], tmp_path / "out" / "data"
    graphs = []
    counted(monkeypatch, graphs)
    stops = 0
    while stopped_at(monkeypatch, 4, lambda: write_dataset(RECIPES[name], out), begun=begun):
        stops += 1
        assert not out.exists() and stops < 100
    assert content(out) == whole
    assert [path.name for path in out.parent.iterdir()] == ["data"]
    assert stops >= len(whole) // 3, "the premise: it was stopped in many places"
    if begun:
        assert len(graphs) <= len(set(graphs)) + 16 * stops, "at most two parts are drawn again after each stop"


@pytest.mark.parametrize("turn", (1, 2, 3, 8, 13, 14, 15))
def test_stopped_before_any_file_it_goes_on_in_other_processes(tmp_path, monkeypatch, wholes, turn):
    recipe, out = RECIPES["windows"], tmp_path / "out" / "data"
    assert stopped_at(monkeypatch, turn, lambda: write_dataset(recipe, out), begun=turn % 3 == 0)
    with ThreadPoolExecutor(2) as executor:
        write_dataset(recipe, out, executor=executor)
    assert content(out) == wholes["windows"]
    assert [path.name for path in out.parent.iterdir()] == ["data"]


def left(tmp_path, monkeypatch):
    """A folder that a stopped call left, with several shards."""
    out = tmp_path / "out" / "data"
    assert stopped_at(monkeypatch, 12, lambda: write_dataset(RECIPES["windows"], out))
    (scratch,) = out.parent.iterdir()
    assert len(list(scratch.glob("train-*"))) > 2
    return out, scratch


CHANGES = {
    "a changed shard": lambda folder: (folder / "train-00001.safetensors").write_bytes(b"x" * 90),
    "a missing shard": lambda folder: (folder / "train-00000.safetensors").unlink(),
    "a changed record": lambda folder: record(folder, lambda found: found["stored"][-1].update(parts=2)),
    "a record of another version": lambda folder: record(folder, lambda found: found["call"].update(numpy="1.0")),
    "a record of other shards": lambda folder: record(folder, lambda found: found["call"].update(shard_bytes=1)),
    "no record": lambda folder: (folder / UNFINISHED).write_text("gnnmax"),
    "half a record": lambda folder: (folder / UNFINISHED).write_bytes((folder / UNFINISHED).read_bytes()[:99]),
}


def record(folder, change):
    found = json.loads((folder / UNFINISHED).read_bytes())
    change(found)
    (folder / UNFINISHED).write_text(json.dumps(found))


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_whole_is_drawn_again(tmp_path, monkeypatch, wholes, change):
    out, scratch = left(tmp_path, monkeypatch)
    CHANGES[change](scratch)
    write_dataset(RECIPES["windows"], out)
    assert content(out) == wholes["windows"]
    assert [path.name for path in out.parent.iterdir()] == ["data"]


@pytest.mark.altered
def test_an_altered_record_is_not_used(tmp_path, monkeypatch, mutant_count):
    _, scratch = left(tmp_path, monkeypatch)
    writer = SetWriter(RECIPES["windows"], shard_bytes=store.SHARD_BYTES, resumable=True)
    content, original = (scratch / UNFINISHED).read_bytes(), writer._recorded(scratch)
    assert original
    for altered in (mutants(content, mutant_count), altered_trees(json.loads(content), mutant_count)):
        for mutant in altered:
            (scratch / UNFINISHED).write_bytes(mutant)
            assert writer._recorded(scratch) in ([], original), mutant
            assert writer.continues(scratch) == bool(writer._recorded(scratch))


def test_the_leftover_of_another_recipe_is_removed_and_not_used(tmp_path, monkeypatch):
    out, scratch = left(tmp_path, monkeypatch)
    other = RECIPES["windows"].replace(seed=7)
    assert not SetWriter(other, shard_bytes=store.SHARD_BYTES, resumable=True).continues(scratch)
    write_dataset(other, out)
    assert content(out) == content(write_dataset(other, tmp_path / "whole"))
    assert [path.name for path in out.parent.iterdir()] == ["data"]


def test_a_whole_data_set_that_did_not_get_its_name_gets_it_without_being_drawn(tmp_path, monkeypatch):
    recipe, out = RECIPES["windows"], tmp_path / "data"
    whole = content(write_dataset(recipe, out))
    out.rename(tmp_path / ".data.0a1b2c3d.partial")  # killed before the last step
    graphs = []
    counted(monkeypatch, graphs)
    write_dataset(recipe, out)
    assert content(out) == whole and graphs == []
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert all(check.holds for check in verify(out))


def test_wrong_input_on_the_way_leaves_nothing(tmp_path):
    def refuse(done, total):
        if done > 30:
            raise InputError("no further")

    with pytest.raises(InputError, match="no further"):
        write_dataset(RECIPES["windows"], tmp_path / "data", on_progress=refuse)
    assert list(tmp_path.iterdir()) == []


def test_progress_begins_where_the_stopped_call_ended(tmp_path, monkeypatch):
    out, _ = left(tmp_path, monkeypatch)
    seen = []
    write_dataset(RECIPES["windows"], out, on_progress=lambda done, total: seen.append(done))
    assert seen[0] > 16 and seen[-1] == 50
