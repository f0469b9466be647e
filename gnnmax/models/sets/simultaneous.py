"""The window as the adjacency matrix of one set of nodes: rows and columns are relabelled together."""

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
    """Every linear map that commutes with relabelling rows and columns together.

    An entry reads itself and its mirror; for both of its nodes their diagonal entry, a pool of their row and a pool of
    their column; for the window a pool of all entries and a pool of the diagonal. A diagonal entry reads its node and
    the window a second time, with other weights. With the mean as the only pool these are all ``2 + 3 + 3 + 2 +
    5 = 15`` maps; other pools keep the symmetry but are not linear.

    Cost: ``O(k^2 * features_in * features_out)`` per window.

    Args:
        features_in: Features of an entry in the input.
        features_out: Features of an entry in the output.
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
    """Pool all entries, and the diagonal ones, with every pool: shape ``(B, H)`` each."""
    flat, diagonal = entries.flatten(1, 2), entries.diagonal(dim1=1, dim2=2).mT
    return [pool(features, 1).squeeze(1) for features in (flat, diagonal) for pool in pools]


class SimultaneousNet(nn.Module):
    """Layers that commute with relabelling the nodes of a window whose rows and columns are the same nodes.

    Made for principal submatrices, whose rows and columns name the same nodes; in other windows it identifies the i-th
    row with the i-th column. With the centre marked, exactly invariant to relabelling around it; unmarked, all diagonal
    entries look the same.

    Cost: ``O(rounds * k^2 * width^2)`` per window.

    Args:
        width: Features of an entry.
        rounds: Number of layers.
        marked: Whether the centre is marked.
        pools: Pools of every layer, each once.
        encoding: How the values are encoded.

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
        *,
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
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        k = values.shape[-1]
        entries = self.embed(bag_of(values, self.encoding, marked=self.marked)).unflatten(1, (k, k))  # (B, k, k, H)
        for layer in self.rounds:
            entries = entries + layer(functional.relu(entries))
        entries = functional.relu(entries)
        parts = _described(entries, self.pools)
        if self.marked:
            parts.append(entries[:, k // 2, k // 2])
        logits: Tensor = self.head(torch.cat(parts, dim=1))
        return logits.squeeze(1)
