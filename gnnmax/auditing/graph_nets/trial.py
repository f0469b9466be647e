"""A graph net on one graph, called with the graph in different numberings, and what rounding explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.graph_nets.attributes import Key, Role, read_layout
from gnnmax.auditing.graph_nets.calling import Call, Output, by_name, outputs_of
from gnnmax.auditing.graph_nets.renumbering import Numbering, numbering_of, renumbered
from gnnmax.auditing.graph_nets.values import select
from gnnmax.auditing.rounding import channel_spreads
from gnnmax.errors import InputError

__all__ = ["Difference", "GraphTrial", "Settings"]

Outputs = dict[Any, Output]
Floats = npt.NDArray[np.float64]

UNITS = 4
"""Units in the last place of the largest output that count as rounding, where this is more than the share of spread."""

LEAST = 1e-10
"""Share of the largest output that counts as rounding in float64, where sums of many terms lose some digits."""


@dataclass(frozen=True)
class Settings:
    """What a net is asked, and how.

    Attributes:
        moves: Whether the outputs, one for each node, must move with the nodes; else they must stay.
        call: Takes data, returns outputs; None fills the parameters of the net by name.
        attributes: Roles of attributes, as for :func:`~gnnmax.auditing.graph_nets.attributes.read_layout`.
        edge_order: Whether edges are listed in another order as well.
        tolerance: Share of the spread of a channel that counts as rounding.
    """

    moves: bool
    call: Call | None = None
    attributes: Mapping[Any, Role] | None = None
    edge_order: bool = True
    tolerance: float = 1e-5


@dataclass(frozen=True, eq=False)
class Difference:
    """Where the outputs of two numberings of a graph differ most.

    Attributes:
        path: The place of the tensor in what the net returned.
        size: The difference, inf where shapes or non-finite values differ.
        before: The row of the output with the difference.
        after: The same row in the other numbering.
        node: The node of the row, where outputs move with nodes.
    """

    path: tuple[Any, ...]
    size: float
    before: Any
    after: Any
    node: int | None = None


class GraphTrial:
    """A graph net on one graph.

    Rounding in float32 grows with the depth of a net until it looks like a fault. The net is therefore called in
    float64; where it refuses that, in its own type.

    Args:
        module: A torch module or a function. It is called in the mode that it is in.
        data: ``Data``, ``HeteroData``, or a ``Batch`` of them.
        settings: What is asked.
        rng: Draws the altered graphs from which the spread of the outputs is measured.

    Attributes:
        data: The graph.
        layout: How its attributes are read.
        settings: What is asked.
        identity: The numbering that data has.
        unrepeated: The difference between two calls on the same data, None if they agree.

    Raises:
        InputError: no such data, no two nodes of a kind in a graph, an output that is no tensor, or outputs that must
            move and are not one for each node.
    """

    def __init__(self, module: Any, data: Any, settings: Settings, *, rng: np.random.Generator) -> None:
        self.layout = read_layout(data, settings.attributes)
        if all(np.unique(graphs).size == graphs.size for graphs in self.layout.graphs.values()):
            raise InputError("no two nodes can be exchanged: give data with two nodes of a kind in one graph")
        self.settings = settings
        self.data, self._module = data, module
        self._call = settings.call or by_name(module)
        self.identity = numbering_of(data, self.layout, sort=settings.edge_order)
        self._float64 = False
        self._first = self._called(data)
        if settings.moves:
            self._check_rows()
        self._float64 = True
        doubled = next(self._tried(lambda: self._called(data)), {})
        self._float64 = doubled.keys() == self._first.keys()
        self._first = doubled if self._float64 else self._first
        altered = list(self._altered(rng))
        self._spreads = {path: self._spread(path, altered) for path in self._first}
        self.unrepeated = self.difference(self.identity, self.identity)

    @property
    def constant(self) -> bool:
        """Whether no output differs between nodes, graphs, or altered graphs."""
        return all(
            (self._spreads[path] <= _units(output, *self._channels(path, output))).all()
            for path, output in self._first.items()
        )

    def difference(self, first: Numbering, second: Numbering) -> Difference | None:
        """Return where the outputs of two numberings of the same nodes break the law most; None where they follow it.

        Raises:
            Exception: of the net, which may not take every graph.
        """
        before = self._first if first is self.identity else self._outputs(first)
        after = self._outputs(second)
        if before.keys() != after.keys():
            path = min(before.keys() ^ after.keys(), key=str)
            words = ["returned" if path in each else "missing" for each in (before, after)]
            return Difference(path, np.inf, words[0], words[1])
        found = [self._worst(path, before[path], after[path], (first, second)) for path in before]
        return max((each for each in found if each), key=lambda each: each.size, default=None)

    def _outputs(self, numbering: Numbering) -> Outputs:
        return self._called(renumbered(self.data, self.layout, numbering))

    def _called(self, data: Any) -> Outputs:
        return outputs_of(self._module, self._call, data, float64=self._float64)

    def type_of(self, path: tuple[Any, ...]) -> Key:
        """Return the node type of an output: the first node type in its path."""
        return next((part for part in path if part in self.layout.graphs), None)

    def _check_rows(self) -> None:
        for path, output in self._first.items():
            kind = self.type_of(path)
            if kind not in self.layout.graphs:
                raise InputError(
                    f"expected a dictionary of outputs by node type ({', '.join(map(str, self.layout.graphs))}), "
                    f"not {path}: pass call=lambda data: ..."
                )
            nodes, shape = len(self.layout.graphs[kind]), output.array.shape
            if shape[:1] != (nodes,):
                whose = "" if kind is None else f" of {kind!r}"
                raise InputError(f"expected one output for each of {nodes} nodes{whose}, not shape {shape}: pass call=")

    def _altered(self, rng: np.random.Generator) -> Iterator[Outputs]:
        """Yield the outputs of altered graphs: features on other nodes, drawn with replacement, and fewer nodes."""
        nodes = self.identity.nodes
        drawn = {key: rng.integers(max(len(order), 1), size=len(order)) for key, order in nodes.items()}
        features = [each for each in self.layout.attributes if each.role == "node"]
        for kind in ("shuffled", "drawn"):
            altered = self.data.clone()
            for each in features:
                order = rng.permutation(nodes[each.types[0]]) if kind == "shuffled" else drawn[each.types[0]]
                store = next(store for store in altered.stores if store._key == each.store)
                store[each.name] = select(store[each.name], order, each.axis)
            yield from self._tried(lambda altered=altered: self._called(altered))
        first = {key: np.unique(graphs, return_index=True)[1] for key, graphs in self.layout.graphs.items()}
        kept = {key: np.union1d(first[key], order[rng.random(len(order)) < 0.7]) for key, order in nodes.items()}
        yield from self._tried(lambda: self._outputs(Numbering(kept, self.identity.edges, self.settings.edge_order)))

    @staticmethod
    def _tried(outputs: Any) -> Iterator[Outputs]:
        try:
            yield outputs()
        except Exception:  # the net is any code, and may refuse a graph that it was not made for
            return

    def _spread(self, path: Any, altered: list[Outputs]) -> Floats:
        arrays = [self._channels(path, self._first[path])[0]]
        for outputs in altered:
            array = self._channels(path, outputs[path])[0] if path in outputs else arrays[0]
            if array.shape[-1] == arrays[0].shape[-1]:
                arrays.append(array)
        return channel_spreads(*arrays)

    def _channels(self, path: Any, *outputs: Output) -> list[Floats]:
        """Return outputs with channels on the last axis; a vector of a graph has one channel for each entry."""
        several = self.settings.moves or outputs[0].array.ndim > 1
        shape = (-1, outputs[0].array.shape[-1] if outputs[0].array.ndim > 1 else 1) if several else (1, -1)
        return [output.array.reshape(shape) for output in outputs]

    def _worst(
        self, path: Any, before: Output, after: Output, numberings: tuple[Numbering, Numbering]
    ) -> Difference | None:
        kind, array = self.type_of(path), before.array
        if self.settings.moves:
            first, second = (numbering.nodes[kind] for numbering in numberings)
            place = np.zeros(max(first, default=0) + 1, dtype=np.intp)
            place[first] = np.arange(len(first))
            array = array[place[second]]
        if array.shape != after.array.shape:
            return Difference(path, np.inf, f"shape {array.shape}", f"shape {after.array.shape}")
        if not array.size:
            return None
        wanted, found = self._channels(path, Output(array, before.unit), after)
        error = _error(wanted, found)
        excess = np.where(error > self._allowed(path, wanted, found, after), error, 0.0)
        row = int(excess.max(axis=1).argmax())
        if not excess.any():
            return None
        node = int(numberings[1].nodes[kind][row * len(array) // len(excess)]) if self.settings.moves else None
        return Difference(path, float(excess.max()), wanted[row], found[row], node)

    def _allowed(self, path: Any, wanted: Floats, found: Floats, output: Output) -> Floats:
        """Return the difference that rounding explains, for each channel."""
        units = _units(output, wanted, found)
        spread = self._spreads[path]
        spread = spread if spread.shape == units.shape else np.full(units.shape, spread.max(initial=0.0))
        return np.maximum(units, self.settings.tolerance * np.where(spread > units, spread, _largest(wanted, found)))


def _largest(*arrays: Floats) -> Floats:
    """Return the largest finite size in each channel."""
    sizes = np.abs(np.concatenate(arrays))
    largest: Floats = np.where(np.isfinite(sizes), sizes, 0.0).max(axis=0, initial=0.0)
    return largest


def _units(output: Output, *arrays: Floats) -> Floats:
    return max(UNITS * output.unit, LEAST) * _largest(*arrays)


def _error(wanted: Floats, found: Floats) -> Floats:
    """Return the differences; equal values that are not finite differ by 0, others by inf."""
    finite = np.isfinite(wanted) & np.isfinite(found)
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    difference = np.abs(np.where(finite, wanted, 0.0) - np.where(finite, found, 0.0))
    return np.where(finite, difference, np.where(same, 0.0, np.inf))
