"""Export windows as bipartite networkx graphs, image arrays and Parquet tables."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.paths import as_path
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = ["parquet_bytes", "parquet_columns", "to_images", "to_networkx", "to_parquet"]


def to_networkx(windows: Windows) -> list[nx.Graph[int]]:
    """Convert each window to a weighted bipartite graph.

    Nodes are those of the host, first the rows (``bipartite=0``), then the columns (``bipartite=1``), each with its
    ``position`` in the window. Every observed entry is an edge with its ``weight``, the float32 value as a float; NaN
    is no edge. Graph attributes are the ``label`` and the ``centre``, a row and a column. Contexts are omitted.

    Raises:
        InputError: a node of some window is both a row and a column, so the graph would not be bipartite.

    Example:
        >>> (graph,) = to_networkx(Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, np.nan]]]))
        >>> graph.number_of_edges(), graph.graph["centre"], graph.edges[1, 4]["weight"]
        (8, (1, 4), 9.0)
    """
    nodes = np.sort(np.concatenate([windows.rows, windows.columns], axis=1), axis=1)
    shared = int((nodes[:, 1:] == nodes[:, :-1]).any(axis=1).sum())
    if shared:
        raise InputError(
            f"{shared} of {len(windows)} windows hold a node twice, in rows or columns, and a bipartite graph needs it "
            "once; take windows with disjoint rows and columns"
        )
    return [_bipartite(windows, index) for index in range(len(windows))]


def _bipartite(windows: Windows, index: int) -> nx.Graph[int]:
    values, half = windows.values[index], windows.k // 2
    rows, columns = windows.rows[index].tolist(), windows.columns[index].tolist()
    graph: nx.Graph[int] = nx.Graph(label=bool(windows.label[index]), centre=(rows[half], columns[half]))
    for side, members in enumerate((rows, columns)):
        graph.add_nodes_from((node, {"bipartite": side, "position": at}) for at, node in enumerate(members))
    places = np.argwhere(~np.isnan(values)).tolist()
    graph.add_weighted_edges_from((rows[r], columns[c], float(values[r, c])) for r, c in places)
    return graph


def to_images(windows: Windows, *, contexts: bool = False) -> npt.NDArray[np.float32]:
    """Convert windows to images, channels first.

    Args:
        windows: Any windows.
        contexts: Whether ``row_context`` and ``column_context`` follow the values as channels.

    Returns:
        Shape ``(N, 1, k, k)``, a view, or with contexts ``(N, 3, k, k)``; float32.

    Raises:
        InputError: ``contexts`` is True and the windows have none.

    Example:
        >>> to_images(Windows.from_values(np.zeros((2, 3, 3)))).shape
        (2, 1, 3, 3)
    """
    if not contexts:
        return windows.values[:, None]
    if windows.row_context is None or windows.column_context is None:
        raise InputError("these windows have no contexts: pass contexts=False, or set contexts = true in the recipe")
    return np.stack([windows.values, windows.row_context, windows.column_context], axis=1)


def to_parquet(windows: Windows, path: str | Path) -> Path:
    """Write windows to a Parquet table, one row per window, atomically.

    Each field of :class:`~gnnmax.task.windows.Windows` is a column of the same name and type; matrices are lists of
    ``k * k`` numbers in row-major order. Two columns are added for convenience: ``label``, and ``kind`` by name. The
    metadata of the schema hold ``k``, ``label_rule`` and ``noise``, in JSON, under ``gnnmax``.

    Returns:
        The path.

    Raises:
        InputError: pyarrow is not installed.

    Example:
        >>> to_parquet(windows, "windows.parquet")  # doctest: +SKIP
        PosixPath('windows.parquet')
    """
    about = {"k": windows.k, "label_rule": windows.label_rule, "noise": asdict(windows.noise)}
    file = as_path(path)
    write_file(file, parquet_bytes(parquet_columns(windows), about))
    return file


def parquet_columns(part: Windows | Maps) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a Parquet table of windows or maps: their fields, and of windows label and kind."""
    more = {"label": part.label, "kind": part.kind} if isinstance(part, Windows) else {}
    return {**part.arrays(), **more}


def parquet_bytes(columns: Mapping[str, npt.NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """Return the content of a Parquet table; vectors and matrices are lists of fixed length.

    Args:
        columns: Arrays by name, all with the same first axis.
        about: Plain values for the metadata of the schema, written as JSON under ``gnnmax``.

    Raises:
        InputError: pyarrow is not installed.

    Example:
        >>> parquet_bytes({"score": np.arange(3.0)}, {"k": 9})[:4]
        b'PAR1'
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow, which is not installed: pip install 'gnnmax[parquet]'") from None
    table = pa.table({name: _column(pa, array) for name, array in columns.items()})
    content = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"gnnmax": json.dumps(about)}), content)
    return content.getvalue()


def _column(pa: Any, array: npt.NDArray[Any]) -> Any:
    """Convert one field to a column: numbers unchanged, vectors and matrices as lists of fixed length."""
    if array.ndim == 1:
        return pa.array(array)
    flat = np.ascontiguousarray(array).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), int(np.prod(array.shape[1:])))
