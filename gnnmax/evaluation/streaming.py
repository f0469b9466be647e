"""Evaluation of more windows than memory holds, batch by batch, with the verdict of evaluating them all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import Scale, check_scale
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.evaluator import evaluate_set
from gnnmax.evaluation.options import EvaluationOptions
from gnnmax.evaluation.verdict import Verdict
from gnnmax.task.scorers import checked_scores, labels_of, refuse_windows
from gnnmax.task.windows import Windows

__all__ = ["Evaluator"]


class Evaluator:
    """Evaluate one scorer on windows that come in batches.

    Between batches it keeps about 50 bytes a window (score, label, graph, kind, margin, offset) and no window. Windows
    of one graph may come in several batches: equal numbers in ``windows.graph`` mean one graph, in all batches. Its
    three methods are those of a torchmetrics metric.

    Args:
        threshold: As in :func:`gnnmax.evaluate`.
        scale: As there.
        resamples: As there.
        confidence: As there.
        rng: As there.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 3, 3)))
        >>> evaluator = Evaluator()
        >>> for start in range(0, 500, 100):
        ...     evaluator.update(RULES["nms"], w[start : start + 100])
        >>> evaluator.compute().accuracy
        1.0
    """

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

    def update(
        self, scores: Any, windows: Windows | npt.ArrayLike, groups: Mapping[str, npt.ArrayLike] | None = None
    ) -> None:
        """Take a batch, which may be empty or of one class.

        Args:
            scores: As in :func:`gnnmax.evaluate`.
            windows: As there; always Windows, or always labels.
            groups: As there; the same names in every batch.

        Raises:
            InputError: as :func:`gnnmax.evaluate`, or a batch with other known properties than those before. The whole
                batch is then left out.
        """
        refuse_windows(scores)
        data = EvaluationSet.of(windows, groups, one_class=True)
        found = checked_scores(scores, windows, len(data.label))
        if self._parts:
            data.check_follows(self._parts[0])
        self._parts.append(data.copied())
        self._scores.append(found.copy())

    def compute(self) -> Verdict:
        """Return the verdict on all windows so far: that of :func:`gnnmax.evaluate` on them at once.

        Raises:
            InputError: no windows yet, or of one class only.
        """
        data = EvaluationSet.concatenate(self._parts)
        labels_of(data.label)
        return evaluate_set(data, np.concatenate(self._scores), self._options, scale=self._scale)

    def reset(self) -> None:
        """Forget all windows."""
        self._parts: list[EvaluationSet] = []
        self._scores: list[npt.NDArray[np.float64]] = []
