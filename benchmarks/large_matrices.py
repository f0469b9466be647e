"""Matrices larger than memory: bands along the diagonal, balanced contact maps, and arrays that hand out slices."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.ndimage import maximum_filter

from benchmarks.contact_map_peers import ROWS as BESIDE_CALLERS
from benchmarks.detecting import K, beside_the_rule, matrix_of
from benchmarks.image_peaks import PEERS, against_peer
from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import Lane, race
from benchmarks.whole_maps import ROWS as WHOLE_MAPS
from gnnmax import find_maxima

__all__ = ["ROWS"]

MAP_SECONDS, MAP_BYTES = 60.0, 2e9
ARRAY_BYTES = 160e6

PROGRAM = """
import json, resource, sys
import numpy as np
from gnnmax import find_maxima
from gnnmax.detection import false_discovery
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.io.process_memory import peak_memory
import h5py
path, options = sys.argv[1], json.loads(sys.argv[2])
matrix = h5py.File(path)["matrix"] if path.endswith(".h5") else read_matrix(path, balanced=True)
if "decoys" in options:
    found = len(false_discovery(matrix, rng=np.random.default_rng(0), **options).q)
else:
    found = len(find_maxima(matrix, **options))
own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
print(json.dumps([seconds, peak_memory(), found]))
"""
"""Searches a file in a process of its own, and prints processor time, peak memory, and the number of maxima."""


def band_of(n: int, width: int) -> sp.csr_array:
    """Draw a symmetric matrix whose entries lie within a distance of the diagonal, both halves stored."""
    rng = np.random.default_rng(0)
    offsets = range(-width, width + 1)
    diagonals = {apart: rng.random(n - apart) for apart in range(width + 1)}
    return sp.diags_array([diagonals[abs(at)] for at in offsets], offsets=list(offsets), format="csr")


def band(width: int, name: str, setting: Setting) -> Row:
    """Time the rule on a band against 50 ns a stored entry."""
    matrix = band_of(setting.size(20_000, 100), setting.size(width, 5))
    matrix.sort_indices()
    allowed = 50e-9 * matrix.nnz
    raced = race(
        name,
        Lane("ours", lambda: find_maxima(matrix, K), matrix.nnz),
        Lane("allowed", lambda: None),
        "entry",
        Target("cost"),
        setting,
    )
    bound = Target("cost", None if setting.quick else 1.0)
    return Row(name, raced.ours, Figure("allowed", allowed / matrix.nnz, "entry"), bound)


def against_rectangle(name: str, setting: Setting) -> Row:
    """Race the rule on a band against scipy's filter over a rectangle of as many entries as one half of the band."""
    matrix = band_of(setting.size(20_000, 100), setting.size(200, 5))
    half = np.random.default_rng(0).random((matrix.shape[0], setting.size(201, 6)))

    def peer() -> Any:
        return np.nonzero(maximum_filter(half, K, mode="constant", cval=-np.inf) == half)

    ours, filtered = Lane("ours", lambda: find_maxima(matrix, K), matrix.nnz), Lane("scipy", peer, matrix.nnz)
    return race(name, ours, filtered, "entry", Target("speed"), setting)


def map_file(setting: Setting) -> Path:
    """Write a balanced contact map of a human genome at 10 kb, once: a band of 200 bins, 5 % of the bins bad."""
    path, n, width = setting.folder / "genome.cool", setting.size(309_000, 200), setting.size(201, 5)
    if path.exists():
        return path
    rng, chromosomes = np.random.default_rng(0), setting.size(24, 2)
    cuts = np.linspace(0, n, chromosomes + 1).astype(int)
    lengths = np.diff(cuts)
    starts = np.concatenate([10_000 * np.arange(length) for length in lengths]).astype(np.int32)
    stored = np.minimum(width, n - np.arange(n))
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "HDF5::Cooler", "format-version": 3, "storage-mode": "symmetric-upper"})
        file["chroms/name"] = np.array([f"chr{number}" for number in range(1, chromosomes + 1)], dtype="S8")
        file["chroms/length"] = (10_000 * lengths).astype(np.int32)
        file["bins/chrom"] = np.repeat(np.arange(chromosomes, dtype=np.int32), lengths)
        file["bins/start"], file["bins/end"] = starts, starts + 10_000
        file["bins/weight"] = np.where(rng.random(n) < 0.05, np.nan, rng.uniform(0.5, 1.5, n))
        file["indexes/chrom_offset"] = cuts.astype(np.int64)
        file["indexes/bin1_offset"] = np.append(0, np.cumsum(stored))
        columns = {
            name: file.create_dataset(f"pixels/{name}", (int(stored.sum()),), kind)
            for name, kind in (("bin1_id", "i8"), ("bin2_id", "i8"), ("count", "i4"))
        }
        filled = 0
        for row in range(0, n, 1000):
            rows = np.repeat(np.arange(row, min(row + 1000, n)), stored[row : row + 1000])
            apart = np.concatenate([np.arange(count) for count in stored[row : row + 1000].tolist()])
            here = slice(filled, filled := filled + len(rows))
            columns["bin1_id"][here], columns["bin2_id"][here] = rows, rows + apart
            columns["count"][here] = 1 + rng.poisson(1000 / (1 + apart))
    return path


