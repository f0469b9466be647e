"""The net that reads a whole map, on 1,000 nodes: scoring alone, and the memory of the command that searches a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.peers.callers import Caller, Commands
from benchmarks.peers.callers import Setting as Options
from benchmarks.peers.cells import found_in
from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import Lane, time_alone
from gnnmax import Maps, build, load_recipe
from gnnmax.models.maps.trained import load_map_model

__all__ = ["ROWS"]

NET = "map-product"
SECONDS, BYTES = 10.0, 4e9


def drawn(setting: Setting) -> Maps:
    """Draw a line map whose order is lost."""
    return build(load_recipe("line-64-shuffled").replace(splits={"test": 1}, **{"map.n": setting.size(1_000, 32)})).test


def bound(setting: Setting) -> Target:
    """Return the bound of the ratio; a quick run has none."""
    return Target("cost", None if setting.quick else 1.0)


def scoring(name: str, setting: Setting) -> Row:
    """Time the scores of all pairs of nodes."""
    net, maps = load_map_model(NET, device="cpu"), drawn(setting)
    ours = time_alone(Lane("ours", lambda: net.score(maps)), "map", setting)
    return Row(name, ours, Figure("allowed", SECONDS, "map"), bound(setting))


def _commands(programs: Path, maps: Path, out: Path, setting: Options) -> Commands:
    """Search the edges of the map, from the file to the table."""
    del setting
    words = ["--by", NET, "--mode", "graph", "--models", "none", "--device", "cpu", "--force"]
    return [[str(programs / "gnnmax"), "detect", str(maps / "map.npz"), *words, "--out", str(out / "calls.csv")]]


def memory(name: str, setting: Setting) -> Row:
    """Measure the peak memory of the command, in a fresh process on one thread."""
    folder = setting.folder / "whole"
    folder.mkdir()
    np.savez(folder / "map.npz", drawn(setting).values[0])
    found = found_in(folder, Caller("gnnmax detect", _commands, lambda *_: [], {}, ()), {}, folder / "out")
    if found.failure:
        raise RuntimeError(f"gnnmax detect fails: {found.failure}")
    return Row(name, Figure("ours", found.bytes, "map", "B"), Figure("allowed", BYTES, "map", "B"), bound(setting))


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    f"large: {NET}, n = 1,000, time": scoring,
    f"large: {NET}, n = 1,000, memory": memory,
}
