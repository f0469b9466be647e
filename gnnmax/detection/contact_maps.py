"""Contact maps in cooler's format: read in a process with bounds, then checked column against column."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.balancing import Balancing
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix_input import NamedMatrix
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.sparse_storage import UpperTriangle
from gnnmax.errors import InputError

__all__ = ["COOL", "PATIENCE", "read_cool", "reason_of"]

COOL = (".cool", ".mcool", ".scool")
"""Endings of files that hold contact maps."""

READER = Path(__file__).with_name("contact_map_columns.py")
"""The program that reads the columns. Damaged files make the HDF5 library loop or crash; it is a process of its own."""

PATIENCE = 60.0
"""Seconds that the process may wait, for a disk for example, beyond its bounded processor time."""

PART = 2**20
"""Pixels that are checked together."""

_BIN = ("chrom", "start", "end")
COLUMNS = ("bins/chrom", "bins/start", "bins/end", "indexes/chrom_offset", "indexes/bin1_offset", "pixels/bin1_id",
           "pixels/bin2_id", "pixels/count")  # fmt: skip

Columns = dict[str, npt.NDArray[Any]]


def read_cool(
    file: Path, group: str = "", *, balanced: bool | str = False, divisive: bool | None = None
) -> NamedMatrix:
    """Read a contact map, symmetric and sparse, with bins named ``chrom:start-end``.

    Links that lead to other files, external storage and virtual data sets are refused. Lengths, types and sizes are
    compared with one another and with the bytes that are stored before memory is allocated.

    Args:
        file: ``.cool``, or ``.mcool`` and ``.scool``, which hold several maps.
        group: The name of one of several maps, such as ``resolutions/10000``.
        balanced: Whether counts are multiplied by the balancing weights of both bins, ``bins/weight``; or the name of
            other weights. Bins without a weight are then missing.
        divisive: Whether counts are divided by the weights instead; None: by KR, VC and VC_SQRT, as cooler does.

    Raises:
        InputError: h5py is not installed, not such a file, no such map in it, columns that contradict each other, or no
            weights.

    References:
        Abdennur, Mirny, "Cooler: scalable storage for Hi-C data and other genomically labeled arrays", Bioinformatics
        2020: the format.
    """
    if find_spec("h5py") is None:
        raise InputError("contact maps are read by h5py: pip install 'gnnmax[cool]', or save the map as .npz or .mtx")
    balancing = Balancing.of(balanced=balanced, divisive=divisive)
    found = _read(file, "/" + group.strip("/"), group, weight="" if balancing is None else balancing.column)
    bins, columns = len(found.columns["bins/start"]), found.columns
    try:
        _check(found)
    except InputError as error:
        raise InputError(f"{file} is not a contact map, or a damaged one: {error}") from None
    del columns["pixels/bin1_id"]  # the index says as much
    if balancing is not None and balancing.column not in columns:
        raise InputError(f"{file} {balancing.missing(found.others)}")
    names = tuple(
        f"{found.names[chrom]}:{start}-{end}"
        for chrom, start, end in zip(*(columns[f"bins/{name}"].tolist() for name in _BIN), strict=True)
    )
    stored, missing = _counts(columns, bins), None
    if balancing is not None:
        try:
            stored, missing = _balanced_by(stored, balancing, columns[balancing.column], names)
        except InputError as error:
            raise InputError(f"{file} has balancing weights {error}") from None
    matrix = UpperTriangle(stored) if found.symmetric else stored
    places = GenomeBins(tuple(found.names), *(columns[f"bins/{name}"] for name in _BIN))
    borders = places.borders()
    return NamedMatrix(
        matrix, (names, names), missing, False if found.symmetric else None, (borders, borders), bins=places
    )


class _Map(NamedTuple):
    """The columns of a map, names of chromosomes, whether only one half is stored, and names of further columns."""

    columns: Columns
    names: list[str]
    symmetric: bool
    others: list[str]


def _read(file: Path, path: str, group: str, *, weight: str) -> _Map:
    """Read the columns of a map, and perhaps weights of its bins, from the process that opens the file."""
    wanted = [*COLUMNS, *([f"{weight}?"] if weight else [])]
    with started([str(file), path, ",".join(wanted)]) as (out, ended):
        try:
            header = json.loads(out.readline())
            columns = {name: _column(out, np.dtype(kind), length) for name, kind, length in header.get("columns", ())}
        except (ValueError, EOFError):  # it ended before it had written everything
            header = None
        if reason := ended():
            raise InputError(f"{file} is not a file of contact maps, or a damaged one: {reason}")
    if header is None:
        raise InputError(f"{file} is not a file of contact maps, or a damaged one: it ends too early")
    if "known" in header:
        known = ", ".join(f"{file}::{name.strip('/')}" if name != "/" else str(file) for name in header["known"])
        if not known:
            raise InputError(f"{file} is not a file of contact maps: it holds none")
        raise InputError(f"{file} has no contact map {group or 'of its own'}: choose one of {known}")
    return _Map(columns, header["names"], header["symmetric"], header["bins"])


@contextmanager
def started(arguments: list[str]) -> Iterator[tuple[IO[bytes], Any]]:
    """Run the program that reads columns.

    Yields:
        Its output, and a function that waits for its end and returns why it failed, "" if it did not.
    """
    command = [sys.executable, "-P", str(READER), *arguments]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        assert process.stdout is not None
        timer = Timer(PATIENCE + Path(arguments[0]).stat().st_size / 2**20, process.kill)
        timer.start()

        def ended() -> str:
            status = process.wait()
            said.seek(0)
            return reason_of(status, said.read(1_000))

        try:
            yield process.stdout, ended
        finally:
            timer.cancel()
            process.kill()


def reason_of(status: int, said: bytes) -> str:
    """Explain an exit status of the program that reads columns, "" for 0."""
    if status == 0:
        return ""
    if status < 0:
        return "the HDF5 library crashes on it, or does not come to an end"
    return (said.decode(errors="replace").splitlines() or ["it cannot be read"])[-1]


def _column(out: IO[bytes], dtype: np.dtype[Any], length: int) -> npt.NDArray[Any]:
    """Read a column; raises EOFError if it ends too early."""
    found: npt.NDArray[Any] = np.empty(length, dtype=dtype)
    rest = memoryview(found.view(np.uint8).data)
    while len(rest):
        count = out.readinto(rest)  # type: ignore[attr-defined]  # a pipe has it
        if not count:
            raise EOFError
        rest = rest[count:]
    return found


def _check(found: _Map) -> None:
    """Refuse columns that contradict each other."""
    columns, chroms = found.columns, len(found.names)
    bins, pixels = len(columns["bins/start"]), len(columns["pixels/count"])
    lengths = (bins, bins, bins, chroms + 1, bins + 1, pixels, pixels, pixels)
    weights = [name for name in columns if name not in COLUMNS]
    for name, length in (*zip(COLUMNS, lengths, strict=True), *((name, bins) for name in weights)):
        if len(columns.get(name, range(length))) != length:
            raise InputError(f"{name} has {len(columns[name])} entries, not {length}")
    _check_index(columns, "bins/chrom", "indexes/chrom_offset")
    _check_index(columns, "pixels/bin1_id", "indexes/bin1_offset")
    start, end = columns["bins/start"], columns["bins/end"]
    if bins and (int(start.min()) < 0 or (start >= end).any()):
        raise InputError("a bin does not end after its start")
    column = columns["pixels/bin2_id"]
    if pixels and not 0 <= int(column.min()) <= int(column.max()) < bins:
        raise InputError(f"pixels/bin2_id lies outside the {bins} bins")
    for row, some in _by_rows(columns["indexes/bin1_offset"]):
        if found.symmetric and (row > column[some]).any():
            raise InputError("a pixel lies below the diagonal, in a map that stores the upper half")
        keys = row * bins + column[some]
        if not (keys[1:] > keys[:-1]).all() and len(np.unique(keys)) < len(keys):
            raise InputError("two bins have two counts")
    for name in ("pixels/count", *weights):
        if np.isinf(columns[name]).any():
            raise InputError(f"{name} is not finite")


def _check_index(columns: Columns, sorted_by: str, offsets: str) -> None:
    """Refuse an index that does not give the place at which each number of a sorted column begins."""
    numbers, index = columns[sorted_by], columns[offsets]
    rising = len(index) and index[0] == 0 and index[-1] == len(numbers) and (index[1:] >= index[:-1]).all()
    if not rising or not all(np.array_equal(numbers[some], row) for row, some in _by_rows(index)):
        raise InputError(f"{offsets} does not describe {sorted_by}")


def _by_rows(index: npt.NDArray[Any]) -> Iterator[tuple[npt.NDArray[np.int64], slice]]:
    """Yield the rows of pixels, and which pixels these are, some whole rows at a time."""
    index, start, last = index.astype(np.int64), 0, len(index) - 1
    while start < last:
        stop = max(start + 1, int(np.searchsorted(index, index[start] + PART, side="right")) - 1)
        yield np.repeat(np.arange(start, stop), np.diff(index[start : stop + 1])), slice(index[start], index[stop])
        start = stop


def _counts(columns: Columns, bins: int) -> Any:
    """Return the counts that are stored as sorted rows; they are not copied if the file is in order."""
    from scipy.sparse import csr_array

    column, count, index = (columns[name] for name in ("pixels/bin2_id", "pixels/count", "indexes/bin1_offset"))
    if count.dtype == np.float16:  # scipy has no sparse arrays of this type
        count = count.astype(np.float32)
    size = np.int32 if max(bins, len(count)) <= np.iinfo(np.int32).max else np.int64
    matrix = csr_array((count, column.astype(size, copy=False), index.astype(size)), shape=(bins, bins))
    matrix.sort_indices()
    return matrix


def _balanced_by(
    counts: Any, balancing: Balancing, weights: npt.NDArray[np.float64], names: tuple[str, ...]
) -> tuple[Any, MissingLines | None]:
    """Return balanced counts, and the bins without a weight, None if there are none."""
    factors = balancing.factors(weights)
    unknown = np.isnan(factors)
    if unknown.all():
        raise InputError(
            "that are all NaN, so no entry is measured: balance it again with weaker filters, or leave out --balanced"
        )
    if len(below := np.flatnonzero(factors < 0)):
        at = int(below[0])
        raise InputError(
            f"below 0, {weights[at]:g} of the bin {names[at]}: balance it again, or take other weights (--weight-name)"
        )
    stored = _balanced(counts, factors)
    if not np.isfinite(stored.data).all():
        raise InputError("whose products exceed float64: balance it again")
    return stored, MissingLines(unknown, unknown) if unknown.any() else None


def _balanced(matrix: Any, weight: npt.NDArray[np.float64]) -> Any:
    """Multiply counts by the factors of both bins; those of bins without one become 0."""
    from scipy.sparse import csr_array

    known = np.nan_to_num(weight)
    data = np.empty(len(matrix.data))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for row, some in _by_rows(matrix.indptr):
            data[some] = matrix.data[some] * (known[row] * known[matrix.indices[some]])
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
