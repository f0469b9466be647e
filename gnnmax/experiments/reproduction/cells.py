"""Cells of a table: measured one by one, kept in a folder, and not measured again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.ownership import PROGRAM
from gnnmax.io.reading import FileKind

__all__ = ["CellOptions", "Cells", "Key"]

Key = dict[str, str | int | float]
"""Everything that determines a cell."""

CELL_FILE = FileKind("the cell", 100_000, "delete it, and it is measured again")


@dataclass(frozen=True, kw_only=True)
class CellOptions:
    """Options of a table that is measured cell by cell.

    Attributes:
        quick: Whether to measure the short form.
        sizes: Sizes to measure; None takes those of the table.
        nets: Nets to train and measure too, for tables that have some; None takes those of the table.
        folder: Folder that keeps the cells, so that a stopped run resumes; made if it is missing. None keeps none.
    """

    quick: bool = False
    sizes: tuple[int, ...] | None = None
    nets: tuple[str, ...] | None = None
    folder: Path | None = None


class _Stored(Struct, frozen=True, forbid_unknown_fields=True):
    program: str
    key: Key
    found: float


class Cells:
    """Measured cells, each under a key that determines it.

    Args:
        folder: Folder that keeps them, one small JSON file each; None keeps none.

    Raises:
        InputError: the folder cannot be made.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cells = Cells(Path(folder))
        ...     cells.measured({"n": 10}, lambda: 0.5), cells.measured({"n": 10}, lambda: 0.7)
        (0.5, 0.5)
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"cells cannot be kept in {folder}: {error.strerror}; name another folder") from None

    def measured(self, key: Key, measure: Callable[[], float]) -> float:
        """Return a cell: as it is kept, else measured now and kept.

        Args:
            key: Everything that determines the cell.
            measure: Measures it.

        Raises:
            InputError: a kept cell is damaged.
        """
        if self._folder is None:
            return measure()
        path = self._folder / f"{hashlib.sha256(msgspec.json.encode(key, order='sorted')).hexdigest()[:24]}.json"
        if path.exists():
            stored = CELL_FILE.decode(CELL_FILE.read(path), _Stored, path)
            if stored.program != PROGRAM or stored.key != key:
                raise InputError(f"the cell {path} is not the one of its name: delete it, and it is measured again")
            return stored.found
        found = measure()
        write_file(path, msgspec.json.encode(_Stored(PROGRAM, key, found)))
        return found
