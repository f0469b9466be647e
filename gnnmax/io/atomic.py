"""Atomic writes: a file appears complete or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gnnmax.errors import InputError
from gnnmax.io.locks import IS_WINDOWS, locked
from gnnmax.io.paths import entry_at, name_output

__all__ = ["atomic_file", "sync_folder", "write_file"]

FILE_ATTEMPTS = 1_000
"""Number of attempts to lock a temporary file before another writer takes it for a leftover."""


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file atomically; see :func:`atomic_file`.

    Args:
        path: Path of the file, in an existing folder.
        content: Bytes, or text written as UTF-8.

    Raises:
        InputError: the path is a folder, a device or another special file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder, "note.txt"), "whole")
        ...     Path(folder, "note.txt").read_text()
        'whole'
    """
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write it atomically: its name never refers to partial content, even after a crash.

    The content goes to a temporary name beside it, is synced to disk and renamed when the block succeeds. The file gets
    the permissions that the umask gives to any new file. A symbolic link is kept, and its target is written. Temporary
    files that killed writers of the same file left are removed; those of running writers are locked, and stay.

    Args:
        path: Path of the file, in an existing folder.

    Yields:
        The file, open for writing bytes and for reading them again; it must stay open.

    Raises:
        InputError: the path is a folder, a device or another special file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_file(Path(folder, "note.txt")) as file:
        ...         _ = file.write(b"in ")
        ...         _ = file.write(b"parts")
        ...     Path(folder, "note.txt").read_text()
        'in parts'
    """
    there = entry_at(path)
    if there not in ("nothing", "file"):
        kind = "a folder" if there == "folder" else "not a regular file"
        raise InputError(f"{path} is {kind}, where a file is to be written: choose another name")
    target = Path(os.path.realpath(path))
    _sweep_partial_files(target)
    try:
        with _own_file(target) as (file, partial):
            yield file
            file.flush()
            os.fsync(file.fileno())
            if IS_WINDOWS:
                file.close()  # an open file has no other name there
            partial.replace(target)  # while it is locked
        sync_folder(target.parent)
    except OSError as error:
        name_output(error, path)
        raise


@contextlib.contextmanager
def _own_file(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a temporary file beside ``path``, locked while it is open; it is removed if the block fails."""
    for attempt in range(FILE_ATTEMPTS):
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            with partial.open("x+b") as file, locked(partial, file.fileno()) as held:
                if held is not False or attempt + 1 == FILE_ATTEMPTS:
                    yield file, partial
                    return
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        # Another writer took it for a leftover before it was locked.
        partial.unlink(missing_ok=True)


def _sweep_partial_files(path: Path) -> None:
    """Remove what killed writers left of a file: regular files of the exact name that nobody has locked."""
    named = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.partial")
    try:
        leftovers = [entry for entry in path.parent.iterdir() if named.fullmatch(entry.name)]
    except OSError:
        return  # a folder that may not be read holds nothing that we may remove
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(leftover.lstat().st_mode):
                continue
            with locked(leftover) as abandoned:
                if abandoned:
                    leftover.unlink()


def sync_folder(path: Path) -> None:
    """Write the names in a folder to disk, where a system can."""
    if IS_WINDOWS:
        return  # a folder cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
