"""Trainings that diverged: their records in results, and in the run folder in the place of a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file

__all__ = ["Divergence", "diverged_in", "divergence_text", "write_divergence"]

DIVERGED = "diverged.json"
"""The file in the folder of a model and seed."""


class Divergence(Struct, frozen=True, kw_only=True):
    """The end of a training whose loss or gradient was not finite: its seed, its step and the reason."""

    seed: int
    step: int
    reason: str


def divergence_text(seeds: Sequence[Divergence]) -> str:
    """Say where trainings diverged.

    Example:
        >>> divergence_text([Divergence(seed=1, step=137, reason="the loss is nan")])
        'diverged at step 137 of seed 1'
    """
    return f"diverged at step {', '.join(f'{each.step} of seed {each.seed}' for each in seeds)}"


def write_divergence(folder: Path, divergence: Divergence) -> None:
    """Write a record in the place of a model."""
    folder.mkdir(parents=True)
    write_file(folder / DIVERGED, msgspec.json.format(msgspec.json.encode(divergence), indent=2) + b"\n")


def diverged_in(path: str | Path) -> dict[str, str]:
    """Return the models of a run folder whose training diverged, with the seeds and the steps.

    Args:
        path: A run folder, or the folder of one model or of one of its seeds.

    Raises:
        InputError: a record of a divergence is damaged.

    Example:
        >>> diverged_in("nowhere")
        {}
    """
    found: dict[str, list[Divergence]] = {}
    for depth in ("", "seed-*/", "*/seed-*/"):
        for file in sorted(Path(path).absolute().glob(f"{depth}{DIVERGED}")):
            try:
                divergence = msgspec.json.decode(file.read_bytes(), type=Divergence)
            except (OSError, msgspec.DecodeError) as error:
                raise InputError(f"{file} is damaged: {error}; run compare again") from None
            found.setdefault(file.parent.parent.name, []).append(divergence)
    return {name: divergence_text(seeds) for name, seeds in found.items()}
