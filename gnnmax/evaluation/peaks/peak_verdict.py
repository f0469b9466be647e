"""The verdict on calls: metrics with intervals, slices and the FROC curve, as data, as a table, as a picture."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from gnnmax.errors import unknown_name
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.io.json_text import made_from_json
from gnnmax.task.equality import EqualByContent
from gnnmax.task.plotting import COLOURS, axes_for, draw_intervals
from gnnmax.task.tabulation import Shown, TableText, data_frame, interval_text, number_text

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PeakCurve", "PeakSlice", "PeakVerdict", "peak_curve"]

Interval = tuple[float, float]
POINTS = 121


@dataclass(frozen=True)
class PeakSlice:
    """The recall on some of the peaks.

    Attributes:
        n: Peaks in the slice.
        recall: Share of them that are matched.
        low: Lower end of its interval, over maps.
        high: Upper end.
    """

    n: int
    recall: float
    low: float
    high: float


@dataclass(frozen=True)
class PeakCurve:
    """The curve over thresholds, from the highest down; each tuple has one entry a point, the first calls nothing.

    At every point as many peaks are found as the largest matching of the calls so far has, so recall never falls.

    Attributes:
        threshold: Score of the last call that is in; None at the first point.
        false_calls: False calls a map.
        recall: Share of the peaks that are found.
        precision: Share of the calls that find a peak; 1 where nothing is called.
    """

    threshold: tuple[float | None, ...]
    false_calls: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


def peak_curve(scores: npt.NDArray[np.float64], hit: npt.NDArray[np.bool_], *, peaks: int, maps: int) -> PeakCurve:
    """Return the curve of FROC and of precision against recall, at most about 121 points, both ends included.

    Example:
        >>> peak_curve(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]), peaks=2, maps=1).recall
        (0.0, 0.5, 0.5, 1.0)
    """
    levels, level = np.unique(scores, return_inverse=True)
    found, false = (
        np.concatenate([[0], np.cumsum(np.bincount(level[mask], minlength=len(levels))[::-1])]) for mask in (hit, ~hit)
    )
    along = found / max(found[-1], 1) + false / max(false[-1], 1)
    chosen = np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS) - 1e-12))
    chosen[-1] = len(along) - 1
    precision = np.where(found + false > 0, found / np.maximum(found + false, 1), 1.0)
    threshold = [None, *levels[::-1].tolist()]
    return PeakCurve(
        tuple(threshold[at] for at in chosen),
        *(tuple(curve[chosen].tolist()) for curve in (false / maps, found / peaks, precision)),
    )


@dataclass(frozen=True, eq=False, repr=False)
class PeakVerdict(EqualByContent, Shown):
    """How well the calls of one caller find the peaks.

    Each metric of :data:`gnnmax.evaluation.peaks.peak_metrics.PEAK_METRICS` is an attribute: ``verdict.recall``; None
    where it does not exist, and then ``reasons`` says why. For a caller with several seeds every metric is the mean.

    Attributes:
        n_maps: Maps, those without peaks included: the units of the intervals.
        n_peaks: Peaks.
        n_calls: Calls; mean over the seeds, if there are several.
        tolerance: Largest distance of a matched call.
        distance: Metric and unit of the distance, such as ``chebyshev, places``.
        symmetric: Whether (i, j) and (j, i) are one place.
        threshold: Calls with a score above it count; None counts all.
        fdr: Of ``recall_at_fdr``.
        confidence: Of the intervals.
        metrics: By name, in the order of the table of metrics.
        intervals: Of every metric that has one.
        reasons: Why a metric does not exist, by its name.
        ceilings: Best possible values, by metric, as given.
        slices: ``slices["amplitude"][bin]``; ``diagonal``, ``n``, and the caller's groups.
        curve: The FROC curve, of the first seed; None without scores.
        by_seed: Every metric that exists, seed by seed.
        warnings: What to mind in reading the verdict, one sentence each.
    """

    n_maps: int
    n_peaks: int
    n_calls: float
    tolerance: float
    distance: str
    symmetric: bool
    threshold: float | None
    fdr: float
    confidence: float
    metrics: dict[str, float | None]
    intervals: dict[str, Interval]
    reasons: dict[str, str]
    ceilings: dict[str, float]
    slices: dict[str, dict[str, PeakSlice]]
    curve: PeakCurve | None
    by_seed: dict[str, tuple[float, ...]]
    warnings: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        if name in PEAK_METRICS:
            return self.__dict__.get("metrics", {}).get(name)
        raise AttributeError(f"a peak verdict has no {name!r}: its metrics are {', '.join(PEAK_METRICS)}")

    @property
    def gaps(self) -> dict[str, float]:
        """Ceiling less value, by metric, for each ceiling that was given and each metric that exists."""
        known = {name: self.metrics.get(name) for name in self.ceilings}
        return {name: self.ceilings[name] - value for name, value in known.items() if value is not None}

    @property
    def title(self) -> str:
        """What was evaluated, in words."""
        unit = "places" if self.distance.endswith("places") else "hops"
        return f"{self.n_calls:g} calls, {self.n_peaks} peaks of {self.n_maps} maps, within {self.tolerance:g} {unit}"

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics.items() if value is not None)
        return f"<PeakVerdict on {self.title}: {found}>"

    def __str__(self) -> str:
        found = [
            f"{PEAK_METRICS[name].title} {self.metrics[name]:.4f} {interval_text(self.intervals.get(name))}".strip()
            for name in ("precision", "recall", "average_precision")
            if self.metrics.get(name) is not None
        ]
        return f"{', '.join(found)} ({self.title})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, nothing NaN or infinite: JSON can hold it.

        The metrics stand side by side with the other fields.
        """
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain |= plain.pop("metrics")
        plain["slices"] = {
            group: {name: dataclasses.asdict(part) for name, part in parts.items()}
            for group, parts in self.slices.items()
        }
        plain["curve"] = None if self.curve is None else {k: list(v) for k, v in dataclasses.asdict(self.curve).items()}
        for name in ("intervals", "by_seed"):
            plain[name] = {key: list(value) for key, value in plain[name].items()}
        plain["warnings"] = list(self.warnings)
        plain["gaps"] = self.gaps
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> PeakVerdict:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValidationError: of msgspec, which names the field that is missing or wrong.
        """
        own = {field.name for field in dataclasses.fields(cls)} | {"gaps"}
        metrics = {name: value for name, value in plain.items() if name not in own}
        unknown = sorted(metrics.keys() ^ PEAK_METRICS.keys())
        if unknown:
            raise msgspec.ValidationError(f"the metrics are others: {', '.join(map(str, unknown))[:80]}")
        return msgspec.convert({**plain, "metrics": metrics}, cls)

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> PeakVerdict:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: no JSON, or not that of a peak verdict.

        Example:
            >>> from gnnmax import evaluate_peaks
            >>> verdict = evaluate_peaks(np.array([[0, 3, 4]]), np.array([[0, 3, 5]]))
            >>> PeakVerdict.from_json(verdict.to_json()).recall
            1.0
        """
        return made_from_json(text, cls.from_dict, "peak verdict")

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame: one row a metric, with the ends of its interval, or the reason why it does not exist.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> from gnnmax import evaluate_peaks
            >>> evaluate_peaks(np.array([[0, 3, 4]]), np.array([[0, 3, 5]])).to_pandas().loc["recall", "value"]
            np.float64(1.0)
        """
        ends = [self.intervals.get(name, (np.nan, np.nan)) for name in self.metrics]
        frame = data_frame(
            {
                "metric": list(self.metrics),
                "value": [np.nan if value is None else value for value in self.metrics.values()],
                "low": [low for low, _ in ends],
                "high": [high for _, high in ends],
                "reason": [self.reasons.get(name, "") for name in self.metrics],
            }
        )
        return frame.set_index("metric")

    def tables(self) -> list[TableText]:
        """Return the table of metrics, then of slices."""
        rows = []
        for name, metric in PEAK_METRICS.items():
            value = self.metrics.get(name)
            shown = self.reasons.get(name, "") if value is None else interval_text(self.intervals.get(name))
            rows.append([metric.title, "", number_text(value), shown])
        rows += [[f"{PEAK_METRICS[name].title}, ceiling", "", number_text(v), ""] for name, v in self.ceilings.items()]
        rows += [[f"{PEAK_METRICS[name].title}, gap", "", number_text(v), ""] for name, v in self.gaps.items()]
        for group, parts in self.slices.items():
            rows += [
                [f"recall, {group} {name}", str(p.n), number_text(p.recall), interval_text((p.low, p.high))]
                for name, p in parts.items()
            ]
        header = ["metric", "peaks", "value", f"{self.confidence:.0%} interval"]
        return [TableText(self.title, header, rows, self.warnings)]

    def plot(self, what: str = "froc", *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the FROC curve, or the recall on the slices of a group.

        Args:
            what: ``froc``, or the name of slices, such as ``amplitude``.
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.

        Raises:
            InputError: an unknown picture.

        Example:
            >>> from gnnmax import evaluate_peaks
            >>> figure, axes = evaluate_peaks(np.array([[0, 3, 4, 0.9]]), np.array([[0, 3, 5]])).plot()
            >>> axes.get_xlabel()
            'false calls a map'
        """
        if what != "froc" and what not in self.slices:
            raise unknown_name("picture", str(what), ["froc", *self.slices])
        figure, axes = axes_for(ax, 5.6, 3.6)
        if what == "froc":
            draw_froc(axes, {"": self})
        else:
            parts = self.slices[what]
            names = [f"{name} ({part.n})" for name, part in parts.items()]
            ends = [(part.low, part.high) for part in parts.values()]
            draw_intervals(axes, names, [part.recall for part in parts.values()], ends)
            axes.set(xlabel=f"recall, {self.confidence:.0%} interval", ylabel=f"{what} (peaks)", xlim=(-0.02, 1.02))
        axes.set_title(self.title, fontsize="medium")
        return figure, axes


def draw_froc(axes: Axes, verdicts: Mapping[str, PeakVerdict]) -> None:
    """Draw recall against false calls a map: a curve for calls with scores, a point for the calls that count."""
    for place, (name, verdict) in enumerate(verdicts.items()):
        colour = COLOURS[place % len(COLOURS)]
        if verdict.curve is not None:
            axes.plot(
                verdict.curve.false_calls,
                verdict.curve.recall,
                drawstyle="steps-post",
                color=colour,
                label=name or None,
            )
        label = name if name and verdict.curve is None else None
        axes.plot([verdict.false_calls], [verdict.recall], "o", color=colour, ms=5, label=label)
    axes.set_xscale("symlog", linthresh=0.125)
    axes.set(xlabel="false calls a map", ylabel="recall", ylim=(-0.02, 1.02))
    axes.set_xlim(left=0)
    axes.grid(lw=0.4, alpha=0.5)
    if any(verdicts):
        axes.legend(fontsize="small")
