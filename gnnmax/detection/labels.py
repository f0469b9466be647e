"""Labels of entries or of nodes: maxima compete within their label only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.array_storage import hands_out_slices
from gnnmax.detection.blocks import Block
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import entries_beside
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.sparse_storage import is_sparse
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array

__all__ = ["Labels", "check_labels", "labels_of"]

LARGEST_SPARSE = 2**30
"""Most entries of a sparse matrix with labels whose unstored entries are zeros: each may be alone with its label."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of the entries of a matrix: one for each entry, or pairs of those of its row and its column.

    Attributes:
        shape: Rows and columns of the matrix.
        undirected: Whether the label of ``(i, j)`` is that of ``(j, i)``.
        entries: The label of each entry, 0 where there is none; or None.
        names: The different labels of rows, and of columns, if there is one for each node; else None.
        codes: For each row and for each column the number of its label, from 1 on; else None.
    """

    shape: tuple[int, int]
    undirected: bool
    entries: MatrixSource | None = None
    names: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None
    codes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None

    def at(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Return a whole number for each entry that is equal where labels are; 0 where there is no label.

        Args:
            rows: Rows, shapes that broadcast with those of the columns.
            columns: Columns.
        """
        if self.entries is not None:
            rows, columns = np.broadcast_arrays(rows, columns)
            found = self.entries.values_at(rows.reshape(-1), columns.reshape(-1))
            return found.reshape(rows.shape)
        assert self.codes is not None
        first, second = self.codes[0][rows], self.codes[1][columns]
        if self.undirected:
            first, second = np.minimum(first, second), np.maximum(first, second)
        return np.asarray(first * (len(self.codes[1]) + 1) + second)

    def of_block(self, block: Block, half: tuple[int, int]) -> npt.NDArray[Any]:
        """Return the labels of a block with its border; those outside the matrix are those of its edge."""
        (up, left), (n, m) = half, self.shape
        height, width = block.values.shape
        down = np.arange(height)[:, None] - up
        columns = block.column - left + np.arange(width) + block.shear * (down - up)
        return self.at(np.clip(block.row + down, 0, n - 1), np.clip(columns, 0, m - 1))

    def shown(self, rows: Places, columns: Places) -> npt.NDArray[Any]:
        """Return the labels of entries as a table shows them: whole numbers, or text ``row label,column label``."""
        if self.names is None or self.codes is None:
            return self.at(rows, columns).astype(np.int64)
        ends = [[str(names[code - 1]) for code in codes[places].tolist()]
                for names, codes, places in zip(self.names, self.codes, (rows, columns), strict=True)]  # fmt: skip
        pairs = [sorted(pair) if self.undirected else pair for pair in zip(*ends, strict=True)]
        return np.array([",".join(pair) for pair in pairs], dtype=object)


def labels_of(source: MatrixSource, options: SearchOptions) -> Labels | None:
    """Return the labels of a search, checked; None if there are none.

    Raises:
        InputError: other shapes, no whole numbers, or labels of an undirected matrix that are not symmetric.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> source = as_source(np.zeros((2, 3)))
        >>> labels_of(source, SearchOptions(labels=np.array([[1, 1, 2], [1, 0, 2]]))).at(np.array([0]), np.array([2]))
        array([2])
    """
    given, shape = options.labels, source.shape
    if given is None:
        return None
    if isinstance(given, tuple) and len(given) == 2:
        return _of_nodes(given, source)
    if not (is_sparse(given) or hands_out_slices(given)):
        given = as_array(given, "labels", names=True)
    if len(given.shape) == 1:
        if shape[0] != shape[1]:
            raise InputError(
                f"one label for each node needs a square matrix, not {shape[0]} x {shape[1]}: give "
                "labels=(rows, columns), or a label for each entry"
            )
        return _of_nodes((given, given), source)
    if tuple(given.shape) != shape:
        raise InputError(
            f"labels have shape {tuple(given.shape)}, not {shape}, that of the matrix, and not ({shape[0]},), one for "
            "each node"
        )
    if given.dtype.kind not in "iub":
        raise InputError(f"labels of entries must be whole numbers, not {given.dtype}")
    return Labels(shape, source.undirected, entries_beside(source, given, "labels"))


def _of_nodes(given: Any, source: MatrixSource) -> Labels:
    names, codes = [], []
    for side, length, name in zip(given, source.shape, ("row", "column"), strict=True):
        labels = as_array(side, "labels", names=True)
        if labels.shape != (length,) or labels.dtype.kind not in "iubU":
            raise InputError(
                f"labels of nodes must be a vector of whole numbers or text, one for each {name}, {length} in all, not "
                f"{labels.dtype} of shape {labels.shape}"
            )
        different, place = np.unique(labels, return_inverse=True)
        names.append(different)
        codes.append(place.reshape(-1) + 1)
    if source.undirected and not (np.array_equal(names[0], names[1]) and np.array_equal(codes[0], codes[1])):
        raise InputError("the matrix is undirected, so its rows and columns need the same labels")
    return Labels(source.shape, source.undirected, None, (names[0], names[1]), (codes[0], codes[1]))


def check_labels(source: MatrixSource, options: SearchOptions) -> None:
    """Refuse labels that do not fit a matrix.

    Raises:
        InputError: as :func:`labels_of`; ``top_per`` asks for labels that are not given.
    """
    if options.top_per == "label" and options.labels is None:
        raise InputError("top_per = 'label' needs labels: give labels too, or another group")
    compared = options.mode == "ordered" and options.unstored == "zero"  # edges are stored entries
    if options.labels is not None and source.sparse and compared:
        entries = source.shape[0] * source.shape[1]
        if entries > LARGEST_SPARSE:
            raise InputError(
                f"with labels every zero of a sparse matrix is compared, of at most {LARGEST_SPARSE:,} entries, not "
                f"{entries:,}: read only stored entries with unstored 'missing'"
            )
    labels_of(source, options)
