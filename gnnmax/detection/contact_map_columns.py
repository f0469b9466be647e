"""Write the columns of a contact map to standard output, in a process of its own.

The HDF5 library loops, crashes or asks for any amount of memory on damaged files, so the process that reads them has
bounds. It is run by path and imports nothing of this package::

    python contact_map_columns.py FILE GROUP COLUMN,...

Output: one line of JSON, then the bytes of each column. The line holds ``known``, the maps in the file, if there is no
map GROUP; otherwise ``symmetric``, ``names`` of the chromosomes, ``bins``, the columns of bins that are not places, and
``columns``, a list of path, type and length. A file that is not read gives the reason as a line on standard error, and
exit status 1.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

CACHE = 2**22
"""Bytes of chunks that the library keeps."""

MEMORY = 2**28
"""Bytes that the process may allocate beyond what it has after its imports."""

SECONDS, BYTES_PER_SECOND = 1.0, 500_000
"""Processor time for a file of any size, and the bytes of the file that earn one more second."""

SMALLEST, TIMES_STORED = 2**16, 1_100
"""Bytes that a column may always have, and how often its stored size otherwise: deflate compresses 1,032 times."""

BINS = ("pixels/bin1_id", "pixels/bin2_id")
"""Columns of numbers of bins: they are written in 32 bits, as they fill the memory."""

WHOLE = ("bins/chrom", "bins/start", "bins/end", "indexes/chrom_offset", "indexes/bin1_offset", *BINS)
"""Columns of whole numbers; counts and weights may be real."""

STEP = 2**18
"""Entries that are read at a time."""

MOST_NAMES = 10_000_000
"""Bytes of the names of all chromosomes."""

MOST_LISTED = 40
"""Columns of bins that are listed."""

DEEPEST, MOST_GROUPS, MOST_HOPS = 3, 100_000, 8
"""Levels of groups that are searched for maps, groups in all, and soft links that are followed one after the other."""


class RefusedError(Exception):
    """The file is not read; the message is the reason."""


def limit(file: Path) -> None:
    """Bound the memory of this process, and its time: it is ended by SIGPROF. Windows has no such bounds."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, SECONDS + file.stat().st_size / BYTES_PER_SECOND)


def find(file: h5py.File, path: str, hops: int = MOST_HOPS) -> Any:
    """Return the object at an absolute path; links to other files are refused, None if there is nothing."""
    found: Any = file
    place = ""
    for name in filter(None, path.split("/")):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            return None
        if isinstance(link, h5py.SoftLink):
            if not hops:
                raise RefusedError("soft links lead in a circle")
            target = link.path if link.path.startswith("/") else f"{place}/{link.path}"
            found = find(file, target, hops - 1)
        elif isinstance(link, h5py.HardLink):
            found = found[name]
        else:
            raise RefusedError(f"{place}/{name} is a link to another file: copy the map into one file")
        place += f"/{name}"
    return found


def maps_of(file: h5py.File) -> list[str]:
    """List the paths of the maps."""
    return [path for path, group in groups_of(file, "", DEEPEST, [MOST_GROUPS]) if is_map(group)]


def groups_of(file: h5py.File, path: str, depth: int, left: list[int]) -> Iterator[tuple[str, h5py.Group]]:
    """Yield groups and their paths, down to a depth; the parts of a map are not searched."""
    left[0] -= 1
    group = find(file, path)
    if not isinstance(group, h5py.Group) or left[0] < 0:
        return
    yield path or "/", group
    if depth:
        for name in group:
            if name not in ("bins", "chroms", "indexes", "pixels"):
                yield from groups_of(file, f"{path}/{name}", depth - 1, left)


def is_map(group: h5py.Group) -> bool:
    """Return whether a group says that it holds a contact map."""
    return text_of(group, "format") == "HDF5::Cooler"


