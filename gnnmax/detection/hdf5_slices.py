"""Write rectangles of a data set of an HDF5 file to standard output, in a process of its own.

As in ``contact_map_columns.py``, the process has bounds, is run by path, and imports nothing of this package::

    python hdf5_slices.py FILE PLACE

Output: one line of JSON, with ``shape``, ``type`` and ``chunks`` of the data set PLACE; or with ``known``, the data
sets of two dimensions in the file, if there is no such one. Then, for each line ``TOP BOTTOM FIRST LAST`` of standard
input, the bytes of the entries, row by row. Damage gives the reason as a line on standard error, and exit status 1.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import h5py
import numpy as np

_shared = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("contact_map_columns.py"))))
"""The names of the program that reads contact maps: its bounds, and the way to an object in a file."""

CACHE = 2**24
"""Bytes of chunks that the library keeps."""


def matrices_of(group: h5py.Group, path: str, depth: int, left: list[int]) -> Iterator[str]:
    """Yield the paths of the data sets that have two dimensions, down to a depth; links are not followed."""
    for name in group:
        left[0] -= 1
        if left[0] < 0 or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        inside = group[name]
        if isinstance(inside, h5py.Dataset) and inside.ndim == 2:
            yield f"{path}/{name}"
        elif isinstance(inside, h5py.Group) and depth:
            yield from matrices_of(inside, f"{path}/{name}", depth - 1, left)


def check(data: h5py.Dataset, place: str) -> None:
    """Refuse a data set that lies elsewhere, does not hold real numbers, or states more than is stored."""
    if data.external or data.is_virtual:
        raise _shared.RefusedError(f"the entries of {place} lie in another file: copy them into one file")
    if data.dtype.kind not in "fiub":
        raise _shared.RefusedError(f"{place} has the type {data.dtype}")
    stored, stated = data.id.get_storage_size(), data.size * data.dtype.itemsize
    if stated > max(_shared.SMALLEST, _shared.TIMES_STORED * stored) or (data.size and not stored):
        raise _shared.RefusedError(f"{place} states {data.size} entries in {stored} bytes: most were never written")


def serve(file: h5py.File, place: str, asked: BinaryIO, out: BinaryIO) -> None:
    """Write the header, then rectangles as they are asked for."""
    data = _shared.find(file, place)
    if not isinstance(data, h5py.Dataset) or data.ndim != 2:
        known = list(matrices_of(file, "", _shared.DEEPEST, [_shared.MOST_GROUPS]))
        out.write(json.dumps({"known": known}).encode() + b"\n")
        return
    check(data, place)
    kind = np.dtype(data.dtype.str).newbyteorder("=")
    out.write(json.dumps({"shape": data.shape, "type": kind.str, "chunks": data.chunks}).encode() + b"\n")
    out.flush()
    for line in asked:
        top, bottom, first, last = map(int, line.split())
        entries: Any = (bottom - top) * (last - first) + int(np.prod(data.chunks or (0,)))
        seconds = _shared.SECONDS + entries * kind.itemsize / _shared.BYTES_PER_SECOND
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, seconds)  # it counts from here on
        out.write(np.ascontiguousarray(data[top:bottom, first:last], dtype=kind).tobytes())
        out.flush()


def main(path: str, place: str) -> int:
    """Serve a data set; return the exit status."""
    status: int = _shared.run(path, CACHE, lambda file: serve(file, place, sys.stdin.buffer, sys.stdout.buffer))
    return status


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
