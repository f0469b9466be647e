"""A card's folder holds the data set in Parquet, a head in YAML with the right numbers, and valid metadata."""

import json
import re
import warnings

import numpy as np
import pytest

from gnnmax import build, load_recipe
from gnnmax.data.maps.dataset import MapSet
from gnnmax.errors import InputError
from gnnmax.models.model_folders import SHIPPED, shipped_models
from gnnmax.report.hugging_face import write_dataset_card
from tests.support.skips import skip_outside_ci

DATA = build("tiny")


def head_of(card):
    """The fields of the head; each value is JSON, which YAML includes."""
    lines = card.split("\n---\n")[0].splitlines()[1:]
    return {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in lines}


def table(path):
    try:
        from pyarrow import parquet
    except ImportError:
        skip_outside_ci("no pyarrow")
    return parquet.read_table(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_dataset_card(DATA, tmp_path_factory.mktemp("card") / "tiny", probes=False)


def test_the_tables_hold_the_windows_and_the_head_counts_them(folder):
    head = head_of((folder / "README.md").read_text())
    assert (head["license"], head["size_categories"]) == ("mit", ["n<1K"])
    files = {each["split"]: each["path"] for each in head["configs"][0]["data_files"]}
    for split in head["dataset_info"]["splits"]:
        (path,) = folder.glob(files[split["name"]])
        rows = table(path)
        assert rows.num_rows == split["num_examples"] == len(DATA[split["name"]])
        values = np.array(rows["values"].to_pylist(), np.float32).reshape(-1, 5, 5)
        np.testing.assert_array_equal(values, DATA[split["name"]].values)
        assert [each["name"] for each in head["dataset_info"]["features"]] == rows.column_names


def test_every_file_is_in_one_split_by_the_rules_of_the_library_that_loads_the_folder(folder):
    head = head_of((folder / "README.md").read_text())
    (config,) = head["configs"]
    assert config["config_name"] == "default" and set(config) == {"config_name", "data_files"}
    claimed = [path for each in config["data_files"] for path in folder.glob(each["path"])]
    assert sorted(claimed) == sorted(path for path in (folder / "data").iterdir())
    assert {path.suffix for path in claimed} == {".parquet"}
    splits = [each["split"] for each in config["data_files"]]
    assert all(re.fullmatch(r"\w+(\.\w+)*", split) and split != "all" for split in splits)
    assert splits == [each["name"] for each in head["dataset_info"]["splits"]]
    assert head["dataset_info"]["download_size"] == sum(path.stat().st_size for path in claimed)


def test_the_library_datasets_loads_the_folder_with_the_types_that_the_card_states(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import datasets
        except ImportError:
            skip_outside_ci("no datasets")
        if not hasattr(datasets, "load_dataset"):  # the folder of that name in the checkout
            skip_outside_ci("no datasets")
        found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))
    assert {split: len(rows) for split, rows in found.items()} == {split: len(DATA[split]) for split in DATA}
    rows = found["test"].with_format("numpy")
    np.testing.assert_array_equal(np.reshape(rows["values"][:], (-1, 5, 5)), DATA.test.values)
    np.testing.assert_array_equal(rows["label"][:], DATA.test.label)
    assert found["test"].features["values"].length == 25 and found["test"].features["values"].feature.dtype == "float32"


def test_the_features_have_the_types_of_the_columns(folder):
    head = head_of((folder / "README.md").read_text())
    schema = table(next(folder.glob("data/test-*"))).schema
    for feature in head["dataset_info"]["features"]:
        found = schema.field(feature["name"]).type
        if "list" in feature:
            assert (found.list_size, feature["length"]) == (feature["length"],) * 2
            found = found.value_type
        stated = feature.get("list", feature.get("dtype"))
        assert {"float": "float32"}.get(str(found), str(found)) in (stated, f"large_{stated}")


def test_the_heads_of_all_cards_are_yaml_with_the_fields_that_the_hub_asks_for(folder):
    try:
        import yaml
    except ImportError:
        skip_outside_ci("no yaml")
    data = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert list(data) == ["license", "pretty_name", "tags", "size_categories", "configs", "dataset_info"]
    for name in [*shipped_models(), *shipped_models(maps=True)]:
        _, head, card = (SHIPPED / name / "README.md").read_text(encoding="utf-8").split("---\n", 2)
        found = yaml.safe_load(head)
        assert (found["license"], found["library_name"]) == ("mit", "gnnmax") and "graph" in found["tags"]
        (index,) = found["model-index"]
        assert index["name"] == name
        for result in index["results"]:
            assert result["task"]["type"] and result["dataset"]["type"] and result["metrics"]
            for metric in result["metrics"]:
                assert re.search(rf"^\| `{result['dataset']['name']}` \|.*\| {metric['value']:.4f} \|", card, re.M)
                assert metric["type"] in found["metrics"]


def test_maps_are_written_too_and_the_folder_is_replaced_only_by_force(tmp_path):
    recipe = load_recipe("needle-32")
    maps = build(recipe.replace(splits={"train": 2, "test": 2}))
    assert isinstance(maps, MapSet)
    folder = write_dataset_card(maps, tmp_path / "maps")
    assert len(table(next(folder.glob("data/test-*")))["values"][0]) == 32 * 32
    with pytest.raises(InputError, match="in use"):
        write_dataset_card(DATA, folder, probes=False)
    write_dataset_card(DATA, folder, probes=False, force=True)
    assert json.loads((folder / "gnnmax.json").read_text())["digest"] == DATA.recipe.digest


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="is not a card of gnnmax"):
        write_dataset_card(DATA, tmp_path, probes=False, force=True)
