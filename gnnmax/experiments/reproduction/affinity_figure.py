"""The figure of bumps against the noise of affinities: one panel for each amplitude."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gnnmax.task.plotting import COLOURS, axes_for, grid_of_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gnnmax.experiments.reproduction.outcome import Figure as Value

__all__ = ["draw_affinity"]

AXES, ERROR = ("k", "amplitude", "affinity noise"), "s.e. at most"
"""Columns that are no scorers."""


def draw_affinity(rows: Sequence[dict[str, Value]], ax: Any = None) -> tuple[Figure, Axes]:
    """Draw the accuracy of each scorer against the noise of the affinities, with two standard errors.

    Args:
        rows: Rows of the table ``affinity``; those of the first side are drawn.
        ax: Axes of matplotlib to draw the first amplitude on; None draws a new figure with a panel for each.

    Returns:
        The figure, and the axes of the first amplitude.

    Example:
        >>> row = {"k": 9, "amplitude": 2.0, "affinity noise": 0.1, "best": 0.96, "s.e. at most": 0.01}
        >>> draw_affinity([row])[1].get_xlabel()
        'noise of the affinities'
    """
    rows = [row for row in rows if row["k"] == rows[0]["k"]]
    amplitudes = list(dict.fromkeys(float(row["amplitude"]) for row in rows))
    panels: Sequence[Axes]
    if ax is None:
        figure, grid = grid_of_axes(len(amplitudes), 3.4)
        panels = list(grid)
    else:
        figure, first = axes_for(ax, 3.4, 3.4)
        panels = [first]
    columns = [name for name in rows[0] if name not in (*AXES, ERROR)]
    for amplitude, axes in zip(amplitudes, panels, strict=False):
        own = [row for row in rows if float(row["amplitude"]) == amplitude]
        noise, error = ([float(row[name]) for row in own] for name in ("affinity noise", ERROR))
        for colour, name in zip(COLOURS, columns, strict=False):
            axes.errorbar(
                noise,
                [float(row[name]) for row in own],
                [2 * each for each in error],
                color=colour,
                marker="o",
                markersize=3,
                capsize=2,
                linewidth=1,
                label=name,
            )
        axes.set_xscale("log")
        axes.set_xticks(noise, [f"{each:g}" for each in noise])
        axes.minorticks_off()
        axes.set_ylim(0.5, 1.01)
        axes.set_title(f"amplitude {amplitude:g}", fontsize=9)
        axes.set_xlabel("noise of the affinities")
        axes.set_ylabel("accuracy")
    panels[0].legend(frameon=False, fontsize=6)
    return figure, panels[0]
