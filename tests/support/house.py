"""The shape of the package, measured from its source: floors, import cycles, and functions that are too large.

``python scripts/house.py`` prints it; ``tests/test_floors.py`` checks it.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "gnnmax"

FLOORS = {
    "errors": 0,
    "task": 1,
    "io": 1,
    "data": 2,
    "evaluation": 2,
    "models": 2,
    "auditing": 3,
    "detection": 3,
    "interop": 3,
    "training": 3,
    "testing": 4,
    "experiments": 4,
    "report": 5,
    "cli": 6,
    "__main__": 7,
}
"""The floor of each entry of the package: a file stands on the floor of its folder."""

LIBRARIES = {
    **dict.fromkeys(("numpy", "scipy", "msgspec"), 1),
    **dict.fromkeys(("networkx", "pandas", "pyarrow", "safetensors", "sklearn", "loky", "threadpoolctl", "rich"), 1),
    **dict.fromkeys(("distributed", "mpi4py"), 1),
    **dict.fromkeys(("h5py", "zarr"), 3),
    "torch": 2,
    "torch_geometric": 2,
    "torchmetrics": 3,
    "matplotlib": 1,
    **dict.fromkeys(("jinja2", "markupsafe"), 5),
    "tyro": 6,
}
"""The lowest floor that may import each library."""

NET_ROOMS = ("models", "interop", "training", "experiments", "report", "cli")
"""Folders that may import torch; auditing looks into a net that it is given, inside one function."""

ON_CALL = ("matplotlib", "pandas", "distributed", "mpi4py")
"""Libraries that only functions and type checkers import: a call that draws nothing loads no library for drawing."""


@dataclass(frozen=True)
class Import:
    """One import: importer, imported module, whether inside a function, and whether for type checkers only."""

    importer: str
    imported: str
    inside: bool
    typing: bool


@dataclass
class House:
    """A package, described by its source.

    Attributes:
        sources: Source text by dotted module name.
    """

    sources: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, package: Path = PACKAGE) -> House:
        """Read all modules of a package."""
        paths = sorted(package.rglob("*.py"))
        return cls({module_of(path, package): path.read_text(encoding="utf-8") for path in paths})

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """Syntax trees by module."""
        return {module: ast.parse(source) for module, source in self.sources.items()}

    @cached_property
    def imports(self) -> list[Import]:
        """All imports of all modules except the package's ``__init__``, which lists public names and loads none."""
        return [found for module in self.trees if module != "gnnmax" for found in self._imports_of(module)]

    def _imports_of(self, module: str) -> Iterator[Import]:
        tree = self.trees[module]
        inside = {id(x) for node in ast.walk(tree) if isinstance(node, FUNCTIONS) for x in ast.walk(node)}
        typing = {id(x) for node in ast.walk(tree) if is_typing_block(node) for x in ast.walk(node)}
        for node in ast.walk(tree):
            for name in self._names(node):
                yield Import(module, name, id(node) in inside, id(node) in typing)

    def _names(self, node: ast.AST) -> list[str]:
        """Return the modules that a statement imports: ``from a import b`` is a.b where that is a module."""
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if not isinstance(node, ast.ImportFrom):
            return []
        assert node.level == 0, "imports name the whole path"
        whole = [f"{node.module}.{alias.name}" for alias in node.names]
        return sorted({name if name in self.sources else str(node.module) for name in whole})

    def own(self) -> list[Import]:
        """Imports of the package's own modules."""
        return [found for found in self.imports if top_of(found.imported) == "gnnmax"]

    def wrong_floor(self) -> list[Import]:
        """Imports of another folder that is not on a lower floor, and of libraries of higher floors."""
        return [found for found in self.imports if not allowed(found)]

    def circles(self, *, lazy: bool) -> list[list[str]]:
        """Groups of modules that import each other; with ``lazy``, inside functions and for type checkers too."""
        used = [found for found in self.own() if lazy or not (found.inside or found.typing)]
        arrows: dict[str, list[str]] = {module: [] for module in self.sources}
        for found in used:
            arrows[found.importer].append(found.imported)
        return [group for group in components(arrows) if len(group) > 1]

    def hidden_imports(self) -> list[Import]:
        """Own modules imported inside functions outside the command line."""
        return [found for found in self.own() if found.inside and room(found.importer) not in ("cli", "__main__")]

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef]]:
        """All functions with the name of their module."""
        for module, tree in self.trees.items():
            yield from ((module, node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))

    def definitions(self) -> Iterator[tuple[str, str]]:
        """All functions and classes at the top of a module, with its name."""
        for module, tree in self.trees.items():
            yield from ((module, node.name) for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))

    def many_positional(self, limit: int = 6) -> list[str]:
        """Functions with at least that many positional parameters, not counting ``self``."""
        return [f"{module}.{f.name}" for module, f in self.functions() if len(positional(f)) >= limit]

    def positional_booleans(self) -> list[str]:
        """Functions that take a boolean by position."""
        return [
            f"{module}.{f.name}({a.arg})"
            for module, f in self.functions()
            for a in positional(f)
            if a.annotation is not None and ast.unparse(a.annotation).split(" |")[0] == "bool"
        ]

    def longest_body(self) -> tuple[int, str]:
        """The number of lines of the longest function, without its docstring, and its name."""
        return max((body_lines(f), f"{module}.{f.name}") for module, f in self.functions())

    def entries(self) -> list[str]:
        """The folders and files at the top of the package."""
        return sorted({module.split(".")[1] if "." in module else "__init__" for module in self.sources})


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def module_of(path: Path, package: Path) -> str:
    """Return the dotted name of a file of a package."""
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def is_typing_block(node: ast.AST) -> bool:
    """Return whether a statement is ``if TYPE_CHECKING``."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def room(module: str) -> str:
    """Return the folder or file at the top of the package: gnnmax.data.hosts.host -> data."""
    return module.split(".")[1] if "." in module else ""


def top_of(module: str) -> str:
    """Return the first part of a dotted name."""
    return module.split(".", maxsplit=1)[0]


def allowed(found: Import) -> bool:
    """Return whether an import points down, stays in its folder, or loads a library that this floor may use."""
    floor = FLOORS[room(found.importer)]
    top = top_of(found.imported)
    if top == "gnnmax":
        return room(found.imported) == room(found.importer) or FLOORS.get(room(found.imported), 99) < floor
    if top in sys.stdlib_module_names:
        return True
    if top in ("torch", "torch_geometric") and not found.typing:
        return room(found.importer) in NET_ROOMS or (found.inside and floor >= 2)
    if found.imported == "matplotlib.pyplot" or (top in ON_CALL and not (found.inside or found.typing)):
        return False
    return LIBRARIES.get(top, 99) <= floor


def positional(function: ast.FunctionDef) -> list[ast.arg]:
    """Return the parameters that may be given by position, without ``self`` and ``cls``."""
    given = [*function.args.posonlyargs, *function.args.args]
    return given[1:] if given and given[0].arg in ("self", "cls") else given


def body_lines(function: ast.FunctionDef) -> int:
    """Count the lines of a function from its first statement after the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def components(arrows: dict[str, list[str]]) -> list[list[str]]:
    """Return the strongly connected components of a graph (R. Tarjan, SIAM Journal on Computing 1, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    counter = itertools.count()

    def visit(node: str) -> None:
        index[node] = low[node] = next(counter)
        stack.append(node)
        for other in arrows.get(node, []):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(stack[at:])
            del stack[at:]

    for node in arrows:
        if node not in index:
            visit(node)
    return found


def floors_table() -> str:
    """Write the floors as the Markdown table in CONTRIBUTING.md."""
    lines = ["| floor | folders and files |", "| ---: | --- |"]
    for floor in sorted(set(FLOORS.values())):
        names = [f"`{name}`" for name, its in FLOORS.items() if its == floor]
        lines.append(f"| {floor} | {', '.join(names)} |")
    return "\n".join(lines)


def report(house: House) -> str:
    """Write the measurements, one per line."""
    longest, where = house.longest_body()
    lines = {
        "entries at the top of the package": len(house.entries()),
        "import circles": len(house.circles(lazy=False)),
        "import circles with imports inside functions and for typing": len(house.circles(lazy=True)),
        "imports that do not point down": len(house.wrong_floor()),
        "own modules imported inside functions outside cli": len(house.hidden_imports()),
        "functions with six or more positional parameters": len(house.many_positional()),
        "functions that take a boolean by position": len(house.positional_booleans()),
        "lines of the longest function body": f"{longest} ({where})",
    }
    return "\n".join(f"{value}\t{name}" for name, value in lines.items())


if __name__ == "__main__":
    sys.stdout.write(report(House.read()) + "\n")
