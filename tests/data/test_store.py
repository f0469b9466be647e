"""The store: data are read as drawn, and damaged or hostile files are refused."""

import dataclasses
import hashlib
import json
import stat
import subprocess
import sys

import numpy as np
import pytest
from pyarrow import parquet

from gnnmax import InputError, build, load_recipe, open_dataset
from gnnmax.data import store
from gnnmax.data.loading import holds_maps
from gnnmax.data.recipe import GENERATION
from gnnmax.data.store import FORMAT, MANIFEST, load_any, load_data, read_manifest, write_dataset
from gnnmax.data.verification import verify
from gnnmax.interop.networkx_parquet import to_parquet
from gnnmax.task.windows import FIELDS, Windows

TINY = load_recipe("tiny").replace(contexts=True, splits={"train": 12, "test": 3})
SHARD = "train-00000.safetensors"


def same(first, second):
    pairs = zip(first.arrays().items(), second.arrays().items(), strict=True)
    return all(a == b and x.dtype == y.dtype and np.array_equal(x, y) for (a, x), (b, y) in pairs)


@pytest.fixture
def stored(tmp_path):
    return write_dataset(TINY, tmp_path / "data")


def edit(folder, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def sign(folder, split="train"):
    """Update the manifest for changed shards."""

    def change(manifest):
        for shard in manifest["splits"][split]:
            content = (folder / shard["file"]).read_bytes()
            shard.update(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))

    edit(folder, change)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}


@pytest.mark.parametrize("size", [10_000, 25_000, 1])
def test_any_number_of_shards_holds_the_same_windows_for_any_number_of_workers(tmp_path, monkeypatch, size):
    monkeypatch.setattr(store, "SHARD_BYTES", size)
    folders = [write_dataset(TINY, tmp_path / str(workers), workers=workers) for workers in (1, 2)]
    assert files_of(folders[0]) == files_of(folders[1])
    assert len(files_of(folders[0])) > len(TINY.splits)
    drawn, read = build(TINY), open_dataset(folders[0])
    for split in TINY.splits:
        assert same(drawn.split(split), read.split(split))


@pytest.mark.parametrize("size", [10_000, 10_000_000])
def test_parts_are_the_split_and_lie_in_the_files(tmp_path, monkeypatch, size):
    monkeypatch.setattr(store, "SHARD_BYTES", size)
    data = open_dataset(write_dataset(TINY, tmp_path / "data"))
    parts = list(data.parts("train"))
    assert (len(parts) > 1) == (size == 10_000)
    assert not any(array.flags.owndata or array.flags.writeable for part in parts for array in part.arrays().values())
    assert same(Windows.concatenate(parts), data.train)
    assert same(Windows.concatenate(list(build(TINY).parts("train"))), data.train)
    for unknown in (data, build(TINY)):
        with pytest.raises(InputError, match="split of tiny"):
            unknown.parts("nowhere")


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_process_that_was_forked_or_spawned_writes_the_same_bytes(tmp_path, method, workers):
    code = (
        "import multiprocessing, sys; from gnnmax import load_recipe; from gnnmax.data.store import write_dataset;"
        "process = multiprocessing.get_context(sys.argv[1]).Process("
        "target=write_dataset, args=(load_recipe('tiny'), sys.argv[2]), kwargs={'workers': int(sys.argv[3])});"
        "process.start(); process.join(); sys.exit(process.exitcode)"
    )
    out = tmp_path / "other"
    subprocess.run([sys.executable, "-c", code, method, str(out), str(workers)], check=True)
    assert files_of(out) == files_of(write_dataset(load_recipe("tiny"), tmp_path / "here"))


@pytest.mark.parametrize("read", [open_dataset, load_data, lambda path: load_any(str(path)), holds_maps])
def test_a_data_set_that_lost_its_name_to_a_killed_process_is_read(stored, read):
    stored.rename(stored.parent / ".data.0a1b2c3d.old")
    read(stored)
    assert [path.name for path in stored.parent.iterdir()] == ["data"]


def test_windows_lie_in_the_file_and_cannot_be_changed(stored):
    values = open_dataset(stored).train.values
    assert not values.flags.owndata and not values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0, 0] = 1.0


