"""Write the pages that are made from the package itself before a build, into the ignored folder ``generated``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api_pages import api_index, api_page, modules_of, page_of
from command_pages import command_page
from references import REPOSITORY, ROOT
from registry_pages import configs_page, rules_page, schemas_page, tables_page

__all__ = ["generated", "setup", "write_generated"]


def generated() -> dict[str, str]:
    """Return the text of every generated page by its path below ``docs/generated``."""
    api = {f"api/{page_of(folder)}.rst": api_page(folder, modules) for folder, modules in modules_of().items()}
    copied = {f"{page}.md": _copied(source, page) for source, page in REPOSITORY.items()}
    return {
        **api,
        **copied,
        "api/index.rst": api_index(),
        "commands.rst": command_page(),
        "configuration.md": configs_page(),
        "rules.md": rules_page(),
        "schemas.md": schemas_page(),
        "tables.md": tables_page(),
    }


def _copied(source: str, page: str) -> str:
    """Return a document of the repository; cards of shipped weights lose their head, and are reached by links alone."""
    text = (ROOT / source).read_text(encoding="utf-8")
    if not page.startswith("weights/"):
        return text
    card = text.split("---\n", 2)[2] if text.startswith("---\n") else text
    return f"---\norphan: true\n---\n{card}"


def write_generated(folder: Path) -> None:
    """Write the generated pages; a page that has not changed keeps its time, so Sphinx reads it once only."""
    for name, text in generated().items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write the pages before it looks for documents."""
    app.connect("builder-inited", lambda app: write_generated(Path(app.srcdir) / "generated"), priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
