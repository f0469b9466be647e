"""The same graph in other numbers: nodes renumbered or left out, edges listed in another order."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.graph_nets.attributes import Attribute, Key, Layout
from gnnmax.auditing.graph_nets.values import array_of, is_integer, like, select, size_of

__all__ = [
    "NodeGoneError",
    "Numbering",
    "edges_shuffled",
    "ends_of",
    "nodes_shuffled",
    "numbering_of",
    "renumbered",
]

Order = npt.NDArray[np.intp]


class NodeGoneError(Exception):
    """A single number refers to a node that is left out."""


@dataclass(frozen=True)
class Numbering:
    """An order of the nodes of each type, which may leave nodes out, and of the edges of each ``edge_index``.

    Attributes:
        nodes: For each node type the old number of each new node.
        edges: For each store with an ``edge_index`` the old place of each new edge.
        sort: Whether a list of edges that was sorted is sorted again, by new numbers.
    """

    nodes: Mapping[Key, Order]
    edges: Mapping[Key, Order]
    sort: bool = True

    def exchanged(self, group: str, key: Key, first: int, second: int) -> Numbering:
        """Exchange two entries, by their old numbers, of one order of ``nodes`` or ``edges``."""
        order = getattr(self, group)[key].copy()
        a, b = (np.flatnonzero(order == each)[0] for each in (first, second))
        order[[a, b]] = order[[b, a]]
        if group == "nodes":
            return replace(self, nodes={**self.nodes, key: order})
        return replace(self, edges={**self.edges, key: order})

    @cached_property
    def new(self) -> dict[Key, Order]:
        """For each node type the new number of each old node, -1 where it is left out; the last entry is -1."""
        found = {}
        for key, order in self.nodes.items():
            found[key] = np.full(max(order, default=-1) + 2, -1, dtype=np.intp)
            found[key][order] = np.arange(len(order))
        return found

    def of(self, numbers: Order, kind: Key) -> Order:
        """Return the new numbers of old ones; -1 for a node that is left out, and for -1."""
        new = self.new[kind]
        return new[np.where(numbers < len(new), numbers, -1)]


def numbering_of(data: Any, layout: Layout, *, sort: bool = True) -> Numbering:
    """Return the numbering that data has."""
    edges = {key: np.arange(size_of(_store(data, key)["edge_index"], -1) or 0) for key in layout.sorting}
    return Numbering({key: np.arange(len(graphs)) for key, graphs in layout.graphs.items()}, edges, sort)


def nodes_shuffled(layout: Layout, numbering: Numbering, rng: np.random.Generator) -> Numbering:
    """Return a numbering with the nodes of each graph in another order."""
    return replace(numbering, nodes={key: _shuffled(rng, [graphs]) for key, graphs in layout.graphs.items()})


def edges_shuffled(data: Any, layout: Layout, numbering: Numbering, rng: np.random.Generator) -> Numbering:
    """Return a numbering with the edges of each graph in another order, in which a sorted list is sorted too."""
    edges = {}
    for key, rows in layout.sorting.items():
        ends = ends_of(data, key)
        graphs = layout.graphs[key if key is None else key[0]][ends[0]]
        edges[key] = _shuffled(rng, [graphs, *(ends[row] for row in rows)])
    return replace(numbering, edges=edges)


def ends_of(data: Any, key: Key) -> Order:
    """Return the ends of the edges of a store, shape ``(2, edges)``."""
    return array_of(_store(data, key)["edge_index"])


def _shuffled(rng: np.random.Generator, groups: list[Order]) -> Order:
    """Return an order that moves entries within their group only."""
    keys = groups[::-1]
    still, other = np.lexsort(keys), np.lexsort([rng.random(len(keys[0])), *keys])
    order = np.empty_like(still)
    order[still] = other
    return order


def renumbered(data: Any, layout: Layout, numbering: Numbering) -> Any:
    """Return the same graph in another numbering, or the subgraph that the numbering keeps.

    A list of numbers of nodes loses the entries whose nodes are left out. A graph of a batch without a node is left
    out; the others are counted from 0 again.

    Raises:
        NodeGoneError: an attribute is one number, or one number for each node, of a node that is left out.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from gnnmax.auditing.graph_nets.attributes import read_layout
        >>> graph = Data(x=torch.tensor([5.0, 6.0, 7.0]), edge_index=torch.tensor([[0, 1], [2, 2]]))
        >>> numbering = Numbering({None: np.array([2, 0])}, {None: np.arange(2)})
        >>> other = renumbered(graph, read_layout(graph), numbering)
        >>> other.x.tolist(), other.edge_index.tolist()
        ([7.0, 5.0], [[1], [0]])
    """
    moved = copy.copy(data)
    columns = {(each.store, each.name): _columns(data, layout, each, numbering) for each in _lists(layout)}
    for each in layout.attributes:
        store = _store(moved, each.store)
        store[each.name] = _moved(store[each.name], each, numbering, columns.get((each.store, each.listing)))
    kept = {key: graphs[numbering.nodes[key]] for key, graphs in layout.graphs.items()}
    if any(len(kept[key]) < len(graphs) for key, graphs in layout.graphs.items()):
        _count(moved, layout, kept)
    return moved


def _lists(layout: Layout) -> list[Attribute]:
    return [each for each in layout.attributes if each.role == "index"]


def _store(data: Any, key: Key) -> Any:
    return next(store for store in data.stores if store._key == key)


def _rows(numbers: Order, axis: int) -> list[Order]:
    """Return the rows of a list of numbers, whose entries are along an axis, one row for each type in turn."""
    numbers = np.moveaxis(np.atleast_1d(numbers), axis, -1)
    return list(numbers.reshape(-1, numbers.shape[-1]))


def _columns(data: Any, layout: Layout, attribute: Attribute, numbering: Numbering) -> Order:
    """Return the old places of the entries of a list of numbers that stay, in their new order."""
    rows = _rows(array_of(_store(data, attribute.store)[attribute.name]), attribute.axis)
    main = attribute.name == "edge_index"
    order = numbering.edges[attribute.store] if main else np.arange(len(rows[0]))
    kinds = attribute.types * len(rows)
    new = [numbering.of(row[order], kind) for row, kind in zip(rows, kinds, strict=False)]
    here = np.all([(now >= 0) | (row[order] < 0) for now, row in zip(new, rows, strict=True)], axis=0)
    order, new = order[here], [row[here] for row in new]
    keys = layout.sorting.get(attribute.store, ()) if main and numbering.sort else ()
    return order[np.lexsort([new[key] for key in reversed(keys)])] if keys else order


def _moved(value: Any, attribute: Attribute, numbering: Numbering, columns: Order | None) -> Any:
    """Return an attribute in another numbering."""
    kinds = attribute.types
    if attribute.role == "matrix":
        value = select(value, numbering.nodes[kinds[0]], 0)
        return select(value, numbering.nodes[kinds[1]], 1)
    if attribute.role in ("node", "node index"):
        value = select(value, numbering.nodes[kinds[0]], attribute.axis)
    elif columns is not None and size_of(value, attribute.axis) is not None and attribute.role != "index":
        value = select(value, columns, attribute.axis)
    if attribute.role not in ("index", "node index"):
        return value
    numbers = array_of(value)
    if attribute.role == "index" and numbers.ndim and columns is not None:
        numbers = numbers.take(columns, attribute.axis)
    new = _mapped(numbers, attribute, numbering)
    if ((new < 0) & (numbers >= 0)).any():
        raise NodeGoneError(attribute.name)
    return _edge_index(value, like(value, np.where(numbers < 0, numbers, new)), numbering, kinds)


def _mapped(numbers: Order, attribute: Attribute, numbering: Numbering) -> Order:
    """Return new numbers in place of old ones, each row by the numbers of its type."""
    if len(attribute.types) == 1:
        return numbering.of(numbers, attribute.types[0])
    rows = np.moveaxis(numbers, attribute.axis, -1)  # (2, entries)
    new = np.stack([numbering.of(row, kind) for row, kind in zip(rows, attribute.types, strict=True)])
    return np.moveaxis(new, -1, attribute.axis)


def _edge_index(value: Any, plain: Any, numbering: Numbering, kinds: tuple[Key, ...]) -> Any:
    """Return an edge list of torch_geometric's own class where the value is one."""
    if not hasattr(value, "sort_order"):
        return plain
    size = tuple(len(numbering.nodes[kind]) for kind in (kinds[0], kinds[-1]))
    order = value.sort_order
    if order is not None and (np.diff(array_of(plain)[("row", "col").index(order)]) < 0).any():
        order = None
    return type(value)(plain, sparse_size=size, sort_order=order, is_undirected=value.is_undirected)


