"""Positions that a person asks about: rows kept in their order, with a reason where nothing can be said."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.detection.matrix import Source
from gnnmax.detection.maxima import Maxima
from gnnmax.errors import InputError

__all__ = ["read_positions", "rows_at"]

LARGEST_FILE = 2**28

Names = tuple[tuple[Any, ...], tuple[Any, ...]] | None


def read_positions(path: str | Path, names: Names = None) -> list[tuple[int, int]]:
    r"""Read lines ``i,j``: numbers of a row and of a column from 0 on, or their names where the matrix has names.

    Args:
        path: A text file; the first line may be a header ``i,j`` or ``row,column``.
        names: Of rows and of columns.

    Raises:
        InputError: an unreadable file, or naming the line that is wrong.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "asked.csv")
        ...     _ = file.write_text("i,j\n3,4\n0,12\n")
        ...     read_positions(file)
        [(3, 4), (0, 12)]
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"cannot read the positions {path}: it is not a regular file")
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path} is larger than {LARGEST_FILE} bytes: ask for fewer positions at a time")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read the positions {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from None
    places = [{}, {}] if names is None else [{str(name): at for at, name in enumerate(side)} for side in names]
    found: list[tuple[int, int]] = []
    for line, row in enumerate(csv.reader(io.StringIO(text, newline="")), start=1):
        if not row or (line == 1 and [word.strip().lower() for word in row] in (["i", "j"], ["row", "column"])):
            continue
        if len(row) != 2:
            raise InputError(f"{path}, line {line}: expected i,j, not {len(row)} fields")
        i, j = (_place(word.strip(), known, path, line) for word, known in zip(row, places, strict=True))
        found.append((i, j))
    if not found:
        raise InputError(f"{path} holds no position: expected lines i,j")
    return found


def _place(word: str, known: dict[str, int], path: Path, line: int) -> int:
    if word in known:
        return known[word]
    if word.isdecimal() and len(word) < 19 and not known:
        return int(word)
    expected = "the name of a node" if known else "a whole number from 0 on"
    raise InputError(f"{path}, line {line}: expected {expected}, not {word[:40]!r}")


def rows_at(source: Source, positions: Sequence[tuple[int, int]], maxima: Maxima) -> list[dict[str, Any]]:
    """Lay out what is known of positions, in their order.

    Args:
        source: The matrix.
        positions: Rows and columns from 0 on.
        maxima: All maxima of the matrix, of both halves where it is symmetric.

    Returns:
        Dicts of ``i``, ``j``, ``value`` and ``maximum``; and ``reason``, "" where the position is in the matrix and
        was measured. Where it was not, value and maximum are None. After steps also ``score`` and ``steps``; where a
        step leaves no score, score and maximum are None, and the reason is the step's.
    """
    n, m = source.shape
    known = set(zip(maxima.rows.tolist(), maxima.columns.tolist(), strict=True))
    # After steps only the edges of a graph are measured.
    unknown = "no edge" if maxima.mode == "graph" and source.steps else "not measured"
    rows: list[dict[str, Any]] = []
    for i, j in positions:
        reason, value, score, maximum = "", None, None, None
        if i >= n or j >= m:
            reason = f"outside the matrix of {n} x {m}"
        else:
            value, reason = _value_at(source.plain, i, j, unknown)
            if not reason:
                reason = "no edge" if maxima.mode == "graph" and value == 0 else ""
                score, lost = _value_at(source, i, j, next((s.reason for s in source.steps if s.lost), ""))
                maximum, reason = None if lost else (i, j) in known, reason or lost
        scored = {"score": score, "steps": ",".join(step.name for step in source.steps)} if source.steps else {}
        rows.append({"i": i, "j": j, "value": value, **scored, "maximum": maximum, "reason": reason})
    return rows


def _value_at(source: Source, i: int, j: int, otherwise: str) -> tuple[Any, str]:
    """Read an entry, or say why there is none."""
    block = source.block(i, j, 1, 1, (0, 0))
    return (np.asarray(block.values)[0, 0].item(), "") if block.missing is None else (None, otherwise)
