"""A matrix as a search reads it: block by block, with missing entries marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.data.hosts.own_files import entries_of_data
from gnnmax.detection.halves import UNCHECKED, Symmetry, symmetry_of
from gnnmax.detection.search_options import Unstored
from gnnmax.detection.upper_half import as_upper_half
from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array, plain_layout

__all__ = ["Block", "FittedNormalisation", "MatrixSource", "NamedMatrix", "Places", "as_source", "lowest"]

Places = npt.NDArray[np.intp]

TILE = (128, 1024)
"""Rows and columns of a block: the block and its copies fit into a processor's cache."""


@dataclass(frozen=True)
class FittedNormalisation:
    """A normalisation that was fitted to a whole matrix and maps its entries one by one.

    Attributes:
        name: Name of the normalisation.
        mapped: Takes values, rows and columns, shapes that broadcast; returns float64, NaN where there is no score.
        by_value: Whether equal values are mapped to equal scores at every position.
        keeps_zero: Whether 0 is mapped to 0 or to no score.
        lost: Number of measured entries without a score.
        reason: Why these have none.
    """

    name: str
    mapped: Callable[[npt.NDArray[Any], Places, Places], npt.NDArray[np.float64]]
    by_value: bool = False
    keeps_zero: bool = True
    lost: int = 0
    reason: str = ""


class NamedMatrix(NamedTuple):
    """A matrix with names, and what else its source says about it.

    Attributes:
        matrix: The matrix.
        names: Names of rows and of columns.
        missing: True where nothing was measured; or None.
        directed: Whether the source says that it is a directed graph; None if it does not say.
    """

    matrix: Any
    names: tuple[tuple[Any, ...], tuple[Any, ...]]
    missing: npt.NDArray[np.bool_] | None = None
    directed: bool | None = None


