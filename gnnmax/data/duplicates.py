"""Duplicates: windows that are relabellings of each other, which two splits must not share."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.hashing import splitmix64
from gnnmax.task.windows import Windows

__all__ = ["Shared", "count_shared", "fingerprints", "same_up_to_relabelling"]

Words = npt.NDArray[np.uint64]
ROUNDS = 2
CENTRE, CROSS = np.uint64(1), np.uint64(2)


@dataclass(frozen=True)
class Shared:
    """The number of windows that two sets share, up to relabelling and transposition.

    Attributes:
        first: Name of the first set.
        second: Name of the second set.
        windows: Number of windows of the second set that have a copy in the first.
        example: Indices of one such pair, in the first and in the second set; None if there is none.
    """

    first: str
    second: str
    windows: int
    example: tuple[int, int] | None


def count_shared(sets: Mapping[str, Windows]) -> list[Shared]:
    """Count the windows that each pair of sets shares: equal, relabelled around the centre, or transposed.

    A fingerprint that is invariant to the group finds candidates; each is then confirmed by an exact search. Constant
    windows do not count: they carry nothing that a net could remember.

    Cost: some microseconds per window, and a search for each candidate; candidates are rare.

    Args:
        sets: Windows by name; windows of different sides are never shared.

    Example:
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(4, 3, 3)))
        >>> turned = Windows.from_values(w.values[:1].transpose(0, 2, 1))
        >>> count_shared({"train": w, "test": turned})
        [Shared(first='train', second='test', windows=1, example=(0, 0))]
    """
    marks = {name: fingerprints(w.values) for name, w in sets.items()}
    return [_shared(a, b, sets, marks) for a, b in itertools.combinations(sets, 2)]


def _shared(first: str, second: str, sets: Mapping[str, Windows], marks: Mapping[str, Words]) -> Shared:
    if sets[first].k != sets[second].k:
        return Shared(first, second, 0, None)
    order = np.argsort(marks[first], kind="stable")
    known = marks[first][order]
    low, high = (np.searchsorted(known, marks[second], side=side) for side in ("left", "right"))
    found = 0
    example = None
    values = sets[second].values
    constant = (values == values[:, :1, :1]).all(axis=(1, 2))
    for here in np.flatnonzero((high > low) & ~constant).tolist():
        for there in order[low[here] : high[here]].tolist():
            if same_up_to_relabelling(sets[first].values[there], sets[second].values[here]):
                found += 1
                example = example or (there, here)
                break
    return Shared(first, second, found, example)


def fingerprints(values: npt.NDArray[np.floating[Any]]) -> Words:
    """Return a fingerprint of each window, invariant to relabelling around the centre and to transposition.

    Colour refinement: an entry is coloured by its value and by whether it is the centre, in its row or column, or
    elsewhere; a row or column by the multiset of its entries' colours; then an entry again by its own colour and those
    of its row and column. After two rounds, windows that refinement distinguishes have different fingerprints, except
    with probability about ``2^-64`` per pair. Windows with the same fingerprint may still differ.

    Args:
        values: Windows, shape ``(N, k, k)``.

    Returns:
        Shape ``(N,)``, uint64.

    Raises:
        InputError: the values are not windows.

    References:
        Weisfeiler, Leman, "A reduction of a graph to a canonical form", 1968: the refinement, here of bipartite graphs
        with coloured edges. Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014: the
        mixing of 64-bit integers.

    Example:
        >>> window = np.arange(9.0).reshape(1, 3, 3)
        >>> len({int(fingerprints(w)[0]) for w in (window, window.mT, window[:, [2, 1, 0]])})
        1
        >>> len({int(fingerprints(w)[0]) for w in (window, window[:, [1, 0, 2]], window + 1)})
        3
    """
    values = np.asarray(values)
    if values.ndim != 3 or values.shape[1] != values.shape[2] or values.shape[1] % 2 == 0:
        raise InputError(f"windows have shape (N, k, k) with k odd, not {values.shape}")
    middle, words = values.shape[1] // 2, np.uint32 if values.dtype == np.float32 else np.uint64
    kept = values if values.dtype == np.float32 else values.astype(np.float64)
    with np.errstate(over="ignore"):
        colour = splitmix64(np.ascontiguousarray(kept + kept.dtype.type(0)).view(words).astype(np.uint64))  # -0 is 0
        others = np.arange(values.shape[1]) != middle
        colour[:, middle, middle] = splitmix64(colour[:, middle, middle] + CENTRE)
        colour[:, middle, others] = splitmix64(colour[:, middle, others] + CROSS)
        colour[:, others, middle] = splitmix64(colour[:, others, middle] + CROSS)
        for _ in range(ROUNDS):
            rows, columns = (splitmix64(colour.sum(axis=axis, keepdims=True, dtype=np.uint64)) for axis in (2, 1))
            colour = splitmix64(colour + rows + columns)
        return splitmix64(colour.sum(axis=(1, 2), dtype=np.uint64))


def same_up_to_relabelling(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    """Decide exactly whether two windows are equal up to relabelling around the centre and transposition.

    Cost: a search that is short if the values are diverse, and may be long if nearly all are equal.

    Args:
        a: Window, shape ``(k, k)``.
        b: Window of the same shape.

    Example:
        >>> window = np.arange(9.0).reshape(3, 3)
        >>> same_up_to_relabelling(window, window.T[[2, 1, 0]]), same_up_to_relabelling(window, window[[1, 0, 2]])
        (True, False)
    """
    if a.shape != b.shape or not np.array_equal(np.sort(a, axis=None), np.sort(b, axis=None)):
        return False
    return _relabelled(a, b) or _relabelled(a, b.T)


def _relabelled(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    """Decide whether rows and columns of two windows match, centre to centre: isomorphism of weighted graphs."""
    from networkx.algorithms.isomorphism import GraphMatcher

    matcher = GraphMatcher(
        _as_graph(a),
        _as_graph(b),
        node_match=lambda one, other: one == other,
        edge_match=lambda one, other: one == other,
    )
    return bool(matcher.is_isomorphic())


def _as_graph(values: npt.NDArray[Any]) -> Any:
    """Convert a window to a complete bipartite graph; nodes carry their side, the mark of the centre, and a colour."""
    import networkx as nx

    graph, k = nx.Graph(), len(values)
    for side, lines in (("row", values), ("column", values.T)):
        for index, line in enumerate(lines.tolist()):
            at_centre = line[k // 2]
            graph.add_node((side, index), side=side, root=index == k // 2, meets=at_centre, bag=sorted(line))
    for row, column in itertools.product(range(k), repeat=2):
        graph.add_edge(("row", row), ("column", column), value=float(values[row, column]))
    return graph
