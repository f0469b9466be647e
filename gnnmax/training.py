"""Train several models side by side, on the very same batches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.schedule import TrainingConfig, check_config, learning_rate_at
from gnnmax.window import Windows

__all__ = [
    "Inputs",
    "TrainingConfig",
    "TrainingError",
    "TrainingResult",
    "check_finite",
    "inputs_of",
    "resolve_device",
    "scored",
    "train_models",
]

SCORING_BATCH = 256
"""Windows scored at once: larger batches fall out of the cache."""

LOSS_EVERY = 50
"""Updates between two records of the training loss."""

Inputs = tuple[Tensor, Tensor | None, Tensor | None]
"""Values, row contexts and column contexts, ``(B, k, k)`` each: the arguments of every net."""

Record = dict[str, Any]


class TrainingError(RuntimeError):
    """A training run that cannot go on, though its input was right; each model is left with its best weights."""


@dataclass(frozen=True)
class TrainingResult:
    """How the training of one model went.

    Attributes:
        best_step: The step whose weights are kept: the lowest validation log loss.
        loss: Validation log loss of these weights, in nats a window.
        accuracy: Their validation accuracy.
        seconds: Wall time spent on this model, evaluations included.
        history: One record an evaluation.
    """

    best_step: int
    loss: float
    accuracy: float
    seconds: float
    history: tuple[Record, ...]


def train_models(
    models: Mapping[str, nn.Module],
    train: Windows,
    val: Windows,
    config: TrainingConfig,
    rng: np.random.Generator,
    *,
    on_record: Callable[[Record], None] = lambda _record: None,
) -> dict[str, TrainingResult]:
    """Train models side by side on the same batches and leave in each the weights of its best evaluation.

    AdamW on the log loss, one optimiser a model; the criterion, the same for all, is the lowest validation log loss.
    On a CPU the same ``rng`` and the same number of threads give the same weights, bit for bit, and a model's weights
    do not depend on what is trained beside it.

    Args:
        models: Nets by name, changed in place and left on the device, in evaluation mode.
        train: Windows to learn from.
        val: Windows to choose the best weights by, of other hosts.
        config: Budget and optimiser.
        rng: Decides the order of the windows.
        on_record: Is given a flat dict, fit for JSON, every 50 steps (``event`` "step") and at every evaluation
            (``event`` "evaluation") of each model.

    Returns:
        One result a model, by name, in the order given.

    Raises:
        InputError: no model, empty windows, values that are not finite, a split with one class only, or splits that
            differ in side or contexts.
        TrainingError: a loss or a gradient stopped being finite.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(64, 3, 3)).astype("float32"))
        >>> results = train_models(
        ...     {"cnn": build_model("cnn", k=3)}, w, w, TrainingConfig(steps=3), np.random.default_rng(0)
        ... )
        >>> results["cnn"].best_step, len(results["cnn"].history)
        (3, 1)
    """
    check_config(config)
    _check_splits(models, train, val)
    device = resolve_device(config.device)
    learners = [_Learner(name, module.to(device), config, on_record) for name, module in models.items()]
    held = inputs_of(val, slice(None), device), _labels(val, device)
    data, labels = inputs_of(train, slice(None), device), _labels(train, device)
    try:
        for step, index in enumerate(_batches(len(train), config, rng), start=1):
            chosen = torch.from_numpy(index).to(device)
            batch = _taken(data, chosen)
            for learner in learners:
                learner.update(step, batch, labels[chosen])
                if step % config.evaluate_every == 0 or step == config.steps:
                    learner.evaluate(step, *held)
    finally:
        for learner in learners:
            learner.restore_best()
    return {learner.name: learner.result() for learner in learners}


@dataclass
class _Learner:
    """One model with its optimiser and the best weights so far: what changes while it learns."""

    name: str
    module: nn.Module
    config: TrainingConfig
    on_record: Callable[[Record], None]
    seconds: float = 0.0
    recent: list[float] = field(default_factory=list)
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimiser = torch.optim.AdamW(self.module.parameters(), weight_decay=self.config.weight_decay)
        self.best: Record = {"step": 0, "loss": math.inf, "accuracy": math.nan}
        self.keep_weights()

    def keep_weights(self) -> None:
        self.weights = {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}

    def update(self, step: int, batch: Inputs, labels: Tensor) -> None:
        """Take one step of the optimiser."""
        started = time.perf_counter()
        rate = learning_rate_at(step, self.config)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.module.train()
        self.optimiser.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(self.module(*batch), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
        self.stop_unless_finite(step, "the loss", loss)
        self.stop_unless_finite(step, "the norm of the gradient", norm)
        self.optimiser.step()
        self.recent.append(loss.item())
        self.seconds += time.perf_counter() - started
        if step % LOSS_EVERY == 0 or step == self.config.steps:
            self.record("step", step, loss=sum(self.recent) / len(self.recent), learning_rate=rate)
            self.recent.clear()

    def evaluate(self, step: int, inputs: Inputs, labels: Tensor) -> None:
        """Measure the validation split and keep the weights if they are the best so far."""
        started = time.perf_counter()
        scores = scored(self.module, inputs)
        loss = functional.binary_cross_entropy_with_logits(scores, labels)
        self.stop_unless_finite(step, "the validation loss", loss)
        accuracy = float(((scores > 0) == (labels > 0)).double().mean())
        if float(loss) < self.best["loss"]:
            self.best = {"step": step, "loss": float(loss), "accuracy": accuracy}
            self.keep_weights()
        self.seconds += time.perf_counter() - started
        self.history.append(self.record("evaluation", step, loss=float(loss), accuracy=accuracy))

    def record(self, event: str, step: int, **figures: float) -> Record:
        entry: Record = {"event": event, "model": self.name, "step": step, **figures, "seconds": self.seconds}
        self.on_record(entry)
        return entry

    def stop_unless_finite(self, step: int, what: str, figure: Tensor) -> None:
        if not bool(torch.isfinite(figure)):
            raise TrainingError(
                f"{what} of {self.name} is {figure.item()} at step {step}: lower the learning rate "
                f"(now at most {self.config.learning_rate:g}); the weights of step {self.best['step']} are kept"
            )

    def restore_best(self) -> None:
        self.module.load_state_dict(self.weights)
        self.module.eval()

    def result(self) -> TrainingResult:
        best = self.best
        return TrainingResult(best["step"], best["loss"], best["accuracy"], self.seconds, tuple(self.history))


@torch.no_grad()
def scored(module: nn.Module, inputs: Inputs) -> Tensor:
    """Return the logits of all windows, shape ``(N,)``, in evaluation mode, without gradients, a batch at a time.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> scored(build_model("cnn", k=3), (torch.rand(300, 3, 3), None, None)).shape
        torch.Size([300])
    """
    module.eval()
    starts = range(0, len(inputs[0]), SCORING_BATCH)
    return torch.cat([module(*_taken(inputs, slice(start, start + SCORING_BATCH))) for start in starts])


def inputs_of(w: Windows, index: Any, device: torch.device) -> Inputs:
    """Return the chosen windows as the arguments of a net, on a device.

    Example:
        >>> w = Windows.from_values(np.zeros((4, 3, 3)))
        >>> [part if part is None else part.shape for part in inputs_of(w, slice(2), torch.device("cpu"))]
        [torch.Size([2, 3, 3]), None, None]
    """
    values, rows, columns = (
        None if array is None else torch.tensor(array[index], device=device)
        for array in (w.values, w.row_context, w.column_context)
    )
    assert values is not None
    return values, rows, columns


def resolve_device(name: str) -> torch.device:
    """Return the device of a name: ``auto`` is a GPU where there is one, else the CPU.

    Raises:
        InputError: another name, or ``cuda`` on a machine without a GPU.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"the device must be auto, cpu or cuda, not {name!r}")
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise InputError("device cuda was asked for and torch finds no GPU: take --device auto or cpu")
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def check_finite(w: Windows, what: str) -> None:
    """Refuse windows that a net cannot take.

    Raises:
        InputError: there are none, or a value or context is NaN or infinite.

    Example:
        >>> check_finite(Windows.from_values(np.full((1, 3, 3), np.nan)), "training windows")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the values of 1 of 1 training windows are NaN or infinite: nets take finite ...
    """
    if not len(w):
        raise InputError(f"there are no {what}: give at least one")
    for name in ("values", "row_context", "column_context"):
        array = getattr(w, name)
        if array is None or np.isfinite(array).all():
            continue
        broken = int((~np.isfinite(array)).any(axis=(1, 2)).sum())
        raise InputError(
            f"the {name} of {broken} of {len(w)} {what} are NaN or infinite: nets take finite numbers only; "
            "leave these windows out"
        )


