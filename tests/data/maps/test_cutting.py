"""Windows cut out of maps: the entries around their centres, with the ground truth of the maps."""

import math

import numpy as np
import pytest

from gnnmax import InputError, Maps, build, cut_windows
from gnnmax.data.maps.cutting import paired_places
from gnnmax.task.bayes import ceiling_of
from gnnmax.task.noise import NoiseModel
from gnnmax.task.rules import RULES
from tests.support.maps import BUMP, TABLES, map_recipe

MAPS = build(map_recipe(6, **{**TABLES["line, shuffled"], "n": 24})).test
TWO_SETS = build(map_recipe(250, structure="bipartite", n=32, columns=32, plant={**BUMP, "amplitude": 2.0})).test


def test_windows_are_blocks_of_the_map_with_the_contexts_of_their_nodes():
    k = 7
    places = np.array([[4, 3, 15], [0, 20, 8], [4, 9, 20]])  # map, row, column; the second below the diagonal
    w = cut_windows(MAPS, k, places=places)
    for window, (index, row, column) in enumerate([[4, 3, 15], [0, 8, 20], [4, 9, 20]]):
        rows, columns = np.arange(row - 3, row + 4), np.arange(column - 3, column + 4)
        for block, sides in (
            ("values", (rows, columns)),
            ("row_context", (rows, rows)),
            ("column_context", (columns,) * 2),
        ):
            assert np.array_equal(getattr(w, block)[window], MAPS.values[index][np.ix_(*sides)])
        assert np.array_equal(w.rows[window], MAPS.row_place[index, rows])
        assert w.graph[window] == MAPS.graph[index]


@pytest.mark.parametrize("cut", ["contiguous", "neighbours"])
def test_a_window_is_labelled_where_its_centre_is_a_peak_and_nowhere_else(cut):
    k = 5
    w = MAPS.windows(k, cut=cut)
    true = MAPS.along_host()
    peaks = {(int(MAPS.graph[m]), p, q) for m, p, q in true.places.tolist()}
    centre = np.sort(np.column_stack([w.rows[:, k // 2], w.columns[:, k // 2]]), axis=1)
    for graph, place, label, kind, offset in zip(
        w.graph, centre.tolist(), w.label, w.kind, w.offset.tolist(), strict=True
    ):
        assert label == ((int(graph), *place) in peaks) == (kind == "centred") == (offset == [0, 0])
    near = w[w.kind == "shifted"]
    half = k // 2
    for window in range(len(near)):
        row, column = near.offset[window].astype(int) + half
        ends = sorted([int(near.rows[window, row]), int(near.columns[window, column])])
        assert (int(near.graph[window]), *ends) in peaks
    assert int(w.label.sum()) <= len(peaks)


def test_both_tasks_share_ground_truth_and_ceiling():
    k = 9
    w = cut_windows(TWO_SETS, k, places=paired_places(TWO_SETS, k, np.random.default_rng(0)))
    assert w.label.mean() == 0.5
    assert len(w) > 200
    assert set(w.kind) == {"centred", "shifted"}
    assert w.row_context is None
    ceiling = ceiling_of(k, 2.0, NoiseModel(radius=1.2)).accuracy
    right = float(((RULES["bayes"](w) > 0) == w.label).mean())
    assert abs(right - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / len(w))


def test_windows_of_counts_carry_their_amplitude_in_counts():
    spikes = {"type": "spike", "amplitude": 2.0}
    table = {"structure": "bipartite", "n": 24, "columns": 24, "noise": "poisson", "base": 4.0, "plant": spikes}
    maps = build(map_recipe(300, **table)).test
    w = cut_windows(maps, 5, places=paired_places(maps, 5, np.random.default_rng(0)))
    assert set(w.amplitude.tolist()) == {8.0}
    ceiling = ceiling_of(5, 8.0, NoiseModel("poisson", 4.0)).accuracy
    right = float(((RULES["bayes"](w) > 0) == w.label).mean())
    assert abs(right - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / len(w))


def test_windows_with_a_background_carry_no_amplitude_so_that_no_rule_claims_to_be_exact():
    assert MAPS.windows(9).amplitude is None
    assert (cut_windows(TWO_SETS[:2], 9).amplitude == 0).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cut_windows(MAPS, 4), "odd"),
        (lambda: cut_windows(MAPS, 23), "choose a smaller k"),
        (lambda: cut_windows(MAPS.values, 9), "not of ndarray"),
        (lambda: cut_windows(MAPS, 9, cut="contigous"), "did you mean contiguous"),
        (lambda: cut_windows(TWO_SETS, 9, cut="neighbours"), "no weights among rows"),
        (lambda: cut_windows(MAPS, 9, places=[[0, 3, 5]]), r"centre at \(3, 5\) of map 0"),
        (lambda: cut_windows(MAPS, 9, places=[[6, 5, 16]]), "maps from 0 to 5"),
        (lambda: cut_windows(MAPS, 9, places=[]), "at least one centre"),
    ],
)
def test_one_line_says_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_gap_in_a_map_is_a_gap_in_its_windows():
    values = np.ones((9, 9))
    values[2, 7] = np.nan
    w = cut_windows(Maps.from_values(values, structure="directed"), 3, places=[[0, 1, 7]])
    assert np.isnan(w.values).sum() == 1
    assert not w.label[0]
