"""A spectral net: scores of nodes from the leading eigenvectors of their map, whatever the signs of the vectors are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn

from gnnmax.models.nodes.observed import observed, outside_masked

__all__ = ["SignInvariant", "SpectralNet", "leading_vectors"]

TOLERANCE = 1e-5
"""Relative accuracy of eigenvalues."""

SMALL = 64
"""Number of nodes up to which all eigenvectors are computed: iterations fail on the smallest matrices."""


def leading_vectors(
    matrix: npt.NDArray[np.floating] | sp.csr_array, count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the largest eigenvalues of a symmetric matrix, the largest first, and their unit vectors.

    The iteration starts from row sums, so the vectors move with the nodes, up to their signs.

    Args:
        matrix: Dense or scipy sparse, shape ``(n, n)``.
        count: Number of vectors; zeros stand for those beyond n - 1.

    Returns:
        Values, shape ``(count,)``, and vectors, shape ``(n, count)``.

    Example:
        >>> values, vectors = leading_vectors(np.ones((6, 6)), 2)
        >>> values.round(6).tolist(), np.abs(vectors[:, 0]).round(3).tolist()
        ([6.0, 0.0], [0.408, 0.408, 0.408, 0.408, 0.408, 0.408])
    """
    n = matrix.shape[0]
    values, vectors = np.zeros(count), np.zeros((n, count))
    most = min(count, n - 1)
    if most < 1 or not abs(matrix).max():  # type: ignore[attr-defined]  # not in scipy's stubs
        return values, vectors
    if n <= SMALL:
        found, own = np.linalg.eigh(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
    else:
        sums = np.asarray(matrix.sum(axis=1)).ravel()
        start = sums if np.ptp(sums) > 0 else np.cos(np.arange(n))
        found, own = eigsh(matrix, k=most, which="LA", v0=start.astype(matrix.dtype), tol=TOLERANCE)
    order = np.argsort(-found)[:most]
    values[:most], vectors[:, :most] = found[order], own[:, order]
    return values, vectors


class SignInvariant(nn.Module):
    """Read eigenvectors as features of nodes that do not depend on their signs.

    A net phi reads an entry of a vector and its eigenvalue; phi of the vector and of its mirror image are added.

    Args:
        vectors: Number of vectors.
        width: Features of a vector.

    References:
        Lim et al., "Sign and Basis Invariant Networks for Spectral Graph Representation Learning", ICLR 2023.

    Example:
        >>> read = SignInvariant(vectors=2, width=4)
        >>> vectors, values, count = torch.randn(1, 5, 2), torch.rand(1, 2), torch.tensor([5.0])
        >>> torch.allclose(read(vectors, values, count), read(-vectors, values, count))
        True
    """

    def __init__(self, vectors: int, width: int) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width))
        self.features = vectors * width

    def forward(self, vectors: Tensor, values: Tensor, count: Tensor) -> Tensor:
        """Return features ``(B, n, vectors * width)``.

        The entries of a vector are multiplied by the root of the number of nodes, so that their size does not depend
        on it.

        Args:
            vectors: Shape ``(B, n, vectors)``; 0 for nodes outside.
            values: Their eigenvalues, shape ``(B, vectors)``.
            count: Number of nodes of each map, shape ``(B,)``.
        """
        scaled = vectors * count.sqrt()[:, None, None]
        cubes = (scaled.pow(3).sum(dim=1) / count[:, None])[:, None].expand_as(scaled)
        size = values[:, None].expand_as(scaled)
        both = [torch.stack([sign * scaled, sign * cubes, size], dim=-1) for sign in (1.0, -1.0)]
        return (self.phi(both[0]) + self.phi(both[1])).flatten(2)  # type: ignore[no-any-return]


class SpectralNet(nn.Module):
    """Score nodes by a net on the leading eigenvectors of their map.

    It reads nothing else, so it knows what a spectral method knows. The cost is that of a few dozen products of the
    matrix with a vector. Nothing is differentiated through the vectors.

    Args:
        vectors: Number of leading eigenvectors.
        width: Features of each.

    References:
        As for :class:`SignInvariant`.

    Example:
        >>> SpectralNet()(torch.randn(1, 30, 30).add(torch.randn(1, 30, 30).mT)).shape
        torch.Size([1, 30])
    """

    def __init__(self, *, vectors: int = 3, width: int = 16) -> None:
        super().__init__()
        self.vectors = vectors
        self.read = SignInvariant(vectors, width)
        self.head = nn.Sequential(nn.Linear(self.read.features, 2 * width), nn.SiLU(), nn.Linear(2 * width, 1))

    def forward(self, values: Tensor) -> Tensor:
        """Score nodes; see :meth:`gnnmax.models.nodes.unrolled_amp.UnrolledAMP.forward`."""
        weights, inside, count = observed(values)
        found = [self._vectors(one, own) for one, own in zip(weights, inside, strict=True)]
        sizes = torch.stack([each for each, _ in found]) / count.sqrt()[:, None]
        vectors = torch.stack([each for _, each in found])
        return outside_masked(self.head(self.read(vectors, sizes, count))[..., 0], inside)

    def _vectors(self, weights: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Return eigenvalues ``(vectors,)`` and vectors ``(n, vectors)`` of one map."""
        own = torch.nonzero(inside)[:, 0]
        matrix = weights.detach()
        matrix = matrix if len(own) == len(matrix) else matrix[own][:, own]
        sizes, vectors = leading_vectors(matrix.cpu().numpy(), self.vectors)
        whole = weights.new_zeros(len(weights), self.vectors)
        whole[own] = torch.from_numpy(vectors).to(weights)
        return torch.from_numpy(sizes).to(weights), whole
