"""Laws of the models: each declared symmetry holds, and undeclared ones do not."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.nn.aggr import MultiAggregation

from gnnmax.errors import InputError
from gnnmax.models.encoding import standardise
from gnnmax.models.graphs import bipartite as gnn
from gnnmax.models.graphs.bipartite import BipartiteNet, Exchange, bipartite_edges
from gnnmax.models.graphs.entries import GnnConfig
from gnnmax.models.registry import MODELS, build_model
from tests.support.nets import EXACT, awake, change, relabelled, translated, windows

WITHOUT_CONTEXTS = [name for name, entry in MODELS.items() if not entry.needs_contexts]


@pytest.mark.parametrize("name", WITHOUT_CONTEXTS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.sampled_from([3, 5, 9]))
def test_a_model_has_the_symmetries_that_it_declares(name: str, seed: int, k: int) -> None:
    net, values, declared = awake(build_model(name, k), seed), windows(seed, k), MODELS[name].group
    if declared.relabelling:
        assert change(net, values, relabelled(values, seed + 1)) < EXACT
    if declared.transposition:
        assert change(net, values, values.swapaxes(1, 2)) < EXACT
    if declared.translation:
        assert change(net, values, translated(values)) < EXACT


@pytest.mark.parametrize("name", WITHOUT_CONTEXTS)
def test_a_model_has_no_symmetry_that_it_does_not_declare(name: str) -> None:
    net, values, declared = awake(build_model(name, 9)), windows(1, 9), MODELS[name].group
    assert declared.relabelling or change(net, values, relabelled(values, 2)) > 0.01
    assert declared.transposition or change(net, values, values.swapaxes(1, 2)) > 0.01
    assert declared.translation or change(net, values, translated(values)) > 0.01


@pytest.mark.parametrize("k", [3, 9, 15])
def test_in_float32_the_graph_net_keeps_its_symmetry_to_five_digits(k: int) -> None:
    net, values = build_model("gnn", k).eval(), torch.tensor(windows(0, k, n=50), dtype=torch.float32)
    moved = torch.tensor(relabelled(values.numpy(), 1)).mT
    with torch.no_grad():
        torch.testing.assert_close(net(moved), net(values), rtol=1e-5, atol=1e-6)


def test_a_graph_net_that_is_told_the_order_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gnn, "centre_mark", lambda values: torch.linspace(0, 1, values.shape[-1], dtype=values.dtype).expand_as(values)
    )
    net, values = awake(BipartiteNet()), windows(3, 9)
    assert change(net, values, relabelled(values, 4)) > 0.01
    assert change(net, values, values.swapaxes(1, 2)) > 0.01


class OneWay(Exchange):
    """A broken twin: entries are sent to the columns in row-major order too, so rows and columns differ."""

    def message(self, node_j: torch.Tensor, entry: torch.Tensor) -> torch.Tensor:
        kk = entry.shape[1] // 2
        return torch.relu(node_j + torch.cat([entry[:, :kk], entry[:, :kk]], dim=1))


def test_a_graph_net_with_misrouted_edges_breaks_the_law() -> None:
    net, values = BipartiteNet(width=8, rounds=1), windows(5, 9)
    net.rounds[0] = OneWay(8)
    assert change(awake(net), values, relabelled(values, 6)) > 0.01


def test_the_reshape_gathers_what_a_scatter_gathers() -> None:
    k, width = 5, 4
    messages, (_, targets) = torch.randn(3, 2 * k * k, width), bipartite_edges(k, torch.device("cpu"))
    ours = Exchange(width).aggregate(messages, targets, dim_size=2 * k)
    for one, sent in zip(ours, messages, strict=True):
        theirs = MultiAggregation(["max", "mean"])(sent, targets, dim_size=2 * k)
        torch.testing.assert_close(one, theirs)


def test_every_entry_is_an_edge_in_both_directions() -> None:
    sources, targets = bipartite_edges(5, torch.device("cpu"))
    there = set(zip(sources.tolist(), targets.tolist(), strict=True))
    assert there == {(a, b) for a in range(10) for b in range(10) if (a < 5) != (b < 5)}
    assert (targets.diff() >= 0).all()


@pytest.mark.parametrize("name", WITHOUT_CONTEXTS)
@pytest.mark.parametrize(("scale", "offset"), [(64.0, 0.0), (0.01, 0.0), (2.0, -3.0)])
def test_the_scale_and_offset_of_a_window_do_not_matter(name: str, scale: float, offset: float) -> None:
    net, values = awake(build_model(name, 9)), windows(7, 9)
    assert change(net, values, scale * values + offset) < 1e-6


def test_without_standardising_they_do_matter() -> None:
    net, values = awake(build_model("cnn", 9, {"encoding": "none"})), windows(7, 9)
    assert change(net, values, 64 * values) > 0.1


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-35, 36))
def test_standardised_windows_have_mean_0_deviation_1_and_the_same_maxima(seed: int, power: int) -> None:
    values = (windows(seed, 5) * 10.0**power).astype(np.float32)
    values[:, 0, 0] = values.max(axis=(1, 2))  # a tie
    out = standardise(torch.tensor(values)).double().numpy()
    np.testing.assert_allclose(out.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 1, rtol=1e-4)
    highest = (values == values.max(axis=(1, 2), keepdims=True)).sum(axis=(1, 2))
    np.testing.assert_array_equal((out == out.max(axis=(1, 2), keepdims=True)).sum(axis=(1, 2)), highest)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.3, 3e38])
def test_a_constant_window_is_standardised_to_zeros(constant: float) -> None:
    assert not standardise(torch.full((2, 9, 9), constant)).any()


@pytest.mark.parametrize("name", WITHOUT_CONTEXTS)
def test_scores_are_finite_on_the_extremes_of_float32(name: str) -> None:
    values = torch.full((1, 9, 9), -3e38)
    values[0, 4, 4] = 3e38
    assert torch.isfinite(build_model(name, 9)(values)).all()


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.any_k and name in WITHOUT_CONTEXTS])
@pytest.mark.parametrize("k", [3, 5, 15, 31])
def test_models_of_any_side_score_windows_of_any_side(name: str, k: int) -> None:
    scores = awake(build_model(name, 9))(torch.tensor(windows(8, k)))
    assert scores.shape == (6,)
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("name", WITHOUT_CONTEXTS)
def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone(name: str) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (build_model(name, 3, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_model("resnet", 9), "unknown model 'resnet'; known: "),
        (lambda: build_model("gnn", 4), "must be odd and at least 3, not 4"),
        (lambda: build_model("gnn", 1), "must be odd and at least 3, not 1"),
        (lambda: build_model("gnn", 9, {"width": 10**9}), "Expected `int` <= "),
        (lambda: build_model("gnn", 9, GnnConfig(width=-1)), "Expected `int` >= 1"),
        (lambda: build_model("gnn", 9, {"depth": 3}), "unknown field `depth`"),
        (lambda: build_model("cnn", 9, GnnConfig()), "takes a CnnConfig, not a GnnConfig"),
        (lambda: build_model("cnn", 9, object()), "config of model cnn"),
    ],
)
def test_wrong_input_is_refused_in_one_line(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bytecode", ["", "1"])
def test_building_graph_nets_leaves_no_file_in_the_temporary_folder(tmp_path, bytecode):
    code = (
        "from gnnmax.models.registry import MODELS, build_model; [build_model(n, 9) for _ in range(2) for n in MODELS]"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": bytecode}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []


def test_threads_that_build_at_once_get_the_weights_of_their_seeds_and_leave_the_global_generator():
    alone = [torch.cat([p.flatten() for p in build_model("cnn", 9, seed=seed).parameters()]) for seed in range(4)]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(8) as threads:
        built = list(threads.map(lambda place: build_model("cnn", 9, seed=place % 4), range(64)))
    for place, net in enumerate(built):
        assert torch.equal(torch.cat([p.flatten() for p in net.parameters()]), alone[place % 4]), place
    assert torch.equal(torch.get_rng_state(), before)
