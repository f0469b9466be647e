"""The laws of the generator, the store and the card."""

import hashlib
import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gnnmax import InputError, build, load_recipe, open_dataset
from gnnmax.cli.main import main
from gnnmax.data import generation as drawing
from gnnmax.data.card import describe
from gnnmax.data.generation import generate_graph
from gnnmax.data.planting.plants import Shares, draw_kinds
from gnnmax.data.planting.spikes import plant_spikes, plantable
from gnnmax.data.recipe_files import recipe_names
from gnnmax.data.store import MANIFEST, write_dataset
from gnnmax.data.verification import verify
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.ownership import DATA_SET
from gnnmax.task.label import KINDS, is_centred, kind_of, margin
from tests.support.skips import skip_outside_ci

ROOT = Path(__file__).parents[2]
TINY = load_recipe("tiny")
GOLDEN = {
    "tiny": "dec48dccc7cedba1",
    "spike-9": "55f79e8bb740abba",
    "noise-9-mu2": "d625bfac294d41c7",
    "bump-9-shuffled": "4dabd2675686a13a",
    "counts-9": "a9c49e9f8872afb4",
    "contact-11": "19a4a24ccef97600",
    "hubs-9": "8df9daab54c76657",
    "real-les-miserables": "efaad3fd2f5ea6c0",
}
CODES = {kind: code for code, kind in enumerate(KINDS)}


