"""Rounding: the difference between two outputs that arithmetic explains, as a share of their spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["channel_spreads", "rounding_floor", "spread_of"]

_UNITS = 4 * float(np.finfo(np.float32).eps)


def channel_spreads(*outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the range of each channel, shape ``(channels,)``, over the finite values; 0 where there is none.

    Args:
        outputs: As for :func:`spread_of`.

    Example:
        >>> channel_spreads(np.array([[0.0, 1e6], [2.0, 1e6]]))
        array([2., 0.])
    """
    rows = [output.reshape(-1, 1 if output.ndim < 2 else output.shape[-1]) for output in outputs]
    joined = np.concatenate(rows)
    finite = np.isfinite(joined)
    high = np.where(finite, joined, -np.inf).max(axis=0, initial=-np.inf)
    low = np.where(finite, joined, np.inf).min(axis=0, initial=np.inf)
    return np.where(finite.any(axis=0), high - low, 0.0)


def spread_of(*outputs: npt.NDArray[np.float64]) -> float:
    """Return the largest range of a channel, 0 for constant outputs: adding a constant does not change it.

    Args:
        outputs: Scores of shape ``(N,)``, or arrays whose last axis is channels; all with as many channels.

    Example:
        >>> spread_of(np.array([3.0, 5.0]), np.array([4.5, 6.0]))
        3.0
        >>> spread_of(np.array([[0.0, 1e6], [2.0, 1e6]]))
        2.0
    """
    return float(channel_spreads(*outputs).max(initial=0.0))


def rounding_floor(*outputs: npt.NDArray[np.float64], tolerance: float) -> float:
    """Return the difference that rounding explains: a share of the spread, and 4 units of float32 at the largest.

    Args:
        outputs: As for :func:`spread_of`.
        tolerance: Share of the spread.

    Example:
        >>> rounding_floor(np.array([1e5, 1e5 + 1]), tolerance=1e-5) < 0.1
        True
    """
    largest = max((float(np.abs(output).max(initial=0.0)) for output in outputs), default=0.0)
    return max(tolerance * spread_of(*outputs), _UNITS * largest)
