"""A net on windows, slid over a map: the evidence of an entry is the score of the window around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.images.dense_tower import DenseTower, has_dense_form
from gnnmax.models.maps.encoding import standardise_maps, transposable

__all__ = ["SlidingNet"]

ENTRIES = 2**22
"""Entries of windows that are scored together: a few hundred thousand numbers a layer."""


class SlidingNet(nn.Module):
    """A net on windows as a net on maps: it scores the window around every entry.

    The map is standardised and enlarged by half a window on each side; entries beyond the border, and those that are
    not observed, have the value of the map's median. Where the net reads contexts, those are cut around the rows and
    around the columns of each window. In evaluation mode a convolution tower on raw values is computed densely, with
    the same scores, see :mod:`gnnmax.models.images.dense_tower`.

    Cost: one window for each entry, twice where the map is not symmetric.

    Args:
        net: A net on windows, with one logit for each.
        k: Side of the windows.
        contexts: Whether the net reads contexts; rows and columns must then be the same nodes.

    References:
        Sermanet et al., "OverFeat: Integrated Recognition, Localization and Detection using Convolutional Networks",
        ICLR 2014: the sliding classifier.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> SlidingNet(build_model("cnn", k=3), k=3)(torch.rand(2, 6, 7)).shape
        torch.Size([2, 6, 7])
    """

    def __init__(self, net: nn.Module, *, k: int, contexts: bool = False) -> None:
        super().__init__()
        self.net, self.k, self.contexts = net, k, contexts

    def forward(self, values: Tensor) -> Tensor:
        """Return the score of the window around each entry, shape ``(B, n, m)``, of maps ``(B, n, m)``.

        Raises:
            InputError: the net reads contexts, and rows and columns are not the same nodes.
        """
        n, m = values.shape[1:]
        if self.contexts and n != m:
            raise InputError(f"a map of {n} rows and {m} columns has no contexts: use a net that reads none")
        return transposable(self._evidence, values)

    def _evidence(self, values: Tensor) -> Tensor:
        units, _ = standardise_maps(values)
        half = self.k // 2
        wide = functional.pad(units, (half,) * 4)
        dense = DenseTower(self.net, self.k) if not self.training and has_dense_form(self.net) else None
        if dense is not None and dense.is_cheaper:
            return torch.stack([dense(each) for each in wide])
        windows = wide.unfold(1, self.k, 1).unfold(2, self.k, 1)  # (B, n, m, k, k), a view
        return torch.stack([self._of_one(windows[index], wide[index]) for index in range(len(wide))])

    def _of_one(self, windows: Tensor, wide: Tensor) -> Tensor:
        """Score the windows of one map, some rows at a time, shape ``(n, m)``."""
        n, m = windows.shape[:2]
        step = max(1, ENTRIES // (m * self.k**2))
        # Around the diagonal of the enlarged map: blocks (n, k, k) of nodes that are next to one another.
        around = wide.unfold(0, self.k, 1).unfold(1, self.k, 1).diagonal().movedim(-1, 0) if self.contexts else None
        rows = []
        for start in range(0, n, step):
            part = windows[start : start + step]
            count = len(part)
            blocks: tuple[Tensor | None, Tensor | None] = (None, None)
            if around is not None:
                row = around[start : start + count, None].expand(count, m, -1, -1).flatten(0, 1)
                column = around[None].expand(count, m, -1, -1).flatten(0, 1)
                blocks = row, column
            rows.append(self.net(part.flatten(0, 1), *blocks).view(count, m))
        return torch.cat(rows)
