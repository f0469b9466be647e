"""Fitting a net to batches that are drawn as they are asked for, none of them twice."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["Batch", "built", "fit"]

Batch = tuple[Tensor, Tensor]
"""What a net is given, and what it should return."""


def built(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a net whose weights depend on a seed alone; torch's global generator is left as it was.

    Example:
        >>> weights = [built(lambda: nn.Linear(1, 1), seed).weight.item() for seed in (0, 0, 1)]
        >>> weights[0] == weights[1], weights[0] == weights[2]
        (True, False)
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


def fit(
    net: nn.Module,
    draw: Callable[[], Batch],
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    steps: int,
    learning_rate: float,
) -> None:
    """Fit a net in place, by AdamW, half a cosine down from a learning rate, and keep its last weights.

    Nothing is chosen by any figure, so no windows need to be held out for choosing.

    Args:
        net: Left in evaluation mode.
        draw: Returns the next batch.
        loss: Of what the net returns and what it should return.
        steps: Updates.
        learning_rate: The first and highest.

    References:
        Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; here without decay.

    Example:
        >>> net = built(lambda: nn.Linear(1, 1), seed=0)
        >>> line = torch.linspace(0, 1, 8)[:, None]
        >>> fit(net, lambda: (line, 2 * line), nn.functional.mse_loss, steps=200, learning_rate=0.1)
        >>> bool((net(line) - 2 * line).abs().max() < 0.01)
        True
    """
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.0)
    net.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
        given, wanted = draw()
        optimiser.zero_grad()
        loss(net(given), wanted).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    net.eval()
