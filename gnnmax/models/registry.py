"""The registry of models, and how one is built."""

from __future__ import annotations

from typing import Any

from torch import nn

from gnnmax.errors import unknown_name
from gnnmax.models.entry import Config, ModelEntry
from gnnmax.models.graphs.entries import GRAPH_NETS
from gnnmax.models.images.entries import IMAGE_NETS
from gnnmax.models.sets.entries import SET_NETS

__all__ = ["MODELS", "ModelEntry", "build_model", "parse_config"]


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
    config: Config = MODELS[name].parse(plain)
    return config


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
    return MODELS[name].make(k, checked, seed)


MODELS: dict[str, ModelEntry] = {**IMAGE_NETS, **GRAPH_NETS, **SET_NETS}
"""The models by name."""
