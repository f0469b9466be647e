"""The page of a matrix: a picture with axes and its maxima marked, zoomable without a script, and the table."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.found_order import with_places_as_names
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.table import Detections
from gnnmax.report.colour_scale import ColourScale, fitted_scale
from gnnmax.report.matrix_axes import LEVELS, Axis, axis_of
from gnnmax.report.reduced_matrix import ReducedMatrix, reduced_matrix
from gnnmax.report.rendering import environment, write_whole

__all__ = ["render_matrix", "write_matrix"]

SIDE = 720.0
"""Longer side of the picture, in pixels at magnification 1."""

LEAST_SIDE = 160.0
"""Least length of the shorter side; the entries of a narrow matrix are drawn as rectangles."""

LISTED = 500
"""Maxima in the table of the page, the largest first."""

RINGED = 100
"""Maxima that are ringed, the largest first."""

NUMBERED = 20
"""Maxima whose number is written beside the ring."""

RING = 5.5
"""Least radius of a ring, in pixels; where entries are larger, a ring lies inside its entry."""


@dataclass(frozen=True)
class Ring:
    """A ring around an entry of the picture.

    Attributes:
        number: Its row in the table, from 1.
        x: Its centre, in pixels from the left.
        y: Its centre, in pixels from the top.
        title: Its position, by names if there are any, and its value.
    """

    number: int
    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Drawing:
    """A drawn matrix.

    Attributes:
        rows: The vertical axis.
        columns: The horizontal axis.
        colours: The picture as a mask: opaque where values are large. PNG as base64.
        missing: The same, opaque where nothing was measured; None if something was measured everywhere.
        scale: The colour scale, None without any measured entry.
        block: Rows and columns of a block; each point shows the largest entry of one.
        cell: Shorter side of an entry, in pixels.
    """

    rows: Axis
    columns: Axis
    colours: str
    missing: str | None
    scale: ColourScale | None
    block: tuple[int, int]
    cell: float

    @property
    def radius(self) -> float:
        """Radius of a ring at magnification 1."""
        return max(RING, 0.42 * self.cell)


def _drawn(source: MatrixSource, reduced: ReducedMatrix) -> Drawing:
    n, m = source.shape
    width, height = (max(LEAST_SIDE, round(SIDE * side / max(n, m))) for side in (m, n))
    names = (None, None) if source.names is None else source.names
    scale = fitted_scale(reduced.values)
    unknown = np.isnan(reduced.values)
    shares = np.zeros(unknown.shape) if scale is None else scale.shares(reduced.values)
    return Drawing(
        axis_of(n, height, names=names[0], edges=source.parts.rows.tolist()),
        axis_of(m, width, names=names[1], edges=source.parts.columns.tolist()),
        _png(np.nan_to_num(shares)),
        _png(unknown) if unknown.any() else None,
        scale,
        reduced.block,
        min(height / n, width / m),
    )


def _png(opaque: npt.NDArray[Any]) -> str:
    """Draw white of some opacity, from 0 to 1, as base64."""
    from matplotlib.image import imsave

    pixels = np.full((*opaque.shape, 4), 255, dtype=np.uint8)
    pixels[..., 3] = np.round(255 * opaque)
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def _rings(drawing: Drawing, listed: list[tuple[int, int, dict[str, Any]]]) -> list[Ring]:
    """Ring entries in the order of the table, leaving out those whose ring would lie over another one.

    Args:
        drawing: The drawn matrix.
        listed: Row and column of each entry in the picture, and its row of the table.
    """
    n, m = drawing.rows.length, drawing.columns.length
    rings: list[Ring] = []
    for number, (i, j, row) in enumerate(listed, 1):
        x, y = drawing.columns.pixels * (j + 0.5) / m, drawing.rows.pixels * (i + 0.5) / n
        inside = 0 <= i < n and 0 <= j < m
        if inside and all((x - ring.x) ** 2 + (y - ring.y) ** 2 >= 4 * drawing.radius**2 for ring in rings):
            place = (
                f"{row['row']}, {row['column']} ({row['i']}, {row['j']})" if "row" in row else f"{row['i']}, {row['j']}"
            )
            rings.append(Ring(number, round(x, 2), round(y, 2), f"{number}: {place}, value {_number(row['value'])}"))
        if len(rings) == RINGED:
            break
    return rings


def _number(value: Any) -> str:
    """Write an entry of the table."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def render_matrix(source: MatrixSource, table: Detections, card: dict[str, Any], *, why_none: str = "") -> str:
    """Render the page of a matrix as HTML that links to nothing outside itself and runs no script.

    Args:
        source: The matrix.
        table: Its maxima; the page lists the first :data:`LISTED` and rings at most :data:`RINGED`.
        card: The run card.
        why_none: The reason why there are no maxima, if the table is empty.
    """
    shown = table[:LISTED]
    listed = shown.in_given_order(source).as_rows()
    drawing = _drawn(with_places_as_names(source), reduced_matrix(source))
    rings = _rings(drawing, list(zip(shown.rows.tolist(), shown.columns.tolist(), listed, strict=True)))
    template = environment().get_template("matrix.html")
    return template.render(
        card=card,
        drawing=drawing,
        rings=rings,
        ringed={ring.number for ring in rings},
        numbered=NUMBERED,
        levels=LEVELS,
        least=RING,
        listed=listed,
        total=len(table),
        number=_number,
        why_none=why_none,
    )


def write_matrix(
    source: MatrixSource, table: Detections, card: dict[str, Any], path: Path, *, why_none: str = ""
) -> Path:
    """Write the page of a matrix to a file, whole or not at all.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_matrix(source, table, card, why_none=why_none))
