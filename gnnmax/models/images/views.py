"""Views of a window as an image: its values, the contexts as further channels, or the whole adjacency matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gnnmax.errors import InputError
from gnnmax.models.encoding import centre_mark, encode
from gnnmax.models.entry import Encoding

__all__ = ["ADJACENCY", "CONTEXTS", "VALUES", "View"]


@dataclass(frozen=True)
class View:
    """An image of a window and its contexts, each encoded, with the centre marked.

    Attributes:
        channels: Channels of the image.
        image: Maps values and contexts, each ``(B, k, k)``, and their encoding to an image ``(B, channels, n, n)``.
        centre: Maps the side ``k`` to row and column of the centre in the image.

    Example:
        >>> VALUES.image(torch.rand(4, 9, 9), None, None, "standard").shape, VALUES.centre(9)
        (torch.Size([4, 2, 9, 9]), (4, 4))
    """

    channels: int
    image: Callable[[Tensor, Tensor | None, Tensor | None, Encoding], Tensor]
    centre: Callable[[int], tuple[int, int]]


def _values(values: Tensor, _rows: Tensor | None, _columns: Tensor | None, encoding: Encoding) -> Tensor:
    return torch.stack([encode(values, encoding), centre_mark(values)], dim=1)  # (B, 2, k, k)


def _contexts(values: Tensor, rows: Tensor | None, columns: Tensor | None, encoding: Encoding) -> Tensor:
    both = [encode(context, encoding) for context in _required(rows, columns)]
    return torch.stack([encode(values, encoding), centre_mark(values), *both], dim=1)  # (B, 4, k, k)


def _adjacency(values: Tensor, rows: Tensor | None, columns: Tensor | None, encoding: Encoding) -> Tensor:
    upper, lower = (encode(context, encoding) for context in _required(rows, columns))
    corner, mark, blank = encode(values, encoding), centre_mark(values), torch.zeros_like(values)
    weights = torch.cat([torch.cat([upper, corner], dim=2), torch.cat([corner.mT, lower], dim=2)], dim=1)
    marks = torch.cat([torch.cat([blank, mark], dim=2), torch.cat([mark.mT, blank], dim=2)], dim=1)
    return torch.stack([weights, marks], dim=1)  # (B, 2, 2k, 2k)


def _required(rows: Tensor | None, columns: Tensor | None) -> tuple[Tensor, Tensor]:
    if rows is None or columns is None:
        raise InputError("this net reads contexts and there are none: set contexts = true in the recipe")
    return rows, columns


def _middle(k: int) -> tuple[int, int]:
    return k // 2, k // 2


VALUES = View(2, _values, _middle)
"""The values alone."""

CONTEXTS = View(4, _contexts, _middle)
"""The values, and both contexts as further channels."""

ADJACENCY = View(2, _adjacency, lambda k: (k // 2, k + k // 2))
"""The adjacency matrix of the subgraph induced on rows and columns, ``2k x 2k``; the window is its upper right."""
