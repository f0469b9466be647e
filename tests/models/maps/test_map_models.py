"""Nets on maps: each has the symmetries that it declares and no other, takes any sides, and ignores padding."""

import numpy as np
import pytest
import torch

from gnnmax.errors import InputError
from gnnmax.models.maps import message_passing
from gnnmax.models.maps.convolution import MapCnn
from gnnmax.models.maps.encoding import standardise_maps, transposable
from gnnmax.models.maps.entries import MAP_NETS
from gnnmax.models.maps.message_passing import MapGnn, neighbourhoods
from gnnmax.models.maps.product import _cosines, _highest, _nearest, _read
from gnnmax.models.maps.registry import MAP_MODELS, build_map_model
from gnnmax.models.registry import MODELS
from tests.support.map_nets import EXACT, awake, evidence, far, framed, noise, renumbered

SLIDING = ["sliding-cnn", "sliding-gnn", "sliding-question", "sliding-product", "sliding-valid-global"]
TRIED = [*MAP_NETS, *SLIDING]
VALID = ("map-cnn", {"width": 8, "dilations": [1, 2], "padding": "valid"})


def nets():
    return [*((name, None) for name in TRIED), VALID]


def sides(name):
    """Square maps for nets that read weights among nodes."""
    return (13, 13) if MAP_MODELS[name].needs_nodes else (13, 10)


@pytest.mark.parametrize(("name", "config"), nets())
def test_renumbering_the_nodes_moves_the_evidence_exactly_where_it_is_declared(name, config):
    net, values = awake(name, config), noise(13, 13)
    moved, order = renumbered(values)
    change = far(evidence(net, moved), evidence(net, values)[:, order][:, :, order])
    assert change < EXACT if "relabelling" in MAP_MODELS[name].equivariant else change > 0.01


@pytest.mark.parametrize(("name", "config"), nets())
def test_transposing_a_map_transposes_its_evidence(name, config):
    net, values = awake(name, config), noise(*sides(name))
    assert far(evidence(net, values.mT), evidence(net, values).mT) < EXACT
    symmetric = evidence(net, noise(11))
    assert far(symmetric.mT, symmetric) < EXACT


@pytest.mark.parametrize(("name", "config"), nets())
def test_moving_a_map_within_an_unobserved_area_moves_its_evidence_where_it_is_declared(name, config):
    net, values = awake(name, config), noise(*sides(name))
    n, m = values.shape[1:]
    found = evidence(net, framed(values, 3, 3, (21, 21)))[:, 3 : 3 + n, 3 : 3 + m]
    change = far(found, evidence(net, values))
    free = "translation" in MAP_MODELS[name].equivariant or "relabelling" in MAP_MODELS[name].equivariant
    assert change < EXACT if free else change > 1e-4


@pytest.mark.parametrize(("name", "config"), nets())
def test_padding_at_the_end_changes_nothing_inside(name, config):
    net, values = awake(name, config), noise(*sides(name))
    n, m = values.shape[1:]
    found = evidence(net, framed(values, 0, 0, (19, 19)))
    assert torch.isfinite(found).all()
    assert far(found[:, :n, :m], evidence(net, values)) < EXACT


@pytest.mark.parametrize(("name", "config"), nets())
def test_shift_and_scale_of_a_map_change_nothing(name, config):
    net, values = awake(name, config), noise(9)
    assert far(evidence(net, 3 * values + 7), evidence(net, values)) < 1e-6


@pytest.mark.parametrize("name", list(MAP_MODELS))
def test_every_net_takes_maps_of_any_sides_and_learns(name):
    net = build_map_model(name, {"k": 3} if name.startswith("sliding") else None)
    for values in (noise(1), noise(2), noise(7)):
        assert net(values.float()).shape == values.shape
    net(noise(6).float()).square().sum().backward()
    assert any(weight.grad is not None and bool(weight.grad.any()) for weight in net.parameters())


def test_every_net_on_windows_slides_and_no_name_is_in_both_registries():
    assert {f"sliding-{name}" for name in MODELS} | set(MAP_NETS) == set(MAP_MODELS)
    assert not set(MODELS) & set(MAP_MODELS)


@pytest.mark.parametrize("name", ["sliding-question", "sliding-valid-global", "sliding-cnn", "sliding-product"])
def test_a_sliding_net_gives_the_scores_of_the_windows_themselves(name):
    net, values = awake(name), noise(12)
    net.net.encoding = "none" if name == "sliding-question" else net.net.encoding
    units, _ = standardise_maps(values)
    windows = units.unfold(1, 5, 1).unfold(2, 5, 1)[0]
    blocks = [units[0, i : i + 5, i : i + 5] for i in range(8)]
    row = torch.stack([blocks[i] for i in range(8) for _ in range(8)])
    column = torch.stack([blocks[j] for _ in range(8) for j in range(8)])
    with torch.no_grad():
        one = net.net(windows.flatten(0, 1), row, column).view(8, 8)
    for part in (net, net.train()):
        assert far(evidence(part, values)[0, 2:-2, 2:-2], (one + one.mT) / 2) < EXACT


