"""Message passing on one matrix with its block at several heights: each step reads the matrix once for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from gnnmax.errors import InputError
from gnnmax.task.block_scores import SETTLED, STEPS
from gnnmax.task.blocks import BlockProblem

__all__ = ["amp_at_heights", "height_of"]

Floats = npt.NDArray[np.float64]


def amp_at_heights(
    problem: BlockProblem, members: npt.ArrayLike, amplitudes: Sequence[float], steps: int = STEPS
) -> Floats:
    """Score nodes as :func:`gnnmax.task.block_scores.amp` does, with the block at each of several heights.

    The matrix of another height differs by a constant in the block, so no other matrix is made. A product of a large
    matrix with ten vectors costs about as much as one with one vector, because reading the matrix takes the time.

    Args:
        problem: A symmetric matrix, the size of its block and its amplitude.
        members: Nodes of the block, shape ``(K,)``.
        amplitudes: The heights, S of them.
        steps: Number of steps, unless the messages of a height settle before.

    Returns:
        Logarithmic odds of membership, shape ``(S, n)``.

    Raises:
        InputError: a matrix that is not symmetric, or a height that is not above 0.

    Example:
        >>> values = np.zeros((60, 60))
        >>> values[:8, :8] = 2
        >>> odds = amp_at_heights(BlockProblem.of(values, size=8, amplitude=2.0), range(8), [0.1, 2.0])
        >>> (odds > 0).sum(axis=1).tolist()
        [0, 8]
    """
    heights, own = np.asarray(amplitudes, dtype=np.float64), np.asarray(members, dtype=np.intp)
    if not problem.symmetric or not ((heights > 0) & np.isfinite(heights)).all():
        raise InputError("heights above 0 of a block in a symmetric matrix are needed: give such a problem and heights")
    n = len(problem.values)
    prior = float(logit(problem.size[0] / n))
    now = np.full((n, len(heights)), problem.size[0] / n)
    old, odds = np.zeros_like(now), np.full_like(now, prior)
    memory = np.zeros(len(heights))
    moving = np.arange(len(heights))
    for _ in range(steps):
        mu, read = heights[moving], now[:, moving]
        message = np.asarray(problem.values @ read.astype(np.float32), dtype=np.float64)
        inside = read[own]
        message[own] += (mu - problem.amplitude) * (inside.sum(axis=0) - inside)
        message -= memory[moving] * old[:, moving]
        odds[:, moving] = prior + mu * message - mu**2 * (read**2).sum(axis=0) / 2
        new = expit(odds[:, moving])
        old[:, moving], now[:, moving] = read, new
        memory[moving] = mu * (new * (1 - new)).sum(axis=0)
        moving = moving[np.abs(new - read).max(axis=0) >= SETTLED]
        if not len(moving):
            break
    return np.ascontiguousarray(odds.T)


def height_of(strength: float, n: int, nodes: int) -> float:
    """Return the amplitude of a block of a signal strength.

    Example:
        >>> height_of(0.25, 400, 20)
        0.5
    """
    return math.sqrt(strength * n) / nodes
