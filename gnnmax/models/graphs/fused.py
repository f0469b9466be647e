"""The window as a graph and as an image: each round passes messages, then convolves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnnmax.models.encoding import centre_mark, encode
from gnnmax.models.entry import Encoding
from gnnmax.models.graphs.bipartite import Exchange, centre_nodes, readout
from gnnmax.models.images.cnn import Residual

__all__ = ["FusedNet"]


class FusedNet(nn.Module):
    """Message passing over rows, columns and entries, alternating with residual convolutions over the same entries.

    The convolutions read the order of rows and columns; the messages reach a whole row in one step. No symmetry is
    left. The convolutions are initialised to the identity, so that training starts from the graph net.

    Cost: ``O(rounds * k^2 * width^2)`` per window.

    Args:
        width: Features of a node and of an entry, channels of the image.
        rounds: Rounds of both.
        encoding: How the values are encoded.

    References:
        The graph half: :class:`gnnmax.models.graphs.bipartite.BipartiteNet`; the image half:
        :class:`gnnmax.models.images.cnn.ImageNet`.
        Related: GILoop (Wang et al., iScience 2022), an image net and a graph net on one patch
        of a contact map.

    Example:
        >>> FusedNet(width=8, rounds=1)(torch.rand(5, 9, 9)).shape
        torch.Size([5])
    """

    def __init__(self, *, width: int = 16, rounds: int = 2, encoding: Encoding = "standard") -> None:
        super().__init__()
        self.encoding = encoding
        self.embed_entry = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.embed_node = nn.Embedding(2, width)
        self.exchanges = nn.ModuleList(Exchange(width) for _ in range(rounds))
        self.convolutions = nn.ModuleList(Residual(width) for _ in range(rounds))
        self.head = nn.Sequential(nn.Linear(6 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        batch, k = values.shape[:2]
        entries = self.embed_entry(torch.stack([encode(values, self.encoding), centre_mark(values)], dim=-1))
        nodes = self.embed_node(centre_nodes(k, values.device)).expand(batch, -1, -1)  # (B, 2k, H)
        for exchange, convolution in zip(self.exchanges, self.convolutions, strict=True):
            nodes, entries = exchange(nodes, entries)
            entries = convolution(entries.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        logits: Tensor = self.head(readout(nodes, entries))
        return logits.squeeze(1)
