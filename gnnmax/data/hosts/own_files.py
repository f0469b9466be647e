"""Hosts from the user's own file."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import UNSET, Meta, UnsetType

from gnnmax.data.hosts.edge_tables import EdgeColumns
from gnnmax.data.hosts.graph_objects import entries_of, host_of, host_of_entries, object_names
from gnnmax.data.hosts.graph_parts import Part, induced_part
from gnnmax.data.hosts.host import Host, HostFamily
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.graph_files import READERS, SUFFIXES, TEXT, Entries, LabelledMatrix, format_of, read_content
from gnnmax.io.graph_files.gzipped import GZ, unpacked
from gnnmax.io.graph_files.text_tables import read_edge_columns
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind

__all__ = ["LARGEST_FILE", "File", "edge_attributes", "keep", "name_file", "names_of"]

LARGEST_FILE = 2**29
"""Bytes."""


class File(HostFamily, frozen=True, tag="file"):
    r"""A user's own graph, read from a file whose content must match the digest in the recipe.

    Formats, by the end of the name: ``.npz`` (what scipy's ``save_npz`` writes, or one dense array), ``.npy``, ``.mtx``
    (Matrix Market), ``.graphml``, and text in ``.csv``, ``.tsv``, ``.txt`` or ``.edgelist``: lines ``u,v,weight``, with
    or without a header, edges as networkx writes them, or a dense matrix; each may be compressed, ``.gz``. Natural
    order is that of the matrix or of the nodes in the GraphML file; in a list of edges, increasing if all names are
    whole numbers, else the order of first occurrence. A dense 0 is no edge, a stored sparse 0 is one; the diagonal is
    left out; weights are rounded to float32. No format can hold code: pickled objects are refused.

    Attributes:
        path: Path of the file, relative to the current folder.
        sha256: Digest of the whole file, in hexadecimal; :func:`name_file` computes it.
        directed: Whether entry (u, v) is the edge from u to v alone. Otherwise a matrix must be symmetric, and a list
            of edges may give an edge once or, with one weight, in both directions.
        weighted: Whether to use the weights of the file; otherwise every draw gives its edges new weights of the
            recipe's laws.
        part: The part of the graph that is the host; left out, the host is the whole graph. The parts of one graph
            share no node, so that it can make train, val and test.
        weight: Edge attribute or column that holds the weights; left out, ``weight``.
        columns: Columns of a CSV file with a header that hold both ends of an edge and its weight; left out, the file
            has these three and no others.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "graph.csv")
        ...     _ = path.write_text("a,b,1.5\nb,c,2\n")
        ...     host = name_file(path).sample(np.random.default_rng(0))
        >>> host.edges.tolist(), host.weights.tolist()
        ([[0, 1], [1, 2]], [1.5, 2.0])
    """

    path: Annotated[str, Meta(min_length=1, max_length=4_000)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    directed: bool = False
    weighted: bool = True
    # Left out of plain data unless given, so that digests of recipes without them stay valid.
    part: Part | UnsetType = UNSET
    weight: Annotated[str, Meta(min_length=1, max_length=1000)] | UnsetType = UNSET
    columns: EdgeColumns | UnsetType = UNSET

    @property
    def own_weights(self) -> bool:
        """Whether the weights are those of the file."""
        return self.weighted

    @property
    def fixed(self) -> bool:
        """Whether every draw is the same host: true unless its weights are drawn."""
        return self.weighted

    def sample(self, rng: np.random.Generator) -> Host:
        """Read the graph; nothing is drawn.

        Raises:
            InputError: the file is missing, does not match the digest, or holds no graph.
        """
        content = _content(as_path(self.path))
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise InputError(
                f"{self.path} does not have the content that the recipe states: sha256 {found[:12]}..., expected "
                f"{self.sha256[:12]}...; get the right file, or write the new digest into the recipe"
            )
        host = _read(content, self)
        host = host if self.weighted else Host(host.nodes, host.edges, None, host.directed)
        return host if self.part is UNSET else induced_part(host, self.part)


def name_file(
    path: str | Path,
    *,
    directed: bool = False,
    weighted: bool = True,
    weight: str | None = None,
    columns: EdgeColumns | None = None,
    part: Part | None = None,
) -> File:
    """Make the family that reads a file with its current content.

    Args:
        path: Path of a graph in one of the formats of :class:`File`.
        directed: Whether entry (u, v) is the edge from u to v alone.
        weighted: Whether to use the weights of the file.
        weight: Edge attribute or column that holds the weights; None takes ``weight``.
        columns: Columns of a CSV file with a header: both ends of an edge, and its weight.
        part: The part of the graph that is the host; None takes the whole.

    Raises:
        InputError: the file cannot be read, is too large, or holds no graph.
    """
    content = _content(as_path(path))
    given = {"part": part, "weight": weight, "columns": columns}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    file = File(str(path), hashlib.sha256(content).hexdigest(), directed, weighted, **chosen)
    _read(content, file)
    return file


def edge_attributes(path: str | Path) -> tuple[str, ...]:
    """Return the names of the edge attributes of a file; empty if its format has no named ones.

    Raises:
        InputError: the file cannot be read.
    """
    file = as_path(path)
    content = _content(file)
    if format_of(file) != ".graphml":
        return ()
    graph = read_content(content, file)
    return tuple(sorted({name for *_, attributes in graph.edges(data=True) for name in attributes}))


@lru_cache(maxsize=16)
def names_of(file: File) -> tuple[str, ...]:
    """Return the names of the nodes of a whole file by their numbers; empty if its format has none.

    Raises:
        InputError: the file is missing, or does not match the digest.
    """
    content = _content(as_path(file.path))
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise InputError(f"{file.path} does not have the content that the recipe states")
    found = _parsed(content, file)
    if isinstance(found, LabelledMatrix):
        return found.rows or ()
    if isinstance(found, Entries):
        return found.names
    return tuple(str(node) for node in found) if hasattr(found, "is_multigraph") else ()


def keep(graph: Any, path: str | Path, *, directed: bool = False, columns: EdgeColumns | None = None) -> File:
    """Write a graph object to a new file, so that a recipe can refer to it.

    Args:
        graph: A graph as for :func:`host_of`.
        path: Path of the new file, which must not exist. It ends in ``.npz``; or in ``.graphml``, which keeps the names
            of the nodes.
        directed: Whether entry (u, v) is the edge from u to v alone.
        columns: As for :func:`host_of`.

    Raises:
        InputError: not a graph, another ending, or the file exists.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     family = keep(np.array([[0, 2], [2, 0]]), Path(folder, "mine.npz"))
        ...     family.sample(np.random.default_rng(0)).weights.tolist()
        [2.0]
    """
    from scipy.sparse import coo_array, save_npz

    path = as_path(path)
    if path.suffix not in (".npz", ".graphml") or path.exists():
        raise InputError(
            f"a graph is written to a new file that ends in .npz, or in .graphml with its names, not to {path}: choose "
            "another name"
        )
    host = host_of(graph, directed=directed, columns=columns)
    assert host.weights is not None
    u, v = host.edges.T
    ends = (u, v) if directed else (np.concatenate([u, v]), np.concatenate([v, u]))
    weights = host.weights if directed else np.tile(host.weights, 2)
    buffer = io.BytesIO()
    if path.suffix == ".npz":
        save_npz(buffer, coo_array((weights, ends), shape=(host.nodes, host.nodes)))
    else:
        _write_graphml(buffer, host, object_names(graph, columns=columns))
    try:
        write_file(path, buffer.getvalue())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    return name_file(path, directed=directed)


def _write_graphml(file: Any, host: Host, names: tuple[str, ...]) -> None:
    import networkx as nx

    assert host.weights is not None
    graph: Any = nx.DiGraph() if host.directed else nx.Graph()
    called = names or tuple(str(node) for node in range(host.nodes))
    graph.add_nodes_from(called)
    for (u, v), weight in zip(host.edges.tolist(), host.weights.tolist(), strict=True):
        graph.add_edge(called[u], called[v], weight=weight)
    nx.write_graphml(graph, file)


def _content(path: Path) -> bytes:
    if format_of(path) not in READERS:
        raise InputError(f"a graph's file ends in {SUFFIXES} or {GZ} after that, not in {path.suffix!r}: {path}")
    return FileKind("the graph", LARGEST_FILE, "give the path of a graph of at most 512 MiB").read(path)


def _parsed(content: bytes, file: File) -> Any:
    """Read the content of a file, with the columns that it names."""
    path = Path(file.path)
    if file.columns is not UNSET:
        return read_edge_columns(unpacked(content) if path.suffix.lower() == GZ else content, file.columns)
    column = format_of(path) in TEXT and file.weight is not UNSET
    return read_content(content, path, weight=str(file.weight) if column else None)


def _read(content: bytes, file: File) -> Host:
    path = Path(file.path)
    weight = None if file.weight is UNSET else file.weight
    try:
        return host_of_entries(
            entries_of(_parsed(content, file), weight=weight, weighted=file.weighted), directed=file.directed
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
