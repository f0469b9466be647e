"""Paired tests of two scorers on the same windows, with graphs as clusters and seeds as blocks."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtr, stdtrit

from gnnmax.evaluation.bootstrap import percentile_interval
from gnnmax.evaluation.difference import Difference
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.intervals import Resampled
from gnnmax.evaluation.significance import holm, mcnemar, sign_flip

__all__ = ["paired_differences"]

Floats = npt.NDArray[np.float64]
POWER = 0.8


def paired_differences(
    data: EvaluationSet, scorers: Mapping[str, Resampled], *, confidence: float, rng: np.random.Generator
) -> tuple[Difference, ...]:
    """Compare every two scorers, and correct the p-values for the number of pairs.

    With one seed each, the interval is that of the bootstrap over graphs and the p-value flips signs over graphs. With
    S seeds, which are blocks that both scorers share, both come from a t distribution with the variance of a mean over
    graphs and seeds at once, ``V = V_graphs + V_seeds``, and Satterthwaite's degrees of freedom: they are then valid
    for other graphs and for other seeds. The interaction of graphs and seeds is counted twice, on the safe side.

    Args:
        data: The evaluation set.
        scorers: Names to resampled metrics; a scorer with a single seed counts as equal in all seeds.
        confidence: Of the intervals.
        rng: Flips signs where there are too many patterns to enumerate.

    References:
        A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007 (why rows and columns must both
        vary). F. E. Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics
        Bulletin 2, 1946.
    """
    names = list(itertools.combinations(scorers, 2))
    level = (1 - confidence) / max(1, len(names))
    pairs = [_difference(data, pair, scorers, confidence=confidence, level=level, rng=rng) for pair in names]
    corrected = holm([pair.p_value for pair in pairs])
    pairs = [dataclasses.replace(pair, corrected_p_value=p) for pair, p in zip(pairs, corrected, strict=True)]
    return tuple(dataclasses.replace(pair, additional_graphs=0) if pair.is_significant else pair for pair in pairs)


def _difference(
    data: EvaluationSet,
    names: tuple[str, str],
    scorers: Mapping[str, Resampled],
    *,
    confidence: float,
    level: float,
    rng: np.random.Generator,
) -> Difference:
    first, second = (scorers[name] for name in names)
    seeds = max(len(first.decisions), len(second.decisions))
    ahead = [
        first.decisions[s % len(first.decisions)].correct.astype(np.int64)
        - second.decisions[s % len(second.decisions)].correct
        for s in range(seeds)
    ]
    # One row a seed, one column a graph: windows that only the first gets right, less those that only the second does.
    table = np.rint([np.bincount(data.unit, weights=column, minlength=data.n_graphs) for column in ahead])
    drawn = {key: first.drawn[key] - second.drawn[key] for key in ("accuracy", "auroc")}
    accuracy = float(table.sum() / seeds / len(data.label))
    share = _Spread.of(table / len(data.label), drawn["accuracy"])
    low, high = -1.0, 1.0
    if seeds > 1 and share.total > 0:
        p_value = share.p_value(accuracy)
        if data.n_graphs > 1:
            low, high = share.interval(accuracy, confidence)
    else:
        p_value = sign_flip(table.sum(axis=0).astype(np.int64), rng)
        low, high = _clipped(drawn["accuracy"], confidence, data.n_graphs)
    area_low, area_high = _clipped(drawn["auroc"], confidence, data.n_graphs)
    first_only, second_only = (sum(int((sign * column > 0).sum()) for column in ahead) for sign in (1, -1))
    return Difference(
        first=names[0],
        second=names[1],
        accuracy=accuracy,
        low=low,
        high=high,
        p_value=p_value if data.n_graphs > 1 else 1.0,
        mcnemar_p_value=mcnemar(first_only, second_only),
        first_only=first_only,
        second_only=second_only,
        auroc=float(first.point["auroc"] - second.point["auroc"]),
        auroc_low=area_low,
        auroc_high=area_high,
        confidence=confidence,
        minimum_detectable_effect=share.minimum_detectable_effect(level) if data.n_graphs > 1 else None,
        additional_graphs=share.additional_graphs(accuracy, level) if data.n_graphs > 1 else None,
        seeds=seeds,
    )


def _clipped(drawn: Floats, confidence: float, graphs: int) -> tuple[float, float]:
    interval = None if graphs < 2 else percentile_interval(drawn, confidence, graphs)
    return (-1.0, 1.0) if interval is None else (max(-1.0, interval[0]), min(1.0, interval[1]))


@dataclasses.dataclass(frozen=True)
class _Spread:
    """Variance of a mean difference, from graphs and from seeds."""

    graphs: int
    seeds: int
    of_graphs: float
    of_seeds: float

    @classmethod
    def of(cls, table: Floats, drawn: Floats) -> _Spread:
        """Split the variance: ``table`` is ``(S, G)``, its sum over G the difference of a seed."""
        seeds, graphs = table.shape
        of_graphs = float(drawn.var() * graphs / max(1, graphs - 1))
        if seeds == 1:
            return cls(graphs, seeds, of_graphs, 0.0)
        # Both include the interaction of graphs and seeds: subtracted once, tests of three seeds alarm too often.
        return cls(graphs, seeds, of_graphs, float(table.sum(axis=1).var(ddof=1)) / seeds)

    @property
    def total(self) -> float:
        return self.of_graphs + self.of_seeds

    @property
    def freedom(self) -> float:
        parts = self.of_graphs**2 / max(1, self.graphs - 1) + self.of_seeds**2 / max(1, self.seeds - 1)
        return self.total**2 / parts if parts > 0 else float(self.graphs - 1)

    def interval(self, difference: float, confidence: float) -> tuple[float, float]:
        half = -float(stdtrit(self.freedom, (1 - confidence) / 2)) * math.sqrt(self.total)
        return max(-1.0, difference - half), min(1.0, difference + half)

    def p_value(self, difference: float) -> float:
        return float(2 * stdtr(self.freedom, -abs(difference) / math.sqrt(self.total)))

    def minimum_detectable_effect(self, level: float) -> float:
        return (float(ndtri(1 - level / 2)) + float(ndtri(POWER))) * math.sqrt(self.total)

    def additional_graphs(self, difference: float, level: float) -> int | None:
        """Return the graphs to add for a test of this level and power; None where graphs alone do not suffice."""
        wanted = (difference / (float(ndtri(1 - level / 2)) + float(ndtri(POWER)))) ** 2 - self.of_seeds
        if wanted <= 0:
            return None
        return max(1, math.ceil(self.graphs * (self.of_graphs / wanted - 1)))
