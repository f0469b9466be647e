"""Distributed training in several processes that ``torchrun`` started.

Every process holds the whole net and the same optimiser. A batch is shared window by window; the gradients of the
shares are summed, so each process takes the same step with the same gradient. The net is not wrapped.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

from gnnmax.errors import InputError

__all__ = ["SINGLE_PROCESS", "Processes", "is_distributed", "is_main_process", "joined_processes"]

PATIENCE = timedelta(hours=12)
"""How long processes wait for the main one, which alone evaluates and writes."""


@dataclass(frozen=True)
class Processes:
    """This process and the number of processes that train together.

    Attributes:
        rank: Its number, from 0; process 0 is the main one.
        world_size: The number of processes.

    Example:
        >>> Processes(1, 2).share(5)
        slice(1, 5, 2)
    """

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process evaluates and writes: rank 0."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Return this process's share of the ``n`` windows of a batch."""
        return slice(self.rank, n, self.world_size)

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes; all processes get the same bits."""
        if self.world_size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def broadcast(self, content: bytes) -> bytes:
        """Send the content of the main process to all; the content of the others is ignored."""
        if self.world_size == 1:
            return content
        device = torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
        size = torch.tensor([len(content)], device=device)
        distributed.broadcast(size, src=0)
        content_or_room = bytearray(content) if self.is_main else bytearray(int(size))
        buffer = torch.frombuffer(content_or_room, dtype=torch.uint8).to(device)
        distributed.broadcast(buffer, src=0)
        return buffer.cpu().numpy().tobytes()


SINGLE_PROCESS = Processes()


@contextlib.contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """Join the process group of ``torchrun``; without torchrun, yield a single process.

    Args:
        device: Where training runs; each process uses the GPU of its local rank.

    Raises:
        InputError: ``WORLD_SIZE`` is set, but not by ``torchrun``.
    """
    if not is_distributed():
        yield SINGLE_PROCESS
        return
    if not distributed.is_torchelastic_launched():
        raise InputError("WORLD_SIZE is set, but not by torchrun: unset it, or start with torchrun")
    if device.type == "cuda":
        torch.cuda.set_device(_number_in("LOCAL_RANK", otherwise=0))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def is_distributed() -> bool:
    """Tell whether ``torchrun`` started this process as one of several.

    Raises:
        InputError: ``WORLD_SIZE`` is set, but not to a whole number.

    Example:
        >>> is_distributed()
        False
    """
    return _number_in("WORLD_SIZE", otherwise=1) > 1


def is_main_process() -> bool:
    """Tell whether this process is the only one or has rank 0: it evaluates and writes.

    Example:
        >>> is_main_process()
        True
    """
    return not is_distributed() or _number_in("RANK", otherwise=0) == 0


def _number_in(variable: str, *, otherwise: int) -> int:
    """Read a number that ``torchrun`` sets; a variable that is empty is not set."""
    text = os.environ.get(variable, "")
    if text and not (text.isascii() and text.isdigit()):
        raise InputError(f"{variable} must be a whole number, as torchrun sets it, not {text!r:.60}: unset it")
    return int(text) if text else otherwise
