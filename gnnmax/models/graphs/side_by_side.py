"""Windows side by side: the last axis of features ``(H, ..., B)`` counts the windows of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

__all__ = ["aligned_parts", "applies", "linear", "product"]

ALIGNED = 32
"""Windows computed at a time are a multiple of this number.

Vector registers hold 4 to 16 numbers. What does not fill one is computed by other instructions, which round otherwise:
the score of a window would depend on its place in the batch, and equal windows would not be tied.
"""


def aligned_parts(windows: int, k: int, entries: int) -> Iterator[Tensor]:
    """Split a batch into parts that fill vector registers; the last window may come repeatedly, at the end.

    Args:
        windows: Number of windows.
        k: Their side.
        entries: Approximate number of entries of a part.

    Yields:
        Indices of the windows of a part.

    Example:
        >>> [index.tolist()[-2:] for index in aligned_parts(70, 9, entries=64 * 81)]
        [[62, 63], [69, 69]]
    """
    size = max(entries // k**2 // ALIGNED, 1) * ALIGNED
    for start in range(0, windows, size):
        count = min(size, windows - start)
        yield torch.arange(start, start + count + -count % ALIGNED).clamp_(max=windows - 1)


def applies(net: nn.Module, values: Tensor) -> bool:
    """Return whether windows are scored without gradients on a CPU, by a net whose layers nobody watches by hooks.

    Example:
        >>> with torch.no_grad():
        ...     applies(nn.Linear(2, 2), torch.zeros(1))
        True
    """
    if values.device.type != "cpu" or torch.is_grad_enabled():
        return False
    return not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def linear(layer: nn.Linear, features: Tensor) -> Tensor:
    """Apply a linear layer along the first axis.

    Example:
        >>> linear(nn.Linear(3, 2), torch.zeros(3, 9, 9, 32)).shape
        torch.Size([2, 9, 9, 32])
    """
    return product(layer.weight, features).add_(layer.bias.view(-1, *(1,) * (features.ndim - 1)))


def product(weight: Tensor, features: Tensor) -> Tensor:
    """Apply the weights of a linear layer along the first axis, without its bias.

    Example:
        >>> product(torch.ones(2, 3), torch.ones(3, 9, 32))[0, 0, 0]
        tensor(3.)
    """
    return (weight @ features.reshape(len(features), -1)).view(-1, *features.shape[1:])
