"""Read a matrix from a file: memory-mapped where possible, never unpickled."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.detection.array_files import ARRAYS, open_array
from gnnmax.detection.contact_maps import COOL, read_cool
from gnnmax.detection.matrix_input import NamedMatrix, matrix_of
from gnnmax.detection.sparse_storage import is_sparse
from gnnmax.errors import InputError
from gnnmax.io.graph_files import READERS, SUFFIXES, TEXT, Entries, LabelledMatrix, format_of, read_content
from gnnmax.io.graph_files.arrays import LARGEST_HEADER, read_header
from gnnmax.io.graph_files.entries import first_repeated
from gnnmax.io.graph_files.graph_edges import entries_of_graph
from gnnmax.io.graph_files.node_attributes import node_columns
from gnnmax.io.graph_files.text_layout import Form
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind, open_regular

__all__ = ["form_of", "has_order", "read_matrix"]

LARGEST_FILE = 2**32

STDIN = "-"
"""The name of standard input, whose first bytes select the reader."""


def read_matrix(
    path: str | Path,
    *,
    directed: bool = False,
    balanced: bool | str = False,
    divisive: bool | None = None,
    weight: str | None = None,
    form: Form | None = None,
    node_attributes: Sequence[str] = (),
) -> Any:
    """Read a matrix for :func:`gnnmax.find_maxima` from a file.

    Args:
        path: ``.npy`` is mapped into memory and read as it is needed. ``.npz`` (one dense array, or a file of scipy's
            ``save_npz``), Matrix Market ``.mtx``, text (``.csv``, ``.tsv``, ``.txt``, ``.edgelist``: a list of edges or
            a dense matrix) and ``.graphml`` are read whole, also with ``.gz`` after the ending, or from standard input,
            ``-``; so are contact maps, ``.cool`` or ``FILE.mcool::resolutions/10000``. Arrays in ``FILE.h5::path`` and
            ``FILE.zarr``, or ``FILE.zarr::path``, are read in slices.
        directed: Whether a line ``u,v`` of a list of edges is the edge from u to v only.
        weight: Edge attribute of a graph, or column of a list of edges, that holds the weights; None takes ``weight``,
            or 1 if no attribute holds numbers.
        balanced: Whether the counts of a contact map are balanced, or by which weights, such as ``"KR"``; see
            :func:`gnnmax.detection.contact_maps.read_cool`.
        divisive: Whether counts are divided by these weights; None: by KR, VC and VC_SQRT.

        node_attributes: Attributes of the nodes of a ``.graphml`` file that are kept beside their names.
        form: Whether text lists ``edges`` or is a ``dense`` matrix; None: what its first rows show.

    Returns:
        An array, a sparse array, or a matrix with the names of its nodes or bins.

    Raises:
        InputError: another ending; missing, damaged, truncated or pickled content; sizes that the file cannot hold; an
            edge that is listed twice, in either direction unless directed.

    Example:
        >>> read_matrix("nowhere.npy")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: cannot read the matrix nowhere.npy: No such file or directory; give ...
    """
    given = str(path)
    name, _, group = given.partition("::")
    path = as_path(name)
    contacts = path.suffix.lower() in COOL
    if (balanced or divisive is not None) and not contacts:
        raise InputError(f"only contact maps ({', '.join(COOL)}) are balanced, not {path}")
    arrays = path.suffix.lower() in ARRAYS
    if given != STDIN and (format_of(path) not in READERS or group) and not contacts and not arrays:
        known = f"{SUFFIXES}, .cool, .h5 or .zarr, or in .gz after one of the first"
        raise InputError(f"the file of a matrix ends in {known}, not in {path.suffix!r}: {given}")
    if form is not None and given != STDIN and format_of(path) not in TEXT:
        raise InputError(f"only text ({', '.join(TEXT)}) may hold edges or a dense matrix: {path} says itself")
    if weight is not None and form == "dense":
        raise InputError(f"a dense matrix has no column of weights: leave out the name of the weights, {weight!r:.60}")
    if weight is not None and given != STDIN and format_of(path) not in (*TEXT, ".graphml"):
        raise InputError(f"{path} has one number for each entry: leave out the name of the weights, {weight!r:.60}")
    if node_attributes and given != STDIN and format_of(path) != ".graphml":
        raise InputError(f"{path} has no attributes of nodes, as a .graphml file has: leave out their names")
    try:
        if arrays:
            path.stat() if path.is_dir() else open_regular(path).close()
            return open_array(path, group)
        if contacts or path.suffix.lower() == ".npy":  # these are opened by h5py and numpy
            open_regular(path).close()
        if path.suffix.lower() == ".npy":
            return _mapped(path)
        if contacts:
            return read_cool(path, group, balanced=balanced, divisive=divisive)
        if given == STDIN:
            found = _matrix_of(_standard_input(), None, weight=weight, form=form, directed=directed)
        else:
            kind = FileKind("the matrix", LARGEST_FILE, "give the path of a file of at most 4 GiB, or of a .npy file")
            found = _matrix_of(kind.read(path), path, weight=weight, form=form, directed=directed)
        return _of_graph(found, weight, node_attributes) if hasattr(found, "adjacency") else found
    except OSError as error:
        raise InputError(
            f"cannot read the matrix {path}: {error.strerror}; give the path of a file that can be read"
        ) from None
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InputError(f"more than {LARGEST_FILE} bytes: save it as .npy, which is mapped")
    return content


def _matrix_of(content: bytes, path: Path | None, *, weight: str | None, form: Form | None, directed: bool) -> Any:
    """Read a content, and return it as a search takes it."""
    found = read_content(content, path, weight=weight, form=form)
    if isinstance(found, Entries):
        return _as_matrix(found, directed=directed)
    if isinstance(found, LabelledMatrix):
        names = None if found.rows is None or found.columns is None else (found.rows, found.columns)
        return found.matrix if names is None else NamedMatrix(found.matrix, names)
    return found


def _mapped(path: Path) -> Any:
    """Map the entries of a ``.npy`` file into memory."""
    with open_regular(path) as file:
        head = file.read(LARGEST_HEADER)
    try:
        header = read_header(head)
        header.check_size(path.stat().st_size - header.start)
    except InputError as error:
        raise InputError(f"cannot read the matrix {path}: {error}") from None
    if not header.size:  # there is nothing to map
        return np.empty(header.shape, dtype=header.dtype)
    order: Any = "F" if header.by_columns else "C"
    return np.memmap(path, header.dtype, "r", header.start, header.shape, order)


def _as_matrix(entries: Entries, *, directed: bool) -> NamedMatrix:
    """Return a list of edges as a sparse matrix with the names of the nodes, symmetric unless directed."""
    from scipy.sparse import coo_array

    (u, v), nodes, weights, names = entries.edges.T, entries.nodes, entries.weights, entries.names
    if not directed:
        twice = first_repeated(np.minimum(u, v) * nodes + np.maximum(u, v))
        if twice is not None:
            first, second = (names[place] for place in entries.edges[twice[0]].tolist())
            raise InputError(
                f"the edge between {first} and {second} is given in both directions: leave one out, or read it as "
                "directed"
            )
    index = np.int32 if nodes <= np.iinfo(np.int32).max else np.int64
    rows, columns = u.astype(index), v.astype(index)
    if not directed:
        off = np.flatnonzero(rows != columns)
        rows, columns = np.concatenate([rows, columns[off]]), np.concatenate([columns, rows[off]])
        weights = np.concatenate([weights, weights[off]])
    matrix = coo_array((weights, (rows, columns)), shape=(nodes, nodes)).tocsr()
    matrix.sum_duplicates()  # there are none; this sorts every row
    numbers = _numbers(names)
    breaks = None if numbers is None else _gaps(numbers)
    return NamedMatrix(
        matrix,
        (names, names),
        directed=directed,
        breaks=(breaks, breaks) if breaks else None,
        ordered=numbers is not None,
        note=entries.note,
    )


def _of_graph(graph: Any, weight: str | None, node_attributes: Sequence[str]) -> NamedMatrix:
    """Return a networkx graph as a sparse matrix with the names of the nodes."""
    entries = entries_of_graph(graph, weight)
    names = (entries.names, entries.names)
    attributes = node_columns(graph, node_attributes) if node_attributes else None
    directed = bool(graph.is_directed())
    return NamedMatrix(matrix_of(entries), names, directed=directed, ordered=False, attributes=attributes)


def form_of(path: str | Path, matrix: Any) -> Form | None:
    """Return whether a text was read as a list of edges or as a dense matrix; None if the file is no text.

    Args:
        path: The file.
        matrix: The matrix that :func:`read_matrix` returned.
    """
    if format_of(Path(path)) not in TEXT and str(path) != STDIN:
        return None
    return "edges" if isinstance(matrix, NamedMatrix) and is_sparse(matrix.matrix) else "dense"


def has_order(matrix: Any) -> bool:
    """Return whether the order of rows and columns of a matrix from a file may mean something.

    Nodes with names in a list of edges, or of a graph, come in an order of no meaning.
    """
    return not isinstance(matrix, NamedMatrix) or matrix.ordered


def _numbers(names: Sequence[str]) -> list[int] | None:
    """Return the numbers that names are, None if they are not all whole numbers in their shortest form."""
    try:
        numbers = [int(name) for name in names]
    except ValueError:
        return None
    return numbers if all(str(number) == name for number, name in zip(numbers, names, strict=True)) else None


def _gaps(numbers: list[int]) -> list[int]:
    """Return the places before which rising numbers have a gap: a larger step than the most frequent one.

    Example:
        >>> _gaps([0, 10, 20, 50, 60])
        [3]
    """
    steps = [after - before for before, after in pairwise(numbers)]
    usual = max(Counter(steps).items(), key=lambda item: (item[1], -item[0]), default=(0, 0))[0]
    return [place for place, step in enumerate(steps, 1) if step > usual]