def _count(data: Any, layout: Layout, kept: Mapping[Key, Order]) -> None:
    """Count the nodes and graphs of a subgraph: ``num_nodes``, ``batch``, ``ptr``, and attributes of whole graphs."""
    graphs = np.unique(np.concatenate([np.zeros(0, dtype=np.intp), *kept.values()]))
    before = max((int(all_.max(initial=-1)) for all_ in layout.graphs.values()), default=-1) + 1
    for store in data.stores:
        store.__dict__.pop("_slice_dict", None), store.__dict__.pop("_inc_dict", None)
        if "_num_graphs" in store.__dict__:
            store._num_graphs = len(graphs)
        for name in store.keys():  # noqa: SIM118  # no mapping
            value = store[name]
            if name == "num_nodes":
                store[name] = len(kept[store._key])
            elif name == "batch":
                store[name] = like(value, np.searchsorted(graphs, kept[store._key]))
            elif name == "ptr":
                sizes = np.bincount(np.searchsorted(graphs, kept[store._key]), minlength=len(graphs))
                store[name] = like(value, np.concatenate([[0], np.cumsum(sizes)]))
            elif name.endswith("num_nodes") and is_integer(value):
                continue
            elif size_of(value, 0) == before > 1 and _is_of_graphs(layout, store._key, name):
                store[name] = select(value, graphs, 0)


def _is_of_graphs(layout: Layout, key: Key, name: str) -> bool:
    wanted = (key, name, "other", "")
    return any((each.store, each.name, each.role, each.listing) == wanted for each in layout.attributes)
