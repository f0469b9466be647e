"""Peaks in tiles: the posterior equals that of all configurations, and no rule finds more than the ceiling."""

import itertools
import math

import numpy as np
import pytest

from gnnmax import InputError, build
from gnnmax.data.maps.ceilings import ceilings_of
from gnnmax.data.maps.places import peak_distances, share_of_peaks, top_places
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.task.map_posterior import evidence
from gnnmax.task.tile_posterior import counted_posterior, tile_ceiling, tile_posterior, tiles_of_places
from tests.support.maps import BUMP, few_maps_for_ceilings, map_recipe

SPIKES = {"n": 4, "structure": "directed", "peaks": {"tiles": 2, "chance": 0.4}}
IN_TILES = {
    "spikes": {"n": 16, "structure": "directed", "peaks": {"tiles": 4, "chance": 0.4}},
    "pairs": {"n": 18, "peaks": {"tiles": 3}},
    "bumps": {"n": 44, "plant": {**BUMP, "radius": 1.0}, "peaks": {"tiles": 4}, "order": "shuffled"},
    "counts": {
        "n": 40,
        "structure": "directed",
        "noise": "poisson",
        "base": 4.0,
        "plant": {**BUMP, "radius": 0.7, "amplitude": 1.5},
        "peaks": {"tiles": 3, "chance": 0.7},
    },
}


def all_configurations(one, tile, chance):
    """The chance of a peak at each place, with and without its number known, by the sum over every configuration."""
    places = [np.argwhere(tile == number) for number in np.unique(tile[tile >= 0])]
    gain = evidence(one)[0]
    free, counted, totals = np.zeros(tile.shape), np.zeros(tile.shape), np.zeros(2)
    for chosen in itertools.product(*([None, *map(tuple, own)] for own in places)):
        there = [place for place in chosen if place is not None]
        weight = math.exp(sum(gain[place] for place in there))
        for own, place in zip(places, chosen, strict=True):
            weight *= 1 - chance if place is None else chance / len(own)
        same = len(there) == int(one.peak_count[0])
        totals += [weight, weight * same]
        for place in there:
            free[place] += weight
            counted[place] += weight * same
    return free / totals[0], counted / totals[1]


def test_the_posterior_is_that_of_all_configurations():
    recipe = map_recipe(4, **SPIKES)
    maps, tile = build(recipe).test, recipe.map.tile_of_places
    for index in range(len(maps)):
        free, counted = all_configurations(maps[index], tile, 0.4)
        assert np.allclose(tile_posterior(maps[index], tile, 0.4)[0], free)
        assert np.allclose(counted_posterior(maps[index], tile)[0], counted)


@pytest.mark.parametrize(
    ("changes", "tiles"),
    [
        ({"n": 4, "structure": "directed"}, 4),
        ({"n": 5, "columns": 4, "structure": "bipartite"}, 4),
        ({"n": 8}, 3),
        ({"n": 8, "structure": "directed", "diagonal": 1}, 4),
    ],
)
def test_all_tiles_can_hold_a_peak_where_every_place_can(changes, tiles):
    recipe = map_recipe(5, **changes, peaks={"tiles": 2, "chance": 1.0})
    assert recipe.map.peak_range == (tiles, tiles)
    assert build(recipe).test.peak_count.tolist() == [tiles] * 5


def test_one_tile_can_be_the_whole_map():
    recipe = map_recipe(40, n=4, structure="directed", peaks={"tiles": 1, "chance": 0.5})
    assert set(build(recipe).test.peak_count.tolist()) == {0, 1}


@pytest.mark.parametrize("name", IN_TILES)
def test_each_tile_holds_a_peak_with_its_chance_and_the_probabilities_say_so(name):
    recipe = map_recipe(60, **IN_TILES[name])
    maps, tile = build(recipe).test, recipe.map.tile_of_places
    tiles, chance = recipe.map.peak_range[1], recipe.map.peaks.chance
    true = maps.along_host()
    assert (tile[true.row, true.column] >= 0).all()
    assert len(np.unique(np.stack([true.map, tile[true.row, true.column]]), axis=1).T) == len(true)
    error = math.sqrt(chance * (1 - chance) * tiles * len(maps))
    assert abs(len(true) - chance * tiles * len(maps)) < 4 * error
    free, counted = tile_posterior(maps, tile, chance), counted_posterior(maps, tile)
    assert np.allclose(counted.sum(axis=(1, 2)), maps.peak_count)
    assert abs(free.sum() - len(true)) < 4 * error
    assert free[maps.peaks.map, maps.peaks.row, maps.peaks.column].mean() > 3 * free[free > 0].mean()


@pytest.mark.parametrize("name", IN_TILES)
def test_the_best_calls_reach_the_ceiling_and_no_rule_passes_it(name):
    recipe = map_recipe(80, **{**IN_TILES[name], "order": "natural"})
    maps, tile = build(recipe).test, recipe.map.tile_of_places
    ceiling = tile_ceiling(maps, tile)
    best = counted_posterior(maps, tile)
    scores = best + best.transpose(0, 2, 1) if maps.structure == "symmetric" else best
    rules = {"best": scores, **{rule: MAP_RULES[rule](maps) for rule in ("argmax", "matched_filter", "neighbours")}}
    for rule, given in rules.items():
        far = peak_distances(maps, top_places(given, maps, maps.peak_count))
        for tolerance, known in ((0, ceiling.found), (1, ceiling.within_one)):
            share, error = share_of_peaks(far <= tolerance, maps)
            if rule == "best":
                assert abs(share - known) < 4 * error + 0.01
            elif tolerance == 0:
                assert share < known + 4 * error + 0.01


def test_a_recipe_states_the_exact_ceiling_for_one_amplitude_and_the_bound_for_several(monkeypatch):
    few_maps_for_ceilings(monkeypatch)
    (one,) = ceilings_of(map_recipe(**IN_TILES["spikes"]), "test")
    assert one.basis == "posterior by tiles"
    assert 0.4 < one.found < 1
    assert one.found_error > 0
    several = {**IN_TILES["spikes"], "plant": {"type": "spike", "amplitude": [3.0, 5.0]}}
    assert ceilings_of(map_recipe(**several), "test")[0].basis == "matched filter, order known"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"separation": 2}, "leave out separation"),
        ({"n": [16, 20]}, "one size"),
        ({"plant": {**BUMP, "radius": 0.9}}, "no tile has a place"),
        ({"peaks": {"tiles": 0}}, "Expected `int` >= 1"),
        ({"peaks": {"tiles": 2, "chance": 0.0}}, "Expected `float` > 0"),
    ],
)
def test_tiles_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        map_recipe(**{**IN_TILES["spikes"], **changes})


def test_wrong_chances_tiles_and_counts_are_refused():
    recipe = map_recipe(2, **SPIKES)
    maps, tile = build(recipe).test, recipe.map.tile_of_places
    with pytest.raises(InputError, match="above 0 and at most 1"):
        tile_posterior(maps, tile, 1.5)
    with pytest.raises(InputError, match="all have this size"):
        tile_posterior(maps, tile[:3], 0.5)
    two = build(map_recipe(1, structure="directed", peaks=2, separation=3)).test
    with pytest.raises(InputError, match="more peaks than its 1 tiles"):
        counted_posterior(two, tiles_of_places(20, 20, 1, margin=0, diagonal=None))
    with pytest.raises(InputError, match="no map has one"):
        tile_ceiling(build(map_recipe(2, structure="directed", peaks=0)).test, np.zeros((20, 20), dtype=np.int64))
