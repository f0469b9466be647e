"""The figure of the worth of the order: strengths at which half of a block is found, and the borders of theorems."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnnmax.task.blocks import state_evolution
from gnnmax.task.plotting import COLOURS, axes_for, grid_of_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gnnmax.experiments.reproduction.outcome import Figure as Value

__all__ = ["OverlapCurves", "draw_order"]

NAMES = {
    "degrees": ("degrees", COLOURS[0], "o"),
    "eigenvector": ("leading eigenvector", COLOURS[1], "o"),
    "refined_eigenvector": ("leading eigenvector, then votes", COLOURS[5], "o"),
    "amp": ("message passing", COLOURS[2], "o"),
    "scan": ("scan, order known", COLOURS[3], "o"),
    "gat": ("net gat", "#868e96", "v"),
    "graph-transformer": ("net graph-transformer", "#868e96", "^"),
    "spectral": ("net spectral", COLOURS[1], "s"),
    "gin": ("net gin", COLOURS[4], "s"),
    "map-product": ("net map-product", COLOURS[4], "D"),
    "unrolled-amp": ("net unrolled-amp", COLOURS[2], "s"),
    "box-net": ("net box-net, order known", COLOURS[3], "s"),
    "diagonal-cnn": ("net diagonal-cnn, order known", COLOURS[3], "D"),
}
"""Label, colour and marker of each scorer; circles are rules, others trained nets."""

LINES = {"eigenvector": "1", "amp": "1/e", "scan": "4 ln n / n"}


@dataclass(frozen=True)
class OverlapCurves:
    """Mean overlaps at one size.

    Attributes:
        n: Number of nodes.
        nodes: Number of those in the block.
        means: Mean overlap by scorer and strength.
    """

    n: int
    nodes: int
    means: Mapping[str, Mapping[float, float]]


def draw_order(
    rows: Sequence[dict[str, Value]], ax: Any = None, *, curves: OverlapCurves | None = None
) -> tuple[Figure, Axes]:
    """Draw the 50 % point of each scorer against n with its interval, and the borders of the theorems as lines.

    Args:
        rows: Rows of the table ``order``.
        ax: Axes of matplotlib to draw on; None draws a new figure.
        curves: Overlaps by strength, drawn beside them in a new figure; None draws none.

    Returns:
        The figure, and the axes with the 50 % points.

    Example:
        >>> row = {"n": 1000, "scorer": "amp", "border": 0.37, "50 % point": 0.45, "from": 0.4, "to": 0.5}
        >>> draw_order([row])[1].get_xlabel()
        'nodes n'
    """
    beside: Axes | None = None
    if ax is None and curves is not None:
        figure, (axes, beside) = grid_of_axes(2, 4.8)
        draw_overlaps(curves, beside)
    else:
        figure, axes = axes_for(ax, 6.4, 4.6)
    sizes = np.array(sorted({int(row["n"]) for row in rows}), dtype=np.float64)
    span = np.geomspace(sizes.min() / 1.5, sizes.max() * 1.5, 100)
    place = {name: 1 + 0.03 * (index - len(NAMES) / 2) for index, name in enumerate(NAMES)}
    for name, (label, colour, marker) in NAMES.items():
        own = [row for row in rows if row["scorer"] == name]
        if not own:
            continue
        n, point, low, high = (np.array([float(row[key]) for row in own]) for key in ("n", "50 % point", "from", "to"))
        filled = colour if marker == "o" else "none"
        bars = np.maximum([point - low, high - point], 0.0)
        axes.errorbar(
            n * place[name], point, bars, fmt=marker, color=colour, markerfacecolor=filled, capsize=2, label=label
        )
        if name in LINES:
            _draw_border(axes, span, name, colour)
    axes.set_xscale("log")
    axes.set_xlim(span[0], span[-1])
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{int(n):,}" for n in sizes])
    axes.minorticks_off()
    axes.set_xlabel("nodes n")
    axes.set_ylabel("signal strength at which half is found")
    if beside is None:
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(0.0, 0.42))
    else:
        both = {}
        for one in (axes, beside):
            both.update({label: handle for handle, label in zip(*one.get_legend_handles_labels(), strict=True)})
        figure.legend(both.values(), both.keys(), frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    return figure, axes


def _draw_border(axes: Axes, span: npt.NDArray[np.float64], name: str, colour: str) -> None:
    border = {"eigenvector": np.ones(100), "amp": np.full(100, 1 / math.e), "scan": 4 * np.log(span) / span}[name]
    axes.plot(span, border, color=colour, linewidth=1)
    axes.annotate(
        LINES[name],
        (span[-1], border[-1]),
        xytext=(4, 0),
        textcoords="offset points",
        color=colour,
        va="center",
        fontsize=9,
    )


def draw_overlaps(curves: OverlapCurves, ax: Any = None) -> tuple[Figure, Axes]:
    """Draw the mean overlap of each scorer against the strength, and state evolution as a curve.

    Args:
        curves: The overlaps.
        ax: Axes of matplotlib to draw on; None draws a new figure.

    Example:
        >>> draw_overlaps(OverlapCurves(400, 20, {"amp": {0.3: 0.1, 0.6: 0.9}}))[1].get_xlabel()
        'signal strength'
    """
    figure, axes = axes_for(ax, 4.8, 4.6)
    span = np.geomspace(0.1, 4.0, 120)
    predicted = [state_evolution(float(each), curves.nodes / curves.n, 300)[-1] for each in span]
    axes.plot(span, predicted, color="black", linewidth=1, linestyle="--", label="state evolution, n to infinity")
    for name, (label, colour, marker) in NAMES.items():
        if name in curves.means:
            strengths, means = (np.array(each) for each in zip(*sorted(curves.means[name].items()), strict=True))
            filled = colour if marker == "o" else "none"
            axes.plot(
                *(strengths, means),
                color=colour,
                marker=marker,
                markerfacecolor=filled,
                markersize=3.5,
                linewidth=0.8,
                label=label,
            )
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.02)
    axes.set_title(f"n = {curves.n:,}, block of {curves.nodes} nodes", fontsize=9)
    axes.set_xlabel("signal strength")
    axes.set_ylabel("share of the block that is found")
    if ax is None:
        axes.legend(frameon=False, fontsize=6, loc="upper left")
    return figure, axes
