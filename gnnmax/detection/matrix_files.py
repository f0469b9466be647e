"""Read a matrix from a file: memory-mapped where possible, never unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.detection.matrix import NamedMatrix
from gnnmax.errors import InputError
from gnnmax.io.graph_files import READERS, SUFFIXES, Entries
from gnnmax.io.reading import FileKind

__all__ = ["COOL", "read_cool", "read_matrix"]

LARGEST_FILE = 2**32


def read_matrix(path: str | Path, *, directed: bool = False, balanced: bool = False) -> Any:
    """Read a matrix for :func:`gnnmax.find_maxima` from a file.

    Args:
        path: ``.npy`` is mapped into memory and read as it is needed. ``.npz`` (one dense array, or a file of scipy's
            ``save_npz``), Matrix Market ``.mtx``, a ``.csv`` list of edges ``u,v,weight``, ``.graphml`` and contact
            maps, ``.cool`` or ``FILE.mcool::resolutions/10000``, are read whole.
        directed: Whether a line ``u,v`` of a list of edges is the edge from u to v only.
        balanced: Whether the counts of a contact map are balanced, see :func:`gnnmax.detection.matrix_files.read_cool`.

    Returns:
        An array, a sparse array, a networkx graph, or a matrix with the names of its bins.

    Raises:
        InputError: another ending; missing, damaged, truncated or pickled content; an edge that is listed twice, in
            either direction unless directed.

    Example:
        >>> read_matrix("nowhere.npy")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: cannot read the matrix nowhere.npy: No such file or directory
    """
    given = str(path)
    name, _, group = given.partition("::")
    path = Path(name)
    contacts = path.suffix.lower() in COOL
    if balanced and not contacts:
        raise InputError(f"only contact maps ({', '.join(COOL)}) are balanced, not {path}")
    if (path.suffix.lower() not in READERS and not contacts) or (group and not contacts):
        raise InputError(f"the file of a matrix ends in {SUFFIXES} or .cool, not in {path.suffix!r}: {given}")
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            raise InputError(f"cannot read the matrix {path}: it is not a regular file")
        size = path.stat().st_size
        if path.suffix.lower() == ".npy":
            return _mapped(path)
        if contacts:
            return read_cool(path, group, balanced=balanced)
        if size > LARGEST_FILE:
            raise InputError(f"{path} is larger than {LARGEST_FILE} bytes: save the matrix as .npy, which is mapped")
        kind = FileKind("the matrix", LARGEST_FILE, "save it as .npy, which is mapped")
        found = READERS[path.suffix.lower()](kind.read(path))
    except OSError as error:
        raise InputError(f"cannot read the matrix {path}: {error.strerror}") from None
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None
    except MemoryError:
        raise InputError(f"{path} states a size that does not fit into memory: is it complete?") from None
    return _as_graph(found, path, directed=directed) if isinstance(found, Entries) else found


def _mapped(path: Path) -> Any:
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, TypeError, SyntaxError) as error:
        said = str(error).splitlines()[0] if str(error) else "it ends too early"
        if "Python objects" in said:
            said = "it holds pickled objects, which can run code: save plain numbers"
        raise InputError(f"cannot read the matrix {path}: {said}") from None


def _as_graph(entries: Entries, path: Path, *, directed: bool) -> Any:
    """Return a list of edges as a graph whose nodes have their names."""
    import networkx as nx

    graph = nx.DiGraph() if directed else nx.Graph()
    names: tuple[Any, ...] = entries.names or tuple(range(entries.nodes))
    graph.add_nodes_from(names)
    for (u, v), weight in zip(entries.edges.tolist(), entries.weights.tolist(), strict=True):
        if graph.has_edge(names[u], names[v]):
            raise InputError(
                f"{path}: the edge between {names[u]} and {names[v]} is given in both directions: leave one out, or "
                "read it as directed"
            )
        graph.add_edge(names[u], names[v], weight=weight)
    return graph


COOL = (".cool", ".mcool", ".scool")
"""Endings of files that hold contact maps."""


def read_cool(file: Path, group: str = "", *, balanced: bool = False) -> NamedMatrix:
    """Read a contact map, symmetric and sparse, with bins named ``chrom:start-end``.

    Args:
        file: ``.cool``, or ``.mcool`` and ``.scool``, which hold several maps.
        group: The name of one of several maps, such as ``resolutions/10000``.
        balanced: Whether counts are multiplied by the balancing weights of both bins; bins without a weight are then
            missing.

    Raises:
        InputError: cooler is not installed, not such a file, no such map in it, or no weights.

    References:
        Abdennur, Mirny, "Cooler: scalable storage for Hi-C data and other genomically labeled arrays", Bioinformatics
        2020; it does the reading.
    """
    try:
        import cooler
    except ImportError:
        raise InputError(
            "contact maps are read by cooler: pip install 'gnnmax[cool]', or save the map as .npz or .mtx"
        ) from None
    try:
        maps = cooler.fileops.list_coolers(str(file))
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{file} is not a file of contact maps, or a damaged one: {_line(error)}") from None
    wanted = "/" + group.strip("/")
    if wanted not in maps:
        known = ", ".join(f"{file}::{name.strip('/')}" for name in maps if name != "/") or str(file)
        raise InputError(f"{file} has no contact map {group or 'of its own'}: choose one of {known}")
    try:
        found = cooler.Cooler(f"{file}::{wanted}")
        bins = found.bins()[:]
        if balanced and "weight" not in bins:
            raise InputError(f"{file} has no balancing weights: run 'cooler balance' first, or leave out --balanced")
        matrix = found.matrix(balance=False, sparse=True)[:].tocsr()
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{file} cannot be read as a contact map: {_line(error)}") from None
    missing = None
    if balanced:
        weight = bins["weight"].to_numpy()
        unknown = np.isnan(weight)
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        matrix = matrix.astype(np.float64)
        matrix.data *= np.nan_to_num(weight)[rows] * np.nan_to_num(weight)[matrix.indices]
        missing = unknown[:, None] | unknown if unknown.any() else None
    names = tuple(
        f"{chrom}:{start}-{end}" for chrom, start, end in zip(bins["chrom"], bins["start"], bins["end"], strict=True)
    )
    return NamedMatrix(matrix, (names, names), missing)


def _line(error: Exception) -> Any:
    return (str(error).splitlines() or [type(error).__name__])[0]
