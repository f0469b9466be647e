"""Several callers on the same maps: their verdicts, and the difference of every metric for each pair."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gnnmax.errors import unknown_name
from gnnmax.evaluation.jackknife import Estimate
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict, draw_froc
from gnnmax.evaluation.peaks.scored_caller import ScoredCaller, by_bootstrap
from gnnmax.task.equality import EqualByContent
from gnnmax.task.plotting import COLOURS, axes_for, draw_intervals
from gnnmax.task.tabulation import Shown, TableText, data_frame, interval_text, number_text

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PeakComparison", "PeakDifference", "holm", "peak_differences"]


@dataclass(frozen=True)
class PeakDifference:
    """How two callers differ in one metric on the same maps, first minus second.

    Attributes:
        first: Name of the first caller.
        second: Name of the second.
        metric: Name of the metric.
        difference: Of the metrics.
        low: Lower end of its interval, of this pair alone; None where there is none.
        high: Upper end.
        p_value: Two-sided, of the hypothesis that both are equally good, of this pair alone.
        corrected_p_value: Among all pairs in this metric, by Holm.
        confidence: Of the interval.
        pairs: Number of pairs compared.
    """

    first: str
    second: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    p_value: float
    corrected_p_value: float
    confidence: float
    pairs: int

    @property
    def is_significant(self) -> bool:
        """Whether the p-value among all pairs is at most ``1 - confidence``."""
        return self.corrected_p_value <= 1 - self.confidence

    def reversed(self) -> PeakDifference:
        """Return the same difference, second minus first."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return dataclasses.replace(
            self, first=self.second, second=self.first, difference=-self.difference, low=low, high=high
        )

    def sentence(self) -> str:
        """State which caller is better and by how much, or that the difference is not significant.

        Example:
            >>> PeakDifference("a", "b", "recall", 0.1, 0.04, 0.16, 0.001, 0.002, 0.95, 2).sentence()
            'a beats b in recall by 0.100 [0.040, 0.160], p = 0.002 (for all 2 pairs, by Holm)'
        """
        metric = PEAK_METRICS[self.metric]
        ahead = (self.difference < 0) == metric.lower_is_better or self.difference == 0
        d = self if ahead else self.reversed()
        sign = -1 if metric.lower_is_better else 1
        ends = sorted(sign * end for end in (d.low, d.high) if end is not None)
        interval = f" [{ends[0]:.3f}, {ends[1]:.3f}]" if len(ends) == 2 else ""
        found = f"{sign * d.difference:.3f}{interval}, p = {d.corrected_p_value:.2g}"
        if d.pairs > 1:
            found = f"{found} (for all {d.pairs} pairs, by Holm)"
        if d.is_significant:
            return f"{d.first} beats {d.second} in {metric.title} by {found}"
        return f"no significant difference between {d.first} and {d.second} in {metric.title}: {found}"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values among all, by Holm's step-down method.

    References:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in found]


def peak_differences(callers: Mapping[str, ScoredCaller], confidence: float) -> tuple[PeakDifference, ...]:
    """Compare every two callers in every metric that both have, paired over maps.

    Variance and t are those of :mod:`gnnmax.evaluation.jackknife`, over maps and, with several seeds, over seeds.
    """
    pairs = list(itertools.combinations(callers, 2))
    found: list[PeakDifference] = []
    for metric in PEAK_METRICS:
        estimates = {pair: each for pair in pairs if (each := _estimate(callers, pair, metric)) is not None}
        p_values = [estimate.p_value() for estimate in estimates.values()]
        for (pair, estimate), p, corrected in zip(estimates.items(), p_values, holm(p_values), strict=True):
            bound = PEAK_METRICS[metric].greatest
            low, high = estimate.difference_interval(confidence, ends=(-bound, bound))
            known = math.isfinite(low) and math.isfinite(high)
            found.append(
                PeakDifference(
                    *pair,
                    metric,
                    estimate.value,
                    low if known else None,
                    high if known else None,
                    p,
                    corrected,
                    confidence,
                    len(estimates),
                )
            )
    return tuple(found)


def _estimate(callers: Mapping[str, ScoredCaller], pair: tuple[str, str], metric: str) -> Estimate | None:
    """Return the difference of a metric with its variance; None where one of both does not have it."""
    first, second = (callers[name] for name in pair)
    if not all(np.isfinite(caller.point.get(metric, np.nan)) for caller in (first, second)):
        return None
    seeds = max(len(first.seeds), len(second.seeds))
    bound = PEAK_METRICS[metric].greatest
    by_seed = np.resize(first.by_seed(metric), seeds) - np.resize(second.by_seed(metric), seeds)
    end = bound if math.isfinite(bound) else max(2 * abs(float(by_seed.mean())), 1.0)
    found = Estimate.of(
        by_seed,
        first.left_out[metric] - second.left_out[metric],
        shares=(first.shares(metric) + second.shares(metric)) / 2,
        graphs=np.minimum(first.maps(metric), second.maps(metric)),
        ends=(-end, end),
        odds=PEAK_METRICS[metric].odds,
    )
    resampled = None if PEAK_METRICS[metric].smooth else first.resampled[metric] - second.resampled[metric]
    return by_bootstrap(found, resampled)


