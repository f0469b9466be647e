"""Atomic writes: files and folders appear complete or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gnnmax.errors import InputError
from gnnmax.io.locks import IS_WINDOWS, locked
from gnnmax.io.ownership import PROGRAM, OwnedFolder

__all__ = ["atomic_file", "atomic_folder", "check_output_folder", "write_file"]

UNFINISHED = ".gnnmax-unfinished"
"""Name of a file that marks a scratch folder as incomplete."""

FILE_ATTEMPTS = 1_000
"""Number of attempts to lock a temporary file before another writer takes it for a leftover."""

LOCKING = 3
"""Number of attempts to make a locked scratch folder."""


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file atomically; see :func:`atomic_file`.

    Args:
        path: Path of the file, in an existing folder.
        content: Bytes, or text written as UTF-8.

    Raises:
        InputError: the path is a folder, a device or another special file.

    Example:
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
        The file, open for writing bytes; it must stay open.

    Raises:
        InputError: the path is a folder, a device or another special file.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_file(Path(folder, "note.txt")) as file:
        ...         _ = file.write(b"in ")
        ...         _ = file.write(b"parts")
        ...     Path(folder, "note.txt").read_text()
        'in parts'
    """
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "not a regular file"
        raise InputError(f"{path} is {kind}, where a file is to be written: choose another name")
    path = Path(os.path.realpath(path))
    _sweep_partial_files(path)
    with _own_file(path) as (file, partial):
        yield file
        file.flush()
        os.fsync(file.fileno())
        if IS_WINDOWS:
            file.close()  # an open file has no other name there
        partial.replace(path)  # while it is locked
    _sync_folder(path.parent)


@contextlib.contextmanager
def _own_file(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a temporary file beside ``path``, locked while it is open; it is removed if the block fails."""
    for attempt in range(FILE_ATTEMPTS):
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            with partial.open("xb") as file, locked(partial, file.fileno()) as held:
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


def check_output_folder(path: Path, *, owner: OwnedFolder, force: bool = False) -> None:
    """Refuse an output folder that is in use, before any work is done.

    Args:
        path: The folder to write, which may be absent or empty.
        owner: The kind of folder; ``force`` replaces only folders that hold nothing else.
        force: Whether to replace a folder of this kind.

    Raises:
        InputError: the path is a file, or a folder that is not empty and may not be replaced.

    Example:
        >>> from gnnmax.io.ownership import DATA_SET
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "thesis.tex").touch()
        ...     check_output_folder(Path(folder), owner=DATA_SET, force=True)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the folder ... is not a data set of gnnmax: it has no manifest.json; choose ...
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"the output must be a folder, and {path} is not: choose another folder")
    if Path(os.path.realpath(path)) in (Path.cwd(), *Path.cwd().parents):
        raise InputError(f"the output {path} is the current folder or one above it: choose a separate folder")
    if not path.exists() or not any(path.iterdir()):
        return
    foreign = owner.foreign(path)
    if foreign:
        raise InputError(f"the folder {path} is not a {owner.title} of {PROGRAM}: {foreign}; choose another folder")
    if not force:
        raise InputError(f"the folder {path} is in use: choose another folder or pass --force to replace it")


