"""Every metric of a caller, on all maps and without each of them: the input of the intervals over maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.clustered_metrics import COARSE_LEVELS, EXACT_LEVELS
from gnnmax.evaluation.jackknife import Estimate, effective_number
from gnnmax.evaluation.metrics import coarsened
from gnnmax.evaluation.peaks.matched_calls import MatchedCalls, PeakSet
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS, compute_peak_metrics
from gnnmax.evaluation.peaks.peak_options import PeakOptions
from gnnmax.evaluation.peaks.peak_sums import PeakSums
from gnnmax.evaluation.slices import Partition
from gnnmax.evaluation.unit_sums import batched, batches_of, remaining, shares_of

__all__ = ["RESAMPLES", "ScoredCaller", "Units", "by_bootstrap"]

Floats = npt.NDArray[np.float64]
RESAMPLES = 200
"""Number of draws of maps with replacement."""

_CELLS = 2**19  # of one work array at a time: 4 MB of float64


@dataclass(frozen=True, eq=False)
class Units:
    """The units of intervals and tests: maps, or batches of maps where they are many. All callers share them.

    Attributes:
        batch: Number of each map's unit, shape ``(M,)``.
        draws: How often each unit is drawn in each resample, shape ``(U, B)``.
    """

    batch: npt.NDArray[np.intp]
    draws: Floats

    @classmethod
    def of(cls, maps: int, options: PeakOptions) -> Units:
        """Draw batches of maps and resamples of them."""
        stream = options.shared.stream()
        batch = batches_of(maps, options.resamples, stream)
        units = int(batch.max()) + 1
        draws = stream.multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
        return cls(batch, draws.T.astype(np.float64))


class ScoredCaller:
    """One caller's calls, one entry a seed, and its metrics on all maps and without each unit.

    Attributes:
        seeds: Its matched calls, one a seed.
        point: Mean of every metric over the seeds.
        left_out: Mean over the seeds of each metric without each unit, shape ``(U,)``.
        resampled: Mean over the seeds of each metric that is not smooth, on maps drawn with replacement, where these
            have a peak, ``(B,)`` at most: the same draws for every caller.
    """

    def __init__(self, data: PeakSet, seeds: Sequence[MatchedCalls], units: Units, *, fdr: float) -> None:
        self.seeds, self.batch = list(seeds), units.batch
        self._data = data
        self._units = [_UnitSums(data, each, units.batch, fdr=fdr) for each in seeds]
        names = [name for name in PEAK_METRICS if all(name in each.whole for each in self._units)]
        self.point = {name: np.mean([each.whole[name] for each in self._units]) for name in names}
        left_out = [each.left_out() for each in self._units]
        self.left_out = {name: np.mean([each[name] for each in left_out], axis=0) for name in names}
        rough = [name for name in names if not PEAK_METRICS[name].smooth]
        drawn = [each.resampled(units.draws) for each in self._units] if rough else []
        resampled = {name: np.mean([each[name] for each in drawn], axis=0) for name in rough}
        self.resampled = {name: values[np.isfinite(values)] for name, values in resampled.items()}

    def by_seed(self, metric: str) -> Floats:
        """Return a metric seed by seed, shape ``(S,)``."""
        return np.array([units.whole[metric] for units in self._units], dtype=np.float64)

    def shares(self, metric: str) -> Floats:
        """Return each unit's share of the sums that a metric divides by, mean over the seeds, shape ``(m, U)``."""
        return np.asarray(np.mean([units.shares(PEAK_METRICS[metric].over) for units in self._units], axis=0))

    def maps(self, metric: str) -> Floats:
        """Return the effective number of maps in each sum that a metric divides by, shape ``(m,)``."""
        over = PEAK_METRICS[metric].over
        return np.asarray(np.mean([[units.effective[name] for name in over] for units in self._units], axis=0))

    def counted(self, name: str) -> float:
        """Return a sum over all maps, mean over the seeds."""
        return float(np.mean([getattr(units.total, name) for units in self._units]))

    def estimate(self, metric: str) -> Estimate:
        """Return a metric with its variance over maps and seeds."""
        greatest = PEAK_METRICS[metric].greatest
        by_seed = self.by_seed(metric)
        ends = (0.0, greatest if np.isfinite(greatest) else max(2 * float(by_seed.mean()), 1.0))
        found = Estimate.of(
            by_seed,
            self.left_out[metric],
            shares=self.shares(metric),
            graphs=self.maps(metric),
            ends=ends,
            odds=PEAK_METRICS[metric].odds,
        )
        return by_bootstrap(found, self.resampled.get(metric))

    def interval(self, metric: str, confidence: float) -> tuple[float, float] | None:
        """Return the interval of a metric; None where it has no greatest value and nothing is known of its scale.

        That of a metric that is not smooth contains the middle share of the resampled values too.
        """
        estimate, greatest = self.estimate(metric), PEAK_METRICS[metric].greatest
        if not np.isfinite(greatest):
            known = estimate.value > 0 and estimate.freedom > 0
            return estimate.mean_interval(confidence, (0.0, greatest)) if known else None
        low, high = estimate.interval(confidence, (0.0, greatest), of_graphs=PEAK_METRICS[metric].of_maps)
        if metric in self.resampled:
            tail = (1 - confidence) / 2
            least, most = np.quantile(self.resampled[metric], [tail, 1 - tail])
            low, high = min(low, float(least)), max(high, float(most))
        return low, high

    def slice_estimates(self, parts: Partition) -> list[Estimate]:
        """Return the recall on each part of the peaks, with its variance."""
        slices, units = len(parts.names), int(self.batch.max()) + 1
        place = parts.code * units + self.batch[self._data.peaks.map]
        n = np.bincount(place, minlength=slices * units).reshape(slices, units).astype(np.float64)
        found = [
            np.bincount(place, weights=each.found(len(place)), minlength=slices * units).reshape(slices, units)
            for each in self.seeds
        ]
        total, effective, shares = n.sum(axis=1), _effective_maps(parts, self._data), shares_of(n)
        with np.errstate(invalid="ignore", divide="ignore"):  # no peak of a slice may be left: 0 / 0
            left = np.mean([(each.sum(axis=1)[:, None] - each) / (total[:, None] - n) for each in found], axis=0)
        return [
            Estimate.of(
                np.array([each[at].sum() / total[at] for each in found]),
                left[at],
                shares=shares[at : at + 1],
                graphs=effective[at : at + 1],
                ends=(0.0, 1.0),
            )
            for at in range(slices)
        ]


