"""What the evaluator answers: figures with intervals, as data, as JSON, as a table."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import unknown_name

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Comparison", "Difference", "Interval", "Offsets", "Slice", "Verdict"]

Interval = tuple[float, float]


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

    Attributes:
        n: Windows judged.
        n_graphs: Graphs they come from: what the intervals draw.
        positives: Windows whose label is "centred".
        threshold: "Centred" iff the score is strictly above it.
        confidence: Of the intervals.
        accuracy: Share of windows decided rightly.
        auroc: Probability that a positive scores above a negative, a tie counting one half.
        average_precision: Mean precision over the positives, tied scores taken together.
        bayes_accuracy: Accuracy of the Bayes rule on these very windows; None where nothing was added to noise.
        bayes_gap: ``bayes_accuracy - accuracy``, or None. Read it with its interval: at chance it may be negative.
        intervals: Of ``accuracy``, ``auroc``, ``average_precision`` and, where there is one, ``bayes_gap``.
        slices: ``slices["kind"][name]`` and ``slices["margin"][bin]``, bins of the absolute margin ("0" is a tie).
            Empty where only labels were given.
        offsets: The heat map; None where only labels were given.
    """

    n: int
    n_graphs: int
    positives: int
    threshold: float
    confidence: float
    accuracy: float
    auroc: float
    average_precision: float
    bayes_accuracy: float | None
    bayes_gap: float | None
    intervals: dict[str, Interval]
    slices: dict[str, dict[str, Slice]]
    offsets: Offsets | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: what JSON can hold."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain["intervals"] = {name: list(interval) for name, interval in self.intervals.items()}
        plain["slices"] = {
            group: {name: dataclasses.asdict(part) for name, part in parts.items()}
            for group, parts in self.slices.items()
        }
        plain["offsets"] = None if self.offsets is None else self.offsets.to_dict()
        return plain

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def _title(self) -> str:
        return f"{self.n} windows of {self.n_graphs} graphs, {self.positives} centred"

    def _rows(self) -> list[list[str]]:
        figures = ["accuracy", "auroc", "average_precision", "bayes_accuracy", "bayes_gap"]
        rows = [
            [name.replace("_", " "), "", _number(getattr(self, name)), _interval(self.intervals.get(name))]
            for name in figures
            if getattr(self, name) is not None
        ]
        for group, parts in self.slices.items():
            for name, part in parts.items():
                ends = _interval((part.low, part.high))
                rows.append([f"accuracy, {group} {name}", str(part.n), _number(part.accuracy), ends])
        return rows

    def __rich__(self) -> Table:
        return _rich_table(self._title(), self._header(), self._rows())

    def _repr_html_(self) -> str:
        return _html_table(self._title(), self._header(), self._rows())

    def _header(self) -> list[str]:
        return ["figure", "windows", "value", f"{self.confidence:.0%} interval"]


@dataclass(frozen=True)
class Difference:
    """How two scorers differ on the same windows, first minus second.

    Attributes:
        first: Name of the first scorer.
        second: Name of the second.
        accuracy: Difference of the accuracies.
        low: Lower end of its interval, by paired bootstrap over graphs.
        high: Upper end.
        p_value: Two-sided, sign-flip randomisation over graphs. Not corrected for the number of pairs.
        mcnemar_p_value: Exact McNemar test, which takes windows for independent.
        first_only: Windows that only the first gets right.
        second_only: Windows that only the second gets right.
        auroc: Difference of the AUROCs.
        auroc_low: Lower end of its interval.
        auroc_high: Upper end.
        confidence: Of the intervals.
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

    @property
    def told_apart(self) -> bool:
        """Whether the interval of the accuracy leaves out 0 and the p-value agrees."""
        return bool((self.low > 0 or self.high < 0) and self.p_value <= 1 - self.confidence + 1e-12)

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
        )

    def sentence(self) -> str:
        """Say which scorer is better and by how much, or that it cannot be told.

        Example:
            >>> d = Difference("cnn", "gnn", -0.021, -0.03, -0.012, 0.001, 0.0, 3, 24, -0.01, -0.02, -0.005, 0.95)
            >>> d.sentence()
            'gnn beats cnn by 2.1 points [1.2, 3.0]'
        """
        d = self if self.accuracy >= 0 else self.reversed()
        interval = f"{100 * d.accuracy:.1f} points [{100 * d.low:.1f}, {100 * d.high:.1f}]"
        if d.told_apart:
            return f"{d.first} beats {d.second} by {interval}"
        return f"cannot tell {d.first} from {d.second}: {interval}, p = {d.p_value:.2g}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several scorers judged on the same windows.

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
        """Say for each pair which scorer is better and by how much, or that it cannot be told."""
        return [pair.sentence() for pair in self.pairs]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: what JSON can hold."""
        return {
            "verdicts": {name: verdict.to_dict() for name, verdict in self.verdicts.items()},
            "pairs": [{**dataclasses.asdict(pair), "sentence": pair.sentence()} for pair in self.pairs],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def _header(self) -> list[str]:
        confidence = next(iter(self.verdicts.values())).confidence
        return ["scorer", "accuracy", f"{confidence:.0%} interval", "AUROC", "average precision", "Bayes gap"]

    def _rows(self) -> list[list[str]]:
        return [
            [
                name,
                _number(v.accuracy),
                _interval(v.intervals["accuracy"]),
                _number(v.auroc),
                _number(v.average_precision),
                _number(v.bayes_gap),
            ]
            for name, v in self.verdicts.items()
        ]

    def _title(self) -> str:
        return next(iter(self.verdicts.values()))._title()

    def __rich__(self) -> Table:
        return _rich_table(self._title(), self._header(), self._rows(), self.sentences())

    def _repr_html_(self) -> str:
        return _html_table(self._title(), self._header(), self._rows(), self.sentences())


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"[{interval[0]:.4f}, {interval[1]:.4f}]"


def _rich_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> Table:
    from rich.table import Table
    from rich.text import Text

    # Text, not str: a scorer's name may hold square brackets, which rich reads as markup.
    caption = Text("\n".join(notes))
    table = Table(title=Text(title), caption=caption if caption else None, caption_justify="left")
    for place, name in enumerate(header):
        table.add_column(Text(name), justify="right" if place else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _html_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head, body = line(header, "th"), "".join(line(row, "td") for row in rows)
    below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return f"<table><caption>{html.escape(title)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>{below}"
