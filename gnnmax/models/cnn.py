"""The window as an image: the asker's network, and a strong default."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.standardisation import centre_mark, standardise

__all__ = ["ImageNet", "QuestionNet"]


class _SameConvolution(nn.Conv2d):
    """A 2 x 2 convolution that keeps the size: a row of zeros below, a column of zeros on the right, as in Keras."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size=2)
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]  # a convolution made with a bias has one

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(functional.pad(image, (0, 1, 0, 1)))


class QuestionNet(nn.Module):
    """The asker's network: Conv2D(128, 2, same, relu), Conv2D(64, 2, same, relu), Flatten, Dense.

    With ten outputs it has 39,242 parameters at ``k = 3``. Weights start as Keras starts them (Glorot uniform, biases
    zero). No symmetry: Flatten and Dense tell every position apart.

    Args:
        k: Side of the windows, fixed: the dense layer has one weight an entry and channel.
        outputs: 1 for a logit; the question's own head has 10.

    References:
        "How can I suppress a CNN's translation invariance / equivariance?", ai.stackexchange.com, question 12010.
        Differs by the standardised input and, as a scorer, by its single output.

    Example:
        >>> net = QuestionNet(k=3, outputs=10)
        >>> sum(p.numel() for p in net.parameters())
        39242
        >>> net(torch.rand(5, 3, 3)).shape
        torch.Size([5, 10])
    """

    def __init__(self, k: int, outputs: int = 1) -> None:
        super().__init__()
        self.first = _SameConvolution(1, 128)
        self.second = _SameConvolution(128, 64)
        self.dense = nn.Linear(64 * k * k, outputs)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,  # noqa: ARG002  # every net is called alike
        column_context: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Return logits, shape ``(B,)``, or ``(B, outputs)`` if there are more than one. Contexts are not read."""
        image = standardise(values).unsqueeze(1)  # (B, 1, k, k)
        image = functional.relu(self.second(functional.relu(self.first(image))))  # (B, 64, k, k)
        logits: Tensor = self.dense(image.flatten(1))
        return logits.squeeze(1)


class _Residual(nn.Module):
    """Add to an image what a 3 x 3 and a 1 x 1 convolution make of it; at first nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.mix = nn.Conv2d(width, width, kernel_size=1)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]  # a convolution made with a bias has one

    def forward(self, image: Tensor) -> Tensor:
        change: Tensor = self.mix(functional.relu(self.spread(functional.relu(image))))
        return image + change


class ImageNet(nn.Module):
    """A residual convolution tower at full resolution that is told where the centre is.

    Two channels in (standardised values, centre mark), a pointwise embedding, zero-padded 3 x 3 residual convolutions
    without pooling or stride; the head reads the features at the centre, their maximum and their mean. The mark and
    the zero padding make it *not* translation invariant, the kernels make it depend on the order of rows and columns.

    Args:
        width: Channels.
        blocks: Residual blocks; each sees one entry further.

    References:
        He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016: the blocks, here with a 1 x 1
        second convolution. Zhang, Dauphin, Ma, "Fixup Initialization", ICLR 2019: branches that start at zero, in
        place of normalisation, which would take away the scale of a feature. Liu et al., "An Intriguing Failing of
        Convolutional Neural Networks and the CoordConv Solution", NeurIPS 2018: position as a channel.

    Example:
        >>> net = ImageNet(width=8, blocks=1)
        >>> net(torch.rand(5, 9, 9)).shape, net(torch.rand(2, 15, 15)).shape
        (torch.Size([5]), torch.Size([2]))
    """

    def __init__(self, width: int = 24, blocks: int = 2) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(2, width, kernel_size=1), nn.ReLU(), nn.Conv2d(width, width, kernel_size=1)
        )
        self.tower = nn.Sequential(*(_Residual(width) for _ in range(blocks)))
        self.head = nn.Sequential(nn.Linear(3 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,  # noqa: ARG002  # every net is called alike
        column_context: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        middle = values.shape[-1] // 2
        image = torch.stack([standardise(values), centre_mark(values)], dim=1)  # (B, 2, k, k)
        image = self.tower(self.embed(image.contiguous(memory_format=torch.channels_last)))  # (B, C, k, k)
        seen = [image[:, :, middle, middle], image.amax(dim=(2, 3)), image.mean(dim=(2, 3))]
        logits: Tensor = self.head(torch.cat(seen, dim=1))
        return logits.squeeze(1)
