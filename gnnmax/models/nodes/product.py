"""The map product net as a scorer of nodes: pairs that it finds to lie in a block, counted along each row."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnnmax.models.maps.product import MapProductNet
from gnnmax.models.nodes.observed import check_square_maps, outside_masked

__all__ = ["ProductNodes"]

LEAST = 1e-3
"""Number of partners, in units of sqrt(n), that is added to those of a node before the logarithm."""


class ProductNodes(MapProductNet):
    """The map product net, whose evidence says which pairs of nodes lie in a block; a node has the pairs of its row.

    The score of a node is linear in two numbers: the evidence of its pair with itself, which reads how strongly its
    neighbours are joined, and the logarithm of its expected number of partners, in units of sqrt(n). It moves with the
    nodes. Like :class:`MapProductNet` it costs ``n^3``, so that it serves maps of about a thousand nodes at most.

    Args:
        width: Features of a pair.
        hidden: Features between the two layers of an update.
        heads: Operators of a round.
        channels: Features that each operator carries.
        likeness: Features of third nodes in a round.
        walks: Lengths of walks in a round: 1, 2, 4, ...
        rounds: Updates of the pairs.

    Example:
        >>> ProductNodes(width=4, hidden=8, heads=1, channels=1, rounds=1)(torch.zeros(2, 9, 9)).shape
        torch.Size([2, 9])
    """

    def __init__(
        self,
        *,
        width: int = 12,
        hidden: int = 24,
        heads: int = 2,
        channels: int = 2,
        likeness: int = 4,
        walks: int = 2,
        rounds: int = 3,
    ) -> None:
        super().__init__(
            width=width,
            hidden=hidden,
            heads=heads,
            channels=channels,
            likeness=likeness,
            walks=walks,
            rounds=rounds,
            neighbours=None,
        )
        self.of_node = nn.Linear(2, 1)

    def forward(self, values: Tensor, *, symmetric: bool | None = None) -> Tensor:
        """Score nodes; see :meth:`gnnmax.models.nodes.unrolled_amp.UnrolledAMP.forward`.

        Args:
            values: Symmetric maps, shape ``(B, n, n)``.
            symmetric: Taken for granted.
        """
        del symmetric
        check_square_maps(values)
        inside = (~torch.isnan(values)).any(dim=2)
        evidence = super().forward(values, symmetric=True)
        others = ~torch.eye(values.shape[1], dtype=torch.bool, device=values.device)
        pairs = inside[:, :, None] & inside[:, None, :] & others
        partners = torch.where(pairs, torch.sigmoid(evidence), 0.0).sum(dim=2)
        partners = partners / inside.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        read = torch.stack([evidence.diagonal(dim1=1, dim2=2), torch.log(LEAST + partners)], dim=-1)
        return outside_masked(self.of_node(read)[..., 0], inside)
