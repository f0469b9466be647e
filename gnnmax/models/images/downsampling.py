"""Downsampling: blur before a stride, and polyphase downsampling, whose grid moves with the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.tower_spec import Padding, sampled_side
from gnnmax.models.visibility import blur_taps, grid_starts

__all__ = ["Blur", "Polyphase", "padded"]


def padded(image: Tensor, added: tuple[int, int], padding: Padding) -> Tensor:
    """Pad an image ``(B, C, n, n)`` with the opposite border, or with zeros.

    Example:
        >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> padded(image, (0, 1), "circular")[0, 0]
        tensor([[1., 2., 1.],
                [3., 4., 3.],
                [1., 2., 1.]])
    """
    if added == (0, 0):
        return image
    return functional.pad(image, added * 2, mode="circular" if padding == "circular" else "constant")


class Blur(nn.Module):
    """Blur with binomial taps, ``2 * step - 1`` per side, and keep every ``step``-th row and column.

    References:
        Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019. The blur reduces the change
        under a translation by one entry; only multiples of the step leave the output unchanged.

    Example:
        >>> Blur(step=3, padding="circular")(torch.ones(1, 2, 9, 9)).shape
        torch.Size([1, 2, 3, 3])
    """

    def __init__(self, step: int, padding: Padding) -> None:
        super().__init__()
        self.step, self.padding = step, padding
        taps = torch.as_tensor(blur_taps(step), dtype=torch.float32)
        self.register_buffer("taps", taps / taps.sum(), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Blur and downsample an image ``(B, C, n, n)``."""
        assert isinstance(self.taps, Tensor)
        channels, reach = image.shape[1], self.step - 1
        image = padded(image, (reach, reach), self.padding)
        taps = self.taps.to(image.dtype)
        kernel = torch.outer(taps, taps).expand(channels, 1, -1, -1)
        return functional.conv2d(image, kernel, stride=self.step, groups=channels)


class Polyphase(nn.Module):
    """Keep the grid of every ``step``-th row and column of a circular image that has the largest norm.

    A translation only permutes the grids: the chosen one holds the same entries up to a rotation.

    References:
        Chaman, Dokmanic, "Truly Shift-Invariant Convolutional Neural Networks", CVPR 2021. Differs where the step does
        not divide the side: there every row starts a grid that wraps around, so that every side is covered.

    Example:
        >>> image = torch.rand(1, 2, 9, 9)
        >>> pooled = Polyphase(step=3)(image).sum()
        >>> torch.testing.assert_close(Polyphase(step=3)(image.roll((2, 5), dims=(2, 3))).sum(), pooled)
    """

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, image: Tensor) -> Tensor:
        """Return one grid of each image ``(B, C, n, n)``."""
        side = image.shape[-1]
        starts = torch.arange(grid_starts(side, self.step), device=image.device)
        offsets = self.step * torch.arange(sampled_side(side, self.step), device=image.device)
        lines = (starts[:, None] + offsets) % side  # (starts, m)
        combs = functional.one_hot(lines, side).sum(dim=1).to(image.dtype)  # (starts, n)
        norms = combs @ image.square().sum(dim=1) @ combs.T  # (B, starts, starts)
        row, column = torch.unravel_index(norms.flatten(1).argmax(dim=1), norms.shape[1:])
        every = torch.arange(len(image), device=image.device)[:, None, None]
        kept = image.permute(0, 2, 3, 1)[every, lines[row][:, :, None], lines[column][:, None, :]]  # (B, m, m, C)
        return kept.permute(0, 3, 1, 2)
