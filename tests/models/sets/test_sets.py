"""Nets over bags of entries and over one set of nodes: their invariances, and the span of their layers."""

import numpy as np
import pytest
import torch

from gnnmax.models.graphs.bipartite import BipartiteNet
from gnnmax.models.graphs.fused import FusedNet
from gnnmax.models.registry import MODELS, build_model
from gnnmax.models.sets.simultaneous import SimultaneousLayer
from gnnmax.task.symmetry_groups import GROUPS
from tests.support.linear_algebra import linear_maps
from tests.support.nets import EXACT, awake, change, relabelled, windows


def shuffled(values, move):
    """Move the cells of each window."""
    return values.reshape(len(values), -1)[:, move].reshape(values.shape)


@pytest.mark.parametrize("name", ["deepsets", "set-transformer"])
@pytest.mark.parametrize("encoding", ["standard", "rank"])
def test_a_bag_has_no_order_and_a_centre(name, encoding):
    net, values = awake(build_model(name, 9, {"encoding": encoding})), windows(0, 9)
    move = np.random.default_rng(0).permutation(80)
    move = np.insert(move + (move >= 40), 40, 40)
    assert change(net, values, shuffled(values, move)) < EXACT
    assert change(net, values, shuffled(values, np.roll(np.arange(81), 1))) > 0.01


@pytest.mark.parametrize("name", ["deepsets", "set-transformer"])
def test_an_unmarked_bag_has_no_centre(name):
    net, values = awake(build_model(name, 9, {"marked": False})), windows(0, 9)
    assert change(net, values, shuffled(values, np.random.default_rng(0).permutation(81))) < EXACT
    assert MODELS[name].ceiling(9, MODELS[name].config(marked=False)) == 0.5


def test_a_layer_with_means_holds_exactly_the_maps_that_commute():
    group = GROUPS["simultaneous"]
    for k in (5, 7):
        maps = linear_maps(SimultaneousLayer(1, 1, ["mean"]), lambda layer, entries: layer(entries), k)
        assert np.linalg.matrix_rank(maps.reshape(len(maps), -1)) == len(maps) == group.equivariant_maps(k) == 15
        for g in group.generators(k):
            np.testing.assert_allclose(maps[:, g][:, :, g], maps, atol=1e-12)
    swap = GROUPS["exchangeable"].generators(7)[0]  # rows alone
    assert not np.allclose(maps[:, swap][:, :, swap], maps)


@pytest.mark.parametrize(("marked", "still"), [(True, True), (False, False)])
def test_one_relabelling_of_rows_and_columns_equally_is_not_noticed(marked, still):
    net, values = awake(build_model("simultaneous", 9, {"marked": marked})), windows(1, 9)
    order = np.random.default_rng(0).permutation(8)
    order = np.insert(order + (order >= 4), 4, 4)
    assert change(net, values, values[:, order][:, :, order]) < EXACT
    assert change(net, values, relabelled(values, 3)) > 0.01
    moved = change(net, values, np.roll(values, (1, 1), axis=(1, 2)))
    assert (moved > 0.01) == still


def test_the_diagonal_of_an_unmarked_window_looks_equally():
    config = MODELS["simultaneous"].config
    assert MODELS["simultaneous"].ceiling(9, config(marked=False)) == pytest.approx(1 - 8 / 160)
    assert MODELS["simultaneous"].ceiling(9) == 1.0


def test_the_fused_net_begins_as_a_graph_net():
    values = windows(2, 9)
    begun, known = FusedNet().double(), BipartiteNet().double()
    weights = {
        name.replace("exchanges", "rounds"): weight
        for name, weight in begun.state_dict().items()
        if not name.startswith("convolutions")
    }
    known.load_state_dict(weights)
    torch.testing.assert_close(begun(torch.tensor(values)), known(torch.tensor(values)))
    assert change(begun, values, relabelled(values, 3)) < EXACT
    assert change(awake(begun), values, relabelled(values, 3)) > 0.01
