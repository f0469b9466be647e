"""Finding the maximum of a whole graph: is the best-scored of its windows the centred one, how far off if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Localisation", "graph_columns"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Localisation:
    """How well a scorer points at the maximum of each graph, all windows of the graph taken together.

    Attributes:
        graphs: Graphs with a centred window among theirs.
        found: Share of them whose best-scored window is centred; where several share the best score, the share of
            these that are.
        distance: Mean distance of the maximum from the centre of the best-scored window, in steps of a king on a board,
            where that window is not centred and holds the maximum; None where there is no such graph.
        exact: Share of all graphs every window of which is decided rightly.
        intervals: Of ``found``, ``exact`` and, where it exists, ``distance``.
    """

    graphs: int
    found: float
    distance: float | None
    exact: float
    intervals: dict[str, tuple[float, float]]


def graph_columns(
    level: npt.NDArray[np.intp],
    label: npt.NDArray[np.bool_],
    right: npt.NDArray[np.bool_],
    graph: npt.NDArray[np.intp],
    offset: npt.NDArray[np.int16],
    k: int,
) -> dict[str, Floats]:
    """Return, for each of G graphs, what localisation sums over graphs; every array has shape ``(G,)``.

    Args:
        level: Ranks of the scores, shape ``(N,)``, equal for equal scores.
        label: Shape ``(N,)``.
        right: Whether the decision is right, shape ``(N,)``.
        graph: Number of each window's graph in ``0 .. G - 1``, each of them taken.
        offset: Of the maximum, shape ``(N, 2)``.
        k: Side of the windows.

    Example:
        >>> columns = graph_columns(
        ...     np.array([1, 0, 0, 1]), np.array([1, 0, 1, 0], bool), np.array([1, 1, 0, 1], bool),
        ...     np.array([0, 0, 1, 1]), np.array([[0, 0], [1, 0], [0, 0], [1, 1]], np.int16), k=3,
        ... )
        >>> {name: column.tolist() for name, column in columns.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'graphs': [1.0, 1.0], 'exact': [1.0, 0.0], 'centred': [1.0, 1.0], 'found': [1.0, 0.0],
         'missed': [0.0, 1.0], 'far': [0.0, 1.0]}
    """
    graphs = int(graph.max()) + 1
    best = np.zeros(graphs, np.intp)
    np.maximum.at(best, graph, level)
    top = level == best[graph]
    share = top / np.bincount(graph, weights=top)[graph]
    far = np.abs(offset.astype(np.float64)).max(axis=1)
    missed = share * (~label & (far <= k // 2))

    def summed(column: npt.NDArray[Any]) -> Floats:
        return np.bincount(graph, weights=column, minlength=graphs).astype(np.float64)

    centred = summed(label.astype(np.float64)) > 0
    columns = {
        "graphs": np.ones(graphs),
        "exact": summed(~right) == 0,
        "centred": centred,
        "found": centred * summed(share * label),
        "missed": centred * summed(missed),
        "far": centred * summed(missed * far),
    }
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
