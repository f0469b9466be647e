"""Inference: scores of a net in batches, and the device it runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gnnmax.errors import InputError
from gnnmax.models.tensors import Inputs, taken

__all__ = ["full_precision", "resolve_device", "scored"]


SCORING_BATCH = 256
"""Windows per batch: larger batches do not fit the cache. A net that divides batches itself has another number."""


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute products and convolutions on a GPU with the whole mantissa of float32, as on a CPU.

    torch lets cuDNN round the factors of convolutions to 10 bits (TF32) unless it is asked not to: scores then differ
    from a CPU's by a hundredth of their standard deviation, and equal windows may have different scores.

    Args:
        device: Where the net is. On the CPU nothing changes.

    Example:
        >>> with full_precision(torch.device("cuda")):
        ...     print(torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision)
        ieee ieee
    """
    cudnn: Any = torch.backends.cudnn  # torch's stubs do not know its parts
    parts = (cudnn.conv, torch.backends.cuda.matmul) if device.type == "cuda" else ()
    before = [part.fp32_precision for part in parts]
    for part in parts:
        part.fp32_precision = "ieee"
    try:
        yield
    finally:
        for part, precision in zip(parts, before, strict=True):
            part.fp32_precision = precision


@torch.no_grad()
def scored(module: nn.Module, inputs: Inputs, batch: int | None = None) -> Tensor:
    """Return the scores of all windows or maps, in evaluation mode, without gradients, batch by batch.

    On a GPU they are computed in full precision, see :func:`full_precision`.

    Args:
        module: The net.
        inputs: Its arguments.
        batch: Examples per batch; None: as the net's ``scoring_batch`` says of its first input, else 256.

    Returns:
        Logits of windows, shape ``(N,)``, or the evidence of maps, shape ``(N, n, m)``.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> scored(build_model("cnn", k=3), (torch.rand(300, 3, 3), None, None)).shape
        torch.Size([300])
    """
    module.eval()
    if batch is None:
        own = getattr(module, "scoring_batch", None)
        batch = SCORING_BATCH if own is None else own(inputs[0])
    starts = range(0, len(inputs[0]), batch)
    with full_precision(inputs[0].device):
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
