"""Imported windows: read from every format, split by graph, stored, verified and evaluated like any other."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gnnmax import RULES, InputError, Windows, build, evaluate, import_windows, load_recipe, open_dataset
from gnnmax.data.card import describe
from gnnmax.data.hosts.own_files import name_file
from gnnmax.data.importing import dataset_of, import_files, parse_shares, split_by_graph
from gnnmax.data.store import MANIFEST, load_data
from gnnmax.data.verification import verify
from gnnmax.interop.networkx_parquet import to_parquet
from gnnmax.testing import sample_windows

SAMPLE = sample_windows(5, 120, rng=np.random.default_rng(0), contexts=True)
GRAPH = np.arange(120) // 4
FLAT = SAMPLE.values.reshape(120, 25)


def same(first, second):
    pairs = zip(first.arrays().items(), second.arrays().items(), strict=True)
    return all(a == b and x.dtype == y.dtype and np.array_equal(x, y) for (a, x), (b, y) in pairs)


def small(name):
    return load_recipe(name).replace(splits={"test": 1})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    np.save(folder / "X.npy", SAMPLE.values)
    np.save(folder / "y.npy", SAMPLE.label)
    np.save(folder / "g.npy", GRAPH)
    np.save(folder / "rows.npy", SAMPLE.row_context)
    np.save(folder / "columns.npy", SAMPLE.column_context)
    np.savez(folder / "all.npz", X=SAMPLE.values, y=SAMPLE.label, graph=GRAPH)
    lines = [",".join(f"{value!r}" for value in row.tolist()) for row in FLAT]
    (folder / "X.csv").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    (folder / "y.csv").write_text("label\n" + "\n".join(map(str, SAMPLE.label)) + "\n")
    header = ",".join(f"v{i}" for i in range(25)) + ",label,graph\n"
    whole = [f"{line},{int(y)},{g}" for line, y, g in zip(lines, SAMPLE.label, GRAPH, strict=True)]
    (folder / "all.csv").write_text(header + "\n".join(whole) + "\n")
    columns = {f"v{i}": FLAT[:, i] for i in range(25)} | {"label": SAMPLE.label, "graph": [f"g{g:03}" for g in GRAPH]}
    parquet.write_table(pa.table(columns), folder / "flat.parquet")
    values = pa.FixedSizeListArray.from_arrays(pa.array(FLAT.reshape(-1)), 25)
    parquet.write_table(pa.table({"values": values, "label": SAMPLE.label, "graph": GRAPH}), folder / "all.parquet")
    return folder


@pytest.mark.parametrize(
    "given",
    [
        {"values": "X.npy", "labels": "y.npy", "graph": "g.npy"},
        {"values": "all.npz"},
        {"values": "all.csv"},
        {"values": "X.csv", "labels": "y.csv", "graph": "g.npy"},
        {"values": "flat.parquet"},
        {"values": "all.parquet"},
    ],
    ids=lambda given: given["values"],
)
def test_every_format_gives_the_same_windows(files, given):
    data = import_files(**{role: files / name for role, name in given.items()})
    expected = import_windows(SAMPLE.values, SAMPLE.label, graph=GRAPH)
    assert all(same(data[split], expected[split]) for split in expected)
    assert [source.role for source in data.recipe.sources] == list(given)
    assert data.recipe.digest == expected.recipe.digest


def test_no_graph_is_in_two_splits_and_shares_are_kept():
    data = import_windows(SAMPLE.values, SAMPLE.label, graph=GRAPH, shares=[0.6, 0.2, 0.2])
    graphs = [set(data[split].graph.tolist()) for split in data]
    assert sum(map(len, graphs)) == len(set.union(*graphs)) == 30
    assert [len(data[split]) for split in data] == [72, 24, 24]
    windows = np.concatenate([data[split].values for split in data])
    assert sorted(map(tuple, windows.reshape(120, 25))) == sorted(map(tuple, FLAT))


def test_the_seed_chooses_the_graphs_and_large_graphs_leave_one_for_each_split():
    first, second = (import_windows(SAMPLE.values, graph=GRAPH, seed=seed) for seed in (0, 1))
    assert first.recipe.digest != second.recipe.digest
    lopsided = np.where(np.arange(120) < 118, 0, np.arange(120))
    parts = split_by_graph(import_windows(SAMPLE.values, graph=lopsided, shares=[1.0]).test, parse_shares(None))
    assert all(len(part) for part in parts.values())


def test_a_stored_import_is_read_back_verified_and_described(tmp_path):
    data = import_windows(
        SAMPLE.values, SAMPLE.label, graph=GRAPH, contexts=(SAMPLE.row_context, SAMPLE.column_context), name="mine"
    )
    folder = data.save(tmp_path / "mine")
    read = open_dataset(folder)
    assert read.recipe == data.recipe and all(same(read[split], data[split]) for split in data)
    assert all(check.holds for check in verify(folder))
    card = describe(read)
    assert card.name == "mine" and card.natural.basis == "imported windows" and len(card.probes) == 5
    assert read.bayes is None and read.ceiling is None and read.groups("test") == {}
    assert evaluate(RULES["argmax"], read.test).n_graphs == 3


def test_the_manifest_says_that_it_is_an_import_and_of_which_files(files, tmp_path):
    folder = import_files(files / "X.npy", files / "y.npy").save(tmp_path / "mine")
    manifest = json.loads((folder / MANIFEST).read_text())
    assert "recipe" not in manifest
    assert [source["file"] for source in manifest["imported"]["sources"]] == ["X.npy", "y.npy"]
    (folder / MANIFEST).write_bytes(b"\xef\xbb\xbf" + (folder / MANIFEST).read_bytes())
    assert len(open_dataset(folder).test) == 12


@pytest.mark.parametrize("both", [True, False])
def test_a_manifest_holds_a_recipe_or_an_import_and_not_both_or_neither(tmp_path, both):
    folder = import_windows(SAMPLE.values).save(tmp_path / "mine")
    manifest = json.loads((folder / MANIFEST).read_text())
    own = manifest.pop("imported")
    (folder / MANIFEST).write_text(json.dumps({**manifest, **({"imported": own, "recipe": own} if both else {})}))
    with pytest.raises(InputError, match="a recipe or an import"):
        open_dataset(folder)


def test_verification_notices_windows_that_were_exchanged(tmp_path):
    first, second = (import_windows(SAMPLE.values + shift, graph=GRAPH) for shift in (0, 1))
    folders = [data.save(tmp_path / str(place)) for place, data in enumerate((first, second))]
    manifests = [json.loads((folder / MANIFEST).read_text()) for folder in folders]
    manifests[0]["splits"] = manifests[1]["splits"]
    (folders[1] / MANIFEST).write_text(json.dumps(manifests[0]))
    assert [check.claim for check in verify(folders[1]) if not check.holds] == [
        "the windows are those that were imported"
    ]


def test_windows_and_data_sets_are_saved_and_keep_every_field(tmp_path):
    noisy = build(small("noise-9-mu2")).test
    read = open_dataset(noisy.save(tmp_path / "noisy", split="hard"))
    assert same(read.hard, noisy) and read.hard.noise == noisy.noise
    assert read.bayes is RULES["bayes"]
    drawn = build(small("tiny"))
    assert open_dataset(drawn.save(tmp_path / "drawn")).recipe == drawn.recipe
    assert all(check.holds for check in verify(tmp_path / "drawn"))
    with pytest.raises(InputError, match="in use"):
        drawn.save(tmp_path / "drawn")
    drawn.save(tmp_path / "drawn", force=True)


def test_windows_alone_are_split_by_graph_where_a_data_set_is_asked_for():
    data = load_data(Windows.from_values(SAMPLE.values))
    assert [len(data[split]) for split in ("train", "val", "test")] == [96, 12, 12]
    assert load_data(data) is data


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: import_windows(FLAT[:, :24]), "24 numbers a window"),
        (lambda: import_windows(SAMPLE.values, SAMPLE.label[:5]), r"labels must have shape \(120,\)"),
        (lambda: import_windows(SAMPLE.values, graph=GRAPH[:5]), "graph must have one entry"),
        (lambda: import_windows(SAMPLE.values, graph=GRAPH + 0.5), "whole numbers or names"),
        (lambda: import_windows(SAMPLE.values, graph=np.zeros(120)), "1 graphs cannot make 3 splits"),
        (lambda: import_windows(SAMPLE.values, shares=[0.5, 0.4]), "sum to 1"),
        (lambda: import_windows(SAMPLE.values, shares=[0.25] * 4), "more splits need names"),
        (lambda: import_windows(SAMPLE.values, contexts=(FLAT[:5], FLAT)), "row_context must have shape"),
        (lambda: import_windows(SAMPLE.values, name="My Data"), "import My Data"),
        (lambda: import_files("nowhere.npy"), "cannot read the arrays nowhere.npy"),
        (lambda: import_files("mine.txt"), r"ends in \.npy, \.npz, \.csv, \.parquet"),
        (lambda: dataset_of({"train": SAMPLE[:5], "test": SAMPLE[3:9]}), "graph 3 is in two splits"),
        (lambda: dataset_of({"train": SAMPLE[:5], "test": SAMPLE[:0]}), "has no windows"),
        (lambda: dataset_of(SAMPLE), "windows by name of the split"),
        (lambda: import_windows(np.empty((0, 9, 9)), np.ones(3, bool)), "there are no windows"),
        (lambda: import_files("nowhere.npy"), "No such file or directory; give the path"),
        (lambda: name_file("nowhere.csv"), "No such file or directory; give the path"),
    ],
)
def test_what_makes_no_data_set_is_refused_in_one_line(call, match):
    with pytest.raises(InputError, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_file_without_windows_or_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "two.npz", a=FLAT, b=FLAT)
    np.save(tmp_path / "object.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04")
    (tmp_path / "words.csv").write_text("a,b\n1,x\n")
    (tmp_path / "grouped.csv").write_text("a,b\n1,1_0\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    for name, match in (
        ("two.npz", "holds a, b"),
        ("object.npy", "pickled"),
        ("broken.npz", r"not a \.npz file"),
        ("words.csv", "line 2 has 'x'"),
        ("grouped.csv", "line 2 has '1_0' where a number"),
        ("broken.parquet", "not a Parquet file"),
    ):
        with pytest.raises(InputError, match=match):
            import_files(tmp_path / name)


def test_a_table_that_was_exported_is_imported_again(tmp_path):
    to_parquet(SAMPLE, tmp_path / "windows.parquet")
    data = import_files(tmp_path / "windows.parquet", shares=[1.0])
    assert np.array_equal(data.test.values, SAMPLE.values)
    assert np.array_equal(data.test.row_context, SAMPLE.row_context)
    assert np.array_equal(data.test.label, SAMPLE.label)
    assert np.array_equal(data.test.rows, SAMPLE.rows) and np.array_equal(data.test.columns, SAMPLE.columns)


def test_windows_with_entries_that_were_not_observed_are_imported_and_verified(tmp_path):
    values = np.random.default_rng(0).integers(0, 4, size=(80, 3, 3)).astype(np.float32)
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    values[:5] = np.nan
    values[5:8, 1, 1] = np.inf
    data = import_windows(values, graph=np.arange(80) // 2)
    checks = verify(data.save(tmp_path / "gaps"))
    holding = [check.claim for check in checks if not check.holds and "relabelled" not in check.claim]
    assert holding == []
    card = describe(data, probes=False)
    assert json.dumps(card.to_dict(), allow_nan=False) and card.tables()
    assert (
        describe(dataset_of({"test": import_windows(values[:5], shares=[1]).test})).properties["margin"] == [None] * 5
    )


def test_the_public_names_of_imports_take_other_words_for_labels(tmp_path):
    np.savez(tmp_path / "a.npz", windows=SAMPLE.values, labels=SAMPLE.label, groups=GRAPH)
    data = import_files(tmp_path / "a.npz")
    assert len(np.unique(data.train.graph)) == 24 and data.recipe.name == "a"