@dataclass(frozen=True, eq=False, repr=False)
class PeakComparison(EqualByContent, Shown):
    """Several callers evaluated on the same maps.

    Attributes:
        verdicts: By name, in the order given.
        differences: Of every metric that both callers of a pair have, metric by metric.
    """

    verdicts: dict[str, PeakVerdict]
    differences: tuple[PeakDifference, ...]

    def between(self, first: str, second: str, metric: str) -> PeakDifference:
        """Return the difference of two callers in a metric, first minus second.

        Raises:
            InputError: names or a metric that were not compared.
        """
        for pair in self.differences:
            for difference in (pair, pair.reversed()):
                if (difference.first, difference.second, difference.metric) == (first, second, metric):
                    return difference
        known = [f"{d.first} and {d.second} in {d.metric}" for d in self.differences]
        raise unknown_name("difference", f"{first} and {second} in {metric}", known)

    def sentences(self, metric: str | None = None) -> list[str]:
        """State for each pair which caller is better in a metric; None takes average precision, else F1."""
        if metric is not None and metric not in PEAK_METRICS:
            raise unknown_name("metric", metric, PEAK_METRICS)
        chosen = metric or self.main_metric
        return [each.sentence() for each in self.differences if each.metric == chosen]

    @property
    def main_metric(self) -> str:
        """Average precision where every caller has scores, else F1."""
        scored = all(verdict.metrics["average_precision"] is not None for verdict in self.verdicts.values())
        return "average_precision" if scored else "f1"

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: JSON can hold it."""
        return {
            "verdicts": {name: verdict.to_dict() for name, verdict in self.verdicts.items()},
            "differences": [{**dataclasses.asdict(each), "sentence": each.sentence()} for each in self.differences],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame: one row a caller; every metric, and the ends of its interval.

        Raises:
            InputError: pandas is not installed.
        """
        columns: dict[str, list[Any]] = {"caller": list(self.verdicts)}
        for name in PEAK_METRICS:
            columns[name] = [verdict.metrics.get(name) for verdict in self.verdicts.values()]
            ends = [verdict.intervals.get(name, (None, None)) for verdict in self.verdicts.values()]
            columns[f"{name}_low"], columns[f"{name}_high"] = ([end[at] for end in ends] for at in (0, 1))
        return data_frame(columns).set_index("caller").astype("float64")

    def __repr__(self) -> str:
        return f"<PeakComparison of {', '.join(self.verdicts)}>"

    def __str__(self) -> str:
        return "\n".join(self.sentences() or [f"{name}: {verdict}" for name, verdict in self.verdicts.items()])

    def tables(self) -> list[TableText]:
        """Return the table of the headline metrics, with the sentences about differences below."""
        main = self.main_metric
        known = [
            name
            for name, metric in PEAK_METRICS.items()
            if metric.headline and any(verdict.metrics[name] is not None for verdict in self.verdicts.values())
        ]
        rows = [
            [
                name,
                number_text(verdict.metrics[main]),
                interval_text(verdict.intervals.get(main)),
                *(number_text(verdict.metrics[metric]) for metric in known if metric != main),
            ]
            for name, verdict in self.verdicts.items()
        ]
        first = next(iter(self.verdicts.values()))
        title = f"{first.n_peaks} peaks of {first.n_maps} maps"
        others = [PEAK_METRICS[name].title for name in known if name != main]
        header = ["caller", PEAK_METRICS[main].title, f"{first.confidence:.0%} interval", *others]
        notes = [f"{name}: {warning}" for name, verdict in self.verdicts.items() for warning in verdict.warnings]
        return [TableText(title, header, rows, [*self.sentences(), *notes])]

    def plot(self, what: str = "froc", *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the FROC curves of all callers, or one metric of each with its interval.

        Args:
            what: ``froc``, or the name of a metric.
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.

        Raises:
            InputError: an unknown picture.
        """
        if what != "froc" and what not in PEAK_METRICS:
            raise unknown_name("picture", str(what), ["froc", *PEAK_METRICS])
        figure, axes = axes_for(ax, 5.6, 3.6)
        if what == "froc":
            draw_froc(axes, self.verdicts)
            return figure, axes
        known = {name: v.metrics[what] for name, v in self.verdicts.items() if v.metrics[what] is not None}
        values = [float(value or 0.0) for value in known.values()]
        ends = [self.verdicts[name].intervals.get(what, (at, at)) for name, at in zip(known, values, strict=True)]
        draw_intervals(axes, list(known), values, ends, colours=COLOURS)
        axes.set(xlabel=PEAK_METRICS[what].title)
        return figure, axes
