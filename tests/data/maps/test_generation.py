"""Generated maps: the same bytes in any way, peaks that are where they are said to be, and nothing else that shows."""

import dataclasses

import numpy as np
import pytest

from gnnmax import InputError, build, load_recipe
from gnnmax.data.maps import generation
from gnnmax.data.maps.generation import generate_map, generate_maps, seriated
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.verification import check_maps_of, maps_apart
from gnnmax.data.recipe_files import map_recipe_names
from gnnmax.task.peaks import Peaks
from tests.support.maps import BLOCK, BLOCKS, BUMP, LINE, TABLES, map_recipe

LINES = build(map_recipe(60, n=32, plant=BUMP, diagonal=8, background=LINE, order="shuffled"))


def same(one, two):
    return all(np.array_equal(array, two.arrays()[name], equal_nan=True) for name, array in one.arrays().items())


@pytest.mark.parametrize("name", TABLES | BLOCKS)
def test_a_map_drawn_alone_is_the_map_drawn_among_others(name):
    recipe = map_recipe(splits={"train": 3, "test": 4}, **(TABLES | BLOCKS)[name])
    among = build(recipe).test
    assert same(generate_map(recipe, 5), among[2])
    assert same(generate_maps(recipe.to_dict(), [6, 4]), among[[3, 1]])


def test_bytes_do_not_depend_on_workers_and_chunks(monkeypatch):
    recipe = map_recipe(splits={"train": 7, "test": 3}, **TABLES["line, seriated"])
    alone = build(recipe)
    monkeypatch.setattr(generation, "CHUNK", 800)
    assert all(same(build(recipe, workers=2)[split], alone[split]) for split in alone)


@pytest.mark.parametrize("name", map_recipe_names())
def test_a_shipped_recipe_draws_maps_that_the_checker_confirms(name):
    recipe = load_recipe(name)
    assert isinstance(recipe, MapRecipe)
    few = recipe.replace(splits=dict.fromkeys(recipe.splits, 1))
    data = build(few)
    for split in data:
        checks = check_maps_of(few, split, data[split])
        assert [check for check in checks if not check.holds] == []
    assert maps_apart(data).holds


@pytest.mark.parametrize("name", TABLES | BLOCKS)
def test_the_checker_confirms_every_kind_of_map(name, monkeypatch):
    monkeypatch.setattr("gnnmax.data.maps.verification.STRIP", 130)  # several rows at a time, not all
    data = build(map_recipe(6, **(TABLES | BLOCKS)[name]))
    assert [check for check in check_maps_of(data.recipe, "test", data.test, every_map=True) if not check.holds] == []


def shuffled_places(maps):
    wrong = np.argsort(np.random.default_rng(0).random(maps.row_place.shape), axis=1)
    return {"row_place": wrong, "column_place": wrong}


def another_place(maps):
    position = maps.peak_position.copy()
    position[:, 0] = np.argwhere(np.triu(maps.allowed[0], 1))[5]
    return {"peak_position": position}


@pytest.mark.parametrize(
    "change",
    [
        shuffled_places,
        another_place,
        lambda maps: {"peak_amplitude": maps.peak_amplitude + 1},
        lambda maps: {"values": np.where(maps.values != 0, maps.values * np.float32(1.05), 0)},
        lambda maps: {"background": maps.background * np.float32(0.9)},
        lambda maps: {"graph": maps.graph + 1},
    ],
    ids=["order", "peak", "amplitude", "noise", "background", "host"],
)
def test_the_checker_notices_a_change(change):
    altered = dataclasses.replace(LINES.test, **change(LINES.test))
    checks = check_maps_of(LINES.recipe, "test", altered)
    assert not all(check.holds for check in checks)


def another_block(maps):
    moved = np.roll(maps.row_block, 1, axis=1)
    return {"row_block": moved, "column_block": moved}


