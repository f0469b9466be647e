"""Encoding of maps: put each map on its own robust scale, and mark what is observed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["CHANNELS", "encode_maps", "equals_transpose", "in_single_precision", "standardise_maps", "transposable"]

CHANNELS = 3
"""Channels of an encoded map: standard units, the same compressed, and the mark of what is observed."""

FARTHEST = 10.0
"""Standard units beyond which the first channel stays constant; the second one grows further."""

TO_DEVIATIONS = 1.4826
"""Standard deviation of a normal law, in median absolute deviations."""


def standardise_maps(values: Tensor) -> tuple[Tensor, Tensor]:
    """Subtract the median of each map and divide by its median absolute deviation, in standard deviations.

    Both are entries of the map, or differences of two, so renumbering rows and columns changes no bit, nor does
    padding. A map of extreme numbers is read on another scale, so that nothing overflows or vanishes. Where more than
    half of the entries are equal, as in sparse graphs, the standard deviation takes the place of the median absolute
    deviation.

    Args:
        values: Maps, shape ``(B, n, m)``; NaN where nothing is observed.

    Returns:
        Standard units, 0 where nothing is observed, and True where something is, shape ``(B, n, m)`` each.

    Example:
        >>> values = torch.tensor([[[0.0, 1.0], [2.0, torch.nan]]])
        >>> standardise_maps(values)[0]
        tensor([[[-0.6745,  0.0000],
                 [ 0.6745,  0.0000]]])
    """
    seen = ~torch.isnan(values)
    values = values * _unit(values)
    middle = _nanmedian(values)
    apart = values - middle
    spread = TO_DEVIATIONS * _nanmedian(apart.abs())
    known = apart.masked_fill(~seen, 0.0)
    usual = _root_mean_square(known, seen.sum(dim=(1, 2), keepdim=True))
    scale = torch.where(spread > 0, spread, usual)
    return known / torch.where(scale > 0, scale, torch.ones_like(scale)), seen


LEAST, GREATEST = 2.0**-100, 2.0**125
"""Between them lie the largest entries of maps whose differences and deviations float32 holds."""


def _unit(values: Tensor) -> Tensor:
    """Return a power of two for each map that brings it between :data:`LEAST` and :data:`GREATEST`; 1 for usual maps.

    Factors that are powers of two change no bit of a result that needs none.
    """
    largest = values.nan_to_num(0.0).abs().amax(dim=(1, 2), keepdim=True)
    tiny = torch.where(largest < LEAST, 1 / LEAST, 1.0)
    return torch.where(largest > GREATEST, 1 / 8, tiny).to(values.dtype)


def _root_mean_square(values: Tensor, count: Tensor) -> Tensor:
    """Return the root of the mean square of each map, shape ``(B, 1, 1)``, on a scale on which squares are finite.

    The scale is a power of two, so it changes no bit of a result that needs none.
    """
    _, exponent = torch.frexp(values.abs().amax(dim=(1, 2), keepdim=True))
    unit = torch.ldexp(torch.ones_like(values[:, :1, :1]), exponent - 1)
    squares = (values / unit).square().sum(dim=(1, 2), keepdim=True)
    return unit * (squares / count.clamp(min=1)).sqrt()


ROUNDED = 2.0**-16
"""Largest error of rounding, in quartile ranges of the entries, that changes no answer."""

PLAIN = 2.0**50
"""The largest number whose square float32 sums over a map; the least one is its inverse."""


def in_single_precision(matrix: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return a matrix in float32, on a scale of its own where float32 does not hold the differences of its entries.

    Nets on maps standardise what they read, so they answer the same. The scale is that of the matrix less its median,
    divided by a power of two.

    Args:
        matrix: Shape ``(n, m)``; NaN where nothing is observed.

    Returns:
        Shape ``(n, m)``. A matrix with infinite entries, or without any entry, is rounded.

    Example:
        >>> in_single_precision(np.array([[1e9, 1e9 + 1], [1e9 + 2, np.nan]]))
        array([[-0.5,  0. ],
               [ 0.5,  nan]], dtype=float32)
        >>> in_single_precision(np.array([[1.0, 2.0]]))
        array([[1., 2.]], dtype=float32)
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded = matrix.astype(np.float32)
        seen = matrix[~np.isnan(matrix)]
        if not len(seen) or np.isinf(seen).any():
            return rounded
        halves = seen / 2  # so that every difference is finite
        low, middle, high = np.quantile(halves, [0.25, 0.5, 0.75], method="lower")
        largest = np.abs(seen).max()
        error = np.abs(halves - (seen.astype(np.float32) / np.float32(2))).max()
        if error <= ROUNDED * (high - low) and (largest == 0 or 1 / PLAIN <= largest <= PLAIN):
            return rounded
        apart = matrix / 2 - middle
        _, exponent = np.frexp(np.abs(halves - middle).max())
        return np.asarray(np.ldexp(apart, -exponent), dtype=np.float32)


def _nanmedian(values: Tensor) -> Tensor:
    """Return the lower median of the observed entries of each map, shape ``(B, 1, 1)``; 0 where there is none."""
    return values.flatten(1).nanmedian(dim=1).values.nan_to_num(0.0)[:, None, None]


def encode_maps(values: Tensor) -> tuple[Tensor, Tensor]:
    """Encode maps as images.

    Args:
        values: Maps, shape ``(B, n, m)``; NaN where nothing is observed.

    Returns:
        The image, shape ``(B, CHANNELS, n, m)``: standard units within 10, the same on the scale of the inverse
        hyperbolic sine, which is that of logarithms far out, and the mark of what is observed; and the mark alone,
        shape ``(B, 1, n, m)``, zeros and ones.

    Example:
        >>> image, mark = encode_maps(torch.rand(2, 5, 7))
        >>> image.shape, mark.shape
        (torch.Size([2, 3, 5, 7]), torch.Size([2, 1, 5, 7]))
    """
    units, seen = standardise_maps(values)
    mark = seen.to(units.dtype)
    return torch.stack([units.clamp(-FARTHEST, FARTHEST), units.asinh(), mark], dim=1), mark[:, None]


def equals_transpose(values: Tensor) -> bool:
    """Tell whether every map equals its transpose; NaN equals NaN. On a GPU this waits for the result.

    Example:
        >>> equals_transpose(torch.eye(3)[None]), equals_transpose(torch.rand(1, 2, 3))
        (True, False)
    """
    marked = values.nan_to_num(torch.inf)
    return values.shape[1] == values.shape[2] and torch.equal(marked, marked.mT)


def transposable(evidence: Callable[[Tensor], Tensor], values: Tensor, *, symmetric: bool | None = None) -> Tensor:
    """Return the mean of the evidence of maps and of their transposes: it is equivariant to transposition.

    Symmetric maps are their own transposes, so that they cost one pass, and their evidence is symmetric to the bit.

    Args:
        evidence: From values ``(B, n, m)`` to evidence of the same shape.
        values: Maps, shape ``(B, n, m)``.
        symmetric: Whether every map equals its transpose; None looks, which waits for a GPU.

    Example:
        >>> values = torch.rand(1, 4, 4)
        >>> rows = lambda x: x.cumsum(dim=1)
        >>> bool((transposable(rows, values.mT) == transposable(rows, values).mT).all())
        True
    """
    found = evidence(values)
    if symmetric is None:
        symmetric = equals_transpose(values)
    turned = found if symmetric else evidence(values.mT.contiguous())
    return (found + turned.mT) / 2
