"""Arguments that several commands share: flags, recipes with changes, data sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import tyro

from gnnmax.errors import InputError
from gnnmax.io.paths import as_path
from gnnmax.report.progress import drawing_progress

if TYPE_CHECKING:
    from gnnmax.data.dataset import DataSet
    from gnnmax.data.maps.dataset import MapSet
    from gnnmax.data.maps.recipe import MapRecipe
    from gnnmax.data.recipe import Recipe

T = TypeVar("T")

__all__ = [
    "NETS_HELP",
    "Changes",
    "Flag",
    "expand_home",
    "nets_of",
    "open_any_data",
    "open_data",
    "open_recipe",
    "plain_flags",
    "refuse_old_flags",
    "words_of",
]

Flag = tyro.conf.FlagCreatePairsOff[bool]
NETS_HELP = "The code of nets of your own in the run, separated by commas, each as NAME=FILE.py:CLASS."
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


def plain_flags(commands: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--flag=true`` as ``--flag``, and without ``--flag=false``.

    Example:
        >>> from gnnmax.cli import COMMANDS
        >>> plain_flags(COMMANDS, ["compare", "--stream=true", "--resume=False", "--out=true"])
        ['compare', '--stream', '--out=true']
    """
    command = commands.get(arguments[0] if arguments else "")
    flags = {f"--{name}" for name in _flags_of(command)} if command is not None else set()
    found = []
    for word in arguments:
        flag, _, value = word.partition("=")
        switch = SWITCHES.get(value.lower()) if flag.replace("_", "-") in flags else None
        if switch is None:
            found.append(word)
        elif switch:
            found.append(flag)
    return found


SWITCHES = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
"""Words that turn a flag on or off, in lower case."""


def _flags_of(command: Any) -> set[str]:
    """Return the names of a command's flags, those of nested options too, as they are written."""
    found: set[str] = set()
    for name, hint in get_type_hints(command, include_extras=True).items():
        inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if dataclasses.is_dataclass(inner):
            found |= _flags_of(inner)
        elif inner is bool:
            found.add(name.strip("_").replace("_", "-"))
    return found


def expand_home(command: T) -> T:
    """Return a command with every ``~`` at the start of a path replaced by the home folder.

    A shell does this for a word of its own, not for ``--out=~/runs``.
    """
    paths = {
        field.name: as_path(value)
        for field in dataclasses.fields(command)  # type: ignore[arg-type]  # every command is a dataclass
        if isinstance(value := getattr(command, field.name), Path)
    }
    return dataclasses.replace(command, **paths) if paths else command  # type: ignore[type-var]


def open_recipe(name: str, changes: Sequence[str] = ()) -> Recipe | MapRecipe:
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


def open_any_data(name: str) -> DataSet | MapSet:
    """Open a data set of windows or maps from a folder, or build one from a recipe, with a progress bar."""
    from gnnmax.data.store import load_any

    with drawing_progress("drawing hosts") as on_progress:
        return load_any(name, on_progress=on_progress)


def words_of(text: str) -> list[str]:
    """Split a string at commas and drop empty parts."""
    return [word.strip() for word in text.split(",") if word.strip()]


def nets_of(text: str) -> dict[str, Any]:
    """Read ``NAME`` and ``NAME=NET``, separated by commas, as a mapping of names to nets, None for a name alone.

    Raises:
        InputError: a net without a name, or a name twice.
    """
    from gnnmax.models.architecture import parse_name

    pairs = [parse_name(word) for word in words_of(text)]
    if len(dict(pairs)) < len(pairs):
        raise InputError(f"name each model once, not {', '.join(name for name, _ in pairs)}")
    return dict(pairs)
