"""Write files and folders whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
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
from gnnmax.io.ownership import PROGRAM, OwnedFolder

__all__ = ["atomic_folder", "check_output_folder", "write_file"]

UNFINISHED = ".gnnmax-unfinished"
"""A note in each scratch folder until it is whole."""

LOCKING = 3
"""Attempts at a scratch folder or a temporary file that is locked."""


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file so that its name never holds less than the whole content, even if the machine stops.

    The content goes to a temporary name beside it, is synced to disk and renamed. The file gets the permissions that
    the umask gives to any new file. A link stays, and what it leads to is written. What killed writers of the same file
    left is removed; the temporary files of running ones are locked, and stay.

    Args:
        path: Where; its folder exists.
        content: Bytes, or text written as UTF-8.

    Raises:
        InputError: a folder, a device or another thing that is no file stands there.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder, "note.txt"), "whole")
        ...     Path(folder, "note.txt").read_text()
        'whole'
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "not a regular file"
        raise InputError(f"{path} is {kind}, and a file was to be written: choose another name")
    path = Path(os.path.realpath(path))
    _sweep_partial_files(path)
    with _own_file(path) as (file, partial):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        partial.replace(path)  # while it is locked
    _sync_folder(path.parent)


@contextlib.contextmanager
def _own_file(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a temporary file beside ``path``, locked while it is open; it is removed if the block fails."""
    for attempt in range(LOCKING):
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            with partial.open("xb") as file:
                if _lock_file(file.fileno(), partial) or attempt + 1 == LOCKING:
                    yield file, partial
                    return
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        # Another writer took it for a leftover before it was locked; or there are no locks, and nobody takes anything.
        partial.unlink(missing_ok=True)


def _lock_file(descriptor: int, path: Path) -> bool:
    """Lock an open file and tell whether it worked and the file still has its name."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


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
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if _lock_file(descriptor, leftover):
                    leftover.unlink()
            finally:
                os.close(descriptor)


def check_output_folder(path: Path, *, owner: OwnedFolder, force: bool = False) -> None:
    """Refuse an output folder that is in use, before any work is done.

    Args:
        path: The folder to be written. It may be absent or empty.
        owner: The sort of folder; ``force`` replaces only those that are of this sort throughout.
        force: Whether a folder of this sort may be replaced.

    Raises:
        InputError: the path is a file, or a folder that holds something and may not be replaced.

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
    if path.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise InputError(f"the output {path} is the current folder or one above it: name a folder of its own")
    if not path.exists() or not any(path.iterdir()):
        return
    foreign = owner.foreign(path)
    if foreign:
        raise InputError(f"the folder {path} is not a {owner.title} of {PROGRAM}: {foreign}; choose another folder")
    if not force:
        raise InputError(f"the folder {path} is in use: choose another folder or pass --force to replace it")


@contextlib.contextmanager
def atomic_folder(path: Path, *, owner: OwnedFolder, force: bool = False) -> Iterator[Path]:
    """Give a scratch folder that becomes ``path`` when the block ends well, and vanishes when it does not.

    A folder that may be replaced (see :func:`check_output_folder`) stays until the new one is whole; the two exchange
    their names at once where the system can. Scratch folders that killed runs left behind are removed; those of running
    processes are locked, and stay.

    Args:
        path: The final folder; its parents are made.
        owner: The sort of folder.
        force: Whether a folder of this sort may be replaced.

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
    """Make the folders above ``path`` that are not there, and remove them again if the block fails."""
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in made:  # the innermost first; one that another process uses by now stays
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _take_name(scratch: Path, path: Path) -> None:
    """Rename a folder; what stands under the new name is removed after that, and put back if that fails."""
    if not path.exists():
        _rename(scratch, path)
        return
    with _locked(path):
        if not _exchange(scratch, path):
            old = scratch.with_suffix(".old")
            path.replace(old)
            try:
                _rename(scratch, path)
            except BaseException:
                old.replace(path)
                raise
            old.replace(scratch)  # an ".old" folder is whole: the next run puts it back where this one was killed
        _discard(scratch)


EXCHANGE = 2
"""The flag of Linux's renameat2 that exchanges two names at once."""


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot."""
    system = ctypes.CDLL(None, use_errno=True)
    if not hasattr(system, "renameat2"):
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
    """Make a scratch folder beside ``path``, locked for as long as this process lives, where there are locks."""
    for attempt in range(LOCKING):
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
        with _locked(scratch) as ours:
            if ours or attempt + 1 == LOCKING:
                yield scratch
                return
        # Another run took it for a leftover before it was locked; or there are no locks, and nobody takes anything.
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder and tell whether it worked; the system drops the lock of a process that is killed.

    It did not if the folder has vanished, another process holds it, or the file system knows no locks.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = os.path.samestat(os.fstat(descriptor), folder.stat())
        except OSError:
            held = False
        yield held
    finally:
        os.close(descriptor)


def _sweep(path: Path, owner: OwnedFolder) -> None:
    """Remove what killed runs left beside ``path``; put back an old folder whose successor never took the name.

    A name proves nothing: a leftover carries our mark, or the note that it is unfinished.
    """
    named = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.(partial|old)")
    for leftover in [entry for entry in path.parent.iterdir() if named.fullmatch(entry.name)]:
        with _locked(leftover) as abandoned:
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
    """Remove a folder, the note that it is unfinished last: one that is killed on the way leaves what can be swept."""
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
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
