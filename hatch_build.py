"""The page of the package on an index: the README with links that lead out of a checkout, and the project's addresses.

The address of the repository is written once: ``repository`` in ``[tool.hatch.metadata.hooks.custom]`` of
pyproject.toml. While it is empty, links name their file in the source distribution, no picture is shown, and the page
does not say what to clone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

QUESTION = "https://ai.stackexchange.com/questions/12010"

FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")
CLONED = "git clone REPOSITORY && cd gnnmax\n"


class PackagePage(MetadataHookInterface):
    """Fill in the dynamic fields of the project: ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the page and the addresses to the metadata."""
        repository = self.config.get("repository", "")
        revision = revision_of(metadata["version"])
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        page = package_page(text, repository, revision)
        metadata["readme"] = {"content-type": "text/markdown", "text": page}
        metadata["urls"] = addresses(repository, revision)


def revision_of(version: str) -> str:
    """Return the tag of a release; of a version in development, the newest revision."""
    return "HEAD" if "dev" in version else f"v{version}"


def addresses(repository: str, revision: str) -> dict[str, str]:
    """Return the addresses of the project by their title; that of the question alone without a repository."""
    if not repository:
        return {"The question": QUESTION}
    return {
        "Repository": repository,
        "Documentation": f"{repository}/blob/{revision}/docs/index.md",
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/{revision}/CHANGELOG.md",
        "The question": QUESTION,
    }


def package_page(text: str, repository: str, revision: str) -> str:
    """Return the README for an index: no relative link is left.

    Args:
        text: The README in Markdown.
        repository: Its address, or nothing.
        revision: Branch or tag that the links lead to.
    """

    def moved(match: re.Match[str]) -> str:
        mark, words, path = match.groups()
        if repository:
            return f"{mark}[{words}]({repository}/{'raw' if mark else 'blob'}/{revision}/{path})"
        return f"*Figure: {words}* (`{path}`)" if mark else f"{words} (`{path}`)"

    parts = FENCED.split(text)  # the odd ones are code
    parts[::2] = [LINK.sub(moved, part) for part in parts[::2]]
    page = "".join(parts)
    return page.replace(CLONED, f"git clone {repository} gnnmax && cd gnnmax\n" if repository else "")
