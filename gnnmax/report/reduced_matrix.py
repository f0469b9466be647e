"""A matrix reduced to a picture: the largest measured entry of each block of a bounded number of blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.missing_lines import MissingLines

__all__ = ["PIXELS", "ReducedMatrix", "reduced_matrix"]

PIXELS = 900
"""Largest number of blocks along a side."""


@dataclass(frozen=True, eq=False)
class ReducedMatrix:
    """The largest measured entry of each block of a matrix.

    Attributes:
        values: Largest entry of each block, NaN where none was measured, shape ``(h, w)``.
        block: Rows and columns of a block.
    """

    values: npt.NDArray[np.float64]
    block: tuple[int, int]


def reduced_matrix(source: MatrixSource) -> ReducedMatrix:
    """Reduce a matrix, or its scores after normalisation, to at most :data:`PIXELS` blocks along a side.

    Only the stored entries of a sparse matrix are read. An unstored zero takes part in each block that holds one; after
    a normalisation it counts with the score of a zero in the middle of the block.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> reduced_matrix(as_source(np.array([[0.0, np.nan], [2.0, 4.0]]))).values
        array([[ 0., nan],
               [ 2.,  4.]])
    """
    n, m = source.shape
    block = -(-n // PIXELS), -(-m // PIXELS)
    by_entry = source.sparse and (source.missing is None or isinstance(source.missing, MissingLines))
    largest, measured = (_of_stored if by_entry else _of_blocks)(source, block)
    return ReducedMatrix(np.where(measured, largest, np.nan), block)


def _grid(source: MatrixSource, block: tuple[int, int]) -> tuple[int, int]:
    return -(-source.shape[0] // block[0]), -(-source.shape[1] // block[1])


def _of_blocks(source: MatrixSource, block: tuple[int, int]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return the largest entry of each block, and whether any was measured, read tile by tile."""
    largest = np.full(_grid(source, block), -np.inf)
    measured = np.zeros(largest.shape, dtype=np.bool_)
    whole = source if source.reach else replace(source, breaks=None)
    for tile in whole.every_block((0, 0), upper=source.undirected):
        sides = zip((tile.row, tile.column), tile.values.shape, block, strict=True)
        (rows, down), (columns, across) = (_cuts(first, length, side) for first, length, side in sides)
        known = np.ones(tile.values.shape, dtype=np.bool_) if tile.missing is None else ~tile.missing
        found = np.maximum.reduceat(np.maximum.reduceat(tile.values, down, axis=0), across, axis=1)
        np.maximum(largest[rows, columns], found.astype(np.float64), out=largest[rows, columns])
        measured[rows, columns] |= np.logical_or.reduceat(np.logical_or.reduceat(known, down, axis=0), across, axis=1)
    if source.undirected:
        return np.maximum(largest, largest.T), measured | measured.T
    return largest, measured


def _cuts(first: int, length: int, side: int) -> tuple[slice, npt.NDArray[np.intp]]:
    """Return which blocks some rows or columns fall into, and where each of these begins among them.

    Example:
        >>> _cuts(3, 4, 2)
        (slice(1, 4, None), array([0, 1, 3]))
    """
    blocks = slice(first // side, (first + length - 1) // side + 1)
    return blocks, np.maximum(np.arange(blocks.start, blocks.stop) * side - first, 0)


def _of_stored(source: MatrixSource, block: tuple[int, int]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return the same for a sparse matrix, from its stored entries."""
    grid = _grid(source, block)
    largest, count = np.full(grid, -np.inf).reshape(-1), np.zeros(grid[0] * grid[1], dtype=np.int64)
    for values, rows, columns in source.measured_stored():
        places = rows // block[0] * grid[1] + columns // block[1]
        np.maximum.at(largest, places, values.astype(np.float64))
        count += np.bincount(places, minlength=len(count))
    largest, count = largest.reshape(grid), count.reshape(grid)
    if source.unstored == "missing":
        return largest, count > 0
    middle = [np.minimum(np.arange(g) * b + b // 2, s - 1) for g, b, s in zip(grid, block, source.shape, strict=True)]
    zero = source.transformed(np.zeros(grid, dtype=source.matrix.dtype), middle[0][:, None], middle[1])
    holds_zero = (_measured(source, block) > count) & ~np.isnan(zero)
    return np.where(holds_zero, np.fmax(largest, zero), largest), holds_zero | (count > 0)


def _measured(source: MatrixSource, block: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Count the measured entries of each block, unstored zeros too."""
    (n, m), grid = source.shape, _grid(source, block)
    lines = source.missing if isinstance(source.missing, MissingLines) else MissingLines.none((n, m))
    sides = [np.bincount(np.flatnonzero(~line) // side, minlength=length)
             for line, side, length in zip((lines.rows, lines.columns), block, grid, strict=True)]  # fmt: skip
    counted = np.outer(*sides)
    if not source.diagonal:
        on = np.arange(min(n, m))
        on = on[~lines[on, on]]
        np.subtract.at(counted, (on // block[0], on // block[1]), 1)
    return counted
