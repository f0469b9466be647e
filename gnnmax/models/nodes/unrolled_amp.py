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

TINY = 1e-12
"""Least energy of a chain whose logarithm is taken."""

SETTLED = 1e-6
"""Largest change of what a node sends in a step that has settled."""

LEAST_HEIGHT, LARGEST_HEIGHT = 0.6, 0.85
"""Heights that the chains of a learned denoiser assume at first: those of blocks of sqrt(n) nodes about the border."""

Product = Callable[[Tensor], Tensor]
"""Maps what the nodes of each chain send to the sums that they receive, both of shape ``(B, C, n)``."""


class Denoised(NamedTuple):
    """What a denoiser makes of the messages of C chains.

    Attributes:
        odds: Logarithmic odds of membership, shape ``(B, C, n)``.
        value: What the next step sends, shape ``(B, C, n)``.
        slope: Derivative of the value in the message, shape ``(B, C, n)``: the memory is its sum.
    """

    odds: Tensor
    value: Tensor
    slope: Tensor


class PosteriorDenoiser(nn.Module):
    """The posterior probability of membership in a block of known size and amplitude, in unit noise. It learns nothing.

    It has one chain of messages.

    Args:
        amplitude: mu, height of the block.
        nodes: K, number of its nodes.
    """

    def __init__(self, amplitude: float, nodes: int) -> None:
        super().__init__()
        self.amplitude, self.nodes = amplitude, nodes

    def start(self, count: Tensor) -> Tensor:
        """Return what each node sends first, shape ``(B, 1)``: K / n."""
        return self.nodes / count[:, None]

    def forward(self, messages: Tensor, energy: Tensor, count: Tensor) -> Denoised:
        """Denoise messages.

        Args:
            messages: Shape ``(B, 1, n)``.
            energy: Sum of the squares that were sent, shape ``(B, 1)``: the variance of the messages.
            count: Number of nodes of each map, shape ``(B,)``.
        """
        prior = torch.logit(self.start(count)) - self.amplitude**2 * energy / 2
        odds = self.amplitude * messages + prior[..., None]
        value = torch.sigmoid(odds)
        return Denoised(odds, value, self.amplitude * value * (1 - value))

    def combined(self, odds: Tensor, energy: Tensor) -> Tensor:
        """Return the odds of the only chain, shape ``(B, n)``."""
        del energy
        return odds[:, 0]


class LearnedDenoiser(nn.Module):
    """Posterior denoisers with learned coefficients: chains that assume different heights, and a vote among them.

    The height of a block is not known, and each chain of messages assumes one. A chain that finds a block sends much
    more than one that finds none, whatever n is, so the vote of a chain is a learned power of its energy.

    A chain can be :class:`PosteriorDenoiser`, so message passing lies in its class. What depends on the number of nodes
    is the prior alone, a share of 1 / sqrt(n), so that the same few weights serve any number of nodes.

    Args:
        chains: Number of chains.
    """

    def __init__(self, chains: int = 3) -> None:
        super().__init__()
        heights = torch.linspace(LEAST_HEIGHT, LARGEST_HEIGHT, chains)
        self.height = nn.Parameter(torch.log(torch.expm1(heights)))  # the inverse of softplus
        self.first, self.prior, self.decay = (nn.Parameter(torch.zeros(chains)) for _ in range(3))
        self.power = nn.Parameter(torch.tensor(3.0))

    def start(self, count: Tensor) -> Tensor:
        """Return what each node sends first, shape ``(B, C)``: a learned share that falls as 1 / sqrt(n)."""
        return torch.sigmoid(self.first - torch.log(count)[:, None] / 2)

    def forward(self, messages: Tensor, energy: Tensor, count: Tensor) -> Denoised:
        """Denoise messages; see :meth:`PosteriorDenoiser.forward`. There are C chains in place of one."""
        height = functional.softplus(self.height)
        prior = self.prior - torch.log(count)[:, None] / 2 - self.decay.exp() * height**2 * energy / 2
        odds = height[:, None] * messages + prior[..., None]
        value = torch.sigmoid(odds)
        return Denoised(odds, value, height[:, None] * value * (1 - value))

    def combined(self, odds: Tensor, energy: Tensor) -> Tensor:
        """Return the odds of the mean probability of the chains, weighted by their votes, shape ``(B, n)``.

        Args:
            odds: Logarithmic odds, shape ``(B, C, n)``.
            energy: Sum of the squares that each chain sends, shape ``(B, C)``.
        """
        votes = torch.log_softmax(self.power * torch.log(energy + TINY), dim=1)[..., None]
        member = torch.logsumexp(votes + functional.logsigmoid(odds), dim=1)
        return member - torch.logsumexp(votes + functional.logsigmoid(-odds), dim=1)


class UnrolledAMP(nn.Module):
    """Score the nodes of a map by unrolled message passing with memory: does a node belong to a hidden block?

    All steps have the same weights. Several chains of messages may run side by side, and vote at the end. The scores
    move with the nodes, whatever the weights are, and any number of nodes
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
        return self.score(lambda sent: (weights @ sent.mT).mT, inside, count)

    def score(self, product: Product, inside: Tensor, count: Tensor) -> Tensor:
        """Score nodes of maps that are given by their products with vectors.

        Args:
            product: Multiplies each map by what its nodes send, shape ``(B, C, n)``.
            inside: True for nodes inside their map, shape ``(B, n)``.
            count: Number of these nodes, shape ``(B,)``.

        Returns:
            As :meth:`forward`.
        """
        now = self.denoiser.start(count)[..., None] * inside[:, None]
        old, memory = torch.zeros_like(now), torch.zeros_like(now[..., :1])
        for _ in range(self.steps):
            messages = product(now) - memory * old
            found = self.denoiser(messages, now.square().sum(dim=-1), count)
            old, now = now, found.value * inside[:, None]
            memory = (found.slope * inside[:, None]).sum(dim=-1, keepdim=True)
            if not self.training and float((now - old).abs().max()) < SETTLED:
                break
        return outside_masked(self.denoiser.combined(found.odds, now.square().sum(dim=-1)), inside)
