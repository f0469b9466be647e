"""Recipe files: shipped recipes by name, and your own TOML files."""

from __future__ import annotations

from pathlib import Path

from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.io.presets import Presets

__all__ = ["load_recipe", "recipe_names"]


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
