"""Inference: scores of a net in batches, and the device it runs on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnnmax.errors import InputError
from gnnmax.models.tensors import Inputs, taken

__all__ = ["resolve_device", "scored"]


SCORING_BATCH = 256
"""Windows per batch: larger batches do not fit the cache."""


@torch.no_grad()
def scored(module: nn.Module, inputs: Inputs, batch: int = SCORING_BATCH) -> Tensor:
    """Return the scores of all windows or maps, in evaluation mode, without gradients, batch by batch.

    Args:
        module: The net.
        inputs: Its arguments.
        batch: Examples per batch.

    Returns:
        Logits of windows, shape ``(N,)``, or the evidence of maps, shape ``(N, n, m)``.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> scored(build_model("cnn", k=3), (torch.rand(300, 3, 3), None, None)).shape
        torch.Size([300])
    """
    module.eval()
    starts = range(0, len(inputs[0]), batch)
    return torch.cat([module(*taken(inputs, slice(start, start + batch))) for start in starts])


def resolve_device(name: str) -> torch.device:
    """Return the named device: ``auto`` is a GPU if there is one, else the CPU.

    Raises:
        InputError: another name, or ``cuda`` on a machine without a GPU.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"the device must be auto, cpu or cuda, not {name!r}")
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise InputError("the device is cuda and torch finds no GPU: use --device auto or cpu")
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")
