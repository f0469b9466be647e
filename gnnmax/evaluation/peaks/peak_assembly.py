"""From matched calls to the verdict: metrics, intervals, reasons, slices and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gnnmax.evaluation.peaks.matched_calls import PeakSet
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.evaluation.peaks.peak_options import PeakOptions
from gnnmax.evaluation.peaks.peak_verdict import PeakSlice, PeakVerdict, peak_curve
from gnnmax.evaluation.peaks.scored_caller import ScoredCaller
from gnnmax.evaluation.slices import Partition

__all__ = ["peak_verdict_of"]

FEW = 5
"""Below this number of maps with peaks the coverage of intervals is not known to be good."""


def peak_verdict_of(
    data: PeakSet, caller: ScoredCaller, parts: Mapping[str, Partition], *, options: PeakOptions
) -> PeakVerdict:
    """Assemble the verdict of one caller."""
    first = caller.seeds[0]
    metrics = {name: _finite(caller.point.get(name)) for name in PEAK_METRICS}
    curve = None
    if first.hit is not None and first.calls.score is not None:
        curve = peak_curve(first.calls.score, first.hit, peaks=len(data.peaks), maps=data.maps)
    return PeakVerdict(
        n_maps=data.maps,
        n_peaks=len(data.peaks),
        n_calls=float(np.mean([len(each.calls) for each in caller.seeds])),
        tolerance=data.tolerance,
        distance=f"{data.distance.metric}, {data.distance.unit}",
        symmetric=data.distance.symmetric,
        threshold=None if options.threshold is None else float(options.threshold),
        fdr=float(options.fdr),
        confidence=float(options.confidence),
        metrics=metrics,
        intervals=_intervals(caller, metrics, float(options.confidence)),
        reasons={name: _reason(name, caller) for name, value in metrics.items() if value is None},
        ceilings={name: float(value) for name, value in options.ceilings.items()},
        slices=_slices(caller, parts, float(options.confidence)),
        curve=curve,
        by_seed={name: tuple(caller.by_seed(name).tolist()) for name, value in metrics.items() if value is not None},
        warnings=_warnings(data, caller),
    )


def _finite(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _intervals(
    caller: ScoredCaller, metrics: Mapping[str, float | None], confidence: float
) -> dict[str, tuple[float, float]]:
    found = {name: caller.interval(name, confidence) for name, value in metrics.items() if value is not None}
    return {name: interval for name, interval in found.items() if interval is not None}


def _reason(name: str, caller: ScoredCaller) -> str:
    """Say why a metric does not exist."""
    metric = PEAK_METRICS[name]
    if name in caller.point:
        return metric.undefined
    if metric.needs == "scores":
        return "the calls have no score"
    return next(each.reason for each in caller.seeds if each.reason)


def _slices(caller: ScoredCaller, parts: Mapping[str, Partition], confidence: float) -> dict[str, dict[str, PeakSlice]]:
    slices: dict[str, dict[str, PeakSlice]] = {}
    for group, part in parts.items():
        n = np.bincount(part.code)
        estimates = caller.slice_estimates(part)
        ends = [estimate.interval(confidence, (0.0, 1.0)) for estimate in estimates]
        slices[group] = {
            name: PeakSlice(int(count), estimate.value, *interval)
            for name, count, estimate, interval in zip(part.names, n, estimates, ends, strict=True)
        }
    return slices


def _warnings(data: PeakSet, caller: ScoredCaller) -> tuple[str, ...]:
    found = []
    maps = float(caller.maps("recall")[0])
    if data.maps == 1 or maps <= 1 + 1e-9:
        found.append("all peaks are of one map: nothing follows about other maps, so the interval is the whole range")
    elif maps < FEW:
        found.append(
            f"the peaks weigh as much as {maps:.1f} maps of equal size: with fewer than {FEW}, intervals are rough"
        )
    for count, what in ((data.peaks.repeated, "peaks"), (_repeated(caller), "calls")):
        if count:
            found.append(f"{count} {what} repeat a place and were left out: the best of each place is kept")
    return tuple(found)


def _repeated(caller: ScoredCaller) -> int:
    return sum(each.calls.repeated for each in caller.seeds)