def by_bootstrap(estimate: Estimate, resampled: Floats | None) -> Estimate:
    """Return an estimate with the variance of resampled values in place of that of the jackknife.

    References:
        J. Shao and C. F. J. Wu, "A general theory for jackknife variance estimation", Annals of Statistics 17, 1989
        (why leaving out one unit at a time fails where a metric is not smooth).
    """
    if resampled is None or estimate.freedom <= 0:
        return estimate
    return dataclasses.replace(estimate, of_graphs=float(np.var(resampled, ddof=1)))


class _UnitSums:
    """One seed's sums by unit: maps, or batches of maps where they are many."""

    def __init__(self, data: PeakSet, matched: MatchedCalls, batch: npt.NDArray[np.intp], *, fdr: float) -> None:
        units = int(batch.max()) + 1
        by_map = matched.sums_by_map(data)
        sums = PeakSums(**by_map)  # type: ignore[arg-type]
        divisors = {name for metric in PEAK_METRICS.values() if sums.has(metric.needs) for name in metric.over}
        self.effective = {name: float(effective_number(getattr(sums, name))) for name in divisors}
        self.names = list(by_map)
        self.sums = np.stack([batched(column, batch, units) for column in by_map.values()])
        self.fdr, self.shift = fdr, {}
        self.levels: tuple[Any, Any] | None = None
        exact: dict[str, Floats] = {}
        if matched.level is not None and matched.hit is not None:
            level, hit, unit = matched.level, matched.hit, batch[matched.calls.map]
            coarse = level if level.max(initial=0) < EXACT_LEVELS else coarsened(level, COARSE_LEVELS)
            self.levels = _level_tables(coarse, hit, unit, units)
            exact = self._ranking(level, hit)
            if coarse is not level:
                approximate = self._ranking(coarse, hit)
                self.shift = {name: exact[name] - approximate[name] for name in exact}
        self.whole = compute_peak_metrics(self.total) | exact

    @cached_property
    def total(self) -> PeakSums:
        """The sums over all units, without levels."""
        return self._sums(self.sums.sum(axis=1))

    def _sums(self, sums: Floats, levels: Any = None) -> PeakSums:
        return PeakSums(**dict(zip(self.names, sums, strict=True)), levels=levels, fdr=self.fdr)

    def resampled(self, weights: Floats) -> dict[str, Floats]:
        """Return the metrics of the ranking with each unit as often as it was drawn, from ``(U, B)`` to ``(B,)``."""
        assert self.levels is not None
        size = max(1, _CELLS // int(self.levels[0].shape[0]))
        blocks = []
        for first in range(0, weights.shape[1], size):
            drawn = weights[:, first : first + size]
            hits, misses = (table @ drawn for table in self.levels)
            blocks.append(compute_peak_metrics(self._sums(self.sums @ drawn, (hits, misses)), needs="scores"))
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def _ranking(self, level: npt.NDArray[np.intp], hit: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        count = int(level.max(initial=0)) + 1
        hits, misses = (np.bincount(level[mask], minlength=count) for mask in (hit, ~hit))
        return compute_peak_metrics(dataclasses.replace(self.total, levels=(hits, misses)), needs="scores")

    def shares(self, names: tuple[str, ...]) -> Floats:
        """Return each unit's share of some sums by name, shape ``(m, U)``."""
        by_unit = self._sums(self.sums)
        return shares_of(np.array([getattr(by_unit, name) for name in names]))

    def left_out(self) -> dict[str, Floats]:
        """Return every metric without each unit in turn, shape ``(U,)``, a bounded block of units at a time."""
        rows = 1 if self.levels is None else int(self.levels[0].shape[0])
        size = max(1, _CELLS // rows)
        blocks = [self._without(slice(first, first + size)) for first in range(0, self.sums.shape[1], size)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def _without(self, units: slice) -> dict[str, Floats]:
        levels = None
        if self.levels is not None:
            levels = tuple(remaining(np.asarray(table.sum(axis=1)), table[:, units].toarray()) for table in self.levels)
        with np.errstate(invalid="ignore"):  # infinite distances: infinity less infinity
            left = remaining(self.sums.sum(axis=1), self.sums[:, units])
        found = compute_peak_metrics(self._sums(left, levels))
        return {name: value + self.shift.get(name, 0.0) for name, value in found.items()}


def _level_tables(
    level: npt.NDArray[np.intp], hit: npt.NDArray[np.bool_], unit: npt.NDArray[np.intp], units: int
) -> tuple[Any, Any]:
    """Return the number of hits and of misses on each level in each unit, sparse, shape ``(L, U)``."""
    from scipy.sparse import csc_array

    shape = (int(level.max(initial=0)) + 1, units)
    hits, misses = (
        csc_array((np.ones(int(mask.sum())), (level[mask], unit[mask])), shape=shape) for mask in (hit, ~hit)
    )
    return hits, misses


def _effective_maps(parts: Partition, data: PeakSet) -> Floats:
    """Return the effective number of maps in each part of the peaks."""
    place, size = np.unique(parts.code * data.maps + data.peaks.map, return_counts=True)
    code, slices = place // data.maps, len(parts.names)
    total, squares = (
        np.bincount(code, weights=weights, minlength=slices) for weights in (size, size.astype(float) ** 2)
    )
    return np.asarray(total**2 / squares)
