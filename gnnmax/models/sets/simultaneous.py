"""The window as the adjacency matrix of its own nodes: rows and columns are one set and are relabelled alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.entry import Encoding, Pool
from gnnmax.models.sets.pooling import POOLS
from gnnmax.models.sets.sets import bag_of

__all__ = ["SimultaneousLayer", "SimultaneousNet"]


class SimultaneousLayer(nn.Module):
    """Every linear map that commutes with one relabelling of rows and columns alike.

    An entry sees itself and its mirror; of both of its nodes their entry on the diagonal, a pool of their row and one
    of their column; of the whole window a pool of all entries and one of the diagonal. An entry on the diagonal sees
    its node and the window once more, by other weights. With the mean as the one pool these are all ``2 + 3 + 3 + 2 +
    5 = 15`` maps; other pools keep the symmetry and give up linearity.

    Cost: ``O(k^2 * features_in * features_out)`` a window.

    Args:
        features_in: Features of an entry before.
        features_out: And after.
        pools: Pools, each once.

    References:
        Maron, Ben-Hamu, Shamir, Lipman, "Invariant and Equivariant Graph Networks", ICLR 2019: the basis of 15 maps.

    Example:
        >>> layer = SimultaneousLayer(1, 1, ["mean"])
        >>> sum(weight.numel() for name, weight in layer.named_parameters() if "bias" not in name)
        15
    """

    def __init__(self, features_in: int, features_out: int, pools: Sequence[Pool]) -> None:
        super().__init__()
        self.pools = [POOLS[pool] for pool in pools]
        node, window = (1 + 2 * len(pools)) * features_in, 2 * len(pools) * features_in
        self.itself = nn.Linear(features_in, features_out, bias=False)
        self.mirror = nn.Linear(features_in, features_out, bias=False)
        self.row = nn.Linear(node, features_out, bias=False)
        self.column = nn.Linear(node, features_out, bias=False)
        self.window = nn.Linear(window, features_out)
        self.diagonal_node = nn.Linear(node, features_out, bias=False)
        self.diagonal_window = nn.Linear(window, features_out)

    def forward(self, entries: Tensor) -> Tensor:
        """Map entries ``(B, k, k, features_in)`` to entries ``(B, k, k, features_out)``."""
        diagonal = entries.diagonal(dim1=1, dim2=2).mT  # (B, k, H)
        rows, columns = ([pool(entries, axis).squeeze(axis) for pool in self.pools] for axis in (2, 1))
        node = torch.cat([diagonal, *rows, *columns], dim=-1)  # (B, k, ...)
        window = torch.cat(_described(entries, self.pools), dim=-1)  # (B, ...)
        on_diagonal = self.diagonal_node(node) + self.diagonal_window(window)[:, None]
        spread = self.row(node)[:, :, None] + self.column(node)[:, None] + self.window(window)[:, None, None]
        spread = spread + torch.diag_embed(on_diagonal.mT).permute(0, 2, 3, 1)
        mapped: Tensor = self.itself(entries) + self.mirror(entries.transpose(1, 2)) + spread
        return mapped


def _described(entries: Tensor, pools: Sequence[Callable[[Tensor, int], Tensor]]) -> list[Tensor]:
    """Pool all entries, and those on the diagonal, in every way: shape ``(B, H)`` each."""
    flat, diagonal = entries.flatten(1, 2), entries.diagonal(dim1=1, dim2=2).mT
    return [pool(part, 1).squeeze(1) for part in (flat, diagonal) for pool in pools]


class SimultaneousNet(nn.Module):
    """Layers that commute with relabelling the nodes of a window whose rows and columns are the same nodes.

    Made for principal submatrices, whose rows and columns name the same nodes; on windows with other columns than rows
    it takes the i-th row and the i-th column for one. With the centre marked, exactly invariant to relabelling around
    it; unmarked, the whole diagonal looks alike.

    Cost: ``O(rounds * k^2 * width^2)`` a window.

    Args:
        width: Features of an entry.
        rounds: Layers.
        marked: Whether the centre is told apart.
        pools: Pools of every layer, each once.
        encoding: How the values are read.

    References:
        Maron et al., ICLR 2019; the mark: Zhang et al., "Labeling Trick", NeurIPS 2021.

    Example:
        >>> net = SimultaneousNet(width=8, rounds=1)
        >>> window, order = torch.rand(1, 5, 5), torch.tensor([4, 0, 2, 1, 3])
        >>> bool((net(window[:, order][:, :, order]) - net(window)).abs() < 1e-5)
        True
    """

    def __init__(
        self,
        width: int = 24,
        rounds: int = 2,
        marked: bool = True,
        pools: Sequence[Pool] = ("max", "mean"),
        encoding: Encoding = "standard",
    ) -> None:
        super().__init__()
        self.marked, self.encoding, self.pools = marked, encoding, [POOLS[pool] for pool in pools]
        self.embed = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.rounds = nn.ModuleList(SimultaneousLayer(width, width, pools) for _ in range(rounds))
        seen = (2 * len(pools) + (1 if marked else 0)) * width
        self.head = nn.Sequential(nn.Linear(seen, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,  # noqa: ARG002  # every net is called alike
        column_context: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        k = values.shape[-1]
        entries = self.embed(bag_of(values, self.encoding, self.marked)).unflatten(1, (k, k))  # (B, k, k, H)
        for layer in self.rounds:
            entries = entries + layer(functional.relu(entries))
        entries = functional.relu(entries)
        parts = _described(entries, self.pools)
        if self.marked:
            parts.append(entries[:, k // 2, k // 2])
        logits: Tensor = self.head(torch.cat(parts, dim=1))
        return logits.squeeze(1)
