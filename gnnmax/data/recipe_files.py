"""Recipe files: shipped recipes by name, and your own TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnnmax.data.maps.recipe import MapRecipe, parse_map_recipe
from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.errors import InputError, unknown_name
from gnnmax.io.presets import Presets

__all__ = [
    "RecipeLike",
    "any_recipe",
    "as_map_recipe",
    "as_recipe",
    "load_recipe",
    "map_recipe_names",
    "parse_any",
    "recipe_names",
]

RecipeLike = Recipe | str | Path | Mapping[str, Any]
"""A recipe, the name of a shipped one, the path of a ``.toml`` file, or a recipe as plain dicts."""


def as_recipe(given: RecipeLike) -> Recipe:
    """Return a recipe of windows, whatever form it was given in.

    Raises:
        InputError: an unknown name, an unreadable file, a field that does not fit, a recipe of maps, or something else.

    Example:
        >>> as_recipe("tiny") == as_recipe(load_recipe("tiny").to_dict())
        True
        >>> as_recipe("needle-32")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: recipe needle-32 describes maps where windows are expected: cut windows out of ...
    """
    found = any_recipe(given)
    if isinstance(found, MapRecipe):
        raise InputError(
            f"recipe {found.name} describes maps where windows are expected: cut windows out of them with "
            "build(recipe).test.windows(k), or name a recipe of windows, as 'gnnmax list recipes' prints"
        )
    return found


def as_map_recipe(given: RecipeLike | MapRecipe) -> MapRecipe:
    """Return a recipe of maps, whatever form it was given in.

    Raises:
        InputError: an unknown name, an unreadable file, a field that does not fit, a recipe of windows, or something
            else.

    Example:
        >>> as_map_recipe("line-64").map.order
        'natural'
        >>> as_map_recipe("tiny")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: recipe tiny describes windows where maps are expected: give it a table [map], or ...
    """
    found = any_recipe(given)
    if not isinstance(found, MapRecipe):
        raise InputError(
            f"recipe {found.name} describes windows where maps are expected: give it a table [map], or name one of "
            f"{', '.join(map_recipe_names())}"
        )
    return found


def any_recipe(given: RecipeLike | MapRecipe) -> Recipe | MapRecipe:
    """Return a recipe of windows or of maps, whatever form it was given in.

    Raises:
        InputError: an unknown name, an unreadable file, a field that does not fit, or something else.

    Example:
        >>> any_recipe("needle-32").map.structure
        'directed'
    """
    if isinstance(given, Recipe | MapRecipe):
        return given
    if isinstance(given, (str, Path)):
        return parse_any(_read(given), str(given))
    if isinstance(given, dict):
        return parse_any(given, str(given.get("name")))
    raise InputError(
        f"expected a recipe, not {type(given).__name__}: give the name of a shipped one, the path of a .toml file, or "
        "load_recipe(name)"
    )


def parse_any(plain: Any, source: str) -> Recipe | MapRecipe:
    """Check plain dicts and lists as a recipe: of maps if they have a table ``map``, else of windows.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.
    """
    parse = parse_map_recipe if isinstance(plain, dict) and "map" in plain else parse_recipe
    return parse(plain, source)


def load_recipe(name: str | Path) -> Recipe | Any:
    """Load a recipe by its shipped name, or from a ``.toml`` file.

    Args:
        name: A name in :func:`recipe_names` or :func:`map_recipe_names`, or a path that ends in ``.toml``.

    Returns:
        A recipe of windows, or of maps if the file has a table ``[map]``.

    Raises:
        InputError: an unknown name, an unreadable file, or a field that does not fit.

    Example:
        >>> load_recipe("spike-9").k, load_recipe("line-64").map.n
        (9, 64)
    """
    if not isinstance(name, (str, Path)):
        raise InputError(f"load_recipe takes a name or path, not {type(name).__name__}: build takes a recipe as it is")
    return parse_any(_read(name), str(name))


def recipe_names() -> list[str]:
    """List the names of the shipped recipes of windows.

    Example:
        >>> "spike-9" in recipe_names()
        True
    """
    return _presets().names()


def map_recipe_names() -> list[str]:
    """List the names of the shipped recipes of maps.

    Example:
        >>> map_recipe_names()[:2]
        ['block-1000', 'clique-1000']
    """
    return _presets("maps").names()


def _read(name: str | Path) -> dict[str, Any]:
    if str(name) in map_recipe_names():
        return _presets("maps").read(name)
    try:
        return _presets().read(name)
    except InputError:
        if str(name).endswith(".toml"):
            raise
        known = [*recipe_names(), *map_recipe_names()]
        raise InputError(f"{unknown_name('recipe', str(name), known)}; or give a path that ends in .toml") from None


def _presets(folder: str = "") -> Presets:
    """Return the shipped recipes of a folder: inside an installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    installed = here / "recipes"
    whole = installed if installed.is_dir() else here.parents[1] / "datasets" / "recipes"
    return Presets("recipe", whole / folder)
