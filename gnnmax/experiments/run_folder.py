"""The run folder: config, environment, growing metrics file, and trained models."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gnnmax.data.store import versions
from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.divergence import diverged_in
from gnnmax.io.atomic import atomic_folder, write_file
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.models.registry import MODELS
from gnnmax.models.trained import TrainedModel, load_model, read_card, shipped_models
from gnnmax.training.checkpoint import Checkpoint

__all__ = [
    "CONFIG",
    "RUN_FORMAT",
    "Log",
    "Metrics",
    "Tail",
    "check_same_call",
    "checkpoint_file",
    "environment",
    "load_run",
    "locked_folder",
    "metrics_file",
    "read_config",
    "rewind",
    "started_run",
]

CONFIG = "config.json"
RUN_FORMAT = 2
"""Version of the run folder's layout; gnnmax 0.1 wrote folders without one."""


def environment() -> dict[str, Any]:
    """Return the versions and the machine: results may depend on them, besides recipe and seed.

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


def metrics_file(folder: Path, seed: int) -> Path:
    """Return the path of the training records of a seed.

    Example:
        >>> metrics_file(Path("runs"), 0).as_posix()
        'runs/metrics/seed-0.jsonl'
    """
    return folder / "metrics" / f"seed-{seed}.jsonl"


def checkpoint_file(folder: Path, seed: int) -> Path:
    """Return the path of the training checkpoint of a seed.

    Example:
        >>> checkpoint_file(Path("runs"), 0).as_posix()
        'runs/checkpoints/seed-0.json'
    """
    return folder / "checkpoints" / f"seed-{seed}.json"


@contextlib.contextmanager
def started_run(folder: Path, config: dict[str, Any], *, force: bool = False) -> Iterator[Path]:
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


def _start(folder: Path, config: dict[str, Any]) -> None:
    write_file(folder / CONFIG, json.dumps(config, indent=1))
    write_file(folder / "environment.json", json.dumps(environment(), indent=1))
    (folder / "metrics").mkdir()


def read_config(folder: str | Path) -> dict[str, Any]:
    """Read the call that started a run.

    Raises:
        InputError: the file is missing or damaged, or the folder was made by an older or a newer gnnmax.

    Example:
        >>> read_config("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: nowhere/config.json cannot be read: [Errno 2] No such file or directory: ...
    """
    path = as_path(folder) / CONFIG
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        version_of_layout = int(config.get("format", 1))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}; start again with --force") from None
    if version_of_layout < RUN_FORMAT:
        raise InputError(f"the run in {folder} was made by gnnmax 0.1: start again with --force")
    if version_of_layout > RUN_FORMAT:
        raise InputError(f"the run in {folder} was made by a newer gnnmax: upgrade")
    return config


def check_same_call(folder: Path, config: dict[str, Any]) -> None:
    """Refuse to resume a run that another call started.

    Raises:
        InputError: the calls differ, and the message gives the first difference; or the run is of another version.
    """
    started = read_config(folder)
    asked = json.loads(json.dumps(config))  # tuples become lists, as in the file
    keys = sorted((started.keys() | asked.keys()) - {"command"})
    for key in keys:
        was, now = started.get(key), asked.get(key)
        if was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            inner = next(name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name))
            key, was, now = f"{key}.{inner}", was.get(inner), now.get(inner)  # noqa: PLW2901  # the loop ends here
        raise InputError(
            f"the run in {folder} was started with {key} = {json.dumps(was)}, not {json.dumps(now)}: resume it by the "
            "call that started it, or start again with --force"
        )


def rewind(folder: Path, seed: int) -> list[dict[str, Any]]:
    """Remove the records of a seed that were written after its checkpoint: training will write them again.

    Returns:
        The records that stay, each with its seed.

    Raises:
        InputError: another process still trains that seed, or the checkpoint is damaged.
    """
    snapshot = Checkpoint(checkpoint_file(folder, seed)).read()
    reached = 0 if snapshot is None else snapshot.plain["step"]["step"]
    (folder / "metrics").mkdir(exist_ok=True)
    path = metrics_file(folder, seed)
    with Metrics(path):
        lines = path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        kept = [line for line in whole if json.loads(line)["step"] <= reached]
        write_file(path, b"".join(kept))
    return [{"seed": seed, **json.loads(line)} for line in kept]


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Lock a run folder inside the block; the system releases the lock of a killed process.

    Raises:
        InputError: another process has locked it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"another process works in {path}: wait until it has ended, or end it") from None
    except OSError:
        pass  # a file system without locks


class Metrics:
    """The growing metrics file of a seed: one record per line; evaluations are synced to disk immediately.

    The open file is locked if the file system has locks: two processes never train the same seed.

    Raises:
        InputError: another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        try:
            _lock(self._file.fileno(), path)
        except InputError:
            self._file.close()
            raise

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def write(self, record: dict[str, Any]) -> None:
        """Add a record."""
        self._file.write(json.dumps(record) + "\n")
        if record["event"] == "evaluation":
            os.fsync(self._file.fileno())


class Log:
    """A log file in the run folder: lines with the time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: str) -> None:
        """Add a line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {line}\n")


class Tail:
    """A reader of the records that a worker process appends to its metrics file from now on."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._seed = path, seed
        self._position = path.stat().st_size if path.exists() else 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the complete records since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._position += len(line)
                yield {"seed": self._seed, **json.loads(line)}


def load_run(
    path: str | Path,
    device: str = "auto",
    *,
    models: Mapping[str, Any] | None = None,
    allow_changed: bool = False,
) -> dict[str, list[TrainedModel]]:
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
    cards = sorted(card for depth in ("", "seed-*/", "*/seed-*/") for card in as_path(path).glob(f"{depth}model.json"))
    lost = diverged_in(path)
    if not cards:
        raise InputError(_none_at(path, lost))
    found: dict[str, list[TrainedModel]] = {}
    for card in cards:
        name = read_card(card).name
        if name not in lost:
            net = _code_of(name, models)
            model = load_model(card.parent, device, net=net, allow_changed=allow_changed)
            found.setdefault(name, []).append(model)
    if not found:
        raise InputError(_none_at(path, lost))
    for name in models:
        if name not in found and name not in lost:
            raise unknown_name(f"model of {path}", name, found)
    if len({len(seeds) for seeds in found.values()}) > 1:
        counts = ", ".join(f"{name} {len(seeds)}" for name, seeds in found.items())
        raise InputError(f"the models in {path} have different numbers of seeds ({counts}): give a complete run")
    return found


def _code_of(name: str, models: Mapping[str, Any]) -> Any:
    """Return the code that is given for a net; a name alone stands for the net of that name."""
    if name not in models or (models[name] is None and name in MODELS):
        return None
    return name if models[name] is None else models[name]


def _none_at(path: str | Path, diverged: Mapping[str, str]) -> str:
    if diverged:
        return f"no trained model at {path}: {', '.join(f'{name} {why}' for name, why in diverged.items())}"
    return f"no trained model at {path}: give a folder that train or compare wrote"
