"""Windows around some entries of a matrix, exact in floating point."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.pair_cells import repeated_cells
from gnnmax.detection.search_options import Sides
from gnnmax.task.arrays import as_floats

__all__ = ["windows_at", "with_nan"]

Places = npt.NDArray[np.intp]


def windows_at(source: MatrixSource, rows: Places, columns: Places, *, k: Sides) -> npt.NDArray[Any]:
    """Cut the windows around some entries, shape ``(M, k, k)`` or of two sides, NaN where an entry is missing.

    In an undirected matrix the second cell of a pair counts as missing, so that a window is centred, as
    :func:`gnnmax.is_centred` says, exactly if its centre is a maximum.
    """
    sides = k if isinstance(k, tuple) else (k, k)
    values, missing = np.empty((len(rows), *sides), dtype=source.dtype), np.zeros((len(rows), *sides), dtype=np.bool_)
    for index, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        block = source.block(row, column, 1, 1, (sides[0] // 2, sides[1] // 2))
        values[index] = block.values
        if block.missing is not None:
            missing[index] = block.missing
    if source.undirected:
        near = np.flatnonzero(np.abs(rows - columns) < sum(sides) // 2 - 1)
        missing[near] |= repeated_cells(rows[near], columns[near], sides)
    return with_nan(values, missing)


def with_nan(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None) -> npt.NDArray[Any]:
    """Return exact values in floating point, NaN where they are missing."""
    if missing is None:
        return as_floats(values)
    found = as_floats(np.where(missing, values.dtype.type(0), values))
    found[missing] = np.nan
    return found
