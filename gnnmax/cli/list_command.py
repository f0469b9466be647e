"""The command that lists recipes, models, configs, rules and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["List"]


Lists = Literal[
    "all",
    "recipes",
    "models",
    "map-models",
    "node-models",
    "configs",
    "rules",
    "map-rules",
    "block-rules",
    "tables",
    "plans",
]
"""What can be listed."""


@dataclass(frozen=True)
class List:
    """List the shipped recipes, the models, the configs, the rules, the tables to reproduce and the plans of sweeps."""

    what: tyro.conf.Positional[Lists] = "all"
    """The list to print."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print names and summaries."""
        lists = {name: entries() for name, entries in _LISTS.items() if self.what in ("all", name)}
        if self.json:
            print_json(lists)
            return 0
        width = max(len(name) for entries in lists.values() for name in entries)
        for title, entries in lists.items():
            print_text(title)
            for name, summary in entries.items():
                print_text(f"  {name:<{width}}  {summary}")
        return 0


def _recipes() -> dict[str, str]:
    from gnnmax.data.recipe_files import load_recipe, map_recipe_names, recipe_names

    return {name: load_recipe(name).summary for name in (*recipe_names(), *map_recipe_names())}


def _models() -> dict[str, str]:
    from gnnmax.models.references import installed_nets
    from gnnmax.models.registry import MODELS

    installed = {name: f"A net of an installed package, {code}." for name, code in installed_nets().items()}
    return {**installed, **{name: entry.summary for name, entry in MODELS.items()}}


def _map_models() -> dict[str, str]:
    from gnnmax.models.maps.registry import MAP_MODELS

    return {name: entry.summary for name, entry in MAP_MODELS.items()}


def _node_models() -> dict[str, str]:
    from gnnmax.models.nodes.registry import NODE_MODELS

    return {name: entry.summary for name, entry in NODE_MODELS.items()}


def _configs() -> dict[str, str]:
    from gnnmax.training.config_files import config_names, load_config

    return {name: load_config(name).summary for name in config_names()}


def _rules() -> dict[str, str]:
    from gnnmax.task.rules import RULES

    return {name: rule.summary for name, rule in RULES.items()}


def _map_rules() -> dict[str, str]:
    from gnnmax.data.maps.rules import MAP_RULES

    return {name: rule.summary for name, rule in MAP_RULES.items()}


def _block_rules() -> dict[str, str]:
    from gnnmax.data.maps.block_rules import BLOCK_RULES

    return {name: rule.summary for name, rule in BLOCK_RULES.items()}


def _tables() -> dict[str, str]:
    from gnnmax.experiments.reproduction import TABLES

    return {name: table.summary for name, table in TABLES.items()}


def _plans() -> dict[str, str]:
    from gnnmax.experiments.sweeps.plan import load_plan, plan_names

    return {name: load_plan(name).summary for name in plan_names()}


_LISTS: dict[str, Callable[[], dict[str, str]]] = {
    "recipes": _recipes,
    "models": _models,
    "map-models": _map_models,
    "node-models": _node_models,
    "configs": _configs,
    "rules": _rules,
    "map-rules": _map_rules,
    "block-rules": _block_rules,
    "tables": _tables,
    "plans": _plans,
}
