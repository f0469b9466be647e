"""The registry of models, and how one is built."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import torch
from torch import nn

from gnnmax.errors import InputError, unknown_name
from gnnmax.models.entry import Config, ModelEntry
from gnnmax.models.graphs.entries import GRAPH_NETS
from gnnmax.models.images.entries import IMAGE_NETS
from gnnmax.models.sets.entries import SET_NETS

__all__ = ["MODELS", "ModelEntry", "build_model", "parse_config", "seeded"]


def parse_config(name: str, plain: Any = None) -> Config:
    """Check plain values, or a config, as the config of a model.

    Args:
        name: A key of :data:`MODELS`.
        plain: A dict as read from JSON or TOML, a config of the model's own type, or None for the defaults.

    Raises:
        InputError: an unknown model, an unknown field, or a value outside its bounds.

    Example:
        >>> parse_config("gnn", {"width": 16})
        GnnConfig(width=16, rounds=2, encoding='standard')
        >>> parse_config("gnn", {"width": 0})
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: config of model gnn: Expected `int` >= 1 - at `$.width`
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    wanted = MODELS[name].config
    if isinstance(plain, Config) and not isinstance(plain, wanted):
        raise InputError(f"model {name} takes a {wanted.__name__}, not a {type(plain).__name__}: give its own config")
    try:
        return msgspec.convert({} if plain is None else msgspec.to_builtins(plain), wanted, strict=True)
    except (msgspec.ValidationError, TypeError, RecursionError) as error:
        raise InputError(f"config of model {name}: {error}") from None


def build_model(name: str, k: int, config: Any = None, seed: int = 0) -> nn.Module:
    """Build a net with fresh weights, on the CPU.

    The weights depend on ``seed`` alone; torch's global generator keeps its state.

    Args:
        name: A key of :data:`MODELS`.
        k: Side of the windows, odd and at least 3; a net for any side does not depend on it.
        config: As for :func:`parse_config`.
        seed: Seed of the initial weights.

    Raises:
        InputError: an unknown model, a config that does not fit, or ``k`` even or below 3.

    Example:
        >>> build_model("cnm", k=9)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: unknown model 'cnm': did you mean cnn? known: ...
        >>> sum(p.numel() for p in build_model("question", k=3).parameters())
        34049
    """
    checked = parse_config(name, config)
    if k < 3 or k % 2 == 0:
        raise InputError(f"a window's side k must be odd and at least 3, not {k}: otherwise it has no centre entry")
    return seeded(lambda: MODELS[name].build(k, checked), seed)


_SEEDING = threading.RLock()
"""Locked while torch's global generator is seeded for a net: layers draw their weights from no other."""


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a net whose initial weights depend on a seed alone; torch's global generator keeps its state.

    Threads make nets one after the other. A thread that draws from torch's global generator meanwhile disturbs it.

    Example:
        >>> weights = [seeded(lambda: nn.Linear(1, 1), seed).weight.item() for seed in (0, 0, 1)]
        >>> weights[0] == weights[1], weights[0] == weights[2]
        (True, False)
    """
    with _SEEDING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


MODELS: dict[str, ModelEntry] = {**IMAGE_NETS, **GRAPH_NETS, **SET_NETS}
"""The models by name."""
