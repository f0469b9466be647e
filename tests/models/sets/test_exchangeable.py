"""The exchangeable net: its layers span all linear maps that commute with their group, and no others."""

import numpy as np
import pytest
import torch

from gnnmax.errors import InputError
from gnnmax.models.registry import MODELS, build_model
from gnnmax.models.sets.exchangeable import ExchangeableLayer, ExchangeableNet, join, split
from gnnmax.models.sets.pooling import POOLS
from gnnmax.task.symmetry_groups import GROUPS
from tests.support.linear_algebra import linear_maps
from tests.support.nets import EXACT, awake, change, relabelled, translated, windows

GROUP_OF = {"both": GROUPS["rooted"], "row": GROUPS["row_rooted"], "none": GROUPS["exchangeable"]}


def on_entries(mark):
    return lambda layer, entries: join(layer(split(entries, mark)))


@pytest.mark.parametrize("mark", GROUP_OF)
@pytest.mark.parametrize("k", [5, 7])
def test_a_layer_with_means_holds_exactly_the_maps_that_commute(mark, k):
    group = GROUP_OF[mark]
    maps = linear_maps(ExchangeableLayer(1, 1, mark, ["mean"]), on_entries(mark), k)
    assert np.linalg.matrix_rank(maps.reshape(len(maps), -1)) == len(maps) == group.equivariant_maps(k)
    for g in group.generators(k):
        np.testing.assert_allclose(maps[:, g][:, :, g], maps, atol=1e-12)


def test_the_numbers_of_maps_are_those_of_the_papers():
    assert {mark: group.equivariant_maps(7) for mark, group in GROUP_OF.items()} == {"both": 25, "row": 10, "none": 4}


def test_a_layer_that_knows_the_centre_does_not_commute_with_moving_it():
    maps = linear_maps(ExchangeableLayer(1, 1, "both", ["mean"]), on_entries("both"), 5)
    (g, *_) = (g for g in GROUPS["exchangeable"].generators(5) if g[12] != 12)
    assert not np.allclose(maps[:, g][:, :, g], maps)


@pytest.mark.parametrize("mark", GROUP_OF)
def test_a_window_survives_being_split_and_joined(mark):
    entries = torch.rand(2, 5, 5, 3)
    assert torch.equal(join(split(entries, mark)), entries)


@pytest.mark.parametrize("mark", GROUP_OF)
@pytest.mark.parametrize("pools", [("max",), ("mean",), ("logsumexp",), ("max", "mean", "logsumexp")])
@pytest.mark.parametrize("k", [3, 9])
def test_scores_are_invariant_to_the_group_of_the_mark(mark, pools, k):
    net, values = awake(ExchangeableNet(width=8, rounds=2, mark=mark, pools=pools)), windows(k, k)
    for g in GROUP_OF[mark].generators(k):
        assert change(net, values, values.reshape(-1, k * k)[:, g].reshape(values.shape)) < EXACT


@pytest.mark.parametrize("mark", ["both", "row"])
def test_what_is_marked_is_noticed_and_rows_are_not_columns(mark):
    net, values = awake(ExchangeableNet(width=8, rounds=2, mark=mark)), windows(0, 9)
    assert change(net, values, translated(values)) > 0.01
    assert change(net, values, values.swapaxes(1, 2)) > 0.01


def test_unmarked_translation_is_not_noticed():
    net, values = awake(ExchangeableNet(width=8, rounds=2, mark="none")), windows(0, 9)
    assert change(net, values, translated(values)) < EXACT


def test_a_layer_that_reads_its_block_in_order_breaks_the_law():
    class Ordered(ExchangeableLayer):
        def forward(self, blocks):
            return super().forward([[block.cumsum(dim=1) for block in row] for row in blocks])

    net, values = ExchangeableNet(width=8, rounds=1), windows(1, 9)
    net.rounds[0] = Ordered(8, 8, "both", ["max", "mean"])
    assert change(awake(net), values, relabelled(values, 2)) > 0.001


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_over_one_axis_and_then_the_other_is_the_pool_over_both_and_stays_on_one_scale(name):
    pool, features = POOLS[name], torch.rand(2, 5, 7, 3, dtype=torch.float64)
    both = pool(pool(features, 1), 2)
    torch.testing.assert_close(both, pool(features.flatten(1, 2), 1)[:, :, None])
    torch.testing.assert_close(pool(features.repeat(1, 4, 1, 1), 1), pool(features, 1))


@pytest.mark.parametrize(("mark", "ceiling"), [("both", 1.0), ("row", 0.95), ("none", 0.5)])
def test_the_ceiling_follows_from_the_mark(mark, ceiling):
    entry = MODELS["exchangeable"]
    assert entry.ceiling(9, entry.config(mark=mark)) == pytest.approx(ceiling)


def test_a_pool_named_twice_is_refused():
    with pytest.raises(InputError, match="each pool once"):
        build_model("exchangeable", 9, {"pools": ["max", "max"]})
