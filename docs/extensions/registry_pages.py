"""Pages made from the registries: rules, configs, tables to reproduce and the schemas of files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from gnnmax.data.maps.block_rules import BLOCK_RULES
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.data.recipe import Recipe
from gnnmax.data.store import Manifest
from gnnmax.experiments.leaderboard import Board
from gnnmax.experiments.reproduction import TABLES
from gnnmax.experiments.run_config import NetRecord, RunConfig
from gnnmax.report.documents import markdown
from gnnmax.task.rules import RULES
from gnnmax.training.config import TrainingConfig
from gnnmax.training.config_files import config_names, load_config

__all__ = ["configs_page", "rules_page", "schemas_page", "tables_page"]

SCHEMAS: dict[str, tuple[type, str]] = {
    "Recipe of windows": (Recipe, "`recipe.toml`, and the field `recipe` of the manifest of a stored data set."),
    "Recipe of maps": (MapRecipe, "The same for maps."),
    "Manifest of a stored data set": (Manifest, "`manifest.json`."),
    "Config of a run": (RunConfig, "`config.json` of a run folder."),
    "Record of a net": (NetRecord, "A net in the config of a run."),
    "Leaderboard": (Board, "The file of `gnnmax leaderboard`."),
    "Training config": (TrainingConfig, "The table `[training]` of a file for `--config`."),
}


def _summaries(entries: Mapping[str, Any], column: str) -> str:
    return markdown([[column, "meaning"], *([f"`{name}`", entry.summary] for name, entry in entries.items())])


def rules_page() -> str:
    """Return the page of the explicit rules: on windows, on maps, and for hidden blocks."""
    return f"""# Rules

A rule is an explicit scorer without parameters. Every run evaluates the rules beside the nets.

## On windows

`gnnmax.RULES`, `gnnmax list rules`.

{_summaries(RULES, "rule")}

## On maps

`gnnmax list map-rules`. See [maps](/maps.md).

{_summaries(MAP_RULES, "rule")}

## For hidden blocks

`gnnmax list block-rules`. See [order](/order.md).

{_summaries(BLOCK_RULES, "rule")}
"""


def configs_page() -> str:
    """Return the page of training configs: the shipped ones, and every field."""
    fields = msgspec.json.schema(TrainingConfig)["$defs"]["TrainingConfig"]["properties"]
    rows = [[f"`{name}`", _kind(field), f"`{json.dumps(field.get('default'))}`"] for name, field in fields.items()]
    return f"""# Configuration

`--config` of `gnnmax train` and `gnnmax compare` takes the name of a shipped config or a `.toml` file. Options of the
command line stand above the file. The run folder records the config that was used.

## Shipped configs

`gnnmax list configs`.

{_summaries({name: load_config(name) for name in config_names()}, "config")}

## Fields of `[training]`

{{py:obj}}`gnnmax.training.config.TrainingConfig` describes every field.

{markdown([["field", "value", "default"], *rows])}

## A file

```toml
summary = "Twice the steps of the config quick."

[training]
steps = 600
evaluate_every = 200
```

Further tables make other configs of a net, as [your own net](/own-net.md) shows.
"""


def _kind(field: Mapping[str, Any]) -> str:
    """Return the type of a field in a JSON schema in words."""
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    return {"null": "none", "integer": "whole number", "boolean": "true or false"}.get(field["type"], field["type"])


def tables_page() -> str:
    """Return the page of the tables that ``gnnmax reproduce`` computes."""
    rows = [[f"`gnnmax reproduce {name}`", table.summary] for name, table in TABLES.items()]
    return f"""# Tables to reproduce

Each command computes a table of [results](/results.md) again. `--quick` takes a minute or less where the table has it.

{markdown([["command", "table"], *rows])}
"""


def schemas_page() -> str:
    """Return the page of the files that are read and written, with the JSON schemas of their records."""
    blocks = []
    for title, (kind, where) in SCHEMAS.items():
        schema = json.dumps(msgspec.json.schema(kind), indent=1, ensure_ascii=False)
        blocks.append(f"## {title}\n\n{where}\n\n:::{{dropdown}} JSON schema\n```json\n{schema}\n```\n:::\n")
    return "\n".join(["# Schemas\n", "Rendered from the records that read and write the files.\n", *blocks])
