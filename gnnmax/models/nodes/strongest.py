"""The strongest entries of each row of a map, as the edges of a sparse graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from gnnmax.models.nodes.observed import Observed
from gnnmax.models.nodes.spectral import leading_vectors

__all__ = ["Edges", "laplacian_encoding", "strongest_edges"]


class Edges(NamedTuple):
    """Edges among the nodes of a batch of maps, as one graph; both directions of each.

    Attributes:
        ends: Source and target, shape ``(2, E)``; node i of map b is ``b * n + i``.
        weight: Entry of each edge, in standard units, shape ``(E, 1)``.
    """

    ends: Tensor
    weight: Tensor


def strongest_edges(seen: Observed, most: int) -> Edges:
    """Keep the largest entries of each row; a pair is an edge if one of its rows keeps it.

    Of a dense map of n nodes that leaves at most ``4 * most * n`` of ``n^2`` edges, and half as many if no entries are
    equal: small entries, and with them part of the signal, are lost.

    The order of the nodes decides nothing. Entries that are equal to the least one kept are kept too, where that makes
    at most ``2 * most`` in a row. Where it makes more, as in a graph of zeros and ones, the sum of the other node's row
    decides among them: nodes of a block have the larger ones. Sums that are equal too are kept or dropped together by
    the same limit, so of a graph in which all have the same degree, the rows keep the entries above.

    Args:
        seen: The maps.
        most: Number of entries of a row.

    Example:
        >>> from gnnmax.models.nodes.observed import observed
        >>> line = torch.exp(-(torch.arange(9.0)[:, None] - torch.arange(9.0)).abs())[None]
        >>> edges = strongest_edges(observed(line), most=2)
        >>> edges.ends[0, edges.ends[1] == 4].tolist()
        [3, 5]
    """
    weights, inside, _ = seen
    n = weights.shape[1]
    pair = inside[:, :, None] & inside[:, None, :] & ~torch.eye(n, dtype=torch.bool, device=weights.device)
    units = weights.masked_fill(~pair, -torch.inf)
    least = _least(units, most)
    kept = (units >= least) & pair
    crowded = kept.sum(dim=2) > 2 * most
    if crowded.any():
        kept[crowded] = _thinned(units[crowded], least[crowded], _ranks(weights)[crowded.nonzero()[:, 0]], most)
    kept = kept | kept.mT
    batch, target, source = torch.nonzero(kept, as_tuple=True)
    return Edges(torch.stack([source, target]) + batch * n, weights[batch, target, source][:, None])


def _least(units: Tensor, most: int) -> Tensor:
    """Return the least of the largest entries of each row, shape ``(..., 1)``."""
    return units.topk(min(most, units.shape[-1]), dim=-1).values[..., -1:]


def _ranks(weights: Tensor) -> Tensor:
    """Return the ranks of row sums, shape ``(B, n)``; the same for equal ones, whatever their order of summation is."""
    sums = weights.sum(dim=2, dtype=torch.float64).round(decimals=3)
    ranks: Tensor = torch.unique(sums, return_inverse=True)[1]
    return ranks.to(torch.float32)


def _thinned(units: Tensor, least: Tensor, ranks: Tensor, most: int) -> Tensor:
    """Return which entries rows keep if too many are equal to the least one: those of the highest ranks, and above.

    Args:
        units: The rows, shape ``(R, n)``.
        least: The least entry kept of each, shape ``(R, 1)``.
        ranks: Ranks of the columns for each row, shape ``(R, n)``.
        most: Number of entries of a row.
    """
    above = units > least
    keys = ranks.masked_fill(units != least, -1.0).masked_fill_(above, torch.inf)
    lowest = _least(keys, most)
    kept = keys >= lowest
    return torch.where(kept.sum(dim=1, keepdim=True) > 2 * most, keys > lowest, kept)


def laplacian_encoding(edges: Edges, nodes: int, vectors: int) -> tuple[Tensor, Tensor]:
    """Return the first eigenvectors of the normalised Laplacian of one graph, without the trivial one.

    Args:
        edges: Edges of one map.
        nodes: Number of its nodes.
        vectors: Number of eigenvectors.

    Returns:
        Eigenvalues of the normalised adjacency, the largest first, shape ``(vectors,)``, and vectors, shape
        ``(nodes, vectors)``.

    References:
        Dwivedi and Bresson, "A Generalization of Transformer Networks to Graphs", AAAI workshop 2021.
    """
    source, target = edges.ends.cpu().numpy()
    degree = np.bincount(target, minlength=nodes).astype(np.float64)
    root = 1 / np.sqrt(np.maximum(degree, 1))
    matrix = sp.csr_array((root[source] * root[target], (target, source)), shape=(nodes, nodes))
    sizes, found = leading_vectors(matrix, vectors + 1)
    return torch.from_numpy(sizes[1:]).to(edges.weight), torch.from_numpy(found[:, 1:]).to(edges.weight)
