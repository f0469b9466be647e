"""Several processes that train together: which of them this one is, and sums over all. Started by ``torchrun``.

Every process holds the whole net and the same optimiser. A batch is dealt out window by window; the gradients of the
parts are added up, so each process takes the same step with the same gradient. No wrapper goes around the net.
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
"""How long processes wait for the first one, which alone judges and writes."""


@dataclass(frozen=True)
class Processes:
    """The place of this process among those that train together.

    Attributes:
        rank: Its number, from 0; process 0 writes and the others do not.
        world_size: The number of processes.

    Example:
        >>> Processes(1, 2).share(5)
        slice(1, 5, 2)
    """

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Return which of the ``n`` windows of a batch are this process's."""
        return slice(self.rank, n, self.world_size)

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes; all get the same bits."""
        if self.world_size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def broadcast(self, content: bytes) -> bytes:
        """Return to every process what the first one gives; the others' content is ignored."""
        if self.world_size == 1:
            return content
        device = torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
        size = torch.tensor([len(content)], device=device)
        distributed.broadcast(size, src=0)
        own = bytearray(content) if self.is_main else bytearray(int(size))
        buffer = torch.frombuffer(own, dtype=torch.uint8).to(device)
        distributed.broadcast(buffer, src=0)
        return buffer.cpu().numpy().tobytes()


SINGLE_PROCESS = Processes()


@contextlib.contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """Meet the other processes that ``torchrun`` started; alone, where it started none.

    Args:
        device: Where training runs; on GPUs each process takes the one of its local rank.

    Raises:
        InputError: ``torchrun`` did not say where to meet.
    """
    if not is_distributed():
        yield SINGLE_PROCESS
        return
    if not distributed.is_torchelastic_launched():
        raise InputError("WORLD_SIZE is set and torchrun is not at work: unset it, or start with torchrun")
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def is_distributed() -> bool:
    """Tell whether ``torchrun`` started this process as one of several.

    Example:
        >>> is_distributed()
        False
    """
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_main_process() -> bool:
    """Tell whether this process is the one that writes: the only one, or the first of those that train together.

    Example:
        >>> is_main_process()
        True
    """
    return not is_distributed() or int(os.environ.get("RANK", "0")) == 0
