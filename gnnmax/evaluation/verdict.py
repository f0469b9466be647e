"""What the evaluator answers about one scorer: figures with intervals, as data, as JSON, as a table."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import Reliability, Scale
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.tabulation import html_table, interval_text, number_text, rich_table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Interval", "Offsets", "Slice", "Verdict"]

Interval = tuple[float, float]

FIGURES = (
    *("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc", "auroc"),
    *("average_precision", "natural_precision", "brier", "calibration_error", "bayes_accuracy", "ceiling"),
    "bayes_gap",
)
"""The figures of a verdict, in the order of its table."""


@dataclass(frozen=True)
class Slice:
    """The accuracy on some of the windows.

    Attributes:
        n: Windows in the slice.
        accuracy: Share decided rightly.
        low: Lower end of the accuracy's interval, by bootstrap over graphs.
        high: Upper end.
        flagged: Share called centred.
    """

    n: int
    accuracy: float
    low: float
    high: float
    flagged: float


@dataclass(frozen=True, eq=False)
class Offsets:
    """The heat map of decisions over the position of the maximum, as data.

    Attributes:
        flagged: Share of windows called centred, shape ``(k, k)``; entry ``[k // 2 + dr, k // 2 + dc]`` is for the
            windows whose maximum lies at offset ``(dr, dc)`` from their centre. NaN where there is no such window.
        count: Number of those windows, shape ``(k, k)``.
    """

    flagged: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Return nested lists, None where no window has that offset."""
        flagged = [[None if np.isnan(x) else float(x) for x in row] for row in self.flagged]
        return {"flagged": flagged, "count": self.count.tolist()}


@dataclass(frozen=True, eq=False)
class Verdict:
    """The evaluator's answer for one scorer on one set of windows.

    Of a scorer with several seeds every figure is the mean over its seeds, and the intervals hold for that mean.

    Attributes:
        n: Windows judged.
        n_graphs: Graphs they come from: what the intervals draw.
        positives: Windows whose label is "centred".
        threshold: "Centred" iff the score is strictly above it.
        confidence: Of the intervals.
        accuracy: Share of windows decided rightly.
        balanced_accuracy: Mean of recall and specificity.
        precision: Share of those called centred that are; None where none is called.
        recall: Share of the centred ones called so.
        specificity: Share of the others not called so.
        f1: Harmonic mean of precision and recall.
        mcc: Correlation of decision and label; 0 where all decisions are alike.
        auroc: Probability that a positive scores above a negative, a tie counting one half.
        average_precision: Mean precision over the positives, tied scores taken together.
        natural_prevalence: Share of windows of side k that are centred in nature, ``1 / k**2``; None without windows.
        natural_precision: Precision at that prevalence, negatives being like these. The recall is the same at any.
        scale: Of the scores, where it was declared.
        brier: Mean squared difference of probability and label; None without a scale.
        calibration_error: Expected calibration error of P(centred) in 15 bins; None without a scale. Noise adds to it.
        reliability: The reliability diagram, of the first seed; None without a scale.
        bayes_accuracy: Accuracy of the Bayes rule on these very windows; None where nothing was added to noise.
        ceiling: Its accuracy over all windows of the distribution; None where there is no single amplitude.
        bayes_gap: ``bayes_accuracy - accuracy``, or None. Read it with its interval: at chance it may be negative.
        intervals: Of every figure but the prevalence, the Bayes rule's accuracy and the ceiling.
        slices: ``slices["kind"][name]``; ``slices["margin"][bin]``, bins of the absolute margin ("0" is a tie);
            ``slices["margin_decile"]["1"]``, the closest calls, to ``"10"``; ``slices["offset"][distance]``; and the
            caller's groups. Empty where only labels were given.
        offsets: The heat map; None where only labels were given.
        localisation: Finding the maximum graph by graph; None where each window is a graph of its own.
        by_seed: Accuracy, AUROC and average precision of each seed.
    """

    n: int
    n_graphs: int
    positives: int
    threshold: float
    confidence: float
    accuracy: float
    balanced_accuracy: float
    precision: float | None
    recall: float
    specificity: float
    f1: float
    mcc: float
    auroc: float
    average_precision: float
    natural_prevalence: float | None
    natural_precision: float | None
    scale: Scale | None
    brier: float | None
    calibration_error: float | None
    reliability: Reliability | None
    bayes_accuracy: float | None
    ceiling: float | None
    bayes_gap: float | None
    intervals: dict[str, Interval]
    slices: dict[str, dict[str, Slice]]
    offsets: Offsets | None
    localisation: Localisation | None
    by_seed: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What was judged, in words."""
        return f"{self.n} windows of {self.n_graphs} graphs, {self.positives} centred"

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: what JSON can hold."""
        plain = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        plain["intervals"] = _listed(self.intervals)
        plain["slices"] = {
            group: {name: dataclasses.asdict(part) for name, part in parts.items()}
            for group, parts in self.slices.items()
        }
        plain["offsets"] = None if self.offsets is None else self.offsets.to_dict()
        plain["by_seed"] = _listed(self.by_seed)
        if self.reliability is not None:
            plain["reliability"] = _listed(dataclasses.asdict(self.reliability))
        if self.localisation is not None:
            plain["localisation"] = dataclasses.asdict(self.localisation)
            plain["localisation"]["intervals"] = _listed(self.localisation.intervals)
        return plain

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def _rows(self) -> list[list[str]]:
        rows = [
            [name.replace("_", " "), "", number_text(getattr(self, name)), interval_text(self.intervals.get(name))]
            for name in FIGURES
            if getattr(self, name) is not None
        ]
        if self.localisation is not None:
            found = dataclasses.asdict(self.localisation)
            rows += [
                [f"by graph, {name}", str(found["graphs"]), number_text(found[name]), interval_text(interval)]
                for name, interval in self.localisation.intervals.items()
            ]
        for group, parts in self.slices.items():
            for name, part in parts.items():
                ends = interval_text((part.low, part.high))
                words = f"accuracy, {group.replace('_', ' ')} {name}"
                rows.append([words, str(part.n), number_text(part.accuracy), ends])
        return rows

    def __rich__(self) -> Table:
        return rich_table(self.title, self._header(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self.title, self._header(), self._rows())

    def _header(self) -> list[str]:
        return ["figure", "windows", "value", f"{self.confidence:.0%} interval"]


def _listed(tuples: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in tuples.items()}