def _check_splits(models: Mapping[str, nn.Module], train: Windows, val: Windows) -> None:
    if not models:
        raise InputError("there is no model to train: name at least one")
    for what, w in (("training windows", train), ("validation windows", val)):
        check_finite(w, what)
        if w.label.all() or not w.label.any():
            raise InputError(f"all {len(w)} {what} are of one class: give both centred ones and others")
    if train.k != val.k:
        raise InputError(f"training windows have side {train.k} and validation windows {val.k}: give equal sides")
    if (train.row_context is None) != (val.row_context is None):
        raise InputError("only one of the two splits carries contexts: give both or neither")


def _batches(n: int, config: TrainingConfig, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Yield ``config.steps`` batches of indices: every window once before any comes again."""
    waiting = np.empty(0, dtype=np.int64)
    for _ in range(config.steps):
        while len(waiting) < config.batch_size:
            waiting = np.concatenate([waiting, rng.permutation(n)])
        yield waiting[: config.batch_size]
        waiting = waiting[config.batch_size :]


def _labels(w: Windows, device: torch.device) -> Tensor:
    return torch.tensor(w.label, dtype=torch.float32, device=device)


def _taken(inputs: Inputs, index: Any) -> Inputs:
    values, rows, columns = inputs
    return values[index], None if rows is None else rows[index], None if columns is None else columns[index]
