"""The window as a set of entries, one of them the centre: DeepSets and the Set Transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.encoding import centre_mark, encode
from gnnmax.models.entry import Encoding, Pool
from gnnmax.models.sets.pooling import POOLS

__all__ = ["AttentionBlock", "DeepSetsNet", "SetTransformerNet", "bag_of"]


def bag_of(values: Tensor, encoding: Encoding, *, marked: bool) -> Tensor:
    """Return the entries of windows as a bag, each with its mark: 1 for the centre, 0 for the others.

    Args:
        values: Finite windows, shape ``(B, k, k)``.
        encoding: How the values are encoded.
        marked: Whether the centre is marked; else every mark is 0.

    Returns:
        Shape ``(B, k * k, 2)``.

    Example:
        >>> bag_of(torch.full((1, 3, 3), 7.0), "standard", marked=True)[0, 3:6]
        tensor([[0., 0.],
                [0., 1.],
                [0., 0.]])
    """
    mark = centre_mark(values) if marked else torch.zeros_like(values)
    return torch.stack([encode(values, encoding), mark], dim=-1).flatten(1, 2)


class DeepSetsNet(nn.Module):
    """Every entry on its own, then pools, then a perceptron.

    Exactly invariant to any permutation that fixes the centre. With maximum pooling and a marked centre it can
    compute the label; with sums or means alone it needs a width that grows with the set.

    Cost: ``O(k^2 * width^2)`` per window.

    Args:
        width: Features of an entry.
        marked: Whether the centre is marked.
        pools: Pools, each once.
        encoding: How the values are encoded.

    References:
        Zaheer, Kottur, Ravanbakhsh, Poczos, Salakhutdinov, Smola, "Deep Sets", NeurIPS 2017. Wagstaff, Fuchs, Engelcke,
        Posner, Osborne, "On the Limitations of Representing Functions on Sets", ICML 2019: the width that sums need.

    Example:
        >>> net, window = DeepSetsNet(width=8), torch.rand(1, 3, 3)
        >>> bool((net(window.flip(1)) - net(window)).abs() < 1e-5)
        True
    """

    def __init__(
        self,
        *,
        width: int = 32,
        marked: bool = True,
        pools: Sequence[Pool] = ("max", "mean"),
        encoding: Encoding = "standard",
    ) -> None:
        super().__init__()
        self.marked, self.encoding, self.pools = marked, encoding, [POOLS[pool] for pool in pools]
        self.embed = nn.Sequential(
            nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.head = nn.Sequential(nn.Linear((len(pools) + 1) * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        bag = bag_of(values, self.encoding, marked=self.marked)
        entries = self.embed(bag)  # (B, kk, H)
        marked = (entries * bag[..., 1:]).sum(dim=1)  # the centre, or zero
        pooled = [pool(entries, 1).squeeze(1) for pool in self.pools]
        logits: Tensor = self.head(torch.cat([marked, *pooled], dim=1))
        return logits.squeeze(1)


class AttentionBlock(nn.Module):
    """Multi-head attention block with residuals: MAB(X, Y) of the paper.

    Equivariant to permutations of the queries ``X``, invariant to permutations of the keys ``Y``.

    Args:
        width: Features of a token.
        heads: Attention heads; must divide ``width``.

    References:
        Lee, Lee, Kim, Kosiorek, Choi, Teh, "Set Transformer: A Framework for Attention-based Permutation-Invariant
        Neural Networks", ICML 2019, section 3.1.

    Example:
        >>> AttentionBlock(8, 2)(torch.rand(5, 1, 8), torch.rand(5, 10, 8)).shape
        torch.Size([5, 1, 8])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.change = nn.Linear(width, width)
        self.after_attention, self.after_change = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Attend from queries ``(B, n, H)`` to keys and values ``(B, m, H)``."""
        messages, _ = self.attention(queries, keys, keys, need_weights=False)
        tokens = self.after_attention(queries + messages)
        updated: Tensor = self.after_change(tokens + functional.relu(self.change(tokens)))
        return updated


class SetTransformerNet(nn.Module):
    """Self-attention between entries, then a learned query that attends to all of them.

    Exactly invariant to any permutation that fixes the centre, up to rounding.

    Cost: ``O(rounds * k^4 * width)`` per window for the attention.

    Args:
        width: Features of an entry.
        rounds: Self-attention blocks.
        heads: Attention heads; must divide ``width``.
        marked: Whether the centre is marked.
        encoding: How the values are encoded.

    References:
        Lee et al., ICML 2019. Velickovic, Perivolaropoulos, Barbero, Pascanu, "softmax is not enough (for sharp
        out-of-distribution)", 2024: why it loses the maximum of sets far larger than those of the training.

    Example:
        >>> net, window = SetTransformerNet(width=8, rounds=1, heads=2), torch.rand(1, 3, 3)
        >>> bool((net(window.flip(1)) - net(window)).abs() < 1e-5)
        True
    """

    def __init__(
        self,
        *,
        width: int = 32,
        rounds: int = 2,
        heads: int = 4,
        marked: bool = True,
        encoding: Encoding = "standard",
    ) -> None:
        super().__init__()
        self.marked, self.encoding = marked, encoding
        self.embed = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.rounds = nn.ModuleList(AttentionBlock(width, heads) for _ in range(rounds))
        self.word = nn.Parameter(torch.randn(1, width) / width**0.5)
        self.ask = AttentionBlock(width, heads)
        self.head = nn.Linear(width, 1)

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        tokens = self.embed(bag_of(values, self.encoding, marked=self.marked))  # (B, kk, H)
        for block in self.rounds:
            tokens = block(tokens, tokens)
        query = self.word.expand(len(tokens), 1, -1)
        logits: Tensor = self.head(self.ask(query, tokens))
        return logits.flatten()
