"""Bootstrap over graphs: the spread of a metric over other graphs of the same kind.

Windows of one graph resemble each other, so graphs are drawn, never windows.

References:
    B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993. C. A. Field and A. H. Welsh,
    "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69, 2007.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

__all__ = ["bootstrap", "drawn_weights", "percentile_interval"]

Floats = npt.NDArray[np.float64]
Statistics = Callable[[Floats], dict[str, Floats]]

_CELLS = 2**19  # of one work array at a time: 4 MB of float64


def drawn_weights(units: int, size: int, rng: np.random.Generator) -> Floats:
    """Draw bootstrap resamples, each as the number of times that a unit was drawn.

    Args:
        units: Number of units, U.
        size: Number of resamples.
        rng: The only source of randomness.

    Returns:
        Counts, shape ``(U, size)``, each column summing to U. The same stream gives the same resamples however they are
        split over calls.

    Example:
        >>> drawn_weights(3, 4, np.random.default_rng(0)).sum(axis=0)
        array([3., 3., 3., 3.])
    """
    drawn = rng.integers(units, size=(size, units)) + units * np.arange(size)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)
    return np.ascontiguousarray(counts.T, dtype=np.float64)


def bootstrap(
    statistics: Statistics, units: int, resamples: int, rng: np.random.Generator, *, width: int = 1
) -> dict[str, Floats]:
    """Evaluate statistics on resamples of the units, a bounded block of resamples at a time.

    Args:
        statistics: Weights ``(U, b)`` to named values ``(..., b)``.
        units: Number of units, U.
        resamples: Number of resamples.
        rng: The only source of randomness.
        width: Rows of the largest array that ``statistics`` makes, to bound memory by.

    Returns:
        Each value on each resample, shape ``(..., resamples)``.

    Example:
        >>> x = np.array([1.0, 2.0, 6.0])
        >>> out = bootstrap(lambda w: {"mean": x @ w / 3}, 3, 500, np.random.default_rng(0))
        >>> out["mean"].shape, bool(abs(out["mean"].mean() - 3) < 0.2)
        ((500,), True)
    """
    size = max(1, _CELLS // max(width, units))
    blocks = [statistics(drawn_weights(units, b, rng)) for b in _blocks(resamples, size)]
    return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in blocks[0]}


def _blocks(total: int, size: int) -> Iterator[int]:
    yield from (min(size, total - start) for start in range(0, total, size))


def percentile_interval(replicates: Floats, confidence: float, units: int) -> tuple[float, float] | None:
    """Return the expanded percentile interval of the replicates that are not NaN.

    The plain percentile interval is too short where few units were drawn, as a z interval of a mean with divisor n is.
    The expanded one takes quantiles farther out, by as much as a t interval with divisor n - 1 is longer than that.

    Args:
        replicates: The metric on each resample, NaN where it does not exist, shape ``(resamples,)``.
        confidence: Share of the cases in which the interval contains the truth.
        units: Number of units that the resamples drew from, at least 2.

    Returns:
        ``(low, high)``, or None where the metric exists on no resample.

    References:
        T. C. Hesterberg, "What teachers should know about the bootstrap: resampling in the undergraduate statistics
        curriculum", The American Statistician 69, 2015, section 5.3.

    Example:
        >>> [round(percentile_interval(np.arange(101.0), 0.5, units)[0], 1) for units in (10**9, 20, 5)]
        [25.0, 24.0, 20.4]
    """
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return None
    tail = ndtr(np.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 - confidence) / 2))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
