"""Croissant metadata are valid by the checker of MLCommons, for every recipe and for stored data."""

import contextlib
import copy
import hashlib
import warnings

import numpy as np
import pytest

from gnnmax import build
from gnnmax.data.recipe_files import map_recipe_names, recipe_names
from gnnmax.errors import InputError
from gnnmax.interop.croissant import croissant
from gnnmax.io.ownership import MADE_BY
from gnnmax.report.hugging_face import write_dataset_card
from tests.support.skips import skip_outside_ci


@pytest.fixture(scope="module")
def errors_of():
    """The errors that mlcroissant finds; the library is imported once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import mlcroissant
        except ImportError:
            skip_outside_ci("no mlcroissant")

    def find(metadata):
        with warnings.catch_warnings(), contextlib.suppress(mlcroissant.ValidationError):
            warnings.simplefilter("ignore")
            return list(mlcroissant.Dataset(jsonld=copy.deepcopy(metadata)).metadata.issues.errors)
        return ["refused"]

    return find


@pytest.mark.parametrize("name", [*recipe_names(), *map_recipe_names()])
def test_the_metadata_of_every_recipe_are_valid(errors_of, name):
    found = croissant(name)
    assert errors_of(found) == []
    assert MADE_BY in found["description"]
    assert [records["@id"] for records in found["recordSet"][1:]] == [row["splits/name"] for row in _splits(found)]


def _splits(found):
    return found["recordSet"][0]["data"]


def test_metadata_without_what_the_standard_asks_are_not_valid(errors_of):
    found = croissant("tiny")
    del found["recordSet"][1]["field"][0]["dataType"]
    del found["name"]
    assert errors_of(found) != []


def test_stored_files_are_described_with_their_digests_and_arrays(errors_of, tmp_path):
    folder = build("tiny").save(tmp_path / "data")
    found = croissant(folder)
    assert errors_of(found) == []
    files = {file["name"]: file for file in found["distribution"] if "sha256" in file}
    assert set(files) == {path.name for path in folder.iterdir()}
    for name, file in files.items():
        assert file["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert file["contentSize"] == f"{(folder / name).stat().st_size} B"
    fields = {field["name"]: field for field in found["recordSet"][1]["field"]}
    assert (fields["values"]["dataType"], fields["values"]["arrayShape"]) == ("cr:Float32", "5,5")
    assert "arrayShape" not in fields["margin"]


@pytest.mark.parametrize(
    ("addresses", "address"),
    [
        (None, "https://ai.stackexchange.com/questions/12010"),
        (["Issues, https://example.org/i", "Repository, https://example.org/gnnmax"], "https://example.org/gnnmax"),
    ],
)
def test_the_address_is_that_of_the_repository_where_the_package_has_one(monkeypatch, addresses, address):
    class Metadata:
        def get_all(self, field, otherwise):
            return {"Project-URL": addresses}[field] or otherwise

    monkeypatch.setattr("gnnmax.interop.croissant.metadata", lambda name: Metadata())
    assert croissant("tiny")["url"] == address


def test_the_records_of_a_card_are_read_by_the_library_and_are_the_windows(errors_of, tmp_path):
    import mlcroissant  # errors_of has skipped the test where it is not there

    data = build("tiny")
    folder = write_dataset_card(data, tmp_path / "tiny", probes=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
        records = list(dataset.records("test"))
    assert list(dataset.metadata.issues.errors) == []
    values = np.array([record["test/values"] for record in records], np.float32)
    np.testing.assert_array_equal(values.reshape(data.test.values.shape), data.test.values)
    assert [record["test/label"] for record in records] == data.test.label.tolist()


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="unknown recipe 'nothing'"):
        croissant("nothing")
