"""Search of a contact map beside chromosight and cooltools: the same file, each as its command in a fresh process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.peers.callers import PEERS, Caller, Commands
from benchmarks.peers.callers import Setting as Options
from benchmarks.peers.cells import Found, found_in
from benchmarks.rows import Figure, Row, Setting, Target
from gnnmax import Maps
from gnnmax.interop.cool_files import RESOLUTION, maps_to_cool

__all__ = ["ROWS"]

FAR = 200
"""Largest distance of a call, in bins: that of cooltools."""

STEPS = "distance,smooth"


def _commands(programs: Path, maps: Path, out: Path, setting: Options) -> Commands:
    """Search the band of the map, from the file to the table."""
    del setting
    words = ["--balanced", "--steps", STEPS, "--k", "7", "--distance", f"8:{FAR}", "--models", "none", "--force"]
    return [[str(programs / "gnnmax"), "detect", str(maps / "maps.cool"), *words, "--out", str(out / "maxima.csv")]]


OURS = Caller("gnnmax detect", _commands, lambda *_: [], {}, ())

SETTINGS: dict[str, Options] = {
    "chromosight": {"pearson": "auto", "min-dist": 8 * RESOLUTION, "max-dist": FAR * RESOLUTION},
    "cooltools": {"max-loci-separation": FAR * RESOLUTION, "fdr": 0.02, "_score": "q"},
}
"""The peers, at the same distances."""


def map_folder(setting: Setting) -> Path:
    """Write a contact map of four chromosomes of 1,000 bins, which has no loops, once; all balancing weights are 1."""
    n, folder = setting.size(1_000, 300), setting.folder / "contacts"
    if not folder.exists():
        folder.mkdir()
        rng, apart = np.random.default_rng(0), np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        upper = np.triu(rng.poisson(400 / (1 + apart), (setting.size(4, 1), n, n)), 1).astype(np.float64)
        maps = Maps.from_values(upper + upper.transpose(0, 2, 1), structure="symmetric")
        maps_to_cool(maps, folder / "maps.cool", weights=True)
    return folder


@cache
def measured(name: str, setting: Setting) -> Found:
    """Run one caller on the map, once for its rows of time and of memory."""
    caller = OURS if name == OURS.name else PEERS[name]
    return found_in(map_folder(setting), caller, SETTINGS.get(name, {}), setting.folder / name.replace(" ", "-"))


def beside(library: str, unit: Literal["s", "B"], name: str, setting: Setting) -> Row:
    """Measure our command beside a peer's: processor time, or peak memory. A quick run installs no peer."""

    def figure(label: str, found: Found) -> Figure:
        return Figure(label, found.seconds if unit == "s" else found.bytes, "map", unit)

    ours = measured(OURS.name, setting)
    if ours.failure:
        raise RuntimeError(f"gnnmax detect fails: {ours.failure}")
    theirs = None if setting.quick else measured(library, setting)
    if theirs is None or theirs.failure:
        print(f"{library}: {theirs.failure if theirs else 'left out of a quick run'}", file=sys.stderr)
        return Row(name, figure("ours", ours), None, Target("speed"), absent=library)
    return Row(name, figure("ours", ours), figure(library, theirs), Target("speed"))


UNITS: dict[str, Literal["s", "B"]] = {"time": "s", "memory": "B"}

ROWS: dict[str, Callable[[str, Setting], Row]] = {
    f"large: {library}, {what}": partial(beside, library, unit) for library in SETTINGS for what, unit in UNITS.items()
}
