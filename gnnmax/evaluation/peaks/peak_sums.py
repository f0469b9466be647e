"""The sums over maps that every metric of calls is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["PeakNeeds", "PeakSums"]

Floats = npt.NDArray[np.float64]
PeakNeeds = Literal["calls", "scores", "best"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PeakSums:
    """Counts over all maps or over some, each of shape ``(...,)`` unless stated otherwise.

    Attributes:
        maps: Maps, those without peaks included.
        peaks: Peaks.
        called: Calls above the threshold.
        matched: Calls matched to a peak.
        matched_distance: Sum of the distances of matched calls.
        levels: Hits and misses on each level of the scores, the lowest first, shape ``(L, ...)`` each; None without
            scores.
        single: Maps with exactly one peak; None where no call is the best of such a map, and so are the four below.
        single_called: Those with a call.
        single_exact: Those whose best call is at the peak; where several are best, the share of these.
        single_within: Those whose best call is within the tolerance, likewise.
        best_distance: Sum of the distances of the best calls, likewise.
        fdr: Largest share of false discoveries.
    """

    maps: Floats
    peaks: Floats
    called: Floats
    matched: Floats
    matched_distance: Floats
    levels: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None
    single: Floats | None = None
    single_called: Floats | None = None
    single_exact: Floats | None = None
    single_within: Floats | None = None
    best_distance: Floats | None = None
    fdr: float = 0.1

    @property
    def peaks_and_calls(self) -> Floats:
        """Peaks, and calls above the threshold."""
        return self.peaks + self.called

    @property
    def false_calls(self) -> Floats:
        """Calls above the threshold that are matched to no peak."""
        return self.called - self.matched

    def has(self, needs: PeakNeeds) -> bool:
        """Return whether the sums that a metric needs are present."""
        return {"calls": True, "scores": self.levels is not None, "best": self.single is not None}[needs]
