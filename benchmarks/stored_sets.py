"""Reading a stored data set: random batches through the memory map, and the memory that opening it copies."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax import load_recipe, open_dataset
from gnnmax.data.store import write_dataset
from gnnmax.task.windows import Windows

__all__ = ["ROWS"]

BATCH = 256


def stored(setting: Setting, shards: int) -> Path:
    """Write a data set with that many shards into the scratch folder, once."""
    folder = setting.folder / f"stored-{shards}"
    if not folder.exists():
        windows = setting.size(200_000, 500) * shards
        per_graph = setting.size(1_000, 100)
        splits = {"test": windows // per_graph}
        write_dataset(load_recipe("noise-9-mu3").replace(windows_per_graph=per_graph, splits=splits), folder)
    return folder


def plain_maps(file: Path, w: Windows) -> dict[str, npt.NDArray[Any]]:
    """Map the arrays of a shard with numpy alone."""
    raw = file.read_bytes()[:100_000]
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    return {
        name: np.memmap(file, array.dtype, "r", 8 + length + header[name]["data_offsets"][0], array.shape)
        for name, array in w.arrays().items()
    }


def batches(values_only: bool, name: str, setting: Setting) -> Row:
    """Time random batches of 256 windows, all fields or the values alone."""
    folder = stored(setting, 1)
    w = open_dataset(folder).test
    maps = plain_maps(next(folder.glob("*.safetensors")), w)
    rng = np.random.default_rng(0)
    picks = [rng.integers(len(w), size=BATCH) for _ in range(setting.size(200, 2))]
    fields = ["values"] if values_only else list(maps)

    def ours() -> None:
        for index in picks:
            if values_only:
                w.values[index]
            else:
                w[index]

    def plain() -> None:
        for index in picks:
            for field in fields:
                maps[field][index]

    items = BATCH * len(picks)
    lanes = Lane("ours", ours, items), Lane("plain numpy memmap", plain, items)
    return race(name, *lanes, "window", Target("share", 0.5), setting)


def opening(shards: int, name: str, setting: Setting) -> Row:
    """Compare the memory that numpy allocates when a split is opened with the bytes of the split."""
    folder = stored(setting, shards)
    tracemalloc.start()
    try:
        w = open_dataset(folder, check=False).test
        copied = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = sum(array.nbytes for array in w.arrays().values())
    ours, other = Figure("ours", copied / len(w), "window", "B"), Figure("on disk", whole / len(w), "window", "B")
    return Row(name, ours, other, Target("cost", 0.05))


def peak(name: str, setting: Setting) -> Row:
    """Write ten million windows in a separate process and measure its peak memory."""
    hosts = setting.size(10_000, 2)
    call = (
        "from gnnmax import load_recipe; from gnnmax.data.store import write_dataset;"
        "from gnnmax.io.process_memory import peak_memory;"
        f"recipe = load_recipe('noise-3-mu3').replace(windows_per_graph=1000, splits={{'test': {hosts}}});"
        f"write_dataset(recipe, {str(setting.folder / 'many')!r});"
        "print(peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    shutil.rmtree(setting.folder / "many")
    ours = Figure("ours", float(done.stdout), "call", "B")
    return Row(name, ours, Figure("allowed", 2.0**30, "call", "B"), Target("cost", 1.0))


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "read: memory to write 10 M windows": peak,
    "read: random batches": partial(batches, False),
    "read: random batches, values alone": partial(batches, True),
    "read: memory to open one shard": partial(opening, 1),
    "read: memory to open several shards": partial(opening, 2),
}
