"""Presets: TOML files that ship with the package or that users write, found by name or by path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind
from gnnmax.io.toml_text import parse_toml

__all__ = ["Presets"]

LARGEST_FILE = 1_000_000


@dataclass(frozen=True)
class Presets:
    """A folder of shipped TOML files.

    Attributes:
        what: The content of a file, for errors.
        folder: The folder with the files.

    Example:
        >>> Presets("recipe", Path("nowhere")).names()
        []
    """

    what: str
    folder: Path

    def names(self) -> list[str]:
        """List the names of the shipped files."""
        return sorted(path.stem for path in self.folder.glob("*.toml"))

    def read(self, name: str | Path) -> dict[str, Any]:
        """Read a shipped file by its name, or any file by a path that ends in ``.toml``.

        Raises:
            InputError: an unknown name, or a file that is unreadable, too large or not TOML.

        Example:
            >>> Presets("recipe", Path("nowhere")).read("../x")
            Traceback (most recent call last):
            ...
            gnnmax.errors.InputError: unknown recipe '../x'; known: ; or give a path that ends in .toml
        """
        if str(name) in self.names():
            return self._parsed(self.folder / f"{name}.toml")
        if str(name).endswith(".toml"):
            return self._parsed(as_path(name))
        raise InputError(f"{unknown_name(self.what, str(name), self.names())}; or give a path that ends in .toml")

    def _parsed(self, path: Path) -> dict[str, Any]:
        called = f"the {self.what} file {path}"
        content = FileKind(
            f"the {self.what} file", LARGEST_FILE, f"give the path of a {self.what}, a text of about a page"
        ).read(path)
        try:
            return parse_toml(content.decode("utf-8-sig"))
        except InputError as error:
            raise InputError(f"{called} is {error}: a {self.what} has at most three") from None
        except ValueError as error:  # not UTF-8, not TOML, or a number with thousands of digits
            raise InputError(f"{called} is not TOML: {error}") from None
