"""Readers of graph files: from bytes to a matrix, a networkx graph or a list of edges. None of them runs code."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError

__all__ = ["READERS", "SUFFIXES", "Entries", "read_csv", "read_graphml", "read_mtx", "read_npy", "read_npz"]


class Entries(NamedTuple):
    """The nodes and edges that a file or object lists.

    Attributes:
        nodes: Number of nodes.
        edges: Row and column of each entry, shape ``(E, 2)``.
        weights: Weights of the entries, shape ``(E,)``.
        mirrored: Whether an undirected edge must occur twice, on both sides of the diagonal, as in a matrix.
        names: Names of the nodes, if the source has any.
    """

    nodes: int
    edges: npt.NDArray[np.int64]
    weights: npt.NDArray[Any]
    mirrored: bool
    names: tuple[str, ...] = ()


LARGEST_ARRAY = 2**30
"""Largest size of an unpacked array, in bytes."""


def read_npy(content: bytes) -> npt.NDArray[Any]:
    """Read one array.

    Raises:
        InputError: not the format, pickled objects, or fewer bytes than the header states.

    Example:
        >>> file = io.BytesIO()
        >>> np.save(file, np.eye(2))
        >>> read_npy(file.getvalue()).shape
        (2, 2)
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = header(file)
        if dtype.hasobject:
            raise InputError("holds pickled objects, which can run code: save plain numbers")
        stated, there = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
        if stated != there:
            raise InputError(f"states {stated} bytes of numbers and has {there}: is it complete?")
        return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if by_columns else "C")
    except InputError:
        raise
    except (ValueError, EOFError, TypeError, SyntaxError, OverflowError) as error:
        raise InputError(f"not a .npy file: {_line(error)}") from None


def read_npz(content: bytes) -> Any:
    """Read a sparse matrix that scipy's ``save_npz`` wrote, or the only dense array of a ``.npz`` file.

    Raises:
        InputError: not the format, damaged, pickled objects, or too large once unpacked.

    Example:
        >>> file = io.BytesIO()
        >>> np.savez(file, np.eye(2))
        >>> read_npz(file.getvalue()).shape
        (2, 2)
    """
    from scipy.sparse import load_npz

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as box:
            names, size = box.namelist(), sum(member.file_size for member in box.infolist())
            if size > LARGEST_ARRAY:
                raise InputError(f"unpacks to {size} bytes, more than {LARGEST_ARRAY}")
            arrays = {name: read_npy(box.read(name)) for name in names}
        if "format.npy" in names:
            matrix = load_npz(io.BytesIO(content))
            _check_indices(matrix)
            return matrix
        if len(arrays) != 1:
            raise InputError(f"holds {len(arrays)} arrays: expected one, or a file of scipy.sparse.save_npz")
        return next(iter(arrays.values()))
    except InputError:
        raise
    except (ValueError, KeyError, EOFError, OSError, TypeError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"not a .npz file of a matrix: {_line(error)}") from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"not a .npz file, or a damaged one: {_line(error)}") from None


def _check_indices(matrix: Any) -> None:
    """Refuse a compressed matrix whose indices are out of range: scipy does not check them."""
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)


def read_mtx(content: bytes) -> Any:
    r"""Read a Matrix Market file, sparse or dense.

    Raises:
        InputError: not the format, fewer entries than stated, or too many for the file's size.

    Example:
        >>> text = b"%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 3.5\n"
        >>> read_mtx(text).toarray().tolist()
        [[0.0, 3.5], [3.5, 0.0]]
    """
    from scipy.io import mminfo, mmread

    try:
        rows, columns, entries, *_ = mminfo(io.BytesIO(content))
        if entries > len(content):
            raise InputError(f"states {entries} entries of {rows} x {columns}, more than it can hold: is it complete?")
        return mmread(io.BytesIO(content))
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError, OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"not a Matrix Market file: {_line(error)}") from None


