"""Options of an evaluation: threshold, intervals and the random stream that draws them, checked once."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from gnnmax.errors import InputError

__all__ = ["EvaluationOptions"]


class EvaluationOptions(Struct, frozen=True):
    """The options that every evaluation shares.

    Attributes:
        threshold: "Centred" iff the score is strictly above it.
        resamples: How often the metrics are computed again at most, each time without some graphs; at least 1.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws batches of graphs; None takes a fresh ``default_rng(0)`` each time.

    Example:
        >>> EvaluationOptions(confidence=95)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: confidence must lie between 0 and 1, not 95: 0.95 is usual
    """

    threshold: Any = 0.0
    resamples: Any = 1000
    confidence: Any = 0.95
    rng: Any = None

    def __post_init__(self) -> None:
        threshold, resamples, confidence = self.threshold, self.resamples, self.confidence
        number = isinstance(threshold, (int, float, np.number)) and not isinstance(threshold, bool)
        if not number or not np.isfinite(threshold):
            raise InputError(f"threshold must be a finite number, not {threshold!r}: 0 is usual for logits")
        if isinstance(resamples, bool) or not isinstance(resamples, (int, np.integer)) or resamples < 1:
            raise InputError(f"resamples must be an integer and at least 1, not {resamples!r}: 1000 is usual")
        if not isinstance(confidence, (int, float, np.number)) or not 0 < confidence < 1:
            raise InputError(f"confidence must lie between 0 and 1, not {confidence!r}: 0.95 is usual")
        if self.rng is not None and not isinstance(self.rng, np.random.Generator):
            raise InputError(
                f"rng must be a numpy Generator, not {type(self.rng).__name__}: pass np.random.default_rng(seed)"
            )

    def stream(self) -> np.random.Generator:
        """Return the caller's stream, or a fresh one, so that equal input has equal intervals."""
        return np.random.default_rng(0) if self.rng is None else self.rng
