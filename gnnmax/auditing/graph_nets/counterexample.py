"""The smallest graph in which the exchange of two nodes, or of two edges, breaks the law of a graph net."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.graph_nets.attributes import Key, Layout, named
from gnnmax.auditing.graph_nets.renumbering import (
    Numbering,
    edges_shuffled,
    ends_of,
    nodes_shuffled,
    renumbered,
)
from gnnmax.auditing.graph_nets.trial import Difference, GraphTrial
from gnnmax.auditing.graph_nets.values import array_of

__all__ = ["Counterexample", "counterexample"]

Order = npt.NDArray[np.intp]

MOST_TRIALS = 200
SHOWN = 12


class Exchange(NamedTuple):
    """Two entries that change places, by their numbers in data.

    Attributes:
        group: ``nodes`` or ``edges``.
        key: The node type, or the store of the edges.
        first: One of them.
        second: The other.
    """

    group: str
    key: Key
    first: int
    second: int


@dataclass(frozen=True, eq=False)
class Counterexample:
    """An exchange that breaks the law.

    Attributes:
        exchange: The two nodes, or edges.
        nodes: For each node type the numbers in data of the nodes of the smallest graph, in its order.
        data: The smallest graph.
        difference: The outputs before and after the exchange.
        layout: How the attributes of data were read.
        moves: Whether the outputs had to move with the nodes.
    """

    exchange: Exchange
    nodes: Mapping[Key, Order]
    data: Any
    difference: Difference
    layout: Layout
    moves: bool

    def __str__(self) -> str:
        group, key, first, second = self.exchange
        difference = self.difference
        law = "the outputs do not move with the nodes" if self.moves else "the output notices the order of the nodes"
        if group == "edges":
            law = "the output notices the order of the edges in edge_index"
        whose = "" if key is None else f" of {'-'.join(key) if isinstance(key, tuple) else key}"
        output = "".join(f"[{part!r}]" for part in difference.path)
        output += "" if difference.node is None else f" of node {difference.node}"
        return "\n".join(
            [
                f"{law}: {group} {first} and {second}{whose} exchanged, they differ by {difference.size:.3g}",
                f"output{output}: {_short(difference.before)} becomes {_short(difference.after)}",
                f"smallest graph that shows it: {self._graph()}",
                f"attributes read as {self.layout}",
            ]
        )

    def _graph(self) -> str:
        """Describe the smallest graph by its nodes, in the numbers of data, and its edges, in its own numbers."""
        nodes = [
            f"{'nodes' if key is None else key} {_short(order)}" for key, order in self.nodes.items() if len(order)
        ]
        edges = [
            f"{named(each, 'edge_index')} {_short(array_of(store['edge_index']).T)}"
            for each in self.layout.sorting
            for store in self.data.stores
            if store._key == each
        ]
        return ", ".join([*nodes, *edges])


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value.dtype.kind != "i":
        return np.array2string(value, precision=6, threshold=SHOWN)
    return str(value.tolist()) if value.size <= SHOWN else f"({len(value)} of them)"


def counterexample(trial: GraphTrial, rng: np.random.Generator, *, orders: int) -> Counterexample | None:
    """Look for a numbering that breaks the law, and shrink it to two nodes, or edges, of the smallest graph.

    Args:
        trial: The net on a graph.
        rng: Draws the numberings.
        orders: Number of numberings.
    """
    for _ in range(orders):
        for target in _drawn(trial, rng):
            if trial.difference(trial.identity, target):
                return _shrunk(trial, *_culprit(trial, target))
    return None


def _drawn(trial: GraphTrial, rng: np.random.Generator) -> Iterator[Numbering]:
    """Yield a numbering with the nodes in another order, then one with the edges, where sorting leaves a choice."""
    yield nodes_shuffled(trial.layout, trial.identity, rng)
    if trial.settings.edge_order:
        other = edges_shuffled(trial.data, trial.layout, trial.identity, rng)
        if any(not np.array_equal(order, trial.identity.edges[key]) for key, order in other.edges.items()):
            yield other


def _culprit(trial: GraphTrial, target: Numbering) -> tuple[Numbering, Exchange]:
    """Find one exchange on the way to a numbering before which the law holds, and after which it does not."""
    steps = [step for group in ("nodes", "edges") for step in _steps(trial.identity, target, group)]
    low, high = 0, len(steps)
    while high - low > 1:
        middle = (low + high) // 2
        if trial.difference(trial.identity, _walked(trial.identity, steps[:middle])):
            high = middle
        else:
            low = middle
    return _walked(trial.identity, steps[:low]), steps[low]


def _steps(start: Numbering, target: Numbering, group: str) -> Iterator[Exchange]:
    """Yield exchanges that lead from one order to another."""
    for key, wanted in getattr(target, group).items():
        order = getattr(start, group)[key].copy()
        place = np.argsort(order)
        for i, number in enumerate(wanted):
            if (here := order[i]) != number:
                yield Exchange(group, key, int(here), int(number))
                order[[i, place[number]]] = number, here
                place[[here, number]] = place[[number, here]]


def _walked(start: Numbering, steps: list[Exchange]) -> Numbering:
    orders = {name: {key: order.copy() for key, order in getattr(start, name).items()} for name in ("nodes", "edges")}
    places = {name: {key: np.argsort(order) for key, order in orders[name].items()} for name in orders}
    for group, key, first, second in steps:
        order, place = orders[group][key], places[group][key]
        order[place[[first, second]]] = second, first
        place[[first, second]] = place[[second, first]]
    return replace(start, nodes=orders["nodes"], edges=orders["edges"])


def _shrunk(trial: GraphTrial, numbering: Numbering, exchange: Exchange) -> Counterexample:
    """Leave nodes out, many at once and then one by one, as long as the exchange breaks the law."""
    best = numbering
    found = _shown(trial, best, exchange) or trial.difference(trial.identity, best.exchanged(*exchange))
    part = sum(len(order) for order in best.nodes.values())
    trials, smaller = 0, True
    while trials < MOST_TRIALS and (part > 1 or smaller):
        part, smaller = max(part // 2, 1), False
        free = _free(trial, best, exchange)
        for start in range(0, len(free), part):
            fewer = _without(best, free[start : start + part])
            shown, trials = _shown(trial, fewer, exchange), trials + 1
            if shown:
                best, found, smaller = fewer, shown, True
    assert found is not None, "the exchange was chosen because it breaks the law"
    data = renumbered(trial.data, trial.layout, best)
    return Counterexample(exchange, best.nodes, data, found, trial.layout, trial.settings.moves)


def _free(trial: GraphTrial, numbering: Numbering, exchange: Exchange) -> list[tuple[Key, int]]:
    """List the nodes that are not exchanged and are no ends of edges that are."""
    group, key, *numbers = exchange
    fixed = {(key, number) for number in numbers}
    if group == "edges":
        kinds = (key, key) if key is None else (key[0], key[-1])
        fixed = {
            (kind, int(node))
            for kind, row in zip(kinds, ends_of(trial.data, key), strict=True)
            for node in row[numbers]
        }
    nodes = [(kind, int(node)) for kind, order in numbering.nodes.items() for node in order]
    return [each for each in nodes if each not in fixed]


def _without(numbering: Numbering, left_out: list[tuple[Key, int]]) -> Numbering:
    gone = {key: [node for kind, node in left_out if kind == key] for key in numbering.nodes}
    nodes = {key: order[~np.isin(order, gone[key])] for key, order in numbering.nodes.items()}
    return replace(numbering, nodes=nodes)


def _shown(trial: GraphTrial, numbering: Numbering, exchange: Exchange) -> Difference | None:
    """Return the difference that an exchange makes in a part of the graph; None where the net refuses the part."""
    try:
        return trial.difference(numbering, numbering.exchanged(*exchange))
    except Exception:  # the net is any code, and may refuse a graph that it was not made for
        return None
