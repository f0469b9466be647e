"""The audit of scorers of maps: nets follow the actions that they declare, exactly, and rules those that they read."""

import numpy as np
import pytest

from gnnmax.auditing.map_audit import MAP_ACTIONS, audit_maps
from gnnmax.data.generation import build
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.errors import InputError
from gnnmax.models.maps.entries import MAP_NETS
from gnnmax.models.maps.registry import MAP_MODELS
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import save_model
from gnnmax.task.maps import Maps
from tests.support.map_nets import awake, small_config
from tests.support.maps import TABLES, map_recipe

TABLE = {name: build(map_recipe(**TABLES[name])).test for name in ("line, shuffled", "needle", "ragged")}


def audited(scorer, table="line, shuffled", **options):
    return audit_maps(scorer, TABLE[table], rng=np.random.default_rng(0), **options)


def net_of(name, folder):
    save_model(folder, awake(name).float(), name=name, k=None, config=small_config(name))
    return load_map_model(folder, device="cpu")


@pytest.mark.parametrize("table", list(TABLE))
@pytest.mark.parametrize("name", [*MAP_NETS, "sliding-cnn"])
def test_a_net_follows_the_actions_that_it_declares_and_every_change_of_scale(name, table, tmp_path):
    if MAP_MODELS[name].needs_nodes and table == "ragged":
        return
    report = audited(net_of(name, tmp_path), table)
    assert report.broken(MAP_MODELS[name].equivariant) == []
    assert report["affine_map"] == "equivariant" and report["increasing_map"] == "neither"


@pytest.mark.parametrize("name", ["map-cnn", "map-unet", "sliding-cnn"])
def test_a_net_on_images_does_not_follow_a_relabelling_and_its_best_place_moves(name, tmp_path):
    found = audited(net_of(name, tmp_path), "needle")["relabelling"]
    assert found == "neither" and found.maximum > found.floor and found.moved > 0


@pytest.mark.parametrize("name", ["argmax", "neighbours", "margin", "nms"])
def test_rules_follow_what_they_read(name):
    report = audited(MAP_RULES[name])
    wanted = "equivariant" if MAP_RULES[name].reads in ("entries", "graph") else "neither"
    assert report["relabelling"] == wanted and report["transposition"] == "equivariant"


def test_a_rule_on_entries_keeps_its_best_place_under_an_increasing_map():
    found = audited(MAP_RULES["argmax"], actions=["increasing_map"])["increasing_map"]
    assert found == "neither" and found.moved == 0


def test_an_audit_of_huge_numbers_and_of_gaps_warns_of_nothing():
    values = np.random.default_rng(0).normal(size=(3, 9, 9)) * 1e30
    values[2] = np.nan
    maps = Maps.from_values(values, structure="directed")
    found = audit_maps(MAP_RULES["argmax"], maps, rng=np.random.default_rng(1))
    assert found["relabelling"] == "equivariant" and found["increasing_map"].moved == 0


def test_a_scorer_that_forgets_a_place_or_prefers_a_row_is_found_out():
    def lame(maps):
        scores = MAP_RULES["argmax"](maps).copy()
        scores[:, 0, 1] = -np.inf
        return scores

    def ordered(maps):
        return MAP_RULES["argmax"](maps) + np.arange(maps.n)[:, None]

    assert audited(lame)["relabelling"] == "neither"
    assert audited(ordered)["transposition"] == "neither"


def test_a_report_is_a_table_and_plain_values():
    report = audited(MAP_RULES["argmax"], most=2)
    assert list(report) == list(MAP_ACTIONS) and len(report) == 5
    assert report.to_dict()["relabelling"]["maps"] == 2
    assert "relabelling" in str(report.tables()) and "relabelling equivariant" in repr(report)


@pytest.mark.parametrize(
    ("scorer", "maps", "options", "complaint"),
    [
        (MAP_RULES["argmax"], np.eye(3), {}, "transforms Maps, not ndarray"),
        (MAP_RULES["argmax"], TABLE["needle"][:0], {}, "no maps to transform"),
        (MAP_RULES["argmax"], TABLE["needle"], {"actions": ["flip"]}, "unknown action on maps 'flip'"),
        (lambda maps: np.zeros(3), Maps.from_values(np.eye(3), structure="directed"), {}, "returns scores of shape"),
    ],
)
def test_wrong_calls_are_refused(scorer, maps, options, complaint):
    with pytest.raises(InputError, match=complaint):
        audit_maps(scorer, maps, rng=np.random.default_rng(0), **options)


def test_an_unknown_finding_is_refused():
    with pytest.raises(InputError, match="unknown action 'flip'"):
        audited(MAP_RULES["argmax"], actions=["transposition"])["flip"]
