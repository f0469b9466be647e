"""Config files: budget, optimiser and sizes of nets, shipped by name or written by the user."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.presets import Presets
from gnnmax.models.architecture import NETS
from gnnmax.models.entry import Config
from gnnmax.training.config import TrainingConfig, parse_training

__all__ = ["config_names", "load_config"]

PRESETS = Presets("config", Path(__file__).parent / "configs")


class Hyperparameters(Struct, frozen=True, kw_only=True):
    """The content of a config file.

    Attributes:
        summary: One line to show.
        training: Budget and optimiser.
        models: What the file gives for each name, in its order, as
            :func:`gnnmax.models.architecture.architecture_of` takes it: the config of a net of the registry, or plain
            values.
    """

    summary: str
    training: TrainingConfig
    models: dict[str, Config | dict[str, Any]]


class _File(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The tables of a file before validation."""

    summary: str = ""
    training: dict[str, Any] = {}
    models: dict[str, dict[str, Any]] = {}


def config_names() -> list[str]:
    """List the names of the shipped config files.

    Example:
        >>> "standard" in config_names()
        True
    """
    return PRESETS.names()


def load_config(name: str | Path, nets: Collection[str] = ()) -> Hyperparameters:
    """Read a config file by its shipped name, or from the path of a ``.toml`` file.

    Args:
        name: One of :func:`config_names`, or a path that ends in ``.toml``. The file has a line ``summary``, a table
            ``[training]`` with fields of :class:`gnnmax.training.config.TrainingConfig`, and tables ``[models.NAME]``.
            A table is the config of the net of that name; with ``model = "gnn"`` it is another config of that one. A
            file names no code: a net of your own is named in the call.
        nets: Names that the call itself gives to nets: their tables are checked with these nets.

    Raises:
        InputError: an unknown name, an unreadable file, an unknown field or model, or a value out of its bounds.

    Example:
        >>> load_config("quick").training.steps, load_config("ranks").models["gnn"]
        (300, GnnConfig(width=16, rounds=2, encoding='rank'))
    """
    try:
        file = msgspec.convert(PRESETS.read(name), _File, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"config {name}: {error}") from None
    return Hyperparameters(
        summary=file.summary,
        training=parse_training(file.training, f"config {name}: training"),
        models={
            model: plain if model in nets and "model" not in plain else _config(str(name), model, plain)
            for model, plain in file.models.items()
        },
    )


def _config(name: str, model: str, plain: dict[str, Any]) -> Config | dict[str, Any]:
    try:
        if "model" not in plain:
            return _parsed(model, plain)
        _parsed(str(plain["model"]), {key: value for key, value in plain.items() if key != "model"})
        return plain
    except InputError as error:
        raise InputError(f"config {name}: {error}") from None


def _parsed(model: str, plain: dict[str, Any]) -> Config:
    """Check plain values as the config of a net, on windows or on maps."""
    if model not in NETS:
        raise unknown_name("model", model, NETS)
    config: Config = NETS[model].parse(plain)
    return config
