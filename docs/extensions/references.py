"""Links between pages: files of the repository become pages of the site, and public names lead to their definition."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from sphinx.util.nodes import make_refnode

import gnnmax
from gnnmax import detection

__all__ = ["REPOSITORY", "ROOT", "setup", "site_links"]

ROOT = Path(__file__).parents[2]

REPOSITORY = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "benchmarks/README.md": "benchmarks",
    "datasets/README.md": "datasets",
    **{
        f"gnnmax/models/weights/{path.parent.name}/README.md": f"weights/{path.parent.name}"
        for path in sorted((ROOT / "gnnmax" / "models" / "weights").glob("*/README.md"))
    },
}
"""Documents of the repository outside ``docs``, and the generated page that each becomes."""

SOURCES = {page: source for source, page in REPOSITORY.items()}

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+\.md)(#[^)\s]*)?\)")


def site_links(text: str, page: str) -> str:
    """Return the text of a page with its links to Markdown files of the repository as links to pages of the site.

    Args:
        text: The page in Markdown.
        page: Its name below ``docs``, without ending.
    """
    source = SOURCES.get(page.removeprefix("generated/"), f"docs/{page}.md")

    def moved(match: re.Match[str]) -> str:
        target, place = match[1], match[2] or ""
        path = target[1:] if target.startswith("/") else posixpath.join(posixpath.dirname(source), target)
        path = posixpath.normpath(path if not target.startswith("/") else f"docs/{path}")
        if path in REPOSITORY:
            return f"](/generated/{REPOSITORY[path]}.md{place})"
        return f"](/{path.removeprefix('docs/')}{place})"

    return LINK.sub(moved, text)


def _rewrite(app: Any, page: str, content: list[str]) -> None:
    if str(app.env.doc2path(page)).endswith(".md"):
        content[0] = site_links(content[0], page)


PUBLIC = {
    **{f"gnnmax.{name}": f"gnnmax.{module}.{name}" for name, module in gnnmax._MODULES.items()},
    **{f"gnnmax.detection.{name}": f"gnnmax.detection.{module}.{name}" for name, module in detection._MODULES.items()},
}
"""Where each public name of the package is defined."""


def _defined(name: str) -> str:
    """Return the full name of what a package hands out, and of its methods and attributes."""
    owner, dot, member = name.rpartition(".")
    if name in PUBLIC or owner not in PUBLIC:
        return PUBLIC.get(name, name)
    return PUBLIC[owner] + dot + member


def _definition(app: Any, env: Any, node: Any, inner: Any) -> Any:
    """Return a link to the definition of a name that a package hands out, or that another module defines."""
    if node.get("refdomain") != "py":
        return None
    objects = env.domains["py"].objects
    name = _defined(node["reftarget"])
    if name not in objects:
        ends = [one for one in objects if one.endswith(f".{name}")]
        name = min(ends, key=len) if ends else ""
    if name not in objects:
        return None
    found = objects[name]
    return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, inner, name)


def setup(app: Any) -> dict[str, bool]:
    """Connect the rewriting of links and the search of names."""
    app.connect("source-read", _rewrite)
    app.connect("missing-reference", _definition)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
