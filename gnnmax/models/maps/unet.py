"""The map as an image at several resolutions: a U-Net for maps of any sides."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.maps.convolution import DilatedBlock
from gnnmax.models.maps.encoding import CHANNELS, encode_maps, transposable

__all__ = ["MapUnet"]


class MapUnet(nn.Module):
    """A U-Net that gives the evidence of a peak at every entry, for maps of any sides.

    Each level halves the resolution by the mean over the observed entries of 2 x 2 blocks, and the way back adds the
    features of the level to those of the coarser one. Sides that are no multiple of the coarsest block are completed by
    entries that are not observed, at the end, so that padding changes nothing. The blocks start at the first row and
    column, so that the net is equivariant to translations by whole coarsest blocks only.

    Cost: ``O(n * m * width^2)`` for each map; channels stay the same on all levels.

    Args:
        width: Channels.
        levels: Number of times that the resolution is halved.
        blocks: Residual blocks on each level, on the way down and on the way up.

    References:
        Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015; here
        with residual blocks, zero padding and sums in place of concatenations.

    Example:
        >>> MapUnet(width=8, levels=2, blocks=1)(torch.rand(2, 11, 11)).shape
        torch.Size([2, 11, 11])
    """

    def __init__(self, *, width: int = 24, levels: int = 3, blocks: int = 1) -> None:
        super().__init__()
        self.levels = levels
        self.embed = nn.Sequential(nn.Conv2d(CHANNELS, width, 1), nn.ReLU(), nn.Conv2d(width, width, 1))
        self.down = nn.ModuleList(_level(width, blocks) for _ in range(levels + 1))
        self.up = nn.ModuleList(_level(width, blocks) for _ in range(levels))
        self.join = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(levels))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, 1, 1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(self, values: Tensor) -> Tensor:
        """Return the evidence of a peak at each entry, shape ``(B, n, m)``, of maps ``(B, n, m)``."""
        return transposable(self._evidence, values)

    def _evidence(self, values: Tensor) -> Tensor:
        n, m = values.shape[1:]
        step = 2**self.levels
        whole = functional.pad(values, (0, -m % step, 0, -n % step), value=torch.nan)
        image, mark = encode_maps(whole)
        image = self.embed(image.contiguous(memory_format=torch.channels_last)) * mark
        finer: list[tuple[Tensor, Tensor]] = []
        for level in range(self.levels):
            image = _masked(self.down[level], image, mark)
            finer.append((image, mark))
            image, mark = _halved(image, mark)
        image = _masked(self.down[self.levels], image, mark)
        for level in reversed(range(self.levels)):
            before, mark = finer[level]
            coarse = functional.interpolate(self.join[level](image), scale_factor=2, mode="nearest")
            image = _masked(self.up[level], before + coarse, mark)
        evidence: Tensor = self.head(image)
        return evidence.squeeze(1)[:, :n, :m]


def _level(width: int, blocks: int) -> nn.ModuleList:
    return nn.ModuleList(DilatedBlock(width, 1, padded=True) for _ in range(blocks))


def _masked(level: nn.Module, image: Tensor, mark: Tensor) -> Tensor:
    """Apply the blocks of a level; features are zero where nothing is observed."""
    assert isinstance(level, nn.ModuleList)
    for block in level:
        image = block(image * mark)
    return image * mark


def _halved(image: Tensor, mark: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean over the observed entries of 2 x 2 blocks, and the mark of blocks with such an entry."""
    share = functional.avg_pool2d(mark, 2)
    mean = functional.avg_pool2d(image * mark, 2) / torch.where(share > 0, share, torch.ones_like(share))
    return mean, (share > 0).to(mark.dtype)
