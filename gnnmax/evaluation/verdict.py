"""Verdict: the evaluator's answer about one scorer, metrics with intervals, as data, as JSON and as a table."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from gnnmax.evaluation.calibration import Reliability, Scale
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.metrics import METRICS
from gnnmax.io.json_text import made_from_json
from gnnmax.task.equality import EqualByContent
from gnnmax.task.plotting import axes_for, draw_intervals
from gnnmax.task.tabulation import Shown, TableText, interval_text, number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Interval", "Offsets", "Slice", "Verdict"]

Interval = tuple[float, float]
Count = Annotated[int, Meta(ge=0, le=2**53)]


@dataclass(frozen=True)
class Slice:
    """The accuracy on some of the windows.

    Attributes:
        n: Windows in the slice.
        accuracy: Share decided correctly.
        low: Lower end of the accuracy's interval, over graphs.
        high: Upper end.
        flagged: Share called centred.
    """

    n: Count
    accuracy: float
    low: float
    high: float
    flagged: float


@dataclass(frozen=True, eq=False)
class Offsets(EqualByContent):
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

    @classmethod
    def from_dict(cls, plain: Any) -> Offsets:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValidationError: of msgspec, where it is something else.

        Example:
            >>> Offsets.from_dict({"flagged": [[0.5, None]], "count": [[2, 0]]}).flagged
            array([[0.5, nan]])
        """
        stored = msgspec.convert(plain, _StoredOffsets)
        sides = {len(row) for rows in (stored.flagged, stored.count) for row in rows}
        if len(sides) != 1 or len(stored.flagged) != len(stored.count):
            raise msgspec.ValidationError("offsets must be two tables of the same shape, flagged and count")
        return cls(np.array(stored.flagged, np.float64), np.array(stored.count, np.int64))


class _StoredOffsets(msgspec.Struct, forbid_unknown_fields=True):
    flagged: list[list[Annotated[float, Meta(ge=0, le=1)] | None]]
    count: list[list[Count]]


