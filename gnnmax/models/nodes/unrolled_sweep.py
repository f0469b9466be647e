"""Unrolled message passing on one matrix with its block at several heights: each step reads the matrix once for all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnnmax.models.nodes.unrolled_amp import UnrolledAMP
from gnnmax.task.blocks import BlockProblem

__all__ = ["unrolled_at_heights"]


@torch.no_grad()
def unrolled_at_heights(
    net: UnrolledAMP, problem: BlockProblem, members: npt.ArrayLike, amplitudes: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Score nodes as a net does, with the block at each of several heights; the net is not given them.

    The matrix of another height differs by a constant in the block, and a standardised one by its mean and its
    deviation, so no other matrix is made. A product of a large matrix with ten vectors costs about as much as one with
    one vector, because reading the matrix takes the time.

    Args:
        net: The net, in evaluation mode.
        problem: A symmetric matrix, the size of its block and its amplitude.
        members: Nodes of the block, shape ``(K,)``.
        amplitudes: The heights, S of them.

    Returns:
        Logarithmic odds of membership, shape ``(S, n)``.

    Example:
        >>> values = np.zeros((60, 60))
        >>> values[:8, :8] = 2
        >>> problem = BlockProblem.of(values, size=8, amplitude=2.0)
        >>> unrolled_at_heights(UnrolledAMP().eval(), problem, range(8), [0.1, 2.0]).shape
        (2, 60)
    """
    weights, own = torch.from_numpy(problem.values), torch.as_tensor(np.asarray(members, dtype=np.intp))
    raised = torch.tensor(amplitudes, dtype=torch.float64) - problem.amplitude
    mean, deviation = _moments(weights, own, raised) if net.standardise else (torch.zeros(()), torch.ones(()))
    more, centre, scale = (each.to(weights.dtype).reshape(-1, 1, 1) for each in (raised, mean, deviation))

    def product(sent: Tensor) -> Tensor:
        received = (sent.flatten(0, 1) @ weights).view_as(sent)
        inside = sent[..., own]
        received[..., own] += more * (inside.sum(dim=-1, keepdim=True) - inside)
        return (received - centre * (sent.sum(dim=-1, keepdim=True) - sent)) / scale

    count = weights.new_full((len(raised),), len(weights))
    scores = net.score(product, torch.ones(len(raised), len(weights), dtype=torch.bool), count)
    return np.asarray(scores.double().numpy())


def _moments(weights: Tensor, own: Tensor, raised: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of the entries off the diagonal with the block raised, one each for every height."""
    entries, pairs = len(weights) * (len(weights) - 1), len(own) * (len(own) - 1)
    total = weights.sum(dtype=torch.float64)
    squares = torch.linalg.vector_norm(weights, dtype=torch.float64) ** 2
    block = weights[own][:, own].sum(dtype=torch.float64)
    mean = (total + raised * pairs) / entries
    variance = (squares + 2 * raised * block + raised**2 * pairs) / entries - mean**2
    return mean, variance.clamp(min=math.ulp(0.0)).sqrt()
