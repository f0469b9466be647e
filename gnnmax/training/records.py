"""Records of training, as they are written and read back: lines of metrics, evaluations, and the state of a model."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta, Struct

__all__ = ["DivergedLine", "EvaluationLine", "EvaluationRecord", "ModelState", "StepLine", "check_history"]

Step = Annotated[int, Meta(ge=1, le=2**53)]
Loss = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]
Text = Annotated[str, Meta(max_length=1_000)]


class StepLine(Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="step"):
    """A line of metrics about the steps since the line before: their mean loss, and the learning rate of the last."""

    model: Text
    step: Step
    loss: Loss
    learning_rate: Annotated[float, Meta(ge=0, le=10)]
    seconds: Seconds


class EvaluationLine(Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="evaluation"):
    """A line of metrics about an evaluation on the validation split.

    On maps the accuracy is the share of peaks found exactly, and ``within_one`` that within one place along the host,
    with as many calls as peaks.
    """

    model: Text
    step: Step
    loss: Loss
    accuracy: Share
    seconds: Seconds
    within_one: Share | None = None


class DivergedLine(Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="diverged"):
    """The last line of metrics about a model: a loss or a gradient was not finite."""

    model: Text
    step: Step
    reason: Text
    seconds: Seconds


class EvaluationRecord(TypedDict):
    """An evaluation in the history of a model; it is the same record as an :class:`EvaluationLine`."""

    event: Literal["evaluation"]
    model: Text
    step: Step
    loss: Loss
    accuracy: Share
    seconds: Seconds
    within_one: NotRequired[Share]


class ModelState(Struct, frozen=True, forbid_unknown_fields=True):
    """The state of one model in training besides its tensors.

    Attributes:
        step: Number of updates.
        seconds: Wall time spent.
        recent: Losses since the last line of metrics.
        history: The evaluations.
        best: Step of the evaluation with the lowest loss, 0 before the first.
        diverged: The reason why training stopped, if a loss or a gradient was not finite; else empty.
    """

    step: Annotated[int, Meta(ge=0, le=2**53)]
    seconds: Seconds
    recent: Annotated[list[Loss], Meta(max_length=50)]
    history: list[EvaluationRecord]
    best: Annotated[int, Meta(ge=0, le=2**53)]
    diverged: Text

    def __post_init__(self) -> None:
        if check_history(self.history) != self.best or (self.history and self.history[-1]["step"] > self.step):
            raise ValueError(f"its best step {self.best} and its step {self.step} are not those of its history")


def check_history(history: list[EvaluationRecord]) -> int:
    """Return the step of the evaluation with the lowest loss, the first of equal ones; 0 without evaluations.

    Raises:
        ValueError: the evaluations are not in order, or not of one model.

    Example:
        >>> record = {"event": "evaluation", "model": "gnn", "step": 2, "loss": 0.5, "accuracy": 0.5, "seconds": 1.0}
        >>> check_history([record, {**record, "step": 4}])
        2
    """
    steps = [record["step"] for record in history]
    if any(later <= earlier for earlier, later in itertools.pairwise(steps)):
        raise ValueError(f"its evaluations are not in order: steps {str(steps)[:80]}")
    if len({record["model"] for record in history}) > 1:
        raise ValueError("its evaluations are of several models")
    return min(history, key=lambda record: record["loss"])["step"] if history else 0
