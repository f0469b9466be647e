"""Hosts from the user's own file, or from an object in code: networkx, scipy sparse, numpy, PyG Data."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Meta, UnsetType

from gnnmax.data.hosts.edge_tables import EdgeColumns, entries_of_frame
from gnnmax.data.hosts.graph_parts import Part, induced_part
from gnnmax.data.hosts.host import Host, HostFamily, check_edges, edges_of_keys, pair_keys
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.graph_files import READERS, SUFFIXES, TEXT, Entries, LabelledMatrix, format_of, read_content
from gnnmax.io.graph_files.graph_edges import WEIGHT, entries_of_graph
from gnnmax.io.graph_files.gzipped import GZ, unpacked
from gnnmax.io.graph_files.text_tables import read_edge_columns
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind
from gnnmax.task.arrays import as_array

__all__ = [
    "LARGEST_FILE",
    "File",
    "edge_attributes",
    "entries_of_data",
    "host_of",
    "keep",
    "name_file",
    "names_of",
    "object_names",
]

LARGEST_FILE = 2**29
"""Bytes."""
MOST_NODES = 10_000_000


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


def host_of(graph: Any, *, directed: bool = False, weight: str = "weight", columns: EdgeColumns | None = None) -> Host:
    """Make a host from a graph object.

    Args:
        graph: A networkx graph (with the edge attribute ``weight``, or none anywhere: then 1), a scipy sparse or numpy
            matrix, a data frame, or a PyG ``Data`` (``edge_index`` with ``edge_weight`` or one column of ``edge_attr``,
            or neither: then 1).
        directed: Whether entry (u, v) is the edge from u to v alone.
        weight: Edge attribute of a networkx graph that holds the weights.
        columns: Columns of a data frame that hold both ends of an edge and its weight; None takes it for an adjacency
            matrix, whose index and columns are the names of the nodes.

    Raises:
        InputError: not such an object; weights that are not finite real numbers; not square; an edge given twice; not
            symmetric though undirected.

    Example:
        >>> import networkx as nx
        >>> host = host_of(nx.path_graph(3))
        >>> host.nodes, host.edges.tolist(), host.weights.tolist()
        (3, [[0, 1], [1, 2]], [1.0, 1.0])
    """
    return _host(_entries(graph, weight=None if weight == WEIGHT else weight, columns=columns), directed=directed)


def _entries(
    graph: Any, *, weight: str | None = None, weighted: bool = True, columns: EdgeColumns | None = None
) -> Entries:
    """List the entries of a graph object."""
    if isinstance(graph, Entries):
        return graph
    if isinstance(graph, LabelledMatrix):
        return _of_labelled(graph)
    if hasattr(graph, "edge_index"):
        return entries_of_data(graph)
    if hasattr(graph, "is_multigraph"):
        return entries_of_graph(graph, weight, weighted=weighted)
    return entries_of_frame(graph, columns) if is_frame(graph) else _of_matrix(graph)


def is_frame(graph: Any) -> bool:
    """Return whether an object is a data frame, by its attributes."""
    return all(hasattr(graph, name) for name in ("to_numpy", "iloc", "index", "columns"))


def object_names(graph: Any, *, columns: EdgeColumns | None = None) -> tuple[str, ...]:
    """Return the names of the nodes of a graph object by their numbers; empty if it has none."""
    if hasattr(graph, "is_multigraph"):
        return tuple(str(node) for node in graph)
    return entries_of_frame(graph, columns).names if is_frame(graph) else ()


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
        return _host(_entries(_parsed(content, file), weight=weight, weighted=file.weighted), directed=file.directed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _of_labelled(matrix: LabelledMatrix) -> Entries:
    if matrix.rows != matrix.columns:
        raise InputError("the rows of an adjacency matrix must have the names of its columns, in the same order")
    return _of_matrix(matrix.matrix)._replace(names=matrix.rows or ())


def _of_matrix(matrix: Any) -> Entries:
    from scipy.sparse import coo_array, issparse

    sparse = bool(issparse(matrix))
    if isinstance(matrix, np.ndarray):
        matrix = as_array(matrix, "an adjacency matrix")
    elif not sparse:
        raise InputError(
            "a graph must be a networkx graph, a scipy sparse matrix, a numpy array, a data frame or a PyG Data, not a "
            f"{type(matrix).__name__}"
        )
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"weights must be real numbers, not {matrix.dtype}")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"an adjacency matrix must be square, not of shape {matrix.shape}")
    if not sparse:
        entries = np.asarray(matrix)
        rows, columns = np.nonzero(entries)
        return Entries(len(entries), np.stack([rows, columns], axis=1), entries[rows, columns], mirrored=True)
    stored: Any = coo_array(matrix)
    edges = np.stack([stored.row, stored.col], axis=1).astype(np.int64)
    return Entries(matrix.shape[0], edges, stored.data, mirrored=True)


def entries_of_data(data: Any) -> Entries:
    """List the edges of a torch_geometric ``Data``.

    Args:
        data: ``edge_index`` with ``edge_weight`` or one column of ``edge_attr``, or neither: then 1.

    Raises:
        InputError: edges that are not pairs of integers, or not one weight per edge.
    """

    def plain(tensor: Any) -> npt.NDArray[Any]:
        return np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)

    edges = plain(data.edge_index)
    if edges.ndim != 2 or len(edges) != 2 or edges.dtype.kind not in "iu":
        raise InputError(f"edge_index must be a (2, E) array of integers, not {edges.dtype} of shape {edges.shape}")
    weights = getattr(data, "edge_weight", None)
    weights = getattr(data, "edge_attr", None) if weights is None else weights
    found = np.ones(edges.shape[1]) if weights is None else plain(weights)
    if found.size != edges.shape[1]:
        raise InputError(f"each edge must have one weight: expected {edges.shape[1]} numbers, not shape {found.shape}")
    return Entries(int(data.num_nodes), edges.T.astype(np.int64), found.reshape(-1), mirrored=True)


def _host(entries: Entries, *, directed: bool) -> Host:
    """Check entries and convert them to a host."""
    nodes, edges, weights, mirrored, *_ = entries
    del entries  # a list of edges may fill much of the memory
    if not 1 <= nodes <= MOST_NODES:
        raise InputError(f"a graph must have between 1 and {MOST_NODES} nodes, not {nodes}")
    if len(edges) and not 0 <= edges.min() <= edges.max() < nodes:
        raise InputError(f"an edge leads outside the {nodes} nodes")
    off = edges[:, 0] != edges[:, 1]
    first, second, values = edges[:, 0][off], edges[:, 1][off], _as_float32(weights[off])
    del edges, weights
    keys = first * nodes + second
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        u, v = divmod(int(twice[0]), nodes)
        raise InputError(f"the edge from node {u} to node {v} is given twice: add the two up, or leave one out")
    del ordered
    if not directed:
        keys = pair_keys(first, second, nodes)
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    if not directed:
        keys, values = _merged(keys, values, nodes, mirrored=mirrored)
    host = Host(nodes, edges_of_keys(keys, nodes), values, directed)
    check_edges(host)
    return host


def _as_float32(weights: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if weights.dtype.kind not in "biuf":
        raise InputError(f"weights must be real numbers, not {weights.dtype}")
    with np.errstate(over="ignore"):
        values = weights.astype(np.float32)
    if not np.isfinite(values).all():
        bad = weights[~np.isfinite(values)][0]
        raise InputError(f"weights must be finite in float32, not {bad}: leave out edges that were not observed")
    return values


def _merged(
    keys: npt.NDArray[np.int64], values: npt.NDArray[np.float32], nodes: int, *, mirrored: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Merge entries with their mirrors across the diagonal, which have the same key; the two must agree.

    Args:
        keys: Numbers of pairs, sorted; an entry and its mirror are neighbours.
        values: Weights of the entries.
        nodes: Number of nodes.
        mirrored: Whether every entry must have a mirror.
    """
    again = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    wrong = keys[again][values[again] != values[again - 1]]
    if mirrored:
        alone = np.ones(len(keys), dtype=np.bool_)
        alone[again] = alone[again - 1] = False
        wrong = np.concatenate([wrong, keys[alone]])
    if len(wrong):
        u, v = divmod(int(wrong.min()), nodes)
        raise InputError(
            f"not symmetric: the entries ({u}, {v}) and ({v}, {u}) differ; give directed = true, or make it symmetric"
        )
    return np.delete(keys, again), np.delete(values, again)
