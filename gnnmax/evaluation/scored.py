"""Scorers on an evaluation set: their metrics on all windows, and without each graph in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import Scale
from gnnmax.evaluation.clustered_metrics import ClusteredMetrics, Decisions
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.jackknife import Estimate
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.unit_sums import batches_of

__all__ = ["Scored", "leave_graphs_out"]

Floats = npt.NDArray[np.float64]


class Scored:
    """One scorer's decisions, one entry a seed, and its metrics on all windows and without each unit.

    Attributes:
        decisions: One a seed.
        clustered: Their sums by unit, one a seed.
        seeds: Metrics of each seed on all windows.
        point: Mean of these over the seeds.
        left_out: Mean over the seeds of each metric without each unit, shape ``(U,)``; of the slices of a group
            ``(slices, U)``.
        scale: Of the scores, where it was declared.
    """

    def __init__(
        self,
        data: EvaluationSet,
        decisions: Sequence[Decisions],
        *,
        batch: npt.NDArray[np.intp],
        scale: Scale | None,
    ) -> None:
        self.decisions, self.scale = decisions, scale
        self.clustered = [ClusteredMetrics.of(data, each, batch) for each in decisions]
        self.seeds = [clustered.whole() for clustered in self.clustered]
        self.point = _mean(self.seeds)
        self.left_out = _mean([clustered.left_out() for clustered in self.clustered])

    def by_seed(self, metric: str) -> Floats:
        """Return a metric seed by seed, shape ``(S,)``."""
        return np.array([found[metric] for found in self.seeds])

    def shares(self, metric: str) -> Floats:
        """Return each unit's share of the sums that a metric divides by, mean over the seeds, shape ``(m, U)``."""
        return np.asarray(np.mean([each.shares(METRICS[metric].divisors) for each in self.clustered], axis=0))

    def graphs(self, metric: str) -> Floats:
        """Return the effective number of graphs in the sums that a metric divides by, shape ``(m,)``."""
        divisors = METRICS[metric].divisors
        return np.asarray(np.mean([[each.graphs[name] for name in divisors] for each in self.clustered], axis=0))

    def estimate(self, metric: str, ends: tuple[float, float]) -> Estimate:
        """Return a metric with its variance over graphs and seeds."""
        return Estimate.of(
            self.by_seed(metric),
            self.left_out[metric],
            shares=self.shares(metric),
            graphs=self.graphs(metric),
            ends=ends,
            odds=METRICS[metric].odds,
        )

    def counted(self, name: str) -> float:
        """Return a sum over all windows, mean over the seeds."""
        return float(np.mean([getattr(clustered.total, name) for clustered in self.clustered]))


def _mean(found: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    if len(found) == 1:
        return found[0]
    return {name: np.mean([each[name] for each in found], axis=0) for name in found[0]}


def leave_graphs_out(
    data: EvaluationSet,
    decisions: Mapping[str, Sequence[Decisions]],
    *,
    options: EvaluationOptions,
    scales: Mapping[str, Scale | None],
    rng: np.random.Generator,
) -> dict[str, Scored]:
    """Compute every metric of every scorer without the same units.

    Args:
        data: The evaluation set.
        decisions: For each name the decisions of its seeds.
        options: The number of units at most.
        scales: Declared scale of each name.
        rng: Draws the batches of graphs, where there are more graphs than units.
    """
    batch = batches_of(data.n_graphs, options.resamples, rng)
    return {name: Scored(data, each, batch=batch, scale=scales[name]) for name, each in decisions.items()}