def test_a_net_that_is_not_averaged_over_the_transpose_breaks_the_law(monkeypatch):
    monkeypatch.setattr("gnnmax.models.maps.convolution.transposable", lambda evidence, values, **_: evidence(values))
    net, values = awake("map-cnn"), noise(13, 10)
    assert far(evidence(net, values.mT), evidence(net, values).mT) > 0.01


def test_a_graph_net_that_reads_the_order_breaks_the_law(monkeypatch):
    def ordered(values):
        units, seen = standardise_maps(values)
        return units + torch.linspace(0, 1, values.shape[-1], dtype=values.dtype), seen

    monkeypatch.setattr(message_passing, "standardise_maps", ordered)
    net, values = awake("map-gnn"), noise(13, 13)
    moved, order = renumbered(values)
    assert far(evidence(net, moved), evidence(net, values)[:, order][:, :, order]) > 1e-3


def test_features_that_stay_where_nothing_is_observed_break_the_law_of_padding(monkeypatch):
    whole = MapCnn._evidence

    def unmasked(self, values):
        self.padding, self.reach = "valid", 0
        for block in self.blocks:
            block.trimmed = 0
        return whole(self, values)

    net, values = awake("map-cnn"), noise(13)
    before = evidence(net, values)
    monkeypatch.setattr(MapCnn, "_evidence", unmasked)
    assert far(evidence(net, framed(values, 0, 0, (19, 19)))[:, :13, :13], before) > 1e-3


def test_the_two_paddings_see_the_border_differently_and_the_inside_equally():
    zero, valid = awake("map-cnn"), awake(*VALID)
    valid.load_state_dict(zero.state_dict())
    values = noise(17)
    one, two = evidence(zero, values), evidence(valid, values)
    assert far(one[:, 3:-3, 3:-3], two[:, 3:-3, 3:-3]) < EXACT
    assert far(one, two) > 1e-3


@pytest.mark.parametrize("directed", [False, True])
def test_messages_along_edges_are_those_of_dense_matrices(directed, monkeypatch):
    monkeypatch.setattr(message_passing, "COLUMNS", 300)  # several parts
    net, values = awake("map-gnn"), noise(13, 13 if directed else None)
    dense = evidence(net, values)
    net.sparse_from = 1
    assert far(evidence(net, values), dense) < EXACT  # fused
    assert far(net(values).detach(), dense) < EXACT  # message by message


def test_neighbours_are_those_of_the_line_in_any_order_and_equal_nodes_are_kept_or_left_together():
    place = torch.arange(12.0)
    line = torch.exp(-(place[:, None] - place).abs() / 3)[None]
    moved, order = renumbered(line)
    edges = neighbourhoods(*standardise_maps(moved), most=2)
    apart = (order[edges.ends[0]] - order[edges.ends[1]]).abs()
    inner = (order[edges.ends[1]] > 1) & (order[edges.ends[1]] < 10)
    assert (apart[inner] == 1).all() and inner.sum() == 16
    equal = torch.ones(1, 6, 6) - torch.eye(6)
    assert neighbourhoods(*standardise_maps(equal), most=2).ends.shape[1] in (0, 30)


def test_operators_weigh_the_nearest_nodes_alone_equal_ones_together_and_without_a_jump():
    logits = torch.tensor([[3.0, 2.0, 1.0, 1.0, 0.96, 0.0, -1e9]])
    weights = _nearest(logits, 3)
    expected = logits.exp() * torch.tensor([[1, 1, 1, 1, 0.6, 0, 0]])
    assert torch.allclose(weights, expected / expected.sum(), atol=1e-6)
    assert torch.equal(_nearest(logits, None), logits.softmax(dim=-1))
    assert torch.allclose(_nearest(torch.zeros(1, 9), 2), torch.full((1, 9), 1 / 9))


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_bound_on_neighbours_keeps_the_laws_of_renumbering_and_of_transposition(symmetric):
    net, values = awake("map-product", {"neighbours": 6}), noise(40, 40)
    if symmetric:
        values = values + values.mT
    moved, order = renumbered(values)
    assert far(evidence(net, moved), evidence(net, values)[:, order][:, :, order]) < EXACT
    assert far(evidence(net, values.mT), evidence(net, values).mT) < EXACT
    without = awake("map-product", {"neighbours": 40})
    without.load_state_dict(net.state_dict())
    assert far(evidence(without, values), evidence(net, values)) > 0.01


