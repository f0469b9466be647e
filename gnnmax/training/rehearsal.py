"""A rehearsal of nets of your own: one training step on a few examples, twice, before any work is done."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors.torch import save as tensor_bytes
from torch import Tensor, nn

from gnnmax.errors import InputError
from gnnmax.models.architecture import Architecture
from gnnmax.models.maps.trained import place_scores
from gnnmax.models.own_nets import own_code
from gnnmax.models.seeding import torch_seed
from gnnmax.models.tensors import separate
from gnnmax.task.windows import Windows
from gnnmax.training.objectives import Examples, Objective, batch_of, objective_of
from gnnmax.training.threads import one_thread

__all__ = ["rehearse", "rehearse_own"]

SHOWN = 8
"""Windows of a rehearsal."""

SHOWN_MAPS = 2
"""Maps of a rehearsal: each has as many entries as thousands of windows."""


def rehearse_own(nets: Mapping[str, Architecture], train: Examples, val: Examples, device: torch.device) -> None:
    """Rehearse the nets of your own among those of a run.

    Args:
        nets: Architectures by name.
        train: Examples to train on; the first few are used.
        val: Those that choose the best weights: with ``train``, they decide the loss.
        device: The device of the training.

    Raises:
        InputError: as :func:`rehearse`.
    """
    own = [net for net in nets.values() if net.is_own]
    if own:
        objective = objective_of(train, val)
        for net in own:
            rehearse(net, train, device, objective=objective)


def rehearse(architecture: Architecture, examples: Examples, device: torch.device, *, objective: Objective) -> None:
    """Refuse a net that cannot be trained, or whose training no seed repeats.

    Args:
        architecture: A net of your own.
        examples: Windows or maps to train on; the first few are used.
        device: The device of the training.
        objective: The loss.

    Raises:
        InputError: it cannot be built, or called on these examples, or its loss cannot be differentiated, or its
            weights cannot be stored; its evidence of an observed entry of a map is NaN; or, on a CPU, the same seed
            gives other weights or another loss.

    Example:
        >>> from gnnmax.models.architecture import architecture_of
        >>> from gnnmax.testing import sample_windows
        >>> import numpy as np
        >>> w = sample_windows(3, rng=np.random.default_rng(0))
        >>> rehearse(architecture_of("gnn"), w, torch.device("cpu"), objective=objective_of(w, w))
    """
    some = examples[: SHOWN if isinstance(examples, Windows) else SHOWN_MAPS]
    with one_thread():
        (weights, loss), (weights_again, loss_again) = (_step(architecture, some, device, objective) for _ in range(2))
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
            f"the net {name} has another loss for the same weights, examples and seed: draw random numbers from torch, "
            "and keep no state outside of the module"
        )


def _step(
    architecture: Architecture, examples: Examples, device: torch.device, objective: Objective
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the initial weights of a net and its loss on examples, which is differentiated."""
    k = examples.k if isinstance(examples, Windows) else None
    net, name = architecture.build(k).to(device).train(), architecture.reference
    weights = _stored(net, name)
    inputs, targets = batch_of(examples, device)
    with torch_seed(0, device), own_code(f"the net {name} cannot be trained"):
        scores = net(*inputs)
        if not isinstance(examples, Windows):
            place_scores(scores.detach().cpu().numpy(), examples, name=name)
        loss = objective.loss(scores, targets)
        loss.backward()  # type: ignore[no-untyped-call]
    if not isinstance(examples, Windows):
        _check_gradient(net, name)
    after = _stored(net, name)
    if {key: t.shape for key, t in weights.items()} != {key: t.shape for key, t in after.items()}:
        raise InputError(f"the net {name} has weights of other names or shapes after a step: make all when it is built")
    return weights, loss.detach()


def _check_gradient(net: nn.Module, name: str) -> None:
    """Refuse a net whose gradient is spoiled by the entries that are not observed, although its evidence is not."""
    for key, parameter in net.named_parameters():
        if parameter.grad is not None and bool(parameter.grad.isnan().any()):
            raise InputError(
                f"the gradient of {key.removeprefix('module.')!r} in the net {name} is NaN: replace what is not "
                "observed before the first layer, not after it"
            )


def _stored(net: nn.Module, name: str) -> dict[str, Tensor]:
    """Return a copy of the weights, which can be stored."""
    with own_code(f"the weights of {name} cannot be stored"):
        weights = {key: separate(tensor) for key, tensor in net.state_dict().items()}
        tensor_bytes(weights)
    return weights
