"""Training steps (forward, backward, clipping, AdamW) against the multiply-adds of each net as plain matrix products.

The ceiling of a net runs, for every linear or convolutional layer, the matrix products that its forward and backward
passes need at the same sizes, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn.aggr import MultiAggregation
from torch_geometric.utils import scatter

from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax.models.graphs.bipartite import BipartiteNet
from gnnmax.models.registry import build_model
from gnnmax.models.sets.exchangeable import ExchangeableNet
from gnnmax.training.config import TrainingConfig

__all__ = ["ROWS", "products"]

K = 9


def batch(setting: Setting) -> tuple[Tensor, Tensor]:
    """Draw windows and labels: the time of a step does not depend on them."""
    rng = np.random.default_rng(0)
    size = setting.size(TrainingConfig().batch_size, 4)
    values = torch.from_numpy(rng.standard_normal((size, K, K), dtype=np.float32))
    return values, torch.from_numpy(rng.integers(2, size=size).astype(np.float32))


def step(net: nn.Module, values: Tensor, labels: Tensor) -> Callable[[], None]:
    """Return one update, as in :mod:`gnnmax.training.loop`."""
    config = TrainingConfig()
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    net.train()

    def run() -> None:
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(net(values), labels).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), config.clip_norm)
        optimiser.step()

    return run


def products(net: nn.Module, values: Tensor) -> list[tuple[int, int, int, bool]]:
    """List the matrix products of a net's layers: rows, inner size, columns, and whether the input has a gradient.

    Example:
        >>> products(nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 1)), torch.zeros(2, 3))
        [(2, 3, 5, False), (2, 5, 1, True)]
    """
    found: list[tuple[int, int, int, bool]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        inner = layer.weight[0].numel()  # type: ignore[index]
        columns = len(layer.weight)  # type: ignore[arg-type]
        found.append((output.numel() // columns, inner, columns, inputs[0].requires_grad))

    layers = [module for module in net.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    net(values)
    for hook in hooks:
        hook.remove()
    return found


def ceiling(net: nn.Module, values: Tensor) -> Lane:
    """Return the lane that multiplies the matrices of one training step."""
    work = []
    for rows, inner, columns, backward in products(net, values):
        work.append((torch.rand(rows, inner), torch.rand(inner, columns), torch.rand(rows, columns), backward))

    def run() -> None:
        for inputs, weights, outputs, backward in work:
            torch.mm(inputs, weights)
            torch.mm(inputs.T, outputs)
            if backward:
                torch.mm(outputs, weights.T)

    return Lane("GEMM ceiling", run, len(values))


def against_ceiling(model: str, bound: float | None, name: str, setting: Setting) -> Row:
    """Time a net's training step against its ceiling."""
    values, labels = batch(setting)
    net = build_model(model, K)
    ours = Lane("ours", step(net, values, labels), len(values))
    return race(name, ours, ceiling(net, values), "window", Target("share", bound), setting)


def scattered(net: BipartiteNet) -> BipartiteNet:
    """Return the same net whose nodes gather by torch_geometric's own aggregation, a scatter by index."""
    twin = BipartiteNet()
    twin.load_state_dict(net.state_dict())
    for exchange in twin.rounds:
        gather = MultiAggregation(["max", "mean"])

        def aggregate(inputs: Tensor, index: Tensor, dim_size: int | None = None, gather: Any = gather) -> Tensor:
            gathered: Tensor = gather(inputs, index, dim_size=dim_size, dim=-2)
            return gathered

        exchange.aggregate = aggregate  # type: ignore[assignment]  # torch's stubs know modules of modules only
    return twin


def scattered_pools(net: ExchangeableNet) -> ExchangeableNet:
    """Return the same exchangeable net whose pools are torch_geometric's scatter, by the line of each entry."""
    twin = ExchangeableNet()
    twin.load_state_dict(net.state_dict())
    pools = [partial(scattered_pool, kind) for kind in ("max", "mean")]
    for module in twin.modules():
        if hasattr(module, "pools"):
            module.pools = pools  # type: ignore[assignment]  # torch's stubs know modules of modules only
    return twin


def scattered_pool(kind: str, features: Tensor, axis: int) -> Tensor:
    """Pool ``(B, n, m, H)`` over an axis by an index of each entry's line."""
    n, m = features.shape[1:3]
    line = torch.arange(n).repeat_interleave(m) if axis == 2 else torch.arange(m).repeat(n)
    pooled = scatter(features.flatten(1, 2), line, dim=1, dim_size=n if axis == 2 else m, reduce=kind)
    return pooled.unsqueeze(axis)


def sparse_twin(model: str, net: nn.Module) -> nn.Module:
    """Return the same net in its sparse form: indices of edges, gathering and scattering."""
    if isinstance(net, BipartiteNet):
        return scattered(net)
    if isinstance(net, ExchangeableNet):
        return scattered_pools(net)
    twin = build_model(model, K, {"form": "sparse"})
    twin.load_state_dict(net.state_dict())
    return twin


def against_scatter(model: str, bound: float, name: str, setting: Setting) -> Row:
    """Time a net against its scattering twin, after a check that their scores agree."""
    values, labels = batch(setting)
    net = build_model(model, K)
    twin = sparse_twin(model, net)
    difference = float((net(values) - twin(values)).detach().abs().max())
    if not difference < 1e-4 or math.isnan(difference):
        raise AssertionError(f"the scattering twin scores otherwise, by {difference:g}")
    ours = Lane("ours", step(net, values, labels), len(values))
    other = Lane("PyG scatter", step(twin, values, labels), len(values))
    return race(name, ours, other, "window", Target("speed", bound), setting)


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "train: question": partial(against_ceiling, "question", 0.8),
    "train: cnn": partial(against_ceiling, "cnn", 0.8),
    "train: gnn": partial(against_ceiling, "gnn", 0.25),
    "train: exchangeable": partial(against_ceiling, "exchangeable", 0.25),
    **{
        f"train: {model}, scatter": partial(against_scatter, model, bound)
        for bound, models in ((2.0, ("gnn", "exchangeable")), (1.0, ("gine", "gatv2", "pna", "graph-transformer")))
        for model in models
    },
}