def text_of(group: h5py.Group, name: str) -> str:
    """Read an attribute that is a text, "" if there is none."""
    if name not in group.attrs or group.attrs.get_id(name).get_storage_size() > 1_000:
        return ""
    value = group.attrs[name]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def column(file: h5py.File, path: str, kinds: str) -> h5py.Dataset:
    """Return a column after a look at its type and size.

    Args:
        file: The file.
        path: Absolute path of the column.
        kinds: Kinds of types that it may have, as numpy writes them.
    """
    found = find(file, path)
    if not isinstance(found, h5py.Dataset) or found.ndim != 1:
        raise RefusedError(f"{path} is not a column")
    if found.external or found.is_virtual:
        raise RefusedError(f"the entries of {path} lie in another file: copy the map into one file")
    if found.dtype.kind not in kinds:
        raise RefusedError(f"{path} has the type {found.dtype}")
    stored = found.id.get_storage_size()
    if len(found) * found.dtype.itemsize > max(SMALLEST, TIMES_STORED * stored) or (len(found) and not stored):
        raise RefusedError(f"{path} states {len(found)} entries in {stored} bytes: most were never written")
    return found


def names_of(file: h5py.File, path: str) -> list[str]:
    """Read the names of the chromosomes."""
    names = column(file, path, "SO")
    if names.dtype.kind == "O" and h5py.check_string_dtype(names.dtype) is None:
        raise RefusedError(f"{path} does not hold texts")
    if len(names) * names.dtype.itemsize > MOST_NAMES:
        raise RefusedError(f"{path} states {len(names)} names, of more than {MOST_NAMES} bytes")
    found = names.asstr()[:].tolist()
    if sum(map(len, found)) > MOST_NAMES:
        raise RefusedError(f"the names in {path} are longer than {MOST_NAMES} characters")
    return [str(name) for name in found]


def others_of(bins: h5py.Group) -> list[str]:
    """List the columns of bins that are not their places: weights, by whatever name."""
    return [str(name)[:40] for name in list(bins)[:MOST_LISTED] if name not in ("chrom", "start", "end")]


def write(file: h5py.File, group: str, wanted: list[str], out: BinaryIO) -> None:
    """Write the header and the columns of a map.

    Args:
        file: The file.
        group: Path of the map.
        wanted: Columns of the map; one that ends in ``?`` is left out if there is none.
        out: Standard output.
    """
    known = maps_of(file)
    if group not in known:
        out.write(json.dumps({"known": known}).encode() + b"\n")
        return
    base, columns = group.rstrip("/"), {}
    for name in wanted:
        if name.endswith("?") and find(file, f"{base}/{name[:-1]}") is None:
            continue
        kinds = "iu" if name in WHOLE else "fiu"
        columns[name.rstrip("?")] = column(file, f"{base}/{name.rstrip('?')}", kinds)
    types = {name: np.dtype(data.dtype.str).newbyteorder("=") for name, data in columns.items()}
    types |= dict.fromkeys((name for name in columns if name in BINS), np.dtype(np.int32))
    header = {
        "symmetric": text_of(find(file, base), "storage-mode") != "square",
        "names": names_of(file, f"{base}/chroms/name"),
        "bins": others_of(find(file, f"{base}/bins")),
        "columns": [[name, types[name].str, len(data)] for name, data in columns.items()],
    }
    out.write(json.dumps(header).encode() + b"\n")
    for name, data in columns.items():
        for start in range(0, len(data), STEP):
            part = data[start : start + STEP]
            if name in BINS and not -1 <= int(part.min()) <= int(part.max()) < 2**31:
                raise RefusedError(f"{name} lies outside the bins")
            out.write(np.ascontiguousarray(part, dtype=types[name]).tobytes())


def run(path: str, cache: int, work: Callable[[h5py.File], None]) -> int:
    """Do work on a file within bounds; return the exit status, 1 with a reason on standard error if it is not read.

    Args:
        path: The file.
        cache: Bytes of chunks that the library keeps.
        work: Reads the open file, and writes to standard output.
    """
    try:
        limit(Path(path))
        with h5py.File(path, "r", rdcc_nbytes=cache) as file:
            work(file)
        sys.stdout.buffer.flush()
    except Exception as error:  # the library raises exceptions of any type on damaged files
        sys.stderr.write((str(error).strip() or type(error).__name__).splitlines()[0][:300] + "\n")
        return 1
    return 0


def main(path: str, group: str, wanted: str) -> int:
    """Write a map; return the exit status."""
    return run(path, CACHE, lambda file: write(file, group, wanted.split(","), sys.stdout.buffer))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
