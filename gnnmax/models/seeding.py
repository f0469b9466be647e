"""Random numbers of torch inside nets: they depend on a seed alone, and torch's global generators keep their state."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from gnnmax.errors import InputError

__all__ = ["LARGEST_SEED", "check_seed", "seeded", "torch_seed"]

LARGEST_SEED = 2**62
"""The largest seed of a recipe and of a model."""

_SEEDING = threading.RLock()
"""Locked while torch's global generators are seeded for a net: layers draw their numbers from no other."""

CPU = torch.device("cpu")


def check_seed(seed: Any) -> None:
    """Refuse a seed that no model card holds.

    Raises:
        InputError: it is no integer, negative, or above :data:`LARGEST_SEED`.

    Example:
        >>> check_seed(2**62 + 1)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a seed must be an integer between 0 and 2**62, not 4611686018427387905
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"a seed must be an integer between 0 and 2**62, not {seed!r}")


@contextlib.contextmanager
def torch_seed(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Seed torch's global generators, of the CPU and of a device, inside the block; afterwards they are as before.

    Threads enter the block one after the other. A thread that draws from a global generator outside disturbs it.

    Args:
        seed: From 0 to ``2**64 - 1``.
        device: The device whose generator is seeded too.

    Example:
        >>> with torch_seed(0):
        ...     first = torch.rand(1)
        >>> with torch_seed(0):
        ...     bool(first == torch.rand(1))
        True
    """
    with _SEEDING:
        generators = [torch.default_generator, *_of_gpu(device)]
        states = [generator.get_state() for generator in generators]
        try:
            for generator in generators:
                generator.manual_seed(seed)
            yield
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)


def _of_gpu(device: torch.device) -> list[torch.Generator]:
    if device.type != "cuda":
        return []
    torch.cuda.init()  # type: ignore[no-untyped-call]  # else it has no generators yet
    index = torch.cuda.current_device() if device.index is None else device.index
    return [torch.cuda.default_generators[index]]


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a net whose initial weights depend on a seed alone; torch's global generator keeps its state.

    Raises:
        InputError: as for :func:`check_seed`.

    Example:
        >>> weights = [seeded(lambda: nn.Linear(1, 1), seed).weight.item() for seed in (0, 0, 1)]
        >>> weights[0] == weights[1], weights[0] == weights[2]
        (True, False)
    """
    check_seed(seed)
    with torch_seed(seed):
        return make()
