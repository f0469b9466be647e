"""What a figure varies by: how much of its spread comes of the data, of the initial weights, of the order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError

__all__ = ["REST", "variance_components"]

REST = "rest"
"""What no factor explains alone: their interactions, and what else there is."""


def variance_components(figures: npt.ArrayLike, factors: Sequence[str]) -> dict[str, float]:
    """Split the spread of a figure among what was drawn anew: random effects of crossed factors.

    Every level of a factor is met with every level of the others: train with each data seed, each seed of the initial
    weights and each order, and give the accuracies as a block. Components are estimated by the mean squares of the main
    effects against those of the rest; an estimate below 0 is 0.

    Args:
        figures: One axis a factor, each of at least two levels.
        factors: Their names, none of them ``rest``.

    Returns:
        The standard deviation that each factor alone brings about, and that of the rest, in units of the figure.

    Raises:
        InputError: not one axis a factor, a factor of one level, or figures that are not finite.

    References:
        Searle, Casella, McCulloch, "Variance Components", 1992, section 4.7. Bouthillier et al., "Accounting for
        Variance in Machine Learning Benchmarks", MLSys 2021, for why.

    Example:
        >>> block = np.array([[0.90, 0.90, 0.90], [0.94, 0.94, 0.94]])
        >>> {name: round(part, 4) for name, part in variance_components(block, ("data", "order")).items()}
        {'data': 0.0283, 'order': 0.0, 'rest': 0.0}
    """
    block = np.asarray(figures, dtype=np.float64)
    if block.ndim != len(factors) or len(set(factors)) < len(factors) or REST in factors or not factors:
        raise InputError(f"figures need one axis a factor: {len(factors)} names came with {block.ndim} axes")
    if min(block.shape) < 2:
        raise InputError(f"each factor needs two levels or more, and the block is {' x '.join(map(str, block.shape))}")
    if not np.isfinite(block).all():
        raise InputError("figures must be finite: leave out what has none, level by level")
    mean = block.mean()
    squares, free = [], []
    for axis, levels in enumerate(block.shape):
        effects = block.mean(axis=tuple(other for other in range(block.ndim) if other != axis)) - mean
        squares.append(float((effects**2).sum()) * block.size / levels)
        free.append(levels - 1)
    left = block.size - 1 - sum(free)
    rest = max(float(((block - mean) ** 2).sum()) - sum(squares), 0.0) / left if left else 0.0
    parts = {
        name: max(total / degrees - rest, 0.0) * levels / block.size
        for name, total, degrees, levels in zip(factors, squares, free, block.shape, strict=True)
    }
    return {name: float(np.sqrt(part)) for name, part in (*parts.items(), (REST, rest))}