def flipped_edge(maps):
    values = maps.values.copy()
    one, two = np.flatnonzero(maps.row_block[2])[[0, 5]]
    values[2, one, two] = values[2, two, one] = 0.0
    return {"values": values}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("block", another_block),
        ("directed block", another_block),
        ("clique", another_block),
        ("clique", flipped_edge),
        ("clique", lambda maps: {"values": maps.values * np.float32(0.99)}),
        ("block", lambda maps: {"block_amplitude": np.flip(maps.block_amplitude)}),
        ("block", lambda maps: {"block_amplitude": maps.block_amplitude + 1}),
        ("rectangle", lambda maps: {"column_block": np.roll(maps.column_block, 1, axis=0)}),
        ("block of counts", lambda maps: {"values": maps.values * np.float32(1.2)}),
        ("block, shuffled, or none", lambda maps: {"values": np.where(maps.values != 0, maps.values + 1, 0)}),
    ],
)
def test_the_checker_notices_a_change_of_a_block(name, change):
    fixed = {"n": 24, "columns": 30} if name == "rectangle" else {}
    data = build(map_recipe(40, **{**BLOCKS[name], **fixed}))
    altered = dataclasses.replace(data.test, **change(data.test))
    checks = [check for check in check_maps_of(data.recipe, "test", altered) if "drawn again" not in check.claim]
    assert not all(check.holds for check in checks), "only the redrawn maps notice it"


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_raises_the_entries_among_its_nodes_and_no_other(name):
    table = {**BLOCKS[name], "order": "natural"}
    with_block, without = (build(map_recipe(8, **table | {"peaks": peaks})).test for peaks in (1, 0))
    assert not without.membership.any()
    rows, columns = with_block.row_block, with_block.column_block
    assert (rows.sum(axis=1) == table["plant"]["nodes"]).all()
    changed = with_block.values - without.values
    changed[~np.isfinite(changed)] = 0
    block = rows[:, :, None] & columns[:, None, :]
    if table.get("structure", "symmetric") == "symmetric":
        block &= ~np.eye(block.shape[1], dtype=bool)
    if with_block.model.law != "poisson":  # counts draw an unknown number of random numbers
        assert (changed[~block] == 0).all()
    if with_block.model.law == "gaussian":
        height = np.broadcast_to(with_block.block_amplitude[:, None, None], block.shape)
        assert np.allclose(changed[block], height[block], atol=1e-5)
    if with_block.model.law == "bernoulli":
        assert (with_block.values[block] == 1).all()
        assert set(np.unique(with_block.values)) == {0.0, 1.0}
        assert 0.4 < without.values.mean() < 0.6


def test_blocks_lie_anywhere_along_the_host_and_arbitrary_nodes_are_in_them_where_the_order_is_lost():
    natural, shuffled = (
        build(map_recipe(300, n=12, plant={**BLOCK, "nodes": 3}, order=order)).test for order in ("natural", "shuffled")
    )
    first = np.bincount(natural.row_block.argmax(axis=1), minlength=12)
    assert (first[10:] == 0).all()
    assert ((first[:10] - 30) ** 2 / 30).sum() < 9 + 5 * np.sqrt(2 * 9)
    share = shuffled.row_block.mean(axis=0)
    assert np.abs(share - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 300)


