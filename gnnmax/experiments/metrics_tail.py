"""The records of training as they are written: for progress while other processes train."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gnnmax.io.reading import open_regular

__all__ = ["Tail"]


class Tail:
    """A reader of the records that a worker process appends to its metrics file from now on.

    A seed that begins again from its checkpoint has a rewound file of the same name. Training writes the same records
    once more, and those that were read before are skipped.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._seed = path, seed
        self._file, self._position, self._known = 0, 0, 0
        self._count = path.read_bytes().count(b"\n") if path.exists() else 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the complete records since the last call."""
        if not self._path.exists():
            return
        with open_regular(self._path) as file:
            status = os.fstat(file.fileno())
            if status.st_ino != self._file or status.st_size < self._position:  # another file: begin again
                self._file, self._position, self._known = status.st_ino, 0, self._count
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._position += len(line)
                if self._known:
                    self._known -= 1
                    continue
                self._count += 1
                yield {"seed": self._seed, **json.loads(line)}
