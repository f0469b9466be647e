"""What a net reads of a map of nodes: standard units, zeros where nothing is observed, and the number of nodes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gnnmax.errors import InputError

__all__ = ["Observed", "check_square_maps", "observed", "outside_masked"]


class Observed(NamedTuple):
    """The observed part of a batch of symmetric maps.

    Attributes:
        weights: Entries, shape ``(B, n, n)``: 0 where nothing is observed, and on the diagonal.
        inside: True for nodes with an observed entry, shape ``(B, n)``.
        nodes: Number of these nodes, at least 1, shape ``(B,)``.
    """

    weights: Tensor
    inside: Tensor
    nodes: Tensor


def check_square_maps(values: Tensor) -> None:
    """Refuse input that is not a batch of square maps.

    Raises:
        InputError: another shape, no map or no node, integers, or an infinite entry.

    Example:
        >>> check_square_maps(torch.zeros(2, 5, 4))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: maps must have shape (B, n, n), not (2, 5, 4)
    """
    if values.ndim != 3 or values.shape[1] != values.shape[2]:
        raise InputError(f"maps must have shape (B, n, n), not {tuple(values.shape)}")
    if not values.numel():
        raise InputError(f"there is no entry to score in maps of shape {tuple(values.shape)}: give a map of some nodes")
    if not values.is_floating_point():
        raise InputError(f"maps must be of floating point, not {values.dtype}: convert them by values.float()")
    if torch.isinf(values).any():
        raise InputError("an entry of the maps is infinite: entries are finite, or NaN where nothing is observed")


def observed(values: Tensor, *, standardise: bool = True) -> Observed:
    """Read maps as weighted graphs.

    Args:
        values: Symmetric maps, shape ``(B, n, n)``. NaN is not observed; the diagonal is ignored.
        standardise: Whether the observed entries of each map are brought to mean 0 and deviation 1.

    Raises:
        InputError: see :func:`check_square_maps`.

    Example:
        >>> found = observed(torch.tensor([[[0.0, 3.0, torch.nan], [3.0, 0.0, torch.nan], [torch.nan] * 3]]))
        >>> found.inside.tolist(), found.nodes.tolist()
        ([[True, True, False]], [2.0])
    """
    check_square_maps(values)
    missing = torch.isnan(values)
    inside = ~missing.all(dim=2)
    count = inside.sum(dim=1).to(values.dtype).clamp(min=1)
    missing.diagonal(dim1=1, dim2=2).fill_(True)
    weights = values.masked_fill(missing, 0.0)
    return Observed(_standardised(weights, missing) if standardise else weights, inside, count)


def _standardised(weights: Tensor, missing: Tensor) -> Tensor:
    """Bring the observed entries of each map to mean 0 and deviation 1; the others stay 0."""
    entries = (missing[0].numel() - missing.sum(dim=(1, 2), keepdim=True)).clamp(min=1)
    tiny = torch.finfo(weights.dtype).tiny
    largest = torch.maximum(weights.amax(dim=(1, 2), keepdim=True), -weights.amin(dim=(1, 2), keepdim=True))
    weights = weights / largest.clamp(min=tiny)  # squares must not overflow
    centred = weights.sub_(weights.sum(dim=(1, 2), keepdim=True) / entries).masked_fill_(missing, 0.0)
    deviation = torch.sqrt(centred.square().sum(dim=(1, 2), keepdim=True) / entries)
    return centred / deviation.clamp(min=tiny)


def outside_masked(odds: Tensor, inside: Tensor) -> Tensor:
    """Return logarithmic odds with minus infinity for nodes outside their map.

    Example:
        >>> outside_masked(torch.zeros(1, 2), torch.tensor([[True, False]]))
        tensor([[0., -inf]])
    """
    return torch.where(inside, odds, odds.new_full((), -torch.inf))
