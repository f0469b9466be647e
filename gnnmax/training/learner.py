"""One model in training: optimiser, clock, metrics and best weights so far."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from gnnmax.models.seeding import torch_seed
from gnnmax.models.tensors import Batch, Inputs, taken
from gnnmax.training.checkpoint import Snapshot
from gnnmax.training.config import TrainingConfig, learning_rate_at
from gnnmax.training.distributed import Processes
from gnnmax.training.objectives import Objective
from gnnmax.training.precision import autocast_context
from gnnmax.training.records import ModelState

__all__ = ["Learner", "Record", "TrainingError", "TrainingResult"]


LOSS_EVERY = 50
"""Updates between two records of the training loss."""

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""State of AdamW about a parameter, by name."""

Record = dict[str, Any]


class TrainingError(RuntimeError):
    """Training diverged although its input was valid; the model is left with its best weights."""


class _NotFiniteError(RuntimeError):
    """A loss or a gradient is NaN or infinite."""


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of training one model.

    Attributes:
        steps: Number of updates; where training diverged, the step at which it did.
        best_step: The step whose weights are kept: the lowest validation log loss.
        loss: Validation log loss of these weights, in nats per window or map.
        accuracy: Their validation accuracy; on maps, the share of peaks found exactly.
        seconds: Wall time spent on this model, evaluations included.
        history: One record per evaluation.
        diverged: The reason why training stopped, if a loss or a gradient was not finite; else empty.
    """

    steps: int
    best_step: int
    loss: float
    accuracy: float
    seconds: float
    history: tuple[Record, ...]
    diverged: str = ""


class Learner:
    """One model in training.

    Args:
        name: Name of the model, for records and errors.
        module: The net, on its device; changed in place.
        config: Budget and optimiser.
        objective: Loss and metrics.
        on_record: Called with every record.
        seed: With the number of a step, decides the random numbers of torch in it, such as those of dropout.
        processes: The processes that share each batch.
        clock: Returns seconds; only differences count.
    """

    def __init__(
        self,
        name: str,
        module: nn.Module,
        *,
        config: TrainingConfig,
        objective: Objective,
        on_record: Callable[[Record], None],
        seed: int,
        processes: Processes,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._module, self._config, self._on_record, self._processes = module, config, on_record, processes
        self._clock, self._seed, self._objective = clock, seed, objective
        self._diverged = ""
        self._optimiser = torch.optim.AdamW(module.parameters(), weight_decay=config.weight_decay)
        self._step, self._seconds = 0, 0.0
        self._recent: list[float] = []
        self._history: list[Record] = []
        self._best = 0  # the step
        self._weights = self._copy_weights()

    def learn(self, batch: Batch, validation: Batch) -> None:
        """Take one step with a batch; evaluate on the validation batch when it is due.

        A step whose loss or gradient is not finite is the last one.
        """
        started = self._clock()
        self._step += 1
        try:
            self._update(*batch)
        except _NotFiniteError as error:
            self._diverge(str(error))
            return
        self._seconds += self._clock() - started
        if self._step % LOSS_EVERY == 0 or self._spent():
            self._record("step", loss=sum(self._recent) / len(self._recent), learning_rate=self._rate())
            self._recent.clear()
        if self._step % self._config.evaluate_every == 0 or self._spent():
            try:
                self._evaluate(*validation)
            except _NotFiniteError as error:
                self._diverge(str(error))

    def _diverge(self, reason: str) -> None:
        self._diverged = reason
        self._record("diverged", reason=reason)

    @property
    def step(self) -> int:
        """Number of updates so far."""
        return self._step

    @property
    def finished(self) -> bool:
        """Whether the budget is spent, patience with the validation loss has run out, or training has diverged."""
        patience = self._config.patience
        worse = sum(record["step"] > self._best for record in self._history)
        return bool(self._diverged) or self._spent() or (patience is not None and worse >= patience)

    def _spent(self) -> bool:
        return self._done() >= 1

    def _done(self) -> float:
        """Return the share of the budget that is spent."""
        seconds = self._config.seconds
        return self._step / self._config.steps if seconds is None else self._seconds / seconds

    def _rate(self) -> float:
        return learning_rate_at(min(self._done(), 1.0), self._config)

    def _update(self, inputs: Inputs, targets: Tensor) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self._module.train()
        self._optimiser.zero_grad()
        loss = torch.zeros((), device=targets.device)
        own = self._processes.share(len(targets))
        if own.start < len(targets):
            with self._randomness(targets.device), autocast_context(self._config.precision, targets.device):
                scores = self._module(*taken(inputs, own))
            mean = self._objective.loss(scores.float(), targets[own])
            share = mean * (len(scores) / len(targets))
            share.backward()  # type: ignore[no-untyped-call]
            loss += share.detach()
        self._processes.all_reduce([loss, *(p.grad for p in self._module.parameters() if p.grad is not None)])
        self._share_statistics()
        norm = nn.utils.clip_grad_norm_(self._module.parameters(), self._config.clip_norm)
        self._stop_unless_finite("the loss", loss)
        self._stop_unless_finite("the norm of the gradient", norm)
        self._optimiser.step()
        self._recent.append(loss.item())

    def _randomness(self, device: torch.device) -> contextlib.AbstractContextManager[None]:
        """Let torch's random numbers depend on the seed, the step and the process, so that a step can be repeated."""
        entropy = np.random.SeedSequence([self._seed, self._step, self._processes.rank])
        return torch_seed(int(entropy.generate_state(1, np.uint64)[0]), device)

    def _share_statistics(self) -> None:
        """Give all processes the running statistics of the main one, those of batch normalisation."""
        statistics = [buffer for buffer in self._module.buffers() if buffer.is_floating_point()]
        if self._processes.world_size > 1 and statistics:
            for buffer in statistics:
                if not self._processes.is_main:
                    buffer.zero_()
            self._processes.all_reduce(statistics)

    def _evaluate(self, inputs: Inputs, targets: Tensor) -> None:
        """Evaluate on the validation examples and keep the weights if they are the best so far."""
        started = self._clock()
        with self._randomness(targets.device):
            scores = self._objective.scores(self._module, inputs)
        loss = self._objective.loss(scores, targets)
        self._stop_unless_finite("the validation loss", loss)
        metrics = self._objective.metrics(scores, targets)
        if float(loss) < self._best_record()["loss"]:
            self._best, self._weights = self._step, self._copy_weights()
        self._seconds += self._clock() - started
        self._history.append(self._record("evaluation", loss=float(loss), **metrics))

    def _best_record(self) -> Record:
        none_yet = {"loss": math.inf, "accuracy": math.nan}
        return next((record for record in self._history if record["step"] == self._best), none_yet)

    def _record(self, event: str, **metrics: float | str) -> Record:
        entry: Record = {"event": event, "model": self.name, "step": self._step, **metrics, "seconds": self._seconds}
        self._on_record(entry)
        return entry

    def _stop_unless_finite(self, what: str, value: Tensor) -> None:
        if not bool(torch.isfinite(value)):
            raise _NotFiniteError(
                f"{what} of {self.name} is {value.item()} at step {self._step}: lower the learning rate "
                f"(now at most {self._config.learning_rate:g})"
            )

    def _copy_weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self._module.state_dict().items()}

    def restore_best(self) -> None:
        """Load the weights of the best evaluation, or the initial weights if there was none."""
        self._module.load_state_dict(self._weights)
        self._module.eval()

    def result(self) -> TrainingResult:
        """Return the outcome so far."""
        best = self._best_record()
        return TrainingResult(
            self._step,
            self._best,
            best["loss"],
            best["accuracy"],
            self._seconds,
            tuple(self._history),
            self._diverged,
        )

    def state(self) -> Snapshot:
        """Return everything that the next step and the result depend on."""
        plain = {
            "step": self._step,
            "seconds": self._seconds,
            "recent": list(self._recent),
            "history": list(self._history),
            "best": self._best,
            "diverged": self._diverged,
        }
        weights = Snapshot({}, dict(self._module.state_dict()))
        moments = {
            f"{number}/{name}": moment
            for number, parameter in enumerate(self._module.parameters())
            for name, moment in self._optimiser.state[parameter].items()
        }
        parts = {"plain": Snapshot(plain, {}), "weights": weights, "best": Snapshot({}, self._weights)}
        return Snapshot.joined({**parts, "moments": Snapshot({}, moments)})

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from a state, bit for bit: tensors keep their memory layout.

        Raises:
            ValueError: the state is not one of this model.
            ValidationError: of msgspec, if a value is missing, or of another type, or out of range.
        """
        plain = msgspec.convert(snapshot.plain["plain"], ModelState, strict=True)
        if any(record["model"] != self.name for record in plain.history):
            raise ValueError(f"its evaluations are not of {self.name}")
        weights, best, moments = (snapshot.part(name).tensors for name in ("weights", "best", "moments"))
        own = self._module.state_dict()
        _check_tensors(best, own)
        _check_tensors(weights, own, finite=not plain.diverged)
        parameters = list(self._module.parameters())
        by_parameter: list[dict[str, Tensor]] = []
        for number, parameter in enumerate(parameters):
            its_moments = {name: moments.pop(f"{number}/{name}") for name in MOMENTS if f"{number}/{name}" in moments}
            _check_moments(its_moments, parameter, plain)
            by_parameter.append(its_moments)
        if moments:
            raise ValueError(f"it has moments {', '.join(moments)[:80]} too many")
        self._step, self._seconds, self._best = plain.step, plain.seconds, plain.best
        self._recent, self._history = list(plain.recent), [dict(record) for record in plain.history]
        self._diverged = plain.diverged
        self._module.load_state_dict(weights)
        for name, tensor in best.items():
            self._weights[name].copy_(tensor)
        for parameter, its_moments in zip(parameters, by_parameter, strict=True):
            self._optimiser.state[parameter] = {
                name: torch.empty_like(parameter).copy_(t) if name != "step" else t for name, t in its_moments.items()
            }


def _check_tensors(tensors: dict[str, Tensor], own: dict[str, Tensor], *, finite: bool = True) -> None:
    """Refuse tensors of other names, shapes or types than a model's own, or that are not finite but must be."""
    if tensors.keys() != own.keys():
        raise ValueError(f"it has weights {', '.join(sorted(tensors.keys() ^ own.keys()))[:80]} too many or too few")
    for name, tensor in tensors.items():
        same = tensor.shape == own[name].shape and tensor.dtype == own[name].dtype
        if not same or (finite and not bool(tensor.isfinite().all())):
            raise ValueError(f"its weights {name} have another shape or type, or are not finite")


def _check_moments(moments: dict[str, Tensor], parameter: nn.Parameter, plain: ModelState) -> None:
    """Refuse moments that AdamW does not have in that state; a parameter without a gradient has none.

    A step that diverged may have left them as they were.
    """
    if not moments:
        return
    if len(moments) < len(MOMENTS):
        raise ValueError(f"it has only the moments {', '.join(moments)}")
    count, steps = moments["step"], {plain.step, plain.step - bool(plain.diverged)}
    expected = {min(step, 2**24) for step in steps}  # float32 counts no further
    if count.shape != () or count.dtype != torch.float32 or count.item() not in expected:
        raise ValueError(f"its moments are not those of step {plain.step}")
    for name in ("exp_avg", "exp_avg_sq"):
        _check_tensors({name: moments[name]}, {name: parameter}, finite=not plain.diverged)
    if bool((moments["exp_avg_sq"] < 0).any()):
        raise ValueError("its second moments are negative")
