"""Stored maps: read back as they were drawn, checked, and shown by the command line."""

import json

import numpy as np
import pytest

from gnnmax import InputError, build, open_dataset, save_dataset
from gnnmax.cli.main import main
from gnnmax.data.maps.card import describe_maps
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.store import load_any, load_data, write_dataset
from gnnmax.data.verification import verify
from tests.support.maps import BLOCK, BLOCKS, TABLES, few_maps_for_ceilings, map_recipe


@pytest.mark.parametrize("name", TABLES | BLOCKS)
def test_maps_are_read_back_as_they_were_drawn_and_verified(tmp_path, name):
    recipe = map_recipe(splits={"train": 3, "test": 2}, **(TABLES | BLOCKS)[name])
    drawn, folder = build(recipe), write_dataset(recipe, tmp_path / "maps")
    read = open_dataset(folder)
    assert isinstance(read, MapSet)
    assert read.recipe == recipe
    assert read.folder == folder
    assert read.count("train") == 3
    for split in drawn:
        for field, array in drawn[split].arrays().items():
            assert np.array_equal(read[split].arrays()[field], array, equal_nan=True)
    assert [check for check in verify(folder, every_host=True) if not check.holds] == []


def test_shards_are_the_same_for_any_number_of_workers_and_a_saved_set_is_the_written_one(tmp_path, monkeypatch):
    recipe = map_recipe(splits={"test": 9})
    monkeypatch.setattr("gnnmax.data.store.SHARD_BYTES", 8_000)
    folders = [write_dataset(recipe, tmp_path / str(workers), workers=workers) for workers in (1, 2)]
    folders.append(save_dataset(build(recipe), tmp_path / "saved"))
    files = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders]
    assert len(files[0]) > 2
    assert files[0] == files[1] == files[2]
    assert sum(len(part) for part in open_dataset(folders[0]).parts("test")) == 9


@pytest.mark.parametrize("place", range(0, 40, 5))
def test_a_changed_byte_is_noticed(tmp_path, place):
    folder = write_dataset(map_recipe(splits={"test": 2}), tmp_path / "maps")
    (shard,) = folder.glob("*.safetensors")
    content = bytearray(shard.read_bytes())
    content[-1 - place * len(content) // 50] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match="does not have the SHA-256"):
        _ = open_dataset(folder).test
    assert not all(check.holds for check in verify(folder))


def test_maps_that_contradict_their_recipe_are_refused_on_reading(tmp_path):
    folder = write_dataset(map_recipe(splits={"test": 2}, diagonal=5), tmp_path / "maps")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["recipe"]["map"]["diagonal"] = 19
    manifest["digest"] = map_recipe(splits={"test": 2}, diagonal=19).digest
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="map 0: a peak is less than 19 from the diagonal"):
        _ = open_dataset(folder).test


def test_windows_are_not_read_from_maps(tmp_path):
    recipe = map_recipe(splits={"test": 2})
    for given in (recipe, build(recipe), build(recipe).test, write_dataset(recipe, tmp_path / "maps"), "needle-32"):
        with pytest.raises(InputError, match="maps where windows are expected") as caught:
            load_data(given)
        assert "\n" not in str(caught.value)


def test_the_commands_generate_verify_and_describe_maps(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few_maps_for_ceilings(monkeypatch)
    sizes = ["--set", "splits={ train = 2, test = 3 }", "--set", "map.n=24"]
    assert main(["generate", "line-64-shuffled", *sizes, "--out", "maps"]) == 0
    assert main(["verify", "maps", "--all"]) == 0
    assert "FAILED" not in capsys.readouterr().out
    assert main(["info", "maps", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["splits"]["test"]["maps"] == 3
    assert [one["amplitude"] for one in card["ceilings"]] == [2.0, 3.0]
    assert 0.4 < card["ceilings"][0]["found"] < 0.75 < card["ceilings"][1]["found"] < 1
    assert {rule["name"] for rule in card["rules"]} >= {"posterior", "neighbours", "argmax"}
    assert main(["info", "maps"]) == 0
    assert "how well the places of the peaks can be known" in capsys.readouterr().out
    assert main(["list", "map-rules"]) == 0
    assert "  spectral_seriation " in capsys.readouterr().out
    assert main(["info", "maps", "--page", "card.html"]) == 0
    assert "<img" in (tmp_path / "card.html").read_text(encoding="utf-8")
    assert main(["compare", "--data", "maps", "--models", "cnn", "--out", "run"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.html", "maps"]


def test_a_card_of_maps_without_peaks_has_no_rules_and_shows_itself():
    card = describe_maps(build(map_recipe(splits={"train": 2}, peaks=0)))
    assert (card.ceilings, card.rules, card.described) == ((), (), "train")
    assert repr(card) == "<MapCard of x: maps: train 2>"
    assert "<table>" in card._repr_html_()
    assert isinstance(load_any("real-karate").test.k, int)


def test_a_card_of_blocks_states_their_strength_and_the_share_that_each_rule_finds(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = {"n": 100, "plant": {**BLOCK, "amplitude": [0.5, 3.0], "nodes": 10}, "order": "shuffled"}
    data = build(map_recipe(16, **table))
    card = describe_maps(data)
    assert [round(one.strength, 6) for one in card.blocks] == [0.25, 9.0]
    assert card.blocks[0].amp < 0.3 < 0.99 < card.blocks[1].amp
    found = {(one.amplitude, one.name): one for one in card.block_rules}
    assert found[3.0, "amp"].overlap > 0.99 > 0.4 > found[3.0, "scan"].overlap
    assert found[0.5, "host_scan"].overlap > 0.5 > found[0.5, "amp"].overlap
    assert found[0.5, "amp"].maps + found[3.0, "amp"].maps == 16
    assert card.ceilings == card.rules == ()
    write_dataset(data.recipe, tmp_path / "maps")
    assert main(["info", "maps"]) == 0
    assert "scan 0.184, amp 0.368, eigenvector 1.000" in " ".join(capsys.readouterr().out.split())
    assert main(["list", "block-rules"]) == 0
    assert "  host_scan " in capsys.readouterr().out


def test_a_stored_block_that_contradicts_its_recipe_is_refused_on_reading(tmp_path):
    folder = write_dataset(map_recipe(splits={"test": 2}, plant=BLOCK), tmp_path / "maps")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["recipe"]["map"]["plant"]["nodes"] = 7
    manifest["digest"] = map_recipe(splits={"test": 2}, plant={**BLOCK, "nodes": 7}).digest
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="map 0: its block does not have 7 rows"):
        _ = open_dataset(folder).test
