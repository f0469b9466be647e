"""The run folder: started whole, locked while it is written, and read as trained models."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.divergence import diverged_in
from gnnmax.experiments.run_config import CONFIG, RunConfig, environment
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder, restored_folder
from gnnmax.io.locks import exclusively_locked
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.models.architecture import NETS
from gnnmax.models.maps.trained import TrainedMapModel
from gnnmax.models.model_folders import load_model, load_net, read_card, shipped_models
from gnnmax.models.trained import TrainedModel

__all__ = ["load_run", "locked_folder", "started_run"]


@contextlib.contextmanager
def started_run(folder: Path, config: RunConfig, *, force: bool = False) -> Iterator[Path]:
    """Start a run: write its config and environment, and yield the folder to work in.

    That is ``folder`` itself if it does not exist: a stopped run can then be resumed. An existing run is kept until the
    block succeeds: the new one grows in a scratch folder and replaces it at the end. In both cases the folder is locked
    inside the block.

    Raises:
        InputError: the folder is in use, is not a run of gnnmax, or another process works in it.
    """
    if not folder.exists() or not any(folder.iterdir()):
        with atomic_folder(folder, owner=RUN) as scratch:  # never a folder without its config
            _start(scratch, config)
        with locked_folder(folder):
            yield folder
        return
    with locked_folder(folder), atomic_folder(folder, owner=RUN, force=force) as scratch:
        _start(scratch, config)
        yield scratch


def _start(folder: Path, config: RunConfig) -> None:
    for name, content in ((CONFIG, config), ("environment.json", environment())):
        write_file(folder / name, json.dumps(msgspec.to_builtins(content), indent=1))
    (folder / "metrics").mkdir()


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Lock a run folder inside the block; the system releases the lock of a killed process.

    Raises:
        InputError: another process has locked it.
    """
    os.scandir(folder).close()  # an OSError if it is no folder that may be read
    with exclusively_locked(folder):
        yield


def load_run(
    path: str | Path,
    device: str = "auto",
    *,
    models: Mapping[str, Any] | None = None,
    allow_changed: bool = False,
) -> dict[str, list[Any]]:
    """Load all trained models of a run folder, by name, one per seed; or one model, by its folder or shipped name.

    A model whose training diverged in any seed is left out, see
    :func:`gnnmax.experiments.divergence.diverged_in`.

    Args:
        path: The folder, or the name of a shipped model.
        device: ``auto``, ``cpu`` or ``cuda``.
        models: The code of nets of your own, by name, as ``{"mine": factory}`` or ``{"mine":
            "net.py:MyNet"}``; names of other
            nets of the run may stand beside them.
        allow_changed: Whether the files that define own nets may have changed since the training.

    Returns:
        A :class:`~gnnmax.models.trained.TrainedModel` for each seed; of a run on maps, a
        :class:`~gnnmax.models.maps.trained.TrainedMapModel`.

    Raises:
        InputError: there is no model, one is damaged, or the models have different numbers of seeds; an own net is not
            given, or a net is given that the run does not have.

    Example:
        >>> load_run("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: no trained model at nowhere: give a folder that train or compare wrote
    """
    if str(path) in shipped_models():
        model = load_model(path, device)
        return {model.name: [model]}
    models = models or {}
    folder = restored_folder(as_path(path), owner=RUN)
    cards = sorted(card for depth in ("", "seed-*/", "*/seed-*/") for card in folder.glob(f"{depth}model.json"))
    lost = diverged_in(path)
    if not cards:
        raise InputError(_none_at(path, lost))
    found: dict[str, list[Any]] = {}
    for card in cards:
        name = read_card(card).name
        if name not in lost:
            net = _code_of(name, models)
            loaded = load_net(card.parent, device, net=net, allow_changed=allow_changed)
            kind = TrainedMapModel if loaded.card.on_maps else TrainedModel
            found.setdefault(name, []).append(kind.of(loaded))
    if not found:
        raise InputError(_none_at(path, lost))
    for name in models:
        if name not in found and name not in lost:
            raise unknown_name(f"model of {path}", name, found)
    if len({len(seeds) for seeds in found.values()}) > 1:
        counts = ", ".join(f"{name} {len(seeds)}" for name, seeds in found.items())
        raise InputError(f"the models in {path} have different numbers of seeds ({counts}): give a complete run")
    for name, seeds in found.items():
        if len({model.card.seed for model in seeds}) < len(seeds):
            raise InputError(f"the models {name} in {path} have a seed twice: a card was changed; give another run")
    return found


def _code_of(name: str, models: Mapping[str, Any]) -> Any:
    """Return the code that is given for a net; a name alone stands for the net of that name."""
    if name not in models or (models[name] is None and name in NETS):
        return None
    return name if models[name] is None else models[name]


def _none_at(path: str | Path, diverged: Mapping[str, str]) -> str:
    if diverged:
        return f"no trained model at {path}: {', '.join(f'{name} {why}' for name, why in diverged.items())}"
    return f"no trained model at {path}: give a folder that train or compare wrote"
