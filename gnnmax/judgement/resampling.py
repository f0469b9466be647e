"""What chance could have done: bootstrap over graphs, sign-flip and McNemar tests.

Windows of one graph are alike, so the graph is what is drawn, never the window.

References:
    B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993. C. A. Field and A. H. Welsh,
    "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69, 2007.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, ndtr, stdtrit

__all__ = ["bootstrap", "drawn_weights", "mcnemar", "percentile_interval", "sign_flip"]

Floats = npt.NDArray[np.float64]
Statistics = Callable[[Floats], dict[str, Floats]]

_CELLS = 2**19  # of one work array at a time: 4 MB of float64
_EXACT_COST = 30_000_000  # additions that the exact sign-flip distribution may take
_FLIPS = 10_000


def drawn_weights(units: int, size: int, rng: np.random.Generator) -> Floats:
    """Draw bootstrap resamples, each as the number of times that a unit was drawn.

    Args:
        units: How many there are, U.
        size: How many resamples.
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
        statistics: Weights ``(U, b)`` to named figures ``(..., b)``.
        units: How many units there are, U.
        resamples: How many.
        rng: The only source of randomness.
        width: Rows of the largest array that ``statistics`` makes, to bound memory by.

    Returns:
        Each figure on each resample, shape ``(..., resamples)``.

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
    """Return the expanded percentile interval, replicates left out on which the figure does not exist.

    The plain percentile interval is too short where few units were drawn, as a z interval of a mean with divisor n is.
    The expanded one takes quantiles farther out, by as much as a t interval with divisor n - 1 is longer than that.

    Args:
        replicates: The figure on each resample, shape ``(resamples,)``.
        confidence: Share of the cases in which the interval is to hold the truth.
        units: How many units the resamples drew from, at least 2.

    Returns:
        ``(low, high)``, or None where the figure exists on no resample.

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


def sign_flip(differences: npt.NDArray[np.integer[Any]], rng: np.random.Generator) -> float:
    """Return the two-sided p-value of "the sign of each graph's difference is a fair coin".

    The statistic is the absolute sum. Its distribution is computed exactly, over all sign patterns at once, unless that
    takes too long; then from 10,000 random patterns, the observed one counted among them.

    Args:
        differences: One integer a graph, shape ``(G,)``: windows that only the first scorer gets right, less those
            that only the second does.
        rng: Used by the Monte Carlo version only.

    Returns:
        In ``(0, 1]``; 1 where all differences are 0.

    References:
        R. A. Fisher, "The Design of Experiments", 1935. B. Phipson and G. K. Smyth, "Permutation p-values should never
        be zero", Statistical Applications in Genetics and Molecular Biology 9, 2010.

    Example:
        >>> sign_flip(np.array([3, 1, 2, 4, 1]), np.random.default_rng(0))
        0.0625
    """
    sizes = np.abs(differences[differences != 0]).astype(np.int64)
    observed = abs(int(differences.sum()))
    if not len(sizes):
        return 1.0
    if len(sizes) * int(sizes.sum()) <= _EXACT_COST:
        return _exact_sign_flip(sizes, observed)
    # A sum of m signs is 2 Binomial(m, 1/2) - m, so graphs of equal difference are flipped together.
    values, counts = np.unique(sizes, return_counts=True)
    sums = sum(v * (2 * rng.binomial(m, 0.5, size=_FLIPS) - m) for v, m in zip(values, counts, strict=True))
    return float((1 + np.count_nonzero(np.abs(sums) >= observed)) / (1 + _FLIPS))


def _exact_sign_flip(sizes: npt.NDArray[np.int64], observed: int) -> float:
    """P(|sum of signed sizes| >= observed): the distribution of the sum, grown one graph at a time."""
    total = int(sizes.sum())
    chance = np.ones(1)  # chance[i]: probability that the negative sizes sum to i
    for size in sizes:
        grown = np.zeros(len(chance) + size)
        grown[: len(chance)] = chance / 2
        grown[size:] += chance / 2
        chance = grown
    sums = total - 2 * np.arange(total + 1)
    return float(min(1.0, chance[np.abs(sums) >= observed].sum()))


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the exact two-sided p-value of "either scorer is as likely to be the one that is right".

    It takes windows for independent; where they share graphs, :func:`sign_flip` is the test to read.

    Args:
        first_only: Windows that only the first scorer gets right.
        second_only: Windows that only the second gets right.

    References:
        Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947; here with binomial probabilities in place of chi squared.

    Example:
        >>> mcnemar(5, 0)
        0.0625
    """
    n = first_only + second_only
    return float(min(1.0, 2 * bdtr(min(first_only, second_only), n, 0.5))) if n else 1.0
