"""Encoding of windows, the first step of every net: put a window on its own scale and mark its centre."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gnnmax.models.entry import Encoding

__all__ = ["ENCODINGS", "centre_mark", "encode", "rank", "standardise"]


def encode(values: Tensor, encoding: Encoding) -> Tensor:
    """Encode windows with a named encoding, a key of :data:`ENCODINGS`.

    Args:
        values: Windows, shape ``(B, k, k)``, finite; for ``rank`` NaN is allowed.
        encoding: ``standard``: see :func:`standardise`; ``rank``: see :func:`rank`; ``none``: unchanged, for
            matrices on the scale of the training windows.

    Example:
        >>> encode(torch.full((1, 3, 3), 7.0), "standard").abs().max()
        tensor(0.)
    """
    return ENCODINGS[encoding](values)


def rank(values: Tensor) -> Tensor:
    """Replace each entry by the negative logarithm of its rank from the top.

    An entry with ``above`` larger and ``equal`` equal ones, itself included, becomes ``-log(2 above + equal)``. The
    strict maximum becomes 0, the second largest ``-log 3``, each of two tied maxima ``-log 2``. These values do not
    depend on the side ``k``, so that a net carries over to windows of other sides.

    Invariant to every strictly increasing map, exactly. Equal entries stay equal. Missing entries (NaN) rank below all
    others, equal to one another: they beat nothing.

    Cost: ``O(k^2 log k)`` per window.

    Args:
        values: Windows, shape ``(B, k, k)``; NaN where nothing was measured.

    Returns:
        Shape and dtype of ``values``, from ``-log(2 k^2 - 1)`` to 0.

    References:
        Conover, Iman, "Rank Transformations as a Bridge Between Parametric and Nonparametric Statistics", The American
        Statistician 1981; here on the scale of exponential scores (Savage 1956), which is sharpest at the maximum.

    Example:
        >>> window = torch.tensor([[[1.0, 2.0, 2.0], [3.0, 9.0, 4.0], [5.0, 6.0, 7.0]]])
        >>> rank(window).exp().reciprocal().round()
        tensor([[[17., 14., 14.],
                 [11.,  1.,  9.],
                 [ 7.,  5.,  3.]]])
        >>> torch.equal(rank(window), rank(window.exp()))
        True
        >>> rank(torch.tensor([[[5.0, torch.nan], [torch.nan, 7.0]]])).exp().reciprocal().round()
        tensor([[[3., 6.],
                 [6., 1.]]])
    """
    entries = values.nan_to_num(-torch.inf, torch.inf, -torch.inf).flatten(-2).contiguous()
    return -_twice_from_the_top(entries).to(values.dtype).log().view_as(values)


def _twice_from_the_top(entries: Tensor) -> Tensor:
    """Return ``2 above + equal`` of each entry along the last axis, equal ones counted with itself.

    In sorted order it follows from the ends of each run of equal entries: its first one, and the first one of the next.
    """
    ordered, index = entries.sort(dim=-1)
    n = entries.shape[-1]
    place = torch.arange(n, device=entries.device).expand_as(index)
    begins = torch.ones_like(ordered, dtype=torch.bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    first = place.masked_fill(~begins, 0).cummax(dim=-1).values
    after = torch.full_like(index, n)
    after[..., :-1] = (place[..., 1:]).masked_fill(~begins[..., 1:], n)
    after = after.flip(-1).cummin(dim=-1).values.flip(-1)
    return torch.empty_like(index).scatter_(-1, index, 2 * n - first - after)


def standardise(values: Tensor) -> Tensor:
    """Subtract the mean of each window and divide by its standard deviation.

    Invariant to adding a constant to a window and to multiplying it by a positive one (up to rounding).

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
        Representation Learning", NeurIPS 2021: the zero-one label of the queried entry.

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


ENCODINGS: dict[Encoding, Callable[[Tensor], Tensor]] = {
    "standard": standardise,
    "rank": rank,
    "none": lambda values: values,
}
"""Encodings of the values by name."""
