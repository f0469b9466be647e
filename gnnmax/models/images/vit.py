"""A small vision transformer: patches of the window as tokens."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.encoding import encode
from gnnmax.models.entry import Encoding
from gnnmax.models.tower_spec import sampled_side

__all__ = ["VisionTransformer"]


class VisionTransformer(nn.Module):
    """Patches of a window as tokens with learned positions, and a class token that attends to them.

    Patches do not overlap; a window that they do not fill is padded evenly with zeros. The learned positions make it
    *not* translation invariant, and fix the side.

    Cost: ``O((k / patch)^4 * width)`` per window for the attention, ``O((k / patch)^2 * width^2)`` for the rest.

    Args:
        k: Side of the windows, fixed.
        width: Features of a patch.
        layers: Transformer layers.
        heads: Attention heads; must divide ``width``.
        patch: Side of a patch.

    References:
        Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021.
        Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020: normalisation before each
        sub-layer, which trains without a long warm-up.

    Example:
        >>> VisionTransformer(k=9)(torch.rand(5, 9, 9)).shape
        torch.Size([5])
    """

    def __init__(
        self,
        k: int,
        *,
        width: int = 32,
        layers: int = 2,
        heads: int = 4,
        patch: int = 3,
        encoding: Encoding = "standard",
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self.outside = -math.log(2 * k * k) if encoding == "rank" else 0.0  # in ranks, 0 is the maximum
        side = sampled_side(k, patch)
        missing = side * patch - k
        self.margins = (missing // 2, missing - missing // 2)
        self.embed = nn.Conv2d(1, width, kernel_size=patch, stride=patch)
        self.places = nn.Parameter(torch.randn(side * side + 1, width) * 0.02)  # the first belongs to the class token
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        for copied in self.encoder.layers:  # copies of one layer: draw the weights of each
            for weight in copied.parameters():
                if weight.ndim == 2:
                    nn.init.xavier_uniform_(weight)
        self.head = nn.Linear(width, 1)

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)``. Contexts are not read."""
        image = encode(values, self.encoding).unsqueeze(1)
        image = functional.pad(image, self.margins * 2, value=self.outside)  # (B, 1, n, n)
        patches = self.embed(image).flatten(2).mT  # (B, patches, width)
        tokens = functional.pad(patches, (0, 0, 1, 0)) + self.places
        logits: Tensor = self.head(self.encoder(tokens)[:, 0])
        return logits.squeeze(1)
