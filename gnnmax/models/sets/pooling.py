"""Pools: symmetric summaries of features on a scale that does not depend on their number."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gnnmax.models.entry import Pool

__all__ = ["POOLS"]


def _highest(features: Tensor, axis: int) -> Tensor:
    return features.amax(dim=axis, keepdim=True)


def _mean(features: Tensor, axis: int) -> Tensor:
    return features.mean(dim=axis, keepdim=True)


def _log_mean_exp(features: Tensor, axis: int) -> Tensor:
    return torch.logsumexp(features, dim=axis, keepdim=True) - math.log(features.shape[axis])


POOLS: dict[Pool, Callable[[Tensor, int], Tensor]] = {"max": _highest, "mean": _mean, "logsumexp": _log_mean_exp}
"""Pools by name: each reduces an axis of the features to length 1.

``logsumexp`` is the logarithm of the mean of exponentials: smooth, between the mean and the maximum. Pooling
over one axis and then over another equals pooling over both.
"""