def test_a_split_is_read_when_it_is_asked_for_and_not_before(stored):
    data = open_dataset(stored)
    content = bytearray((stored / SHARD).read_bytes())
    content[-1] ^= 1
    (stored / SHARD).write_bytes(content)
    assert len(data.test) == 24
    assert len(open_dataset(stored, check=False).train) == 96
    with pytest.raises(InputError, match="SHA-256"):
        _ = data.train


def test_every_file_may_be_read_by_those_who_may_read_new_files(stored):
    (stored / "new").touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in stored.iterdir()}
    assert len(modes) == 1


def test_force_replaces_a_data_set_and_nothing_else(stored, tmp_path):
    with pytest.raises(InputError, match="in use"):
        write_dataset(TINY, stored)
    write_dataset(TINY.replace(seed=5), stored, force=True)
    assert open_dataset(stored).recipe.seed == 5
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").touch()
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        write_dataset(TINY, tmp_path / "mine", force=True)


def test_a_recipe_that_cannot_be_drawn_leaves_nothing(tmp_path):
    empty = TINY.replace(hosts=[{"type": "erdos_renyi", "nodes": 24, "probability": 0.0}])
    with pytest.raises(InputError, match="denser"):
        write_dataset(empty, tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


MANIFESTS = {
    "a folder above": lambda m: m["splits"]["train"][0].update(file="../train-00000.safetensors"),
    "an absolute path": lambda m: m["splits"]["train"][0].update(file="/etc/passwd"),
    "a line break": lambda m: m["splits"]["train"][0].update(file=SHARD + "\n"),
    "another digest": lambda m: m["splits"]["train"][0].update(sha256="0" * 64),
    "no digest": lambda m: m["splits"]["train"][0].update(sha256=""),
    "fewer windows": lambda m: m["splits"]["train"][0].update(windows=15),
    "endless windows": lambda m: m["splits"]["train"][0].update(windows=2**62),
    "negative bytes": lambda m: m["splits"]["train"][0].update(bytes=-1),
    "no shards": lambda m: m["splits"].update(train=[]),
    "an unknown field": lambda m: m.update(extra=1),
    "a format that is none": lambda m: m.update(format=0),
    "a version of two lines": lambda m: m["versions"].update(gnnmax="0.1\n"),
    "another recipe": lambda m: m["recipe"].update(k=3),
    "no recipe": lambda m: m.update(recipe={}),
    "another seed": lambda m: m["recipe"].update(seed=1),
    "a missing split": lambda m: m["splits"].pop("test"),
    "a split too many": lambda m: m["splits"].update(more=[]),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_does_not_fit_is_refused(stored, name):
    edit(stored, MANIFESTS[name])
    with pytest.raises(InputError, match=r"manifest|shard|format|concatenate") as caught:
        _ = open_dataset(stored).train
    assert "\n" not in str(caught.value)


def old(manifest):
    """Make a manifest look as if gnnmax 0.1 had written it."""
    del manifest["generation"]
    manifest.update(format=1, digest="0" * 64, versions={"gnnmax": "0.1.0"}, recipe={"field": "gone"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (old, r"made by gnnmax 0\.1\.0 \(generation 1\): generate it again .* or open it with gnnmax 0\.1\.0$"),
        (lambda m: m.update(generation=GENERATION - 1, unknown=1), "or open it with gnnmax"),
        (lambda m: m.update(generation=GENERATION + 1, unknown=1), "made by a newer gnnmax .*: upgrade gnnmax$"),
        (lambda m: m.update(format=FORMAT + 1), "made by a newer gnnmax .*: upgrade gnnmax$"),
        (lambda m: m.update(format=FORMAT + 1, generation=GENERATION - 1), "upgrade gnnmax$"),
    ],
    ids=["0.1", "older", "newer", "newer format", "both"],
)
def test_a_data_set_of_another_generation_names_the_version_that_reads_it_and_is_never_called_damaged(
    stored, change, message
):
    edit(stored, change)
    for read in (read_manifest, open_dataset, verify):
        with pytest.raises(InputError, match=message) as caught:
            read(stored)
        assert not any(word in str(caught.value) for word in ("damaged", "changed", "digest"))


def test_an_array_of_windows_is_named_in_one_place_and_stored_and_exported_under_that_name(tmp_path):
    arrays = [field.name for field in dataclasses.fields(Windows) if "NDArray" in field.type]
    recipe = load_recipe("noise-9-mu2").replace(splits={"test": 1}, contexts=True)
    windows = build(recipe).test
    folder = write_dataset(recipe, tmp_path / "data")
    content = (folder / "test-00000.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    columns = parquet.read_schema(to_parquet(windows, tmp_path / "windows.parquet")).names
    assert sorted(arrays) == sorted(FIELDS) == sorted(header) == sorted(set(columns) - {"label", "kind"})
    assert [field.name for field in recipe.fields] == list(windows.arrays()) == list(FIELDS)
    for name, array in windows.arrays().items():
        assert (array.dtype, array.shape) == (FIELDS[name].dtype, FIELDS[name].shape(len(windows), windows.k))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[" * 100_000,
        b'{"recipe":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
        b'{"format":' + b"9" * 5_000 + b"}",
        b'{"format":1e400}',
        b" " * 16_000_001,
    ],
    ids=lambda content: repr(content[:10]),
)
def test_a_manifest_that_is_none_is_refused(stored, content):
    (stored / MANIFEST).write_bytes(content)
    with pytest.raises(InputError, match="manifest"):
        read_manifest(stored)


def with_header(folder, change):
    """Rewrite the shard with another header, and update its digest."""
    content = (folder / SHARD).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = change(json.loads(content[8 : 8 + length]))
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / SHARD).write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    sign(folder)


def field(name, **changes):
    return lambda header: {**header, name: {**header[name], **changes}}


HEADERS = {
    "another dtype": field("values", dtype="F64"),
    "a dtype that is none": field("values", dtype=3),
    "before the file": field("values", data_offsets=[-4, 9596]),
    "behind the file": field("values", data_offsets=[10**6, 10**6 + 9600]),
    "far behind": field("values", data_offsets=[2**70, 2**70 + 9600]),
    "back to front": field("values", data_offsets=[9600, 0]),
    "another shape": field("values", shape=[96, 25]),
    "three ends": field("values", data_offsets=[0, 1, 2]),
    "a field too many": field("values", more=1),
    "notes": lambda header: {**header, "__metadata__": {"a": "b"}},
    "an array too many": lambda header: {**header, "more": header["values"]},
    "an array missing": lambda header: {name: entry for name, entry in header.items() if name != "graph"},
    "a key twice": lambda header: (
        b'{"values":' + json.dumps(header["values"]).encode() + b"," + json.dumps(header).encode()[1:]
    ),
    "no text": lambda header: b"\xff" + json.dumps(header).encode(),
    "more behind it": lambda header: json.dumps(header).encode() + b"x",
    "a list": lambda header: [header],
    "deep": lambda header: b"[" * 50_000,
    "long": lambda header: json.dumps(header).encode() + b" " * 100_000,
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused_though_it_is_signed(stored, name):
    with_header(stored, HEADERS[name])
    with pytest.raises(InputError, match="generate the data set again"):
        _ = open_dataset(stored).train


def test_the_same_header_written_again_is_read(stored):
    with_header(stored, lambda header: header)
    assert same(open_dataset(stored).train, build(TINY).train)


def test_an_empty_shard_is_refused(stored):
    (stored / SHARD).write_bytes(b"")
    sign(stored)
    with pytest.raises(InputError, match="of 0 bytes cannot hold 96 windows"):
        _ = open_dataset(stored).train


def test_a_truth_value_that_is_neither_is_refused(stored):
    content = bytearray((stored / SHARD).read_bytes())
    length = int.from_bytes(content[:8], "little")
    content[8 + length + json.loads(content[8 : 8 + length])["observed"]["data_offsets"][0]] = 2
    (stored / SHARD).write_bytes(content)
    sign(stored)
    with pytest.raises(InputError, match="neither true nor false"):
        _ = open_dataset(stored).train


def test_a_source_is_a_folder_a_recipe_a_name_or_a_file(stored, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text((store.Path(__file__).parents[2] / "datasets" / "recipes" / "tiny.toml").read_text())
    assert load_data(stored).recipe == TINY
    for source in ("tiny", file, load_recipe("tiny"), load_recipe("tiny").to_dict()):
        assert same(load_data(source).test, build(load_recipe("tiny")).test)
    with pytest.raises(InputError, match="unknown recipe"):
        load_data("nowhere")
    with pytest.raises(InputError, match="no data set"):
        load_data(tmp_path)
