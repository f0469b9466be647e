"""Pages of the API reference: one for each folder of the package, each module by its docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

import gnnmax

__all__ = ["api_index", "api_page", "modules_of", "page_of", "public_names"]

PACKAGE = Path(gnnmax.__file__).parent
HIDDEN = {"__main__"}
LAZY = {"gnnmax", "gnnmax.detection"}
"""Folders that hand out names of their modules on first use."""


def modules_of() -> dict[str, list[str]]:
    """Return the modules of every folder of the package, by the dotted name of the folder."""
    folders: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.stem in HIDDEN or "weights" in file.parts:
            continue
        name = ".".join(["gnnmax", *file.relative_to(PACKAGE).with_suffix("").parts])
        folder, _, stem = name.rpartition(".")
        if stem == "__init__":
            folders.setdefault(folder, [])
        else:
            folders.setdefault(folder, []).append(name)
    return folders


def page_of(folder: str) -> str:
    """Return the name of the page of a folder, such as ``task`` or ``data-hosts``; that of the root is ``root``."""
    return "-".join(folder.split(".")[1:]) or "root"


def source_of(module: str) -> Path:
    """Return the file of a module or of a folder."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def first_line(module: str) -> str:
    """Return the first sentence of a module's docstring."""
    return (ast.get_docstring(ast.parse(source_of(module).read_text(encoding="utf-8"))) or "").split("\n")[0]


def public_names(module: str) -> list[str]:
    """Return the public names of a module: those of its ``__all__``, or all without underscore."""
    body = ast.parse(source_of(module).read_text(encoding="utf-8")).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    defined = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in defined if not name.startswith("_")]


def _title(text: str, mark: str) -> str:
    return f"{text}\n{mark * len(text)}\n"


def api_page(folder: str, modules: list[str]) -> str:
    """Return the page of a folder in reStructuredText: every module with its public names."""
    parts = [_title(folder, "=")]
    parts.append(first_line(folder) + "\n" if folder in LAZY else f".. automodule:: {folder}\n")
    for module in modules:
        parts.append(_title(module.removeprefix(f"{folder}."), "-"))
        parts.append(f".. automodule:: {module}\n")
    return "\n".join(parts)


def api_index() -> str:
    """Return the page that lists the public names of the package and the pages of its folders."""
    rows = [
        f"* - :py:obj:`gnnmax.{name} <gnnmax.{module}.{name}>`\n  - :doc:`{page_of(folder_of(module))}`"
        for name, module in sorted(gnnmax._MODULES.items(), key=lambda item: item[0].lower())
    ]
    table = ".. list-table::\n   :header-rows: 1\n\n   * - name\n     - defined in\n"
    table += "\n".join("   " + row.replace("\n", "\n   ") for row in rows)
    pages = "\n".join(f"   {page_of(folder)}" for folder in modules_of())
    return "\n".join(
        [
            _title("API reference", "="),
            "The names that ``import gnnmax`` brings. Each is loaded on first use.\n",
            table + "\n",
            _title("By folder", "-"),
            "Folders are floors: a module imports from its own folder and from lower floors only.\n",
            f".. toctree::\n   :maxdepth: 1\n\n{pages}\n",
        ]
    )


def folder_of(module: str) -> str:
    """Return the folder of a module that is named below the root, as ``task.label``."""
    return ".".join(["gnnmax", *module.split(".")[:-1]])
