"""Paths that callers give: text or path objects, with ``~`` for the home folder."""

from __future__ import annotations

import os
from pathlib import Path

from gnnmax.errors import InputError

__all__ = ["as_path"]


def as_path(given: object, what: str = "the path") -> Path:
    """Return a path, with a ``~`` at its start replaced by the home folder.

    Args:
        given: Text, or a path object.
        what: Its name in an error.

    Raises:
        InputError: something else, an empty text, or a NUL character.

    Example:
        >>> as_path("~/runs").is_absolute(), as_path("runs").as_posix()
        (True, 'runs')
    """
    if not isinstance(given, (str, os.PathLike)) or not str(given):
        raise InputError(f"{what} must be a path, not {given!r:.40}: give text or a Path")
    if "\0" in os.fsdecode(given):
        raise InputError(f"{what} holds a NUL character, which no file name has: {given!r:.40}")
    path = Path(os.fsdecode(given))
    try:
        return path.expanduser()
    except RuntimeError:  # no such user
        return path
