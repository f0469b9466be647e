"""Results of a run as records: the types of everything in ``results.json``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gnnmax.auditing.findings import Audit
from gnnmax.data.card import Card
from gnnmax.errors import InputError
from gnnmax.evaluation.curves import Curves
from gnnmax.evaluation.difference import Difference
from gnnmax.evaluation.verdict import Offsets, Verdict
from gnnmax.experiments.divergence import Divergence, divergence_text
from gnnmax.experiments.run_config import Environment, Seeds
from gnnmax.training.records import EvaluationRecord

__all__ = ["ModelRecord", "Picture", "Results", "RuleRecord", "SplitResult", "TrainingRecord"]

Count = Annotated[int, Meta(ge=0, le=2**53)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Picture(Struct, frozen=True, kw_only=True):
    """One window to show, with its scores."""

    window: Count
    values: list[list[float]]
    label: bool
    kind: str
    offset: tuple[int, int]
    margin: float
    scores: dict[str, float]


class SplitResult(Struct, frozen=True, kw_only=True):
    """The results on one test split.

    Attributes:
        name: Of its recipe.
        summary: Of its recipe.
        trained: Whether the nets were trained on other hosts of this very recipe.
        ceiling: Accuracy of the best possible scorer, where it is known.
        windows: Number of windows.
        hosts: Number of hosts.
        centred: Share of windows whose label is true.
        k: Side of the windows.
        verdicts: By scorer, nets first (means over their seeds), then rules.
        pairs: Differences between the nets.
        nets: Names of the nets; the other verdicts are those of rules.
        curves: ROC and precision-recall curve by scorer; of nets from the first seed.
        gallery: Windows of every kind.
        mistakes: The most confident mistakes of each net, first seed.
        diverged: Nets without metrics because the training of a seed diverged, with the seed and the step.
    """

    name: str
    summary: str
    trained: bool
    ceiling: Share | None
    windows: Annotated[int, Meta(ge=1, le=2**53)]
    hosts: Annotated[int, Meta(ge=1, le=2**53)]
    centred: Share
    k: Annotated[int, Meta(ge=3, le=255)]
    verdicts: dict[str, Verdict]
    pairs: list[Difference]
    nets: list[str]
    curves: dict[str, Curves]
    gallery: list[Picture]
    mistakes: dict[str, list[Picture]]
    diverged: dict[str, str] = {}

    def heat_map(self, name: str) -> Offsets:
        """Return the heat map of a scorer.

        Raises:
            InputError: its verdict has none, as no run writes.
        """
        offsets = self.verdicts[name].offsets
        if offsets is None:
            raise InputError(f"the results of {name} on {self.name} have no heat map: run compare again")
        return offsets


class TrainingRecord(Struct, frozen=True, kw_only=True):
    """One training; ``history`` has one entry an evaluation, ``audit`` is that on the test split.

    ``steps`` is the number of updates: fewer than the budget where training stopped early; None if unknown.
    """

    seed: int
    parameters: Count
    steps: Count | None = None
    best_step: Count
    validation_loss: Annotated[float, Meta(ge=0)]
    validation_accuracy: Share
    seconds: Annotated[float, Meta(ge=0)]
    history: list[EvaluationRecord]
    audit: Audit


class ModelRecord(Struct, frozen=True):
    """One model of a run.

    Attributes:
        name: Of the model, in this run.
        summary: One line about it.
        source: The paper it is from.
        ceiling: The highest accuracy that its symmetry allows on one plant and little noise; None if it declares no
            symmetry.
        declared: The transformations under which it is declared invariant.
        runs: One training a seed, without those that diverged.
        reference: Its name in the registry, or the reference of a net of the caller's own; empty if it is ``name``.
        sha256: Digest of the file that defines an own net; empty if there is none.
        group: Name of its symmetry group.
        diverged: The trainings that diverged; a model with any has no metrics.
    """

    name: str
    summary: str
    source: str
    ceiling: Share | None
    declared: tuple[str, ...]
    runs: list[TrainingRecord]
    reference: str = ""
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    group: str = ""
    diverged: list[Divergence] = []


class RuleRecord(Struct, frozen=True):
    """One explicit rule."""

    name: str
    summary: str


class Results(Struct, frozen=True, kw_only=True):
    """All results of a run."""

    format: Literal[6] = 6
    command: str
    environment: Environment
    recipe: dict[str, Any]
    card: Card
    training: dict[str, Any]
    seeds: Seeds
    models: list[ModelRecord]
    rules: list[RuleRecord]
    tests: list[SplitResult]

    @property
    def finished(self) -> list[ModelRecord]:
        """The models whose training diverged in no seed: those with metrics."""
        return [model for model in self.models if not model.diverged]

    @property
    def diverged(self) -> dict[str, str]:
        """The other models, with the seeds and the steps."""
        return {model.name: divergence_text(model.diverged) for model in self.models if model.diverged}
