"""The sums over windows and graphs that every metric is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Needs", "Sums"]

Floats = npt.NDArray[np.float64]
Needs = Literal["decisions", "ranking", "probabilities", "prevalence", "bayes_rule", "graphs"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """Counts, or sums of weights, of all windows or of some, each of shape ``(...,)`` unless stated otherwise.

    Attributes:
        n: Windows.
        positives: Windows whose label is "centred".
        true_positives: Positives called centred.
        false_positives: Negatives called centred.
        levels: Weights of the positives and of the negatives on each level of the scores, lowest level first, shape
            ``(L, ...)`` each; None without a ranking.
        squared_error: Sum of ``(probability - label) ** 2``; None without a declared scale.
        excess: Sum of ``probability - label`` in each calibration bin, shape ``(BINS, ...)``; None without a scale.
        chance: Sum of one over the number of edges of a window, over the windows around an edge; None where not even the
            side of the windows is known, and so are these windows.
        around_edges: Windows around an edge.
        bayes_right: Windows that the Bayes rule decides correctly; None where there is no such rule.
        graphs: Graphs; None where each window is a graph of its own, and so are the five below.
        graphs_exact: Graphs whose windows are all decided correctly.
        graphs_centred: Graphs with a centred window.
        graphs_found: Those of them whose best-scored window is centred.
        graphs_missed: Those of them whose best-scored window is off-centre and holds the maximum.
        missed_distance: Sum over these of the distance between maximum and centre.

    Example:
        >>> sums = Sums(n=np.array(10.0), positives=np.array(5.0), true_positives=np.array(4.0), false_positives=np.array(1.0))
        >>> float(sums.true_negatives), float(sums.called), sums.has("ranking")
        (4.0, 5.0, False)
    """  # noqa: E501

    n: Floats
    positives: Floats
    true_positives: Floats
    false_positives: Floats
    levels: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None
    squared_error: Floats | None = None
    excess: Floats | None = None
    chance: Floats | None = None
    around_edges: Floats | None = None
    bayes_right: Floats | None = None
    graphs: Floats | None = None
    graphs_exact: Floats | None = None
    graphs_centred: Floats | None = None
    graphs_found: Floats | None = None
    graphs_missed: Floats | None = None
    missed_distance: Floats | None = None

    @property
    def negatives(self) -> Floats:
        """Windows whose label is not "centred"."""
        return self.n - self.positives

    @property
    def called(self) -> Floats:
        """Windows called centred."""
        return self.true_positives + self.false_positives

    @property
    def positives_and_called(self) -> Floats:
        """Positives, and windows called centred: a true positive counts twice."""
        return self.positives + self.called

    @property
    def not_called(self) -> Floats:
        """Windows not called centred."""
        return self.n - self.called

    @property
    def true_negatives(self) -> Floats:
        """Negatives not called centred."""
        return self.negatives - self.false_positives

    @property
    def prevalence(self) -> Floats:
        """Natural share of centred windows among those around an edge; NaN where there are none."""
        assert self.chance is not None and self.around_edges is not None
        with np.errstate(invalid="ignore"):
            return np.asarray(self.chance / self.around_edges)

    def has(self, needs: Needs) -> bool:
        """Return whether the sums that a metric needs are present."""
        return getattr(self, _PRESENT_WITH[needs]) is not None


_PRESENT_WITH: dict[Needs, str] = {
    "decisions": "n",
    "ranking": "levels",
    "probabilities": "squared_error",
    "prevalence": "chance",
    "bayes_rule": "bayes_right",
    "graphs": "graphs",
}