class Verdict(EqualByContent, Shown):
    """The evaluator's answer about one scorer on one set of windows.

    Each metric of :data:`gnnmax.evaluation.metrics.METRICS` is an attribute: ``verdict.accuracy``, ``verdict.auroc``;
    None where it does not exist. The metrics of whole graphs are those of ``localisation``. For a scorer with several
    seeds every metric is the mean over its seeds, and the intervals are for that mean. A verdict cannot be changed.

    Attributes:
        n: Windows evaluated.
        n_graphs: Graphs they come from, the units of the intervals.
        positives: Windows whose label is "centred".
        threshold: "Centred" iff the score is strictly above it.
        confidence: Of the intervals.
        metrics: By name, in the order of the table of metrics.
        natural_prevalence: Share of centred windows among those around any edge, if every edge of a window is its
            largest equally often: the mean of one over its number of edges, ``1 / k**2`` where every entry is an edge.
            None without windows.
        scale: Of the scores, where it was declared.
        reliability: The reliability diagram, of the first seed; None without a scale.
        bayes_accuracy: Accuracy of the Bayes rule on these very windows; None where nothing was added to noise.
        ceiling: Its accuracy over all windows of the distribution; None where there is no single amplitude.
        intervals: Of every metric that exists.
        slices: ``slices["kind"][name]``; ``slices["margin"][bin]``, bins of the absolute margin ("0" is a tie);
            ``slices["margin_decile"]["1"]``, the closest calls, to ``"10"``; ``slices["offset"][distance]``; and the
            caller's groups. Empty where only labels were given.
        offsets: The heat map; None where only labels were given.
        localisation: Metrics of whole graphs; None where each window is a graph of its own.
        by_seed: Every metric that exists, seed by seed.
        warnings: What to mind in reading the verdict, one sentence each: where no interval says anything about other
            graphs, and where the scores look as if they were on another scale.
    """

    # No dataclass: msgspec would write its fields as they are, and results.json holds to_dict(), metrics side by side.
    n: Count
    n_graphs: Count
    positives: Count
    threshold: float
    confidence: float
    metrics: dict[str, float | None]
    natural_prevalence: float | None
    scale: Scale | None
    reliability: Reliability | None
    bayes_accuracy: float | None
    ceiling: float | None
    intervals: dict[str, Interval]
    slices: dict[str, dict[str, Slice]]
    offsets: Offsets | None
    localisation: Localisation | None
    by_seed: dict[str, tuple[float | None, ...]]
    warnings: tuple[str, ...]

    def __init__(self, **fields: Any) -> None:
        if fields.keys() != self.__annotations__.keys():
            differing = ", ".join(sorted(fields.keys() ^ self.__annotations__.keys()))
            raise TypeError(f"a verdict takes each of its fields once: {differing}")
        vars(self).update(fields)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a verdict cannot be changed: {name!r} cannot be set")

    def __getattr__(self, name: str) -> Any:
        if name in METRICS and not METRICS[name].localises:
            return vars(self).get("metrics", {}).get(name)
        raise AttributeError(f"a verdict has no {name!r}: expected a field, or one of the metrics {', '.join(METRICS)}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.metrics})

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {self.metrics[name]:.4f}" for name in self.metrics if self.metrics[name] is not None)
        return f"<Verdict on {self.title}: {found}>"

    def __str__(self) -> str:
        ends = interval_text(self.interval("accuracy"))
        auroc = "" if self.value("auroc") is None else f", AUROC {self.value('auroc'):.4f}"
        return f"accuracy {self.accuracy:.4f} {ends}{auroc} on {self.title}"

    @property
    def title(self) -> str:
        """The windows that were evaluated, in words."""
        return f"{self.n} windows of {self.n_graphs} graphs, {self.positives} centred"

    def value(self, metric: str) -> float | None:
        """Return a metric by its name, one of whole graphs too; None where it does not exist."""
        if METRICS[metric].localises:
            return None if self.localisation is None else self.localisation.metrics.get(metric)
        return self.metrics.get(metric)

    def interval(self, metric: str) -> Interval | None:
        """Return the interval of a metric by its name, of one of whole graphs too; None where it does not exist."""
        if METRICS[metric].localises:
            return None if self.localisation is None else self.localisation.intervals.get(metric)
        return self.intervals.get(metric)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: JSON can hold it.

        The metrics stand side by side with the other fields.
        """
        plain = {name: value for name, value in vars(self).items() if name != "metrics"}
        plain |= self.metrics
        plain["intervals"] = _listed(self.intervals)
        plain["slices"] = {
            group: {name: dataclasses.asdict(part) for name, part in parts.items()}
            for group, parts in self.slices.items()
        }
        plain["offsets"] = None if self.offsets is None else self.offsets.to_dict()
        plain["by_seed"] = _listed(self.by_seed)
        plain["warnings"] = list(self.warnings)
        if self.reliability is not None:
            plain["reliability"] = _listed(dataclasses.asdict(self.reliability))
        plain["localisation"] = None if self.localisation is None else self.localisation.to_dict()
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Verdict:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValidationError: of msgspec, which names the field that is missing or wrong.

        Example:
            >>> from gnnmax import evaluate
            >>> verdict = evaluate(np.array([1.0, -1.0, 2.0]), np.array([True, False, False]))
            >>> Verdict.from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()
            True
        """
        kinds = _kinds()
        metrics = {name: value for name, value in plain.items() if name not in kinds}
        if metrics.get("accuracy") is None:
            raise msgspec.ValidationError("a verdict without an accuracy")
        readers = {"offsets": Offsets.from_dict, "localisation": Localisation.from_dict}
        fields = {}
        for name, kind in kinds.items():
            value = {"warnings": (), **plain, "metrics": metrics}.get(name)
            if name in readers and value is not None:
                fields[name] = readers[name](value)
            else:
                fields[name] = msgspec.convert(value, kind)
        return cls(**fields)

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Verdict:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: no JSON, or not that of a verdict.

        Example:
            >>> Verdict.from_json("{}")
            Traceback (most recent call last):
            ...
            gnnmax.errors.InputError: this JSON holds no verdict: a verdict without an accuracy; give what ...
        """
        return made_from_json(text, cls.from_dict, "verdict")

    def _rows(self) -> list[list[str]]:
        graphs = "" if self.localisation is None else str(self.localisation.graphs)
        rows = [
            [
                f"by graph, {metric.title}" if metric.localises else metric.title,
                graphs if metric.localises else "",
                number_text(self.value(name)),
                interval_text(self.interval(name)),
            ]
            for name, metric in METRICS.items()
            if self.value(name) is not None
        ]
        references = {"accuracy of the Bayes rule": self.bayes_accuracy, "ceiling": self.ceiling}
        rows += [[title, "", number_text(value), ""] for title, value in references.items() if value is not None]
        for group, parts in self.slices.items():
            for name, part in parts.items():
                ends = interval_text((part.low, part.high))
                words = f"accuracy, {group.replace('_', ' ')} {name}"
                rows.append([words, str(part.n), number_text(part.accuracy), ends])
        return rows

    def tables(self) -> list[TableText]:
        """Return the table of the metrics and of the accuracy on each slice."""
        header = ["metric", "windows", "value", f"{self.confidence:.0%} interval"]
        return [TableText(self.title, header, self._rows(), self.warnings)]

    def plot(self, *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the headline metrics with their intervals.

        Args:
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.

        Example:
            >>> from gnnmax import evaluate
            >>> figure, axes = evaluate(np.array([1.0, -1.0, 2.0]), np.array([True, False, False])).plot()
            >>> axes.get_yticklabels()[0].get_text()
            'accuracy'
        """
        known = [name for name, metric in METRICS.items() if metric.headline and self.value(name) is not None]
        values = [float(self.value(name) or 0.0) for name in known]
        ends = [self.interval(name) or (value, value) for name, value in zip(known, values, strict=True)]
        figure, axes = axes_for(ax, 5.6, 0.9 + 0.35 * len(known))
        draw_intervals(axes, [METRICS[name].title for name in known], values, ends)
        axes.set(xlabel=f"value, {self.confidence:.0%} interval", title=self.title)
        return figure, axes


@cache
def _kinds() -> dict[str, Any]:
    """Return the types of the fields of a verdict, with their ranges."""
    return get_type_hints(Verdict, include_extras=True)


def _listed(tuples: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in tuples.items()}
