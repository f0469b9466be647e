"""Rules on maps: what each reads, and the table of the line map, order known and lost."""

import math

import numpy as np
import pytest

from gnnmax import InputError, build, evaluate_peaks, load_recipe
from gnnmax.data.maps.ceilings import ceilings_of
from gnnmax.data.maps.places import peak_distances, share_of_peaks, top_places
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.task.map_posterior import needle_found
from gnnmax.task.maps import Maps
from tests.support.maps import BUMP, LINE, TABLES, few_maps_for_ceilings, map_recipe

DRAWN = {name: build(map_recipe(3, **table)).test for name, table in TABLES.items()}


@pytest.mark.parametrize("name", TABLES)
def test_a_rule_scores_every_place_of_a_map_and_nothing_else(name):
    maps = DRAWN[name]
    for rule in MAP_RULES.values():
        if not rule.applies(maps):
            with pytest.raises(InputError, match="no weights among rows"):
                rule(maps)
            continue
        scores = rule(maps)
        assert scores.shape == maps.values.shape
        assert not np.isnan(scores).any()
        outside = np.isnan(maps.values)
        if maps.structure == "symmetric":
            outside |= np.eye(maps.n, dtype=bool)
            assert np.array_equal(scores, scores.transpose(0, 2, 1)), rule.name
        assert np.isneginf(scores[outside]).all()
        if rule.name != "nms":
            assert np.isfinite(scores[maps.allowed]).all()


EXTREME = {
    "nothing observed": np.full((4, 4), np.nan),
    "one entry": np.where(np.arange(16).reshape(4, 4) == 6, 1.0, np.nan),
    "one node": np.ones((1, 1)),
    "constant": np.full((6, 6), 0.1),
    "huge": np.where(np.arange(36).reshape(6, 6) % 5, 0, 3e38),
    "tiny": np.arange(36).reshape(6, 6) * 1e-44,
}


@pytest.mark.parametrize("structure", ["symmetric", "directed", "bipartite"])
@pytest.mark.parametrize("name", EXTREME)
def test_a_rule_scores_maps_of_any_values_without_a_warning(name, structure):
    values = EXTREME[name]
    maps = Maps.from_values(np.fmax(values, values.T) if structure == "symmetric" else values, structure=structure)
    for rule in MAP_RULES.values():
        if rule.applies(maps):
            scores = rule(maps)
            assert not np.isnan(scores).any() and not np.isposinf(scores).any()
            assert np.isfinite(top_places(scores, maps, 3).amplitude).all()


def test_a_rule_refuses_infinite_values():
    maps = Maps.from_values(np.where(np.eye(3) > 0, np.inf, 1), structure="directed")
    for rule in MAP_RULES.values():
        with pytest.raises(InputError, match="1 of 1 maps hold infinite values: give finite ones"):
            rule(maps)


def moves_with_the_nodes(rule, maps):
    """Whether renumbering the nodes renumbers the scores and does nothing else."""
    order = np.argsort(np.random.default_rng(0).random(maps.row_place.shape), axis=1)
    before, after = rule(maps), rule(maps.permuted(order))
    return all(
        np.allclose(after[index], before[index][np.ix_(order[index], order[index])], atol=1e-5)
        for index in range(len(maps))
    )


@pytest.mark.parametrize("name", ["needle", "line", "contact", "near the diagonal"])
def test_rules_that_read_no_image_move_with_the_nodes_and_those_that_do_do_not(name):
    maps = DRAWN[name]
    for rule in MAP_RULES.values():
        if rule.name != "rcm_seriation":  # equal degrees keep the given order
            assert moves_with_the_nodes(rule, maps) == (rule.reads != "image"), rule.name


def shares(maps, names):
    found = {}
    for name in names:
        far = peak_distances(maps, top_places(MAP_RULES[name](maps), maps))
        found[name] = [share_of_peaks(far <= tolerance, maps)[0] for tolerance in (0, 1)]
    return found


KNOWN = {
    (4.0, 2.0): {"posterior": (0.55, 0.87), "argmax": (0.08, 0.24), "neighbours": (0.17, 0.52)},
    (4.0, 3.0): {"posterior": (0.84, 0.99), "argmax": (0.24, 0.60), "neighbours": (0.41, 0.89)},
    (2.0, 3.0): {"posterior": (0.85, 1.00), "argmax": (0.28, 0.66), "neighbours": (0.29, 0.79)},
}
"""Shares found exactly and within one place, of an independent measurement with errors up to .03 each."""


