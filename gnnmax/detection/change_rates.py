"""The tests of some places for a change, and their false-discovery rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control

__all__ = ["Changes", "with_rate"]

Floats = npt.NDArray[np.float64]


class Changes(NamedTuple):
    """The tests of some places.

    Attributes:
        p: Two-sided p-values, shape ``(M,)``.
        rise: Above 0 where the second matrix is higher than expected, below where it is lower.
        log_ratio: Binary logarithm of second over first, NaN where there is none.
        possible: Whether the place could be significant at all, whatever the difference.
        tests: Number of tests that the false-discovery rate takes into account.
    """

    p: Floats
    rise: Floats
    log_ratio: Floats
    possible: npt.NDArray[np.bool_]
    tests: int


def with_rate(changes: Changes) -> Floats:
    """Return the least false-discovery rate at which each place is found, 1 where it could not be."""
    q = np.ones(len(changes.p))
    if changes.possible.any():
        some = false_discovery_control(changes.p[changes.possible])
        q[changes.possible] = np.minimum(1.0, some * (changes.tests / len(some)))
    return q
