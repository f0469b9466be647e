"""The growing records of a run: metrics of each seed, up to its checkpoint, and a log."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.locks import exclusively_locked
from gnnmax.io.reading import FileKind, open_to_append
from gnnmax.training.checkpoint import Checkpoint, Snapshot
from gnnmax.training.records import DivergedLine, EvaluationLine, ModelState, StepLine

__all__ = ["Log", "Metrics", "checkpoint_file", "metrics_file", "rewind"]

ORPHAN_SECONDS = 10.0
"""Seconds within which the workers of a killed run have ended, on a busy machine too."""

METRICS_FILE = FileKind("the metrics", 2**28, "start again with --force")

Line = StepLine | EvaluationLine | DivergedLine


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
            opened.enter_context(exclusively_locked(path, self._file.fileno(), patience=ORPHAN_SECONDS))
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
