"""Sums by unit: graphs or maps that are left out one at a time, or batches of them where they are many."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["batched", "batches_of", "remaining", "shares_of", "summed"]

Floats = npt.NDArray[np.float64]


def batches_of(graphs: int, units: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return the unit of each graph: itself, or a batch of graphs where there are more graphs than units.

    Graphs are exchangeable, so random batches are too, and the spread of a sum over batches is that over graphs, up to
    a chance error of ``1 / sqrt(2 * units)``, about two per cent at 1,000.

    Example:
        >>> batches_of(3, 1000, np.random.default_rng(0))
        array([0, 1, 2])
    """
    if graphs <= units:
        return np.arange(graphs)
    return np.asarray(rng.permutation(graphs) % units, dtype=np.intp)


def summed(column: npt.NDArray[Any] | None, unit: npt.NDArray[np.intp], units: int) -> Floats:
    """Sum a column by unit, shape ``(U,)``; None counts.

    Example:
        >>> summed(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0]), 3)
        array([5., 2., 0.])
    """
    return np.bincount(unit, weights=column, minlength=units).astype(np.float64)


def batched(columns: Floats, batch: npt.NDArray[np.intp], units: int) -> Floats:
    """Sum columns of graphs, ``(G,)`` or ``(rows, G)``, over the units."""
    if units == columns.shape[-1]:
        return columns
    return np.array([summed(row, batch, units) for row in np.atleast_2d(columns)]).reshape(*columns.shape[:-1], units)


def remaining(total: Floats, part: Floats) -> Floats:
    """Return a total ``(S,)`` less some parts of it ``(S, b)``, without the residue that rounding of weights leaves."""
    left = np.asarray(total)[:, None] - part
    left[np.abs(left) < 1e-12 * np.abs(part)] = 0.0
    return left


def shares_of(columns: Floats) -> Floats:
    """Return each unit's share of the sum of its row, shape ``(m, U)``; 0 where the sum is 0."""
    total = columns.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(columns, total, where=total > 0, out=np.zeros_like(columns)))
