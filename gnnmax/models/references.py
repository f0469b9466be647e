"""References to nets of your own: ``FILE.py:NAME``, ``package.module:NAME``, an entry point, or the factory itself.

Finding a reference runs its code. So a reference is found only where the caller names it in that very call, never
because a file on disk names it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from gnnmax.errors import InputError
from gnnmax.io.reading import FileKind
from gnnmax.models.own_nets import own_code

__all__ = [
    "ENTRY_POINTS",
    "Factory",
    "absolute",
    "find_factory",
    "installed_nets",
    "is_reference",
    "portable",
    "title_of",
]

ENTRY_POINTS = "gnnmax.models"
"""The group of entry points by which packages offer nets."""

SOURCE_FILE = FileKind("the source of a net", 1_000_000, "give another file")


@dataclass(frozen=True)
class Factory:
    """A factory, and the SHA-256 of the file that defines it; empty if there is no such file."""

    make: Any
    sha256: str


def installed_nets() -> dict[str, str]:
    """Return the references of the nets that installed packages offer, by name; no code of theirs is run.

    Example:
        >>> "gnn" in installed_nets()
        False
    """
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def is_reference(text: str) -> bool:
    """Tell whether a text names code, rather than a net of the registry.

    Example:
        >>> is_reference("net.py:MyNet"), is_reference("gnn")
        (True, False)
    """
    return ":" in text


def title_of(origin: Any) -> str:
    """Return a reference as text: as it is, or the module and the name of a factory.

    Example:
        >>> title_of("net.py:MyNet"), title_of(Factory)
        ('net.py:MyNet', 'gnnmax.models.references:Factory')
    """
    if isinstance(origin, str):
        return origin
    while isinstance(origin, functools.partial):
        origin = origin.func
    kind = origin if hasattr(origin, "__qualname__") else type(origin)
    return f"{kind.__module__}:{kind.__qualname__}"


def absolute(origin: Any) -> Any:
    """Return a reference that holds in any working folder: the path of its file is absolute, with ``~`` expanded."""
    if not isinstance(origin, str):
        return origin
    place, _, name = origin.rpartition(":")
    return f"{_path(place)}:{name}" if place.endswith(".py") else origin


def portable(reference: str) -> str:
    """Return the reference of a net of your own without the folder of its file.

    Example:
        >>> portable("nets/mine.py:MyNet"), portable("package.module:MyNet")
        ('mine.py:MyNet', 'package.module:MyNet')
    """
    place, colon, name = reference.rpartition(":")
    return f"{Path(place).name}{colon}{name}" if place.endswith(".py") else reference


def find_factory(origin: Any) -> Factory:
    """Find a factory, which runs the code that defines it.

    A file is run once per process and content. Files beside it can be imported while it runs.

    Args:
        origin: ``FILE.py:NAME``, ``package.module:NAME``, or the factory itself.

    Raises:
        InputError: no such file, module or name, or its code fails.

    Example:
        >>> find_factory("nowhere.py:MyNet")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: there is no file nowhere.py: give FILE.py:NAME, the file that defines the net
    """
    if not isinstance(origin, str):
        return Factory(origin, _digest_of(origin))
    place, _, name = origin.rpartition(":")
    if not place or not name:
        raise InputError(f"a net of your own is given as FILE.py:NAME or package.module:NAME, not {origin!r}")
    if place.endswith(".py"):
        content = _read(place)
        return Factory(_attribute(_run(place, content), name, place), hashlib.sha256(content).hexdigest())
    if "/" in place:
        raise InputError(f"{place} is not the file of a net: give one that ends in .py, as FILE.py:NAME")
    module = _import(place, name)
    return Factory(_attribute(module, name, place), _digest_of(module))


def _path(place: str) -> Path:
    try:
        return Path(place).expanduser().absolute()
    except RuntimeError as error:
        raise InputError(f"cannot expand {place}: {error}") from None


def _read(place: str) -> bytes:
    path = _path(place)
    if not path.is_file():
        raise InputError(f"there is no file {place}: give FILE.py:NAME, the file that defines the net")
    return SOURCE_FILE.read(path)


def _run(place: str, content: bytes) -> ModuleType:
    """Run the content of a file as a module of its own name, once per process."""
    path = _path(place)
    key = hashlib.sha256(bytes(path) + b"\0" + content).hexdigest()[:16]
    title = f"{path.stem}_{key}"
    if title in sys.modules:
        return sys.modules[title]
    module = ModuleType(title)
    module.__file__ = str(path)
    folder, done = str(path.parent), False
    sys.modules[title] = module  # dataclasses and annotations look it up
    sys.path.append(folder)
    try:
        with own_code(f"{place} cannot be run"):
            exec(compile(content, str(path), "exec"), module.__dict__)  # the caller named this file
        done = True
    finally:
        with contextlib.suppress(ValueError):  # it may have been removed there
            sys.path.remove(folder)
        if not done:
            sys.modules.pop(title, None)
    return module


def _import(place: str, name: str) -> ModuleType:
    try:
        with own_code(f"the module {place} cannot be imported"):
            return importlib.import_module(place)
    except InputError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and f"{place}.".startswith(f"{missing.name}."):
            file = f"{place.replace('.', '/')}.py:{name}"
            raise InputError(f"there is no module {place}: install it, or give its file, as in {file}") from None
        raise


def _attribute(module: ModuleType, name: str, place: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
            raise InputError(f"{place} defines no {name}; it defines: {', '.join(known[:20]) or 'nothing to call'}")
        found = getattr(found, part)
    return found


def _digest_of(defined: Any) -> str:
    """Return the SHA-256 of the file that defines a module, class or function; empty if there is none."""
    while isinstance(defined, functools.partial):
        defined = defined.func
    try:
        file = inspect.getsourcefile(defined)
        return "" if file is None else hashlib.sha256(SOURCE_FILE.read(file)).hexdigest()
    except (TypeError, OSError, InputError):
        return ""
