"""Views of recipes: the TOML form is read back unchanged, and no text contradicts a field."""

import tomllib

import pytest

from gnnmax import InputError, build, load_recipe
from gnnmax.data.card import describe
from gnnmax.data.dataset import DataSet
from gnnmax.data.recipe import parse_recipe
from gnnmax.data.recipe_files import recipe_names
from gnnmax.data.recipe_views import TAKEN
from gnnmax.io.toml import toml_text


@pytest.mark.parametrize("name", recipe_names())
def test_the_toml_form_of_every_shipped_recipe_is_that_recipe(name):
    recipe = load_recipe(name)
    assert parse_recipe(tomllib.loads(recipe.to_toml()), name) == recipe
    assert name in str(recipe) and "\n" not in str(recipe)
    assert recipe._repr_html_().startswith("<table>")


def test_texts_and_keys_of_any_kind_are_written_and_read_back():
    plain = {"a b": 'quote " and \\ and \n\t\x7f é', "list": [1, 2.5, True, {"x": [1e300, -0.0]}], "none": {}}
    assert tomllib.loads(toml_text(plain)) == plain


def test_a_changed_field_is_stated_by_the_summary_of_recipe_card_and_results():
    recipe = load_recipe("noise-9-mu3").replace(**{"plant.amplitude": 2.0}, splits={"test": 1})
    assert recipe.summary == "noise-9-mu3 with plant.amplitude = 2.0, splits = { test = 1 }"
    assert describe(build(recipe), probes=False).summary == recipe.summary
    assert recipe.replace(k=5).summary == f"{recipe.summary}, k = 5"


def test_a_summary_stays_where_no_field_changed_that_it_may_repeat():
    recipe = load_recipe("noise-9-mu3")
    for changes in ({"seed": 7}, {"name": "other"}, {"k": recipe.k}, {"plant.amplitude": 3.0}):
        assert recipe.replace(**changes).summary == recipe.summary
    assert recipe.replace(k=5, summary="mine").summary == "mine"
    assert load_recipe("real-karate").replace(cuts=["contiguous"]).summary == 'real-karate with cuts = ["contiguous"]'


def test_a_summary_of_many_changes_stays_short():
    hosts = [{"type": "erdos_renyi", "nodes": 24, "probability": 0.5}] * 20
    assert load_recipe("tiny").replace(hosts=hosts).summary == "tiny with changed hosts"


def test_no_split_can_have_the_name_of_an_attribute_of_data_sets():
    assert {name for name in dir(DataSet) if not name.startswith("_")} | {"recipe", "splits"} == set(TAKEN)
    for name in TAKEN:
        with pytest.raises(InputError, match="taken by an attribute"):
            load_recipe("tiny").replace(splits={name: 1})


@pytest.mark.parametrize(
    ("change", "near"),
    [({"windows_per_grph": 8}, "windows_per_graph"), ({"hosts": [{"type": "erdos_reny", "nodes": 24}]}, "erdos_renyi")],
)
def test_an_unknown_field_or_type_of_a_file_names_the_nearest_one(change, near):
    with pytest.raises(InputError, match=f"did you mean {near}"):
        parse_recipe({**load_recipe("tiny").to_dict(), **change}, "tiny")


def test_an_unknown_field_names_the_nearest_one():
    with pytest.raises(InputError, match="did you mean plant"):
        load_recipe("noise-9-mu3").replace(**{"plnt.amplitude": 2.0})
