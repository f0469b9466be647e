"""The kinds of data that nets are compared on: windows and maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from gnnmax.data.maps.dataset import MapSet
from gnnmax.experiments.comparison_spec import ComparisonSpec, Measured, SeedResult
from gnnmax.experiments.map_kind import MapKind
from gnnmax.experiments.sources import Loaded
from gnnmax.experiments.window_kind import WindowKind
from gnnmax.models.architecture import Architecture
from gnnmax.training.config import TrainingConfig
from gnnmax.training.learner import TrainingResult

__all__ = ["DataKind", "kind_of"]


class DataKind(Protocol):
    """What a comparison does with its data and its nets, besides training them."""

    def side(self, data: Any) -> int | None:
        """Return the side that nets are built for; None of maps."""

    def check(self, sets: Sequence[Any], nets: Mapping[str, Architecture], training: TrainingConfig) -> None:
        """Refuse data sets that nets cannot be trained or evaluated on."""

    def rehearse(self, nets: Mapping[str, Architecture], sets: Sequence[Any], training: TrainingConfig) -> None:
        """Refuse an own net that cannot be trained or evaluated, before any work is done."""

    def finish(
        self,
        folder: Path,
        net: nn.Module,
        name: str,
        *,
        spec: ComparisonSpec,
        seed: int,
        sets: Sequence[Any],
        result: TrainingResult,
    ) -> tuple[Any, dict[str, Any]]:
        """Save a trained net, audit it, and score every test split; return its record and the scores by test set."""

    def measure(self, net: nn.Module, data: Any, split: str, *, device: str) -> Measured:
        """Return the metrics of a net on a split, without intervals."""

    def results(
        self, spec: ComparisonSpec, outcomes: Sequence[SeedResult], *, sets: Sequence[Any], command: str
    ) -> Any:
        """Evaluate the scores of all seeds beside the explicit rules."""


def kind_of(data: Loaded) -> DataKind:
    """Return the kind of a data set.

    Example:
        >>> from gnnmax.data.store import load_data
        >>> type(kind_of(load_data("real-karate"))).__name__
        'WindowKind'
    """
    return MapKind() if isinstance(data, MapSet) else WindowKind()