@functools.cache
def measured(path: Path, options: str) -> tuple[float, float]:
    """Search a file in a fresh process, once for several rows; return its processor time and its peak memory.

    Args:
        path: The file.
        options: Those of the search, as JSON.
    """
    command = [sys.executable, "-c", PROGRAM, str(path), options]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds, peak, _ = json.loads(printed)
    return seconds, peak


SEARCH = {"k": K, "steps": ["distance"]}

ONE_DECOY = {"distance": "8:200", "decoys": "distance", "draws": 1}


def genome(unit: Literal["s", "B"], name: str, setting: Setting) -> Row:
    """Measure the search of a whole genome, balanced and normalised by distance, from the file to the maxima."""
    amount = measured(map_file(setting), json.dumps(SEARCH))[unit == "B"]
    allowed = Figure("allowed", MAP_BYTES if unit == "B" else MAP_SECONDS, "call", unit)
    return Row(name, Figure("ours", amount, "call", unit), allowed, Target("cost", None if setting.quick else 1.0))


def genome_with_decoy(unit: Literal["s", "B"], name: str, setting: Setting) -> Row:
    """Measure the same search with one decoy by distance, beside the search alone."""
    path = map_file(setting)
    ours, alone = (measured(path, json.dumps(SEARCH | more))[unit == "B"] for more in (ONE_DECOY, {}))
    return Row(name, Figure("ours", ours, "call", unit), Figure("no decoy", alone, "call", unit), Target("cost"))


def slices(chunks: tuple[int, int] | None, name: str, setting: Setting) -> Row:
    """Measure the peak memory of a search of a data set of h5py of 549 MiB, whose maxima are few."""
    path, n = setting.folder / f"slices-{chunks is None}.h5", setting.size(12_000, 300)
    if not path.exists():
        rng = np.random.default_rng(0)
        with h5py.File(path, "w") as file:
            stored = file.create_dataset("matrix", (n, n), np.float32, chunks=chunks and (min(n, chunks[0]),) * 2)
            for row in range(0, n, 1000):
                stored[row : row + 1000] = rng.random((min(1000, n - row), n), dtype=np.float32)
    _, peak = measured(path, json.dumps({"k": setting.size(51, 9)}))
    allowed = Figure("allowed", ARRAY_BYTES, "call", "B")
    return Row(name, Figure("ours", peak, "call", "B"), allowed, Target("cost", None if setting.quick else 1.0))


def far_apart(library: str, name: str, setting: Setting) -> Row:
    """Race maxima 50 apart against another library's, both at the same distance."""
    matrix: npt.NDArray[np.float32] = matrix_of(setting.size(1500, 64))
    return against_peer(
        PEERS[library], matrix, 50, lambda: find_maxima(matrix, K, min_distance=50), name=name, setting=setting
    )


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "large: band 20, n = 20,000": partial(band, 20),
    "large: band 200, n = 20,000": partial(band, 200),
    "large: band 200, scipy's filter": against_rectangle,
    "large: genome, time": partial(genome, "s"),
    "large: genome, memory": partial(genome, "B"),
    "large: genome, one decoy, time": partial(genome_with_decoy, "s"),
    "large: genome, one decoy, memory": partial(genome_with_decoy, "B"),
    "large: slices, memory, chunks": partial(slices, (1000, 1000)),
    "large: slices, memory, no chunks": partial(slices, None),
    "large: min_distance 50, n = 1,500": partial(beside_the_rule, {"min_distance": 50}, 3.0, side=1500),
    **{f"large: min_distance 50, {library}": partial(far_apart, library) for library in PEERS},
    **BESIDE_CALLERS,
    **WHOLE_MAPS,
}
