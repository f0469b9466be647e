"""Unrolled message passing with memory: a graph net of shared weights for hidden blocks.

One step is a sum over neighbours, weighted by the adjacency matrix, minus a memory of the step before. With the
posterior denoiser it is approximate message passing, see :func:`gnnmax.task.block_scores.amp`; with a learned one
nothing about the block is known, and its weights serve any number of nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.nodes.observed import observed, outside_masked

__all__ = ["Denoised", "LearnedDenoiser", "PosteriorDenoiser", "UnrolledAMP"]

SETTLED = 1e-6
"""Largest change of what a node sends in a step that has settled."""

EDGE = 1e-6
"""Least distance of a probability from 0 and 1 when its logarithmic odds are taken."""

FOUND = 0.1
"""Energy in units of sqrt(n) at which a learned denoiser reads the middle of its range: a block is being found."""

LEAST_HEIGHT, LARGEST_HEIGHT = 0.6, 1.1
"""Heights of the parts of a learned denoiser at first: those of blocks of sqrt(n) nodes about the border."""


Product = Callable[[Tensor], Tensor]
"""Maps what nodes send to the sums that they receive, both of shape ``(B, n)``."""


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
    """A learned denoiser: a mixture of posterior denoisers whose heights and priors depend on the energy.

    With one part it can be :class:`PosteriorDenoiser`, so message passing lies in its class. Its weights serve any
    number of nodes, because nothing that it reads leaves the range of its training: it reads the energy compared with
    1, its size while the block is not found yet whatever n is, and compared with sqrt(n), its size afterwards, both
    between 0 and 1. It starts as posteriors of several heights about the border, all with a share of 1 / sqrt(n). The
    derivative is exact.

    Args:
        units: Number of parts.
        width: Width of the net that gives heights, priors and weights of the parts.
    """

    def __init__(self, units: int = 4, width: int = 32) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(()))
        self.laws = nn.Sequential(
            nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 3 * units)
        )
        last = self.laws[-1]
        assert isinstance(last, nn.Linear)
        heights = torch.linspace(LEAST_HEIGHT, LARGEST_HEIGHT, units)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.copy_(torch.cat([torch.log(torch.expm1(heights)), torch.zeros(2 * units)]))

    def start(self, count: Tensor) -> Tensor:
        """Return what each node sends first, shape ``(B,)``: a learned share that falls as 1 / sqrt(n)."""
        return torch.sigmoid(self.first - torch.log(count) / 2)

    def forward(self, messages: Tensor, energy: Tensor, count: Tensor) -> Denoised:
        """Denoise messages; see :meth:`PosteriorDenoiser.forward`."""
        ratio = energy / torch.sqrt(count)
        known = torch.stack([energy / (1 + energy), ratio / (FOUND + ratio)], dim=1)
        height, prior, weight = self.laws(known)[:, None].chunk(3, dim=-1)  # (B, 1, units) each
        height = functional.softplus(height)
        prior = prior - torch.log(count)[:, None, None] / 2 - height.square() * energy[:, None, None] / 2
        each = torch.sigmoid(height * messages[..., None] + prior)  # (B, n, units)
        weight = torch.softmax(weight, dim=-1)
        value = (weight * each).sum(-1)
        slope = (weight * height * each * (1 - each)).sum(-1)
        return Denoised(torch.logit(value, eps=EDGE), value, slope)


class UnrolledAMP(nn.Module):
    """Score the nodes of a map by unrolled message passing with memory: does a node belong to a hidden block?

    All steps have the same weights. The scores move with the nodes, whatever the weights are, and any number of nodes
    can be scored. The cost of a step is that of one product of the matrix with a vector.

    Args:
        denoiser: Turns messages into what is sent next; None makes a learned one.
        steps: Number of steps; as they share their weights, a trained net may take more. In evaluation mode it stops
            where the messages settle.
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
            InputError: no square matrices, none at all, integers, or an infinite entry.
        """
        weights, inside, count = observed(values, standardise=self.standardise)
        return self.score(lambda sent: (weights @ sent[..., None])[..., 0], inside, count)

    def score(self, product: Product, inside: Tensor, count: Tensor) -> Tensor:
        """Score nodes of maps that are given by their products with vectors.

        Args:
            product: Multiplies each map by what its nodes send, shape ``(B, n)``.
            inside: True for nodes inside their map, shape ``(B, n)``.
            count: Number of these nodes, shape ``(B,)``.

        Returns:
            As :meth:`forward`.
        """
        now = self.denoiser.start(count)[:, None] * inside
        old, memory = torch.zeros_like(now), count.new_zeros(len(count), 1)
        for _ in range(self.steps):
            messages = product(now) - memory * old
            found = self.denoiser(messages, now.square().sum(dim=1), count)
            old, now = now, found.value * inside
            memory = (found.slope * inside).sum(dim=1, keepdim=True)
            if not self.training and float((now - old).abs().max()) < SETTLED:
                break
        return outside_masked(found.odds, inside)
