"""Write files and folders whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gnnmax.errors import InputError

__all__ = ["claim_folder", "staged_folder", "write_file"]


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file so that its name never holds less than the whole content, even if the machine stops.

    The content goes to a temporary name beside it, is synced to disk and renamed. The file gets the permissions that
    the umask gives to any new file.

    Args:
        path: Where; its folder exists.
        content: Bytes, or text written as UTF-8.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder, "note.txt"), "whole")
        ...     Path(folder, "note.txt").read_text()
        'whole'
    """
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
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


def claim_folder(path: Path, *, mark: str, force: bool = False) -> None:
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
        ...     claim_folder(Path(folder), mark="manifest.json", force=True)
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
def staged_folder(path: Path, *, mark: str, force: bool = False) -> Iterator[Path]:
    """Give a scratch folder that becomes ``path`` when the block ends well, and vanishes when it does not.

    A folder that stood there and may be replaced (see :func:`claim_folder`) is kept until the new one is whole.

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
        ...     with staged_folder(Path(folder, "data"), mark="manifest.json") as scratch:
        ...         write_file(scratch / "manifest.json", "{}")
        ...     sorted(p.name for p in Path(folder, "data").iterdir())
        ['manifest.json']
    """
    claim_folder(path, mark=mark, force=force)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    try:
        yield scratch
        scratch.chmod(0o777 & ~_umask())
        _sync_folder(scratch)
        claim_folder(path, mark=mark, force=force)
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
            path.replace(old)
            try:
                scratch.replace(path)
            except BaseException:
                old.replace(path)
                raise
            shutil.rmtree(old)
        else:
            scratch.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


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
