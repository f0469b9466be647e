"""The ledger of a sweep: a folder with the plan, and one file for each unit that has a result."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.expansion import Expanded, PlanRecord, expanded
from gnnmax.experiments.sweeps.plan import parse_plan
from gnnmax.experiments.sweeps.units import UnitResult
from gnnmax.io.atomic import atomic_file, write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.locks import locked
from gnnmax.io.ownership import SWEEP
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind, open_to_append

__all__ = ["LEDGER_FORMAT", "MARK", "Ledger"]

MARK = "sweep.json"
LEDGER_FORMAT: Final = 1
"""Version of the layout of a ledger."""

MARK_FILE = FileKind("the plan of the sweep", 2**26, "delete it and run the same sweep again, and all results are kept")
UNIT_FILE = FileKind("the unit", 4_000_000, "run the same sweep again, and it is measured again")
ATTEMPTS = 20
"""Number of attempts to write a unit while other drivers tidy up."""

TIMES_FILE = FileKind("the times", 2**28, "delete it")


class _Layout(Struct, frozen=True):
    format: Annotated[int, Meta(ge=1, le=1_000_000)]


class _Mark(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    program: Literal["gnnmax"] = "gnnmax"
    format: Literal[1] = LEDGER_FORMAT
    plan: dict[str, Any]
    record: PlanRecord
    sha256: str

    def __post_init__(self) -> None:
        _check_digest([self.plan, self.record], self.sha256)


class _UnitFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    program: Literal["gnnmax"] = "gnnmax"
    format: Literal[1] = LEDGER_FORMAT
    result: UnitResult
    sha256: str

    def __post_init__(self) -> None:
        _check_digest(self.result, self.sha256)


class _Time(Struct, frozen=True):
    digest: str
    seconds: Annotated[float, Meta(ge=0, le=1e9)]


def _sha256(content: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _check_digest(content: Any, sha256: str) -> None:
    if _sha256(content) != sha256:
        raise ValueError("its content does not have the digest beside it")


class Ledger:
    """The results of a sweep on disk.

    Every file is written whole or not at all, and equal units have equal bytes. So any process may end at any instant,
    and several processes may write one ledger: a second result of a unit is the first one again.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._units, self._pending = folder / "units", folder / "pending"

    @classmethod
    def start(cls, out: str | Path, planned: Expanded) -> tuple[Ledger, bool]:
        """Make the ledger of a plan, or open the one that is there.

        Returns:
            The ledger, and whether it had another plan before, or other files behind the plan.

        Raises:
            InputError: the folder holds something else, or a ledger of another version.
        """
        folder = as_path(out, "the folder of the sweep")
        ledger = cls(folder.absolute())
        if not os.path.lexists(folder / MARK):
            if ledger._lacks_mark():
                _write_mark(ledger.folder, planned)
            else:
                ledger._make(planned)
        ledger._units.mkdir(exist_ok=True)
        changed = ledger.identity() != (planned.plan.digest, planned.record)
        if changed:
            _write_mark(ledger.folder, planned)
        return ledger, changed

    def _make(self, planned: Expanded) -> None:
        try:
            with atomic_folder(self.folder, owner=SWEEP) as scratch:
                self.new(scratch, planned)
        except InputError:
            if not os.path.lexists(self.folder / MARK):  # no other driver has just made it
                raise

    def _lacks_mark(self) -> bool:
        """Return whether the folder holds units and nothing foreign: a ledger whose plan was deleted or lost."""
        digests = self.digests()
        return any(self.whole(digest) is not None for digest in digests) and not SWEEP.foreign_entry(self.folder)

    @classmethod
    def new(cls, folder: Path, planned: Expanded) -> Ledger:
        """Make the ledger of a plan in an empty folder."""
        (folder / "units").mkdir()
        _write_mark(folder, planned)
        return cls(folder.absolute())

    @classmethod
    def load(cls, folder: str | Path) -> Ledger:
        """Open a ledger that is there.

        Raises:
            InputError: there is none, or it is of another version.
        """
        ledger = cls(as_path(folder).absolute())
        if not os.path.lexists(ledger.folder / MARK):
            raise InputError(f"no sweep at {folder}: expected a folder with {MARK}; make one with 'gnnmax sweep'")
        ledger._mark()
        return ledger

    def identity(self) -> tuple[str, PlanRecord]:
        """Return what decides the units: the digest of the plan, and the record of the files that it names.

        Raises:
            InputError: the plan is damaged, or of another version.
        """
        mark = self._mark()
        return parse_plan(mark.plan, f"the plan in {self.folder / MARK}").digest, mark.record

    def planned(self) -> Expanded:
        """Read the plan with all its points; no other file is read, and no code is run.

        Raises:
            InputError: it is damaged, or of another version.
        """
        mark, path = self._mark(), self.folder / MARK
        try:
            return expanded(parse_plan(mark.plan, f"the plan in {path}"), record=mark.record)
        except InputError as error:
            raise MARK_FILE.damaged(path, error) from None

    def _mark(self) -> _Mark:
        path = self.folder / MARK
        content = MARK_FILE.read(path)
        layout = MARK_FILE.decode(content, _Layout, path).format
        if layout != LEDGER_FORMAT:
            raise InputError(
                f"the sweep in {self.folder} has the format {layout}, and this gnnmax writes {LEDGER_FORMAT}: use the "
                "version that made it, or choose another folder"
            )
        return MARK_FILE.decode(content, _Mark, path)

    def digests(self) -> set[str]:
        """Return the names of all units that have a file."""
        return {path.stem for path in self._units.glob("*.json")}

    def path(self, digest: str) -> Path:
        """Return the path of the file of a unit."""
        return self._units / f"{digest}.json"

    def read(self, digest: str) -> UnitResult | None:
        """Return the result of a unit, checked whole; None if there is none.

        Raises:
            InputError: the file is damaged, of another version, or of another unit.
        """
        path = self.path(digest)
        if not os.path.lexists(path):
            return None
        found = UNIT_FILE.read_json(path, _UnitFile).result
        if found.key.digest != digest:
            raise UNIT_FILE.damaged(path, "it holds another unit than its name says")
        return found

    def whole(self, digest: str) -> UnitResult | None:
        """Return the result of a unit; None if there is none, or a damaged one."""
        with contextlib.suppress(InputError):
            return self.read(digest)
        return None

    def finished(self, digest: str) -> UnitResult | None:
        """Return the result of a unit if it is whole and need not be measured again, else None."""
        found = self.whole(digest)
        return None if found is None or found.state == "failed" else found

    def write(self, result: UnitResult) -> None:
        """Write the result of a unit, unless a finished one is there.

        Raises:
            OSError: it cannot be written.
        """
        digest = result.key.digest
        content = msgspec.json.encode(_UnitFile(result=result, sha256=_sha256(result)))
        pending = self._pending / f"{digest}.json"
        for attempt in range(ATTEMPTS):
            if self.finished(digest) is not None:
                return
            try:
                self._pending.mkdir(exist_ok=True)
                with atomic_file(pending) as file:  # beside few others: the folder of all units is large
                    file.write(content)
                pending.replace(self.path(digest))
                return
            except (FileNotFoundError, FileExistsError):  # another driver has moved the same bytes, or tidies up
                if attempt + 1 == ATTEMPTS:
                    raise

    def tidy(self) -> None:
        """Remove what killed processes left of units that have a file by now."""
        with contextlib.suppress(OSError):
            for path in self._pending.iterdir():
                digest = path.name.removeprefix(".").partition(".")[0]
                with locked(path) as abandoned:
                    if abandoned is not False and self.path(digest).exists():
                        path.unlink(missing_ok=True)
            self._pending.rmdir()

    def add_times(self, seconds: Mapping[str, float]) -> None:
        """Note how long units took, where that can be written; for estimates alone."""
        with contextlib.suppress(OSError), open_to_append(self.folder / "times.jsonl") as file:
            for digest, own in seconds.items():
                file.write(json.dumps({"digest": digest, "seconds": round(own, 4)}) + "\n")

    def times(self) -> dict[str, float]:
        """Return how long units took, in seconds, by digest; lines that a killed process broke are left out."""
        path = self.folder / "times.jsonl"
        if not os.path.lexists(path):
            return {}
        found = {}
        for line in TIMES_FILE.read(path).splitlines():
            with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
                time = msgspec.json.decode(line, type=_Time)
                found[time.digest] = time.seconds
        return found


def _write_mark(folder: Path, planned: Expanded) -> None:
    plan: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(planned.plan))
    mark = _Mark(plan=plan, record=planned.record, sha256=_sha256([plan, planned.record]))
    write_file(folder / MARK, msgspec.json.format(msgspec.json.encode(mark), indent=1))
