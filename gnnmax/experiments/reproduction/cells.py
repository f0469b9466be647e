"""Cells of a table: measured one by one, kept in a folder, and not measured again."""

from __future__ import annotations

import hashlib
import time
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
    seconds: float | None = None


class Cells:
    """Measured cells, each under a key that determines it, and the processor time that they took.

    The time of a cell includes all that is made for it: a matrix is drawn and a net is trained for the first of the
    cells that need it.

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
        self._folder, self._seconds, self._untimed = folder, 0.0, 0
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
        path = None if self._folder is None else self._folder / _file_name(key)
        cell = _kept(path, key) if path is not None and path.exists() else None
        if cell is None:
            cell = _measured_now(key, measure)
            if path is not None:
                write_file(path, msgspec.json.encode(cell))
        self._seconds += cell.seconds or 0.0
        self._untimed += cell.seconds is None
        return cell.found

    @property
    def cost(self) -> str:
        """The processor time of all cells that were returned, whether they were measured now or kept.

        Example:
            >>> Cells(None).cost
            '0.0 CPU minutes in all'
        """
        untimed = f", and an unknown time for {self._untimed:,} of the cells" if self._untimed else ""
        return f"{self._seconds / 60:.1f} CPU minutes in all{untimed}"


def _file_name(key: Key) -> str:
    return f"{hashlib.sha256(msgspec.json.encode(key, order='sorted')).hexdigest()[:24]}.json"


def _kept(path: Path, key: Key) -> _Stored:
    stored = CELL_FILE.decode(CELL_FILE.read(path), _Stored, path)
    if stored.program != PROGRAM or stored.key != key:
        raise InputError(f"the cell {path} is not the one of its name: delete it, and it is measured again")
    return stored


def _measured_now(key: Key, measure: Callable[[], float]) -> _Stored:
    start = time.process_time()
    found = measure()
    return _Stored(PROGRAM, key, found, round(time.process_time() - start, 4))
