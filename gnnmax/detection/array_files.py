"""Matrices in files of arrays, HDF5 and zarr: nothing but slices of them is read."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import weakref
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.contact_maps import PATIENCE, reason_of
from gnnmax.errors import InputError

__all__ = ["ARRAYS", "Hdf5Slices", "open_array"]

HDF5, ZARR = (".h5", ".hdf5"), (".zarr",)

ARRAYS = (*HDF5, *ZARR)
"""Endings of files that hold arrays by name."""

DEEPEST = 8
"""Levels of groups of a zarr that are searched for matrices."""

READER = Path(__file__).with_name("hdf5_slices.py")
"""The program that reads slices. Damaged files make the HDF5 library loop or crash; it is a process of its own."""

BYTES_PER_SECOND = 2**20
"""Bytes that earn the process one more second to wait for a disk."""


def open_array(file: Path, place: str) -> Any:
    """Open a matrix in a file of arrays; its slices are read as they are needed.

    Args:
        file: ``.h5`` or ``.hdf5``, or a folder ``.zarr``.
        place: The name of the array in the file; "" for a zarr that is one array.

    Raises:
        InputError: the library is not installed, not such a file, or no such matrix in it.
    """
    hdf5 = file.suffix.lower() in HDF5
    library, extra = ("h5py", "cool") if hdf5 else ("zarr", "zarr")
    if find_spec(library) is None:
        raise InputError(f"files {file.suffix} are read by {library}: pip install 'gnnmax[{extra}]', or save as .npy")
    return Hdf5Slices(file, place) if hdf5 else _open_zarr(file, place)


class Hdf5Slices:
    """A data set of an HDF5 file: slices are asked of a process with bounds of memory and time.

    Args:
        file: The file.
        place: Path of the data set in it.

    Raises:
        InputError: it is no such file, or holds no such data set of two dimensions.
    """

    def __init__(self, file: Path, place: str) -> None:
        self._file, self._said = file, tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process
        command = [sys.executable, "-P", str(READER), str(file), f"/{place.strip('/')}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, bufsize=0
        )
        self.close = weakref.finalize(self, _end, self._process, self._said)
        assert self._process.stdout is not None
        self._out: IO[bytes] = self._process.stdout
        header = self._header(place)
        rows, columns = header["shape"]
        self.shape = (int(rows), int(columns))
        self.dtype = np.dtype(header["type"])
        self.chunks: tuple[int, ...] | None = None if header["chunks"] is None else tuple(header["chunks"])

    def __getitem__(self, key: tuple[slice, slice]) -> npt.NDArray[Any]:
        """Read a rectangle.

        Raises:
            InputError: the file is damaged there.
        """
        (top, bottom, _), (first, last, _) = (part.indices(n) for part, n in zip(key, self.shape, strict=True))
        found = np.empty((bottom - top, last - first), dtype=self.dtype)
        if not found.size:
            return found
        timer = Timer(PATIENCE + found.nbytes / BYTES_PER_SECOND, self._process.kill)
        timer.start()
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{top} {bottom} {first} {last}\n".encode())
            rest = memoryview(found.reshape(-1).view(np.uint8).data)
            while len(rest):
                count = self._out.readinto(rest)  # type: ignore[attr-defined]  # a pipe has it
                if not count:
                    raise self._refusal()
                rest = rest[count:]
        except BrokenPipeError:
            raise self._refusal() from None
        finally:
            timer.cancel()
        return found

    def _header(self, place: str) -> dict[str, Any]:
        timer = Timer(PATIENCE, self._process.kill)
        timer.start()
        try:
            header: dict[str, Any] = json.loads(self._out.readline() or b"null") or {}
        except ValueError:
            header = {}
        finally:
            timer.cancel()
        if "known" in header:
            raise _no_such_matrix(self._file, place, header["known"])
        if not header:
            raise self._refusal()
        return header

    def _refusal(self) -> InputError:
        self._process.kill()
        status = self._process.wait()
        self._said.seek(0)
        reason = reason_of(status, self._said.read(1_000)) or "it ends too early"
        return InputError(f"{self._file} is not a file of HDF5, or a damaged one: {reason}")


def _end(process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, said):
        if stream is not None:
            stream.close()


def _no_such_matrix(file: Path, place: str, known: list[str]) -> InputError:
    if not known:
        return InputError(f"{file} holds no matrix")
    listed = ", ".join(f"{file}::{name.strip('/')}" for name in known[:20])
    return InputError(f"{file} has no matrix {place or 'of its own'}: choose one of {listed}")


class _ZarrSlices:
    """An array of zarr whose damage is a refusal."""

    def __init__(self, file: Path, array: Any) -> None:
        self._file, self._array = file, array
        self.shape, self.dtype, self.chunks = tuple(array.shape), np.dtype(array.dtype), array.chunks

    def __getitem__(self, key: tuple[slice, slice]) -> npt.NDArray[Any]:
        try:
            return np.asarray(self._array[key])
        except Exception as error:  # codecs raise exceptions of any type on damaged chunks
            raise InputError(f"{self._file} is damaged: {_first_line(error)}") from None


def _open_zarr(file: Path, place: str) -> Any:
    import zarr

    try:
        found = zarr.open(str(file), mode="r")
        arrays = {"": found} if hasattr(found, "dtype") else dict(found.members(max_depth=DEEPEST))
        matrices = {name: one for name, one in arrays.items() if len(getattr(one, "shape", ())) == 2}
        if place.strip("/") in matrices:
            return _ZarrSlices(file, matrices[place.strip("/")])
        known = sorted(filter(None, matrices))
    except Exception as error:  # zarr raises exceptions of any type on what is no zarr
        raise InputError(f"{file} is not a matrix of zarr: {_first_line(error)}") from None
    raise _no_such_matrix(file, place, known)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
