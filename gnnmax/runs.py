"""The run folder: what it says about its making, how it is followed while it grows, and how its models are loaded."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnnmax.errors import InputError
from gnnmax.store import versions

if TYPE_CHECKING:
    from gnnmax.checkpoint import TrainedModel

__all__ = ["Log", "Tail", "environment", "load_run"]


def environment() -> dict[str, Any]:
    """Return versions and machine: what a figure may depend on besides the recipe and the seed.

    Example:
        >>> sorted(environment())
        ['cores', 'machine', 'started', 'system', 'versions']
    """
    nets = {name: version(name) for name in ("torch", "torch-geometric", "scikit-learn", "safetensors")}
    return {
        "versions": {**versions(), **nets},
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


class Log:
    """Lines with the time, kept in the run folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: str) -> None:
        """Add a line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {line}\n")


class Tail:
    """The lines that a worker adds to its metrics file, as they come."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._seed, self._place = path, seed, 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the records that are whole and new."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                yield {"seed": self._seed, **json.loads(line)}


def load_run(path: str | Path, device: str = "auto") -> dict[str, list[TrainedModel]]:
    """Load all trained models of a run folder, by name, one a seed; or the one of a model's own folder.

    Raises:
        InputError: no model is there, one is damaged, or the models do not have equally many seeds.

    Example:
        >>> load_run("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: no trained model at nowhere: expected a folder that train or compare wrote
    """
    from gnnmax.checkpoint import load_model

    cards = sorted(card for depth in ("", "seed-*/", "*/seed-*/") for card in Path(path).glob(f"{depth}model.json"))
    if not cards:
        raise InputError(f"no trained model at {path}: expected a folder that train or compare wrote")
    models: dict[str, list[TrainedModel]] = {}
    for card in cards:
        model = load_model(card.parent, device)
        models.setdefault(model.name, []).append(model)
    if len({len(seeds) for seeds in models.values()}) > 1:
        counts = ", ".join(f"{name} {len(seeds)}" for name, seeds in models.items())
        raise InputError(f"the models in {path} do not have equally many seeds ({counts}): give a whole run")
    return models
