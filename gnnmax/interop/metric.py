"""The evaluator as a torchmetrics metric, an extra: metrics over batches, devices and processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnnmax.errors import InputError
from gnnmax.evaluation.calibration import Scale, check_scale
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.evaluator import evaluate_set
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.sums import Needs
from gnnmax.task.arrays import as_array
from gnnmax.task.scorers import checked_scores, labels_of

try:
    from torchmetrics import Metric
except ImportError:
    raise InputError("the metric needs torchmetrics: pip install 'gnnmax[torchmetrics]'") from None

__all__ = ["VerdictMetric"]


class VerdictMetric(Metric):
    """The metrics of :func:`gnnmax.evaluate` on windows in batches, on several devices or in several processes.

    It keeps score, label and graph of every window, 24 bytes each, in float64 whatever type the module around it is
    cast to, and joins those of all processes before it computes. Calling it like a function takes a batch and evaluates
    it; the metrics of a batch of one class are NaN. A batch that is refused leaves all earlier ones as they were. A
    sampler that repeats windows, to give all processes the same number, counts them twice.

    Args:
        threshold: As in :func:`gnnmax.evaluate`.
        scale: As in :func:`gnnmax.evaluate`; adds ``brier`` and ``calibration_error``.
        k: Side of the windows; adds ``natural_precision``, where one window in ``k * k`` is centred.
        intervals: Whether to add ``accuracy_low`` and ``accuracy_high``, and so on: intervals over graphs.
        resamples: As in :func:`gnnmax.evaluate`.
        confidence: As in :func:`gnnmax.evaluate`.
        kwargs: Arguments of ``torchmetrics.Metric``.

    Raises:
        InputError: an impossible option.

    References:
        Detlefsen et al., "TorchMetrics: Measuring Reproducibility in PyTorch", JOSS 7(70), 2022.

    Example:
        >>> metric = VerdictMetric()
        >>> metric.update(torch.tensor([0.5, -1.0]), torch.tensor([True, False]))
        >>> metric.update(torch.tensor([-0.2, -2.0]), torch.tensor([True, False]))
        >>> found = metric.compute()
        >>> float(found["accuracy"]), float(found["auroc"])
        (0.75, 1.0)
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    scores: list[Tensor]
    labels: list[Tensor]
    graphs: list[Tensor]

    def __init__(
        self,
        *,
        threshold: float = 0.0,
        scale: Scale | None = None,
        k: int | None = None,
        intervals: bool = False,
        resamples: int = 1000,
        confidence: float = 0.95,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 3 or k % 2 == 0):
            raise InputError(f"k must be odd and at least 3, or None, not {k!r}: it is the side of the windows")
        self._options = EvaluationOptions(threshold, resamples if intervals else 1, confidence)
        check_scale(scale, threshold)
        self._scale: Scale | None = scale
        self._k, self._intervals = k, intervals
        # A process that saw no window joins with an empty state of the metric's own type: all must have the same.
        self._dtype = torch.float64
        for state in ("scores", "labels", "graphs"):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the metrics: those of the table of metrics that scores, labels and the arguments allow.

        Example:
            >>> VerdictMetric(scale="logits").metric_names[:2]
            ('accuracy', 'balanced_accuracy')
        """
        known: set[Needs] = {"decisions", "ranking"}
        known |= {"prevalence"} if self._k is not None else set()
        known |= {"probabilities"} if self._scale is not None else set()
        return tuple(name for name, metric in METRICS.items() if metric.needs in known)

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> VerdictMetric:
        """Move the states to another device, and never cast them: rounding would tie scores and merge graphs."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(fn(torch.zeros(1, device=tensor.device)).device)

        super()._apply(moved, exclude_state)
        self._dtype = torch.float64
        return self

    def forward(self, preds: Any, target: Any, graph: Any = None) -> dict[str, Tensor]:
        """Take a batch, and return its metrics; NaN where it is empty or of one class.

        Raises:
            InputError: as :meth:`update`. The whole batch is then left out, and the earlier ones are kept.
        """
        before = {name: list(value) if isinstance(value, list) else value for name, value in vars(self).items()}
        try:
            label = labels_of(target, one_class=True)
            if (label.all() or not label.any()) and not self.dist_sync_on_step:
                self.update(preds, target, graph)
                return self._tensors(dict.fromkeys(self._names))
            found: dict[str, Tensor] = super().forward(preds, target, graph)
        except BaseException:
            vars(self).update(before)
            raise
        return found

    def update(self, preds: Any, target: Any, graph: Any = None) -> None:
        """Take a batch, which may be empty or of one class.

        Args:
            preds: Finite real scores, shape ``(B,)``, tensor or array: logits, not decisions.
            target: Labels, shape ``(B,)``: True where the window is centred.
            graph: Number of each window's graph, shape ``(B,)``, such as ``windows.graph``: the units of the
                intervals. Equal numbers mean one graph, in all batches and processes. None in every batch where each
                window stands alone.

        Raises:
            InputError: as :func:`gnnmax.evaluate`. The whole batch is then left out.
        """
        label = labels_of(target, one_class=True)
        scores = checked_scores(preds, label, len(label), "preds")
        numbers = np.zeros(0) if graph is None else _numbers(graph, len(label))
        for state, column in ((self.scores, scores), (self.labels, label), (self.graphs, numbers)):
            state.append(torch.as_tensor(column.astype(np.float64), device=self.device))

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name, scalars in float64; NaN where a metric does not exist.

        Raises:
            InputError: no windows yet, of one class only, or batches with and without graphs.
        """
        scores, label, graph = (_joined(state) for state in (self.scores, self.labels, self.graphs))
        if len(graph) not in (0, len(label)):
            raise InputError("some batches came with graphs and some without: give graph in all of them, or in none")
        data = EvaluationSet(labels_of(label > 0), graph.astype(np.int64) if len(graph) else None, k=self._k)
        verdict = evaluate_set(data, scores, self._options, scale=self._scale)
        found: dict[str, float | None] = {name: verdict.value(name) for name in self.metric_names}
        if self._intervals:
            for name in self.metric_names:
                found[f"{name}_low"], found[f"{name}_high"] = verdict.interval(name) or (None, None)
        return self._tensors(found)

    @property
    def _names(self) -> list[str]:
        ends = [f"{name}_{end}" for name in self.metric_names for end in ("low", "high")] if self._intervals else []
        return [*self.metric_names, *ends]

    def _tensors(self, found: dict[str, float | None]) -> dict[str, Tensor]:
        return {
            name: torch.tensor(torch.nan if value is None else value, dtype=torch.float64, device=self.device)
            for name, value in found.items()
        }


def _numbers(graph: Any, n: int) -> npt.NDArray[Any]:
    """Return the numbers of graphs, which float64 must distinguish, or refuse them."""
    found = as_array(graph, "graph")
    if found.dtype.kind not in "iu" or found.shape != (n,):
        raise InputError(f"graph must be integers of shape ({n},), not {found.dtype} of shape {found.shape}")
    if found.size and (found.min() < -(2**53) or found.max() > 2**53):
        raise InputError("numbers of graphs above 2**53 cannot be distinguished in float64: number them from 0")
    return found


def _joined(state: list[Tensor] | Tensor) -> npt.NDArray[np.float64]:
    """Return a state as one array: it is a list of batches before synchronisation, and one tensor after it."""
    parts = [state] if isinstance(state, Tensor) else state
    return np.concatenate([np.zeros(0), *(part.cpu().numpy() for part in parts)])
