"""What every net does first: put a window on its own scale and mark its centre."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["centre_mark", "standardise"]


def standardise(values: Tensor) -> Tensor:
    """Subtract each window's mean and divide by its standard deviation, as any image pipeline does.

    Not noticed afterwards: adding a constant to a window, multiplying it by a positive one (up to rounding).

    Args:
        values: Finite windows, shape ``(B, k, k)``.

    Returns:
        Shape ``(B, k, k)``, each window of mean 0 and standard deviation (divisor ``k * k``) 1; zeros where a window
        is constant.

    Example:
        >>> window = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]])
        >>> standardise(window)[0, 1]
        tensor([-0.3536,  2.8284, -0.3536])
        >>> standardise(torch.full((1, 3, 3), 0.1)).abs().max()
        tensor(0.)
    """
    # Halving is exact and keeps the range finite; dividing by the range keeps the squares inside float32.
    halved = values / 2
    shifted = halved - halved.amin(dim=(-2, -1), keepdim=True)
    scaled = shifted / _or_one(shifted.amax(dim=(-2, -1), keepdim=True))
    centred = scaled - scaled.mean(dim=(-2, -1), keepdim=True)
    return centred / _or_one(centred.square().mean(dim=(-2, -1), keepdim=True).sqrt())


def _or_one(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def centre_mark(values: Tensor) -> Tensor:
    """Return a window of zeros with a one at the centre, expanded to the shape of ``values``.

    References:
        Zhang, Li, Xia, Wang, Jin, "Labeling Trick: A Theory of Using Graph Neural Networks for Multi-Node
        Representation Learning", NeurIPS 2021: the zero-one label of the entry that is asked about.

    Example:
        >>> centre_mark(torch.rand(1, 3, 3))
        tensor([[[0., 0., 0.],
                 [0., 1., 0.],
                 [0., 0., 0.]]])
    """
    k = values.shape[-1]
    mark = torch.zeros(k, k, dtype=values.dtype, device=values.device)
    mark[k // 2, k // 2] = 1
    return mark.expand_as(values)
