"""The window as an image: a strong convolutional net that can read the contexts too."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.entry import Encoding
from gnnmax.models.images.views import VALUES, View

__all__ = ["ImageNet", "Residual"]


class Residual(nn.Module):
    """Residual block: 3 x 3 then 1 x 1 convolution, initialised to the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.mix = nn.Conv2d(width, width, kernel_size=1)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]  # a convolution made with a bias has one

    def forward(self, image: Tensor) -> Tensor:
        """Return an image of the same shape ``(B, width, n, n)``."""
        change: Tensor = self.mix(functional.relu(self.spread(functional.relu(image))))
        return image + change


class ImageNet(nn.Module):
    """A residual convolution tower at full resolution with a mark at the centre.

    The input is the image of a view: encoded values, centre mark and perhaps contexts. A pointwise embedding and
    zero-padded 3 x 3 residual convolutions follow, without pooling or stride; the head reads the features at the
    centre, their maximum and their mean. The mark and the zero padding make it *not* translation invariant, the kernels
    make it depend on the order of rows and columns.

    Args:
        width: Channels.
        blocks: Residual blocks; each sees one entry further.
        view: How a window becomes an image.
        encoding: How the values are encoded, and the contexts if the view has them.

    References:
        He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016: the blocks, here with a 1 x 1
        second convolution. Zhang, Dauphin, Ma, "Fixup Initialization", ICLR 2019: branches initialised to zero,
        instead of normalisation, which would remove the scale of a feature. Liu et al., "An Intriguing Failing of
        Convolutional Neural Networks and the CoordConv Solution", NeurIPS 2018: position as a channel.

    Example:
        >>> net = ImageNet(width=8, blocks=1)
        >>> net(torch.rand(5, 9, 9)).shape, net(torch.rand(2, 15, 15)).shape
        (torch.Size([5]), torch.Size([2]))
    """

    def __init__(
        self, *, width: int = 24, blocks: int = 2, view: View = VALUES, encoding: Encoding = "standard"
    ) -> None:
        super().__init__()
        self.view, self.encoding = view, encoding
        self.embed = nn.Sequential(
            nn.Conv2d(view.channels, width, kernel_size=1), nn.ReLU(), nn.Conv2d(width, width, kernel_size=1)
        )
        self.tower = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.head = nn.Sequential(nn.Linear(3 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(
        self, values: Tensor, row_context: Tensor | None = None, column_context: Tensor | None = None
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side.

        Raises:
            InputError: the view needs contexts and there are none.
        """
        image = self.view.image(values, row_context, column_context, self.encoding)
        return self.read(image, *self.view.centre(values.shape[-1]))

    def read(self, image: Tensor, row: int, column: int) -> Tensor:
        """Return logits, shape ``(B,)``, of images ``(B, channels, n, n)`` whose marked entry is (row, column)."""
        image = self.tower(self.embed(image.contiguous(memory_format=torch.channels_last)))  # (B, C, n, n)
        seen = [image[:, :, row, column], image.amax(dim=(2, 3)), image.mean(dim=(2, 3))]
        logits: Tensor = self.head(torch.cat(seen, dim=1))
        return logits.squeeze(1)
