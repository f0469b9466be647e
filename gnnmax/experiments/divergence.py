"""Trainings that diverged: their records in results, and in the run folder in the place of a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gnnmax.io.atomic import write_file
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind

__all__ = ["Divergence", "diverged_in", "divergence_text", "write_divergence"]

DIVERGED = "diverged.json"
"""The file in the folder of a model and seed."""

DIVERGENCE_FILE = FileKind("the record of a divergence", 1_000_000, "run compare again")


class Divergence(Struct, frozen=True, kw_only=True):
    """The end of a training whose loss or gradient was not finite: its seed, its step and the reason."""

    seed: Annotated[int, Meta(ge=0, le=2**62)]
    step: Annotated[int, Meta(ge=1, le=2**53)]
    reason: Annotated[str, Meta(max_length=1_000)]


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
        for file in sorted(as_path(path).absolute().glob(f"{depth}{DIVERGED}")):
            divergence = DIVERGENCE_FILE.read_json(file, Divergence)
            found.setdefault(file.parent.parent.name, []).append(divergence)
    return {name: divergence_text(seeds) for name, seeds in found.items()}
