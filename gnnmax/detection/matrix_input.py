"""Matrices of every supported kind, as a search takes them: arrays, sparse matrices, graphs and data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.data.hosts.graph_objects import entries_of_data
from gnnmax.detection.array_storage import PlainSlices, hands_out_slices
from gnnmax.detection.breaks import as_breaks
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.halves import symmetry_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.search_options import Unstored
from gnnmax.detection.sparse_storage import UpperTriangle, is_sparse
from gnnmax.detection.upper_half import as_upper_half
from gnnmax.errors import InputError
from gnnmax.io.graph_files import Entries
from gnnmax.io.graph_files.graph_edges import entries_of_graph
from gnnmax.io.graph_files.node_attributes import node_columns
from gnnmax.task.arrays import as_array

__all__ = ["NamedMatrix", "as_source", "check_unstored", "entries_beside", "matrix_of", "shape_of"]


class NamedMatrix(NamedTuple):
    """A matrix with names, and what else its source says about it.

    Attributes:
        matrix: The matrix.
        names: Names of rows and of columns; None if they have none.
        missing: True where nothing was measured, or the rows and columns where nothing was; or None.
        directed: Whether the source says that it is a directed graph; None if it does not say.
        breaks: For rows and for columns, the first one of each further part, such as a chromosome; or None.
        ordered: Whether the order of rows and columns may mean something: not that of nodes with names in a list.
        bins: The bins of a genome that its rows and columns are; or None.
        note: What else the source may be read as; "" if nothing.
        attributes: Attributes of the nodes by name, one array each; or None.
    """

    matrix: Any
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None
    missing: npt.NDArray[np.bool_] | MissingLines | None = None
    directed: bool | None = None
    breaks: tuple[Any, Any] | None = None
    ordered: bool = True
    bins: GenomeBins | None = None
    note: str = ""
    attributes: Mapping[str, npt.NDArray[Any]] | None = None


def as_source(
    matrix: Any,
    *,
    unstored: Unstored = "zero",
    missing: Any = None,
    diagonal: bool = True,
    directed: bool | None = None,
    breaks: tuple[Any, Any] | None = None,
    weight: str | None = None,
    node_attributes: Sequence[str] = (),
) -> MatrixSource:
    """Read a matrix of any supported kind.

    Args:
        matrix: An array (memory-mapped too); an object with a shape, a type and slices, such as those of zarr, h5py and
            dask; a scipy sparse array or matrix, a networkx graph, a PyG ``Data``, a :class:`NamedMatrix`, or a pandas
            data frame, whose index and columns are its names.
        unstored: The value of an entry that a sparse matrix does not store; graphs store their edges.
        missing: True where nothing was measured, shape of the matrix; a pair of vectors, True for each row and for
            each column where nothing was; or None.
        diagonal: Whether the diagonal takes part.
        directed: Whether entries ``(i, j)`` and ``(j, i)`` are two different edges; None: what a graph says of itself;
            a matrix is undirected if it is symmetric, exactly or within rounding.
        breaks: For rows and for columns, the first one of each further part; None: those of the source, if it has any.
        weight: Edge attribute of a networkx graph that holds the weights; None takes ``weight``.
        node_attributes: Attributes of its nodes that are kept beside the names.

    Raises:
        InputError: not a matrix of real numbers, a mask of another shape, or a matrix that is not undirected as said.
    """
    names = known = own = bins = attributes = None
    if weight is not None or node_attributes:
        _check_graph(matrix, weight, node_attributes)
    if isinstance(matrix, (str, Path)):
        raise InputError(
            f"the matrix is given as the path {str(matrix)!r:.60}: read it with "
            "gnnmax.detection.matrix_files.read_matrix(path), or run 'gnnmax detect PATH'"
        )
    if hasattr(matrix, "to_numpy") and hasattr(matrix, "index") and hasattr(matrix, "columns"):
        matrix = NamedMatrix(as_array(matrix, "the matrix"), (tuple(matrix.index), tuple(matrix.columns)))
    if isinstance(matrix, NamedMatrix):
        matrix, names, own, known, found, _, bins, _, attributes = matrix
        breaks = found if breaks is None else breaks
    if hasattr(matrix, "edge_index"):
        matrix = _of_data(matrix)
    if hasattr(matrix, "adjacency") and hasattr(matrix, "is_directed"):
        known = bool(matrix.is_directed())
        attributes = node_columns(matrix, node_attributes) if node_attributes else None
        matrix, names = _of_graph(matrix, weight)
    if isinstance(matrix, np.ma.MaskedArray):
        if missing is not None:
            raise InputError("the matrix is a masked array and a second mask was given: give one of the two")
        matrix, missing = np.asarray(matrix.data), np.ma.getmaskarray(matrix)
    if is_sparse(matrix):
        matrix = _tidied(matrix)
    elif hands_out_slices(matrix):
        matrix = PlainSlices(matrix)
    elif not isinstance(matrix, np.ndarray) or matrix.dtype == np.object_:
        matrix = as_array(matrix, "the matrix")
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise InputError(
            f"a matrix has rows and columns, not shape {tuple(matrix.shape)}: give a two-dimensional array"
        )
    if matrix.dtype.kind not in "fiub":
        raise InputError(f"the matrix must hold real numbers, not {matrix.dtype}: convert it first")
    shape = (int(matrix.shape[0]), int(matrix.shape[1]))
    missing = None if missing is None else _as_missing(missing, shape)
    if own is not None:
        missing = own if missing is None else own | missing
    if isinstance(matrix, UpperTriangle) and not directed:
        known, directed = False, None
    symmetry = symmetry_of(matrix, missing, unstored=unstored, directed=directed, known=known)
    matrix, missing = as_upper_half(matrix, symmetry), as_upper_half(missing, symmetry)
    parts = None if breaks is None else as_breaks(breaks, shape)
    if parts is not None and symmetry.undirected and not parts.equal_sides:
        raise InputError("the matrix is undirected, so rows and columns need the same breaks")
    return MatrixSource(
        matrix, unstored, missing, diagonal, names, symmetry, breaks=parts, bins=bins, attributes=attributes
    )


def entries_beside(source: MatrixSource, given: Any, what: str) -> MatrixSource:
    """Read an array that says something about each entry of a matrix; of an undirected one, one half is enough.

    Args:
        source: The matrix.
        given: The array, of its shape.
        what: The name of the array in an error.

    Raises:
        InputError: no real numbers, or not symmetric although the matrix is undirected.
    """
    try:
        found = as_source(given, directed=True)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    if not source.undirected:
        return found
    try:
        return as_source(given, directed=False)
    except InputError:
        raise InputError(
            f"the matrix is undirected, but {what} are not the same for (i, j) and (j, i): make them symmetric, or "
            "read the matrix as directed"
        ) from None


def check_unstored(unstored: Unstored, *sources: MatrixSource) -> None:
    """Refuse an option for unstored entries where every entry is stored.

    Raises:
        InputError: they are said to be missing, and no matrix is sparse.
    """
    if unstored == "missing" and not any(source.sparse for source in sources):
        raise InputError(
            "unstored = 'missing' has no effect on a dense matrix: mark missing entries with NaN or a mask"
        )


def shape_of(matrix: Any) -> tuple[int, ...]:
    """Return the shape of a matrix that was read from a file, before a search reads it."""
    matrix = matrix.matrix if isinstance(matrix, NamedMatrix) else matrix
    return (len(matrix),) * 2 if hasattr(matrix, "adjacency") else tuple(matrix.shape)


def _as_missing(missing: Any, shape: tuple[int, int]) -> npt.NDArray[np.bool_] | MissingLines:
    """Check a mask: an array of the shape of the matrix, or a pair of vectors, for its rows and for its columns."""
    if isinstance(missing, tuple) and len(missing) == 2:
        rows, columns = (as_array(line, "a vector of the mask") for line in missing)
        if (rows.shape, columns.shape) == ((shape[0],), (shape[1],)) and rows.dtype.kind == columns.dtype.kind == "b":
            return MissingLines(rows, columns)
        if rows.ndim == columns.ndim == 1 and shape[0] != 2:
            raise InputError(
                f"a pair of masks must be booleans, {shape[0]} for the rows and {shape[1]} for the columns, not "
                f"{rows.dtype} of {rows.shape} and {columns.dtype} of {columns.shape}"
            )
    mask = as_array(missing, "the mask")
    if mask.shape != shape or mask.dtype.kind != "b":
        raise InputError(f"the mask must be booleans of shape {shape}, not {mask.dtype} of {mask.shape}")
    return mask


def _of_data(data: Any) -> Any:
    """Return the weighted adjacency matrix of a torch_geometric ``Data``."""
    entries = entries_of_data(data)
    if len(entries.edges) and not 0 <= entries.edges.min() <= entries.edges.max() < entries.nodes:
        raise InputError(f"an edge leads outside the {entries.nodes} nodes")
    matrix = matrix_of(entries)
    if matrix.nnz != len(entries.edges):
        raise InputError("an edge is given twice: add the two weights, or leave one edge out")
    return matrix


def matrix_of(entries: Entries) -> Any:
    """Return the entries that a file or an object lists as a sparse matrix; duplicate ones are added."""
    from scipy.sparse import coo_array

    if not entries.nodes:
        raise InputError("the graph has no nodes: there is nothing to find")
    matrix = coo_array((entries.weights, entries.edges.T), shape=(entries.nodes, entries.nodes)).tocsr()
    matrix.sum_duplicates()  # sorts every row
    return matrix


def _tidied(matrix: Any) -> Any:
    """Return compressed sorted rows; duplicate entries are added, as scipy does."""
    if isinstance(matrix, UpperTriangle):
        return matrix
    rows = matrix.tocsr()
    if rows is matrix and rows.has_canonical_format:
        return rows
    rows = rows.copy() if rows is matrix else rows
    rows.sum_duplicates()
    return rows


def _check_graph(matrix: Any, weight: str | None, node_attributes: Sequence[str]) -> None:
    """Refuse names of attributes for an object that has none."""
    if not (hasattr(matrix, "adjacency") and hasattr(matrix, "is_directed")):
        option = f"weight = {weight!r:.60}" if weight is not None else f"node_attributes = {node_attributes!r:.60}"
        raise InputError(f"{option} names an attribute of a networkx graph, which this matrix is not: leave it out")


def _of_graph(graph: Any, weight: str | None) -> tuple[Any, tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Return the weighted adjacency matrix of a networkx graph and the names of its nodes."""
    entries = entries_of_graph(graph, weight)
    return matrix_of(entries), (entries.names, entries.names)
