"""Rounding: the difference between two outputs that arithmetic explains, as a share of their spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["rounding_floor", "spread_of"]

_UNITS = 4 * float(np.finfo(np.float32).eps)


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
    rows = [output.reshape(-1, 1 if output.ndim < 2 else output.shape[-1]) for output in outputs]
    joined = np.concatenate(rows)
    return float(np.ptp(joined, axis=0).max(initial=0.0)) if len(joined) else 0.0


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
