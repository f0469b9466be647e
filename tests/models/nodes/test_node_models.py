"""Nets on nodes: each moves with the nodes where it says so, ignores padding and signs, and is small."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gnnmax import InputError
from gnnmax.models.maps.convolution import MapCnn
from gnnmax.models.nodes import spectral
from gnnmax.models.nodes.boxes import box_sizes, diagonal_sums
from gnnmax.models.nodes.observed import observed
from gnnmax.models.nodes.registry import NODE_MODELS, build_node_model
from gnnmax.models.nodes.strongest import laplacian_encoding, strongest_edges
from tests.support.map_nets import noise, renumbered

EXACT = 1e-4
"""Largest change of scores by rounding, in their standard deviations: eigenvectors are found to 1e-5."""


def awake(name):
    net = build_node_model(name).double().eval()
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in net.parameters():
            if not weight.any():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=rng, dtype=weight.dtype))
    return net


def scores(net, values):
    with torch.no_grad():
        return net(values)


def far(found, wanted):
    return float((found - wanted).abs().max() / wanted.std())


@pytest.mark.parametrize("name", list(NODE_MODELS))
def test_scores_move_with_the_nodes_where_it_is_declared(name):
    net, values = awake(name), noise(40)
    moved, order = renumbered(values)
    change = far(scores(net, moved), scores(net, values)[:, order])
    assert change > 0.01 if NODE_MODELS[name].reads_order else change < EXACT


@pytest.mark.parametrize("name", list(NODE_MODELS))
def test_padding_changes_nothing_and_has_no_chance(name):
    net, values = awake(name), noise(30)
    found = scores(net, functional.pad(values, (0, 5, 0, 5), value=torch.nan))
    assert far(found[:, :30], scores(net, values)) < EXACT
    assert torch.isneginf(found[:, 30:]).all()


@pytest.mark.parametrize("name", list(NODE_MODELS))
def test_shift_and_scale_of_a_map_change_nothing_and_neither_do_the_maps_beside_it(name):
    net, values = awake(name), noise(30)
    assert far(scores(net, 3 * values + 7), scores(net, values)) < EXACT
    assert far(scores(net, values[1:]), scores(net, values)[1:]) < EXACT


@pytest.mark.parametrize("unit", [1e-25, 1e30])
def test_the_unit_of_a_map_changes_nothing_in_single_precision(unit):
    values = noise(20).float()
    found, wanted = observed(values * unit).weights, observed(values).weights
    assert far(found, wanted) < 1e-4


@pytest.mark.parametrize("name", list(NODE_MODELS))
def test_a_net_is_small_learns_takes_any_size_and_refuses_what_is_no_map(name):
    net = build_node_model(name)
    assert sum(weight.numel() for weight in net.parameters()) <= 20_000
    for n in (1, 2, 5):
        assert net(noise(n).float()).shape == (2, n)
    net(noise(20).float()).square().sum().backward()
    assert any(weight.grad is not None and bool(weight.grad.any()) for weight in net.parameters())
    with pytest.raises(InputError, match=r"must have shape \(B, n, n\)"):
        net(torch.zeros(3, 4, 5))


@pytest.mark.parametrize("name", list(NODE_MODELS))
@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (torch.zeros(1, 0, 0), "there is no entry to score"),
        (torch.zeros(0, 5, 5), "there is no entry to score"),
        (torch.ones(1, 5, 5, dtype=torch.int64), "must be of floating point"),
        (torch.full((1, 5, 5), torch.inf), "an entry of the maps is infinite"),
    ],
)
def test_maps_without_entries_integers_and_infinities_are_refused(name, wrong, complaint):
    with pytest.raises(InputError, match=complaint):
        build_node_model(name)(wrong)


def test_the_image_net_is_the_diagonal_of_the_map_net():
    net, values = awake("diagonal-cnn"), noise(150)
    with torch.no_grad():
        whole = MapCnn.forward(net, values).diagonal(dim1=1, dim2=2)
    assert far(scores(net, values), whole) < 1e-9


def test_a_box_sums_the_pairs_of_its_nodes_and_may_stand_out_over_the_border():
    values, sizes = noise(12), [3, 4, 7, 15]
    values = values - torch.diag_embed(values.diagonal(dim1=1, dim2=2))
    sums = diagonal_sums(values, sizes)
    assert sums.shape == (len(values), len(sizes), 12 + 14)
    for index, size in enumerate(sizes):
        for start in range(-14, 12):
            own = slice(max(start, 0), max(start + size, 0))
            expected = values[:, own, own].triu(1).sum(dim=(1, 2))
            assert torch.allclose(sums[:, index, start + 14], expected, atol=1e-9)


def test_the_net_of_boxes_finds_a_block_in_order_before_any_training_and_none_where_the_order_is_lost():
    values = noise(120, batch=1)
    values[:, 40:60, 40:60] += 0.8
    net = build_node_model("box-net", {"largest": 64})
    moved, order = renumbered(values)
    assert set(scores(net, values.float())[0].topk(20).indices.tolist()) == set(range(40, 60))
    lost = order[scores(net, moved.float())[0].topk(20).indices]
    assert sum(40 <= int(node) < 60 for node in lost) < 10


@pytest.mark.parametrize("name", ["spectral", "graph-transformer"])
def test_the_signs_of_eigenvectors_do_not_matter(name, monkeypatch):
    net, values = awake(name), noise(30)
    before = scores(net, values)
    whole = spectral.leading_vectors

    def mirrored(matrix, count):
        sizes, vectors = whole(matrix, count)
        return sizes, -vectors

    monkeypatch.setattr(spectral, "leading_vectors", mirrored)
    monkeypatch.setattr("gnnmax.models.nodes.strongest.leading_vectors", mirrored)
    assert far(scores(net, values), before) < 1e-9
    monkeypatch.setattr(
        spectral.SignInvariant,
        "forward",
        lambda self, vectors, values, count: self.phi(torch.stack([vectors, vectors, vectors], dim=-1)).flatten(2),
    )
    other = scores(net, values)
    monkeypatch.setattr(spectral, "leading_vectors", whole)
    monkeypatch.setattr("gnnmax.models.nodes.strongest.leading_vectors", whole)
    assert far(scores(net, values), other) > 0.01  # a net that reads signs is noticed


def test_leading_vectors_are_those_of_a_dense_decomposition():
    matrix = noise(25, batch=1)[0].numpy()
    sizes, vectors = spectral.leading_vectors(matrix, 3)
    expected, basis = np.linalg.eigh(matrix)
    assert np.allclose(sizes, expected[::-1][:3], atol=1e-3)
    assert np.allclose(np.abs((vectors * basis[:, ::-1][:, :3]).sum(axis=0)), 1, atol=1e-3)
    sizes, vectors = spectral.leading_vectors(np.ones((2, 2)), 3)
    assert (sizes[1:] == 0).all() and (vectors[:, 1:] == 0).all()


def test_each_row_keeps_its_strongest_entries_and_equal_ones_together():
    values = noise(12, batch=1)
    edges = strongest_edges(observed(values), 2)
    pairs = {tuple(pair) for pair in edges.ends.T.tolist()}
    assert pairs == {(j, i) for i, j in pairs}
    own = values[0].clone().fill_diagonal_(-torch.inf)
    assert {(int(j), i) for i in range(12) for j in own[i].topk(2).indices} <= pairs
    assert len(pairs) <= 2 * 2 * 12
    assert strongest_edges(observed(torch.ones(1, 5, 5)), 2).ends.shape[1] == 20


def graph_of(draw):
    upper = draw(np.random.default_rng(0), (2, 300, 300))
    values = torch.from_numpy(np.triu(upper, 1).astype(np.float32))
    return values + values.mT


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, size: rng.integers(0, 2, size),
        lambda rng, size: rng.random(size) < 0.02,
        lambda rng, size: rng.poisson(0.3, size),
    ],
    ids=["dense", "sparse", "counts"],
)
def test_of_equal_entries_a_row_keeps_few_by_the_sums_of_the_other_nodes_and_never_by_their_order(draw):
    values, most = graph_of(draw), 8
    edges = strongest_edges(observed(values), most)
    pairs = {tuple(pair) for pair in edges.ends.T.tolist()}
    assert 0 < len(pairs) == edges.ends.shape[1] <= 4 * most * 2 * 300
    assert pairs == {(j, i) for i, j in pairs}
    moved, order = renumbered(values)
    back = {
        (int(i) // 300 * 300 + int(order[i % 300]), int(j) // 300 * 300 + int(order[j % 300]))
        for i, j in strongest_edges(observed(moved), most).ends.T.tolist()
    }
    assert back == pairs
    sums = values[0].sum(dim=1)
    for row in range(5):
        cut = values[0, row].topk(most).values[-1]
        equal = [node for node in range(300) if node != row and values[0, row, node] == cut]
        if len(equal) > 2 * most:
            assert (max(equal, key=lambda node: sums[node]), row) in pairs


def test_equal_entries_to_nodes_of_equal_sums_are_dropped_together_and_a_map_without_edges_is_scored():
    ring = torch.zeros(1, 60, 60)
    ring[0, range(60), [(node + 1) % 60 for node in range(60)]] = 1
    edges = strongest_edges(observed(ring + ring.mT), 8)
    assert edges.ends.shape[1] == 2 * 60
    assert ((edges.ends[0] - edges.ends[1]) % 60).unique().tolist() == [1, 59]
    for name in ("gat", "graph-transformer"):
        found = scores(build_node_model(name).eval(), torch.ones(1, 60, 60))
        assert torch.isfinite(found).all() and float(found.std()) < 1e-6


def test_laplacian_encodings_are_eigenvectors_of_the_normalised_laplacian():
    edges = strongest_edges(observed(noise(20, batch=1)), 4)
    adjacency = np.zeros((20, 20))
    adjacency[tuple(edges.ends.numpy())] = 1
    root = 1 / np.sqrt(adjacency.sum(axis=1))
    laplacian = np.eye(20) - root[:, None] * adjacency * root
    sizes, vectors = (each.numpy() for each in laplacian_encoding(edges, 20, 3))
    assert np.allclose(laplacian @ vectors, vectors * (1 - sizes), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "config", "complaint"),
    [
        ("cnn", None, "unknown net on nodes 'cnn'"),
        ("gin", {"layers": 0}, "layers"),
        ("gat", {"kept": 0}, "kept"),
        ("diagonal-cnn", {"dilations": []}, "dilations"),
        ("unrolled-amp", {"steps": 0}, "steps"),
        ("box-net", {"largest": 2}, "largest"),
    ],
)
def test_unknown_nets_and_impossible_configs_are_refused(name, config, complaint):
    with pytest.raises(InputError, match=complaint):
        build_node_model(name, config)


def test_weights_depend_on_the_seed_alone():
    one, same, other = (build_node_model("gin", seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(weight, same[key]) for key, weight in one.items())
    assert not all(torch.equal(weight, other[key]) for key, weight in one.items())


def test_boxes_have_room_and_sizes():
    assert box_sizes(3, 1) == [3]
    with pytest.raises(InputError, match="at least 3 nodes and one size an octave, not 2 and 6"):
        box_sizes(2, 6)