@pytest.mark.parametrize(("affinity", "amplitude"), KNOWN)
def test_the_line_map_gives_the_known_table(affinity, amplitude):
    recipe = load_recipe("line-64-shuffled").replace(splits={"test": 150})
    changed = recipe.replace(**{"map.background.affinity": affinity, "map.plant.amplitude": amplitude})
    maps = build(changed).test
    found = shares(maps, [*KNOWN[affinity, amplitude], "spectral_seriation"])
    for name, expected in KNOWN[affinity, amplitude].items():
        for mine, known in zip(found[name], expected, strict=True):
            error = math.hypot(math.sqrt(known * (1 - known) / len(maps)), 0.03)
            assert abs(mine - known) < 3 * error, name
    assert found["spectral_seriation"][0] < 0.06
    assert found["spectral_seriation"][1] < found["argmax"][1] < found["neighbours"][1] < found["posterior"][1]


def test_places_are_named_in_order_apart_and_where_a_peak_can_be():
    maps = build(map_recipe(5, n=30, diagonal=9, plant=BUMP, background=LINE, order="shuffled")).test
    calls = top_places(MAP_RULES["argmax"](maps), maps, 4, separation=5)
    assert len(calls) == 20
    assert maps.allowed[calls.map, calls.row, calls.column].all()
    along = maps.along_host(calls)
    for index in range(5):
        own = along.map == index
        assert (np.diff(along.amplitude[own]) <= 0).all()
        place = along.places[own, 1:]
        assert np.abs(place[:, None] - place).max(axis=2)[~np.eye(4, dtype=bool)].min() >= 5
    assert len(top_places(np.full(maps.values.shape, -np.inf), maps, 4)) == 0
    assert (peak_distances(maps, calls) >= 0).all()
    with pytest.raises(InputError, match="the shape of the maps"):
        top_places(np.zeros((5, 3, 3)), maps)


def test_ceilings_are_exact_for_needles_posterior_for_one_peak_and_a_named_bound_for_several(monkeypatch):
    few_maps_for_ceilings(monkeypatch)
    (needle,) = ceilings_of(map_recipe(structure="directed"), "test")
    assert (needle.basis, needle.found, needle.maps) == ("closed form", needle_found(20, 4.0), 0)
    (pair,) = ceilings_of(map_recipe(noise="lognormal"), "test")
    assert pair.found == needle_found(20, 4.0, symmetric=True)
    low, high = ceilings_of(map_recipe(n=12, diagonal=6, plant={**BUMP, "amplitude": [1.0, 4.0]}), "test")
    assert (low.basis, low.amplitude, high.amplitude) == ("posterior", 1.0, 4.0)
    assert low.found + 5 * low.found_error < high.found <= high.within_one
    assert low.entropy > high.entropy
    (several,) = ceilings_of(map_recipe(n=12, peaks=[0, 2], separation=3, plant=BUMP), "test")
    assert several.basis == "matched filter, order known"
    assert several.found < several.within_one
    assert ceilings_of(map_recipe(peaks=0), "test") == ()
    near, far = (ceilings_of(map_recipe(n=12, diagonal=d), "test")[0] for d in (1, 8))
    assert near.basis == "closed form"
    assert far.found > near.found


def test_one_line_says_what_a_rule_scores():
    with pytest.raises(InputError, match="scores Maps, not ndarray"):
        MAP_RULES["argmax"](np.zeros((3, 3)))


def test_calls_out_of_score_maps_are_evaluated_as_they_are_in_positions_and_along_the_host():
    table = {"n": 24, "peaks": [0, 3], "separation": 4, "diagonal": 6, "plant": {**BUMP, "amplitude": 6.0}}
    natural, shuffled = (build(map_recipe(12, **table, order=order)).test for order in ("natural", "shuffled"))
    calls = top_places(MAP_RULES["matched_filter"](natural), natural, natural.peak_count, separation=4)
    verdict = evaluate_peaks(calls, natural, resamples=50)
    far = peak_distances(natural, calls)
    assert verdict.recall == pytest.approx((far <= 1).mean())
    calls = top_places(MAP_RULES["matched_filter"](shuffled), shuffled, shuffled.peak_count, separation=4)
    along = evaluate_peaks(shuffled.along_host(calls), shuffled.along_host(), maps=12, symmetric=True, resamples=50)
    assert along.recall == pytest.approx(verdict.recall)
