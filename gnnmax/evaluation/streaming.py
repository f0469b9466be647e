"""Evaluation of more windows than memory holds, batch by batch, with the verdict of evaluating them all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.calibration import Scale, check_scale
from gnnmax.evaluation.evaluation_set import EvaluationSet, checked_weight
from gnnmax.evaluation.evaluator import evaluate_set
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.verdict import Verdict
from gnnmax.task.scorers import checked_scores, labels_of, refuse_windows
from gnnmax.task.windows import Windows

__all__ = ["Evaluator"]

INPUT_FORMAT = """{"y_true": y_true, "y_pred": y_pred}
- y_true: numpy array or torch tensor of shape (N,) or (N, 1): 1 or True where the window is centred, else 0 or False
- y_pred: numpy array or torch tensor of shape (N,) or (N, 1): finite real scores, not decisions; higher means more
  likely centred, and above the threshold, 0 unless given, means centred
and optionally
- "graph": integers or names of shape (N,): the graph of each window
- "sample_weight": real numbers of shape (N,), not negative
"""

OUTPUT_FORMAT = """{"accuracy": accuracy, "auroc": auroc, "average_precision": average_precision, ...}
- every metric of gnnmax.evaluation.metrics.METRICS that exists for labels and scores, by name, a float
"""


class Evaluator:
    """Evaluate one scorer, on windows that come in batches or on predictions that come at once.

    ``update`` and ``compute`` take batches, as those of a torchmetrics metric do. Between batches about 55 bytes a
    window are kept (score, label, graph, weight, kind, margin, offset) and no window. Windows of one graph may come in
    several batches: equal numbers or names mean one graph, in all batches. ``eval`` takes a dict of arrays, as the
    evaluators of OGB do, and keeps nothing.

    Args:
        threshold: As in :func:`gnnmax.evaluate`.
        scale: As there.
        resamples: As there.
        confidence: As there.
        rng: As there.

    References:
        W. Hu et al., "Open Graph Benchmark: Datasets for Machine Learning on Graphs", NeurIPS 2020.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)))
        >>> evaluator = Evaluator()
        >>> for start in range(0, 500, 100):
        ...     evaluator.update(RULES["nms"], w[start : start + 100])
        >>> evaluator.compute().accuracy
        1.0
        >>> Evaluator().eval({"y_true": np.array([1, 0, 0]), "y_pred": np.array([2.0, -1.0, 0.5])})["auroc"]
        1.0
    """

    expected_input_format = INPUT_FORMAT
    expected_output_format = OUTPUT_FORMAT

    def __init__(
        self,
        *,
        threshold: float = 0.0,
        scale: Scale | None = None,
        resamples: int = 1000,
        confidence: float = 0.95,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._options = EvaluationOptions(threshold, resamples, confidence, rng)
        check_scale(scale, self._options.threshold)
        self._scale: Scale | None = scale
        self.reset()

    def eval(self, input_dict: Mapping[str, Any]) -> dict[str, float]:
        """Return every metric that exists, of predictions that are given at once; batches so far are left alone.

        Args:
            input_dict: As :attr:`expected_input_format` states.

        Returns:
            As :attr:`expected_output_format` states; the verdict of :func:`gnnmax.evaluate` says more.

        Raises:
            InputError: a key that is missing or unknown; else as :func:`gnnmax.evaluate`.
        """
        known = {"y_true", "y_pred", "graph", "sample_weight"}
        if not isinstance(input_dict, Mapping) or not {"y_true", "y_pred"} <= set(input_dict) <= known:
            came = sorted(map(str, input_dict)) if isinstance(input_dict, Mapping) else type(input_dict).__name__
            raise InputError(
                f"eval takes a dict with the keys 'y_true' and 'y_pred', and perhaps 'graph' and 'sample_weight', not "
                f"{came}: call eval({{'y_true': labels, 'y_pred': scores}})"
            )
        columns = {name: _flat(given) for name, given in input_dict.items()}
        label = columns["y_true"]
        data = EvaluationSet.of(label, graph=columns.get("graph"), weight=columns.get("sample_weight"))
        scores = checked_scores(columns["y_pred"], label, len(data.label), "y_pred")
        verdict = evaluate_set(data, scores, self._options, scale=self._scale)
        return {name: value for name, value in verdict.metrics.items() if value is not None}

    def update(
        self,
        scores: Any,
        windows: Windows | npt.ArrayLike,
        groups: Mapping[str, npt.ArrayLike] | None = None,
        *,
        graph: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Take a batch, which may be empty or of one class.

        Args:
            scores: As in :func:`gnnmax.evaluate`.
            windows: As there; always Windows, or always labels.
            groups: As there; the same names in every batch.
            graph: As there; in every batch, or in none.
            sample_weight: As there; in every batch, or in none.

        Raises:
            InputError: as :func:`gnnmax.evaluate`, or a batch with other known properties than those before. The whole
                batch is then left out.
        """
        refuse_windows(scores)
        data = EvaluationSet.of(windows, groups, graph=graph, weight=sample_weight, one_class=True)
        found = checked_scores(scores, windows, len(data.label))
        if self._batches:
            data.check_follows(self._batches[0][0])
        self._batches.append((data.copied(), found.copy()))

    def compute(self) -> Verdict:
        """Return the verdict on all windows so far: that of :func:`gnnmax.evaluate` on them at once.

        Raises:
            InputError: no windows yet, or of one class only.
        """
        data = EvaluationSet.concatenate([data for data, _ in self._batches])
        labels_of(data.label)
        checked_weight(data.weight, data.label)
        scores = np.concatenate([found for _, found in self._batches])
        return evaluate_set(data, scores, self._options, scale=self._scale)

    def reset(self) -> None:
        """Forget all windows."""
        self._batches: list[tuple[EvaluationSet, npt.NDArray[np.float64]]] = []


def _flat(given: Any) -> Any:
    """Return a column of shape ``(N, 1)``, as OGB has it, in shape ``(N,)``, and anything else as it is."""
    return given[:, 0] if getattr(given, "ndim", 0) == 2 and given.shape[1] == 1 else given
