"""The figure of the worth of the order: strengths at which half of a block is found, and the borders of theorems."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gnnmax.task.plotting import COLOURS, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gnnmax.experiments.reproduction.outcome import Figure as Value

__all__ = ["draw_order"]

NAMES = {
    "degrees": "degrees",
    "eigenvector": "leading eigenvector",
    "amp": "message passing (graph net)",
    "scan": "scan, order known (image)",
}
LINES = {"eigenvector": "1", "amp": "1/e", "scan": "4 ln n / n"}


def draw_order(rows: Sequence[dict[str, Value]], ax: Any = None) -> tuple[Figure, Axes]:
    """Draw the 50 % point of each rule against n with its interval, and the borders of the theorems as lines.

    Args:
        rows: Rows of the table ``order``.
        ax: Axes of matplotlib to draw on; None draws a new figure.

    Example:
        >>> row = {"n": 1000, "rule": "amp", "border": 0.37, "50 % point": 0.45, "from": 0.4, "to": 0.5}
        >>> draw_order([row])[1].get_xlabel()
        'nodes n'
    """
    figure, axes = axes_for(ax, 6.4, 4.2)
    sizes = np.array(sorted({int(row["n"]) for row in rows}), dtype=np.float64)
    span = np.geomspace(sizes.min() / 1.5, sizes.max() * 1.5, 100)
    for colour, (rule, name) in zip(COLOURS, NAMES.items(), strict=False):
        own = [row for row in rows if row["rule"] == rule]
        if not own:
            continue
        n, point, low, high = (np.array([float(row[key]) for row in own]) for key in ("n", "50 % point", "from", "to"))
        axes.errorbar(n, point, [point - low, high - point], fmt="o", color=colour, capsize=3, label=name)
        if rule in LINES:
            border = {"eigenvector": np.ones(100), "amp": np.full(100, 1 / math.e), "scan": 4 * np.log(span) / span}
            axes.plot(span, border[rule], color=colour, linewidth=1)
            axes.annotate(
                LINES[rule],
                (span[-1], border[rule][-1]),
                xytext=(4, 0),
                textcoords="offset points",
                color=colour,
                va="center",
                fontsize=9,
            )
    axes.set_xscale("log")
    axes.set_xlim(span[0], span[-1])
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{int(n):,}" for n in sizes])
    axes.minorticks_off()
    axes.set_xlabel("nodes n")
    axes.set_ylabel("signal strength at which half is found")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(0.0, 0.48))
    return figure, axes
