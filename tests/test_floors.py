"""The floors of the house: imports point down only, read from the source."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gnnmax"

FLOORS = {
    0: ("errors", "groups", "label", "noise", "shelves", "staging", "symmetry", "window"),
    1: (
        *(
            "adapters",
            "auditing",
            "bayes",
            "card",
            "conversion",
            "detection",
            "duplication",
            "prevalence",
            "evaluation",
            "generate",
            "judging",
            "judgement",
            "results",
            "rules",
            "scoring",
        ),
        *("store", "streaming", "testing", "thresholds", "verification"),
    ),
    2: ("graphs", "metric", "models"),
    3: (
        *(
            "agreement",
            "batches",
            "checkpoint",
            "comparison",
            "curves",
            "hyperparameters",
            "learner",
            "loading",
            "precision",
            "ranks",
            "resumption",
        ),
        *("reproduction", "runs", "schedule", "screening", "training", "trials"),
    ),
    4: ("__main__", "cli", "commands", "report"),
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names}

LIBRARIES = {
    "numpy": 0,
    "msgspec": 1,
    "scipy": 1,
    "networkx": 1,
    "sklearn": 1,
    "safetensors": 1,
    "loky": 1,
    "threadpoolctl": 1,
    "rich": 1,  # a verdict draws itself as a table, when asked
    "pyarrow": 1,
    "cooler": 1,
    "torch": 2,
    "torch_geometric": 2,
    "torchmetrics": 2,
    "matplotlib": 4,
    "jinja2": 4,
    "markupsafe": 4,
    "tyro": 4,
}


def room(module: str) -> str:
    """The part of the house that a module of the package stands in: gnnmax.generate.cuts -> generate."""
    return module.split(".")[1] if "." in module else ""


def imported(source: str) -> list[str]:
    """Every module that a source imports, inside functions too, but not for type checkers only."""
    tree = ast.parse(source)
    hidden = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for statement in branch.body
        for node in ast.walk(statement)
    }
    names = []
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            names.append(node.module or "")
    return names


def complaints(floor: int, source: str) -> list[str]:
    """What a source on a floor imports from above, or from nowhere that is known."""
    found = []
    for name in imported(source):
        top = name.split(".")[0]
        if top == "gnnmax":
            above = FLOOR_OF.get(room(name), 0 if name == "gnnmax" else 99)
        else:
            above = 0 if top in sys.stdlib_module_names else LIBRARIES.get(top, 99)
        if above > floor:
            found.append(name)
    return found


def sources() -> list[tuple[str, Path]]:
    return [(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts), path) for path in PACKAGE.rglob("*.py")]


@pytest.mark.parametrize(("module", "path"), sources(), ids=lambda value: str(value) if isinstance(value, str) else "")
def test_imports_point_down_only(module, path):
    if module == "gnnmax.__init__":
        return  # it names the public ones and loads none
    assert complaints(FLOOR_OF[room(module)], path.read_text(encoding="utf-8")) == []


def test_every_module_has_a_floor():
    rooms = {room(module) for module, _ in sources()} - {"__init__"}
    assert rooms == set(FLOOR_OF)


@pytest.mark.parametrize(
    ("floor", "source"),
    [
        (0, "import scipy"),
        (0, "def f():\n    from gnnmax.rules import RULES"),
        (1, "def f():\n    import torch"),
        (1, "from gnnmax.training import train_models"),
        (2, "from gnnmax.cli import main"),
        (3, "import matplotlib.pyplot"),
        (4, "import pandas"),
    ],
)
def test_an_import_from_above_is_caught(floor, source):
    assert complaints(floor, source)


def test_an_import_for_type_checkers_only_is_none():
    assert complaints(0, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch") == []
