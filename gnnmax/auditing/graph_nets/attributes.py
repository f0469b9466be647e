"""Attributes of torch_geometric data: which of them belong to nodes or edges, and which hold numbers of nodes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.graph_nets.values import array_of, is_integer, is_sparse, size_of
from gnnmax.errors import InputError, unknown_name

__all__ = ["Attribute", "Key", "Layout", "Role", "named", "read_layout"]

Key = Any
"""A store of data: a node type, an edge type ``(source, relation, destination)``, or None where there is one store."""

Role = Literal["node", "edge", "index", "node index", "matrix", "other"]
"""How an attribute is read: one entry for each node, or edge; numbers of nodes; both; nodes by nodes; none of these."""

Numbers = npt.NDArray[np.intp]

NODE_NAMES = {"x", "feat", "pos", "batch", "node_type", "n_id", "tf", "z", "y"}
NODE_LISTS = ("edge", "face")


@dataclass(frozen=True)
class Attribute:
    """One attribute of data.

    Attributes:
        store: Its store.
        name: Its name.
        role: How it is read.
        axis: The axis of its nodes, edges or columns.
        types: The node types that it is about: one, or two for rows or axes of two types.
        listing: For edges and lists of numbers, the name of the list whose order they share.
    """

    store: Key
    name: str
    role: Role
    axis: int
    types: tuple[Key, ...]
    listing: str = ""


@dataclass(frozen=True)
class Layout:
    """How data is read.

    Attributes:
        attributes: All attributes, except counts, numbers of graphs and their ``ptr``.
        graphs: For each node type the graph of each node.
        sorting: For each store with an ``edge_index`` the rows by which it is sorted, the first one first.
    """

    attributes: tuple[Attribute, ...]
    graphs: dict[Key, Numbers]
    sorting: dict[Key, tuple[int, ...]]

    def __str__(self) -> str:
        parts = {
            role: ", ".join(named(each.store, each.name) for each in self.attributes if each.role == role)
            for role in get_args(Role)
        }
        return "; ".join(f"{role}: {names}" for role, names in parts.items() if names)


def named(store: Key, name: str) -> str:
    """Name an attribute of a store, as a person types it.

    Example:
        >>> named(None, "x"), named("paper", "x"), named(("paper", "cites", "paper"), "edge_index")
        ('x', 'paper.x', 'paper-cites-paper.edge_index')
    """
    return name if store is None else f"{store if isinstance(store, str) else '-'.join(store)}.{name}"


def read_layout(data: Any, attributes: Mapping[Any, Role] | None = None) -> Layout:
    """Read which attributes follow the nodes, which the edges, and which hold numbers of nodes.

    The conventions are those of torch_geometric. In this order:

    - ``attributes`` decides.
    - Integers hold numbers of nodes where ``__inc__`` counts them on by the number of nodes: names with ``index``, and
      ``face``. Below 0 means "no node".
    - A matrix of nodes by nodes with ``adj`` in its name has both axes renumbered.
    - Along ``__cat_dim__``, as many entries as nodes belong to nodes, as many as edges to edges. A batch made by
      ``Batch.from_data_list`` is read graph by graph. Values stay: integers without ``index`` in their name are
      classes or types.
    - With as many nodes as edges, names with ``edge`` belong to edges; ``x``, ``pos``, ``z``, ``y``, ``batch``, masks
      and names with ``node`` belong to nodes.

    Args:
        data: ``Data``, ``HeteroData``, or a ``Batch`` of them.
        attributes: The role of an attribute, by its name or by ``(type, name)``.

    Raises:
        InputError: no such data; its number of nodes is not stated; a number of no node; an attribute that can be read
            in two ways.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> graph = Data(x=torch.rand(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]]), root_index=torch.tensor([2]))
        >>> print(read_layout(graph))
        node: x; index: edge_index, root_index
    """
    from torch_geometric.data import Data, HeteroData

    if not isinstance(data, (Data, HeteroData)):
        raise InputError(f"expected Data, HeteroData or a Batch of torch_geometric, not {type(data).__name__}")
    if not isinstance(attributes, Mapping | None):
        raise InputError(
            f"attributes must be a dictionary from names to roles, not {attributes!r}: {{'weight': 'edge'}}"
        )
    reader = _Reader(data, dict(attributes or {}))
    found = tuple(reader.attributes())
    reader.refuse_unused()
    lists = {each.store: each for each in found if each.name == "edge_index" and each.role == "index"}
    sorting = {key: _sorting(array_of(reader.stores[key]["edge_index"])) for key in lists}
    return Layout(found, reader.graphs, sorting)


def _sorting(edges: Numbers) -> tuple[int, ...]:
    """Return the rows by which a list of edges is sorted, the first one first; none if it is not sorted."""
    still = np.arange(edges.shape[1])
    for rows in ((0, 1), (1, 0), (0,), (1,)):
        if np.array_equal(np.lexsort([edges[row] for row in reversed(rows)]), still):
            return rows
    return ()


class _Reader:
    """Reads the attributes of data one by one."""

    def __init__(self, data: Any, given: dict[Any, Role]) -> None:
        self._data, self._given, self._unused = data, given, set(given)
        self.stores = {store._key: store for store in data.stores}
        self._hetero = hasattr(data, "node_types")
        self.graphs = {store._key: _graphs_of(store) for store in data.node_stores}
        ends = {end for key in self.stores if isinstance(key, tuple) for end in (key[0], key[-1])}
        if missing := ends - self.graphs.keys():
            end = min(missing)
            raise InputError(f"data has edges of the node type {end!r} and no such nodes: set data[{end!r}].num_nodes")
        wrong = [role for role in given.values() if role not in get_args(Role)]
        if wrong:
            raise unknown_name("role of an attribute", str(wrong[0]), get_args(Role))

    def attributes(self) -> Iterator[Attribute]:
        for key, store in self.stores.items():
            for name in sorted(store.keys(), key=lambda name: name != "edge_index"):  # whose numbers are checked first
                if not (is_integer(store[name]) and name.endswith(("num_nodes", "ptr", "batch"))):
                    yield self._attribute(key, name, store[name])

    def refuse_unused(self) -> None:
        if self._unused:
            known = [named(key, name) for key, store in self.stores.items() for name in store.keys()]  # noqa: SIM118
            raise unknown_name("attribute of data", str(min(self._unused, key=str)), known)

    def _attribute(self, key: Key, name: str, value: Any) -> Attribute:
        axis = self._data.__cat_dim__(name, value, self.stores[key])
        axis = axis if isinstance(axis, int) else 0
        said = self._said(key, name)
        role = said or self._role(key, name, value, axis=axis)
        types = (key[0], key[-1]) if isinstance(key, tuple) else (key,)
        if role == "matrix":
            types = (types[-1], types[0]) if name.endswith("_t") else (types[0], types[-1])
        if role != "other" and any(kind not in self.graphs for kind in types):
            raise InputError(f"{name} belongs to no node type: it can only be read as other, not as {role}")
        if said and not self._fits(key, value, role, axis=axis):
            raise InputError(f"{named(key, name)} cannot be read as {role}: its type or its shape is another")
        if role in ("index", "node index"):
            numbers = array_of(value)
            rows = [numbers] if len(types) == 1 else list(np.moveaxis(numbers, axis, -1))
            self._check_numbers(key, name, list(zip(types, rows, strict=True)))
        return Attribute(key, name, role, axis, types, self._listing(key, name, value, role=role, axis=axis))

    def _fits(self, key: Key, value: Any, role: Role, *, axis: int) -> bool:
        """Return whether the type and shape of an attribute allow a role that the caller says."""
        nodes = len(self.graphs.get(key, ()))
        return {
            "node": size_of(value, axis) == nodes,
            "edge": size_of(value, axis) is not None
            and size_of(value, axis) == size_of(self.stores[key].get("edge_index"), -1),
            "index": is_integer(value),
            "node index": is_integer(value) and size_of(value, axis) == nodes,
            "matrix": size_of(value, 0) == size_of(value, 1) == nodes or isinstance(key, tuple),
            "other": True,
        }[role]

    def _said(self, key: Key, name: str) -> Role | None:
        for each in ((key, name), name):
            if each in self._given:
                self._unused.discard(each)
                return self._given[each]
        return None

    def _role(self, key: Key, name: str, value: Any, *, axis: int) -> Role:
        nodes = None if isinstance(key, tuple) or (self._hetero and key is None) else len(self.graphs[key])
        if self._is_adjacency(key, name, value):
            return "matrix"
        if self._holds_numbers(key, name, value):
            per_node = size_of(value, axis) == nodes and not any(part in name for part in NODE_LISTS)
            return self._ask(key, name, "index", "node index") if per_node else "index"
        of_nodes = nodes is not None and self._is_one_for_each(key, name, value, axis=axis, edges=False)
        of_edges = self._is_one_for_each(key, name, value, axis=axis, edges=True)
        if of_edges and ("edge" in name or name == "e_id"):
            return "edge"
        known = name in NODE_NAMES or "node" in name or name.endswith("mask")
        if of_nodes and of_edges and not known:
            return self._ask(key, name, "node", "edge")
        if of_nodes and not known and nodes is not None and nodes > 1 and size_of(value, 1) == nodes:
            return self._ask(key, name, "node", "matrix")
        if not (of_nodes or of_edges) and self._is_nested(key, value):
            raise InputError(
                f"{named(key, name)} nests tensors of nodes or edges: make them attributes of their own, or pass "
                f"attributes={{{name!r}: 'other'}} to leave it as it is"
            )
        return "node" if of_nodes else "edge" if of_edges else "other"

    def _ask(self, key: Key, name: str, first: Role, second: Role) -> Role:
        raise InputError(
            f"{named(key, name)} can be read in two ways: pass attributes={{{name!r}: {first!r}}} or {second!r}"
        )

    def _is_adjacency(self, key: Key, name: str, value: Any) -> bool:
        if not ("adj" in name or (is_sparse(value) and "edge_index" in name)):
            return False
        types = (key[0], key[-1]) if isinstance(key, tuple) else (key, key)
        sizes = [len(self.graphs[kind]) for kind in types if kind in self.graphs]
        return [size_of(value, 0), size_of(value, 1)] == (sizes[::-1] if name.endswith("_t") else sizes)

    def _holds_numbers(self, key: Key, name: str, value: Any) -> bool:
        if "batch" in name or not is_integer(value):
            return False
        if self._hetero and not isinstance(key, tuple):
            if "index" in name and key is not None:
                self._ask(key, name, "index", "other")
            return False
        counted = array_of(self._data.__inc__(name, value, self.stores[key])).flatten()
        if not counted.any():
            return False
        if isinstance(key, tuple):
            if size_of(value, 0) != 2 or size_of(value, 1) is None:
                self._ask(key, name, "edge", "other")
        elif not np.array_equal(counted, [len(self.graphs[key])]):
            raise InputError(
                f"__inc__ counts {name} on by {counted.tolist()}, and data has {len(self.graphs[key])} nodes: use "
                f"HeteroData for nodes of several kinds, or pass attributes={{{name!r}: 'other'}}"
            )
        return True

    def _check_numbers(self, key: Key, name: str, rows: list[tuple[Key, Numbers]]) -> None:
        for kind, row in rows:
            wrong = row[(row >= len(self.graphs[kind])) | ((row < 0) & (name == "edge_index"))]
            if wrong.size:
                raise InputError(
                    f"{named(key, name)} holds {wrong.flat[0]}, and there are {len(self.graphs[kind])} nodes: set "
                    f"num_nodes, or pass attributes={{{name!r}: 'other'}} if it does not number nodes"
                )

    def _is_one_for_each(self, key: Key, name: str, value: Any, *, axis: int, edges: bool) -> bool:
        """Return whether there is one entry for each node, or each edge: in every graph of a batch that knows them."""
        listed = self.stores[key].get("edge_index") if edges else None
        if edges and (listed is None or is_sparse(listed)):
            return False
        graphs = self.graphs[None if not self._hetero else key[0] if edges else key]
        graphs = graphs[array_of(listed)[0]] if edges else graphs
        slices = self._slices(key, name)
        if slices is None:
            return size_of(value, axis) == len(graphs)
        sizes = np.diff(slices)
        return bool(np.array_equal(np.bincount(graphs, minlength=len(sizes)), sizes))

    def _slices(self, key: Key, name: str) -> Numbers | None:
        holders = [store.__dict__ for store in self._data.stores if "_slice_dict" in store.__dict__]
        slices: Any = holders[0]["_slice_dict"] if holders else {}
        slices = (slices if key is None else slices.get(key, {})).get(name)
        return array_of(slices) if hasattr(slices, "ndim") and slices.ndim == 1 else None

    def _is_nested(self, key: Key, value: Any) -> bool:
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
        sizes = {len(graphs) for kind, graphs in self.graphs.items() if key in (kind, None)}
        return any(hasattr(each, "shape") and size_of(each, 0) in sizes for each in inner)

    def _listing(self, key: Key, name: str, value: Any, *, role: Role, axis: int) -> str:
        """Return the list of edges, or of other numbers of nodes, whose order an attribute shares."""
        if role == "index":
            return name
        lists = [each for each in self.stores[key].keys() if each.endswith("_index") and each != name]  # noqa: SIM118
        for each in sorted(lists, key=len, reverse=True):
            stem = each.removesuffix("_index")
            if name.startswith(stem) and size_of(value, axis) == size_of(self.stores[key][each], -1):
                return str(each)
        return "edge_index" if role == "edge" else ""


def _graphs_of(store: Any) -> Numbers:
    """Return the graph of each node of a store."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            nodes = store.num_nodes
        except UserWarning:
            nodes = None
    if not isinstance(nodes, int):
        raise InputError("the number of nodes is not stated by node features: set num_nodes")
    if "batch" in store and size_of(store["batch"], 0) == nodes:
        return array_of(store["batch"])
    if "ptr" in store:
        graphs = np.repeat(np.arange(len(store["ptr"]) - 1), np.diff(array_of(store["ptr"])))
        if len(graphs) != nodes:
            raise InputError(f"ptr counts {len(graphs)} nodes, and there are {nodes}: correct it, or leave it out")
        return graphs
    return np.zeros(nodes, dtype=np.intp)
