"""The figure of a sweep: response curves, the difference of two nets with its break-even, and heat maps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.responses import Cell, HeatMap, Observations, break_even, heat_map, response
from gnnmax.task.plotting import COLOURS, grid_of_axes, logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_curves", "draw_difference", "draw_heat_map", "draw_sweep", "short_name", "shown_pairs"]

MOST_MAPS = 6
DARK = 0.6
"""Share of the largest value of a heat map from which its cells are too dark for black text."""

LOG_RATIO = 10.0
"""Ratio of the greatest to the least number of an axis from which it is drawn on a logarithmic scale."""


def short_name(axis: str) -> str:
    """Return the name of an axis without its part of the plan.

    Example:
        >>> short_name("recipe.plant.amplitude"), short_name("training.train_windows")
        ('plant amplitude', 'train windows')
    """
    words = [word for word in axis.split(".")[1:] or [axis] if not word.isdecimal()]
    return " ".join(words).replace("_", " ")


def shown_pairs(observations: Observations) -> list[tuple[str, str]]:
    """Return pairs of axes to draw heat maps of, at most :data:`MOST_MAPS`: those of two different values or more."""
    varied = [axis for axis, values in observations.places.items() if len({str(value) for value in values}) > 1]
    return list(itertools.combinations(varied, 2))[:MOST_MAPS]


def draw_sweep(
    nets: Sequence[Observations], difference: Observations | None, *, metric: str, best: Observations | None = None
) -> tuple[Figure, Any]:
    """Draw the curves of nets over every axis, their difference below, and heat maps of the difference.

    Args:
        nets: One for each net.
        difference: Of two nets; None draws none.
        metric: Its name.
        best: The best possible values; None if they are not known.

    Raises:
        InputError: there is no axis, or nothing was observed.
    """
    axes_of = {axis: None for one in nets for axis, values in one.places.items() if len({str(v) for v in values}) > 1}
    if not axes_of or not any(len(one) for one in nets):
        raise InputError("the sweep has no axis with two values that were measured: there is nothing to draw")
    pairs = shown_pairs(difference) if difference is not None else []
    rows = [("curve", axis) for axis in axes_of]
    rows += [("difference", axis) for axis in axes_of if difference is not None and axis in difference.places]
    figure, panels = grid_of_axes(len(rows) + len(pairs), 3.0, columns=max(min(len(axes_of), 4), 2))
    for panel, (form, axis) in zip(panels, rows, strict=False):
        if form == "curve":
            draw_curves(panel, [one for one in nets if axis in one.places], axis, metric=metric, best=best)
        elif difference is not None:
            draw_difference(panel, difference, axis, metric)
    for panel, pair in zip(panels[len(rows) :], pairs, strict=True):
        assert difference is not None
        draw_heat_map(panel, heat_map(difference, *pair))
    return figure, panels


def draw_curves(
    axes: Axes, nets: Sequence[Observations], axis: str, *, metric: str, best: Observations | None = None
) -> None:
    """Draw the mean of each net over an axis, with its intervals, and that of the best possible values."""
    if best is not None and axis in best.places:
        cells = [cell for cell in response(best, axis) if np.isfinite(cell.mean)]
        axes.plot([cell.at for cell in cells], [cell.mean for cell in cells], "--", color="grey", label=best.title)
    for place, one in enumerate(nets):
        _draw_cells(axes, response(one, axis), COLOURS[place % len(COLOURS)], one.title)
    _label(axes, response(nets[0], axis), axis)
    axes.set_ylabel(metric.replace("_", " "))
    axes.legend(fontsize=6, framealpha=0.5)


def draw_difference(axes: Axes, difference: Observations, axis: str, metric: str) -> None:
    """Draw the mean difference of two nets over an axis; a band marks where it changes its sign."""
    cells = response(difference, axis)
    axes.axhline(0, lw=0.8, color="grey")
    found = break_even(difference, axis)
    if found is not None and found.points:
        axes.axvspan(found.low, found.high, color=COLOURS[4], alpha=0.15, lw=0)
        for point, _ in found.points:
            axes.axvline(point, lw=1, ls="--", color=COLOURS[4])
    _draw_cells(axes, cells, COLOURS[2], difference.title)
    _label(axes, cells, axis)
    axes.set_ylabel(f"{metric.replace('_', ' ')}: {difference.title}")


def _draw_cells(axes: Axes, cells: Sequence[Cell], colour: str, title: str) -> None:
    known = [cell for cell in cells if np.isfinite(cell.mean)]
    below = [cell.mean - cell.low if np.isfinite(cell.low) else 0.0 for cell in known]
    above = [cell.high - cell.mean if np.isfinite(cell.high) else 0.0 for cell in known]
    at = [cell.at for cell in known]
    axes.errorbar(
        at, [cell.mean for cell in known], yerr=[below, above], fmt="o-", ms=4, lw=1.3, color=colour, label=title
    )


def _label(axes: Axes, cells: Sequence[Cell], axis: str) -> None:
    if _named(cells):
        axes.set_xticks([cell.at for cell in cells], [cell.label for cell in cells])
        axes.set_xlim(-0.5, len(cells) - 0.5)
    elif min(cell.at for cell in cells) > 0 and max(c.at for c in cells) >= LOG_RATIO * min(c.at for c in cells):
        logarithmic(axes, "x")
    axes.set_xlabel(short_name(axis))
    axes.grid(lw=0.4, alpha=0.4)


def _named(cells: Sequence[Cell]) -> bool:
    """Tell whether the values of an axis are names, drawn at 0, 1, ..."""
    try:
        [float(cell.label.split(" ")[0]) for cell in cells]
    except ValueError:
        return True
    return False


def draw_heat_map(axes: Axes, found: HeatMap) -> None:
    """Draw means over two axes, 0 in white, with the line of break-even; a star marks intervals without 0."""
    means = found.means
    largest = float(np.nanmax(np.abs(means), initial=0.0)) or 1.0
    axes.imshow(np.ma.masked_invalid(means), cmap="PuOr", vmin=-largest, vmax=largest, origin="lower", aspect="auto")
    if min(means.shape) > 1 and np.isfinite(means).all() and means.min() < 0 < means.max():
        axes.contour(means, levels=[0.0], colors="black", linewidths=1.2)
    for row, cells in enumerate(found.cells):
        for column, cell in enumerate(cells):
            if np.isfinite(cell.mean):
                clear = np.isfinite(cell.low) and not cell.low <= 0 <= cell.high
                text = f"{100 * cell.mean:+.0f}{'*' if clear else ''}"
                colour = "white" if abs(cell.mean) > DARK * largest else "black"
                axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(means.shape[1]), [cell.label for cell in found.cells[0]], rotation=30, ha="right", fontsize=7)
    axes.set_yticks(range(means.shape[0]), [label for label, _ in found.rows], fontsize=7)
    axes.set_xlabel(short_name(found.second))
    axes.set_ylabel(short_name(found.first))
