"""Learning curves for TensorBoard, an extra: the records of training as scalars."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError

__all__ = ["check_tensorboard", "tensorboard_curves"]


def check_tensorboard() -> None:
    """Refuse before any work is done where TensorBoard is not installed.

    Raises:
        InputError: the extra is missing.
    """
    if find_spec("tensorboard") is None:
        raise InputError("TensorBoard curves need the extra of that name: pip install 'gnnmax[tensorboard]'")


@contextlib.contextmanager
def tensorboard_curves(folder: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function that writes records of training as scalars, one curve a model and seed.

    Args:
        folder: Where the event file goes; ``tensorboard --logdir`` reads it.

    Yields:
        A function of a record: ``event``, ``model``, ``seed``, ``step`` and figures.
    """
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def write(record: dict[str, Any]) -> None:
            kind = {"step": "training", "evaluation": "validation"}[record["event"]]
            for figure in ("loss", "accuracy"):
                if figure in record:
                    tag = f"{kind} {figure}/{record['model']}, seed {record['seed']}"
                    writer.add_scalar(tag, record[figure], record["step"])

        yield write
