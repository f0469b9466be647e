"""The product net on windows without gradients on a CPU: the same sums, with the windows of a batch side by side.

The matrices of a window are small, so that most of the time of a forward pass is spent on moving them and on starting
their products. Here the windows of a batch are the last axis: linear layers are products of two large matrices, and
products of small matrices are sums of elementwise products along contiguous memory. Windows around one node often have
the same context, whose operators are computed once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gnnmax.models.graphs.side_by_side import aligned_parts, linear, product

__all__ = ["COMPARED", "LARGEST", "evidence_side_by_side"]

COMPARED = 2**12
"""Windows among whose contexts equal ones are sought."""

TOGETHER = 2**14
"""Entries of a batch that is computed at a time."""

LARGEST = 15
"""Largest side for which this is faster than products of single matrices."""


def evidence_side_by_side(net: Any, encoded: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the evidence for a peak at each entry of windows, equal to that of the net up to rounding.

    Args:
        net: A :class:`gnnmax.models.graphs.product.ProductNet`.
        encoded: Encoded windows, shape ``(B, k, k)``.
        rows: Their encoded row contexts, same shape.
        columns: Their encoded column contexts, same shape.

    Returns:
        Shape ``(B, k, k)``.

    Example:
        >>> from gnnmax.models.graphs.product import ProductNet
        >>> net, (values, rows, columns) = ProductNet(encoding="none"), torch.rand(3, 5, 7, 7)
        >>> with torch.no_grad():
        ...     found = evidence_side_by_side(net, values, rows, columns)
        >>> bool((found - net.entry_evidence(values, rows, columns)).abs().max() < 1e-4)
        True
    """
    batch, k = encoded.shape[:2]
    if not batch:
        return encoded
    contexts, which = _distinct(torch.cat([rows, columns]))
    parts = aligned_parts(len(contexts), k, entries=TOGETHER)
    operators = torch.cat([_operators(net.relation, contexts[part]) for part in parts], dim=-1)
    found = []
    for part in aligned_parts(batch, k, entries=TOGETHER):
        down, across = (operators.index_select(-1, side[part]) for side in (which[:batch], which[batch:]))
        found.append(_evidence(net, encoded[part], down, across))
    return torch.cat(found)[:batch]


def _distinct(contexts: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct ones of contexts ``(N, k, k)``, to the bit, and the place of each context among them."""
    entries = contexts.numpy().reshape(len(contexts), -1)
    whole = entries.view(f"V{entries.itemsize * entries.shape[1]}").reshape(-1)
    _, first, which = np.unique(whole, return_index=True, return_inverse=True)
    return contexts[torch.from_numpy(first)], torch.from_numpy(which.reshape(-1))


def _operators(relation: Any, contexts: Tensor) -> Tensor:
    """Return the operators of encoded contexts ``(B, k, k)``, shape ``(heads, k, k, B)``."""
    k, width = contexts.shape[-1], relation.embed[0].out_features
    same = torch.eye(k, dtype=contexts.dtype, device=contexts.device).expand_as(contexts)
    seen = torch.stack([contexts, same]).permute(0, 2, 3, 1).contiguous()  # (2, k, k, B)
    read = contexts.new_empty(2 * width, *seen.shape[1:])
    pairs, paths = read[:width], read[width:]  # (E, k, k, B)
    pairs.copy_(_sequence(relation.embed, seen))
    for refinement in relation.refine:
        a, b = (linear(layer, pairs).relu_() for layer in (refinement.first, refinement.second))
        _multiply(b, a, out=_multiply(a, b, out=paths.zero_())).div_(2 * (refinement.neighbours or k))
        pairs += _sequence(refinement.change, read)
    return _sequence(relation.operators, pairs) / math.sqrt(relation.neighbours or k)


def _evidence(net: Any, encoded: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the evidence of a few windows ``(B, k, k)``, given operators ``(heads, k, k, B)``."""
    k, batch = encoded.shape[-1], len(encoded)
    rows, columns = rows[:, None], columns[:, None]
    embedded = _sequence(net.embed, encoded.permute(1, 2, 0)[None].contiguous())
    width = len(embedded)
    read = encoded.new_empty(width + 2 * net.rounds[0].send.out_features, k, k, batch)
    entries, seen = read[:width], read[width:]  # (H, k, k, B), (heads * 2C, k, k, B)
    entries.copy_(embedded)
    for mix in net.rounds:
        sent = linear(mix.send, entries).view(mix.heads, -1, k, k, batch)  # (heads, C, k, k, B)
        one, both = seen.zero_().view(mix.heads, 2, *sent.shape[1:]).unbind(1)
        _multiply(rows, sent, out=one)
        _multiply(one, columns, out=both)
        _multiply(sent, columns, out=one)
        entries += linear(mix.change, _gathered(mix, read, entries).relu_())
    return _sequence(net.evidence, entries)[0].permute(2, 0, 1).contiguous()


def _gathered(mix: Any, read: Tensor, entries: Tensor) -> Tensor:
    """Apply the linear layer that reads entries, what operators sent, and the pools of a window, once a window."""
    weight, bias = mix.gather.weight, mix.gather.bias[:, None]
    found = product(weight[:, : len(read)], read)
    if mix.pools:
        pools = torch.cat([entries.amax(dim=(1, 2)), entries.mean(dim=(1, 2))])
        bias = torch.addmm(bias, weight[:, len(read) :], pools)
    return found.add_(bias[:, None, None])


def _multiply(first: Tensor, second: Tensor, *, out: Tensor) -> Tensor:
    """Add products of matrices, which are the third and second last axis, shape ``(..., k, k, B)``, to others."""
    for inner in range(first.shape[-2]):
        out.addcmul_(first[..., :, inner : inner + 1, :], second[..., inner : inner + 1, :, :])
    return out


def _sequence(layers: Any, features: Tensor) -> Tensor:
    """Apply linear layers and rectifiers along the first axis."""
    for layer in layers:
        features = linear(layer, features) if isinstance(layer, nn.Linear) else features.relu()
    return features
