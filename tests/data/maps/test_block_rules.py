"""Rules of blocks on maps: any size, any structure, and the order where a rule claims to know it."""

import numpy as np
import pytest

from gnnmax import InputError, build, load_recipe
from gnnmax.data.maps.block_rules import BLOCK_RULES
from gnnmax.task.block_scores import block_overlaps
from tests.support.maps import BLOCKS, map_recipe

DRAWN = {name: build(map_recipe(3, **table)).test for name, table in BLOCKS.items()}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("rule", BLOCK_RULES.values(), ids=BLOCK_RULES)
def test_every_node_gets_a_score_and_positions_outside_get_none(rule, name):
    maps = DRAWN[name]
    scores = rule(maps)
    assert scores.shape == maps.membership.shape
    places = maps.row_place if maps.structure != "bipartite" else np.hstack([maps.row_place, maps.column_place])
    assert np.array_equal(np.isfinite(scores), places >= 0)
    assert np.allclose(rule(maps[1:2])[0][places[1] >= 0], scores[1][places[1] >= 0])
    if rule.reads != "image":
        moved = maps.relabelled(np.random.default_rng(0))
        both = np.where(places >= 0, scores, np.nan), rule(moved)
        for index in range(len(maps)):
            here = {place: both[0][index][at] for at, place in enumerate(maps.row_place[index].tolist())}
            for at, place in enumerate(moved.row_place[index].tolist()):
                if place >= 0:
                    assert abs(both[1][index][at] - here[place]) < 1e-3 * max(1, abs(here[place]))


def test_the_scan_knows_the_order_and_an_image_loses_it():
    recipe = load_recipe("block-1000").replace(
        splits={"test": 3, "shuffled": 3}, **{"map.n": 400, "map.plant.nodes": 20, "map.plant.amplitude": 1.0}
    )
    data = build(recipe)
    found = {
        (split, name): block_overlaps(BLOCK_RULES[name](data[split]), data[split]).mean()
        for split in data
        for name in ("host_scan", "scan")
    }
    assert min(found["test", "host_scan"], found["test", "scan"], found["shuffled", "host_scan"]) == 1
    assert found["shuffled", "scan"] < 0.2


def test_a_clique_is_found_above_the_hard_line_and_not_below_it():
    data = build(load_recipe("clique-1000").replace(splits={"test": 3, "hard": 3}))
    for name in ("amp", "refined_eigenvector", "eigenvector", "degrees"):
        assert block_overlaps(BLOCK_RULES[name](data.hard), data.hard).mean() < 0.3
    assert block_overlaps(BLOCK_RULES["amp"](data.test), data.test).mean() > 0.97
    assert block_overlaps(BLOCK_RULES["host_scan"](data.hard), data.hard).mean() == 1


def test_something_else_is_refused_in_one_line():
    with pytest.raises(InputError, match="scores Maps, not ndarray"):
        BLOCK_RULES["amp"](np.zeros((3, 3)))
    with pytest.raises(InputError, match="need the size of the block"):
        BLOCK_RULES["amp"](build(map_recipe(1)).test)
