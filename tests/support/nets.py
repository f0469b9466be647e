"""Nets with random weights, windows for them, and how far their scores change under an action."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from gnnmax.task.symmetry import permuted, relabellings, translations

EXACT = 1e-9
"""Largest change of score that is put down to rounding, in float64 and in standard deviations of the scores."""


def awake(net: nn.Module, seed: int = 0) -> nn.Module:
    """Draw all weights at random, so that branches that start at zero take part, in float64."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) / max(weight[0].numel(), 4) ** 0.5)
    return net.double().eval()


def windows(seed: int, k: int, n: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(size=(n, k, k))


@torch.no_grad()
def change(net: nn.Module, before: np.ndarray, after: np.ndarray) -> float:
    """Largest change of score, in standard deviations of the scores."""
    old, new = net(torch.tensor(before)), net(torch.tensor(np.ascontiguousarray(after)))
    assert old.std() > 1e-6, "the premise: windows have different scores"
    return float((new - old).abs().max() / old.std())


def relabelled(values: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n, k = values.shape[:2]
    return permuted(values, relabellings(n, k, rng), relabellings(n, k, rng))


def translated(values: np.ndarray) -> np.ndarray:
    n, k = values.shape[:2]
    return permuted(values, translations(np.ones(n), k), translations(np.zeros(n), k))
