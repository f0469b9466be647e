"""The command that lists what there is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.printing import print_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["List"]


@dataclass(frozen=True)
class List:
    """List the shipped recipes, the models, the configs, the rules and the tables that can be made again."""

    what: tyro.conf.Positional[Literal["all", "recipes", "models", "configs", "rules", "tables"]] = "all"
    """Which of them."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print names and summaries."""
        shelves = {name: shelf() for name, shelf in _SHELVES.items() if self.what in ("all", name)}
        if self.json:
            print_json(shelves)
            return 0
        width = max(len(name) for shelf in shelves.values() for name in shelf)
        for title, shelf in shelves.items():
            sys.stdout.write(f"{title}\n")
            for name, summary in shelf.items():
                sys.stdout.write(f"  {name:<{width}}  {summary}\n")
        return 0


def _recipes() -> dict[str, str]:
    from gnnmax.data.recipe_files import load_recipe, recipe_names

    return {name: load_recipe(name).summary for name in recipe_names()}


def _models() -> dict[str, str]:
    from gnnmax.models.registry import MODELS

    return {name: entry.summary for name, entry in MODELS.items()}


def _configs() -> dict[str, str]:
    from gnnmax.training.config_files import config_names, load_config

    return {name: load_config(name).summary for name in config_names()}


def _rules() -> dict[str, str]:
    from gnnmax.task.rules import RULES

    return {name: rule.summary for name, rule in RULES.items()}


def _tables() -> dict[str, str]:
    from gnnmax.experiments.reproduction import TABLES

    return {name: table.summary for name, table in TABLES.items()}


_SHELVES: dict[str, Callable[[], dict[str, str]]] = {
    "recipes": _recipes,
    "models": _models,
    "configs": _configs,
    "rules": _rules,
    "tables": _tables,
}
