"""The verifier: every change of a stored data set is found, even with updated digests."""

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from gnnmax import InputError, build, load_recipe
from gnnmax.data.dataset import DataSet
from gnnmax.data.store import MANIFEST, write_dataset
from gnnmax.data.verification import _windows_apart, verify
from gnnmax.task.label import KINDS

RECIPES = {
    "spike": load_recipe("tiny").replace(contexts=True),
    "noise": load_recipe("noise-9-mu2").replace(splits={"test": 3}),
    "natural": load_recipe("real-karate"),
}
SHARD = "test-00000.safetensors"


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Each data set once; every test tampers with a copy."""
    folder = tmp_path_factory.mktemp("originals")
    return {name: write_dataset(recipe, folder / name) for name, recipe in RECIPES.items()}


def tampered(original, folder, change):
    """Copy a data set with some arrays changed and all digests updated."""
    folder.mkdir()
    for path in original.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    arrays = {name: array.copy() for name, array in load((folder / SHARD).read_bytes()).items()}
    change(arrays)
    content = save(arrays)
    (folder / SHARD).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["splits"]["test"][0].update(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def failing(folder):
    return [check.claim for check in verify(folder) if not check.holds]


def last(field, function):
    """Change the field of the last window: it belongs to the last host, which is not drawn again."""

    def change(arrays):
        arrays[field][-1] = function(arrays[field][-1])

    return change


def moved(arrays):
    """A flip of every field that states the label of a noisy window."""
    window = np.flatnonzero(arrays["planted"])[-1]
    arrays["planted"][window], arrays["kind_code"][window], arrays["offset"][window] = False, 1, (1, 1)


def renamed(arrays):
    window = np.flatnonzero(arrays["kind_code"] == KINDS.index("shifted"))[-1]
    arrays["kind_code"][window] = KINDS.index("background")


CHANGES = {
    ("spike", "observed"): last("observed", lambda x: ~x),
    ("spike", "planted"): last("planted", lambda x: ~x),
    ("spike", "margin turned"): last("margin", lambda x: -x),
    ("spike", "margin off"): last("margin", lambda x: x * 1.001),
    ("spike", "margin lost"): last("margin", lambda x: np.nan),
    ("spike", "offset"): last("offset", lambda x: x + 1),
    ("spike", "offset outside"): last("offset", lambda x: 1_000),
    ("spike", "kind"): last("kind_code", lambda x: (x + 1) % 3),
    ("spike", "kind unknown"): last("kind_code", lambda x: 7),
    ("spike", "kind renamed"): renamed,
    ("spike", "centre"): lambda arrays: arrays["values"].__setitem__((-1, 2, 2), 99.0),
    ("spike", "values lost"): last("values", lambda x: np.nan),
    ("spike", "a value endless"): lambda arrays: arrays["values"].__setitem__((-1, 0, 0), -np.inf),
    ("spike", "graph"): last("graph", lambda x: x - 1),
    ("spike", "a node twice"): lambda arrays: arrays["rows"].__setitem__((-1, 0), arrays["columns"][-1, 0]),
    ("spike", "a node below zero"): lambda arrays: arrays["columns"].__setitem__((-1, 0), -1),
    ("spike", "context"): lambda arrays: arrays["row_context"].__setitem__((-1, 0, 1), 5.0),
    ("spike", "context diagonal"): lambda arrays: arrays["column_context"].__setitem__((-1, 1, 1), 5.0),
    ("noise", "planted"): last("planted", lambda x: ~x),
    ("noise", "label moved"): moved,
    ("noise", "amplitude"): last("amplitude", lambda x: x + 1),
    ("noise", "offset"): last("offset", lambda x: 5),
    ("natural", "kind"): last("kind_code", lambda x: 1 if x != 1 else 2),
    ("natural", "planted"): last("planted", lambda x: True),
    ("natural", "one window's values"): lambda arrays: arrays["values"].__setitem__((3, 0, 0), 0.5),
}


@pytest.mark.parametrize(("name", "what"), CHANGES)
def test_a_change_is_found_though_it_is_signed(originals, tmp_path, name, what):
    assert failing(tampered(originals[name], tmp_path / "data", CHANGES[name, what]))


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_only_signed_again_is_fine(originals, tmp_path, name):
    assert failing(tampered(originals[name], tmp_path / "data", lambda arrays: None)) == []
    assert failing(originals[name]) == []


def test_a_host_listed_twice_is_found(originals, tmp_path):
    folder = tampered(originals["noise"], tmp_path / "data", lambda arrays: None)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["splits"]["test"] *= 2
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert failing(folder) == ["the manifest is whole and names every file"]


def test_a_split_that_lists_the_shards_of_another_is_found(originals, tmp_path):
    folder = tampered(originals["spike"], tmp_path / "data", lambda arrays: None)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["splits"]["test"] = manifest["splits"]["val"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert failing(folder) == ["the manifest is whole and names every file"]


def test_strangers_in_the_folder_are_named(originals, tmp_path):
    folder = tampered(originals["natural"], tmp_path / "data", lambda arrays: None)
    (folder / "test-00001.safetensors").write_bytes(b"")
    (stranger,) = [check for check in verify(folder) if not check.holds]
    assert stranger.found == "test-00001.safetensors"


def test_a_damaged_split_leaves_the_others_checked(originals, tmp_path):
    folder = tampered(originals["spike"], tmp_path / "data", lambda arrays: None)
    content = bytearray((folder / SHARD).read_bytes())
    content[-1] ^= 1
    (folder / SHARD).write_bytes(content)
    assert failing(folder) == ["test: digests, names, dtypes and shapes"]
    assert sum(check.claim.startswith("val") for check in verify(folder)) > 5


def test_where_nothing_is_there_is_nothing_to_verify(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no data set"):
            verify(path)


def test_windows_of_one_split_in_another_are_seen():
    data = build(load_recipe("tiny"))
    assert _windows_apart(data).holds
    leaky = DataSet(data.recipe, {**data.splits, "test": data.splits["train"][:3].transposed()})
    check = _windows_apart(leaky)
    assert not check.holds
    assert check.found.startswith("3 of test are in train")


def test_every_host_can_be_drawn_again(tmp_path):
    path = write_dataset(load_recipe("tiny").replace(splits={"train": 12}), tmp_path / "tiny")
    few, every = verify(path), verify(path, every_host=True)
    assert "train: 5 of its hosts are drawn again to the byte" in {check.claim for check in few}
    assert "train: 12 of its hosts are drawn again to the byte" in {check.claim for check in every}
    assert all(check.holds for check in every)
