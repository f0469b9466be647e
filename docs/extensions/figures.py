"""Pictures of gallery scripts: the figure that a script leaves under the name ``figure``; pyplot knows none of them."""

from __future__ import annotations

from typing import Any

from sphinx_gallery.scrapers import figure_rst

__all__ = ["scrape_figure"]


def scrape_figure(_block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figure of a script once, and return its directive."""
    names = block_vars["example_globals"]
    if "figure" not in names or names.get("_saved") is names["figure"]:
        return ""
    names["_saved"] = names["figure"]
    path = next(block_vars["image_path_iterator"])
    names["figure"].savefig(path, dpi=120)
    return str(figure_rst([path], gallery_conf["src_dir"]))


def _get_sg_image_scraper() -> Any:
    return scrape_figure