def test_a_large_map_with_a_block_is_streamed_in_single_precision_without_a_matrix_of_means():
    import tracemalloc

    recipe = map_recipe(1, n=1_500, plant={**BLOCK, "nodes": 50, "amplitude": 0.5})
    tracemalloc.start()
    one = generate_map(recipe, 0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert one.values.dtype == np.float32
    assert most < 1.6 * one.values.nbytes


def test_the_checker_notices_a_map_that_is_in_two_splits():
    moved = LINES.test.relabelled(np.random.default_rng(0))
    assert not maps_apart({"train": LINES.test, "test": moved[3:4]}).holds
    assert maps_apart({"train": LINES.test[:3], "test": moved[3:4]}).holds


def test_graphs_with_as_many_edges_are_no_copies_of_each_other():
    table = {**BLOCKS["clique"], "n": 16, "plant": {**BLOCK, "amplitude": 1.0, "nodes": 4}}
    splits = build(map_recipe(splits={"train": 20, "test": 8}, **table))
    assert maps_apart(splits).holds
    maps = splits.test
    moved = maps.relabelled(np.random.default_rng(0))[1:2]
    turned = dataclasses.replace(moved, values=moved.values.swapaxes(1, 2))
    assert not maps_apart({"train": maps[:2], "test": moved}).holds
    assert not maps_apart({"train": maps[:2], "test": turned}).holds


@pytest.mark.parametrize("name", ["needle", "line, shuffled", "near the diagonal", "two sets"])
def test_nothing_but_the_peaks_differs_from_the_map_without_them(name):
    table = {**TABLES[name], "peaks": TABLES[name].get("peaks", 1)}
    with_peaks, without = (build(map_recipe(8, **table | {"peaks": peaks})).test for peaks in (table["peaks"], 0))
    assert np.array_equal(with_peaks.row_place, without.row_place)
    for index in range(8):
        one, raised = with_peaks[index], (with_peaks.values - without.values)[index].astype(float)
        expected = np.zeros(raised.shape)
        true = one.along_host()
        row, column = one.row_place[0][:, None], one.column_place[0][None, :]
        for p, q, height in zip(true.row, true.column, true.amplitude, strict=True):
            for a, b in ((p, q), (q, p)) if one.structure == "symmetric" else ((p, q),):
                radius = one.model.radius
                squares = (row - a) ** 2 + (column - b) ** 2
                expected += height * (np.exp(-squares / (2 * radius**2)) if radius else squares == 0)
        if one.structure == "symmetric":
            np.fill_diagonal(expected, 0)
        assert np.abs(raised - expected).max() < 2e-5


def test_peaks_lie_everywhere_with_the_same_chance_and_not_at_certain_positions():
    maps = build(map_recipe(1_500, n=8, structure="directed", order="shuffled", diagonal=3)).test
    for peaks in (maps.peaks, maps.along_host()):
        counts = np.bincount(peaks.row, minlength=8)
        assert counts.min() > 0
    places = maps.along_host()
    counts = np.bincount(places.row * 8 + places.column, minlength=64)
    possible = np.abs(np.subtract.outer(np.arange(8), np.arange(8))).ravel() >= 3
    assert (counts[~possible] == 0).all()
    expected = 1_500 / possible.sum()
    assert ((counts[possible] - expected) ** 2 / expected).sum() < 30 + 5 * np.sqrt(2 * 29)  # chi square, 29 degrees
    positions = np.bincount(maps.peaks.row * 8 + maps.peaks.column, minlength=64)
    off = positions[~np.eye(8, dtype=bool).ravel()]
    assert ((off - 1_500 / 56) ** 2 / (1_500 / 56)).sum() < 55 + 5 * np.sqrt(2 * 55)


def test_shuffled_maps_are_the_natural_ones_renumbered():
    natural = build(LINES.recipe.replace(**{"map.order": "natural"})).test
    for index in (0, 7):
        place = LINES.test.row_place[index]
        assert np.array_equal(LINES.test.values[index], natural.values[index][np.ix_(place, place)])
    assert np.array_equal(seriated(LINES.test[:5]).along_host().places, natural[:5].along_host().places)


def test_peaks_keep_their_distances_or_one_line_says_that_there_is_no_room():
    maps = build(map_recipe(30, n=30, peaks=[2, 4], separation=5, diagonal=6)).test
    true = maps.along_host()
    assert (true.column - true.row >= 6).all()
    for index in range(30):
        own = true.places[true.map == index, 1:]
        far = np.abs(own[:, None] - own).max(axis=2)
        assert (far[~np.eye(len(far), dtype=bool)] >= 5).all()
    with pytest.raises(InputError, match="recipe x: a map of 20 x 20 has no room for 4 peaks"):
        build(map_recipe(1, peaks=4, separation=3, diagonal=17))


def test_levels_and_sizes_are_drawn_for_each_map():
    maps = build(
        map_recipe(40, structure="bipartite", n=[6, 10], columns=[7, 8], plant={**BUMP, "amplitude": [1.0, 2.0]})
    ).test
    assert set(maps.size[:, 0].tolist()) == {6, 7, 8, 9, 10}
    assert set(maps.size[:, 1].tolist()) == {7, 8}
    assert set(maps.peak_amplitude[:, 0].tolist()) == {1.0, 2.0}


def test_workers_that_are_none_are_refused():
    with pytest.raises(InputError, match="workers must be an integer"):
        build(LINES.recipe, workers=0)
    assert len(Peaks.of([])) == 0
