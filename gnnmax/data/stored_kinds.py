"""The two kinds of stored data, windows and maps: the layout of their shards, and their checks on reading."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from gnnmax.data.consistency import SplitChecker, windows_of_split
from gnnmax.data.imported import Imported
from gnnmax.data.maps.consistency import MapChecker
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = ["Described", "checker_of", "content_of", "count_of_split", "layout_of"]

Described = Recipe | Imported | MapRecipe
"""What describes stored data."""

Layout = dict[str, tuple[type[np.generic], tuple[int, ...]]]


class Checker(Protocol):
    """Checks the parts of a stored split, one after the other."""

    def check(self, part: Any, /, *, is_last: bool) -> None:
        """Check the next part; an InputError names the claim that does not hold."""


def layout_of(recipe: Described, count: int) -> Layout:
    """Return the dtype and shape of every array of ``count`` windows or maps of a recipe of one split.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> layout_of(load_recipe("needle-32").of("test"), 10)["values"][1]
        (10, 32, 32)
    """
    if not isinstance(recipe, MapRecipe):
        return {field.name: (field.dtype, field.shape(count, recipe.k)) for field in recipe.fields}
    rows, columns = recipe.map.sides
    sizes = {"M": count, "n": rows, "m": columns, "P": recipe.map.most_peaks}
    return {field.name: (field.dtype, field.shape(sizes)) for field in recipe.fields}


def content_of(recipe: Described, arrays: dict[str, Any]) -> Windows | Maps:
    """Return the windows or maps with some arrays, of a recipe of one split."""
    if isinstance(recipe, MapRecipe):
        return Maps(**arrays, structure=recipe.map.structure, model=recipe.map.model)
    return Windows(**arrays, label_rule=recipe.label, noise=recipe.noise)


def count_of_split(recipe: Described) -> tuple[int, int | None]:
    """Return the least and the greatest number of windows or maps of a recipe of one split; None if there is none.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> count_of_split(load_recipe("needle-32").of("test"))
        (1000, 1000)
    """
    return (recipe.graphs, recipe.graphs) if isinstance(recipe, MapRecipe) else windows_of_split(recipe)


def checker_of(recipe: Described, split: str) -> Checker:
    """Return the checks of a stored split."""
    return MapChecker(recipe, split) if isinstance(recipe, MapRecipe) else SplitChecker(recipe, split)
