"""Training objectives: the examples, their targets and the loss, on windows and on maps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.data.example_stream import stream_examples
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.errors import InputError
from gnnmax.models.inference import scored
from gnnmax.models.maps.trained import map_evidence
from gnnmax.models.tensors import Batch, Inputs, inputs_of, labels_of
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = [
    "NO_PLACE",
    "Examples",
    "Objective",
    "PlaceObjective",
    "Stream",
    "WindowObjective",
    "batch_of",
    "objective_of",
    "place_codes",
]

Examples = Windows | Maps
"""What a net is trained on."""

NO_PLACE, OTHER, PEAK, NEAR = -1, 0, 1, 2
"""Codes of the entries of a map: no place, a place, a peak, and a place within one of a peak along the host."""


@dataclass(frozen=True)
class Stream:
    """An infinite stream of fresh windows or maps from the distribution of a split; none comes twice.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> Stream(load_recipe("spike-9")).split
        'train'
    """

    recipe: Recipe | MapRecipe
    split: str = "train"

    def examples(self, batch: int, start: int, *, workers: int = 0) -> Iterator[Examples]:
        """Yield ``batch`` examples at a time, from position ``start`` on, drawn ahead by worker processes if any."""
        return stream_examples(self.recipe, self.split, batch=batch, start=start, workers=workers)


class Objective(Protocol):
    """A loss, and the scores and metrics of an evaluation."""

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of some examples, in nats an example."""

    def metrics(self, scores: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the metrics of an evaluation beside the loss; ``accuracy`` is one of them."""

    def scores(self, module: nn.Module, inputs: Inputs) -> Tensor:
        """Return the scores of all examples, without gradients."""


class WindowObjective:
    """Log loss of "is this window centred?".

    Example:
        >>> WindowObjective().metrics(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 1.0]))
        {'accuracy': 0.5}
    """

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the mean log loss of logits ``(B,)`` for labels ``(B,)``."""
        return functional.binary_cross_entropy_with_logits(scores, targets)

    def metrics(self, scores: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the accuracy."""
        return {"accuracy": float(((scores > 0) == (targets > 0)).double().mean())}

    def scores(self, module: nn.Module, inputs: Inputs) -> Tensor:
        """Return the logits, shape ``(N,)``."""
        return scored(module, inputs)


@dataclass(frozen=True)
class PlaceObjective:
    """Log loss of "where are the peaks?".

    With one peak in every map it is the cross-entropy over places: minus the logarithm of the share that the softmax of
    the evidence gives to the peak. With none or several it is the log loss of every place, summed over a map, with the
    log odds of the prior added to the evidence. In both the evidence of a perfect net is the log likelihood of a peak
    at a place against none; the second one is calibrated too.

    A place is an observed entry; of a symmetric map, one above the diagonal. What else of a map can hold a peak, nets
    do not see, and the loss does not use.

    Attributes:
        prior: Probability that a place has a peak; None where every map has exactly one.

    References:
        Menon et al., "Long-tail learning via logit adjustment", ICLR 2021: the log odds of the prior.

    Example:
        >>> codes = torch.tensor([[[NO_PLACE, PEAK], [NO_PLACE, OTHER]]])
        >>> evidence = torch.tensor([[[9.0, 1.0], [9.0, 1.0]]])
        >>> round(float(PlaceObjective(None).loss(evidence, codes)), 4)  # log 2
        0.6931
        >>> PlaceObjective(None).metrics(evidence, codes)
        {'accuracy': 1.0, 'within_one': 1.0}
    """

    prior: float | None

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the mean log loss of evidence ``(B, n, m)`` for codes ``(B, n, m)``, in nats a map."""
        place, peak = targets != NO_PLACE, targets == PEAK
        if self.prior is None:
            logits = scores.masked_fill(~place, -torch.inf).flatten(1)
            at_peak = scores.masked_fill(~peak, 0.0).flatten(1).sum(dim=1)
            missed = torch.where(peak.flatten(1).any(dim=1), logits.logsumexp(dim=1) - at_peak, 0.0)
            return missed.mean()
        logits = scores + math.log(self.prior / (1 - self.prior))
        each = functional.binary_cross_entropy_with_logits(logits, peak.to(logits.dtype), reduction="none")
        return each.masked_fill(~place, 0.0).sum() / len(scores)

    def metrics(self, scores: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the shares of calls at a peak and within one place of one, as many calls in a map as it has peaks."""
        codes = targets.flatten(1)
        ranked = scores.flatten(1).masked_fill(codes == NO_PLACE, -torch.inf)
        count = (codes == PEAK).sum(dim=1)
        most = int(count.max())
        called = codes.gather(1, ranked.topk(most, dim=1).indices)
        counts = torch.arange(most, device=codes.device) < count[:, None]
        total = counts.sum()
        exact, near = (
            float((right & counts).sum() / total) for right in (called == PEAK, (called == PEAK) | (called == NEAR))
        )
        return {"accuracy": exact, "within_one": near}

    def scores(self, module: nn.Module, inputs: Inputs) -> Tensor:
        """Return the evidence, shape ``(M, n, m)``."""
        return map_evidence(module, inputs[0])


def place_codes(maps: Maps) -> npt.NDArray[np.int8]:
    """Mark places, peaks and the neighbours of peaks, shape ``(M, n, m)``, int8.

    Example:
        >>> maps = Maps.from_values(np.zeros((1, 3, 4)), structure="bipartite", peaks=[[0, 0, 0]])
        >>> place_codes(maps)[0].tolist()
        [[1, 2, 0, 0], [2, 2, 0, 0], [0, 0, 0, 0]]
    """
    place = ~np.isnan(maps.values)
    symmetric = maps.structure == "symmetric"
    if symmetric:
        place &= np.triu(np.ones(place.shape[1:], dtype=np.bool_), 1)
    near = np.zeros(place.shape, dtype=np.bool_)
    peak = np.zeros(place.shape, dtype=np.bool_)
    every = np.arange(len(maps))
    for row, column in maps.peak_position.transpose(1, 2, 0):
        there = row >= 0
        ends = maps.row_place[every, row], maps.column_place[every, column]
        for first, second in (ends, ends[::-1]) if symmetric else (ends,):
            by_row = (np.abs(maps.row_place - first[:, None]) <= 1) & there[:, None]
            by_column = np.abs(maps.column_place - second[:, None]) <= 1
            near |= by_row[:, :, None] & by_column[:, None, :]
        peak[every[there], row[there], column[there]] = True
    codes = np.where(peak, PEAK, np.where(near, NEAR, OTHER))
    return np.where(place, codes, NO_PLACE).astype(np.int8)


def batch_of(examples: Examples, device: torch.device) -> Batch:
    """Return examples as the arguments of a net, and their targets, on a device.

    Example:
        >>> maps = Maps.from_values(np.eye(3), structure="directed", peaks=[[0, 1, 1]])
        >>> inputs, targets = batch_of(maps, torch.device("cpu"))
        >>> inputs[0].shape, int(targets[0, 1, 1])
        (torch.Size([1, 3, 3]), 1)
    """
    if isinstance(examples, Windows):
        return inputs_of(examples, slice(None), device), labels_of(examples, device)
    codes = torch.from_numpy(place_codes(examples)).to(device)
    return (torch.tensor(examples.values, device=device),), codes


def objective_of(train: Examples | Stream, validation: Examples) -> Objective:
    """Return the objective of a training.

    Maps with one peak each have the cross-entropy over places. Others have the log loss of every place; its prior is
    the share of places that are peaks, in the validation maps.

    Args:
        train: The examples to train on.
        validation: Those that choose the best weights, of the same kind.

    Raises:
        InputError: no observed place of the validation maps has a peak.

    Example:
        >>> maps = Maps.from_values(np.zeros((1, 4, 5)), structure="bipartite", peaks=[[0, 0, 0], [0, 3, 3]])
        >>> objective_of(maps, maps)
        PlaceObjective(prior=0.1)
    """
    if isinstance(validation, Windows):
        return WindowObjective()
    codes = place_codes(validation)
    peaks = int((codes == PEAK).sum())
    if not peaks:
        raise InputError(f"none of {len(validation)} validation maps has a peak that is observed: nothing can be found")
    single = _has_one_peak(train) and _has_one_peak(validation)
    return PlaceObjective(None if single else peaks / int((codes != NO_PLACE).sum()))


def _has_one_peak(examples: Examples | Stream) -> bool:
    """Tell whether each map has exactly one peak."""
    if isinstance(examples, Stream):
        recipe = examples.recipe.of(examples.split)
        return isinstance(recipe, MapRecipe) and recipe.map.peak_range == (1, 1)
    return isinstance(examples, Maps) and bool((examples.peak_count == 1).all())
