"""The registry of nets on maps, and how one is built."""

from __future__ import annotations

from typing import Any

from torch import nn

from gnnmax.errors import unknown_name
from gnnmax.models.maps.entries import MAP_NETS, SLIDING_NETS
from gnnmax.models.maps.entry import MapModelEntry

__all__ = ["MAP_MODELS", "MapModelEntry", "build_map_model"]


def build_map_model(name: str, config: Any = None, seed: int = 0) -> nn.Module:
    """Build a net on maps with fresh weights, on the CPU.

    The weights depend on ``seed`` alone; torch's global generator keeps its state.

    Args:
        name: A key of :data:`MAP_MODELS`.
        config: A dict as read from JSON or TOML, a config of the net's own type, or None for the defaults.
        seed: Seed of the initial weights.

    Returns:
        A module from values ``(B, n, m)``, NaN where nothing is observed, to evidence of the same shape.

    Raises:
        InputError: an unknown net, a config that does not fit, or a seed out of bounds.

    Example:
        >>> import torch
        >>> build_map_model("map-cnn", {"width": 8})(torch.rand(2, 9, 9)).shape
        torch.Size([2, 9, 9])
        >>> build_map_model("cnn")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: unknown net on maps 'cnn'...
    """
    if name not in MAP_MODELS:
        raise unknown_name("net on maps", name, MAP_MODELS)
    entry = MAP_MODELS[name]
    return entry.make(None, entry.parse(config), seed)


MAP_MODELS: dict[str, MapModelEntry] = {**MAP_NETS, **SLIDING_NETS}
"""The nets on maps by name."""
