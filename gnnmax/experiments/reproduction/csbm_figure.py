"""The figure of the contextual block model: accuracies of nets and of optimal inference against the graph strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gnnmax.task.plotting import COLOURS, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gnnmax.experiments.reproduction.outcome import Figure as Value

__all__ = ["draw_csbm"]


def draw_csbm(rows: Sequence[dict[str, Value]], ax: Any = None) -> tuple[Figure, Axes]:
    """Draw the accuracy of each scorer against the graph strength, with two standard errors, and the limit as a line.

    Args:
        rows: Rows of the table ``csbm``.
        ax: Axes of matplotlib to draw on; None draws a new figure.

    Example:
        >>> row = {"lam": 1.0, "scorer": "gcn", "accuracy": 0.7, "s.e.": 0.01, "limit": 0.77}
        >>> draw_csbm([row])[1].get_ylabel()
        'accuracy on unknown nodes'
    """
    figure, axes = axes_for(ax, 6.4, 4.2)
    names = list(dict.fromkeys(str(row["scorer"]) for row in rows))
    limit = {float(row["lam"]): float(row["limit"]) for row in rows}
    axes.plot(list(limit), list(limit.values()), color="black", linestyle="--", linewidth=1, label="BP-AMP, large n")
    for colour, name in zip(COLOURS, names, strict=False):
        own = [row for row in rows if row["scorer"] == name]
        axes.errorbar(
            [float(row["lam"]) for row in own],
            [float(row["accuracy"]) for row in own],
            [2 * float(row["s.e."]) for row in own],
            color=colour,
            marker="o",
            capsize=2,
            linewidth=1,
            label=name,
        )
    axes.set_xlabel("graph strength lam")
    axes.set_ylabel("accuracy on unknown nodes")
    axes.legend(frameon=False, fontsize=8)
    return figure, axes
