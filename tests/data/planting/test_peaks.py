"""Several peaks in one host and lower peaks in every window: they are separated and do not depend on the kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, build, load_recipe
from gnnmax.data.generation import generate_graph
from gnnmax.data.planting.distractors import draw_distractors
from gnnmax.data.planting.plants import BACKGROUND, CENTRED, CONSTANT, RUNNER_UP, SHIFTED, TIED
from gnnmax.data.planting.spikes import plant_spikes, plantable
from gnnmax.data.store import write_dataset
from gnnmax.data.subgraphs.min_distance import distances, keep_min_distance
from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import centres
from gnnmax.data.verification import verify
from gnnmax.task.label import KINDS, kind_of

SEEDS = st.integers(0, 2**32 - 1)
PEAKS = load_recipe("peaks-9").replace(splits={"train": 12, "test": 6}, shifts={})
K = 9


def cells(seed, density=0.8, count=40, distractors=2):
    rng = np.random.default_rng(seed)
    edge_mask = rng.random((count, K * K)) < density
    edge_mask[:, K * K // 2] = True
    values = np.where(edge_mask, rng.exponential(size=edge_mask.shape), 0).astype(np.float32)
    fit = plantable(values, edge_mask, distractors=distractors)
    return values[fit], edge_mask[fit]


def planted(values, edge_mask, kind, seed=0, distractors=2, gap=2):
    after, kinds = values.copy(), np.full(len(values), kind, np.uint8)
    rng = np.random.default_rng(seed)
    assert plant_spikes(after, edge_mask, kinds, (0.1, 0.5), rng, distractors=distractors, gap=gap).all()
    return after


def distance(one, other):
    """The larger of the distances along rows and along columns, of flat indices."""
    (r, c), (s, d) = divmod(one, K), divmod(other, K)
    return np.maximum(abs(r - s), abs(c - d))


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([0.3, 0.8, 1.0]), st.integers(1, 4))
def test_distractors_are_the_same_values_in_every_kind(seed, density, distractors):
    values, edge_mask = cells(seed, density, distractors=distractors)
    by_kind = [planted(values, edge_mask, kind, seed, distractors) for kind in range(len(KINDS)) if kind != CONSTANT]
    for kind, after in enumerate(by_kind):
        assert ((after != 0) == edge_mask).all()
        if kind != TIED:
            np.testing.assert_array_equal(np.sort(after, axis=1), np.sort(by_kind[0], axis=1))
            ordered = np.sort(after, axis=1)
            assert (ordered[:, -2] < ordered[:, -1]).all()
    for kind in (CENTRED, SHIFTED, RUNNER_UP, TIED):
        assert (kind_of(by_kind[kind].reshape(-1, K, K)) == kind).all()


@pytest.mark.parametrize("kind", [CENTRED, SHIFTED])
def test_distractors_are_lower_peaks_that_touch_nothing_larger(kind):
    values, edge_mask = cells(1, density=1.0)
    highest = np.argsort(-planted(values, edge_mask, kind, distractors=3), axis=1)[:, :4]
    for window in highest:
        apart = [distance(a, b) for i, a in enumerate(window) for b in window[:i]]
        assert min(apart) >= 2
        assert (distance(window[1:], K * K // 2) >= 2).all()
    plain = np.argsort(-planted(values, edge_mask, kind, distractors=0), axis=1)[:, :4]
    assert min(distance(w[i], w[j]) for w in plain for i in range(4) for j in range(i)) == 1  # the control


def test_where_the_distractors_stand_does_not_tell_the_kind():
    values, edge_mask = cells(2, count=200)
    places = [
        np.sort(np.argsort(-planted(values, edge_mask, kind, seed=5), axis=1)[:, 1:3], axis=1)
        for kind in (CENTRED, SHIFTED, BACKGROUND)
    ]
    np.testing.assert_array_equal(places[0], places[1])
    np.testing.assert_array_equal(places[0], places[2])
    without = [np.argsort(-planted(values, edge_mask, kind, 5, 0), axis=1)[:, 1] for kind in (CENTRED, SHIFTED)]
    assert (without[0] != without[1]).any()  # the control: a host's own second largest gives way to the largest


def test_a_distractor_does_not_push_a_background_maximum_into_the_centre():
    values, edge_mask = cells(4, density=0.3, count=5_000, distractors=7)
    after = planted(values, edge_mask, BACKGROUND, distractors=7, gap=1)
    assert (after.argmax(axis=1) != K * K // 2).all()


def test_distractors_fall_anywhere_far_enough_from_the_centre():
    found = draw_distractors(np.ones((20_000, 81), dtype=bool), 1, 3, np.random.default_rng(0))
    counts = np.bincount(found[:, 0], minlength=81).reshape(9, 9)
    assert counts[2:7, 2:7].sum() == 0
    assert np.abs(counts[counts > 0] - 20_000 / 56).max() < 5 * np.sqrt(20_000 / 56)
    assert (counts > 0).sum() == 56


def test_few_edges_leave_distractors_some_place_but_the_centre():
    edge_mask = np.zeros((50, 81), dtype=bool)
    edge_mask[:, 39:44] = True  # the centre and four that are near it
    found = draw_distractors(edge_mask, 3, 2, np.random.default_rng(0))
    assert (found != 40).all()
    assert edge_mask[np.arange(50)[:, None], found].all()
    assert all(len(set(window.tolist())) == 3 for window in found)


def test_windows_with_too_few_edges_for_their_distractors_are_told():
    values, edge_mask = cells(3, density=1.0, count=1)
    few = edge_mask & (np.arange(81) >= 35) & (np.arange(81) < 41)  # six edges
    assert plantable(values * few, few, distractors=2).all()
    assert not plantable(values * few, few, distractors=3).any()


@given(SEEDS, st.sampled_from(["contiguous", "neighbours"]), st.booleans(), st.integers(1, 6))
def test_centres_keep_their_distance(seed, cut, directed, separation):
    rng = np.random.default_rng(seed)
    edge_mask = np.triu(rng.random((20, 20)) < 0.15, 1)
    edge_mask = edge_mask if directed else edge_mask | edge_mask.T
    subgraph = Subgraph(np.arange(20), edge_mask.astype(np.float32), edge_mask, directed)
    candidates = rng.permutation(centres(subgraph, 3, cut))
    chosen = keep_min_distance(subgraph, cut, candidates, separation, count=30)
    for place, centre in enumerate(chosen):
        assert (np.delete(distances(subgraph, cut, centre, chosen), place) >= separation).all()
    nearest = [distances(subgraph, cut, centre, chosen).min() for centre in candidates]
    assert len(chosen) == 30 or max(nearest, default=0) < separation  # no other has room


@pytest.mark.parametrize("separation", [0, 1, 4])
def test_centres_are_kept_apart_equally_at_once_and_in_parts(separation):
    edge_mask = np.random.default_rng(0).random((20, 20)) < 0.2
    subgraph = Subgraph(np.arange(20), edge_mask.astype(np.float32), edge_mask, directed=True)
    candidates = np.random.default_rng(1).permutation(centres(subgraph, 3, "contiguous"))
    at_once, in_parts = keep_min_distance(subgraph, "contiguous", candidates, separation, count=8), None
    for part in np.array_split(candidates, 5):
        in_parts = keep_min_distance(subgraph, "contiguous", part, separation, count=8, chosen=in_parts)
    np.testing.assert_array_equal(at_once, in_parts)
    assert len(at_once) <= 8


def entries_seen(windows):
    """How often each edge of the hosts is an entry of a window."""
    u, v = np.broadcast_arrays(windows.rows[:, :, None], windows.columns[:, None, :])
    graph = np.broadcast_to(windows.graph[:, None, None], u.shape)
    edges = np.stack([graph, np.minimum(u, v), np.maximum(u, v)], axis=-1).reshape(-1, 3)
    return np.unique(edges, axis=0, return_counts=True)[1]


def test_windows_a_side_apart_are_tiles_of_one_matrix_with_a_peak_in_each():
    windows = build(PEAKS).train
    assert entries_seen(windows).max() == 1
    assert np.bincount(windows.graph).tolist() == [16] * 12
    assert windows.label.mean() == 0.5
    near = build(PEAKS.replace(**{"subgraphs.0.separation": 0, "subgraphs.1.separation": 0})).train
    assert entries_seen(near).max() > 1  # the control


def test_windows_along_neighbours_share_no_end():
    recipe = load_recipe("tiny").replace(cuts=["neighbours"])
    ends = [
        np.stack([w.rows[:, 2], w.columns[:, 2]])
        for w in (generate_graph(recipe.replace(**{"subgraphs.0.separation": s}), 1) for s in (1, 0))
    ]
    assert len(np.unique(ends[0])) == ends[0].size
    assert len(np.unique(ends[1])) < ends[1].size  # the control


@pytest.mark.parametrize("changes", [{}, {"pairing": "matched", "kinds": {"centred": 0.5, "shifted": 0.5}}])
def test_peaks_are_stored_and_verified(changes, tmp_path):
    assert all(check.holds for check in verify(write_dataset(PEAKS.replace(**changes), tmp_path / "data")))


def test_twins_share_their_distractors():
    matched = PEAKS.replace(pairing="matched", kinds={"centred": 0.5, "shifted": 0.5})
    windows = build(matched).test
    places = np.argsort(-windows.values.reshape(-1, 2, 81), axis=2)[:, :, 1:3]
    np.testing.assert_array_equal(places[:, 0], places[:, 1])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"plant.distractors": 8}, "room for at most 7 distractors with a gap of 2"),
        ({"plant.distractors": 2, "plant.gap": 3}, "room for at most 1 distractors with a gap of 3"),
        ({"plant.distractors": -1}, "plant.distractors"),
        ({"subgraphs.0.separation": -1}, "separation"),
        ({"pairing": "ladder", "kinds": None, "windows_per_graph": 81}, "no room for distractors"),
        ({"plant": {"type": "natural"}, "kinds": None, "windows_per_graph": None}, "natural windows take every edge"),
    ],
)
def test_peaks_that_do_not_fit_are_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        PEAKS.replace(**changes)


def test_a_host_without_room_for_so_many_peaks_is_refused():
    with pytest.raises(InputError, match="enough edges and centres 60 apart: choose denser hosts"):
        generate_graph(PEAKS.replace(**{"subgraphs.0.separation": 60}), 0)


def test_recipes_without_peaks_keep_their_digest():
    recipe = load_recipe("tiny")
    same = recipe.replace(**{"plant.distractors": 0, "plant.gap": 2, "subgraphs.0.separation": 0})
    assert same.digest == recipe.digest != recipe.replace(**{"plant.distractors": 1, "plant.gap": 1}).digest
