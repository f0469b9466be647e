"""Differences: the evaluator's answer about each pair of scorers, with the power of the comparison."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.verdict import Verdict
from gnnmax.task.equality import EqualByContent
from gnnmax.task.plotting import COLOURS, axes_for, draw_intervals
from gnnmax.task.tabulation import Shown, TableText, interval_text, latex_table, number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Comparison", "Difference"]


@dataclass(frozen=True)
class Difference:
    """How two scorers differ on the same windows, first minus second.

    Interval and p-value agree: an interval excludes 0 exactly where its p-value is at most ``1 - confidence``. Those of
    this pair alone stand beside those of all compared pairs at once, which the sentence gives.

    Attributes:
        first: Name of the first scorer.
        second: Name of the second.
        accuracy: Difference of the accuracies.
        low: Lower end of its interval, of this pair alone.
        high: Upper end.
        p_value: Two-sided, of the hypothesis that both are equally good, of this pair alone.
        mcnemar_p_value: Exact McNemar test, which takes windows for independent.
        first_only: Windows that only the first decides correctly, over all seeds.
        second_only: Windows that only the second decides correctly.
        auroc: Difference of the AUROCs.
        auroc_low: Lower end of its interval, of this pair alone.
        auroc_high: Upper end.
        confidence: Of the intervals.
        pairs: Number of pairs compared.
        corrected_low: Lower end of the interval of the accuracy for all pairs at once, by Bonferroni.
        corrected_high: Upper end.
        corrected_p_value: For all pairs at once, by Bonferroni.
        minimum_detectable_effect: The smallest difference of accuracies that is significant among all pairs four times
            in five with this number of graphs and seeds; None where it is not known.
        additional_graphs: Graphs to add so that a difference of this size is significant four times in five; 0 where it
            is significant; None where no number suffices: there is no difference, or more seeds are needed.
        seeds: Number of seeds of each scorer.
    """

    first: str
    second: str
    accuracy: float
    low: float
    high: float
    p_value: float
    mcnemar_p_value: float
    first_only: int
    second_only: int
    auroc: float
    auroc_low: float
    auroc_high: float
    confidence: float
    pairs: int
    corrected_low: float
    corrected_high: float
    corrected_p_value: float
    minimum_detectable_effect: float | None = None
    additional_graphs: int | None = None
    seeds: int = 1

    @property
    def is_significant(self) -> bool:
        """Whether the interval for all pairs at once excludes 0."""
        return self.corrected_low > 0 or self.corrected_high < 0

    def reversed(self) -> Difference:
        """Return the same difference, second minus first."""
        return dataclasses.replace(
            self,
            first=self.second,
            second=self.first,
            accuracy=-self.accuracy,
            low=-self.high,
            high=-self.low,
            first_only=self.second_only,
            second_only=self.first_only,
            auroc=-self.auroc,
            auroc_low=-self.auroc_high,
            auroc_high=-self.auroc_low,
            corrected_low=-self.corrected_high,
            corrected_high=-self.corrected_low,
        )

    def sentence(self) -> str:
        """State which scorer is better and by how much, or that the difference is not significant and what is missing.

        Interval and p-value are both those for all pairs at once, and the sentence says so where there are several.

        Example:
            >>> import numpy as np
            >>> from gnnmax import compare_scores
            >>> label = np.arange(400) % 2 == 0
            >>> scores = {"mine": label - 0.5, "base": label * (np.arange(400) < 300) - 0.5}
            >>> table = compare_scores(scores, label, graph=np.arange(400) // 10)
            >>> table.pairs[0].sentence()
            'mine beats base by 12.5 points [5.5, 19.5], p = 0.00087'
        """
        d = self if self.accuracy >= 0 else self.reversed()
        points = f"{100 * d.accuracy:.1f} points [{100 * d.corrected_low:.1f}, {100 * d.corrected_high:.1f}]"
        found = f"{points}, p = {d.corrected_p_value:.2g}"
        if d.pairs > 1:
            found = f"{found} (both for all {d.pairs} pairs at once)"
        if d.is_significant:
            return f"{d.first} beats {d.second} by {found}"
        said = f"no significant difference between {d.first} and {d.second}: {found}"
        if d.additional_graphs:
            return f"{said}; needs about {d.additional_graphs:,} more graphs"
        return f"{said}; needs more seeds, not only more graphs" if d.seeds > 1 and d.accuracy > 0 else said


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(EqualByContent, Shown):
    """Several scorers evaluated on the same windows.

    Attributes:
        verdicts: By name, in the order given.
        pairs: One difference for each pair of names, in the order given.
    """

    verdicts: dict[str, Verdict]
    pairs: tuple[Difference, ...]

    def between(self, first: str, second: str) -> Difference:
        """Return the difference of two scorers, first minus second.

        Raises:
            InputError: a name that was not compared, or twice the same.
        """
        for pair in self.pairs:
            for difference in (pair, pair.reversed()):
                if (difference.first, difference.second) == (first, second):
                    return difference
        known = [f"{pair.first} and {pair.second}" for pair in self.pairs]
        raise unknown_name("pair", f"{first} and {second}", known)

    def sentences(self) -> list[str]:
        """State for each pair which scorer is better and by how much, or that the difference is not significant."""
        return [pair.sentence() for pair in self.pairs]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: JSON can hold it."""
        return {
            "verdicts": {name: verdict.to_dict() for name, verdict in self.verdicts.items()},
            "pairs": [{**dataclasses.asdict(pair), "sentence": pair.sentence()} for pair in self.pairs],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.verdicts)} on {self._title()}>"

    def __str__(self) -> str:
        alone = [f"{name}: {verdict}" for name, verdict in self.verdicts.items()]
        return "\n".join(self.sentences() or alone)

    def plot(self, *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the accuracy of every scorer with its interval.

        Args:
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.
        """
        figure, axes = axes_for(ax, 5.6, 1.0 + 0.35 * len(self.verdicts))
        values = [verdict.accuracy for verdict in self.verdicts.values()]
        found = [verdict.interval("accuracy") for verdict in self.verdicts.values()]
        ends = [interval or (value, value) for value, interval in zip(values, found, strict=True)]
        draw_intervals(axes, list(self.verdicts), values, ends, colours=COLOURS)
        confidence = next(iter(self.verdicts.values())).confidence
        axes.set(xlabel=f"accuracy, {confidence:.0%} interval", title=self._title())
        return figure, axes

    def to_pandas(self) -> Any:
        """Return a DataFrame of pandas: one row a scorer; every metric that exists, and the ends of its interval.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> import numpy as np
            >>> from gnnmax import compare_scores
            >>> table = compare_scores({"mine": np.array([1.0, -1.0])}, np.array([True, False])).to_pandas()
            >>> table.loc["mine", ["accuracy", "accuracy_high"]].tolist()
            [1.0, 1.0]
        """
        try:
            import pandas as pd
        except ImportError:
            raise InputError("to_pandas needs pandas: pip install pandas, or take to_dict()") from None
        rows = [_columns_of(verdict) for verdict in self.verdicts.values()]
        return pd.DataFrame(rows, index=pd.Index(self.verdicts, name="scorer"))

    def to_latex(self) -> str:
        r"""Return the table as LaTeX, for the package booktabs, with the sentences about differences as comments.

        Example:
            >>> import numpy as np
            >>> from gnnmax import compare_scores
            >>> table = compare_scores({"my_net": np.array([1.0, -1.0])}, np.array([True, False]))
            >>> print(table.to_latex().splitlines()[5])
            my\_net & 1.0000 & {[}0.2236, 1.0000{]} & 1.0000 & 1.0000 &  \\
        """
        return latex_table(self._header(), self._rows(), [self._title(), *self.sentences()])

    def _header(self) -> list[str]:
        confidence = next(iter(self.verdicts.values())).confidence
        return ["scorer", "accuracy", f"{confidence:.0%} interval", *(METRICS[name].title for name in self._shown())]

    def _shown(self) -> list[str]:
        return [name for name, metric in METRICS.items() if metric.headline and name != "accuracy"]

    def _rows(self) -> list[list[str]]:
        return [
            [
                name,
                number_text(verdict.accuracy),
                interval_text(verdict.interval("accuracy")),
                *(number_text(verdict.value(metric)) for metric in self._shown()),
            ]
            for name, verdict in self.verdicts.items()
        ]

    def _title(self) -> str:
        return next(iter(self.verdicts.values())).title

    def _notes(self) -> list[str]:
        warnings = [verdict.warnings for verdict in self.verdicts.values()]
        common = [warning for warning in warnings[0] if all(warning in each for each in warnings)]
        own = [
            f"{name}: {warning}"
            for name, each in zip(self.verdicts, warnings, strict=True)
            for warning in each
            if warning not in common
        ]
        return [*self.sentences(), *common, *own]

    def tables(self) -> list[TableText]:
        """Return the table of the scorers, with a sentence for each pair."""
        return [TableText(self._title(), self._header(), self._rows(), self._notes())]


def _columns_of(verdict: Verdict) -> dict[str, float]:
    """Return the metrics of a verdict and the ends of their intervals, side by side."""
    columns: dict[str, float] = {}
    for name in METRICS:
        value, ends = verdict.value(name), verdict.interval(name)
        if value is not None:
            columns[name] = value
        if ends is not None:
            columns[f"{name}_low"], columns[f"{name}_high"] = ends
    return columns
