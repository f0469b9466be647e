"""Mean and standard error over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["mean_and_error"]


def mean_and_error(figures: Sequence[float]) -> tuple[float, float]:
    """Return the mean of figures, one a seed, and its standard error; that of a single one is unknown, NaN.

    Example:
        >>> mean_and_error([1.0, 2.0, 3.0])
        (2.0, 0.5773502691896257)
    """
    n = len(figures)
    mean = math.fsum(figures) / n
    if n == 1:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in figures) / (n - 1) / n)
