"""Import your own windows: arrays or files become a data set, split by graph and never by window."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gnnmax.data.dataset import DataSet
from gnnmax.data.imported import Imported, Source, parse_import
from gnnmax.errors import InputError
from gnnmax.io.paths import as_path
from gnnmax.io.table_files import UNNAMED, parse_arrays, read_content
from gnnmax.task.arrays import as_array
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows, checked_labels, windows_hint

T = TypeVar("T", Windows, Maps)

__all__ = [
    "SHARES",
    "content_digest",
    "dataset_of",
    "import_files",
    "import_windows",
    "name_of_file",
    "parse_shares",
    "split_by_graph",
]

SHARES: dict[str, float] = {"train": 0.8, "val": 0.1, "test": 0.1}
"""Shares of the splits of an import, unless others are given."""

NAMES = {
    "values": ("values", "X", "x", "windows"),
    "labels": ("label", "labels", "y"),
    "graph": ("graph", "graphs", "group", "groups"),
    "row_context": ("row_context",),
    "column_context": ("column_context",),
    "rows": ("rows",),
    "columns": ("columns",),
}
"""Names that an array or a column of a file may have, by its role."""

Arrays = dict[str, npt.NDArray[Any]]


def import_windows(
    values: Any,
    labels: Any = None,
    *,
    graph: Any = None,
    contexts: tuple[Any, Any] | None = None,
    nodes: tuple[Any, Any] | None = None,
    shares: Mapping[str, float] | Sequence[float] | None = None,
    seed: int = 0,
    name: str = "imported",
    summary: str = "",
) -> DataSet:
    """Make a data set of your own windows, split by graph.

    Args:
        values: Windows, shape ``(N, k, k)``, or ``(N, k * k)`` row by row; ``k`` odd and at least 3.
        labels: Booleans, or zeros and ones, shape ``(N,)``: whether each window is centred. None takes the observed
            label: whether the centre is the strict maximum.
        graph: Graph of each window, numbers or names, shape ``(N,)``: no graph is in two splits. None: each window is a
            graph of its own, which is right only if no two windows share a node.
        contexts: ``A[R, R]`` and ``A[C, C]`` of each window, shape ``(N, k, k)`` each.
        nodes: Numbers of the nodes of the rows and of the columns, shape ``(N, k)`` each; None numbers them from 0.
        shares: Shares of the splits, by name, or of train, val and test; None: 0.8, 0.1 and 0.1.
        seed: Seed of the choice of graphs.
        name: Lower-case letters, digits and hyphens.
        summary: One line that describes the windows.

    Returns:
        The data set; ``data.save(folder)`` stores it.

    Raises:
        InputError: arrays of another shape or type, labels that are no labels, shares that do not sum to 1, or fewer
            graphs than splits.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> data = import_windows(rng.normal(size=(100, 25)), graph=np.arange(100) // 5)
        >>> len(data.train), len(data.val), len(data.test), data.test.k
        (80, 10, 10, 5)
    """
    windows = _windows_of(values, labels, graph, contexts=contexts, nodes=nodes)
    parts = split_by_graph(windows, parse_shares(shares), seed=seed)
    return dataset_of(parts, name=name, summary=summary)


def import_files(
    values: str | Path,
    labels: str | Path | None = None,
    *,
    graph: str | Path | None = None,
    contexts: tuple[str | Path, str | Path] | None = None,
    shares: Mapping[str, float] | Sequence[float] | None = None,
    seed: int = 0,
    name: str = "",
    summary: str = "",
) -> DataSet:
    """Make a data set of the windows in files, split by graph; see :func:`import_windows`.

    An array has a role by the option that gives its file, or by its name in the file of the values: an archive or a
    table may hold ``values``, ``label``, ``graph``, ``row_context``, ``column_context``, ``rows`` and ``columns``. A
    table without a column of that name holds the values in its other columns, ``k * k`` numbers a window, row by row.

    Args:
        values: ``.npy``, ``.npz``, ``.csv`` or ``.parquet``, see :mod:`gnnmax.io.table_files`.
        labels: File of the labels.
        graph: File of the graph of each window.
        contexts: Files of the contexts of the rows and of the columns.
        shares: As for :func:`import_windows`.
        seed: As for :func:`import_windows`.
        name: Name of the data set; empty takes that of the file of the values.
        summary: One line that describes the windows.

    Raises:
        InputError: as :func:`import_windows`, or a file that cannot be read, or holds no such array.
    """
    rows, columns = contexts if contexts is not None else (None, None)
    given = {"values": values, "labels": labels, "graph": graph, "row_context": rows, "column_context": columns}
    sources: list[Source] = []
    arrays: dict[str, npt.NDArray[Any]] = {}
    for role, path in given.items():
        if path is not None:
            file = as_path(path)
            content = read_content(file)
            found = parse_arrays(content, file)
            sources.append(Source(role, file.name, hashlib.sha256(content).hexdigest()))
            arrays |= _roles(found, file) if role == "values" else {role: _only(found, role, file)}
    data = import_windows(
        arrays["values"],
        arrays.get("labels"),
        graph=arrays.get("graph"),
        contexts=_both("contexts", arrays.get("row_context"), arrays.get("column_context")),
        nodes=_both("nodes", arrays.get("rows"), arrays.get("columns")),
        shares=shares,
        seed=seed,
        name=name or name_of_file(as_path(values)),
        summary=summary,
    )
    assert isinstance(data.recipe, Imported)
    return DataSet(parse_import({**data.recipe.to_dict(), "sources": sources}, data.recipe.name), data.splits)


def parse_shares(given: Mapping[str, float] | Sequence[float] | None) -> dict[str, float]:
    """Return the shares of the splits by name.

    Raises:
        InputError: not positive numbers that sum to 1, or a number of them that has no names.

    Example:
        >>> parse_shares([0.9, 0.1]), parse_shares(None)
        ({'train': 0.9, 'test': 0.1}, {'train': 0.8, 'val': 0.1, 'test': 0.1})
    """
    names = {1: ("test",), 2: ("train", "test"), 3: tuple(SHARES)}
    if given is None:
        return SHARES
    if not isinstance(given, Mapping):
        if len(given) not in names:
            raise InputError(
                f"give one to three shares, of train, val and test, not {len(given)}: more splits need names"
            )
        given = dict(zip(names[len(given)], given, strict=True))
    shares = {split: float(share) for split, share in given.items()}
    if not shares or any(not share > 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise InputError(f"the shares of the splits must be positive and sum to 1, not {list(shares.values())}")
    return shares


def split_by_graph(windows: T, shares: Mapping[str, float], *, seed: int = 0) -> dict[str, T]:
    """Split windows or maps by graph, at random: all those of a graph are in one split.

    Args:
        windows: The windows or maps.
        shares: Shares of the splits; each split gets at least one graph.
        seed: Seed of the order in which graphs are taken.

    Returns:
        Windows by split, in their order.

    Raises:
        InputError: fewer graphs than splits.
    """
    graphs, place, sizes = np.unique(windows.graph, return_inverse=True, return_counts=True)
    if len(graphs) < len(shares):
        raise InputError(
            f"{len(graphs)} graphs cannot make {len(shares)} splits: no graph is in two; give fewer shares, or the "
            "graph of each window"
        )
    order = np.random.default_rng(seed).permutation(len(graphs))
    middle = np.cumsum(sizes[order]) - sizes[order] / 2  # where each graph lies among all windows
    bounds = np.cumsum(list(shares.values()))[:-1] * len(windows)
    split_of = np.searchsorted(bounds, middle, side="right")
    if len(np.unique(split_of)) < len(shares):  # a few large graphs: give each split the next one, then the first more
        split_of = np.maximum(np.arange(len(graphs)) - (len(graphs) - len(shares)), 0)
    chosen = np.empty(len(graphs), dtype=np.int64)
    chosen[order] = split_of
    return {split: windows[chosen[place] == number] for number, split in enumerate(shares)}


def dataset_of(splits: Mapping[str, Windows], *, name: str = "imported", summary: str = "") -> DataSet:
    """Make a data set of windows that are split already.

    Args:
        splits: Windows by name of the split, of one side, label rule, noise and fields.
        name: Lower-case letters, digits and hyphens.
        summary: One line that describes the windows.

    Raises:
        InputError: no windows, splits that differ, a graph in two splits, or an impossible name.

    Example:
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(9, 3, 3)))
        >>> dataset_of({"train": w[:5], "test": w[5:]}, name="mine")
        <DataSet mine: windows of side 3: train 5, test 4>
    """
    if not isinstance(splits, Mapping) or not all(isinstance(w, Windows) for w in splits.values()) or not splits:
        raise InputError('a data set takes windows by name of the split, as in {"train": windows, "test": windows}')
    if any(not len(w) for w in splits.values()):
        raise InputError(f"the split {next(s for s, w in splits.items() if not len(w))!r} has no windows: leave it out")
    every = Windows.concatenate([w[:1] for w in splits.values()])
    _check_graphs_apart(splits)
    first = next(iter(splits.values()))
    plain = {
        "name": name,
        "summary": summary,
        "k": every.k,
        "label": first.label_rule,
        "contexts": first.row_context is not None,
        "amplitude": first.amplitude is not None,
        "noise": dataclasses.asdict(first.noise),
        "splits": {split: len(np.unique(w.graph)) for split, w in splits.items()},
        "content": content_digest(splits),
    }
    return DataSet(parse_import(plain, name), dict(splits))


def _check_graphs_apart(splits: Mapping[str, Windows]) -> None:
    seen: dict[int, str] = {}
    for split, windows in splits.items():
        for graph in np.unique(windows.graph).tolist():
            if seen.setdefault(graph, split) != split:
                raise InputError(
                    f"graph {graph} is in two splits, {seen[graph]} and {split}: split by graph, or give each window "
                    "the number of its graph"
                )


def content_digest(splits: Mapping[str, Windows] | Mapping[str, Maps]) -> str:
    """Return the SHA-256 of all arrays of all splits, in hexadecimal."""
    found = hashlib.sha256()
    for split, windows in splits.items():
        for name, array in windows.arrays().items():
            found.update(f"{split}/{name}/{array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _windows_of(values: Any, labels: Any, graph: Any, *, contexts: Any, nodes: Any) -> Windows:
    if isinstance(values, Mapping):
        raise InputError(f"the values must be an array of windows, not {type(values).__name__}: {windows_hint(values)}")
    if isinstance(values, Windows):
        windows = values if labels is None else dataclasses.replace(values, planted=checked_labels(labels, len(values)))
        windows = windows if labels is None else dataclasses.replace(windows, label_rule="planted")
    else:
        squares = _squares(as_array(values, "the values"), "the values")
        if squares.ndim and not len(squares):
            raise InputError("there are no windows: the values must have at least one, shape (N, k, k)")
        windows = Windows.from_values(squares, labels)
    changes: dict[str, Any] = {} if graph is None else {"graph": _numbers(graph, len(windows))}
    if contexts is not None:
        for field, given in zip(("row_context", "column_context"), contexts, strict=True):
            context = _squares(as_array(given, field), field).astype(np.float32)
            if context.shape != windows.values.shape:
                raise InputError(f"{field} must have shape {windows.values.shape}, as the values, not {context.shape}")
            changes[field] = np.ascontiguousarray(context)
    for field, given in zip(("rows", "columns"), nodes or (), strict=False):
        numbers = as_array(given, field)
        if numbers.shape != windows.rows.shape or numbers.dtype.kind not in "iu":
            raise InputError(f"{field} must be whole numbers of shape {windows.rows.shape}, not {numbers.shape}")
        changes[field] = numbers.astype(np.int64)
    return dataclasses.replace(windows, **changes)


def _squares(array: npt.NDArray[Any], what: str) -> npt.NDArray[Any]:
    """Return windows as squares, where they come as rows of ``k * k`` numbers."""
    if array.ndim != 2:
        return array
    k = round(array.shape[1] ** 0.5)
    if k * k != array.shape[1]:
        raise InputError(
            f"{what} have {array.shape[1]} numbers a window, which is no square: give k * k, such as 81 for k = 9"
        )
    return array.reshape(len(array), k, k)


def _numbers(graph: Any, n: int) -> npt.NDArray[np.int64]:
    """Return the graph of each window as a number; names are numbered in their order."""
    found = np.asarray(graph) if _is_text(graph) else as_array(graph, "graph")
    if found.shape != (n,):
        raise InputError(f"graph must have one entry for each of {n} windows, not shape {found.shape}")
    if found.dtype.kind in "OUS":
        return np.unique(found.astype(np.str_), return_inverse=True)[1].astype(np.int64)
    if found.dtype.kind == "f" and (found == np.round(found)).all():
        found = found.astype(np.int64)
    if found.dtype.kind not in "iub":
        raise InputError(f"graph must hold whole numbers or names, not {found.dtype}: number the graphs from 0")
    return found.astype(np.int64)


def _is_text(graph: Any) -> bool:
    found = np.asarray(graph.to_numpy() if hasattr(graph, "to_numpy") else graph)
    return found.dtype.kind in "US" or (found.dtype == np.object_ and all(isinstance(each, str) for each in found.flat))


def _roles(found: Arrays, file: Path) -> Arrays:
    """Return the arrays of the file of the values by role."""
    roles = {role: found[name] for role, names in NAMES.items() for name in names if name in found}
    if "values" in roles:
        return roles
    others = [name for name in found if not any(name in names for names in NAMES.values())]
    columns = [found[name] for name in others if found[name].ndim == 1 and found[name].dtype.kind in "fiub"]
    if len(others) == 1 and found[others[0]].ndim > 1:
        return {**roles, "values": found[others[0]]}
    if columns and len(columns) == len(others):
        return {**roles, "values": np.stack(columns, axis=1)}
    raise InputError(
        f"{file} holds {', '.join(name or 'an array without a name' for name in found)}: call the array of the windows "
        "'values', or give k * k columns of numbers"
    )


def _only(found: Arrays, role: str, file: Path) -> npt.NDArray[Any]:
    """Return the only array of a file, or the one with a name of its role."""
    named = [found[name] for name in NAMES[role] if name in found]
    if len(named) == 1 or len(found) == 1:
        array = named[0] if named else next(iter(found.values()))
        single = role in ("labels", "graph") and array.ndim == 2 and array.shape[1] == 1
        return array[:, 0] if single else array
    if len(found) > 1 and UNNAMED not in found and role.endswith("context"):
        return np.stack(list(found.values()), axis=1)
    raise InputError(f"{file} holds {', '.join(found)}: call the one of the {role} {NAMES[role][0]!r}")


def _both(what: str, rows: Any, columns: Any) -> tuple[Any, Any] | None:
    if (rows is None) != (columns is None):
        raise InputError(f"{what} of rows and of columns come together: give both or neither")
    return None if rows is None else (rows, columns)


def name_of_file(path: Path) -> str:
    """Return the name of a file as the name of a data set.

    Example:
        >>> name_of_file(Path("My Graph_2.csv"))
        'my-graph-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:60] or "imported"
