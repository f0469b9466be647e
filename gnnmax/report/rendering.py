"""Rendering of pages: templates with their filters, and files written whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.report.pictures import window_svg

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "write_whole"]


def environment() -> Environment:
    """Return the templates, which escape their input, with the filters picture, svg and percent."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["picture"] = lambda picture: Markup(window_svg(picture))  # our own numbers
    made.filters["svg"] = Markup
    made.filters["percent"] = lambda share, digits=1: f"{100 * share:.{digits}f}"
    return made


def write_whole(path: Path, content: str) -> Path:
    """Write a file, whole or not at all.

    Raises:
        InputError: its folder does not exist, or it is no file.
    """
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist: make it first, or choose another file")
    write_file(path, content)
    return path
