"""Nets on maps with random weights, maps for them, and the actions that they may be equivariant to."""

import numpy as np
import torch

from gnnmax.models.maps.registry import MAP_MODELS, build_map_model

SMALL = {
    "map-cnn": {"width": 8, "dilations": [1, 2]},
    "map-unet": {"width": 8, "levels": 2},
    "map-gnn": {"width": 8, "heads": 2, "channels": 2, "rounds": 2, "neighbours": 3},
    "map-product": {"width": 8, "hidden": 8, "heads": 2, "channels": 2, "likeness": 2, "walks": 2, "rounds": 2},
}
"""Small configs of the nets that are made for maps; others take their defaults."""

EXACT = 1e-9
"""Largest change of evidence that is put down to rounding, in float64 and in standard deviations of the evidence."""


def small_config(name):
    """The config of a small net; windows of side 5 slide."""
    return SMALL.get(name, {"k": 5} if "k" in MAP_MODELS[name].config.__struct_fields__ else {})


def awake(name, config=None, seed=0):
    """A net in float64 whose branches all contribute: zeros of the initialisation are replaced by small numbers."""
    net = build_map_model(name, small_config(name) if config is None else config, seed=seed).double().eval()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            if not weight.any():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=rng, dtype=weight.dtype))
    return net


def noise(n, m=None, *, batch=2, seed=0):
    """Maps of noise in float64; symmetric ones if there is one side alone."""
    values = np.random.default_rng(seed).normal(size=(batch, n, n if m is None else m))
    return torch.tensor(values + values.swapaxes(1, 2) if m is None else values)


def far(found, wanted):
    """The largest difference, in standard deviations of what is wanted."""
    return float((found - wanted).abs().max() / wanted.std())


def evidence(net, values):
    """The evidence of a net, without gradients."""
    with torch.no_grad():
        return net(values)


def renumbered(values, seed=5):
    """The same maps with their nodes in another order, and that order."""
    order = torch.tensor(np.random.default_rng(seed).permutation(values.shape[1]))
    return values[:, order][:, :, order], order


def framed(values, top, left, sides):
    """The same maps within a larger area that is not observed."""
    wide = torch.full((len(values), *sides), torch.nan, dtype=values.dtype)
    wide[:, top : top + values.shape[1], left : left + values.shape[2]] = values
    return wide
