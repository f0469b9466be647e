"""The map as an image, read along its diagonal: the map CNN as a scorer of nodes whose order is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gnnmax.models.maps.convolution import MapCnn
from gnnmax.models.maps.encoding import encode_maps
from gnnmax.models.nodes.observed import check_square_maps, outside_masked

__all__ = ["DiagonalCnn"]

TILE = 64
"""Diagonal entries that are computed at a time."""


class DiagonalCnn(MapCnn):
    """The map CNN, whose evidence on the diagonal is the score of a node.

    A block of consecutive nodes lies along the diagonal. The tower is that of :class:`MapCnn` with zero padding, and
    the scores are the diagonal of its evidence, exactly. Entries that are farther from the diagonal than the tower
    sees are not computed, so the cost grows as n, not as n^2.

    Args:
        width: Channels.
        dilations: The dilation of each block; their sum is how far the tower sees.

    Example:
        >>> DiagonalCnn(width=4, dilations=(1, 2))(torch.rand(2, 30, 30)).shape
        torch.Size([2, 30])
    """

    def __init__(self, *, width: int = 8, dilations: Sequence[int] = (1, 2, 4, 8, 4, 2, 1)) -> None:
        super().__init__(width=width, dilations=dilations, padding="zero")

    def forward(self, values: Tensor, *, symmetric: bool | None = None) -> Tensor:
        """Score nodes; see :meth:`gnnmax.models.nodes.unrolled_amp.UnrolledAMP.forward`.

        Args:
            values: Symmetric maps, shape ``(B, n, n)``.
            symmetric: Taken for granted; a map that is not symmetric is read as it is.
        """
        del symmetric
        check_square_maps(values)
        inside = (~torch.isnan(values)).any(dim=2)
        image, mark = encode_maps(values)
        batch, n = inside.shape
        after = -n % TILE + self.reach
        frame = (self.reach, after, self.reach, after)
        tiles, marks = (_along_diagonal(functional.pad(each, frame), self.reach) for each in (image, mark))
        tiles = self.embed(tiles.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            tiles = block(tiles * marks)
        inner = slice(self.reach, self.reach + TILE)
        evidence = self.head(tiles[:, :, inner, inner]).squeeze(1).diagonal(dim1=1, dim2=2)  # (tiles * B, TILE)
        scores = evidence.reshape(-1, batch, TILE).transpose(0, 1).reshape(batch, -1)[:, :n]
        return outside_masked(scores, inside)


def _along_diagonal(image: Tensor, reach: int) -> Tensor:
    """Cut the squares along the diagonal of framed images, tile after tile, shape ``(tiles * B, C, side, side)``."""
    side = TILE + 2 * reach
    starts = range(0, image.shape[2] - side + 1, TILE)
    return torch.cat([image[:, :, start : start + side, start : start + side] for start in starts])
