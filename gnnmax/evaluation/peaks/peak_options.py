"""Options of an evaluation of calls, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS

__all__ = ["PeakOptions"]


class PeakOptions(Struct, frozen=True):
    """The options of an evaluation of calls that are numbers or words.

    Attributes:
        tolerance: Largest distance of a matched call, 0 or more.
        threshold: Calls with a score above it count; None counts all.
        fdr: Largest share of false calls of ``recall_at_fdr``, between 0 and 1.
        ceiling: Best possible values, by metric.
        resolution: Base pairs of a bin, or None.
        duplicates: ``refuse`` or ``best``.
        resamples: Number of units of the intervals at most.
        confidence: Of the intervals.
        rng: Draws batches of maps, or None.

    Example:
        >>> PeakOptions(tolerance=-1)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: tolerance must be a number from 0 on, not -1: 1 is usual
    """

    tolerance: Any = 1
    threshold: Any = None
    fdr: Any = 0.1
    ceiling: Any = None
    resolution: Any = None
    duplicates: Any = "refuse"
    resamples: Any = 1000
    confidence: Any = 0.95
    rng: Any = None

    def __post_init__(self) -> None:
        _ = self.shared
        if not _is_number(self.tolerance) or self.tolerance < 0:
            raise InputError(f"tolerance must be a number from 0 on, not {self.tolerance!r}: 1 is usual")
        if not _is_number(self.fdr) or not 0 <= self.fdr < 1:
            raise InputError(f"fdr must be a share from 0 to below 1, not {self.fdr!r}: 0.1 is usual")
        whole = isinstance(self.resolution, (int, np.integer)) and not isinstance(self.resolution, bool)
        if self.resolution is not None and (not whole or self.resolution < 1):
            raise InputError(f"resolution must be base pairs of a bin, at least 1, not {self.resolution!r}: 10000, say")
        if self.duplicates not in ("refuse", "best"):
            raise unknown_name("way to treat duplicates", str(self.duplicates), ("refuse", "best"))
        if not isinstance(self.ceilings, Mapping):
            raise InputError(
                f"ceiling must map names of metrics to values, not {self.ceiling!r:.40}: {{'found_within': .9}}"
            )
        for name, value in self.ceilings.items():
            if name not in PEAK_METRICS:
                raise unknown_name("metric with a ceiling", str(name), PEAK_METRICS)
            if not _is_number(value):
                raise InputError(f"the ceiling of {name} must be a number, not {value!r}")
            greatest = PEAK_METRICS[name].greatest
            if not 0 <= value <= greatest:
                raise InputError(f"the ceiling of {name} must lie between 0 and {greatest:g}, not {value:g}")

    @property
    def shared(self) -> EvaluationOptions:
        """The options that every evaluation shares."""
        threshold = 0.0 if self.threshold is None else self.threshold
        return EvaluationOptions(threshold, self.resamples, self.confidence, self.rng)

    @property
    def ceilings(self) -> Mapping[str, float]:
        """Best possible values by metric, empty where none is given."""
        return {} if self.ceiling is None else self.ceiling


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and bool(np.isfinite(value))