class Block(NamedTuple):
    """Entries of a matrix and of a border around them.

    In ``values`` a missing entry holds the lowest number of the type. ``missing`` marks these entries, None if there
    are none; ``holes`` says whether some lie inside the matrix. ``row`` and ``column`` are the position of the first
    entry inside the border.
    """

    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_] | None
    holes: bool
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class MatrixSource:
    """A matrix that is read block by block, and its missing entries.

    Attributes:
        matrix: Dense, or sparse with sorted rows; never changed.
        unstored: The value of an entry that a sparse matrix does not store.
        missing: True where nothing was measured, besides NaN; or None.
        diagonal: Whether the diagonal takes part.
        names: Names of rows and of columns.
        symmetry: How its two halves agree, and whether it is read as undirected: then both halves are the same.
        steps: Normalisations, applied in this order to the values that are read; nothing is copied beforehand.
    """

    matrix: Any
    unstored: Unstored
    missing: npt.NDArray[np.bool_] | None
    diagonal: bool
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    symmetry: Symmetry = UNCHECKED
    steps: tuple[FittedNormalisation, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.matrix.shape
        return int(rows), int(columns)

    @property
    def sparse(self) -> bool:
        """Whether only some entries are stored."""
        return _is_sparse(self.matrix)

    @property
    def undirected(self) -> bool:
        """Whether entries ``(i, j)`` and ``(j, i)`` are one pair."""
        return self.symmetry.undirected

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values that blocks hold."""
        return np.dtype(np.float64) if self.steps else _computable(self.matrix.dtype)

    @property
    def given(self) -> np.dtype[Any]:
        """The type of the values that are reported: that of the matrix, float64 after normalisation."""
        return np.dtype(np.float64) if self.steps else self.matrix.dtype.newbyteorder("=")

    @property
    def plain(self) -> MatrixSource:
        """The same matrix before normalisation."""
        return replace(self, steps=()) if self.steps else self

    def values_at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Return the values of some entries as the matrix holds them, before normalisation."""
        values = self.matrix[rows, columns]
        return plain_layout(np.asarray(values.toarray() if _is_sparse(values) else values)).reshape(-1)

    def edges(self) -> MatrixSource:
        """The same matrix with only its edges measured: stored entries, or those of a dense matrix that are not 0."""
        from scipy.sparse import csr_array

        if self.sparse:
            return replace(self, unstored="missing")
        # scipy has no sparse arrays in half precision or foreign byte order
        dtype = np.float32 if self.matrix.dtype == np.float16 else self.matrix.dtype.newbyteorder("=")
        (n, m), values, columns = self.shape, [], []
        counts = np.zeros(n + 1, dtype=np.int64)
        for row in range(0, n, TILE[0]):
            part = np.asarray(self.matrix[row : row + TILE[0], 0:m])
            there = part != 0
            counts[row + 1 : row + 1 + len(part)] = there.sum(axis=1)
            values.append(part[there].astype(dtype))
            columns.append(np.nonzero(there)[1].astype(np.int32 if m <= np.iinfo(np.int32).max else np.int64))
        stored = np.concatenate(values), np.concatenate(columns), np.cumsum(counts)
        return replace(self, matrix=csr_array(stored, shape=self.shape), unstored="missing")

    def transformed(self, values: npt.NDArray[Any], rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Normalise values of some rows and columns, shapes that broadcast; NaN means no score."""
        for step in self.steps:
            values = step.mapped(values, rows, columns)
        return values

    @property
    def lowest(self) -> Any:
        """The number that a missing entry holds: it exceeds nothing."""
        return lowest(self.dtype)

    def block(self, row: int, column: int, rows: int, columns: int, border: tuple[int, int]) -> Block:
        """Copy a block with its border; entries outside the matrix are missing."""
        n, m = self.shape
        (up, left), lowest = border, self.lowest
        values = np.full((rows + 2 * up, columns + 2 * left), lowest, dtype=self.dtype)
        top, bottom = max(0, row - up), min(n, row + rows + up)
        first, last = max(0, column - left), min(m, column + columns + left)
        inner = (slice(top - row + up, bottom - row + up), slice(first - column + left, last - column + left))
        part, hidden = self._part(top, bottom, first, last)
        if hidden is not None:
            part = np.where(hidden, lowest, part)
        values[inner] = part
        outside = part.shape != values.shape
        if hidden is None and not outside:
            return Block(values, None, False, row, column)
        missing = np.ones(values.shape, dtype=np.bool_)
        missing[inner] = False if hidden is None else hidden
        return Block(values, missing, hidden is not None, row, column)

    def _part(self, top: int, bottom: int, first: int, last: int) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        """Read a part of the matrix and the mask of its missing entries, None if there are none."""
        hidden = None
        if self.sparse:
            block = self.matrix[top:bottom, first:last]
            part = block.toarray()
            if self.unstored == "missing":
                hidden = np.ones(part.shape, dtype=np.bool_)
                stored = block.tocoo()
                hidden[stored.row, stored.col] = False
        else:
            part = self.matrix[top:bottom, first:last]
        part = np.asarray(part, dtype=_computable(part.dtype))
        if part.dtype.kind == "f" and np.isnan(np.max(part)):
            unknown = np.isnan(part)
            hidden = unknown if hidden is None else hidden | unknown
        if self.missing is not None:
            masked = self.missing[top:bottom, first:last]
            hidden = masked if hidden is None else hidden | masked
        low, high = max(top, first), min(bottom, last)
        if not self.diagonal and low < high:
            hidden = np.zeros(part.shape, dtype=np.bool_) if hidden is None else hidden.copy()
            on = np.arange(low, high)
            hidden[on - top, on - first] = True
        if self.steps:
            part = self.transformed(part, np.arange(top, bottom)[:, None], np.arange(first, last))
            lost = np.isnan(part)
            if lost.any():
                hidden = lost if hidden is None else hidden | lost
        return part, hidden

    def tiles(self, border: tuple[int, int], *, upper: bool) -> Iterator[Block]:
        """Yield blocks that cover the matrix, each entry once; in a sparse matrix, only blocks near stored entries.

        Args:
            border: Entries around each block.
            upper: Whether blocks wholly below the diagonal may be left out.
        """
        (n, m), (height, width) = self.shape, TILE
        for row, column in self._starts(border):
            rows, columns = min(height, n - row), min(width, m - column)
            if not upper or column + columns > row:
                yield self.block(row, column, rows, columns, border)

    def _starts(self, border: tuple[int, int]) -> Iterator[tuple[int, int]]:
        (n, m), (height, width) = self.shape, TILE
        if not self.sparse or (self.unstored == "zero" and not self._dull_zeros(border)):
            yield from ((row, column) for row in range(0, n, height) for column in range(0, m, width))
            return
        stored = self.matrix.tocoo()
        rows, columns = stored.row, stored.col
        if self.steps:  # a zero in such a corner may be the one entry of its window that has a score
            rows, columns = np.append(rows, [0, n - 1]), np.append(columns, [m - 1, 0])
        near = [
            np.stack([np.clip(rows + a, 0, n - 1) // height, np.clip(columns + b, 0, m - 1) // width])
            for a in (*range(-border[0], border[0], height), border[0])
            for b in (*range(-border[1], border[1], width), border[1])
        ]
        for tile in np.unique(np.concatenate(near, axis=1), axis=1).T.tolist() if len(rows) else []:
            yield tile[0] * height, tile[1] * width

    def _dull_zeros(self, border: tuple[int, int]) -> bool:
        """Find out whether a window without stored entries has no maximum, but for the corners of the matrix.

        A zero alone among missing entries is a maximum: beside a mask, and in a window of one row or column beside the
        diagonal or an entry without a score. A normalisation by position may give zeros different scores.
        """
        if self.missing is not None or (min(border) == 0 and (self.steps or not self.diagonal)):
            return False
        moved = False
        for step in self.steps:
            if moved and not step.by_value:
                return False
            moved |= not step.keeps_zero
        return True

    def measured(self) -> Iterator[tuple[npt.NDArray[Any], Places, Places]]:
        """Yield values, rows and columns of the entries that have a score, by row and column, some rows at a time.

        Zeros that a sparse matrix does not store are left out where :attr:`skips_zeros`.
        """
        if self.sparse and (self.unstored == "missing" or self.skips_zeros):
            yield self._stored()
            return
        n, m = self.shape
        for row in range(0, n, TILE[0]):
            block = self.block(row, 0, min(TILE[0], n - row), m, (0, 0))
            known = np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing
            rows, columns = np.nonzero(known)
            yield block.values[known], rows + row, columns

    @property
    def skips_zeros(self) -> bool:
        """Whether unstored zeros are known without reading them: there is no normalisation and no mask."""
        return self.sparse and self.unstored == "zero" and self.missing is None and not self.steps

    def _stored(self) -> tuple[npt.NDArray[Any], Places, Places]:
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.matrix.indptr))
        columns = self.matrix.indices.astype(np.intp)
        values = self.matrix.data.astype(_computable(self.matrix.dtype), copy=False)
        kept = np.ones(len(values), dtype=np.bool_)
        if not self.diagonal:
            kept &= rows != columns
        if self.missing is not None:
            kept &= ~self.missing[rows, columns]
        if values.dtype.kind == "f":
            kept &= ~np.isnan(values)
        rows, columns = rows[kept], columns[kept]
        values = self.transformed(values[kept], rows, columns)
        scored = ~np.isnan(values) if self.steps else np.ones(len(values), dtype=np.bool_)
        return values[scored], rows[scored], columns[scored]


def lowest(dtype: np.dtype[Any]) -> Any:
    """Return the lowest number of a type: it exceeds nothing."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _computable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type to compute in: native, wider for half precision and for types whose lowest number is common."""
    dtype = dtype.newbyteorder("=")
    if dtype == np.float16:
        return np.dtype(np.float32)
    widened = {1: np.int16, 2: np.int32, 4: np.int64}
    if dtype.kind in "bu" and dtype.itemsize in widened:
        return np.dtype(widened[dtype.itemsize])
    return dtype.newbyteorder("=")


def as_source(
    matrix: Any,
    *,
    unstored: Unstored = "zero",
    missing: Any = None,
    diagonal: bool = True,
    directed: bool | None = None,
) -> MatrixSource:
    """Read a matrix of any supported kind.

    Args:
        matrix: An array (memory-mapped too), a scipy sparse array or matrix, a networkx graph, a PyG ``Data``, a
            :class:`NamedMatrix`, or a pandas data frame, whose index and columns are its names.
        unstored: The value of an entry that a sparse matrix does not store; graphs store their edges.
        missing: True where nothing was measured, shape of the matrix; or None.
        diagonal: Whether the diagonal takes part.
        directed: Whether entries ``(i, j)`` and ``(j, i)`` are two different edges; None: what a graph says of itself;
            a matrix is undirected if it is symmetric, exactly or within rounding.

    Raises:
        InputError: not a matrix of real numbers, a mask of another shape, or a matrix that is not undirected as said.
    """
    names = known = None
    if isinstance(matrix, (str, Path)):
        raise InputError(
            f"the matrix is given as the path {str(matrix)!r:.60}: read it with "
            "gnnmax.detection.matrix_files.read_matrix(path), or run 'gnnmax detect PATH'"
        )
    if hasattr(matrix, "to_numpy") and hasattr(matrix, "index") and hasattr(matrix, "columns"):
        matrix = NamedMatrix(as_array(matrix, "the matrix"), (tuple(matrix.index), tuple(matrix.columns)))
    if isinstance(matrix, NamedMatrix):
        matrix, names, hidden, known = matrix
        missing = _both_missing(hidden, missing)
    if hasattr(matrix, "edge_index"):
        matrix = _of_data(matrix)
    if hasattr(matrix, "adjacency") and hasattr(matrix, "is_directed"):
        known = bool(matrix.is_directed())
        matrix, names = _of_graph(matrix)
    if isinstance(matrix, np.ma.MaskedArray):
        if missing is not None:
            raise InputError("the matrix is a masked array and a second mask was given: give one of the two")
        matrix, missing = np.asarray(matrix.data), np.ma.getmaskarray(matrix)
    if _is_sparse(matrix):
        matrix = _tidied(matrix)
    elif not isinstance(matrix, np.ndarray) or matrix.dtype == np.object_:
        matrix = as_array(matrix, "the matrix")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(
            f"a matrix has rows and columns, not shape {tuple(matrix.shape)}: give a two-dimensional array"
        )
    if matrix.dtype.kind not in "fiub":
        raise InputError(f"the matrix must hold real numbers, not {matrix.dtype}: convert it first")
    if missing is not None:
        missing = as_array(missing, "the mask")
        if missing.shape != matrix.shape or missing.dtype.kind != "b":
            raise InputError(
                f"the mask must be booleans of shape {tuple(matrix.shape)}, not {missing.dtype} of {missing.shape}"
            )
    symmetry = symmetry_of(matrix, missing, unstored=unstored, directed=directed, known=known)
    matrix, missing = as_upper_half(matrix, symmetry), as_upper_half(missing, symmetry)
    return MatrixSource(matrix, unstored, missing, diagonal, names, symmetry)


def _both_missing(own: Any, given: Any) -> Any:
    """Join two masks; each may be None."""
    if own is None or given is None:
        return given if own is None else own
    given = np.asarray(given)
    return own | given if given.shape == own.shape and given.dtype.kind == "b" else given


def _of_data(data: Any) -> Any:
    """Return the weighted adjacency matrix of a torch_geometric ``Data``."""
    from scipy.sparse import coo_array

    entries = entries_of_data(data)
    shape = (entries.nodes, entries.nodes)
    if len(entries.edges) and not 0 <= entries.edges.min() <= entries.edges.max() < entries.nodes:
        raise InputError(f"an edge leads outside the {entries.nodes} nodes")
    matrix = coo_array((entries.weights, entries.edges.T), shape=shape).tocsr()
    matrix.sum_duplicates()
    if matrix.nnz != len(entries.edges):
        raise InputError("an edge is given twice: add the two weights, or leave one edge out")
    return matrix


def _is_sparse(matrix: Any) -> bool:
    return hasattr(matrix, "tocsr") and hasattr(matrix, "nnz")


def _tidied(matrix: Any) -> Any:
    """Return compressed sorted rows; duplicate entries are added, as scipy does."""
    rows = matrix.tocsr()
    if rows is matrix and rows.has_canonical_format:
        return rows
    rows = rows.copy() if rows is matrix else rows
    rows.sum_duplicates()
    return rows


def _of_graph(graph: Any) -> tuple[Any, tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Return the weighted adjacency matrix of a networkx graph and the names of its nodes."""
    import networkx as nx

    if graph.is_multigraph():
        raise InputError("the graph has parallel edges: add their weights, or leave them out")
    nodes = tuple(graph)
    if not nodes:
        raise InputError("the graph has no nodes: there is nothing to find")
    return nx.to_scipy_sparse_array(graph, nodelist=nodes, weight="weight", format="csr"), (nodes, nodes)
