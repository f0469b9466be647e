"""Atomic folders: a folder appears complete or not at all, and replaces the old one in one step."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gnnmax.errors import InputError
from gnnmax.io.atomic import sync_folder
from gnnmax.io.locks import IS_WINDOWS, locked
from gnnmax.io.ownership import PROGRAM, OwnedFolder, folder_around
from gnnmax.io.paths import entry_at, name_output

__all__ = ["UNFINISHED", "atomic_folder", "check_output_folder", "remove_leftovers", "restored_folder"]

UNFINISHED = ".gnnmax-unfinished"
"""Name of a file that marks a scratch folder as incomplete; who writes into the folder may record there how far."""

RESTORING_SECONDS = 2.0
"""Seconds within which a running process has renamed two folders."""

LOCKING = 3
"""Number of attempts to make a locked scratch folder."""


def check_output_folder(path: Path, *, owner: OwnedFolder, force: bool = False) -> None:
    """Refuse an output folder that is in use, before any work is done.

    Args:
        path: The folder to write, which may be absent or empty.
        owner: The kind of folder; ``force`` replaces only folders that hold nothing else.
        force: Whether to replace a folder of this kind.

    Raises:
        InputError: the path is a file, lies in another folder of the package, or is a folder that is not empty and may
            not be replaced.

    Example:
        >>> from gnnmax.io.ownership import DATA_SET
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "thesis.tex").touch()
        ...     check_output_folder(Path(folder), owner=DATA_SET, force=True)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the folder ... is not a data set of gnnmax: it has no manifest.json; choose ...
    """
    if path.is_symlink() or entry_at(path) not in ("nothing", "folder"):
        raise InputError(f"the output must be a folder, and {path} is not: choose another folder")
    if Path(os.path.realpath(path)) in (Path.cwd(), *Path.cwd().parents):
        raise InputError(f"the output {path} is the current folder or one above it: choose a separate folder")
    around = folder_around(path)
    if around:
        raise InputError(
            f"the output {path} would lie in {around}, which holds its own files only: choose another folder"
        )
    if not path.exists() or not any(path.iterdir()):
        return
    foreign = owner.foreign(path)
    if foreign:
        raise InputError(f"the folder {path} is not a {owner.title} of {PROGRAM}: {foreign}; choose another folder")
    if not force:
        raise InputError(f"the folder {path} is in use: choose another folder or pass --force to replace it")


@contextlib.contextmanager
def atomic_folder(
    path: Path, *, owner: OwnedFolder, force: bool = False, continues: Callable[[Path], bool] | None = None
) -> Iterator[Path]:
    """Yield a scratch folder that is renamed to ``path`` when the block succeeds, and removed when it fails.

    A folder that may be replaced (see :func:`check_output_folder`) is kept until the new one is complete; the two are
    then exchanged in one step if the system supports it. Scratch folders of killed runs are removed; those of running
    processes are locked, and kept.

    Args:
        path: The final folder; its parents are made.
        owner: The kind of folder.
        force: Whether to replace a folder of this kind.
        continues: Returns whether the block can go on from the content of a scratch folder. A killed run's folder is
            then yielded with its content, and that of a block that is stopped, except by wrong input, is kept.

    Yields:
        The scratch folder, beside ``path`` and on the same file system.

    Raises:
        InputError: the folder is in use.

    Example:
        >>> from gnnmax.io.ownership import DATA_SET
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_folder(Path(folder, "data"), owner=DATA_SET) as scratch:
        ...         _ = (scratch / "manifest.json").write_text("{}")
        ...     sorted(p.name for p in Path(folder, "data").iterdir())
        ['manifest.json']
    """
    check_output_folder(path, owner=owner, force=force)
    with _made_parents(path), _begun_folder(path, owner, continues) as begun:
        remove_leftovers(path, owner=owner, kept=begun)
        check_output_folder(path, owner=owner, force=force)
        with contextlib.nullcontext(begun) if begun else _own_folder(path) as scratch:
            try:
                if not begun:
                    (scratch / UNFINISHED).write_text(PROGRAM)
                yield scratch
                scratch.chmod(0o777 & ~_umask())
                (scratch / UNFINISHED).unlink(missing_ok=True)
                sync_folder(scratch)
                check_output_folder(path, owner=owner, force=force)
                _take_name(scratch, path)
                sync_folder(path.parent)
            except BaseException as error:
                name_output(error, path)
                if isinstance(error, InputError) or continues is None or not continues(scratch):
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
        with contextlib.ExitStack() as opened:
            try:
                ours = opened.enter_context(locked(scratch))
            except BaseException:  # an interrupt
                shutil.rmtree(scratch, ignore_errors=True)
                raise
            if ours or attempt + 1 == LOCKING:
                yield scratch
                return
        # Another run removed it as a leftover before it was locked; or there are no locks, and nothing is removed.
        shutil.rmtree(scratch, ignore_errors=True)


def _leftovers(path: Path) -> list[Path]:
    """List the folders beside ``path`` that a run may have left."""
    named = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.(partial|old)")
    return sorted(entry for entry in path.parent.iterdir() if named.fullmatch(entry.name))


@contextlib.contextmanager
def _begun_folder(path: Path, owner: OwnedFolder, continues: Callable[[Path], bool] | None) -> Iterator[Path | None]:
    """Lock and yield the scratch folder of a killed run that can be continued; None if there is none."""
    if continues is not None:
        for leftover in _leftovers(path):
            with locked(leftover) as abandoned:
                if abandoned and leftover.suffix == ".partial" and _left_by_us(leftover, owner) and continues(leftover):
                    yield leftover
                    return
    yield None


def restored_folder(path: Path, *, owner: OwnedFolder) -> Path:
    """Return a path to read from; if nothing is there, restore the folder whose replacement was never renamed.

    Where the system cannot exchange two names in one step, there is an instant without a folder of that name. A reader
    waits for a running process to pass it; what a killed process left gets its name back.

    Args:
        path: The folder to read, or a name that is none.
        owner: The kind of folder.

    Example:
        >>> from gnnmax.io.ownership import DATA_SET
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     old = Path(folder, ".data.0a1b2c3d.old")
        ...     old.mkdir()
        ...     _ = (old / "manifest.json").write_text('{"program": "gnnmax"}')
        ...     [entry.name for entry in restored_folder(Path(folder, "data"), owner=DATA_SET).iterdir()]
        ['manifest.json']
    """
    until, waits = time.monotonic() + RESTORING_SECONDS, True
    while waits and not os.path.lexists(path) and time.monotonic() < until:
        waits = False
        with contextlib.suppress(OSError, ValueError):  # a folder that cannot be read, or a text that is no path
            for old in [leftover for leftover in _leftovers(path) if leftover.suffix == ".old"]:
                with locked(old) as abandoned:
                    if abandoned and not owner.foreign(old):
                        old.replace(path)
                        return path
                    waits = waits or not abandoned
            time.sleep(0.01 if waits else 0)
    return path


def remove_leftovers(path: Path, *, owner: OwnedFolder, kept: Path | None = None) -> None:
    """Remove leftovers of killed runs beside ``path``; restore an old folder whose successor was never renamed.

    The name alone is not enough: a leftover contains our mark, or the file that marks it as incomplete. Folders of
    running processes are locked, and stay.

    Args:
        path: The folder that was to be written.
        owner: The kind of folder.
        kept: A leftover that stays.
    """
    for leftover in _leftovers(path):
        if leftover == kept:
            continue
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
