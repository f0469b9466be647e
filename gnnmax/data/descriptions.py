"""Descriptions of stored windows or maps in plain values: a recipe, or the description of an import."""

from __future__ import annotations

from typing import Any

from gnnmax.data.imported import Imported, parse_import
from gnnmax.data.maps.imported import ImportedMaps, parse_imported_maps
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import parse_any

__all__ = ["parse_description"]


def parse_description(plain: dict[str, Any], source: str) -> Recipe | MapRecipe | Imported | ImportedMaps:
    """Check plain dicts and lists as a recipe, or as the description of an import, which has a content.

    That of windows has a side ``k``, that of maps a ``structure``.

    Args:
        plain: As ``to_dict`` of a recipe or of an import returns it.
        source: Its name in an error.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.

    Example:
        >>> parse_description({"name": "x", "content": "y"}, "x")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: import x: ...
    """
    if "content" not in plain:
        return parse_any(plain, source)
    return parse_imported_maps(plain, source) if "structure" in plain else parse_import(plain, source)
