"""Paths that callers give: text or path objects, with ``~`` for the home folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Literal

from gnnmax.errors import InputError

__all__ = ["as_path", "entry_at", "name_output"]

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP)
"""Errors that say that nothing is at a path."""


FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
"""Errors that say that there is no place for what is written; the system names no path."""


def name_output(error: BaseException, path: Path) -> None:
    """Name the output in an error that says that there is no place for it.

    Example:
        >>> error = OSError(errno.ENOSPC, "No space left on device")
        >>> name_output(error, Path("maxima.csv"))
        >>> print(error)
        [Errno 28] No space left on device: 'maxima.csv'
    """
    if isinstance(error, OSError) and error.errno in FULL:
        error.filename = str(path)


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


def entry_at(path: Path) -> Literal["nothing", "file", "folder", "other"]:
    """Return what is at a path, by one look: between two, another process may remove it. Links are followed.

    Example:
        >>> entry_at(Path("nowhere")), entry_at(Path())
        ('nothing', 'folder')
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno not in ABSENT:
            raise
        return "nothing"
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"
