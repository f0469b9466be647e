"""Pages of the API reference: one for each folder of the package, each module by its docstrings."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import NamedTuple

import gnnmax

__all__ = ["api_index", "api_page", "modules_of", "page_of", "plain_values", "public_names"]

PACKAGE = Path(gnnmax.__file__).parent
HIDDEN = {"__main__"}
LONGEST = 160
"""Characters of the source of a value that are shown."""
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


@functools.cache
def tree_of(module: str) -> ast.Module:
    """Return the source of a module as a tree."""
    return ast.parse(source_of(module).read_text(encoding="utf-8"))


def first_line(module: str) -> str:
    """Return the first sentence of a module's docstring."""
    return (ast.get_docstring(tree_of(module)) or "").split("\n")[0]


def public_names(module: str) -> list[str]:
    """Return the public names of a module: those of its ``__all__``, or all without underscore."""
    body = tree_of(module).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    defined = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in defined if not name.startswith("_")]


class Value(NamedTuple):
    """A constant or a type alias of a module.

    Attributes:
        source: The source of its value.
        described: Whether a docstring follows.
    """

    source: str
    described: bool


def plain_values(module: str) -> dict[str, str]:
    """Return the constants and type aliases of a module's public names that Sphinx does not list, with their source.

    It lists those that a docstring follows, in the module that defines them.
    """
    public = public_names(module)
    own = {name: value.source for name, value in values_of(module).items() if not value.described}
    found = {**_handed_on(module, set(public)), **own}
    return {name: found[name] for name in public if name in found}


def values_of(module: str) -> dict[str, Value]:
    """Return what the lines of a module assign, by name."""
    body = tree_of(module).body
    found = {}
    for node, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        described = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                found[name.id] = Value(ast.unparse(node.value), described)
    return found


def _handed_on(module: str, public: set[str]) -> dict[str, str]:
    """Return the source of the values that a module imports from another one, and hands on."""
    found = {}
    for node in tree_of(module).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("gnnmax.") and is_file(node.module):
            names = [alias.name for alias in node.names if alias.name in public]
            values = values_of(str(node.module)) if names else {}
            found |= {name: values[name].source for name in names if name in values}
    return found


def is_file(module: str | None) -> bool:
    """Return whether a name of a module is that of a file of the package."""
    return PACKAGE.parent.joinpath(*str(module).split(".")).with_suffix(".py").is_file()


def _plain_value(module: str, name: str, source: str) -> str:
    shown = source if len(source) <= LONGEST else source[:LONGEST] + " ..."
    return f".. py:data:: {name}\n   :module: {module}\n\n   .. code-block:: python\n\n      {name} = {shown}\n"


def _title(text: str, mark: str) -> str:
    return f"{text}\n{mark * len(text)}\n"


def api_page(folder: str, modules: list[str]) -> str:
    """Return the page of a folder in reStructuredText: every module with its public names."""
    parts = [_title(folder, "=")]
    parts.append(first_line(folder) + "\n" if folder in LAZY else f".. automodule:: {folder}\n")
    for module in modules:
        parts.append(_title(module.removeprefix(f"{folder}."), "-"))
        parts.append(f".. automodule:: {module}\n")
        parts += [_plain_value(module, name, source) for name, source in plain_values(module).items()]
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
