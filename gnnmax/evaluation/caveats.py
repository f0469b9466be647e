"""Caveats: what to mind in reading a verdict, one sentence each."""

from __future__ import annotations

import numpy as np

from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.scored import Scored
from gnnmax.task.lacking_kinds import lacking_kinds

__all__ = ["caveats_of"]

FEW = 5
"""Below this effective number of graphs the coverage of intervals is not known to be good."""

_HELD = {
    "n": "windows",
    "positives": "centred windows",
    "negatives": "windows off centre",
    "called": "windows called centred",
    "not_called": "windows not called centred",
    "graphs_missed": "misses",
}
"""Words for the sums that metrics divide by."""


def caveats_of(data: EvaluationSet, scorer: Scored, threshold: float) -> tuple[str, ...]:
    """List where an interval says little about other graphs, the kinds that are lacking, and scores like probabilities.

    Args:
        data: The evaluation set.
        scorer: Scored on it.
        threshold: Of the decision.
    """
    if data.n_graphs == 1:
        found = [
            "all windows are of one graph: nothing follows about other graphs, so every interval is the whole range"
        ]
    else:
        found = [*_of_single_graphs(scorer), *_of_few_graphs(scorer)]
    return (*found, *_of_kinds(data), *_of_scale(scorer, threshold))


def _of_kinds(data: EvaluationSet) -> tuple[str, ...]:
    if data.kind_code is None or data.edges is None or data.k is None:
        return ()
    return lacking_kinds(data.kind_code, data.edges, data.k)


def _of_single_graphs(scorer: Scored) -> list[str]:
    """Name the metrics whose divisor lies in one graph."""
    found = []
    for divisor, words in _HELD.items():
        titles = [
            metric.title
            for name, metric in METRICS.items()
            if divisor in metric.divisors and name in scorer.point and not np.isnan(scorer.point[name])
        ]
        if titles and 0 < _effective(scorer, divisor) <= 1 + 1e-9:
            found.append(
                f"the {words} are all of one graph: nothing follows about other graphs, so the interval of "
                f"{', '.join(titles)} is the whole range"
            )
    return found


def _of_few_graphs(scorer: Scored) -> list[str]:
    """Warn where graphs are few, or one of them outweighs the others."""
    held = {divisor: _effective(scorer, divisor) for divisor in ("n", "positives", "negatives")}
    divisor = min(held, key=lambda name: held[name])
    if not 1 + 1e-9 < held[divisor] < FEW:
        return []
    return [
        f"the {_HELD[divisor]} weigh as much as {held[divisor]:.1f} graphs of equal size: with fewer than {FEW}, "
        "intervals are rough"
    ]


def _effective(scorer: Scored, divisor: str) -> float:
    return float(np.mean([clustered.graphs[divisor] for clustered in scorer.clustered if divisor in clustered.graphs]))


def _of_scale(scorer: Scored, threshold: float) -> list[str]:
    """Warn where a threshold outside (0, 1) decides all scores in it equally: they look like probabilities."""
    if scorer.scale is not None or 0 < threshold < 1:
        return []
    for decisions in scorer.decisions:
        if decisions.within_unit and (decisions.called.all() or not decisions.called.any()):
            which = "centred" if decisions.called.all() else "not centred"
            return [
                f"every window is called {which}, and every score lies in [0, 1] as probabilities do: if they are, "
                "pass scale='probabilities' and threshold=0.5"
            ]
    return []
