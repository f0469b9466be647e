"""Reading: the one door for every file that is read back: regular, not too large, and decoded against a type."""

from __future__ import annotations

import codecs
import errno
import json
import mmap
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from gnnmax.errors import InputError

__all__ = ["FileKind", "NotRegularError", "open_regular", "open_to_append", "read_ends"]

T = TypeVar("T")

UNWAITING = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""Flags of files that are opened: never wait, and on Windows read bytes as they are."""

NOT_FOLLOWING = getattr(os, "O_NOFOLLOW", 0)
"""The flag that refuses a link, where the system has one."""

COSTS = {b":": 250, b"[": 90, b"{": 90, b",": 40}
"""Bytes of memory for each of these characters of JSON: a key with its value, a list, an object, an entry."""


class NotRegularError(OSError):
    """A path leads to a folder, a pipe, a socket or a device, from which reading may never end."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", str(path))


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading; never wait, even if the path leads to a pipe or a device.

    Args:
        path: The file.
        follow: Whether to follow a link; otherwise a link is not regular.

    Raises:
        OSError: it cannot be opened or is not regular; its ``strerror`` fits into a message.
        ValueError: the path is not one, such as a text with a zero byte.

    Example:
        >>> open_regular(Path("/dev/null"))
        Traceback (most recent call last):
        ...
        gnnmax.io.reading.NotRegularError: [Errno 22] it is not a regular file: '/dev/null'
    """
    return os.fdopen(_descriptor(path, os.O_RDONLY, follow=follow), "rb")


def open_to_append(path: Path) -> Any:
    """Open a regular file for appending lines of text, and make it if it is missing; never wait.

    Raises:
        OSError: it cannot be opened or is not regular.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return os.fdopen(_descriptor(path, flags), "a", encoding="utf-8", buffering=1)


def _descriptor(path: Path, flags: int, *, follow: bool = True) -> int:
    """Open a regular file; the status is checked before, because opening may act on a device, and after."""
    if not flags & os.O_CREAT or os.path.lexists(path):
        _check_regular(path.stat(follow_symlinks=follow), path)
    descriptor = os.open(path, flags | UNWAITING | (0 if follow else NOT_FOLLOWING), 0o666)
    try:
        _check_regular(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(path)


def read_ends(path: Path, size: int) -> tuple[bytes, bytes]:
    """Read the first and the last bytes of a regular file; they overlap if the file is small.

    Args:
        path: The file.
        size: Largest number of bytes of each end.

    Raises:
        OSError: it cannot be read or is not regular.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "x")
        ...     _ = file.write_text("made by me")
        ...     read_ends(file, 4)
        (b'made', b'y me')
    """
    with open_regular(path) as file:
        head = file.read(size)
        file.seek(max(0, os.fstat(file.fileno()).st_size - size))
        return head, file.read(size)


@dataclass(frozen=True)
class FileKind:
    """A kind of file that the package reads: every refusal names the file, the reason and the remedy.

    Attributes:
        title: Its name in an error, with an article.
        largest: Number of bytes that it may have.
        remedy: What to do about one that cannot be read.
        memory: Bytes of memory that its values may take once decoded, by a cautious estimate.

    Example:
        >>> FileKind("the recipe file", 1_000_000, "choose another file").read(Path("nowhere.toml"))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: cannot read the recipe file nowhere.toml: No such file or directory; choose ...
    """

    title: str
    largest: int
    remedy: str
    memory: int = 250_000_000

    def read(self, path: str | Path) -> bytes:
        """Return the content of a file.

        Raises:
            InputError: it cannot be read, is not regular, is too large, or changes meanwhile.
        """
        path = Path(path)
        try:
            with open_regular(path) as file:
                size = self._checked_size(file, path)
                content = file.read(size + 1)
        except (OSError, ValueError) as error:
            raise self._unreadable(path, error) from None
        if len(content) != size:
            raise InputError(f"{self.title} {path} changed while it was read: try again")
        return content

    def map(self, path: str | Path) -> memoryview:
        """Map a file into memory, to read only; the view keeps the map alive.

        Raises:
            InputError: it cannot be read, is not regular, is too large or empty.
        """
        path = Path(path)
        try:
            with open_regular(path) as file:
                if not self._checked_size(file, path):
                    raise InputError(f"{self.title} {path} is empty: {self.remedy}")
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise self._unreadable(path, error) from None

    def decode(
        self, content: bytes, wanted: type[T], path: str | Path, *, hook: Callable[[Any, Any], Any] | None = None
    ) -> T:
        """Decode JSON as a type, strictly: every key once, no unknown numbers, nothing that needs much memory.

        Args:
            content: The JSON; a byte-order mark at its start is left out.
            wanted: A type that msgspec can check.
            path: The file, for errors.
            hook: Makes values of types that msgspec does not know.

        Raises:
            InputError: it is something else; the message gives the place.

        Example:
            >>> FileKind("the table", 100, "write it again").decode(b'{"a": 1, "a": 2}', dict[str, int], "x.json")
            Traceback (most recent call last):
            ...
            gnnmax.errors.InputError: the table x.json is damaged: the key 'a' is there twice; write it again
        """
        content = content.removeprefix(codecs.BOM_UTF8)
        if sum(cost * content.count(mark) for mark, cost in COSTS.items()) > self.memory:
            raise self.damaged(path, "it holds too many values")
        try:
            found = msgspec.json.decode(content, type=wanted, dec_hook=hook)
            _check_keys(content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self.damaged(path, error) from None
        return found

    def read_json(self, path: str | Path, wanted: type[T], *, hook: Callable[[Any, Any], Any] | None = None) -> T:
        """Read a file and decode it, see :meth:`read` and :meth:`decode`."""
        return self.decode(self.read(path), wanted, path, hook=hook)

    def damaged(self, path: str | Path, reason: object) -> InputError:
        """Make the error for content that is not what it should be."""
        lines = str(reason).splitlines() or [type(reason).__name__]
        return InputError(f"{self.title} {path} is damaged: {lines[0][:300]}; {self.remedy}")

    def _checked_size(self, file: BinaryIO, path: Path) -> int:
        size = os.fstat(file.fileno()).st_size
        if size > self.largest:
            raise InputError(f"{self.title} {path} is larger than {_written(self.largest)}: {self.remedy}")
        return size

    def _unreadable(self, path: Path, error: Exception) -> InputError:
        if isinstance(error, InputError):
            return error
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        return InputError(f"cannot read {self.title} {path}: {reason}; {self.remedy}")


def _check_keys(content: bytes) -> None:
    """Refuse JSON with a key twice in one object; nothing but lists is kept, so memory stays small."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len(keys := {key for key, _ in pairs}) < len(pairs):
            twice = next(key for key in keys if sum(other == key for other, _ in pairs) > 1)
            raise ValueError(f"the key {twice!r:.40} is there twice")

    json.loads(content, object_pairs_hook=check)


def _written(size: int) -> str:
    """Write a number of bytes.

    Example:
        >>> _written(16_000_000), _written(2**28)
        ('16 MB', '268435456 bytes')
    """
    return f"{size // 1_000_000} MB" if size % 1_000_000 == 0 and size else f"{size} bytes"
