"""Ceilings of maps in a sweep: units of their own, computed once for each world."""

import pytest

from gnnmax import load_recipe
from gnnmax.data.maps.ceilings import ceilings_of
from gnnmax.experiments.map_scoreboard import best_possible
from gnnmax.experiments.sweeps import units
from gnnmax.experiments.sweeps.driver import estimate_sweep, run_sweep
from gnnmax.experiments.sweeps.ledger import Ledger
from gnnmax.experiments.sweeps.merging import merge_sweeps
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.report.sweep_page import render_sweep_page
from gnnmax.report.sweep_tables import reason_rows
from tests.support.sweeps import PLAN

AMPLITUDE, ORDER = "recipe.map.plant.amplitude", "recipe.map.order"
MAPS = {
    "data": "needle-32",
    "models": ["map-cnn"],
    "recipe": {"splits": {"train": 2, "val": 1, "test": 2}},
    "training": {"steps": 1, "batch_size": 2, "device": "cpu"},
    "grid": {ORDER: ["natural", "shuffled"], AMPLITUDE: [3.0, 4.0]},
    "metric": "found_exactly",
}
ASKING = MAPS | {"ceilings": True}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a sweep on maps whose plan asks for ceilings after the nets were measured."""
    folder = tmp_path_factory.mktemp("sweeps") / "whole"
    before = run_sweep(MAPS, folder)
    assert before.complete and before.table.best_possible() is None
    after = run_sweep(ASKING, folder)
    assert (after.measured, after.complete) == (2, True), "the order does not matter to a ceiling"
    assert after.notes == ["the plan has changed: 2 units are new"]
    return folder


def test_every_row_has_the_best_possible_values_on_its_maps(whole):
    table = read_sweep(whole)
    assert table.bounded == ["found_exactly"]
    for row in table.rows:
        recipe = load_recipe("needle-32").replace(**{"map.plant.amplitude": row[AMPLITUDE]})
        assert row["ceiling_found_exactly"] == best_possible(ceilings_of(recipe, "test"))["found_exactly"]
        assert row["ceiling"] is None
    assert len(table) == 4
    assert sorted(table.best_possible().values) == sorted(row["ceiling_found_exactly"] for row in table.rows)
    assert "best possible" in render_sweep_page(table)


def test_ceilings_of_shards_merge_with_their_nets(whole, tmp_path):
    for shard in ("2/2", "1/2"):
        run_sweep(ASKING, tmp_path / shard[0], shard=shard)
    merged = merge_sweeps([tmp_path / "1", tmp_path / "2"], tmp_path / "all")
    assert merged == read_sweep(whole)
    assert Ledger.load(tmp_path / "all").digests() == Ledger.load(whole).digests()


def test_a_ceiling_that_fails_says_why_and_is_computed_by_the_next_call(whole, tmp_path, monkeypatch):
    def no_memory(recipe, split):
        raise MemoryError(recipe, split)

    with monkeypatch.context() as patch:
        patch.setattr(units, "ceilings_of", no_memory)
        found = run_sweep(ASKING, tmp_path / "sweep")
    assert [row[0] for row in reason_rows(found.table)] == ["ceiling", "ceiling"]
    assert not found.complete
    assert {row["state"] for row in found.table.rows} == {"done"}
    assert found.table.best_possible() is None
    assert run_sweep(ASKING, tmp_path / "sweep").measured == 2
    assert read_sweep(tmp_path / "sweep") == read_sweep(whole)


def test_windows_have_their_ceilings_anyway(tmp_path):
    assert estimate_sweep(PLAN | {"ceilings": True}, tmp_path / "none").units == 8
