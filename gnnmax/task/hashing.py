"""SplitMix64: the bit mixer behind hashes of windows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["splitmix64"]


def splitmix64(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mix 64-bit integers one to one, so that equal sums of mixed integers mean equal multisets.

    References:
        Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: the finaliser of SplitMix64.

    Example:
        >>> hex(splitmix64(np.zeros(1, dtype=np.uint64))[0])
        '0xe220a8397b1dcdaf'
    """
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
