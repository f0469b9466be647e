"""Plants: the kinds differ only in the position of the maximum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, build, load_recipe
from gnnmax.data.planting.noise_peaks import draw_amplitudes, plant_noise
from gnnmax.data.planting.plants import CENTRED, CONSTANT, SHIFTED, TIED, Noise, Shares, draw_kinds
from gnnmax.data.planting.spikes import plant_spikes
from gnnmax.data.planting.spikes import plantable as fits
from gnnmax.task.label import KINDS, is_centred, margin

NOISE_LEVELS = load_recipe("noise-9-levels").replace(shifts={})
SEEDS = st.integers(0, 2**32 - 1)


def cells(seed, k=5, density=0.7, count=60):
    """Sparse windows that can take a spike, flat, and where their edges are."""
    rng = np.random.default_rng(seed)
    edge_mask = rng.random((count, k * k)) < density
    edge_mask[:, k * k // 2] = True
    values = np.where(edge_mask, rng.exponential(size=edge_mask.shape), 0).astype(np.float32)
    fit = fits(values, edge_mask)
    return values[fit], edge_mask[fit]


def planted(values, edge_mask, kind, seed=0, bounds=(0.1, 1.0), plant=plant_spikes):
    after = values.copy()
    assert plant(after, edge_mask, np.full(len(values), kind, np.uint8), bounds, np.random.default_rng(seed)).all()
    return after


def tells_nothing(values, edge_mask, plant=plant_spikes):
    """Whether the sorted entries and the topology are the same in all kinds with one maximum, from the same draws."""
    kinds = [kind for kind in range(len(KINDS)) if kind not in (TIED, CONSTANT)]
    first, *others = [planted(values, edge_mask, kind, plant=plant) for kind in kinds]
    alike = [np.array_equal(np.sort(first, axis=1), np.sort(other, axis=1)) for other in others]
    return all(alike) and all(np.array_equal(other != 0, values != 0) for other in (first, *others))


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([3, 5, 7]), st.sampled_from([0.4, 0.8, 1.0]))
def test_kinds_have_the_same_values_in_other_places(seed, k, density):
    values, edge_mask = cells(seed, k, density)
    if len(values):
        assert tells_nothing(values, edge_mask)


def test_a_plant_that_adds_in_one_kind_alone_is_caught():
    def additive(values, edge_mask, kinds, bounds, rng):
        strict = plant_spikes(values, edge_mask, kinds, bounds, rng)
        values[kinds == CENTRED, values.shape[1] // 2] += np.float32(0.5)
        return strict

    def joining(values, edge_mask, kinds, bounds, rng):
        strict = plant_spikes(values, edge_mask, kinds, bounds, rng)
        values[kinds == SHIFTED] = values[kinds == SHIFTED][:, ::-1]  # the same values, other edges
        return strict

    values, edge_mask = cells(0)
    assert tells_nothing(values, edge_mask)
    assert not tells_nothing(values, edge_mask, plant=additive)
    assert not tells_nothing(values, edge_mask, plant=joining)


@given(SEEDS, st.sampled_from([3, 5, 9]), st.sampled_from([(0.05, 1.0), (0.3, 0.3), (1.0, 2.5)]))
def test_margins_are_exactly_those_drawn(seed, k, bounds):
    values, edge_mask = cells(seed, k)
    if not len(values):
        return
    after = planted(values, edge_mask, CENTRED, seed, bounds)
    draws = np.random.default_rng(seed).uniform(math.log(bounds[0]), math.log(bounds[1]), size=len(values))
    np.testing.assert_allclose(margin(after.reshape(-1, k, k)), np.exp(draws), rtol=2e-4)
    assert is_centred(after.reshape(-1, k, k)).all()


def test_the_largest_margin_that_a_recipe_may_ask_for_is_reached():
    values, edge_mask = cells(1, density=1.0)
    after = planted(values, edge_mask, CENTRED, bounds=(5.0, 5.0))
    np.testing.assert_allclose(margin(after.reshape(-1, 5, 5)), 5.0, rtol=1e-3)


def test_the_second_largest_is_not_at_the_centre_of_a_shifted_window():
    values, edge_mask = cells(2, k=3, density=0.7, count=4_000)
    after = planted(values, edge_mask, SHIFTED)
    assert (after[:, 4] < np.sort(after, axis=1)[:, -2]).all()


def test_windows_that_cannot_take_a_spike_are_told():
    full = np.ones((1, 9), dtype=bool)
    few = full.copy()
    few[0, 3:] = False
    rising = np.arange(9, dtype=np.float32)[None]
    assert fits(rising, full).all()
    assert not fits(rising * few, few).any()  # three edges
    assert not fits(np.ones((1, 9), np.float32), full).any()  # no deviation
    assert not fits(-rising, np.arange(9)[None] > 3).any()  # absent entries are above
    assert not fits(np.where(rising == 8, np.inf, rising).astype(np.float32), full).any()


@given(st.integers(1, 400), SEEDS, st.lists(st.integers(0, 20), min_size=6, max_size=6).filter(any))
def test_kinds_come_within_one_window_of_their_shares(count, seed, parts):
    shares = Shares(**{kind: part / sum(parts) for kind, part in zip(KINDS, parts, strict=True)})
    kinds = draw_kinds(shares, count, np.random.default_rng(seed))
    for code, kind in enumerate(KINDS):
        found = int((kinds == code).sum())
        assert abs(found - count * shares.of(kind)) < 1
        assert found == 0 or shares.of(kind) > 0


def noisy(kinds, plant, seed=0, k=5):
    nodes = np.arange(2 * len(kinds) * k).reshape(2, len(kinds), k)
    values = np.random.default_rng(9).lognormal(size=(len(kinds), k * k)).astype(np.float32)
    after = values.copy()
    amplitude = np.full(len(kinds), plant.amplitude)
    place = plant_noise(
        after,
        (nodes[0], nodes[1]),
        kinds=kinds,
        amplitude=amplitude,
        noise=plant.model,
        rng=np.random.default_rng(seed),
    )
    return values, after, place


@pytest.mark.parametrize("law", ["gaussian", "lognormal", "poisson"])
def test_noise_is_raised_at_one_entry_by_what_its_law_says(law):
    kinds = np.tile([CENTRED, SHIFTED], 2_000).astype(np.uint8)
    before, after, place = noisy(kinds, Noise(amplitude=2.0, law=law))
    every = np.arange(len(kinds))
    untouched = np.ones(before.shape, dtype=bool)
    untouched[every, place] = False
    np.testing.assert_array_equal(before[untouched], after[untouched])
    old, new = before[every, place].astype(float), after[every, place].astype(float)
    if law == "gaussian":
        np.testing.assert_allclose(new - old, 2.0, rtol=1e-4)
    elif law == "lognormal":
        np.testing.assert_allclose(new / old, math.exp(2), rtol=1e-6)
    else:
        added = np.round(new - old, 3)
        assert set(added.tolist()) <= set(np.arange(20.0).tolist())
        assert abs(added.mean() - 2) < 5 * math.sqrt(2 / len(kinds))


def test_noise_is_raised_at_the_centre_or_uniformly_elsewhere():
    kinds = np.tile([CENTRED, SHIFTED], 12_000).astype(np.uint8)
    _, _, place = noisy(kinds, Noise(amplitude=2.0))
    assert (place[kinds == CENTRED] == 12).all()
    counts = np.bincount(place[kinds == SHIFTED], minlength=25)
    assert counts[12] == 0
    assert np.abs(np.delete(counts, 12) - 500).max() < 5 * math.sqrt(500)


def test_levels_come_in_equal_shares_and_tell_no_kind():
    plant = Noise(amplitude=(1.0, 2.0, 5.0))
    drawn = draw_amplitudes(plant, 100, 1, np.random.default_rng(0))
    assert sorted(np.unique(drawn, return_counts=True)[1].tolist()) == [33, 33, 34]
    windows = build(NOISE_LEVELS.replace(splits={"test": 60})).test
    for level in (1.0, 2.0, 3.0, 4.0, 5.0):
        own = windows.kind[windows.amplitude == level] == "centred"
        assert abs(own.mean() - 0.5) < 5 * 0.5 / math.sqrt(len(own))
        raised = windows[windows.amplitude == level]
        there = raised.values[np.arange(len(raised)), *(raised.offset.T + 4)]
        assert abs(there.mean() - level) < 5 / math.sqrt(len(raised))


def test_twins_share_their_level():
    windows = build(NOISE_LEVELS.replace(splits={"test": 2}, pairing="matched")).test
    np.testing.assert_array_equal(windows.amplitude[0::2], windows.amplitude[1::2])
    assert len(set(windows.amplitude.tolist())) == 5


def test_one_level_in_a_list_of_its_own_is_refused_and_so_is_a_repeated_one():
    for levels in ([2.0], [2.0, 2.0], [], [1.0, -1.0], [0.5 + i for i in range(11)]):
        with pytest.raises(InputError, match="amplitude"):
            NOISE_LEVELS.replace(**{"plant.amplitude": levels})
