"""Charts of a run, as SVG that takes the colours of the page's text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gnnmax.results import Results, TestRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "accuracy_chart", "learning_chart"]

COLOURS = ("#d9480f", "#7c5cd6", "#0f9d8a", "#c2255c", "#1971c2", "#5c940d")
"""Of the nets, in their order; readable on light and dark."""

_INK = "#010203"
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


def accuracy_chart(test: TestRecord, group: str, scorers: Sequence[str]) -> str:
    """Draw accuracy with its interval over the slices of a group, one colour a scorer.

    Args:
        test: With slices.
        group: ``kind`` or ``margin``.
        scorers: Names, in the order of :data:`COLOURS`.
    """
    slices = [test.verdicts[name].slices[group] for name in scorers]
    bins, seeds = list(slices[0]), len(test.seeds[scorers[0]])
    with _canvas(5.6, 2.9) as (axes, drawn):
        for place, (name, found) in enumerate(zip(scorers, slices, strict=True)):
            shift = (place - (len(scorers) - 1) / 2) * 0.16
            at = [x + shift for x in range(len(bins))]
            shown = [found[b] for b in bins]
            below = [100 * max(s.accuracy - s.low, 0.0) for s in shown]
            above = [100 * max(s.high - s.accuracy, 0.0) for s in shown]
            colour = COLOURS[place % len(COLOURS)]
            right = [100 * s.accuracy for s in shown]
            axes.errorbar(at, right, yerr=[below, above], fmt="o", ms=4.5, lw=1.2, color=colour, label=name)
        axes.set_xticks(range(len(bins)), [f"{b.replace('_', '-')}\n{slices[0][b].n // seeds:,}" for b in bins])
        axes.set_ylabel("right, %")
        axes.grid(axis="y", lw=0.4, alpha=0.4)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(scorers))
    return drawn[0]


def learning_chart(results: Results) -> str:
    """Draw validation log loss over steps, one line a net and seed."""
    with _canvas(5.6, 2.9) as (axes, drawn):
        for place, model in enumerate(results.models):
            for run in model.runs:
                steps, losses = ([record[key] for record in run.history] for key in ("step", "loss"))
                label = model.name if run is model.runs[0] else None
                axes.plot(steps, losses, "-o", ms=2.5, lw=1.2, color=COLOURS[place % len(COLOURS)], label=label)
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.set_ylabel("validation log loss, nats")
        axes.grid(axis="y", lw=0.4, alpha=0.4)
        axes.legend()
    return drawn[0]


@contextmanager
def _canvas(width: float, height: float) -> Iterator[tuple[Axes, list[str]]]:
    """Give axes to draw on; the list holds the finished ``<svg>`` element after the block."""
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