def read_csv(content: bytes) -> Entries:
    r"""Read a list of weighted edges: lines ``u,v,weight``; the first may be a header with text as its last field.

    Nodes are numbered by increasing name if all names are whole numbers, else by first occurrence.

    Raises:
        InputError: a line is wrong; the message gives its number.

    Example:
        >>> nodes, edges, weights, *_ = read_csv(b"from,to,weight\n7,3,0.5\n3,10,2\n")
        >>> nodes, edges.tolist(), weights.tolist()
        (3, [[1, 0], [0, 2]], [0.5, 2.0])
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not text in UTF-8: {error.reason} at byte {error.start}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    pairs: dict[tuple[str, str], int] = {}
    weights: list[float] = []
    last = 0
    try:
        for row in reader:
            line, last = last + 1, reader.line_num  # a quoted name may span several lines
            if not row or (line == 1 and _is_header(row)):
                continue
            u, v, weight = _edge(row, line)
            if pairs.setdefault((u, v), line) != line:
                raise InputError(f"line {line}: the edge {u},{v} is in line {pairs[u, v]} already")
            weights.append(weight)
    except csv.Error as error:
        raise InputError(f"line {last + 1}: {error}") from None
    if not pairs:
        raise InputError("holds no edge: expected lines u,v,weight")
    names = _names(pairs)
    place = {name: number for number, name in enumerate(names)}
    edges = np.array([(place[u], place[v]) for u, v in pairs], dtype=np.int64)
    return Entries(len(place), edges, np.array(weights), mirrored=False, names=tuple(names))


def _is_header(row: list[str]) -> bool:
    word = row[-1].strip().lower()
    return len(row) == 3 and re.fullmatch(r"[^\W\d]+", word) is not None and word not in ("nan", "inf", "infinity")


def _edge(row: list[str], line: int) -> tuple[str, str, float]:
    if len(row) != 3:
        raise InputError(f"line {line}: expected u,v,weight, not {len(row)} fields")
    u, v, number = (field.strip() for field in row)
    try:
        weight = float(number)
    except ValueError:
        raise InputError(f"line {line}: expected a number as weight, not {number[:40]!r}") from None
    if not u or not v or not math.isfinite(weight):
        raise InputError(f"line {line}: expected two names and a finite weight, not {','.join(row)[:80]!r}")
    return u, v, weight


def _names(pairs: dict[tuple[str, str], int]) -> list[str]:
    """List the nodes in natural order."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    if all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names):
        names.sort(key=lambda name: (int(name), name))
    return names


def read_graphml(content: bytes) -> Any:
    """Read a GraphML file as a networkx graph.

    Raises:
        InputError: not the format, a document type definition, or parallel edges.

    Example:
        >>> xml = b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        >>> graph = read_graphml(xml + b'<node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>')
        >>> list(graph.edges)
        [('a', 'b')]
    """
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    _refuse_document_type(content)
    try:
        graph = nx.read_graphml(io.BytesIO(content))
    except (ParseError, nx.NetworkXError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not a GraphML file: {_line(error)}") from None
    if graph.is_multigraph():
        raise InputError("holds parallel edges: add them up, or leave them out")
    return graph


def _refuse_document_type(content: bytes) -> None:
    """Refuse XML with a document type, in whatever encoding: look with the parser up to the first element."""
    from xml.parsers.expat import ExpatError, ParserCreate

    class Decided(Exception):  # noqa: N818  # not an error
        """Raised at the first element, after which a document type cannot come, or at a document type."""

    found = []

    def refuse(*_: object) -> None:
        found.append("a document type")
        raise Decided

    def stop(*_: object) -> None:
        raise Decided

    parser = ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = refuse, stop
    with contextlib.suppress(Decided, ExpatError, LookupError, ValueError):  # the reader says what else is wrong
        parser.Parse(content, True)
    if found:
        raise InputError("holds a document type of its own, which can unfold without end: leave it out")


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


READERS: dict[str, Callable[[bytes], Any]] = {
    ".npz": read_npz,
    ".npy": read_npy,
    ".mtx": read_mtx,
    ".csv": read_csv,
    ".graphml": read_graphml,
}
SUFFIXES = ", ".join(READERS)
