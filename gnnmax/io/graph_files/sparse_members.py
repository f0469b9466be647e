"""Sparse matrices from the arrays that scipy stores for each format, checked against one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.graph_files.arrays import Header
from gnnmax.io.graph_files.refusals import check_sides

__all__ = ["Arrays", "read_sparse"]


class Arrays(Protocol):
    """Arrays by name, with headers that are read first."""

    members: dict[str, Any]

    def header(self, name: str) -> Header: ...  # noqa: D102  # see the class

    def array(self, name: str) -> npt.NDArray[Any]: ...  # noqa: D102


def read_sparse(arrays: Arrays, size: int) -> Any:
    """Build a sparse matrix from the members that scipy's ``save_npz`` writes.

    Lengths and types are compared by the headers before an array is read, indices before the matrix is built.

    Args:
        arrays: ``format``, ``shape``, ``data``, and the indices of the format.
        size: Bytes of the file.

    Returns:
        A scipy sparse array in native byte order; half precision, which scipy does not compute with, as float32.

    Raises:
        InputError: an unknown format, or arrays that contradict each other.
    """
    header = arrays.header("format")
    if header.shape != () or header.dtype.kind not in "SU" or header.dtype.itemsize > 64:
        raise InputError("its format is not a word: is it a file of scipy.sparse.save_npz?")
    word = arrays.array("format").item()
    name = word.decode("ascii", "replace") if isinstance(word, bytes) else word
    if name not in _FORMATS:
        raise InputError(f"has the sparse format {name!r}, not one of {', '.join(_FORMATS)}")
    if arrays.header("shape").shape != (2,) or arrays.header("shape").dtype.kind not in "iu":
        raise InputError("its shape is not two whole numbers: a matrix has rows and columns")
    rows, columns = map(int, arrays.array("shape"))
    check_sides(rows, columns, size)
    if arrays.header("data").dtype.kind not in "biufc":
        raise InputError(f"its data must be numbers, not {arrays.header('data').dtype}")
    return _FORMATS[name](arrays, rows, columns)


def _compressed(arrays: Arrays, rows: int, columns: int, *, by_rows: bool, blocks: bool = False) -> Any:
    """Read compressed rows, compressed columns, or compressed rows of blocks."""
    from scipy.sparse import bsr_array, csc_array, csr_array

    shape = arrays.header("data").shape
    side = (1, 1)
    if blocks:
        if len(shape) != 3 or min(shape[1:]) < 1 or rows % shape[1] or columns % shape[2]:
            raise InputError(f"its blocks of shape {shape[1:]} do not tile {rows} x {columns} entries")
        side = (shape[1], shape[2])
    elif len(shape) != 1:
        raise InputError(f"its data must be one row of numbers, not of shape {shape}")
    major, minor = (rows // side[0], columns // side[1]) if by_rows else (columns, rows)
    _check_lengths(arrays, {"indices": shape[0], "indptr": major + 1})
    indptr, indices = arrays.array("indptr"), arrays.array("indices")
    if indptr[0] != 0 or (indptr[1:] < indptr[:-1]).any() or indptr[-1] != len(indices):
        raise InputError(f"its indptr must rise from 0 to {len(indices)}, the number of entries")
    _check_range(indices, minor, "indices")
    build = bsr_array if blocks else csr_array if by_rows else csc_array
    return build((_data(arrays), indices, indptr), shape=(rows, columns))


def _coordinates(arrays: Arrays, rows: int, columns: int) -> Any:
    from scipy.sparse import coo_array

    shape = arrays.header("data").shape
    if len(shape) != 1:
        raise InputError(f"its data must be one row of numbers, not of shape {shape}")
    if "coords" in arrays.members:
        if arrays.header("coords").shape != (2, *shape) or arrays.header("coords").dtype.kind not in "iu":
            raise InputError(f"its coords must be whole numbers of shape {(2, *shape)}")
        row, column = arrays.array("coords")
    else:
        _check_lengths(arrays, {"row": shape[0], "col": shape[0]})
        row, column = arrays.array("row"), arrays.array("col")
    _check_range(row, rows, "rows")
    _check_range(column, columns, "columns")
    return coo_array((_data(arrays), (row, column)), shape=(rows, columns))


def _diagonals(arrays: Arrays, rows: int, columns: int) -> Any:
    from scipy.sparse import dia_array

    shape = arrays.header("data").shape
    if len(shape) != 2:
        raise InputError(f"its diagonals must be rows of numbers, not of shape {shape}")
    _check_lengths(arrays, {"offsets": shape[0]})
    offsets = arrays.array("offsets")
    if len(offsets) and not -rows < int(offsets.min()) <= int(offsets.max()) < columns:
        raise InputError(f"a diagonal lies outside {rows} x {columns} entries")
    if len(np.unique(offsets)) != len(offsets):
        raise InputError("a diagonal is given twice: leave one out")
    return dia_array((_data(arrays), offsets), shape=(rows, columns))


def _check_lengths(arrays: Arrays, expected: dict[str, int]) -> None:
    """Refuse index arrays of another type or length, by their headers."""
    for name, length in expected.items():
        header = arrays.header(name)
        if header.dtype.kind not in "iu" or header.shape != (length,):
            raise InputError(
                f"its {name} must be {length} whole numbers, not {header.dtype} of shape {header.shape}: "
                "is it a file of scipy.sparse.save_npz?"
            )


def _check_range(indices: npt.NDArray[Any], below: int, name: str) -> None:
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < below:
        raise InputError(f"its {name} must lie from 0 to {below - 1}, not from {indices.min()} to {indices.max()}")


def _data(arrays: Arrays) -> npt.NDArray[Any]:
    """Read the entries in a type that scipy computes with."""
    data = arrays.array("data")
    return data.astype(np.float32 if data.dtype == np.float16 else data.dtype.newbyteorder("="), copy=False)


_FORMATS: dict[str, Callable[[Arrays, int, int], Any]] = {
    "csr": lambda arrays, rows, columns: _compressed(arrays, rows, columns, by_rows=True),
    "csc": lambda arrays, rows, columns: _compressed(arrays, rows, columns, by_rows=False),
    "bsr": lambda arrays, rows, columns: _compressed(arrays, rows, columns, by_rows=True, blocks=True),
    "coo": _coordinates,
    "dia": _diagonals,
}
