"""Figures of matplotlib as files that say who wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gnnmax.io.atomic import atomic_file
from gnnmax.io.ownership import MADE_BY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "write_figure"]

FIGURES = (".svg", ".png")
"""Endings of files that a figure is written to."""


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as SVG or PNG, by the ending of the file; the same figure gives the same bytes.

    Args:
        figure: What a ``plot`` returned.
        path: A file that ends in .svg or .png, in an existing folder.
    """
    from matplotlib import rc_context

    kind = path.suffix.removeprefix(".")
    metadata = {"Creator": MADE_BY, "Date": None} if kind == "svg" else {"Software": MADE_BY}
    with rc_context({"svg.hashsalt": "gnnmax"}), atomic_file(path) as file:
        figure.savefig(file, format=kind, dpi=150, metadata=metadata)