@contextlib.contextmanager
def atomic_folder(path: Path, *, owner: OwnedFolder, force: bool = False) -> Iterator[Path]:
    """Yield a scratch folder that is renamed to ``path`` when the block succeeds, and removed when it fails.

    A folder that may be replaced (see :func:`check_output_folder`) is kept until the new one is complete; the two are
    then exchanged in one step if the system supports it. Scratch folders of killed runs are removed; those of running
    processes are locked, and kept.

    Args:
        path: The final folder; its parents are made.
        owner: The kind of folder.
        force: Whether to replace a folder of this kind.

    Yields:
        The scratch folder, beside ``path`` and on the same file system.

    Raises:
        InputError: the folder is in use.

    Example:
        >>> from gnnmax.io.ownership import DATA_SET
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_folder(Path(folder, "data"), owner=DATA_SET) as scratch:
        ...         write_file(scratch / "manifest.json", "{}")
        ...     sorted(p.name for p in Path(folder, "data").iterdir())
        ['manifest.json']
    """
    check_output_folder(path, owner=owner, force=force)
    with _made_parents(path):
        _sweep(path, owner)
        check_output_folder(path, owner=owner, force=force)
        with _own_folder(path) as scratch:
            try:
                (scratch / UNFINISHED).write_text(PROGRAM)
                yield scratch
                scratch.chmod(0o777 & ~_umask())
                (scratch / UNFINISHED).unlink()
                _sync_folder(scratch)
                check_output_folder(path, owner=owner, force=force)
                _take_name(scratch, path)
                _sync_folder(path.parent)
            except BaseException:
                _discard(scratch)
                raise


@contextlib.contextmanager
def _made_parents(path: Path) -> Iterator[None]:
    """Make the missing parent folders of ``path``, and remove them again if the block fails."""
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in made:  # the innermost first; a folder that another process uses by now is kept
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _take_name(scratch: Path, path: Path) -> None:
    """Rename a folder and remove the old folder of that name afterwards; restore it on failure."""
    if not path.exists():
        _rename(scratch, path)
        return
    with locked(path):
        if not _exchange(scratch, path):
            old = scratch.with_suffix(".old")
            path.replace(old)
            try:
                _rename(scratch, path)
            except BaseException:
                old.replace(path)
                raise
            old.replace(scratch)  # an ".old" folder is complete: the next run restores it if this one is killed
        _discard(scratch)


EXCHANGE = 2
"""The flag of Linux's renameat2 that exchanges two names in one step."""


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return False if the system or the file system does not support it."""
    system = None if IS_WINDOWS else ctypes.CDLL(None, use_errno=True)
    if system is None or not hasattr(system, "renameat2"):
        return False
    here = ctypes.c_int(-100)  # AT_FDCWD: paths are relative to the current folder
    return bool(system.renameat2(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(EXCHANGE)) == 0)


def _rename(scratch: Path, path: Path) -> None:
    try:
        scratch.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise InputError(f"another run has just written the folder {path}: choose another folder") from None


@contextlib.contextmanager
def _own_folder(path: Path) -> Iterator[Path]:
    """Make a scratch folder beside ``path``, locked while this process lives, if the file system has locks."""
    for attempt in range(LOCKING):
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
        with locked(scratch) as ours:
            if ours or attempt + 1 == LOCKING:
                yield scratch
                return
        # Another run removed it as a leftover before it was locked; or there are no locks, and nothing is removed.
        shutil.rmtree(scratch, ignore_errors=True)


def _sweep(path: Path, owner: OwnedFolder) -> None:
    """Remove leftovers of killed runs beside ``path``; restore an old folder whose successor was never renamed.

    The name alone is not enough: a leftover contains our mark, or the file that marks it as incomplete.
    """
    named = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.(partial|old)")
    for leftover in [entry for entry in path.parent.iterdir() if named.fullmatch(entry.name)]:
        with locked(leftover) as abandoned:
            if not abandoned or not _left_by_us(leftover, owner):
                continue
            if leftover.suffix == ".old" and not path.exists():
                leftover.replace(path)
            else:
                _discard(leftover)


def _left_by_us(leftover: Path, owner: OwnedFolder) -> bool:
    unfinished = leftover.suffix == ".partial" and ((leftover / UNFINISHED).is_file() or not any(leftover.iterdir()))
    return unfinished or not owner.foreign(leftover)


def _discard(folder: Path) -> None:
    """Remove a folder, its mark of incompleteness last, so that leftovers of a killed removal are recognised."""
    note = folder / UNFINISHED
    with contextlib.suppress(OSError):
        note.touch()
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry != note:
                entry.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(path: Path) -> None:
    if IS_WINDOWS:
        return  # a folder cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
