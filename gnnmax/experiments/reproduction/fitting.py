"""Fit a net to an infinite stream of examples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gnnmax.training.config import half_cosine

__all__ = ["Examples", "fit"]

Examples = tuple[Tensor, Tensor]
"""Inputs of a net and targets."""


def fit(
    net: nn.Module,
    draw: Callable[[], Examples],
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float = 0.0,
) -> None:
    """Fit a net in place by AdamW with a cosine schedule, and keep the last weights.

    No validation set is needed, because nothing is selected.

    Args:
        net: The net; left in evaluation mode.
        draw: Returns the next batch of examples.
        loss: Loss of outputs and targets.
        steps: Number of updates.
        learning_rate: The initial, highest learning rate.
        weight_decay: Weight decay of AdamW.

    References:
        Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Example:
        >>> from gnnmax.models.seeding import seeded
        >>> net = seeded(lambda: nn.Linear(1, 1), seed=0)
        >>> line = torch.linspace(0, 1, 8)[:, None]
        >>> fit(net, lambda: (line, 2 * line), nn.functional.mse_loss, steps=200, learning_rate=0.1)
        >>> bool((net(line) - 2 * line).abs().max() < 0.01)
        True
    """
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=weight_decay)
    net.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * half_cosine(step / steps)
        inputs, targets = draw()
        optimiser.zero_grad()
        loss(net(inputs), targets).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    net.eval()
