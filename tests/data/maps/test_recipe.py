"""Recipes of maps: read, written, changed, shifted, and refused in one line."""

import tomllib
from pathlib import Path

import pytest

from gnnmax import InputError, build, load_recipe
from gnnmax.data.maps.recipe import parse_map_recipe
from gnnmax.data.recipe_files import any_recipe, map_recipe_names, recipe_names
from tests.support.maps import BLOCK, BUMP, CONTACT, LINE, map_recipe

HOST = {"type": "host", "family": {"type": "contact", "nodes": 24}}


@pytest.mark.parametrize("name", map_recipe_names())
def test_a_shipped_recipe_is_read_back_from_its_own_toml(name):
    recipe = load_recipe(name)
    again = parse_map_recipe(tomllib.loads(recipe.to_toml()), name)
    assert again == recipe
    assert again.digest == recipe.digest
    assert recipe.name == name not in recipe_names()
    assert str(recipe).startswith(f"recipe {name}: ")
    assert recipe.summary and recipe.tables()[0].rows


def test_the_recipe_of_the_page_is_one():
    page = (Path(__file__).parents[3] / "docs" / "maps.md").read_text(encoding="utf-8")
    recipe = parse_map_recipe(tomllib.loads(page.split("```toml\n")[1].split("```")[0]), "page")
    assert len(build(recipe.replace(splits={"train": 2, "lost": 1})).lost) == 1


def test_a_change_has_another_digest_and_another_summary():
    recipe = load_recipe("line-64")
    changed = recipe.replace(**{"map.background.affinity": 2.0})
    assert changed.digest != recipe.digest
    assert changed.summary == "line-64 with map.background.affinity = 2.0"
    assert recipe.replace(seed=1).digest != recipe.digest == recipe.replace(summary="another").digest


def test_a_shift_changes_its_own_split_only():
    recipe = load_recipe("line-64").replace(
        splits={"train": 2, "test": 2, "large": 1, "lost": 1},
        shifts={"large": {"n": 80, "plant": {**BUMP, "amplitude": 4.0}}, "lost": {"order": "shuffled"}},
    )
    data = build(recipe)
    assert [data[split].n for split in data] == [64, 64, 80, 64]
    assert data.large.peak_amplitude.tolist() == [[4.0]]
    assert data.lost.row_place.tolist() != data.test[:1].row_place.tolist()
    assert set(data.train.graph) | set(data.lost.graph) == {0, 1, 5}
    assert repr(data) == "<MapSet line-64: train 2, test 2, large 1, lost 1>"
    assert [row[2] for row in data.tables()[0].rows] == ["64", "64", "80", "64"]
    with pytest.raises(AttributeError, match="did you mean large"):
        _ = data.larg


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"n": [9, 5]}, "n must be a number or"),
        ({"n": 1}, ">= 2"),
        ({"n": 20_000}, "<= 16384"),
        ({"n": 6_000}, "maps with peaks have at most 5,000 rows"),
        ({"noise": "bernoulli", "base": 0.5}, "show no single peak"),
        ({"plant": {**BLOCK, "nodes": 10}}, "fewer than half of the rows"),
        ({"plant": {**BLOCK, "columns": 5}}, "belong to bipartite maps"),
        ({"plant": BLOCK, "structure": "bipartite", "columns": 30}, "belong to bipartite maps"),
        ({"plant": BLOCK, "background": LINE}, "a block has no background"),
        ({"plant": BLOCK, "diagonal": 3}, "no separation and no diagonal"),
        ({"plant": BLOCK, "peaks": 2}, "at most one block, not 2"),
        ({"plant": BLOCK, "peaks": {"tiles": 2}}, "a block is not placed in tiles"),
        ({"plant": BLOCK, "noise": "bernoulli", "base": 0.5}, "would have probability 2.5"),
        ({"plant": BLOCK, "n": 6_000, "order": "seriated"}, "cannot be seriated"),
        ({"plant": {"type": "block", "amplitude": 1.0}}, "missing required field"),
        ({"columns": 9}, "columns belongs to bipartite maps"),
        ({"structure": "bipartite"}, "columns belongs to bipartite maps"),
        ({"structure": "bipartite", "columns": 9, "background": LINE}, "no diagonal, no background"),
        ({"background": CONTACT}, "use noise = 'poisson'"),
        ({"background": LINE, "noise": "poisson"}, "a contact background or none"),
        ({"background": HOST}, "as many nodes as the host"),
        ({"n": 24, "background": {**HOST, "weights": {"type": "normal"}}}, "give no weights"),
        ({"background": {"type": "host", "family": {"type": "complete"}}}, "which complete is not"),
        ({"background": {"type": "host", "family": {"type": "real", "name": "karate_club"}}}, "which real is not"),
        ({"diagonal": 20}, "lower diagonal"),
        ({"plant": BUMP, "noise": "poisson"}, "must not meet: set diagonal to 11"),
        ({"n": 5, "plant": BUMP}, "is 5.8 wide, and a map has 5 nodes"),
        ({"peaks": 2}, "need a separation"),
        ({"peaks": 9, "separation": 9}, "may not fit"),
        ({"plant": {"type": "bump", "amplitude": 1.0}}, "missing required field"),
        ({"plant": {"type": "spkie", "amplitude": 1.0}}, "did you mean spike"),
        ({"ordr": "natural"}, "did you mean order"),
        ({"background": {"type": "none"}}, r"background\.type`$"),  # no field is meant
        ({"plant": {"type": "spike", "amplitude": [1.0, 1.0]}}, "must be different"),
    ],
)
def test_a_table_that_makes_no_maps_is_refused_in_one_line(table, message):
    with pytest.raises(InputError, match=message) as caught:
        map_recipe(**table)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shifts": {"train": {"n": 9}}}, "a split other than train and val"),
        ({"shifts": {"test": {"diagonal": 70}}}, "split test: no entry"),
        ({"splits": {"tables": 1}}, "the name is taken"),
        ({"splits": {"test": 10_000_000}, "map.n": 5_000}, "100,000,000,000 entries"),
        ({"map.nodes": 9}, "unknown field"),
    ],
)
def test_a_recipe_that_makes_no_data_set_is_refused_in_one_line(change, message):
    with pytest.raises(InputError, match=message) as caught:
        load_recipe("line-64").replace(**change)
    assert "\n" not in str(caught.value)


def test_windows_are_not_drawn_from_a_recipe_of_maps():
    from gnnmax.data.stream import stream_windows

    with pytest.raises(InputError, match="describes maps where windows are expected"):
        stream_windows("line-64", "train")
    with pytest.raises(InputError, match="did you mean line-64"):
        any_recipe("line-65")
