"""Train the nets of a table on the same batches, and evaluate them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from gnnmax.data.generation import build
from gnnmax.data.recipe import Recipe
from gnnmax.models.inference import scored
from gnnmax.models.registry import build_model
from gnnmax.models.tensors import inputs_of
from gnnmax.task.windows import Windows
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import refuse_divergence, train_models
from gnnmax.training.objectives import Stream

__all__ = ["Net", "decided", "drawn_for_test", "title_of", "trained"]

Net = tuple[str, dict[str, Any]]
"""A name in MODELS, and options."""

VALIDATION_HOSTS = 20


def title_of(net: Net) -> str:
    """Return the name of a net and its options.

    Example:
        >>> title_of(("exchangeable", {"mark": "row"})), title_of(("gnn", {}))
        ('exchangeable, mark row', 'gnn')
    """
    name, config = net
    return name + "".join(f", {key} {value}" for key, value in config.items())


def trained(
    nets: Sequence[Net],
    recipe: Recipe,
    seed: int,
    *,
    steps: int,
    windows: int | None = None,
    initial: int | None = None,
    order: int | None = None,
) -> tuple[nn.Module, ...]:
    """Build nets and train them on the same batches, on the CPU; validation windows choose the weights.

    Args:
        nets: The nets to train.
        recipe: The distribution of the windows.
        seed: Seed of the windows, and the default of the seeds below.
        steps: Updates with 128 windows each.
        windows: Number of training windows, used repeatedly; None draws fresh ones from an infinite stream.
        initial: Seed of the initial weights.
        order: Seed of the order of the windows, or of the start position of a stream.
    """
    config = TrainingConfig(steps=steps, stream=windows is None, evaluate_every=max(1, steps // 6), device="cpu")
    weights = seed if initial is None else initial
    modules = {str(i): build_model(name, recipe.k, given, seed=weights) for i, (name, given) in enumerate(nets)}
    fresh = recipe.replace(seed=seed, splits={"train": 1}, shifts={})
    val = build(recipe.replace(seed=2_000_000 + seed, splits={"val": VALIDATION_HOSTS}, shifts={})).split("val")
    train = Stream(fresh) if windows is None else _first(fresh, windows)
    results = train_models(modules, train, val, config, np.random.default_rng(seed if order is None else order))
    refuse_divergence(results)
    return tuple(modules.values())


def _first(recipe: Recipe, windows: int) -> Windows:
    """Draw the first ``windows`` windows, from as many hosts as needed."""
    per_graph = len(build(recipe).split("train"))
    return build(recipe.replace(splits={"train": -(-windows // per_graph)})).split("train")[:windows]


def drawn_for_test(recipe: Recipe, seed: int, hosts: int) -> Windows:
    """Draw test windows of hosts that no net is trained on.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> len(drawn_for_test(load_recipe("noise-9-mu3"), seed=0, hosts=2))
        256
    """
    return build(recipe.replace(seed=1_000_000 + seed, splits={"test": hosts}, shifts={})).test


def decided(net: nn.Module, windows: Windows) -> npt.NDArray[np.bool_]:
    """Return the decisions of a net, shape ``(N,)``: True for centred."""
    found: npt.NDArray[np.bool_] = scored(net, inputs_of(windows, slice(None), torch.device("cpu"))).numpy() > 0
    return found
