"""Drawing with matplotlib: axes without global state, matrices, and values with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "axes_for",
    "draw_bars",
    "draw_intervals",
    "draw_matrix",
    "grid_of_axes",
    "logarithmic",
    "mark_entry",
    "plot",
]

COLOURS = ("#d9480f", "#7c5cd6", "#0f9d8a", "#c2255c", "#1971c2", "#5c940d")
"""Colours of scorers, in their order; readable on light and dark pages."""

RING = "#d9480f"
SHADES = "Greys"


def axes_for(ax: Any, width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure and axes to draw on: the caller's, or new ones that no global state knows.

    Args:
        ax: Axes of matplotlib, or None for new ones.
        width: Of a new figure, in inches.
        height: Of a new figure, in inches.

    Raises:
        InputError: something that is no axes.

    Example:
        >>> figure, axes = axes_for(None, 3, 2)
        >>> axes_for(axes, 9, 9) == (figure, axes)
        True
    """
    if ax is None:
        figure = new_figure(width, height)
        return figure, figure.add_subplot()
    if not hasattr(ax, "imshow") or not hasattr(ax, "figure"):
        raise InputError(f"ax must be axes of matplotlib, or None, not {type(ax).__name__}: pass one of subplots()")
    return ax.figure, ax


def grid_of_axes(panels: int, side: float, columns: int = 6) -> tuple[Figure, npt.NDArray[Any]]:
    """Return a new figure with a number of square axes, in rows of at most ``columns``, as a flat array.

    Example:
        >>> grid_of_axes(7, 1.0)[1].shape
        (7,)
    """
    across = max(min(panels, columns), 1)
    down = max(-(-panels // across), 1)
    figure = new_figure(across * side, down * side)
    every = figure.subplots(down, across, squeeze=False).reshape(-1)
    for axes in every[panels:]:
        axes.set_axis_off()
    return figure, every[:panels]


def plot(shown: Any, *given: Any, **options: Any) -> tuple[Figure, Any]:
    """Draw windows, maps, maxima, a verdict, a comparison, an audit or a data card: call its ``plot``.

    Args:
        shown: An object that has a picture.
        given: Arguments of its ``plot``, such as the matrix of maxima.
        options: Options of its ``plot``, such as ``ax``.

    Returns:
        A figure of matplotlib, which ``figure.savefig(path)`` writes, and its axes.

    Raises:
        InputError: an object without a picture.

    Example:
        >>> from gnnmax import Windows, find_maxima
        >>> matrix = np.diag([1.0, 5.0, 2.0])
        >>> figure, axes = plot(find_maxima(matrix, k=3), matrix)
        >>> axes.get_title()
        '1 maximum, mode ordered'
    """
    if not callable(getattr(shown, "plot", None)) or isinstance(shown, type):
        raise InputError(
            f"{type(shown).__name__} has no picture: give windows, maps, maxima, a verdict, a comparison, an audit or "
            "a card"
        )
    drawn: tuple[Figure, Any] = shown.plot(*given, **options)
    return drawn


def new_figure(width: float, height: float) -> Figure:
    """Return a figure that can be saved to a file and that pyplot does not know."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_matrix(axes: Axes, values: npt.NDArray[Any], *, vmin: float | None = None, vmax: float | None = None) -> Any:
    """Draw a matrix, darker where it is larger; an entry that is NaN is left blank.

    Returns:
        The image, for a colour bar.

    Example:
        >>> figure, axes = axes_for(None, 2, 2)
        >>> draw_matrix(axes, np.eye(3)).get_array().shape
        (3, 3)
    """
    image = axes.imshow(np.ma.masked_invalid(values), cmap=SHADES, vmin=vmin, vmax=vmax, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    return image


def mark_entry(axes: Axes, row: float, column: float, *, colour: str = RING, inner: bool = False) -> None:
    """Frame an entry of a matrix that :func:`draw_matrix` drew; ``inner`` draws a smaller frame inside the first."""
    from matplotlib.patches import Rectangle

    half = 0.3 if inner else 0.5
    box = (column - half, row - half)
    axes.add_patch(Rectangle(box, 2 * half, 2 * half, fill=False, edgecolor=colour, linewidth=1.6, clip_on=False))


def draw_intervals(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    *,
    colours: Sequence[str] = (COLOURS[2],),
) -> None:
    """Draw values with their intervals, one line each, the first on top.

    Example:
        >>> figure, axes = axes_for(None, 2, 2)
        >>> draw_intervals(axes, ["a", "b"], [0.5, 0.7], [(0.4, 0.6), (0.7, 0.7)])
        >>> [text.get_text() for text in axes.get_yticklabels()]
        ['a', 'b']
    """
    for place, (value, (low, high)) in enumerate(zip(values, intervals, strict=True)):
        below, above = max(value - low, 0.0), max(high - value, 0.0)
        colour = colours[place % len(colours)]
        axes.errorbar([value], [place], xerr=[[below], [above]], fmt="o", ms=5, lw=1.4, capsize=3, color=colour)
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", lw=0.4, alpha=0.5)


def draw_bars(axes: Axes, names: Sequence[str], shares: Mapping[str, Sequence[float | None]]) -> None:
    """Draw shares as horizontal bars, several groups side by side, the first name on top; None draws no bar.

    Example:
        >>> figure, axes = axes_for(None, 2, 2)
        >>> draw_bars(axes, ["a", "b"], {"x": [0.5, None], "y": [0.1, 1.0]})
        >>> len(axes.patches)
        3
    """
    height = 0.8 / len(shares)
    for place, (label, values) in enumerate(shares.items()):
        known = [(index, value) for index, value in enumerate(values) if value is not None]
        at = [index - 0.4 + (place + 0.5) * height for index, _ in known]
        axes.barh(at, [value for _, value in known], height=height, color=COLOURS[place % len(COLOURS)], label=label)
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", lw=0.4, alpha=0.5)


def logarithmic(axes: Axes, which: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with plain numbers at 1 and 3 of every power of ten: more would overlap.

    Example:
        >>> figure, axes = axes_for(None, 2, 2)
        >>> logarithmic(axes, "x")
        >>> axes.get_xscale()
        'log'
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
