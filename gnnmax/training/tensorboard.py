"""Learning curves for TensorBoard, an extra: the records of training as scalars."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError

__all__ = ["check_tensorboard", "tensorboard_curves"]


def check_tensorboard() -> None:
    """Refuse the call early where TensorBoard is not installed.

    Raises:
        InputError: the extra is missing.
    """
    if find_spec("tensorboard") is None:
        raise InputError("TensorBoard curves need the extra tensorboard: pip install 'gnnmax[tensorboard]'")


@contextlib.contextmanager
def tensorboard_curves(folder: Path, past: Iterable[dict[str, Any]] = ()) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Open a function that writes records of training as scalars, one curve per model and seed.

    Args:
        folder: Where the event file goes; ``tensorboard --logdir`` reads it. Event files of a stopped run are replaced.
        past: Records of that run before the steps from which it resumes; they are written first.

    Yields:
        A function of a record: ``event``, ``model``, ``seed``, ``step`` and metrics.
    """
    from torch.utils.tensorboard import SummaryWriter

    for stopped in folder.glob("events.out.tfevents.*"):
        stopped.unlink()
    with SummaryWriter(str(folder)) as writer:

        def write(record: dict[str, Any]) -> None:
            kind = "validation" if record["event"] == "evaluation" else "training"
            for metric in ("loss", "accuracy", "within_one"):
                if metric in record:
                    tag = f"{kind} {metric}/{record['model']}, seed {record['seed']}"
                    writer.add_scalar(tag, record[metric], record["step"])

        for record in past:
            write(record)
        yield write
