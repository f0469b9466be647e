"""Arguments that several commands share: flags, recipes with changes, data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gnnmax.errors import InputError
from gnnmax.report.progress import drawing_progress

if TYPE_CHECKING:
    from gnnmax.data.dataset import DataSet
    from gnnmax.data.recipe import Recipe

__all__ = ["Changes", "Flag", "open_data", "open_recipe", "refuse_old_flags", "words_of"]

Flag = tyro.conf.FlagCreatePairsOff[bool]
Changes = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


def refuse_old_flags(commands: Mapping[str, Any], arguments: Sequence[str]) -> None:
    """Refuse a flag by its old name; ``old_flags`` of the command maps old names to new ones.

    Raises:
        InputError: a flag has its old name; the message gives the new one.

    Example:
        >>> from gnnmax.cli import COMMANDS
        >>> refuse_old_flags(COMMANDS, ["detect", "m.npy", "--separation", "3"])
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: --separation is called --min-distance now
    """
    old_flags = getattr(commands.get(arguments[0] if arguments else ""), "old_flags", {})
    for word in arguments:
        flag = word.partition("=")[0]
        if flag in old_flags:
            raise InputError(f"{flag} is called {old_flags[flag]} now")


def open_recipe(name: str, changes: Sequence[str] = ()) -> Recipe:
    """Load a recipe and change some of its fields, each given as ``key=value``."""
    from gnnmax.data.recipe_files import load_recipe

    recipe = load_recipe(name)
    return recipe.replace(**dict(_change(change) for change in changes)) if changes else recipe


def _change(text: str) -> tuple[str, Any]:
    """Read ``key=value``, the value as TOML or, failing that, as a plain string."""
    import tomllib

    from gnnmax.io.toml_text import parse_toml

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set takes key=value, as in --set seed=3, not {text!r}")
    try:
        return key.strip(), parse_toml(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
    except ValueError:
        raise InputError(
            f"the value of --set {key.strip()} is too long or too deep: give a number, a word or a list"
        ) from None


def open_data(name: str) -> DataSet:
    """Open a data set from a folder, or build one from a recipe, with a progress bar."""
    from gnnmax.data.store import load_data

    with drawing_progress("drawing hosts") as on_progress:
        return load_data(name, on_progress=on_progress)


def words_of(text: str) -> list[str]:
    """Split a string at commas and drop empty parts."""
    return [word.strip() for word in text.split(",") if word.strip()]
