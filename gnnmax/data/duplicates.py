"""Windows that are one another's relabelling: the same question asked twice, which no split may share with another."""

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
    """How many windows of one set are also in another, up to the label's own group.

    Attributes:
        first: Name of the one.
        second: Name of the other.
        windows: How many of the second have a copy in the first.
        example: Index of such a pair, in the first and in the second; None if there is none.
    """

    first: str
    second: str
    windows: int
    example: tuple[int, int] | None


def count_shared(sets: Mapping[str, Windows]) -> list[Shared]:
    """Count, for every two sets, the windows that are in both: equal, relabelled around the centre, or transposed.

    A fingerprint that the group cannot change finds candidates; each is then confirmed exactly, so that neither chance
    nor likeness counts.

    Cost: some microseconds a window; a search for each candidate, and there are few or none.

    Args:
        sets: Windows by name; those of different sides share none.

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
    for here in np.flatnonzero(high > low).tolist():
        for there in order[low[here] : high[here]].tolist():
            if same_up_to_relabelling(sets[first].values[there], sets[second].values[here]):
                found += 1
                example = example or (there, here)
                break
    return Shared(first, second, found, example)


def fingerprints(values: npt.NDArray[np.floating[Any]]) -> Words:
    """Return a number for each window that relabelling around the centre and transposition leave as it is.

    Entries are coloured by their value and by whether they are the centre, in its row or column, or elsewhere; a row
    and a column by the colours they hold, as a bag; then entries again by their own colour and those of their two ends.
    After two rounds windows that such colours tell apart have different numbers, but for a chance of about ``2^-64`` a
    pair. Windows of one number may still differ.

    Args:
        values: Windows, shape ``(N, k, k)``.

    Returns:
        Shape ``(N,)``, uint64.

    Raises:
        InputError: not windows.

    References:
        Weisfeiler, Leman, "A reduction of a graph to a canonical form", 1968: the refinement, here of bipartite graphs
        with coloured edges. Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014: the
        mixing of words.

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
    """Tell exactly whether a window is another one, relabelled around its centre or transposed.

    Cost: a search that ends at once where values differ much, and may be long where nearly all are equal.

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
    """Tell whether rows and columns of two windows can be matched, centre to centre: isomorphism of weighted graphs."""
    from networkx.algorithms.isomorphism import GraphMatcher

    matcher = GraphMatcher(
        _as_graph(a),
        _as_graph(b),
        node_match=lambda one, other: one == other,
        edge_match=lambda one, other: one == other,
    )
    return bool(matcher.is_isomorphic())


def _as_graph(values: npt.NDArray[Any]) -> Any:
    """Take a window for a complete bipartite graph; a node knows its side, whether it is the centre's, and its bag."""
    import networkx as nx

    graph, k = nx.Graph(), len(values)
    for side, lines in (("row", values), ("column", values.T)):
        for index, line in enumerate(lines.tolist()):
            at_centre = line[k // 2]
            graph.add_node((side, index), side=side, root=index == k // 2, meets=at_centre, bag=sorted(line))
    for row, column in itertools.product(range(k), repeat=2):
        graph.add_edge(("row", row), ("column", column), value=float(values[row, column]))
    return graph
