"""Views of a recipe: as one line, as a table, and as a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import NODEFAULT, structs, to_builtins

from gnnmax.io.toml import toml_text, toml_value
from gnnmax.task.tabulation import Shown, TableText

__all__ = ["LONGEST_SUMMARY", "TAKEN", "RecipeViews"]

LONGEST_SUMMARY = 200

TAKEN = (
    *(
        "bayes",
        "ceiling",
        "ceiling_of",
        "count",
        "folder",
        "get",
        "groups",
        "items",
        "keys",
        "parts",
        "recipe",
        "save",
        "split",
    ),
    *("splits", "tables", "values"),
)
"""Attributes of :class:`gnnmax.data.dataset.DataSet`, which no split may be named after."""


class RecipeViews(Shown):
    """Base of :class:`gnnmax.data.recipe.Recipe`: its views; the fields are those of recipes."""

    __slots__ = ()

    name: str
    summary: str
    splits: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain dicts, lists, strings and numbers."""
        raise NotImplementedError

    def given(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain values.

        Example:
            >>> from gnnmax.data.recipe_files import load_recipe
            >>> list(load_recipe("real-karate").given())[-2:]
            ['cuts', 'plant']
        """
        fields: Any = structs.fields(self)  # type: ignore[arg-type]  # the class that inherits this is a struct
        defaults = {field.name: None if field.default is NODEFAULT else field.default for field in fields}
        plain = {name: value for name, value in self.to_dict().items() if value not in (None, {}, [], (), "")}
        return {name: value for name, value in plain.items() if value != defaults[name]}

    def changed_summary(self, new: RecipeViews, changes: Mapping[str, Any]) -> str:
        """Return the summary of a changed recipe: the old one, unless a field changed that it may repeat.

        Args:
            new: The changed recipe.
            changes: The values given, by dotted path.
        """
        paths = [path for path in changes if path.split(".")[0] not in ("name", "seed")]
        fields = sorted({path.split(".")[0] for path in paths})
        if all(getattr(self, field) == getattr(new, field) for field in fields):
            return self.summary
        said = f"{self.name} with "
        start = f"{self.summary}, " if self.summary.startswith(said) else said
        values = {path: to_builtins(changes[path]) for path in paths}
        texts = [f"no {path}" if value is None else f"{path} = {toml_value(value)}" for path, value in values.items()]
        whole = start + ", ".join(texts)
        return whole if len(whole) <= LONGEST_SUMMARY else f"{said}changed {', '.join(fields)}"

    def to_toml(self) -> str:
        """Return the recipe as the text of a TOML file, which :func:`gnnmax.load_recipe` reads back unchanged.

        Example:
            >>> from gnnmax.data.recipe_files import load_recipe
            >>> print(load_recipe("real-karate").to_toml().splitlines()[2])
            k = 9
        """
        return toml_text(self.given())

    def __str__(self) -> str:
        counts = ", ".join(f"{split} {hosts:,}" for split, hosts in self.splits.items())
        return f"recipe {self.name}: {self.content}, hosts: {counts}"

    @property
    def content(self) -> str:
        """The data that it describes, in a few words."""
        raise NotImplementedError

    def tables(self) -> list[TableText]:
        """Return a table of the fields that differ from their defaults."""
        shown = {name: value for name, value in self.given().items() if name not in ("name", "summary")}
        rows = [line.split(" = ", 1) for name, value in shown.items() for line in _lines(name, value)]
        return [TableText(self.name, ["field", "value"], rows, [self.summary] if self.summary else [])]


def _lines(name: str, value: Any) -> list[str]:
    """Write a field as lines ``field = value``; each entry of a list of tables has its own."""
    if isinstance(value, (list, tuple)) and any(isinstance(entry, dict) for entry in value):
        return [toml_text({name: entry}).rstrip() for entry in value]
    return [toml_text({name: value}).rstrip().replace("\n", " ")]
