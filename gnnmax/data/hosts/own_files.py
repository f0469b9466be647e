"""Hosts from the user's own file, or from an object in code: networkx, scipy sparse, numpy, PyG Data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from gnnmax.data.hosts.host import Host, HostFamily, check_edges, directed_edges, sorted_edges
from gnnmax.errors import InputError
from gnnmax.io.graph_files import READERS, SUFFIXES, Entries
from gnnmax.io.reading import FileKind

__all__ = ["LARGEST_FILE", "File", "entries_of_data", "host_of", "keep", "name_file"]

LARGEST_FILE = 2**28
"""Bytes."""
MOST_NODES = 10_000_000


class File(HostFamily, frozen=True, tag="file"):
    r"""A user's own graph, read from a file whose content must match the digest in the recipe.

    Formats, by the end of the name: ``.npz`` (what scipy's ``save_npz`` writes, or one dense array), ``.npy``, ``.mtx``
    (Matrix Market), ``.csv`` (lines ``u,v,weight``, with or without a header), ``.graphml``. Natural order is that of
    the matrix or of the nodes in the GraphML file; in a list of edges, increasing if all names are whole numbers, else
    the order of first occurrence. A dense 0 is no edge, a stored sparse 0 is one; the diagonal is left out; weights are
    rounded to float32. No format can hold code: pickled objects are refused.

    Attributes:
        path: Path of the file, relative to the current folder.
        sha256: Digest of the whole file, in hexadecimal; :func:`name_file` computes it.
        directed: Whether entry (u, v) is the edge from u to v alone. Otherwise a matrix must be symmetric, and a list
            of edges may give an edge once or, with one weight, in both directions.
        weighted: Whether to use the weights of the file; otherwise every draw gives its edges new weights of the
            recipe's laws.

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
        content = _content(Path(self.path))
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise InputError(
                f"{self.path} does not have the content that the recipe states: sha256 {found[:12]}..., expected "
                f"{self.sha256[:12]}...; get the right file, or write the new digest into the recipe"
            )
        host = _read(content, Path(self.path), directed=self.directed)
        return host if self.weighted else Host(host.nodes, host.edges, None, host.directed)


def name_file(path: str | Path, *, directed: bool = False, weighted: bool = True) -> File:
    """Make the family that reads a file with its current content.

    Args:
        path: Path of a graph in one of the formats of :class:`File`.
        directed: Whether entry (u, v) is the edge from u to v alone.
        weighted: Whether to use the weights of the file.

    Raises:
        InputError: the file cannot be read, is too large, or holds no graph.
    """
    content = _content(Path(path))
    _read(content, Path(path), directed=directed)
    return File(str(path), hashlib.sha256(content).hexdigest(), directed, weighted)


def keep(graph: Any, path: str | Path, *, directed: bool = False) -> File:
    """Write a graph object to a new ``.npz`` file, so that a recipe can refer to it.

    Args:
        graph: A graph as for :func:`host_of`.
        path: Path of the new file, which must end in ``.npz`` and not exist.
        directed: Whether entry (u, v) is the edge from u to v alone.

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

    path = Path(path)
    if path.suffix != ".npz" or path.exists():
        raise InputError(f"a graph is written to a new file that ends in .npz, not to {path}: choose another name")
    host = host_of(graph, directed=directed)
    assert host.weights is not None
    u, v = host.edges.T
    ends = (u, v) if directed else (np.concatenate([u, v]), np.concatenate([v, u]))
    weights = host.weights if directed else np.tile(host.weights, 2)
    try:
        save_npz(path, coo_array((weights, ends), shape=(host.nodes, host.nodes)))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    return name_file(path, directed=directed)


def host_of(graph: Any, *, directed: bool = False) -> Host:
    """Make a host from a graph object.

    Args:
        graph: A networkx graph (edge attribute ``weight``, or none anywhere: then 1), a scipy sparse or numpy matrix,
            or a PyG ``Data`` (``edge_index`` with ``edge_weight`` or one column of ``edge_attr``, or neither: then 1).
        directed: Whether entry (u, v) is the edge from u to v alone.

    Raises:
        InputError: not such an object; weights that are not finite real numbers; not square; an edge given twice; not
            symmetric though undirected.

    Example:
        >>> import networkx as nx
        >>> host = host_of(nx.path_graph(3))
        >>> host.nodes, host.edges.tolist(), host.weights.tolist()
        (3, [[0, 1], [1, 2]], [1.0, 1.0])
    """
    if hasattr(graph, "edge_index"):
        return _host(entries_of_data(graph), directed=directed)
    if hasattr(graph, "is_multigraph"):
        return _host(_of_networkx(graph), directed=directed)
    return _host(_of_matrix(graph), directed=directed)


def _content(path: Path) -> bytes:
    if path.suffix.lower() not in READERS:
        raise InputError(f"a graph's file ends in {SUFFIXES}, not in {path.suffix!r}: {path}")
    return FileKind("the graph", LARGEST_FILE, "give a graph of at most that size").read(path)


def _read(content: bytes, path: Path, *, directed: bool) -> Host:
    try:
        found = READERS[path.suffix.lower()](content)
        return _host(found, directed=directed) if isinstance(found, Entries) else host_of(found, directed=directed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except MemoryError:
        raise InputError(f"{path}: states a size that does not fit into memory: is it complete?") from None


def _of_matrix(matrix: Any) -> Entries:
    from scipy.sparse import coo_array, issparse

    sparse = bool(issparse(matrix))
    if not sparse and not isinstance(matrix, np.ndarray):
        raise InputError(
            "a graph must be a networkx graph, a scipy sparse matrix, a numpy array or a PyG Data, not a "
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


def _of_networkx(graph: Any) -> Entries:
    place = {node: position for position, node in enumerate(graph)}
    listed = list(graph.edges(data="weight"))
    edges = np.array([(place[u], place[v]) for u, v, _ in listed], dtype=np.int64).reshape(-1, 2)
    given = [weight for *_, weight in listed if weight is not None]
    if given and len(given) < len(listed):
        raise InputError(f"all edges must have a weight, or none, not {len(given)} of {len(listed)}")
    weights = np.array(given) if given else np.ones(len(listed))
    if not graph.is_directed():  # networkx lists an undirected edge once
        edges, weights = np.concatenate([edges, edges[:, ::-1]]), np.tile(weights, 2)
        loops = np.arange(len(edges)) >= len(listed)
        kept = ~(loops & (edges[:, 0] == edges[:, 1]))
        edges, weights = edges[kept], weights[kept]
    return Entries(len(place), edges, weights, mirrored=True)


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
    nodes, edges, weights, mirrored, _ = entries
    if not 1 <= nodes <= MOST_NODES:
        raise InputError(f"a graph must have between 1 and {MOST_NODES} nodes, not {nodes}")
    if len(edges) and not 0 <= edges.min() <= edges.max() < nodes:
        raise InputError(f"an edge leads outside the {nodes} nodes")
    off = edges[:, 0] != edges[:, 1]
    edges, values = edges[off], _as_float32(weights[off])
    numbers = edges[:, 0] * nodes + edges[:, 1]
    order = np.argsort(numbers, kind="stable")
    twice = np.flatnonzero(np.diff(numbers[order]) == 0)
    if len(twice):
        u, v = edges[order[twice[0]]].tolist()
        raise InputError(f"the edge from node {u} to node {v} is given twice: add the two up, or leave one out")
    if directed:
        host = Host(nodes, directed_edges(edges[:, 0], edges[:, 1], nodes), values[order], directed=True)
    else:
        host = _undirected(nodes, edges[order], values[order], mirrored=mirrored)
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


def _undirected(nodes: int, edges: npt.NDArray[np.int64], values: npt.NDArray[np.float32], *, mirrored: bool) -> Host:
    """Merge sorted, distinct entries with their mirrors across the diagonal; the two must agree."""
    numbers = edges[:, 0] * nodes + edges[:, 1]
    turned = edges[:, 1] * nodes + edges[:, 0]
    found = np.minimum(np.searchsorted(numbers, turned), max(len(numbers) - 1, 0))
    partner = numbers[found] == turned
    wrong = np.flatnonzero(
        partner & (values != values[found]) if not mirrored else ~partner | (values != values[found])
    )
    if len(wrong):
        u, v = edges[wrong[0]].tolist()
        raise InputError(
            f"not symmetric: the entries ({u}, {v}) and ({v}, {u}) differ; give directed = true, or make it symmetric"
        )
    once = (edges[:, 0] < edges[:, 1]) | ~partner
    low, high = edges[once].min(axis=1), edges[once].max(axis=1)
    order = np.argsort(low * nodes + high, kind="stable")
    return Host(nodes, sorted_edges(low, high, nodes), values[once][order])
