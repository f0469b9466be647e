"""The call that started a run, and the versions and the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from gnnmax.data.descriptions import parse_description
from gnnmax.data.store import versions
from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.sources import HeldRecord, is_held
from gnnmax.io.atomic_folders import restored_folder
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind
from gnnmax.models.architecture import NETS, check_net_name
from gnnmax.models.references import is_reference
from gnnmax.training.config import parse_training

__all__ = [
    "CONFIG",
    "RUN_FORMAT",
    "Environment",
    "NetRecord",
    "RunConfig",
    "Seeds",
    "check_same_call",
    "environment",
    "read_config",
]

CONFIG = "config.json"
RUN_FORMAT: Final = 2
"""Version of the run folder's layout; gnnmax 0.1 wrote folders without one."""

CONFIG_FILE = FileKind("the record of the call", 16_000_000, "start again with --force")

Text = Annotated[str, Meta(max_length=1_000)]
Seeds = Annotated[list[Annotated[int, Meta(ge=0, le=2**62)]], Meta(min_length=1)]


class Environment(Struct, frozen=True, kw_only=True):
    """The versions and the machine of a run."""

    versions: dict[Text, Text]
    system: Text
    machine: Text
    cores: Annotated[int, Meta(ge=1)] | None
    started: Text


def environment() -> Environment:
    """Return the versions and the machine: results may depend on them, besides recipe and seed.

    Example:
        >>> environment().versions["gnnmax"] == version("gnnmax")
        True
    """
    nets = {name: version(name) for name in ("torch", "torch-geometric", "scikit-learn", "safetensors")}
    return Environment(
        versions={**versions(), **nets},
        system=platform.system(),
        machine=platform.machine(),
        cores=os.cpu_count(),
        started=time.strftime("%Y-%m-%d %H:%M:%S %z"),
    )


class NetRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One net of a run: a key of the registry or the reference of an own net, its config, and the digest of its file.

    The digest is empty if there is no such file.
    """

    model: Text
    config: dict[str, Any]
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]

    def __post_init__(self) -> None:
        if not is_reference(self.model):  # the code of an own net is not run to check its config
            if self.model not in NETS:
                raise unknown_name("model", self.model, NETS)
            NETS[self.model].parse(self.config)


class RunConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of ``config.json``: the call that started a run, in plain values.

    Attributes:
        format: Version of the run folder's layout.
        program: The name of the program.
        command: The command line, if there was one.
        recipe: The recipe that the models were trained on.
        digest: Its digest.
        data: Where it came from: a name, a folder, the recipe itself, or a data set that was held in memory.
        also: Further data sets, likewise.
        models: Nets by their names in the run.
        training: Budget and optimiser.
        seeds: One training per model and seed.
    """

    format: Literal[2] = RUN_FORMAT
    program: Literal["gnnmax"] = "gnnmax"
    command: str
    recipe: dict[str, Any]
    digest: str
    data: str | dict[str, Any]
    also: list[str | dict[str, Any]]
    models: Annotated[dict[str, NetRecord], Meta(min_length=1)]
    training: dict[str, Any]
    seeds: Seeds

    def __post_init__(self) -> None:
        if parse_description(self.recipe, "of the run").digest != self.digest:
            raise ValueError("the recipe does not have the digest beside it")
        for number, source in enumerate((self.data, *self.also)):
            if is_held(source):
                msgspec.convert(source, HeldRecord)
            elif isinstance(source, dict):
                digest = parse_description(source, "of a data set").digest
                if not number and digest != self.digest:
                    raise ValueError("the recipe of the data is not that of the run")
        for name, net in self.models.items():
            check_net_name(name, net.model)
        parse_training(self.training, "training")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is there twice")


class _Layout(Struct, frozen=True):
    """The field of ``config.json`` that every version can read."""

    format: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


def read_config(folder: str | Path) -> RunConfig:
    """Read the call that started a run.

    Raises:
        InputError: the file is missing or damaged, or the folder was made by an older or a newer gnnmax.

    Example:
        >>> read_config("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: cannot read the record of the call nowhere/config.json: No such file or directory; ...
    """
    path = restored_folder(as_path(folder), owner=RUN) / CONFIG
    content = CONFIG_FILE.read(path)
    layout = CONFIG_FILE.decode(content, _Layout, path).format
    if layout < RUN_FORMAT:
        raise InputError(f"the run in {folder} was made by gnnmax 0.1: start again with --force")
    if layout > RUN_FORMAT:
        raise InputError(f"the run in {folder} was made by a newer gnnmax: upgrade")
    return CONFIG_FILE.decode(content, RunConfig, path)


def check_same_call(folder: Path, config: RunConfig) -> None:
    """Refuse to resume a run that another call started.

    Raises:
        InputError: the calls differ, and the message gives the first difference; or the run is of another version.
    """
    # Tuples become lists, as in the file.
    started, asked = (json.loads(json.dumps(msgspec.to_builtins(call))) for call in (read_config(folder), config))
    keys = sorted((started.keys() | asked.keys()) - {"command"})
    for key in keys:
        was, now = started.get(key), asked.get(key)
        if was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            missing = "(missing)"
            inner = next(
                name for name in sorted(was.keys() | now.keys()) if was.get(name, missing) != now.get(name, missing)
            )
            key, was, now = f"{key}.{inner}", was.get(inner, missing), now.get(inner, missing)  # noqa: PLW2901  # the loop ends here
        raise InputError(
            f"the run in {folder} was started with {key} = {json.dumps(was)}, not {json.dumps(now)}: resume it by the "
            "call that started it, or start again with --force"
        )
