"""Maps: their layout, and renumbering of nodes, which moves values, places and peaks together."""

import dataclasses

import numpy as np
import pytest

from gnnmax import InputError, Maps, build
from gnnmax.task.map_model import MapModel
from gnnmax.task.peaks import Peaks
from tests.support.maps import BLOCK, BLOCKS, TABLES, map_recipe

DRAWN = {name: build(map_recipe(4, **table)).test for name, table in (TABLES | BLOCKS).items()}
SYMMETRIC = DRAWN["line, shuffled"]
MATRIX = np.arange(16.0).reshape(4, 4)


@pytest.mark.parametrize("name", TABLES | BLOCKS)
def test_renumbering_moves_values_places_and_peaks_together(name):
    maps = DRAWN[name]
    moved = maps.relabelled(np.random.default_rng(1))
    assert not np.array_equal(moved.row_place, maps.row_place)
    before, after = maps.peaks, moved.peaks
    at = (before.map, before.row, before.column)
    assert np.array_equal(moved.values[after.map, after.row, after.column], maps.values[at])
    assert np.array_equal(moved.along_host().places, maps.along_host().places)
    for index in range(len(maps)):
        back = np.ix_(
            np.argsort(moved.row_place[index], kind="stable"), np.argsort(moved.column_place[index], kind="stable")
        )
        there = np.ix_(
            np.argsort(maps.row_place[index], kind="stable"), np.argsort(maps.column_place[index], kind="stable")
        )
        for field in ("values", "background"):
            if getattr(maps, field) is not None:
                same = getattr(moved, field)[index][back], getattr(maps, field)[index][there]
                assert np.array_equal(*same, equal_nan=True)
        if maps.row_block is not None:
            assert np.array_equal(moved.row_block[index][back[0][:, 0]], maps.row_block[index][there[0][:, 0]])
            assert np.array_equal(moved.column_block[index][back[1][0]], maps.column_block[index][there[1][0]])


def test_blocks_are_selected_joined_padded_and_shown_with_their_maps():
    small, large = DRAWN["block, shuffled, or none"], build(map_recipe(2, n=24, plant=BLOCK)).test
    large = dataclasses.replace(large, model=small.model)
    joined = Maps.concatenate([small, large])
    assert joined.row_block.shape == (6, 24)
    assert not joined.row_block[:4, 20:].any()
    assert np.array_equal(joined[4:].row_block, large.row_block)
    assert np.array_equal(joined.membership, joined.row_block)
    there = joined.row_block.sum(axis=1)
    assert np.array_equal(there == 6, np.isfinite(joined.block_amplitude))
    assert repr(joined).endswith(f"blocks={(there == 6).sum()})")
    assert len(joined.peaks) == len(joined.to_pandas()) == 0
    assert joined.plot(6)[1][-1].get_title() == "map 5, block of 6 x 6"
    rectangle = DRAWN["rectangle"]
    assert rectangle.membership.shape == (4, 24 + 30)
    assert set(rectangle.membership.sum(axis=1).tolist()) == {6 + 9}
    with pytest.raises(InputError, match="these maps hide no blocks"):
        _ = SYMMETRIC.membership
    with pytest.raises(InputError, match="differ in structure, model or background"):
        Maps.concatenate([small, DRAWN["symmetric spikes"]])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("block", {"column_block": None}, "belong together"),
        ("block", {"row_block": DRAWN["block"].row_block[:, ::-1]}, "mark the same block in both"),
        ("block", {"block_amplitude": np.full(4, np.nan, np.float32)}, "has rows, columns and an amplitude"),
        ("block", {"row_block": DRAWN["block"].row_block.astype(np.float32)}, "must be bool"),
        ("rectangle", {"row_block": np.ones((4, 24), bool)}, "lies outside its map"),
        ("rectangle", {"row_block": np.zeros((4, 24), bool)}, "has rows, columns and an amplitude"),
    ],
)
def test_blocks_that_contradict_themselves_are_refused(name, change, message):
    with pytest.raises(InputError, match=message) as caught:
        dataclasses.replace(DRAWN[name], **change)
    assert "\n" not in str(caught.value)


def test_renumbering_with_peaks_left_behind_would_be_noticed():
    maps = SYMMETRIC
    moved = dataclasses.replace(maps.relabelled(np.random.default_rng(1)), peak_position=maps.peak_position)
    assert not np.array_equal(moved.along_host().places, maps.along_host().places)


