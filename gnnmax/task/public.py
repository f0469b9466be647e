"""Public functions by name: methods of low floors call functions of high ones, which the package's root provides.

A low floor imports no higher one. So ``windows.save(path)`` asks for the public function ``save_dataset`` by its name;
``gnnmax/__init__.py``, which lists the public names and where each is defined, answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["provide", "public"]

_FIND: list[Callable[[str], Any]] = []


def provide(find: Callable[[str], Any]) -> None:
    """Set the function that finds a public name of the package; its root calls this once."""
    _FIND[:] = [find]


def public(name: str) -> Any:
    """Return a public function of the package by its name, and load its module.

    Example:
        >>> public("is_centred").__name__
        'is_centred'
    """
    return _FIND[0](name)
