"""The figure of the table ``patches``: samples needed against the number of patches, both on scales of logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gnnmax.task.plotting import COLOURS, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gnnmax.experiments.reproduction.outcome import Figure as Value

__all__ = ["draw_patches"]


def draw_patches(rows: Sequence[dict[str, Value]], ax: Any = None) -> tuple[Figure, Axes]:
    """Draw the samples that each net needs against the number of patches, with the range over seeds.

    Args:
        rows: Rows of the table ``patches``.
        ax: Axes of matplotlib to draw on; None draws a new figure.

    Example:
        >>> row = {"net": "convolutional", "k": 4, "samples": 9.0, "least": 8.0, "most": 12.0, "exponent": 0.3}
        >>> draw_patches([row])[1].get_xlabel()
        'patches k'
    """
    figure, axes = axes_for(ax, 5.6, 4.2)
    for colour, name in zip(COLOURS, dict.fromkeys(str(row["net"]) for row in rows), strict=False):
        own = [row for row in rows if row["net"] == name]
        k, samples, least, most = (
            np.array([float(row[key]) for row in own]) for key in ("k", "samples", "least", "most")
        )
        axes.errorbar(
            k,
            samples,
            np.maximum([samples - least, most - samples], 0.0),
            color=colour,
            marker="o",
            capsize=2,
            linewidth=1,
            label=f"{name}, exponent {float(own[0]['exponent']):.1f}",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    numbers = sorted({int(row["k"]) for row in rows})
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.minorticks_off()
    axes.set_xlabel("patches k")
    axes.set_ylabel("samples needed")
    axes.legend(frameon=False, fontsize=8)
    return figure, axes
