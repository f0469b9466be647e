"""Charts of a run, as SVG that takes the colours of the page's text."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from gnnmax.evaluation.verdict import Verdict
from gnnmax.experiments.reproduction.answer import OrderVerdicts
from gnnmax.experiments.results import SplitResult
from gnnmax.task.plotting import COLOURS
from gnnmax.training.records import EvaluationRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Band",
    "accuracy_chart",
    "banded_chart",
    "canvas",
    "curve_chart",
    "learning_chart",
    "order_chart",
    "reliability_chart",
    "splits_chart",
]

MARKERS = "os^DvP"
"""Marks of the nets, in their order: a page printed in grey has no colours."""

_INK = "#010203"


class Band(NamedTuple):
    """A share with the ends of its interval."""

    value: float
    low: float
    high: float


_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gnnmax",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "legend.frameon": False,
}


def accuracy_chart(test: SplitResult, group: str, scorers: Sequence[str]) -> str:
    """Draw accuracy with its interval over the slices of a group, one colour a scorer.

    Args:
        test: With slices.
        group: Name of the slices, such as ``kind`` or ``family``.
        scorers: Names, in the order of :data:`COLOURS`.
    """
    slices = [test.verdicts[name].slices[group] for name in scorers]
    names = [f"{b.replace('_', '-')}\n{part.n:,}" for b, part in slices[0].items()]
    bands = [[Band(part.accuracy, part.low, part.high) for part in found.values()] for found in slices]
    return banded_chart(names, dict(zip(scorers, bands, strict=True)), "right, %")


def splits_chart(tests: Sequence[SplitResult], scorers: Sequence[str]) -> str:
    """Draw accuracy with its interval over the test sets of a run, one colour a scorer; one host has no interval."""
    names = [f"{test.name}\nk = {test.k}".replace("/", "/\n") for test in tests]
    found = {name: [_whole(test.verdicts[name], one_host=test.hosts == 1) for test in tests] for name in scorers}
    return banded_chart(names, found, "right, %")


def _whole(verdict: Verdict, *, one_host: bool = False) -> Band:
    low, high = (verdict.accuracy, verdict.accuracy) if one_host else verdict.intervals["accuracy"]
    return Band(verdict.accuracy, low, high)


def banded_chart(names: Sequence[str], found: Mapping[str, Sequence[Band]], label: str) -> str:
    """Draw shares in per cent with their intervals side by side, scorers shifted so that none hides another.

    Args:
        names: Of the groups, in their order.
        found: For each scorer one share for each group.
        label: Of the axis.
    """
    with canvas(5.6, 2.9) as (axes, drawn):
        for place, (name, shown) in enumerate(found.items()):
            at = [x + (place - (len(found) - 1) / 2) * min(0.16, 0.8 / len(found)) for x in range(len(names))]
            below = [100 * max(s.value - s.low, 0.0) for s in shown]
            above = [100 * max(s.high - s.value, 0.0) for s in shown]
            colour = COLOURS[place % len(COLOURS)]
            right = [100 * s.value for s in shown]
            axes.errorbar(
                at,
                right,
                yerr=[below, above],
                fmt=MARKERS[place % len(MARKERS)],
                ms=4.5,
                lw=1.2,
                color=colour,
                label=name,
            )
        turned = sum(max(map(len, name.split("\n"))) for name in names) > 62
        axes.set_xticks(
            range(len(names)), list(names), rotation=30 if turned else 0, ha="right" if turned else "center"
        )
        axes.set_ylabel(label)
        axes.grid(axis="y", lw=0.4, alpha=0.4)
        most = 4 if max(map(len, found), default=0) <= 12 else 3
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=max(1, min(most, len(found))), fontsize=9)
    return drawn[0]


def order_chart(verdicts: OrderVerdicts) -> str:
    """Draw the accuracy of each scorer where the order of the nodes is known, and beside it where it is lost."""
    names = list(verdicts["natural"])
    with canvas(7.4, 2.8) as (axes, drawn):
        for place, order in enumerate(("natural", "shuffled")):
            found = [_whole(verdicts[order][name]) for name in names]
            at = [x + (place - 0.5) * 0.36 for x in range(len(names))]
            right = [100 * part.value for part in found]
            below = [100 * (part.value - part.low) for part in found]
            above = [100 * (part.high - part.value) for part in found]
            form: dict[str, Any] = {"color": COLOURS[2]} if place == 0 else {"color": "none", "hatch": "////"}
            bars = axes.bar(at, right, 0.34, yerr=[below, above], edgecolor=COLOURS[2], ecolor=_INK, **form)
            bars.set_label("the order of the nodes is known" if place == 0 else "the order is lost")
            axes.bar_label(bars, [f"{share:.1f}" for share in right], padding=2, fontsize=9)
        axes.set_xticks(range(len(names)), [textwrap.fill(name, 17) for name in names])
        axes.set(ylim=(50, 104), ylabel="right, %")
        axes.grid(axis="y", lw=0.4, alpha=0.4)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return drawn[0]


def curve_chart(test: SplitResult, scorers: Sequence[str], *, precision: bool = False) -> str:
    """Draw the ROC curves of scorers, or their precision over recall."""
    with canvas(3.6, 3.2) as (axes, drawn):
        for place, name in enumerate(scorers):
            curve, verdict = test.curves[name], test.verdicts[name]
            x, y = (curve.recall, curve.precision) if precision else (curve.false_positive_rate, curve.recall)
            area = verdict.average_precision if precision else verdict.auroc
            label = f"{name} {area:.3f}"
            axes.plot(x, y, lw=1.4, color=COLOURS[place % len(COLOURS)], label=label)
        _unit_square(axes, "recall" if precision else "false positive rate", "precision" if precision else "recall")
        axes.legend(loc="lower left" if precision else "lower right", fontsize=9)
    return drawn[0]


def reliability_chart(test: SplitResult, scorers: Sequence[str]) -> str:
    """Draw the observed share of centred windows over the stated probability; a larger dot is more windows."""
    with canvas(3.6, 3.2) as (axes, drawn):
        axes.plot([0, 1], [0, 1], lw=0.8, ls="--", color=_INK, alpha=0.5)
        for place, name in enumerate(scorers):
            found = test.verdicts[name].reliability
            if found is None:
                continue
            known = [
                (stated, observed, 4 + 120 * count / test.windows)
                for stated, observed, count in zip(found.stated, found.observed, found.count, strict=True)
                if stated is not None and observed is not None
            ]
            stated, observed, sizes = zip(*known, strict=True)
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(stated, observed, lw=1, color=colour, alpha=0.6)
            axes.scatter(stated, observed, s=sizes, color=colour, label=name)
        _unit_square(axes, "stated probability", "observed share")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", fontsize=9)
    return drawn[0]


def _unit_square(axes: Axes, across: str, up: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=across, ylabel=up)
    axes.grid(lw=0.4, alpha=0.4)


def learning_chart(histories: Mapping[str, Sequence[Sequence[EvaluationRecord]]]) -> str:
    """Draw validation log loss over steps, one line a net and seed.

    Args:
        histories: For each net the evaluations of each of its seeds.
    """
    with canvas(5.6, 2.9) as (axes, drawn):
        for place, (name, seeds) in enumerate(histories.items()):
            for number, history in enumerate(seeds):
                steps, losses = [record["step"] for record in history], [record["loss"] for record in history]
                label = None if number else name
                axes.plot(steps, losses, "-o", ms=2.5, lw=1.2, color=COLOURS[place % len(COLOURS)], label=label)
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.set_ylabel("validation log loss, nats")
        axes.grid(axis="y", lw=0.4, alpha=0.4)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    return drawn[0]


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Axes, list[str]]]:
    """Yield axes to draw on, for a page; the list holds the finished ``<svg>`` element after the block."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    drawn: list[str] = []
    with rc_context(_STYLE):
        figure: Any = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        yield axes, drawn
        file = io.StringIO()
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    drawn.append(re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL))
