"""The run folder: config, environment, growing metrics file, and trained models."""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from gnnmax.data.descriptions import parse_description
from gnnmax.data.store import versions
from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.divergence import diverged_in
from gnnmax.experiments.sources import HeldRecord, is_held
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import atomic_folder, restored_folder
from gnnmax.io.locks import locked
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind, open_to_append
from gnnmax.models.architecture import NETS, check_net_name
from gnnmax.models.maps.trained import TrainedMapModel
from gnnmax.models.references import is_reference
from gnnmax.models.trained import TrainedModel, load_model, load_net, read_card, shipped_models
from gnnmax.training.checkpoint import Checkpoint, Snapshot
from gnnmax.training.config import parse_training
from gnnmax.training.records import DivergedLine, EvaluationLine, ModelState, StepLine

__all__ = [
    "CONFIG",
    "RUN_FORMAT",
    "Environment",
    "Log",
    "Metrics",
    "NetRecord",
    "RunConfig",
    "Seeds",
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
RUN_FORMAT: Final = 2
"""Version of the run folder's layout; gnnmax 0.1 wrote folders without one."""

ORPHAN_SECONDS = 10.0
"""Seconds within which the workers of a killed run have ended, on a busy machine too."""

CONFIG_FILE = FileKind("the record of the call", 16_000_000, "start again with --force")
METRICS_FILE = FileKind("the metrics", 2**28, "start again with --force")

Line = StepLine | EvaluationLine | DivergedLine
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


def rewind(folder: Path, seed: int) -> list[dict[str, Any]]:
    """Remove the records of a seed that were written after its checkpoint: training will write them again.

    A killed process may leave a part of a record at the end of the file; it is removed too.

    Returns:
        The records that stay, each with its seed.

    Raises:
        InputError: another process still trains that seed, or the checkpoint or the metrics are damaged.
    """
    snapshot = Checkpoint(checkpoint_file(folder, seed)).read()
    (folder / "metrics").mkdir(exist_ok=True)
    path = metrics_file(folder, seed)
    with Metrics(path):
        content = METRICS_FILE.read(path)
        kept = content[: _length_until(content, snapshot, path)]
        write_file(path, kept)
    return [{"seed": seed, **json.loads(line)} for line in kept.splitlines()]


def _length_until(content: bytes, snapshot: Snapshot | None, path: Path) -> int:
    """Return the length of the records up to a checkpoint; check all of them, and that its evaluations are there.

    Evaluations and divergences are synced to disk when they are written; other records may be lost with the power.
    """
    reached, models, synced = _contents(snapshot, path)
    found: set[Line] = set()
    length = end = last = 0
    for number, line in enumerate(io.BytesIO(content), start=1):
        place = f"{path}, line {number},"
        try:
            record: Line = METRICS_FILE.decode(line, Line, place)  # type: ignore[arg-type]
            unknown = bool(models) and record.model not in models
            if not line.endswith(b"\n") or record.step < last or unknown or record in found:
                reason = f"a record of {record.model!r:.40} at step {record.step} after one of step {last}"
                raise METRICS_FILE.damaged(place, reason)
        except InputError:
            if end + len(line) == len(content):
                break  # a killed process may leave a part of a record
            raise
        last, end = record.step, end + len(line)
        found.add(record)
        if last <= reached:
            length = end
    written = {record for record in found if not isinstance(record, StepLine) and record.step <= reached}
    different = synced ^ written
    for record in sorted(different, key=lambda record: (record.step, record.model)):
        what = "evaluation" if isinstance(record, EvaluationLine) else "divergence"
        reason = f"the {what} of {record.model!r:.40} at step {record.step} is not that of the checkpoint"
        raise METRICS_FILE.damaged(path, reason)
    return length


def _contents(snapshot: Snapshot | None, path: Path) -> tuple[int, set[str], set[EvaluationLine | DivergedLine]]:
    """Return the step, the models, and the evaluations and divergences of a checkpoint; 0 and nothing without one."""
    if snapshot is None:
        return 0, set(), set()
    try:
        parts = {
            name.removeprefix("model "): snapshot.plain[name] for name in snapshot.plain.keys() - {"step", "batches"}
        }
        synced: set[EvaluationLine | DivergedLine] = set()
        for name, part in parts.items():
            state = msgspec.convert(part["plain"], ModelState)
            synced |= {msgspec.convert(record, EvaluationLine) for record in state.history}
            if state.diverged:
                synced.add(DivergedLine(name, state.step, state.diverged, state.seconds))
        return snapshot.step, set(parts), synced
    except (LookupError, TypeError, msgspec.ValidationError) as error:
        again = "start again with --force"
        raise InputError(f"the checkpoint beside {path} is of another training: {error}; {again}") from None


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Lock a run folder inside the block; the system releases the lock of a killed process.

    Raises:
        InputError: another process has locked it.
    """
    os.scandir(folder).close()  # an OSError if it is no folder that may be read
    with _locked(folder):
        yield


@contextlib.contextmanager
def _locked(path: Path, descriptor: int | None = None, *, patience: float = 0) -> Iterator[None]:
    """Lock a file or folder inside the block, and wait some seconds for the process that holds the lock."""
    until = time.monotonic() + patience
    while True:
        with locked(Path(os.path.realpath(path)), descriptor) as held:
            if held is not False:  # None: a file system without locks
                yield
                return
        if time.monotonic() >= until:
            raise InputError(f"another process works in {path}: wait until it has ended, or end it")
        time.sleep(0.02)


class Metrics:
    """The growing metrics file of a seed: one record per line; all but the losses of steps are synced to disk at once.

    The open file is locked if the file system has locks: two processes never train the same seed. The workers of a
    killed run hold the lock until they have noticed; they are awaited for :data:`ORPHAN_SECONDS`.

    Raises:
        InputError: another process has it open.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = open_to_append(path)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}; choose another folder") from None
        with contextlib.ExitStack() as opened:
            opened.enter_context(self._file)
            opened.enter_context(_locked(path, self._file.fileno(), patience=ORPHAN_SECONDS))
            self._opened = opened.pop_all()

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()

    def write(self, record: dict[str, Any]) -> None:
        """Add a record."""
        self._file.write(json.dumps(record) + "\n")
        if record["event"] != "step":
            os.fsync(self._file.fileno())


class Log:
    """A log file in the run folder: lines with the time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: str) -> None:
        """Add a line."""
        with open_to_append(self._path) as file:
            file.write(f"{time.strftime('%H:%M:%S')} {line}\n")


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
            found.setdefault(name, []).append(kind(*loaded))
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
