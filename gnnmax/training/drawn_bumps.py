"""Windows of bumps in noise that are drawn on the device of a training: where in the window is the peak?

They follow the law of the recipes ``bump-9-natural`` and ``bump-9-shuffled`` at any side, with the peak at a uniformly
drawn entry. Bits differ from one device to another.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gnnmax.models.graphs.product import ProductNet
from gnnmax.training.objectives import OTHER, PEAK, PlaceObjective

__all__ = ["BumpWindows"]

AMPLITUDE, RADIUS = 2.0, 1.2
REACH, SPREAD = 3.0, 0.1
"""Places over which an affinity decays to 1/e, and the standard deviation of its noise."""


class BumpWindows:
    """Draws windows with their contexts, and the place of the peak.

    Args:
        k: Side.
        batch: Number of windows in a draw.
        device: Where they are drawn.
        shuffled: Whether rows and columns come in random order. A net then reads the contexts too.

    Attributes:
        objective: The cross-entropy over the entries of a window.

    Example:
        >>> windows = BumpWindows(9, 5, torch.device("cpu"), shuffled=True)
        >>> inputs, codes = windows.draw(torch.Generator().manual_seed(0))
        >>> [tuple(each.shape) for each in inputs], int((codes == PEAK).sum())
        ([(5, 9, 9), (5, 9, 9), (5, 9, 9)], 5)
    """

    def __init__(self, k: int, batch: int, device: torch.device, *, shuffled: bool) -> None:
        self.k, self.batch, self.device, self.shuffled = k, batch, device, shuffled
        self.objective = PlaceObjective(None)
        place = torch.arange(k, device=device)
        apart = (place[:, None] - place).abs()
        self.same = apart == 0
        self.affinity = torch.exp(-apart / REACH)
        self.profile = torch.exp(-(apart**2) / (2 * RADIUS**2))

    def loss(self, net: nn.Module, rng: torch.Generator) -> Tensor:
        """Return the loss of a net on fresh windows."""
        inputs, codes = self.draw(rng)
        return self.objective.loss(self.evidence(net, inputs), codes)

    @staticmethod
    def evidence(net: nn.Module, inputs: Sequence[Tensor]) -> Tensor:
        """Return a net's evidence of a peak at each entry, shape ``(B, k, k)``.

        Args:
            net: A product net, which reads the contexts, or a net on maps, which does not.
            inputs: Values and the contexts of rows and of columns, shape ``(B, k, k)`` each.
        """
        if isinstance(net, ProductNet):
            return net.entry_evidence(*inputs)
        found: Tensor = net(inputs[0], symmetric=False)
        return found

    def draw(self, rng: torch.Generator) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        """Draw values and the contexts of rows and of columns, and codes of entries, shape ``(B, k, k)`` each."""
        peak = (self._uniform(2, self.batch, rng=rng) * self.k).long().clamp_max(self.k - 1)
        values = AMPLITUDE * self.profile[peak[0], :, None] * self.profile[peak[1], None, :] + self._normal(rng)
        mark = self.same[peak[0], :, None] & self.same[peak[1], None, :]
        contexts = [self._context(rng), self._context(rng)]
        if self.shuffled:
            rows, columns = self._uniform(2, self.batch, self.k, rng=rng).argsort(dim=-1)
            values, mark = (self._ordered(each, rows, columns) for each in (values, mark))
            contexts = [self._ordered(each, own, own) for each, own in zip(contexts, (rows, columns), strict=True)]
        return (values, contexts[0], contexts[1]), torch.where(mark, PEAK, OTHER).to(torch.int8)

    def _context(self, rng: torch.Generator) -> Tensor:
        noise = SPREAD * self._normal(rng).triu(1)
        return (self.affinity + noise + noise.mT).masked_fill(self.same, 0.0)

    def _ordered(self, each: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        every = torch.arange(self.batch, device=self.device)[:, None, None]
        return each[every, rows[:, :, None], columns[:, None, :]]

    def _normal(self, rng: torch.Generator) -> Tensor:
        return torch.randn(self.batch, self.k, self.k, device=self.device, generator=rng)

    def _uniform(self, *shape: int, rng: torch.Generator) -> Tensor:
        return torch.rand(*shape, device=self.device, generator=rng)
