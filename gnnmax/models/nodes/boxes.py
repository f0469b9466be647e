"""Box filters of many sizes along the diagonal of a map: an image net whose windows are as large as a block."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.nodes.observed import observed, outside_masked

__all__ = ["BoxNet", "box_sizes", "diagonal_sums"]

SMALLEST = 3
"""Nodes of the smallest box."""


class BoxNet(nn.Module):
    """A sliding-window detector along the diagonal: box filters of many sizes, a net on their responses, a softmax.

    A box sums the entries among consecutive nodes. The sums of all boxes of all sizes come from one recurrence, so a
    box of any size costs as much as a small one. The evidence of a box is its logarithmic likelihood ratio at the
    height that fits best, half the square of its response in standard units, plus a correction by a small net, which
    reads the response and the size and is the same for all boxes. A node's probability is that of the boxes that
    contain it, by a softmax over all boxes. Entries that are not observed, and those beyond the border, are left out of
    sums and counts.

    It reads the order alone: where the order is lost, a box holds few entries of the block. The cost grows as
    ``n * largest``.

    Args:
        width: Width of the net on responses.
        largest: Nodes of the largest box.
        sizes_per_octave: Number of sizes from a box to one of twice its size; as all boxes share their weights, a
            trained net may read more.

    References:
        Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001 (sums of boxes).
        Burkov and Lempitsky, "Deep Neural Networks with Box Convolutions", NeurIPS 2018. Our sizes are fixed.

    Example:
        >>> BoxNet(width=4, largest=8)(torch.rand(2, 30, 30)).shape
        torch.Size([2, 30])
    """

    def __init__(self, *, width: int = 32, largest: int = 256, sizes_per_octave: int = 6) -> None:
        super().__init__()
        box_sizes(largest, sizes_per_octave)
        self.largest, self.sizes_per_octave = largest, sizes_per_octave
        self.correction = nn.Sequential(
            nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, values: Tensor) -> Tensor:
        """Score nodes; see :meth:`gnnmax.models.nodes.unrolled_amp.UnrolledAMP.forward`."""
        seen = observed(values)
        pairs = ~torch.isnan(values) & ~torch.eye(values.shape[1], dtype=torch.bool, device=values.device)
        sizes = box_sizes(self.largest, self.sizes_per_octave)
        sums, counts = (diagonal_sums(each, sizes) for each in (seen.weights, pairs.to(values.dtype)))
        evidence = self._evidence(sums, counts, seen.nodes)
        evidence = evidence.masked_fill(counts == 0, -torch.inf)
        highest = evidence.amax(dim=(1, 2), keepdim=True)
        shares = torch.exp(evidence - torch.where(torch.isfinite(highest), highest, 0.0))  # (B, S, n + largest - 1)
        return outside_masked(_odds_of_nodes(shares, sizes).to(values.dtype), seen.inside)

    def _evidence(self, sums: Tensor, counts: Tensor, nodes: Tensor) -> Tensor:
        """Return the evidence of boxes of each size and start, in double precision."""
        root = counts.clamp(min=1).sqrt()
        units = sums / root
        scale = (nodes.log() / 2)[:, None, None].expand_as(root)
        read = torch.stack([units, torch.log(math.sqrt(2) * root) - scale, scale], dim=-1).to(nodes.dtype)
        correction: Tensor = self.correction(read)[..., 0].double()
        return units.clamp(min=0).square() / 2 + correction


def box_sizes(largest: int, sizes_per_octave: int) -> list[int]:
    """Return numbers of nodes of boxes, a geometric series from three on, rounded.

    Raises:
        InputError: no room for a box, or no size.

    Example:
        >>> box_sizes(12, 2)
        [3, 4, 6, 8, 12]
    """
    if largest < SMALLEST or sizes_per_octave < 1:
        raise InputError(
            f"boxes have at least {SMALLEST} nodes and one size an octave, not {largest} and {sizes_per_octave}"
        )
    steps = math.floor(sizes_per_octave * math.log2(largest / SMALLEST) + 1e-9)
    return sorted({round(SMALLEST * 2 ** (step / sizes_per_octave)) for step in range(steps + 1)})


def diagonal_sums(values: Tensor, sizes: list[int]) -> Tensor:
    """Sum the pairs of consecutive nodes, for boxes of several sizes that may stand out over the border.

    The pairs of a box are those of the two boxes that leave out its last or first node, less those that both have, and
    the pair of its ends.

    Args:
        values: Symmetric entries with an empty diagonal, 0 where nothing is observed, shape ``(B, n, n)``.
        sizes: Numbers of nodes of the boxes, increasing; the last is ``largest``.

    Returns:
        Shape ``(B, S, n + largest - 1)``, in double precision: entry j of a size s is the box of the nodes from
        ``j - largest + 1`` to ``j - largest + s``.

    Example:
        >>> diagonal_sums(torch.ones(1, 3, 3) - torch.eye(3), [2, 3])[0].tolist()
        [[0.0, 0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 3.0, 1.0, 0.0]]
    """
    batch, n = values.shape[:2]
    largest, wanted = sizes[-1], set(sizes)
    length, edge = n + largest - 1, largest - 1  # box j starts at node j - edge
    last = values.new_zeros(batch, length + 1, dtype=torch.float64)
    now = last[:, :-1]  # boxes of one node have no pair
    found: list[Tensor] = []
    for size in range(2, largest + 1):
        ends = torch.diagonal(values, offset=size - 1, dim1=1, dim2=2) if size <= n else values[:, :0, 0]
        pair = functional.pad(ends.double(), (edge, size - 1))[:, :length]
        after = functional.pad(now, (0, 1))[:, 1:]
        last, now = now, now + after - functional.pad(last, (0, 1))[:, 1 : length + 1] + pair
        if size in wanted:
            found.append(now)
    return torch.stack(found, dim=1)


def _odds_of_nodes(shares: Tensor, sizes: list[int]) -> Tensor:
    """Return logarithmic odds that a node is in the box, given shares of boxes, shape ``(B, n)``."""
    largest = sizes[-1]
    n = shares.shape[2] - largest + 1
    inside = shares.new_zeros(len(shares), n)
    for index, size in enumerate(sizes):
        # Node i is in the boxes that start from i - size + 1 to i.
        own = shares[:, index : index + 1, largest - size :]
        inside = inside + size * functional.avg_pool1d(own, size, stride=1)[:, 0, :n]
    tiny = torch.finfo(torch.float32).tiny
    outside = shares.sum(dim=(1, 2))[:, None] - inside
    return torch.log(inside.clamp(min=tiny)) - torch.log(outside.clamp(min=tiny))
