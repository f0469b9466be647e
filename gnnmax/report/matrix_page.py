"""The page of a matrix: a picture with its maxima marked, zoomable without a script, and the table."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.table import Detections
from gnnmax.report.rendering import environment, write_whole

__all__ = ["picture_of", "render_matrix", "write_matrix"]

PIXELS = 900
"""Of the picture, at most, along a side: each shows the largest entry of a block."""

SHOWN = 500
"""Maxima marked and listed, the largest first."""


def picture_of(source: MatrixSource) -> npt.NDArray[np.float64]:
    """Shrink a matrix to a picture: the largest measured entry of each block, on a scale of percentiles.

    0 is the 1st percentile of these and 1 the 99th; NaN stands where nothing was measured.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> picture_of(as_source(np.array([[0.0, 1.0], [2.0, 4.0]]))).shape
        (2, 2)
    """
    n, m = source.shape
    height, width = -(-n // PIXELS), -(-m // PIXELS)
    picture = np.full((-(-n // height), -(-m // width)), np.nan)
    for row in range(picture.shape[0]):
        first = row * height
        block = source.block(first, 0, min(height, n - first), m, (0, 0))
        values = block.values.astype(np.float64)
        if block.missing is not None:
            values[block.missing] = -np.inf
        largest = np.maximum.reduceat(values.max(axis=0), np.arange(0, m, width))
        picture[row] = np.where(np.isneginf(largest), np.nan, largest)
    known = picture[np.isfinite(picture)]
    if not len(known):
        return picture
    low, high = np.percentile(known, [1, 99])
    return np.asarray(np.clip((picture - low) / (high - low if high > low else 1.0), 0.0, 1.0))


def _png(picture: npt.NDArray[np.float64]) -> str:
    """Draw a picture in the colour of the pages, transparent where nothing was measured, as base64."""
    from matplotlib.image import imsave

    pixels = np.zeros((*picture.shape, 4))
    pixels[..., :3] = (15 / 255, 118 / 255, 110 / 255)
    pixels[..., 3] = np.nan_to_num(picture)
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def render_matrix(source: MatrixSource, table: Detections, card: dict[str, Any]) -> str:
    """Render the page of a matrix as HTML that links to nothing and runs no script.

    Args:
        source: The matrix.
        table: Its maxima; the page shows the first :data:`SHOWN`.
        card: The run card.
    """
    n, m = source.shape
    shown = table[:SHOWN].as_rows()
    marked = [row for row in shown if row["i"] < n and row["j"] < m]
    return (
        environment()
        .get_template("matrix.html")
        .render(card=card, n=n, m=m, png=_png(picture_of(source)), marked=marked, total=len(table), shown=shown)
    )


def write_matrix(source: MatrixSource, table: Detections, card: dict[str, Any], path: Path) -> Path:
    """Write the page of a matrix to a file, whole or not at all.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_matrix(source, table, card))