def test_noise_outweighs_the_neighbours_of_a_node_in_a_large_map_unless_they_are_bounded():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn((200, 2_000), generator=generator)
    rows[:, :10] += 5.0
    shares = {
        (most, n): float(_nearest(rows[:, :n], most)[:, :10].sum(dim=-1).mean())
        for n in (60, 2_000)
        for most in (None, 16)
    }
    assert shares[16, 60] - shares[16, 2_000] < 0.1 < 0.2 < shares[None, 60] - shares[None, 2_000]


def test_noise_hides_common_third_nodes_in_a_large_map_unless_they_are_bounded():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn((60, 2_000), generator=generator).relu()
    rows[:30, :10] += 2.0  # what the first nodes have in common

    def contrast(n: int, most: int | None) -> float:
        likeness = _cosines(_highest(rows[:, :n], rows[:, :n], most))
        return float(likeness[:30, :30].fill_diagonal_(0).sum() / (30 * 29) - likeness[:30, 30:].mean())

    assert contrast(2_000, None) < 0.05 < 0.1 < contrast(2_000, 48)
    net, given = awake("map-product", {"neighbours": 6}), _read(noise(40), symmetric=True)
    update = net.rounds[0]
    with torch.no_grad():
        normed = update.norm(net._embedded(given)[0])
        bounded = update._third_nodes(normed, given)
        update.neighbours = None
        assert far(update._third_nodes(normed, given), bounded) > 0.01


def test_a_sparse_map_has_edges_where_it_has_weights_or_common_neighbours_alone():
    values = torch.zeros(1, 30, 30)
    values[0, 2, 5] = values[0, 5, 2] = values[0, 5, 9] = values[0, 9, 5] = 1.0
    ends = neighbourhoods(*standardise_maps(values), most=8).ends
    assert {tuple(sorted(pair)) for pair in ends.T.tolist()} == {(2, 5), (5, 9), (2, 9)}


def test_the_scale_of_a_map_is_that_of_its_observed_entries_and_a_sparse_map_has_one():
    values = torch.tensor(np.random.default_rng(0).normal(5, 3, size=(1, 50, 50)))
    units, seen = standardise_maps(values)
    assert abs(float(units.std()) - 1) < 0.05 and abs(float(units.mean())) < 0.05 and seen.all()
    gaps = values.clone()
    gaps[0, ::7] = torch.nan
    assert (standardise_maps(gaps)[0][0, ::7] == 0).all()
    sparse = torch.zeros(1, 9, 9)
    sparse[0, 2, 3] = 4.0
    assert torch.isfinite(standardise_maps(sparse)[0]).all() and standardise_maps(sparse)[0].max() > 1
    assert (standardise_maps(torch.full((1, 3, 3), torch.nan))[0] == 0).all()


def test_a_gap_and_a_zero_at_mirrored_places_are_no_symmetry():
    values = noise(5, batch=1)
    values[0, 1, 3], values[0, 3, 1] = torch.nan, 0.0
    rows = lambda x: x.nan_to_num().cumsum(dim=1)  # noqa: E731
    assert torch.equal(transposable(rows, values.mT), transposable(rows, values).mT)


@pytest.mark.parametrize("name", ["map-gnn", "sliding-product"])
def test_a_net_that_reads_weights_among_nodes_refuses_two_sets_of_nodes(name):
    with pytest.raises(InputError, match="5 rows and 7 columns has no"):
        build_map_model(name)(torch.zeros(1, 5, 7))


@pytest.mark.parametrize(
    ("name", "config", "complaint"),
    [
        ("cnn", None, "unknown net on maps 'cnn'"),
        ("map-cnn", {"dilations": []}, "dilations"),
        ("map-cnn", {"padding": "same"}, "padding"),
        ("map-unet", {"levels": 9}, "levels"),
        ("sliding-cnn", {"k": 4}, "the side k of a window must be odd"),
        ("sliding-cnn", {"net": {"width": 0}}, "width"),
        ("map-gnn", {"heads": 0}, "heads"),
    ],
)
def test_unknown_nets_and_impossible_configs_are_refused(name, config, complaint):
    with pytest.raises(InputError, match=complaint):
        build_map_model(name, config)


def test_weights_depend_on_the_seed_alone():
    one, same, other = (build_map_model("map-gnn", seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(weight, same[key]) for key, weight in one.items())
    assert not all(torch.equal(weight, other[key]) for key, weight in one.items())


def test_a_map_without_observed_entries_has_finite_evidence():
    for name in MAP_NETS:
        assert torch.isfinite(evidence(awake(name), torch.full((1, 5, 5), torch.nan, dtype=torch.float64))).all()


def test_a_large_graph_goes_along_its_edges():
    net = MapGnn(width=4, heads=1, rounds=1, sparse_from=8)
    assert net._means(noise(8).float(), 2, 8).matrix is None
    assert net._means(noise(7).float(), 2, 7).matrix is not None
