"""Recipe files: shipped recipes by name, and your own TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.errors import InputError
from gnnmax.io.presets import Presets

__all__ = ["RecipeLike", "as_recipe", "load_recipe", "recipe_names"]

RecipeLike = Recipe | str | Path | Mapping[str, Any]
"""A recipe, the name of a shipped one, the path of a ``.toml`` file, or a recipe as plain dicts."""


def as_recipe(given: RecipeLike) -> Recipe:
    """Return a recipe, whatever form it was given in.

    Raises:
        InputError: an unknown name, an unreadable file, a field that does not fit, or something else.

    Example:
        >>> as_recipe("tiny") == as_recipe(load_recipe("tiny").to_dict())
        True
    """
    if isinstance(given, Recipe):
        return given
    if isinstance(given, (str, Path)):
        return load_recipe(given)
    if isinstance(given, dict):
        return parse_recipe(given, str(given.get("name")))
    raise InputError(
        f"expected a recipe, not {type(given).__name__}: give the name of a shipped one, the path of a .toml file, or "
        "load_recipe(name)"
    )


def load_recipe(name: str | Path) -> Recipe:
    """Load a recipe by its shipped name, or from a ``.toml`` file.

    Args:
        name: A name in :func:`recipe_names`, or a path that ends in ``.toml``.

    Raises:
        InputError: an unknown name, an unreadable file, or a field that does not fit.

    Example:
        >>> load_recipe("spike-9").k
        9
    """
    if not isinstance(name, (str, Path)):
        raise InputError(f"load_recipe takes a name or path, not {type(name).__name__}: build takes a recipe as it is")
    return parse_recipe(_presets().read(name), str(name))


def recipe_names() -> list[str]:
    """List the names of the shipped recipes.

    Example:
        >>> "spike-9" in recipe_names()
        True
    """
    return _presets().names()


def _presets() -> Presets:
    """Return the shipped recipes: inside an installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    installed = here / "recipes"
    return Presets("recipe", installed if installed.is_dir() else here.parents[1] / "datasets" / "recipes")