def cells(seed: int, count: int = 400, k: int = 5, density: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Sparse windows whose centre is an edge, flat, and where their edges are."""
    rng = np.random.default_rng(seed)
    edge_mask = rng.random((count, k * k)) < density
    edge_mask[:, k * k // 2] = True
    values = np.where(edge_mask, rng.integers(1, 60, size=edge_mask.shape), 0).astype(np.float32)
    fit = plantable(values, edge_mask)
    return values[fit], edge_mask[fit]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "constant"])
def test_a_spike_keeps_topology_and_multiset_and_puts_the_maximum_where_its_kind_says(kind):
    before, edge_mask = cells(1)
    planted, bounds = before.copy(), (0.1, 0.8)
    codes = np.full(len(before), CODES[kind], dtype=np.uint8)
    assert plant_spikes(planted, edge_mask, codes, bounds, np.random.default_rng(0)).all()
    np.testing.assert_array_equal(planted != 0, edge_mask)  # no edge is made or lost
    middle = planted.shape[1] // 2
    first, second, *_ = np.sort(planted, axis=1)[:, ::-1].T
    centre = planted[:, middle]
    changed = 2 if kind == "tied" else 1  # entries of another value than before
    kept = np.sort(before, axis=1)[:, :-changed]
    np.testing.assert_array_equal(np.sort(planted, axis=1)[:, :-changed], kept)
    assert {
        "centred": (centre == first) & (first > second),
        "tied": (centre == first) & (first == second),
        "runner_up": (centre == second) & (first > second),
        "shifted": (centre < first) & (first > second),
        "background": (centre < first) & (first > second),
    }[kind].all()


def test_a_constant_window_has_no_edge_and_no_other_window_is_changed():
    before, edge_mask = cells(1)
    mixed, others = before.copy(), before.copy()
    codes = np.full(len(before), CODES["shifted"], dtype=np.uint8)
    assert plant_spikes(others, edge_mask, codes, (0.1, 0.8), np.random.default_rng(0)).all()
    codes[::2] = CODES["constant"]
    assert plant_spikes(mixed, edge_mask, codes, (0.1, 0.8), np.random.default_rng(0)).all()
    assert (mixed[::2] == 0).all()
    np.testing.assert_array_equal(mixed[1::2], others[1::2])
    assert (kind_of(mixed[::2].reshape(-1, 5, 5)) == CODES["constant"]).all()


def test_a_margin_that_float32_cannot_hold_becomes_one_unit_in_the_last_place():
    values, edge_mask = cells(2)
    planted = values + 1000 * edge_mask
    codes = np.full(len(values), CODES["centred"], dtype=np.uint8)
    assert plant_spikes(planted, edge_mask, codes, (1e-9, 1e-9), np.random.default_rng(0)).all()
    first, second, *_ = np.sort(planted, axis=1)[:, ::-1].T
    np.testing.assert_array_equal(first, np.nextafter(second, np.float32(np.inf)))
    assert is_centred(planted.reshape(-1, 5, 5)).all()


def test_margins_are_drawn_log_uniform_and_hold_in_the_windows_own_deviation():
    values, edge_mask = cells(2, count=3000)
    plant_spikes(values, edge_mask, np.zeros(len(values), np.uint8), (0.05, 1.0), np.random.default_rng(0))
    found = margin(values.reshape(len(values), 5, 5))
    assert found.min() >= 0.05 * (1 - 1e-3)
    assert found.max() <= 1.0 * (1 + 1e-3)
    logs = (np.log(found) - np.log(0.05)) / np.log(20)
    assert abs(logs.mean() - 0.5) < 0.03
    assert abs(logs.std() - 12**-0.5) < 0.02


def test_a_shifted_maximum_stands_on_any_other_edge_equally():
    values, edge_mask = np.tile(cells(3)[0][:1], (6000, 1)), np.tile(cells(3)[1][:1], (6000, 1))
    plant_spikes(values, edge_mask, np.full(6000, CODES["shifted"], np.uint8), (0.2, 0.2), np.random.default_rng(0))
    counts = np.bincount(values.argmax(axis=1), minlength=25)
    edges = edge_mask[0].copy()
    edges[12] = False
    assert (counts[~edges] == 0).all()
    expected = 6000 / edges.sum()
    assert np.abs(counts[edges] - expected).max() < 5 * np.sqrt(expected)


def test_kinds_come_in_their_shares():
    shares = Shares(centred=0.5, shifted=0.2, runner_up=0.15, tied=0.1, background=0.05)
    for count in (1, 7, 64, 1000):
        kinds = draw_kinds(shares, count, np.random.default_rng(count))
        for kind in KINDS:
            assert abs((kinds == CODES[kind]).sum() - count * shares.of(kind)) <= 1


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_draws_windows_that_its_own_labels_fit(name):
    recipe = load_recipe(name)
    graphs = dict.fromkeys(recipe.splits, 1) if recipe.kinds is not None else recipe.splits
    for split, windows in build(recipe.replace(splits=graphs)).splits.items():
        assert windows.k == recipe.of(split).k
        np.testing.assert_array_equal(windows.observed, is_centred(windows.values))
        true = windows.label if not windows.noise.flips else windows.kind == "centred"
        np.testing.assert_array_equal((windows.offset == 0).all(axis=1), true)
        nodes = np.concatenate([windows.rows, windows.columns], axis=1)
        assert (np.diff(np.sort(nodes, axis=1), axis=1) > 0).all()  # rows and columns are disjoint


def digest(data) -> str:
    found = hashlib.sha256()
    for windows in data.splits.values():
        for array in windows.arrays().values():
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def test_the_same_recipe_gives_the_same_bytes_for_any_number_of_workers():
    recipe = load_recipe("spike-9").replace(splits={"train": 20, "test": 9})
    assert digest(build(recipe)) == digest(build(recipe, workers=2)) != digest(build(recipe.replace(seed=1)))


@pytest.mark.parametrize(("name", "expected"), GOLDEN.items())
def test_bytes_are_those_of_every_machine_with_the_same_libraries(name, expected):
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    for library in ("numpy", "scipy", "networkx"):
        if version(library) != pinned[library]:
            skip_outside_ci(f"bytes are golden for {library} {pinned[library]}")
    recipe = load_recipe(name)
    few = recipe.replace(splits=dict.fromkeys(recipe.splits, 1)) if recipe.kinds is not None else recipe
    assert digest(build(few))[:16] == expected


def test_a_graph_is_the_same_whoever_asks_and_when():
    data = build(TINY)
    for graph in (5, 0, 3):
        alone = generate_graph(TINY, graph)
        together = data.split(TINY.split_of(graph))
        for name, array in together[together.graph == graph].arrays().items():
            np.testing.assert_array_equal(alone.arrays()[name], array)


def test_hosts_with_too_few_edges_are_refused_after_some_tries(monkeypatch):
    monkeypatch.setattr("gnnmax.data.base_windows.REDRAWS", 3)
    with pytest.raises(InputError, match="choose denser hosts"):
        build(TINY.replace(hosts=[{"type": "erdos_renyi", "nodes": 24, "probability": 0.01}]))


@pytest.fixture
def stored(tmp_path) -> Path:
    return write_dataset(TINY, tmp_path / "tiny")


def test_what_is_read_is_what_was_drawn_and_lies_in_the_file(stored):
    drawn, read = build(TINY), open_dataset(stored)
    for split, windows in drawn.splits.items():
        for name, array in windows.arrays().items():
            np.testing.assert_array_equal(read.split(split).arrays()[name], array)
    assert not read.train.values.flags.owndata
    assert not read.train.values.flags.writeable


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda f: flip(f / "train-00000.safetensors"), "SHA-256"),
        (lambda f: truncate(f / "train-00000.safetensors"), "must have"),
        (lambda f: (f / "train-00000.safetensors").unlink(), "missing"),
        (lambda f: shutil.copy(f / "val-00000.safetensors", f / "train-00000.safetensors"), "SHA-256"),
        (lambda f: (f / MANIFEST).write_text("{}"), "damaged"),
        (lambda f: (f / MANIFEST).write_text("[" * 50_000), "damaged"),
        (lambda f: (f / MANIFEST).write_bytes(b"\xff"), "damaged"),
        (lambda f: edit(f, lambda m: m["splits"]["train"][0].update(file="../train-00000.safetensors")), "damaged"),
        (lambda f: edit(f, lambda m: m["recipe"].update(seed=7)), "digest"),
        (lambda f: edit(f, lambda m: m["splits"].pop("val")), "splits"),
    ],
)
def test_a_damaged_data_set_is_refused_and_verify_says_so(stored, damage, complaint, capsys):
    damage(stored)
    with pytest.raises(InputError, match=complaint):
        _ = list(open_dataset(stored).splits.values())
    assert not all(check.holds for check in verify(stored))
    assert main(["verify", str(stored)]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert main(["info", str(stored)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def edit(folder: Path, change) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize("field", ["observed", "planted", "kind_code", "offset", "margin", "graph"])
def test_a_changed_array_is_found_even_when_its_digest_is_signed_again(stored, field):
    from safetensors.numpy import load, save

    shard = stored / "test-00000.safetensors"
    arrays = {name: array.copy() for name, array in load(shard.read_bytes()).items()}
    flat = arrays[field].reshape(-1)
    flat[0] = ~flat[0] if flat.dtype == bool else flat[0] + 1
    content = save(arrays)
    shard.write_bytes(content)
    sign = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(stored, lambda manifest: manifest["splits"]["test"][0].update(sign))
    assert not all(check.holds for check in verify(stored))


@pytest.mark.parametrize(
    "header",
    [
        '{"values":{"dtype":"F32","shape":[16,5,5],"data_offsets":[0,1600]},"values":{}}',
        '{"values":{"dtype":"F32","shape":[16,5,5],"data_offsets":[0,9999999999]}}',
        '{"__metadata__":{"x":"y"}}',
        "[" * 5_000,
        "{}",
    ],
)
def test_a_hostile_header_is_refused(stored, header):
    shard = stored / "train-00000.safetensors"
    size = shard.stat().st_size
    content = (len(header).to_bytes(8, "little") + header.encode()).ljust(size, b"\0")
    shard.write_bytes(content)
    sign = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(stored, lambda manifest: manifest["splits"]["train"][0].update(sign))
    with pytest.raises(InputError, match=r"generate the data set again|holds"):
        _ = open_dataset(stored).train


def test_a_folder_is_whole_or_absent_whatever_write_fails_and_the_same_call_leaves_nothing_else(tmp_path, monkeypatch):
    real = os.fsync
    for failing in range(1, 30):
        calls = iter(range(1, 1000))

        def sync(descriptor, calls=calls, failing=failing):
            if next(calls) == failing:
                raise OSError(28, "No space left on device")
            return real(descriptor)

        monkeypatch.setattr(os, "fsync", sync)
        out = tmp_path / f"data-{failing}"
        assert main(["generate", "tiny", "--out", str(out)]) in (0, 2)
        monkeypatch.setattr(os, "fsync", real)
        if not out.exists():  # what was stored is kept for the same call
            assert main(["generate", "tiny", "--out", str(out)]) == 0
            assert all(check.holds for check in verify(out))
            assert not list(tmp_path.glob(f".data-{failing}.*"))
        else:
            assert all(check.holds for check in verify(out))
            if next(calls) < failing:
                return
    pytest.fail("writing a data set takes fewer syncs than that")


def test_an_old_data_set_stays_until_the_new_one_is_whole(stored):
    before = (stored / MANIFEST).read_bytes()
    with pytest.raises(RuntimeError, match="broken off"), atomic_folder(stored, owner=DATA_SET, force=True) as scratch:
        (scratch / MANIFEST).write_text("half")
        raise RuntimeError("broken off")
    assert (stored / MANIFEST).read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"k": 4}, "k must be odd"),
        ({"k": "nine"}, "Expected `int`"),
        ({"splits": {}}, "length"),
        ({"splits": {"../x": 1}}, "matching regex"),
        ({"splits.train": 10**12}, "Expected `int` <="),
        ({"name": "../x"}, "matching regex"),
        ({"frobnicate": 1}, "unknown field"),
        ({"kinds.centred": 0.9}, "sum to 1"),
        ({"plant.margin": [1.0, 0.5]}, "least, greatest"),
        ({"plant.type": "spyke"}, "Invalid value 'spyke'"),
        ({"hosts.0.probability": 1.5}, "<= 1.0"),
        ({"hosts.7.probability": 1.5}, "no field"),
        ({"hosts": [{"type": "complete"}]}, "no subgraphs"),
        ({"hosts": [{"type": "real", "name": "karate_club"}]}, "have their own weights"),
        ({"subgraphs.0.nodes": 30}, "does not fit"),
        ({"weights": []}, "weights"),
        ({"windows_per_graph": None}, "windows_per_graph"),
        ({"plant": {"type": "noise", "amplitude": 2.0}}, "noise"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_with_the_field(changes, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        TINY.replace(**changes)
    assert "\n" not in str(caught.value)


def test_a_recipe_survives_a_round_trip_and_its_digest_follows_what_decides_the_bytes():
    for name in recipe_names():
        recipe = load_recipe(name)
        assert msgspec.convert(json.loads(json.dumps(recipe.to_dict())), type(recipe)) == recipe
        assert recipe.replace(summary="x", name="x").digest == recipe.digest != recipe.replace(seed=99).digest


def test_probes_do_not_pass_their_ceilings_and_a_leak_is_caught(monkeypatch):
    recipe = load_recipe("spike-9").replace(splits={"train": 100, "test": 100})

    def beaten(card) -> list[str]:
        return [p.name for p in card.probes if p.accuracy > p.stated + 4 * p.standard_error + 0.01]

    assert beaten(describe(build(recipe))) == []
    honest = drawing.plant_spikes

    def leaky(values, edge_mask, kinds, *others, **options):
        strict = honest(values, edge_mask, kinds, *others, **options)
        values[kinds == CODES["centred"]] *= np.float32(1.5)  # adds to one class alone
        values[kinds == CODES["centred"], :5] += np.float32(1.0)
        return strict

    monkeypatch.setattr(drawing, "plant_spikes", leaky)
    assert {"sorted_entries", "degree"} & set(beaten(describe(build(recipe))))


def test_rules_hold_what_the_card_states_of_them():
    for name in ("spike-9", "noise-9-mu2", "noise-9-mu3", "real-karate"):
        recipe = load_recipe(name)
        few = recipe.replace(splits={"test": 60}) if recipe.kinds is not None else recipe
        for rung in describe(build(few)).rules:
            if rung.stated is not None:
                assert abs(rung.accuracy - rung.stated) <= 4 * rung.standard_error + 1e-3, (name, rung)


def test_info_and_verify_print_json_that_parses(stored, capsys):
    assert main(["info", str(stored), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny"
    assert main(["verify", str(stored), "--json"]) == 0
    assert all(check["holds"] for check in json.loads(capsys.readouterr().out))
    assert main(["info", "tiny"]) == 0
    assert "degree" in capsys.readouterr().out
