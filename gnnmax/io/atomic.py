"""Write files and folders whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gnnmax.errors import InputError

__all__ = ["atomic_folder", "check_output_folder", "write_file"]

LOCKING = 3
"""Attempts at a scratch folder that is locked."""


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file so that its name never holds less than the whole content, even if the machine stops.

    The content goes to a temporary name beside it, is synced to disk and renamed. The file gets the permissions that
    the umask gives to any new file. A link stays, and what it leads to is written.

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
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def check_output_folder(path: Path, *, mark: str, force: bool = False) -> None:
    """Refuse an output folder that is in use, before any work is done.

    Args:
        path: The folder to be written. It may be absent or empty.
        mark: Name of the file that tells a folder of this sort; ``force`` replaces only folders that hold it.
        force: Whether a finished folder of this sort may be replaced.

    Raises:
        InputError: the path is a file, or a folder that holds something and may not be replaced.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "thesis.tex").touch()
        ...     check_output_folder(Path(folder), mark="manifest.json", force=True)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the folder ... holds other files and no manifest.json: choose another folder
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"the output must be a folder, and {path} is not: choose another folder")
    if not path.exists() or not any(path.iterdir()):
        return
    if not (path / mark).is_file():
        raise InputError(f"the folder {path} holds other files and no {mark}: choose another folder")
    if not force:
        raise InputError(f"the folder {path} is in use: choose another folder or pass --force to replace it")


@contextlib.contextmanager
def atomic_folder(path: Path, *, mark: str, force: bool = False) -> Iterator[Path]:
    """Give a scratch folder that becomes ``path`` when the block ends well, and vanishes when it does not.

    A folder that may be replaced (see :func:`check_output_folder`) is kept until the new one is whole. Scratch folders
    of killed runs are removed. Those of running processes are locked and stay.

    Args:
        path: The final folder; its parents are made.
        mark: Name of the file that tells a folder of this sort.
        force: Whether a finished folder of this sort may be replaced.

    Yields:
        The scratch folder, beside ``path`` and on the same file system.

    Raises:
        InputError: the folder is in use.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_folder(Path(folder, "data"), mark="manifest.json") as scratch:
        ...         write_file(scratch / "manifest.json", "{}")
        ...     sorted(p.name for p in Path(folder, "data").iterdir())
        ['manifest.json']
    """
    check_output_folder(path, mark=mark, force=force)
    with _made_parents(path):
        _sweep(path)
        check_output_folder(path, mark=mark, force=force)
        with _own_folder(path) as scratch:
            try:
                yield scratch
                scratch.chmod(0o777 & ~_umask())
                _sync_folder(scratch)
                check_output_folder(path, mark=mark, force=force)
                _take_name(scratch, path)
                _sync_folder(path.parent)
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
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
    old = scratch.with_suffix(".old")
    with _locked(path):
        path.replace(old)
        try:
            _rename(scratch, path)
        except BaseException:
            old.replace(path)
            raise
        old.replace(scratch)  # what is called old is whole, and is put back by the next run where this one is killed
        shutil.rmtree(scratch)


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


def _sweep(path: Path) -> None:
    """Remove what killed runs left beside ``path``; put back an old folder whose successor never took the name."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.(partial|old)")
    for leftover in [entry for entry in path.parent.iterdir() if ours.fullmatch(entry.name)]:
        with _locked(leftover) as abandoned:
            if not abandoned:
                continue
            if leftover.suffix == ".old" and not path.exists():
                leftover.replace(path)
            else:
                shutil.rmtree(leftover, ignore_errors=True)


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
