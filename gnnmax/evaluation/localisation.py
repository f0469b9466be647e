"""Localisation: whether the best-scored window of a graph is the centred one, and how far off it is if not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["Localisation", "graph_columns"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Localisation:
    """How well a scorer points at the maximum of each graph, from all windows of the graph together.

    Its metrics are the entries of :data:`gnnmax.evaluation.metrics.METRICS` that need graphs, and attributes:
    ``localisation.found``.

    Attributes:
        graphs: Graphs with a centred window.
        metrics: By name; None where a metric does not exist. Where several windows share the best score, ``found`` is
            the share of these that are centred.
        intervals: Of the metrics that exist.
    """

    graphs: int
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float]]

    def __getattr__(self, name: str) -> Any:
        metrics = self.__dict__.get("metrics", {})
        if name in metrics:
            return metrics[name]
        raise AttributeError(f"a localisation has no {name!r}: its metrics are {', '.join(metrics)}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and dicts: ``graphs``, each metric, and ``intervals``."""
        intervals = {name: list(interval) for name, interval in self.intervals.items()}
        return {"graphs": self.graphs, **self.metrics, "intervals": intervals}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Localisation:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValidationError: of msgspec, where it is something else.

        Example:
            >>> Localisation.from_dict({"graphs": 9, "found": 0.5, "intervals": {"found": [0.3, 0.7]}}).found
            0.5
        """
        metrics = msgspec.convert(plain, dict[str, Any])
        stored = {
            "graphs": metrics.pop("graphs", None),
            "intervals": metrics.pop("intervals", None),
            "metrics": metrics,
        }
        return msgspec.convert(stored, cls)


def graph_columns(
    level: npt.NDArray[np.intp],
    label: npt.NDArray[np.bool_],
    *,
    correct: npt.NDArray[np.bool_],
    graph: npt.NDArray[np.intp],
    offset: npt.NDArray[np.int16],
    k: int,
) -> dict[str, Floats]:
    """Return, for each of G graphs, the columns whose sums localisation needs, by their names in ``Sums``.

    Args:
        level: Ranks of the scores, shape ``(N,)``, equal for equal scores.
        label: Shape ``(N,)``.
        correct: Whether the decision is correct, shape ``(N,)``.
        graph: Number of each window's graph in ``0 .. G - 1``, each of them taken.
        offset: Of the maximum, shape ``(N, 2)``.
        k: Side of the windows.

    Returns:
        Arrays of shape ``(G,)``.

    Example:
        >>> columns = graph_columns(
        ...     np.array([1, 0, 0, 1]), np.array([1, 0, 1, 0], bool), correct=np.array([1, 1, 0, 1], bool),
        ...     graph=np.array([0, 0, 1, 1]), offset=np.array([[0, 0], [1, 0], [0, 0], [1, 1]], np.int16), k=3,
        ... )
        >>> for name, column in columns.items():
        ...     print(name, column.tolist())
        graphs [1.0, 1.0]
        graphs_exact [1.0, 0.0]
        graphs_centred [1.0, 1.0]
        graphs_found [1.0, 0.0]
        graphs_missed [0.0, 1.0]
        missed_distance [0.0, 1.0]
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
        "graphs_exact": summed(~correct) == 0,
        "graphs_centred": centred,
        "graphs_found": centred * summed(share * label),
        "graphs_missed": centred * summed(missed),
        "missed_distance": centred * summed(missed * far),
    }
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
