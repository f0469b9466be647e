"""The map as an image: a residual tower of dilated convolutions at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.maps.encoding import CHANNELS, encode_maps, transposable

__all__ = ["DilatedBlock", "MapCnn", "MapPadding"]

MapPadding = Literal["zero", "valid"]
"""Features beyond the border, and where nothing is observed: zeros in every layer, or computed from the mark alone."""


class DilatedBlock(nn.Module):
    """Residual block: dilated 3 x 3 then 1 x 1 convolution, initialised to the identity.

    Args:
        width: Channels.
        dilation: Entries between neighbouring positions of the kernel.
        padded: Whether zeros are added around the image, so that it keeps its sides; else each side loses
            ``2 * dilation`` entries.
    """

    def __init__(self, width: int, dilation: int, *, padded: bool) -> None:
        super().__init__()
        self.trimmed = 0 if padded else dilation
        self.spread = nn.Conv2d(width, width, 3, padding=dilation if padded else 0, dilation=dilation)
        self.mix = nn.Conv2d(width, width, kernel_size=1)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]  # a convolution made with a bias has one

    def forward(self, image: Tensor) -> Tensor:
        """Update an image ``(B, width, n, m)``."""
        change: Tensor = self.mix(functional.relu(self.spread(functional.relu(image))))
        edge = self.trimmed
        kept = image[:, :, edge : image.shape[2] - edge, edge : image.shape[3] - edge]
        return kept + change


class MapCnn(nn.Module):
    """A residual convolution tower that gives the evidence of a peak at every entry, for maps of any sides.

    A map is standardised by its own median and median absolute deviation. With padding ``zero``, features are set to
    zero in every layer where nothing is observed; with ``valid``, the image is enlarged once, by as much as the tower
    sees, and the convolutions add nothing: what lies beyond the border is computed from the mark alone. Both are
    exactly equivariant to translations of a map within an area that is not observed. The evidence is averaged over the
    map and its transpose, so that symmetric maps have symmetric evidence.

    Rows and columns are neighbours in the order in which they come: where that order is lost, a convolution sees single
    entries alone.

    Cost: ``O(blocks * n * m * width^2)`` for each map, twice where the map is not symmetric.

    Args:
        width: Channels.
        dilations: The dilation of each block; their sum is the number of entries that the tower sees in each direction.
        padding: ``zero`` or ``valid``.

    References:
        Yu, Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", ICLR 2016. He, Zhang, Ren, Sun, "Identity
        Mappings in Deep Residual Networks", ECCV 2016: the blocks, here with a 1 x 1 second convolution. Liu et al.,
        "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018: the mark of what is observed.

    Example:
        >>> net = MapCnn(width=8, dilations=(1, 2))
        >>> net(torch.rand(2, 9, 9)).shape, net(torch.rand(1, 5, 30)).shape
        (torch.Size([2, 9, 9]), torch.Size([1, 5, 30]))
    """

    def __init__(
        self, *, width: int = 24, dilations: Sequence[int] = (1, 2, 4, 2, 1), padding: MapPadding = "zero"
    ) -> None:
        super().__init__()
        self.padding = padding
        self.reach = sum(dilations)
        self.embed = nn.Sequential(nn.Conv2d(CHANNELS, width, 1), nn.ReLU(), nn.Conv2d(width, width, 1))
        self.blocks = nn.ModuleList(DilatedBlock(width, each, padded=padding == "zero") for each in dilations)
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, 1, 1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(self, values: Tensor, *, symmetric: bool | None = None) -> Tensor:
        """Return the evidence of a peak at each entry, shape ``(B, n, m)``, of maps ``(B, n, m)``.

        Args:
            values: Maps; NaN where an entry is not observed.
            symmetric: Whether every map equals its transpose; None looks, which waits for a GPU.
        """
        return transposable(self._evidence, values, symmetric=symmetric)

    def _evidence(self, values: Tensor) -> Tensor:
        image, mark = encode_maps(values)
        if self.padding == "valid":
            image = functional.pad(image, (self.reach,) * 4)
        image = self.embed(image.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            image = block(image * mark if self.padding == "zero" else image)
        evidence: Tensor = self.head(image)
        return evidence.squeeze(1)
