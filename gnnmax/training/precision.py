"""Half-precision training, only where it cannot make ties.

bfloat16 has eight significant bits: entries that differ by less than one part in 256 become equal, and a tie has
another label. So labels, inputs, encoding, weights, losses and scores stay float32. ``bfloat16`` lets torch's autocast
round the inputs of linear and convolutional layers during training; it is refused where rounding would give the centre
of any window another rank or a new tie.
"""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt
import torch

from gnnmax.errors import InputError
from gnnmax.models.encoding import standardise
from gnnmax.task.label import centre_rank
from gnnmax.task.windows import Windows
from gnnmax.training.config import Precision

__all__ = ["autocast_context", "check_precision"]


def check_precision(w: Windows, precision: Precision, what: str) -> None:
    """Refuse half precision for windows where it would change a comparison of the centre with another entry.

    Args:
        w: Finite windows.
        precision: ``float32`` is never refused.
        what: How to name the windows in an error.

    Raises:
        InputError: with the share of windows whose centre has another rank or number of ties after rounding.

    Example:
        >>> close = Windows.from_values([[[1, 0, 0], [0, 1.0001, 0], [0, 0, 0]]])
        >>> check_precision(close, "float32", "windows")
        >>> check_precision(close, "bfloat16", "windows")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: bfloat16 would make ties with the centre in 100.0 % of the windows: train in float32
    """
    if precision == "float32":
        return
    rounded = standardise(torch.tensor(w.values)).bfloat16().float().numpy()
    changed = (centre_rank(rounded) != centre_rank(w.values)) | (_ties(rounded) != _ties(w.values))
    if changed.any():
        raise InputError(
            f"bfloat16 would make ties with the centre in {100 * np.mean(changed):.1f} % of the {what}: "
            "train in float32"
        )


def _ties(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Count the entries of each window that equal its centre, itself included."""
    middle = values.shape[1] // 2
    return np.asarray(np.count_nonzero(values == values[:, middle, middle, None, None], axis=(1, 2)), dtype=np.int64)


def autocast_context(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return the context manager for the forward pass of a net.

    Example:
        >>> with autocast_context("bfloat16", torch.device("cpu")):
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.bfloat16
    """
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
