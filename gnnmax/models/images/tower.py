"""Plain convolution towers: the asker's network, the alternatives of the answer, and their variations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnnmax.models.encoding import encode
from gnnmax.models.entry import Encoding
from gnnmax.models.images.downsampling import Blur, Polyphase, padded
from gnnmax.models.tower_spec import TowerSpec, margins

__all__ = ["Tower", "TowerNet"]


class _Convolution(nn.Conv2d):
    """A convolution with the padding of a specification, initialised as in Keras: Glorot uniform, biases zero."""

    def __init__(self, channels_in: int, channels_out: int, spec: TowerSpec, stride: int) -> None:
        before, after = margins(spec.kernel, spec.padding)
        self.own_padding = spec.padding
        # torch pads evenly with zeros by itself, and faster; other paddings are applied beforehand.
        even = before == after and spec.padding != "circular"
        self.added = (0, 0) if even else (before, after)
        super().__init__(
            channels_in, channels_out, spec.kernel, stride=stride, padding=before if even else 0, bias=spec.biases
        )
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(padded(image, self.added, self.own_padding))


class Tower(nn.Module):
    """Convolutions, ReLUs, downsampling and a linear head, as specified; images in, logits out.

    Args:
        spec: The specification.
        side: Side of the images; a net whose head is not ``flatten`` accepts others too.
        outputs: Logits per image.

    Raises:
        InputError: valid convolutions use up the image.

    Example:
        >>> tower = Tower(TowerSpec(channels=(8, 8), padding="circular", head="global"), side=9)
        >>> image = torch.rand(2, 1, 9, 9)
        >>> torch.testing.assert_close(tower(image.roll(4, dims=3)), tower(image))
    """

    def __init__(self, spec: TowerSpec, side: int, outputs: int = 1) -> None:
        super().__init__()
        self.spec = spec
        last = spec.sides(side)[-1]
        layers: list[nn.Module] = []
        channels = 3 if spec.coordinates else 1
        for width, step in spec.stages:
            layers += [_Convolution(channels, width, spec, step if spec.downsampling == "stride" else 1), nn.ReLU()]
            if step > 1 and spec.downsampling != "stride":
                layers.append(_downsampler(spec, step))
            channels = width
        self.layers = nn.Sequential(*layers)
        self.dense = nn.Linear(channels * {"flatten": last**2, "global": 2, "centre": 1}[spec.head], outputs)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(self, image: Tensor) -> Tensor:
        """Return logits, shape ``(B,)``, or ``(B, outputs)`` for several outputs, of images ``(B, 1, n, n)``."""
        if self.spec.coordinates:
            image = torch.cat([image, _coordinates(image)], dim=1)  # (B, 3, n, n)
        image = self.layers(image.contiguous(memory_format=torch.channels_last))  # (B, C, m, m)
        if self.spec.head == "flatten":
            seen = image.flatten(1)
        elif self.spec.head == "centre":
            seen = image[:, :, image.shape[2] // 2, image.shape[3] // 2]
        else:
            seen = torch.cat([image.amax(dim=(2, 3)), image.mean(dim=(2, 3))], dim=1)
        logits: Tensor = self.dense(seen)
        return logits.squeeze(1)


class TowerNet(nn.Module):
    """A tower that scores windows.

    With two 2 x 2 convolutions of 128 and 64 channels, zero padding and Flatten it is the asker's network, with ten
    outputs 39,242 parameters at ``k = 3``.

    Args:
        spec: Specification of the tower.
        k: Side of the windows; fixed where the head is ``flatten``, else any that the convolutions do not use up.
        outputs: 1 for a logit; the question's own head has 10.
        encoding: How the values are encoded. With ``none``, the windows of a matrix share their convolutions, see
            :mod:`gnnmax.models.images.dense_tower`.

    References:
        "How can I suppress a CNN's translation invariance / equivariance?", ai.stackexchange.com, question 12010.
        Differs by the standardised input and, as a scorer, by its single output.

    Example:
        >>> net = TowerNet(TowerSpec(channels=(128, 64), kernel=2), k=3, outputs=10)
        >>> sum(p.numel() for p in net.parameters())
        39242
        >>> net(torch.rand(5, 3, 3)).shape
        torch.Size([5, 10])
    """

    def __init__(self, spec: TowerSpec, k: int, *, outputs: int = 1, encoding: Encoding = "standard") -> None:
        super().__init__()
        self.tower = Tower(spec, k, outputs)
        self.encoding = encoding

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, or ``(B, outputs)`` for several outputs. Contexts are not read."""
        logits: Tensor = self.tower(encode(values, self.encoding).unsqueeze(1))
        return logits


def _downsampler(spec: TowerSpec, step: int) -> nn.Module:
    if spec.downsampling == "blur":
        return Blur(step, spec.padding)
    if spec.downsampling == "polyphase":
        return Polyphase(step)
    # Blocks that the border cuts short count too, so that every entry is pooled.
    return (nn.MaxPool2d if spec.downsampling == "max" else nn.AvgPool2d)(step, ceil_mode=True)


def _coordinates(image: Tensor) -> Tensor:
    """Return the position of each entry, from -1 to 1, as two channels, shape ``(B, 2, n, n)``.

    References:
        Liu et al., "An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution", NeurIPS 2018.
    """
    side = image.shape[-1]
    positions = torch.linspace(-1, 1, side, dtype=image.dtype, device=image.device)
    grid = torch.stack([positions[:, None].expand(side, side), positions.expand(side, side)])
    return grid.expand(len(image), -1, -1, -1)
