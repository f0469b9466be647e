"""The cells of the table: maps of one depth, amplitude and order, and what every caller finds in them, kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.callers import PYTHON, Call, Caller, Setting
from benchmarks.peers.environments import MissingPeerError, environment
from gnnmax import Maps, build, load_recipe
from gnnmax.interop.cool_files import maps_to_cool
from gnnmax.io.atomic import write_file

__all__ = ["Cell", "Found", "MapFolder", "found_in"]

MEASURED = Path(__file__).with_name("measured.py")

PATIENCE = 1_800.0
"""Seconds for one caller on one set of maps."""


@dataclass(frozen=True)
class Cell:
    """One depth, one amplitude and one order of the recipe ``contact-256``.

    Attributes:
        depth: Mean count of neighbouring bins of different domains.
        amplitude: Height of the peaks over the local mean, as a share of it.
        order: ``natural`` or ``shuffled``.

    Example:
        >>> len(Cell(100.0, 4.0, "shuffled").maps("val", 1))
        1
    """

    depth: float
    amplitude: float
    order: str

    def maps(self, split: str, count: int) -> Maps:
        """Draw maps of a split; cells of one depth and amplitude differ in the order alone."""
        recipe = load_recipe("contact-256")
        changes: dict[str, Any] = {"map.background.depth": self.depth, "map.plant.amplitude": self.amplitude}
        splits = {"val": count, "test": count}
        drawn: Maps = build(recipe.replace(splits=splits, **changes, **{"map.order": self.order}))[split]
        return drawn


@dataclass(frozen=True)
class Found:
    """What a caller with one setting finds in the maps of a folder.

    Attributes:
        setting: The setting.
        calls: The calls.
        seconds: Processor time, all programs and the start of their interpreters included.
        bytes: Peak memory of the largest program.
        failure: Why there is nothing; "" if it ran to its end.
    """

    setting: Setting
    calls: list[Call]
    seconds: float
    bytes: int
    failure: str = ""


class MapFolder:
    """Maps in a folder, as the callers read them, and the results that are there already.

    Args:
        folder: The folder; it is made if it is not there.
        maps: The maps with their truth.
    """

    def __init__(self, folder: Path, maps: Maps) -> None:
        self.maps = maps
        digest = hashlib.sha256(maps.values.tobytes() + maps.peaks.places.tobytes()).hexdigest()[:12]
        self._failed: dict[Path, Found] = {}
        self.folder = folder.resolve() / f"{len(maps)}-maps-{digest}"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "maps.cool").exists():
            np.savez(
                self.folder / "maps.npz",
                values=maps.values,
                radius=maps.model.radius,
                diagonal=maps.model.diagonal,
            )
            maps_to_cool(maps, self.folder / "maps.cool", weights=True)

    def found(self, caller: Caller, setting: Setting) -> Found:
        """Return what a caller finds: from the disk, or by running it; failures are not kept."""
        text = json.dumps([asdict(caller.packages) if caller.packages else None, dict(setting)], sort_keys=True)
        name = f"{caller.name.replace(' ', '-').replace(',', '')}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
        kept = self.folder / f"{name}.json"
        if kept.exists():
            stored = json.loads(kept.read_text(encoding="utf-8"))
            return Found(**{**stored, "calls": [tuple(call) for call in stored["calls"]]})
        found = self._failed.get(kept) or found_in(self.folder, caller, setting, self.folder / name)
        if found.failure:
            self._failed[kept] = found
        else:
            write_file(kept, json.dumps(asdict(found)))
        return found


def found_in(maps: Path, caller: Caller, setting: Setting, out: Path) -> Found:
    """Run a caller on the maps of a folder; a failure is a result, not an exception."""
    out.mkdir(exist_ok=True)
    try:
        programs = environment(caller.name, caller.packages) if caller.packages else PYTHON.parent
    except MissingPeerError as error:
        return Found(setting, [], 0.0, 0, f"not installed: {error}")
    python = programs / "python" if caller.packages else PYTHON
    reports: list[Mapping[str, float]] = []
    for number, command in enumerate(caller.commands(programs, maps, out, setting)):
        report = out / f"report-{number}.json"
        if reason := _failure(python, report, command, out):
            return Found(setting, [], 0.0, 0, reason)
        reports.append(json.loads(report.read_text(encoding="ascii")))
    try:
        calls = caller.read(out, setting)
    except (KeyError, ValueError, OSError) as error:
        return Found(setting, [], 0.0, 0, f"its output is not understood: {error!r}"[:200])
    seconds, peak = sum(report["seconds"] for report in reports), max(report["bytes"] for report in reports)
    return Found(setting, calls, seconds, int(peak))


def _failure(python: Path, report: Path, command: Sequence[str], out: Path) -> str:
    """Run one program on one thread; return why it failed, "" if it did not."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    root = str(Path(__file__).parents[2]) if python == PYTHON else ""
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": PATIENCE, "cwd": out}
    program = [str(python), str(MEASURED), str(report), *command]
    begun = time.monotonic()
    try:
        ended = subprocess.run(program, check=False, env={**os.environ, **threads, "PYTHONPATH": root}, **options)
    except subprocess.TimeoutExpired:
        return f"it was stopped after {time.monotonic() - begun:.0f} s"
    if ended.returncode or not report.exists():
        lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()] or ["no message"]
        return f"exit status {ended.returncode}: {lines[-1][:160]}"
    return ""