def test_maps_of_several_sizes_are_padded_and_keep_their_padding():
    maps = Maps.from_values([np.ones((2, 3)), np.zeros((4, 2))], structure="bipartite", peaks=[[1, 3, 1]])
    assert maps.values.shape == (2, 4, 3)
    assert maps.size.tolist() == [[2, 3], [4, 2]]
    for each in (maps, maps.relabelled(np.random.default_rng(0)), maps[[1, 0]][[1, 0]]):
        assert np.isnan(each.values).sum() == 12 - 6 + 12 - 8
        assert (each.row_place == -1).sum() == 2
        assert each.allowed.sum() == 6 + 8
    joined = Maps.concatenate([maps[0], maps[1]])
    assert all(np.array_equal(array, joined.arrays()[name], equal_nan=True) for name, array in maps.arrays().items())


def test_a_peak_of_a_symmetric_map_is_one_place_in_either_orientation():
    matrix = MATRIX + MATRIX.T
    turned, upright = (
        Maps.from_values(matrix, structure="symmetric", peaks=[place]).peaks.places.tolist()
        for place in ([0, 3, 1], [0, 1, 3])
    )
    assert turned == upright == [[0, 1, 3]]
    assert Maps.from_values(matrix, structure="symmetric").allowed.sum() == 4 * 3


def test_maps_show_themselves_and_count_their_peaks():
    maps = DRAWN["two sets"]
    assert repr(maps).startswith("Maps(M=4, n=20, m=30, structure=bipartite")
    assert sum(int(row[1].replace(",", "")) for row in maps.tables()[0].rows) == len(maps)
    assert maps.peak_count.sum() == len(maps.peaks) == len(maps.to_pandas())
    assert len(maps.plot(2)[1]) == 2
    assert repr(DRAWN["ragged"]).startswith("Maps(M=4, n=1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": SYMMETRIC.values + np.eye(20, k=1, dtype=np.float32)}, "differ from their mirror images"),
        ({"values": SYMMETRIC.values.astype(np.float64)}, "must be float32"),
        ({"graph": SYMMETRIC.graph[:2]}, "M = 2 where M = 4 was expected"),
        ({"size": SYMMETRIC.size * 0}, "the size of a map"),
        ({"column_place": SYMMETRIC.column_place[:, ::-1]}, "the same nodes"),
        ({"peak_position": SYMMETRIC.peak_position[..., ::-1]}, "row < column"),
        ({"peak_position": SYMMETRIC.peak_position + 20}, "outside its map"),
        ({"structure": "square"}, "structure must be one of"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(change, message):
    with pytest.raises(InputError, match=message) as caught:
        dataclasses.replace(SYMMETRIC, **change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Maps.from_values(MATRIX, structure="symmetric"), "mirror images"),
        (lambda: Maps.from_values(np.ones((2, 3)), structure="directed"), "as many rows as columns"),
        (lambda: Maps.from_values([], structure="directed"), "matrices of real numbers"),
        (lambda: Maps.from_values(np.full((2, 2), 1e300), structure="directed"), "beyond what float32"),
        (lambda: Maps.from_values(MATRIX, structure="directed", peaks=[[1, 0, 0]]), "a map outside 0 to 0"),
        (lambda: Maps.from_values(MATRIX, structure="directed", peaks=[[0, 4, 0]]), "outside its map"),
        (lambda: Maps.from_values(MATRIX, structure="directed", peaks=[[0, 1, 0], [0, 1, 0]]), "the same place"),
        (lambda: Maps.from_values(MATRIX, structure="directed", peaks=[[0, 1]]), r"shape \(P, 3\)"),
        (lambda: Peaks.of([[0.5, 1, 2]]), "must be integers"),
        (lambda: MapModel(law="cauchy"), "the law of the noise"),
        (lambda: MapModel(law="bernoulli"), "the probability of an edge must be below 1"),
        (lambda: MapModel(block=(3, 0)), "at least one row and one column"),
        (lambda: SYMMETRIC.relabelled(0), "numpy.random.Generator"),
        (lambda: SYMMETRIC.permuted(np.zeros((4, 20), int)), "one permutation of the nodes"),
        (lambda: SYMMETRIC.permuted(np.tile(np.arange(20), (4, 1)), np.tile(np.arange(20)[::-1], (4, 1))), "together"),
        (lambda: SYMMETRIC.along_host(Peaks.of([[0, 0, 20]])), "lies outside its map"),
        (lambda: Maps.concatenate([]), "one or more Maps"),
        (lambda: Maps.concatenate([SYMMETRIC, DRAWN["needle"]]), "differ in structure"),
    ],
)
def test_one_line_says_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_map_that_is_not_there_is_an_index_error():
    with pytest.raises(IndexError, match="map 4 of 4"):
        SYMMETRIC[4]
