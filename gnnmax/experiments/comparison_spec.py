"""One comparison and the outcome of a seed, in the form that worker processes send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from torch import nn

from gnnmax.errors import InputError
from gnnmax.experiments.divergence import Divergence
from gnnmax.experiments.sources import Loaded, WorkerSource
from gnnmax.models.architecture import Architecture
from gnnmax.models.model_folders import save_model
from gnnmax.training.config import TrainingConfig
from gnnmax.training.learner import TrainingResult
from gnnmax.training.records import EvaluationRecord

__all__ = [
    "ComparisonSpec",
    "Measured",
    "Progress",
    "SeedResult",
    "save_trained",
    "splits_to_evaluate",
    "training_fields",
]

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class ComparisonSpec:
    """One comparison, in the form that worker processes receive.

    Attributes:
        sources: Where a worker finds each data set. The first is trained on; the others are tested on too.
        models: Nets by name.
        training: Budget and optimiser.
        folder: The run folder.
    """

    sources: tuple[WorkerSource, ...]
    models: Mapping[str, Architecture]
    training: TrainingConfig
    folder: Path


@dataclass(frozen=True)
class SeedResult:
    """The outcome of one seed: metrics of the training and scores or calls on every test split, by model.

    A model whose training diverged has neither.
    """

    seed: int
    training: dict[str, Any]
    scores: dict[str, dict[str, Any]]
    diverged: dict[str, Divergence]


@dataclass(frozen=True)
class Measured:
    """The metrics of one net on one split, without intervals.

    Attributes:
        metrics: By name; None where a metric does not exist.
        ceiling: The best possible accuracy; None if it is not known, as on maps.
    """

    metrics: dict[str, float | None]
    ceiling: float | None


def splits_to_evaluate(sets: Sequence[Loaded]) -> dict[str, tuple[Any, str]]:
    """Name every split to evaluate on: all but train and val; ``test`` has the name of its recipe.

    Raises:
        InputError: two data sets have the same name.

    Example:
        >>> from gnnmax.data.store import load_data
        >>> list(splits_to_evaluate([load_data("real-karate")]))
        ['real-karate']
    """
    tests: dict[str, tuple[Any, str]] = {}
    for data in sets:
        for split in data.splits:
            if split not in ("train", "val"):
                title = data.recipe.name if split == "test" else f"{data.recipe.name}/{split}"
                if title in tests:
                    raise InputError("two of the data sets have the same name: give each a different name")
                tests[title] = data, split
    return tests


def save_trained(
    folder: Path,
    net: nn.Module,
    name: str,
    *,
    spec: ComparisonSpec,
    seed: int,
    data: Loaded,
    k: int | None,
    loss: float,
) -> None:
    """Write a trained net into the run folder."""
    save_model(
        folder,
        net,
        name=name,
        architecture=spec.models[name],
        k=k,
        seed=seed,
        recipe=data.recipe.name,
        recipe_digest=data.recipe.digest,
        validation_loss=loss,
    )


def training_fields(seed: int, net: nn.Module, result: TrainingResult) -> dict[str, Any]:
    """Return the fields of the record of a training that all kinds of data have."""
    return {
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "steps": result.steps,
        "best_step": result.best_step,
        "validation_loss": result.loss,
        "validation_accuracy": result.accuracy,
        "seconds": result.seconds,
        "history": msgspec.convert(list(result.history), list[EvaluationRecord]),
    }
