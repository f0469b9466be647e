"""Windows as tensors, the arguments of nets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnnmax.errors import InputError
from gnnmax.task.windows import Windows

__all__ = ["Batch", "Inputs", "check_finite", "inputs_of", "labels_of", "separate", "taken"]


Inputs = tuple[Tensor, *tuple[Tensor | None, ...]]
"""The arguments of a net: values, row contexts and column contexts of windows, ``(B, k, k)`` each; or maps alone."""


Batch = tuple[Inputs, Tensor]
"""Inputs and targets: of windows, labels ``(B,)``, float32, zeros and ones."""


def inputs_of(w: Windows, index: Any, device: torch.device) -> Inputs:
    """Return the chosen windows as the arguments of a net, on a device.

    Example:
        >>> w = Windows.from_values(np.zeros((4, 3, 3)))
        >>> [part if part is None else part.shape for part in inputs_of(w, slice(2), torch.device("cpu"))]
        [torch.Size([2, 3, 3]), None, None]
    """
    values, rows, columns = (
        None if array is None else torch.tensor(array[index], device=device)
        for array in (w.values, w.row_context, w.column_context)
    )
    assert values is not None
    return values, rows, columns


def labels_of(w: Windows, device: torch.device) -> Tensor:
    """Return the labels as zeros and ones, shape ``(N,)``, float32.

    Example:
        >>> labels_of(Windows.from_values(np.eye(3)[None]), torch.device("cpu"))
        tensor([0.])
    """
    return torch.tensor(w.label, dtype=torch.float32, device=device)


def taken(inputs: Inputs, index: Any) -> Inputs:
    """Select examples of a batch by slice or index tensor.

    Example:
        >>> taken((torch.zeros(4, 3, 3), None, None), slice(1))[0].shape
        torch.Size([1, 3, 3])
    """
    values, *others = inputs
    return values[index], *(None if part is None else part[index] for part in others)


def separate(tensor: Tensor) -> Tensor:
    """Return a contiguous copy on the CPU that shares memory with no other tensor, as tied weights do.

    Example:
        >>> tied = torch.ones(2)
        >>> separate(tied).data_ptr() == tied.data_ptr()
        False
    """
    return tensor.detach().to("cpu", copy=True).contiguous()


def check_finite(w: Windows, what: str, *, missing: bool = False) -> None:
    """Refuse windows that a net cannot score.

    Args:
        w: The windows.
        what: How to name them in an error.
        missing: Whether values may be NaN.

    Raises:
        InputError: there are no windows, or a value or context is NaN or infinite.

    Example:
        >>> check_finite(Windows.from_values(np.full((1, 3, 3), np.nan)), "training windows")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the values of 1 of 1 training windows are NaN or infinite: nets take finite ...
    """
    if not len(w):
        raise InputError(f"there are no {what}: give at least one")
    for name in ("values", "row_context", "column_context"):
        array = getattr(w, name)
        refused = np.isinf if missing and name == "values" else lambda entries: ~np.isfinite(entries)
        if array is None or np.isfinite(array).all() or not refused(array).any():
            continue
        broken = int(refused(array).any(axis=(1, 2)).sum())
        raise InputError(
            f"the {name} of {broken} of {len(w)} {what} are NaN or infinite: nets take finite numbers only, and NaN if "
            'they have encoding = "rank"; leave these windows out'
        )
