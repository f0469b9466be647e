"""The graph net on windows without gradients on a CPU: the same sums, with the windows of a batch side by side.

An entry has few features, so that most of the time of a forward pass is spent on moving them. Here the windows of a
batch are the last axis: every maximum, mean and sum over rows or columns runs along contiguous memory, messages are
never stored twice, and a batch stays in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gnnmax.models.graphs.side_by_side import aligned_parts, linear, product

__all__ = ["score_side_by_side"]

TOGETHER = 2**15
"""Entries of a batch that is computed at a time."""


def score_side_by_side(net: Any, encoded: Tensor, mark: Tensor) -> Tensor:
    """Return the logits of windows, equal to those of the net up to rounding.

    Args:
        net: A :class:`gnnmax.models.graphs.bipartite.BipartiteNet`.
        encoded: Encoded windows, shape ``(B, k, k)``.
        mark: 1 at the centre of each, else 0, same shape.

    Returns:
        Shape ``(B,)``.

    Example:
        >>> from gnnmax.models.encoding import centre_mark
        >>> from gnnmax.models.graphs.bipartite import BipartiteNet
        >>> net, values = BipartiteNet(encoding="none"), torch.rand(5, 7, 7)
        >>> with torch.no_grad():
        ...     found = score_side_by_side(net, values, centre_mark(values))
        >>> bool((found - net(values)).abs().max() < 1e-5)
        True
    """
    batch, k = encoded.shape[:2]
    found = [_scores(net, encoded[part], mark[part]) for part in aligned_parts(batch, k, entries=TOGETHER)]
    return torch.cat([encoded.new_empty(0), *found])[:batch]


def _scores(net: Any, encoded: Tensor, mark: Tensor) -> Tensor:
    """Return the logits of a few windows."""
    batch, k = encoded.shape[:2]
    middle = k // 2
    seen = torch.stack([encoded, mark]).permute(0, 2, 3, 1).contiguous()  # (2, k, k, B)
    first, _, second = net.embed_entry
    assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
    entries = linear(second, linear(first, seen).relu_())  # (H, k, k, B)
    marked = torch.zeros(2 * k, dtype=torch.long, device=encoded.device)
    marked[[middle, k + middle]] = 1
    nodes = net.embed_node(marked).T[:, :, None].expand(-1, -1, batch).contiguous()  # (H, 2k, B)
    for exchange in net.rounds:
        nodes, entries = _exchanged(exchange, nodes, entries)
    shown = entries.relu_()
    parts = [shown[:, middle, middle], nodes[:, middle] + nodes[:, k + middle]]
    parts += [shown.amax(dim=(1, 2)), shown.mean(dim=(1, 2)), nodes.amax(dim=1), nodes.mean(dim=1)]
    logits: Tensor = net.head(torch.cat(parts).T)
    return logits.squeeze(1)


def _exchanged(exchange: Any, nodes: Tensor, entries: Tensor) -> tuple[Tensor, Tensor]:
    """Update nodes ``(H, 2k, B)`` and entries ``(H, k, k, B)``, as the exchange does."""
    k = entries.shape[1]
    both = product(torch.cat([exchange.send_entry.weight, exchange.read_entry.weight]), entries)
    sent, change = both.chunk(2)
    node = product(exchange.send_node.weight, nodes) + exchange.send_entry.bias[:, None, None]
    messages = (sent + node[:, None, k:]).relu_()  # from columns to rows
    largest, means = [messages.amax(dim=2)], [messages.mean(dim=2)]
    torch.add(sent, node[:, :k, None], out=messages).relu_()  # from rows to columns
    largest.append(messages.amax(dim=1))
    means.append(messages.mean(dim=1))
    gathered = torch.cat([nodes, torch.cat(largest, dim=1), torch.cat(means, dim=1)])
    nodes = nodes + linear(exchange.gather, gathered).relu_()
    ends = product(exchange.read_node.weight, nodes)
    change += ends[:, :k, None] + exchange.read_entry.bias[:, None, None, None]
    change += ends[:, None, k:]
    return nodes, linear(exchange.write_entry, change.relu_()).add_(entries)
