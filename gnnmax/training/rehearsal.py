"""A rehearsal of a net of your own: one training step on a few windows, twice, before any work is done."""

from __future__ import annotations

import torch
from safetensors.torch import save as tensor_bytes
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.architecture import Architecture
from gnnmax.models.own_nets import own_code
from gnnmax.models.seeding import torch_seed
from gnnmax.models.tensors import inputs_of, labels_of, separate
from gnnmax.task.windows import Windows
from gnnmax.training.threads import one_thread

__all__ = ["rehearse"]

SHOWN = 8
"""Windows of a rehearsal."""


def rehearse(architecture: Architecture, windows: Windows, device: torch.device) -> None:
    """Refuse a net that cannot be trained, or whose training no seed repeats.

    Args:
        architecture: A net of your own.
        windows: Windows to train on; the first few are used.
        device: The device of the training.

    Raises:
        InputError: it cannot be built, or called on these windows, or its loss cannot be differentiated, or its weights
            cannot be stored; or, on a CPU, the same seed gives other weights or another loss.

    Example:
        >>> from gnnmax.models.architecture import architecture_of
        >>> from gnnmax.testing import sample_windows
        >>> import numpy as np
        >>> w = sample_windows(3, rng=np.random.default_rng(0))
        >>> rehearse(architecture_of("gnn"), w, torch.device("cpu"))
    """
    with one_thread():
        (weights, loss), (weights_again, loss_again) = (_step(architecture, windows[:SHOWN], device) for _ in range(2))
    if device.type != "cpu":
        return
    name = architecture.reference
    same = weights.keys() == weights_again.keys() and all(
        torch.equal(weight, weights_again[key]) for key, weight in weights.items()
    )
    if not same:
        raise InputError(f"the net {name} has other weights for the same seed: draw them from torch, and keep no state")
    if not torch.allclose(loss, loss_again, rtol=0, atol=0, equal_nan=True):
        raise InputError(
            f"the net {name} has another loss for the same weights, windows and seed: draw random numbers from torch, "
            "and keep no state outside of the module"
        )


def _step(architecture: Architecture, windows: Windows, device: torch.device) -> tuple[dict[str, Tensor], Tensor]:
    """Return the initial weights of a net and its loss on windows, which is differentiated."""
    net, name = architecture.build(windows.k).to(device).train(), architecture.reference
    weights = _stored(net, name)
    with torch_seed(0, device), own_code(f"the net {name} cannot be trained"):
        scores = net(*inputs_of(windows, slice(None), device))
        loss = functional.binary_cross_entropy_with_logits(scores, labels_of(windows, device))
        loss.backward()  # type: ignore[no-untyped-call]
    after = _stored(net, name)
    if {key: t.shape for key, t in weights.items()} != {key: t.shape for key, t in after.items()}:
        raise InputError(f"the net {name} has weights of other names or shapes after a step: make all when it is built")
    return weights, loss.detach()


def _stored(net: nn.Module, name: str) -> dict[str, Tensor]:
    """Return a copy of the weights, which can be stored."""
    with own_code(f"the weights of {name} cannot be stored"):
        weights = {key: separate(tensor) for key, tensor in net.state_dict().items()}
        tensor_bytes(weights)
    return weights
