"""Unrolled message passing with memory: a graph net of shared weights for hidden blocks.

One step is a sum over neighbours, weighted by the adjacency matrix, minus a memory of the step before. With the
posterior denoiser it is approximate message passing, see :func:`gnnmax.task.block_scores.amp`; with a learned one
nothing about the block is known, and its weights serve any number of nodes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError

__all__ = ["Denoised", "LearnedDenoiser", "PosteriorDenoiser", "UnrolledAMP"]

EDGE = 1e-6
"""Least distance of a probability from 0 and 1 when its logarithmic odds are taken."""


class Denoised(NamedTuple):
    """What a denoiser makes of messages.

    Attributes:
        odds: Logarithmic odds of membership, shape ``(B, n)``.
        value: What the next step sends, shape ``(B, n)``.
        slope: Derivative of the value in the message, shape ``(B, n)``: the memory is its sum.
    """

    odds: Tensor
    value: Tensor
    slope: Tensor


class PosteriorDenoiser(nn.Module):
    """The posterior probability of membership in a block of known size and amplitude, in unit noise. It learns nothing.

    Args:
        amplitude: mu, height of the block.
        nodes: K, number of its nodes.
    """

    def __init__(self, amplitude: float, nodes: int) -> None:
        super().__init__()
        self.amplitude, self.nodes = amplitude, nodes

    def start(self, count: Tensor) -> Tensor:
        """Return what each node sends first, shape ``(B,)``: K / n."""
        return self.nodes / count

    def forward(self, messages: Tensor, energy: Tensor, count: Tensor) -> Denoised:
        """Denoise messages.

        Args:
            messages: Shape ``(B, n)``.
            energy: Sum of the squares that were sent, shape ``(B,)``: the variance of the messages.
            count: Number of nodes of each map, shape ``(B,)``.
        """
        prior = torch.logit(self.start(count)) - self.amplitude**2 * energy / 2
        odds = self.amplitude * messages + prior[:, None]
        value = torch.sigmoid(odds)
        return Denoised(odds, value, self.amplitude * value * (1 - value))


class LearnedDenoiser(nn.Module):
    """A learned denoiser: a mixture of sigmoids whose gains and offsets depend on the energy and the number of nodes.

    With one sigmoid, the gain mu and the offset of the posterior it is :class:`PosteriorDenoiser`, so message passing
    lies in its class. The derivative is exact.

    Args:
        units: Number of sigmoids.
        width: Width of the net that gives gains, offsets and weights.
    """

    def __init__(self, units: int = 4, width: int = 32) -> None:
        super().__init__()
        self.first = nn.Linear(1, 1)
        self.laws = nn.Sequential(
            nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 3 * units)
        )

    def start(self, count: Tensor) -> Tensor:
        """Return what each node sends first, shape ``(B,)``: a learned share that depends on n alone."""
        share: Tensor = torch.sigmoid(self.first(torch.log(count)[:, None] / 4)[:, 0] - torch.log(count) / 2)
        return share

    def forward(self, messages: Tensor, energy: Tensor, count: Tensor) -> Denoised:
        """Denoise messages; see :meth:`PosteriorDenoiser.forward`."""
        root = torch.sqrt(count)
        known = torch.stack([torch.log(count) / 4, torch.log(energy + EDGE) / 4, energy / root], dim=1)
        gain, offset, weight = self.laws(known)[:, None].chunk(3, dim=-1)  # (B, 1, units) each
        gain = functional.softplus(gain)
        offset = offset - torch.log(count)[:, None, None] / 2  # a block of about sqrt(n) nodes
        each = torch.sigmoid(gain * messages[..., None] + offset)  # (B, n, units)
        weight = torch.softmax(weight, dim=-1)
        value = (weight * each).sum(-1)
        slope = (weight * gain * each * (1 - each)).sum(-1)
        return Denoised(torch.logit(value, eps=EDGE), value, slope)


class UnrolledAMP(nn.Module):
    """Score the nodes of a map by unrolled message passing with memory: does a node belong to a hidden block?

    All steps have the same weights. The scores move with the nodes, whatever the weights are, and any number of nodes
    can be scored. The cost of a step is that of one product of the matrix with a vector.

    Args:
        denoiser: Turns messages into what is sent next; None makes a learned one.
        steps: Number of steps.
        standardise: Whether each map is brought to mean 0 and deviation 1 first.

    References:
        Borgerding, Schniter and Rangan, "AMP-inspired deep networks for sparse linear inverse problems", IEEE
        Transactions on Signal Processing 65, 2017 (unrolling with a learned denoiser). Hajek, Wu and Xu, "Submatrix
        localization via message passing", JMLR 18, 2018.

    Example:
        >>> scores = UnrolledAMP(PosteriorDenoiser(1.5, nodes=5), standardise=False)(torch.zeros(2, 30, 30))
        >>> scores.shape
        torch.Size([2, 30])
    """

    def __init__(
        self, denoiser: PosteriorDenoiser | LearnedDenoiser | None = None, *, steps: int = 12, standardise: bool = True
    ) -> None:
        super().__init__()
        if steps < 1:
            raise InputError(f"message passing needs at least one step, not {steps}")
        self.denoiser = LearnedDenoiser() if denoiser is None else denoiser
        self.steps, self.standardise = steps, standardise

    def forward(self, values: Tensor) -> Tensor:
        """Score nodes.

        Args:
            values: Symmetric maps, shape ``(B, n, n)``. NaN is not observed; a node without any observed entry is
                outside its map. The diagonal is ignored.

        Returns:
            Logarithmic odds of membership, shape ``(B, n)``; minus infinity for nodes outside.

        Raises:
            InputError: no square matrices.
        """
        if values.ndim != 3 or values.shape[1] != values.shape[2]:
            raise InputError(f"maps must have shape (B, n, n), not {tuple(values.shape)}")
        off = ~torch.eye(values.shape[1], dtype=torch.bool, device=values.device)
        observed = ~torch.isnan(values) & off
        inside = (~torch.isnan(values)).any(dim=2)
        count = inside.sum(dim=1).to(values.dtype).clamp(min=1)
        weights = torch.where(observed, torch.nan_to_num(values), values.new_zeros(()))
        if self.standardise:
            weights = _standardised(weights, observed)
        now = self.denoiser.start(count)[:, None] * inside
        old, memory = torch.zeros_like(now), count.new_zeros(len(count), 1)
        for _ in range(self.steps):
            messages = (weights @ now[..., None])[..., 0] - memory * old
            found = self.denoiser(messages, now.square().sum(dim=1), count)
            old, now = now, found.value * inside
            memory = (found.slope * inside).sum(dim=1, keepdim=True)
        return torch.where(inside, found.odds, found.odds.new_full((), -math.inf))


def _standardised(weights: Tensor, observed: Tensor) -> Tensor:
    """Bring the observed entries of each map to mean 0 and deviation 1; the others stay 0."""
    entries = observed.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    centred = (weights - weights.sum(dim=(1, 2), keepdim=True) / entries) * observed
    deviation = torch.sqrt(centred.square().sum(dim=(1, 2), keepdim=True) / entries)
    return centred / deviation.clamp(min=torch.finfo(weights.dtype).tiny)
