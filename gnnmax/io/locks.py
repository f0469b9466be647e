"""Locks between processes, of files and folders: released when the process that holds them ends.

Unix locks the open file or folder itself. Windows cannot open a folder, and a locked file there cannot be read: a file
in the folder of temporary files is locked in its place, one for each path.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gnnmax.errors import InputError

__all__ = ["IS_WINDOWS", "exclusively_locked", "locked"]

IS_WINDOWS = os.name == "nt"


@contextlib.contextmanager
def locked(path: Path, descriptor: int | None = None) -> Iterator[bool | None]:
    """Lock a file or folder inside the block, without waiting.

    Args:
        path: The file or folder. A link is not followed.
        descriptor: The number under which the file is open, if it is open; it stays open.

    Yields:
        Whether it is locked: False if another process holds the lock or the path does not exist or has been renamed;
        None if it cannot be opened, or the system or the file system has no locks.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder)) as first, locked(Path(folder)) as second:
        ...     first, second
        (True, False)
    """
    with contextlib.ExitStack() as opened:
        if IS_WINDOWS:
            yield _lock_in_place(path, opened)
            return
        if descriptor is None:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            except OSError as error:
                yield False if isinstance(error, FileNotFoundError) else None
                return
            opened.callback(os.close, descriptor)
        yield _lock_descriptor(descriptor, path)


@contextlib.contextmanager
def exclusively_locked(path: Path, descriptor: int | None = None, *, patience: float = 0) -> Iterator[None]:
    """Lock a file or folder inside the block; without locks in the file system, nothing is locked.

    Args:
        path: The file or folder. A link is followed.
        descriptor: The number under which the file is open, if it is open.
        patience: Seconds to wait for the process that holds the lock.

    Raises:
        InputError: another process still holds the lock.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with exclusively_locked(Path(folder)), exclusively_locked(Path(folder)):
        ...         pass
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: another process works in ...: wait until it has ended, or end it
    """
    until = time.monotonic() + patience
    while True:
        with locked(Path(os.path.realpath(path)), descriptor) as held:
            if held is not False:  # None: a file system without locks
                yield
                return
        if time.monotonic() >= until:
            raise InputError(f"another process works in {path}: wait until it has ended, or end it")
        time.sleep(0.02)


def _lock_descriptor(descriptor: int, path: Path) -> bool | None:
    """Lock an open file or folder, and return whether its path still leads to it."""
    from filelock import lock_descriptor

    try:
        if not lock_descriptor(descriptor, blocking=False):
            return False
    except OSError:
        return None
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _lock_in_place(path: Path, opened: contextlib.ExitStack) -> bool | None:
    """Lock the file that stands for a path, until the stack is closed."""
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    lock = FileLock(Path(tempfile.gettempdir(), f"gnnmax-{name[:32]}.lock"))
    try:
        opened.enter_context(lock.acquire(timeout=0))
    except Timeout:
        return False
    except OSError:
        return None
    return os.path.lexists(path)
