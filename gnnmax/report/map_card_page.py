"""The page of a data set of maps: its card, and some of its maps with their peaks."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnnmax.data.maps.card import MapCard
from gnnmax.data.maps.dataset import MapSet
from gnnmax.report.rendering import environment, write_whole
from gnnmax.task.maps import Maps
from gnnmax.task.plotting import RING, axes_for, draw_matrix

__all__ = ["render_map_card", "write_map_card"]

EXAMPLES = 3
"""Maps shown of each split."""

INCHES = 3.4
"""Side of a picture."""

MIDDLE = 0.5, 99.5
"""Percentiles of the values between which the shades run: a few large entries do not hide the others."""


def render_map_card(data: MapSet, card: MapCard) -> str:
    """Render the card of a data set of maps, with maps of every split, as HTML that links to nothing.

    Every map is drawn in its own order, as nets see it, and along its host if that is another order.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> from gnnmax.data.maps.card import describe_maps
        >>> data = build(load_recipe("line-64-shuffled").replace(splits={"test": 2}))
        >>> render_map_card(data, describe_maps(data)).count("<img")
        4
    """
    shown = {
        split: [_pictures_of(data[split], index) for index in range(min(EXAMPLES, data.count(split)))]
        for split in data.splits
    }
    page = environment().get_template("map_card.html")
    recipe = json.dumps(data.recipe.to_dict(), indent=1)
    return page.render(card=card, tables=card.tables(), examples=shown, recipe=recipe)


def write_map_card(data: MapSet, card: MapCard, path: Path) -> Path:
    """Write the page of a data set of maps to a file, whole or not at all.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_map_card(data, card))


def _pictures_of(maps: Maps, index: int) -> list[tuple[str, str]]:
    """Return captions and pictures of one map, as it is and along its host."""
    rows, columns = maps.size[index].tolist()
    one = maps[index]
    places = one.row_place[0, :rows], one.column_place[0, :columns]
    values, peaks = one.values[0, :rows, :columns], one.peaks
    count = f"map {index}, {len(peaks)} peak{'' if len(peaks) == 1 else 's'}"
    found = [(f"{count}, as it is", _picture(_shades(values, maps.model.law), peaks.row, peaks.column))]
    orders = [np.argsort(place) for place in places]
    if any((order != np.arange(len(order))).any() for order in orders):
        true = one.along_host()
        sorted_values = values[np.ix_(*orders)]
        found.append(
            (f"{count}, along its host", _picture(_shades(sorted_values, maps.model.law), true.row, true.column))
        )
    return found


def _shades(values: npt.NDArray[np.float32], law: str) -> npt.NDArray[np.float32]:
    """Return values whose noise does not grow with them: roots of counts, logarithms of lognormal values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if law == "poisson":
            return np.sqrt(values)
        return np.where(values > 0, np.log(values), np.float32(np.nan)) if law == "lognormal" else values


def _picture(shades: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> str:
    """Draw a matrix with a ring around each peak; return a PNG in base64."""
    figure, axes = axes_for(None, INCHES, INCHES)
    low, high = np.nanpercentile(shades, MIDDLE) if np.isfinite(shades).any() else (0.0, 1.0)
    draw_matrix(axes, shades, vmin=float(low), vmax=float(high))
    axes.scatter(columns, rows, s=60, facecolors="none", edgecolors=RING, linewidths=1.4)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    return base64.b64encode(file.getvalue()).decode("ascii")
