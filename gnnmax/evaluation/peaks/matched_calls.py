"""One caller's calls against the peaks: matched, ranked, and summed map by map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.metrics import levels_of
from gnnmax.evaluation.peaks.map_index import PlaceList
from gnnmax.evaluation.peaks.matching import best_matching, ranked_hits
from gnnmax.evaluation.peaks.place_distance import CompatiblePairs, PlaceDistance

__all__ = ["MatchedCalls", "PeakSet"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PeakSet:
    """The peaks of all maps, and how calls are matched to them.

    Attributes:
        peaks: Sorted by map, row and column.
        maps: Number of maps.
        distance: Between places.
        tolerance: Largest distance of a matched call.
    """

    peaks: PlaceList
    maps: int
    distance: PlaceDistance
    tolerance: float


@dataclass(frozen=True, eq=False)
class MatchedCalls:
    """The calls of one caller, matched.

    Attributes:
        calls: Sorted by map, row and column.
        called: Whether each is above the threshold.
        level: Ranks of the scores, shape ``(N,)``; None without scores.
        hit: Whether each call, entering in the order of the scores, raises the number of peaks found; None without
            scores.
        call: Index of the call of each matched pair, shape ``(T,)``.
        peak: Its peak, likewise.
        distance: Their distance, likewise.
        best: Sums over the maps with one peak, by name, shape ``(M,)`` each; None where no call is the best.
        reason: Why no call is the best, "" where one is.
    """

    calls: PlaceList
    called: Mask
    level: npt.NDArray[np.intp] | None
    hit: Mask | None
    call: npt.NDArray[np.intp]
    peak: npt.NDArray[np.intp]
    distance: Floats
    best: dict[str, Floats] | None
    reason: str

    @classmethod
    def of(cls, calls: PlaceList, data: PeakSet, threshold: float | None) -> MatchedCalls:
        """Match the calls above a threshold, and rank all of them."""
        pairs = data.distance.pairs_within(calls, data.peaks, data.tolerance)
        called = np.ones(len(calls), dtype=np.bool_)
        if calls.score is not None and threshold is not None:
            called = calls.score > threshold
        kept = called[pairs.call]
        above = CompatiblePairs(pairs.call[kept], pairs.peak[kept], pairs.distance[kept])
        chosen = best_matching(above, len(calls), len(data.peaks))
        level = hit = None
        if calls.score is not None:
            level = levels_of(calls.score)
            hit = ranked_hits(pairs, np.argsort(-level, kind="stable"), len(data.peaks))
        best, reason = _best_calls(calls, level, data)
        matched = (above.call[chosen], above.peak[chosen], above.distance[chosen])
        return cls(calls, called, level, hit, *matched, best, reason)

    def found(self, peaks: int) -> Mask:
        """Return which peaks are matched, shape ``(P,)``."""
        found = np.zeros(peaks, dtype=np.bool_)
        found[self.peak] = True
        return found

    def sums_by_map(self, data: PeakSet) -> dict[str, Floats]:
        """Return the sums of a :class:`~gnnmax.evaluation.peaks.peak_sums.PeakSums` map by map, shape ``(M,)``."""
        maps = data.maps

        def counted(number: npt.NDArray[np.int64], weights: Floats | None = None) -> Floats:
            return np.bincount(number, weights=weights, minlength=maps).astype(np.float64)

        where = self.calls.map[self.call]
        sums = {
            "maps": np.ones(maps),
            "peaks": counted(data.peaks.map),
            "called": counted(self.calls.map[self.called]),
            "matched": counted(where),
            "matched_distance": counted(where, self.distance),
        }
        return sums | (self.best or {})


def _best_calls(
    calls: PlaceList, level: npt.NDArray[np.intp] | None, data: PeakSet
) -> tuple[dict[str, Floats] | None, str]:
    """Return the sums over maps with one peak, or why there are none."""
    single = np.bincount(data.peaks.map, minlength=data.maps) == 1
    if not single.any():
        return None, "no map has exactly one peak"
    own = np.flatnonzero(single[calls.map])
    number = calls.map[own]
    if level is None:
        if np.bincount(number, minlength=1).max() > 1:
            return None, "a map has several calls without a score: none of them is the best"
        rank = np.zeros(len(own), dtype=np.intp)
    else:
        rank = level[own]
    top = np.full(data.maps, -1, dtype=np.intp)
    np.maximum.at(top, number, rank)
    is_best = rank == top[number]
    own, number = own[is_best], number[is_best]
    share = 1 / np.bincount(number, minlength=data.maps)[number]
    peak_of_map = np.searchsorted(data.peaks.map, number)
    far = data.distance.between(calls[own], data.peaks[peak_of_map])

    def summed(column: Floats) -> Floats:
        return np.bincount(number, weights=share * column, minlength=data.maps).astype(np.float64)

    within = far <= data.tolerance * (1 + 1e-12)
    return {
        "single": single.astype(np.float64),
        "single_called": (top >= 0).astype(np.float64),
        "single_exact": summed((far == 0).astype(np.float64)),
        "single_within": summed(within.astype(np.float64)),
        "best_distance": summed(far),
    }, ""
