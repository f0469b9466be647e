"""A recipe for your own graph: node-disjoint parts make the splits, and maxima are planted among its own weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.data.generation import generate_graph
from gnnmax.data.hosts.edge_tables import EdgeColumns
from gnnmax.data.hosts.host import Host
from gnnmax.data.hosts.own_files import File, edge_attributes, name_file
from gnnmax.data.importing import name_of_file
from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.errors import InputError
from gnnmax.io.paths import as_path

__all__ = ["describe_host", "recipe_of_graph"]

SPLITS = {
    10: {"train": 8, "val": 1, "test": 1},
    5: {"train": 3, "val": 1, "test": 1},
    3: {"train": 1, "val": 1, "test": 1},
}
"""Hosts of each split, by the number of parts; more parts are tried first."""

SIDES = (9, 7, 5, 3)

LARGEST_SUBGRAPH = 1_000
"""Nodes of a subgraph: windows are cut from a dense matrix."""


def recipe_of_graph(
    path: str | Path,
    *,
    k: int | None = None,
    parts: int | None = None,
    directed: bool = False,
    weight: str | None = None,
    columns: EdgeColumns | None = None,
) -> Recipe:
    """Make a recipe whose hosts are parts of the graph in a file, and check that it can be drawn.

    With weights of its own, the graph is cut into node-disjoint parts, each in one split, and maxima are
    planted among its weights. Without them, every host is the whole graph with newly drawn weights.

    Args:
        path: A graph in one of the formats of :class:`gnnmax.data.hosts.own_files.File`.
        k: Side of the windows; None tries 9, 7, 5 and 3.
        parts: Number of parts: 10, 5 or 3; None tries them in this order.
        directed: Whether entry (u, v) is the edge from u to v alone.
        weight: Edge attribute of a GraphML file that holds the weights.
        columns: Columns of a CSV file with a header: both ends of an edge, and its weight.

    Returns:
        The recipe; ``recipe.to_toml()`` is its file.

    Raises:
        InputError: the file cannot be read, several edge attributes to choose from, or no windows in such parts.
    """
    if parts is not None and parts not in SPLITS:
        raise InputError(f"parts must be 10, 5 or 3, not {parts}: they make train, val and test")
    file = name_file(path, directed=directed, weight=_attribute(path, weight), columns=columns)
    host = file.sample(np.random.default_rng(0))
    assert host.weights is not None
    weighted = len(np.unique(host.weights)) > 1
    problem: InputError | None = None
    for side in SIDES if k is None else (k,):
        for count in SPLITS if parts is None else (parts,):
            recipe = _recipe(file, host, side=side, parts=count, weighted=weighted)
            try:
                for graph in range(recipe.graphs if weighted else 1):
                    generate_graph(recipe, graph)
            except InputError as error:
                problem = problem or error
            else:
                return recipe
    raise InputError(f"{path} makes no windows in such parts: {problem}; give another k, or fewer parts")


def describe_host(file: File) -> list[str]:
    """Describe the graph of a file, one line a fact.

    Raises:
        InputError: the file is missing, or holds no graph.
    """
    host = name_file(file.path, directed=file.directed, **_given(file)).sample(np.random.default_rng(0))
    assert host.weights is not None
    low, high = (float(end) for end in (host.weights.min(initial=np.inf), host.weights.max(initial=-np.inf)))
    kind = "directed edges" if host.directed else "edges"
    weights = f"weights from {low:g} to {high:g}" if low < high else "no weights of its own: all are equal"
    return [f"{host.nodes:,} nodes, {len(host.edges):,} {kind}", weights]


def _given(file: File) -> dict[str, Any]:
    """Return the fields of a file that say where its weights are."""
    fields = {"weight": file.weight, "columns": file.columns}
    return {name: value for name, value in fields.items() if isinstance(value, (str, tuple))}


def _attribute(path: str | Path, weight: str | None) -> str | None:
    """Return the edge attribute that holds the weights; the only one, where none is named."""
    if weight is not None:
        return weight
    known = edge_attributes(path)
    if not known or "weight" in known:
        return None
    if len(known) == 1:
        return known[0]
    raise InputError(f"the edges of {path} have no weight, but {', '.join(known)}: name the attribute with --weight")


def _recipe(file: File, host: Host, *, side: int, parts: int, weighted: bool) -> Recipe:
    plain: dict[str, Any] = {"type": "file", "path": file.path, "sha256": file.sha256, **_given(file)}
    if file.directed:
        plain["directed"] = True
    hosts = [{**plain, "part": {"index": index, "of": parts}} for index in range(parts)]
    size = host.nodes // parts if weighted else host.nodes
    subgraph = {"nodes": LARGEST_SUBGRAPH, "choose": "snowball"} if size > LARGEST_SUBGRAPH else {}
    return parse_recipe(
        {
            "name": name_of_file(as_path(file.path)),
            "summary": f"Windows of {as_path(file.path).name[:100]}, with planted maxima.",
            "k": side,
            "label": "observed",
            "contexts": True,
            "windows_per_graph": 64,
            "splits": SPLITS[parts],
            "hosts": hosts if weighted else [{**plain, "weighted": False}],
            "weights": [] if weighted else [{"type": "uniform"}],
            "subgraphs": [{"order": "natural", **subgraph}],
            "cuts": ["neighbours"],
            "plant": {"type": "spike"},
            "kinds": {"centred": 0.5, "shifted": 0.25, "runner_up": 0.25},
        },
        str(file.path),
    )
