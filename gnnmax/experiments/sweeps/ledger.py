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
from gnnmax.experiments.sweeps.plan import SweepPlan, parse_plan
from gnnmax.experiments.sweeps.units import UnitResult
from gnnmax.io.atomic import atomic_file, write_file
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.ownership import SWEEP
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind, open_to_append

__all__ = ["LEDGER_FORMAT", "MARK", "Ledger"]

MARK = "sweep.json"
LEDGER_FORMAT: Final = 1
"""Version of the layout of a ledger."""

MARK_FILE = FileKind("the plan of the sweep", 4_000_000, "choose another folder")
UNIT_FILE = FileKind("the unit", 4_000_000, "run the same sweep again, and it is measured again")
TIMES_FILE = FileKind("the times", 2**28, "delete it")


class _Layout(Struct, frozen=True):
    format: Annotated[int, Meta(ge=1, le=1_000_000)]


class _Mark(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    program: Literal["gnnmax"] = "gnnmax"
    format: Literal[1] = LEDGER_FORMAT
    plan: dict[str, Any]


class _UnitFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    program: Literal["gnnmax"] = "gnnmax"
    format: Literal[1] = LEDGER_FORMAT
    result: UnitResult
    sha256: str

    def __post_init__(self) -> None:
        if _sha256(self.result) != self.sha256:
            raise ValueError("its content does not have the digest beside it")


class _Time(Struct, frozen=True):
    digest: str
    seconds: Annotated[float, Meta(ge=0, le=1e9)]


def _sha256(result: UnitResult) -> str:
    return hashlib.sha256(msgspec.json.encode(result, order="sorted")).hexdigest()


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
    def start(cls, out: str | Path, plan: SweepPlan) -> tuple[Ledger, SweepPlan | None]:
        """Make the ledger of a plan, or open the one that is there.

        Returns:
            The ledger, and the plan that it had before if it is another one.

        Raises:
            InputError: the folder holds something else, or a ledger of another version.
        """
        folder = as_path(out, "the folder of the sweep")
        ledger = cls(folder.absolute())
        if not os.path.lexists(folder / MARK):
            try:
                with atomic_folder(folder, owner=SWEEP) as scratch:
                    cls.new(scratch, plan)
            except InputError:
                if not os.path.lexists(folder / MARK):  # no other driver has just made it
                    raise
        old = ledger.plan()
        ledger._units.mkdir(exist_ok=True)
        if old.digest == plan.digest:
            return ledger, None
        _write_mark(ledger.folder, plan)
        return ledger, old

    @classmethod
    def new(cls, folder: Path, plan: SweepPlan) -> Ledger:
        """Make the ledger of a plan in an empty folder."""
        (folder / "units").mkdir()
        _write_mark(folder, plan)
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
        ledger.plan()
        return ledger

    def plan(self) -> SweepPlan:
        """Read the plan.

        Raises:
            InputError: it is damaged, or of another version.
        """
        path = self.folder / MARK
        content = MARK_FILE.read(path)
        layout = MARK_FILE.decode(content, _Layout, path).format
        if layout != LEDGER_FORMAT:
            raise InputError(
                f"the sweep in {self.folder} has the format {layout}, and this gnnmax writes {LEDGER_FORMAT}: use the "
                "version that made it, or choose another folder"
            )
        return parse_plan(MARK_FILE.decode(content, _Mark, path).plan, f"the plan in {path}")

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
        """Write the result of a unit, unless a finished one is there."""
        digest = result.key.digest
        if self.finished(digest) is not None:
            return
        self._pending.mkdir(exist_ok=True)
        pending = self._pending / f"{digest}.json"
        with atomic_file(pending) as file:  # beside few others: the folder of all units is large
            file.write(msgspec.json.encode(_UnitFile(result=result, sha256=_sha256(result))))
        try:
            pending.replace(self.path(digest))
        except FileNotFoundError:
            if self.finished(digest) is None:  # else another process has moved the same bytes
                raise

    def tidy(self) -> None:
        """Remove what killed processes left of units that have a file by now."""
        with contextlib.suppress(OSError):
            for path in self._pending.iterdir():
                digest = path.name.removeprefix(".").partition(".")[0]
                if self.path(digest).exists():
                    path.unlink(missing_ok=True)
            self._pending.rmdir()

    def add_times(self, seconds: Mapping[str, float]) -> None:
        """Note how long units took; for estimates alone."""
        with open_to_append(self.folder / "times.jsonl") as file:
            for digest, own in seconds.items():
                file.write(json.dumps({"digest": digest, "seconds": round(own, 4)}) + "\n")

    def times(self) -> dict[str, float]:
        """Return how long units took, in seconds, by digest; lines that a killed process broke are left out."""
        path = self.folder / "times.jsonl"
        if not os.path.lexists(path):
            return {}
        found = {}
        for line in TIMES_FILE.read(path).splitlines():
            with contextlib.suppress(msgspec.DecodeError):
                time = msgspec.json.decode(line, type=_Time)
                found[time.digest] = time.seconds
        return found


def _write_mark(folder: Path, plan: SweepPlan) -> None:
    content = msgspec.to_builtins(_Mark(plan=msgspec.to_builtins(plan)))
    write_file(folder / MARK, json.dumps(content, indent=1))
