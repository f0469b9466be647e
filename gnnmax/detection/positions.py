"""Positions from a file: a table in their order, with a reason where there is no result."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.table import Detections
from gnnmax.errors import InputError
from gnnmax.io.csv_rows import numbered_rows
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind

__all__ = ["detections_at", "read_positions"]

LARGEST_FILE = 2**28

Names = tuple[tuple[Any, ...], tuple[Any, ...]] | None


def read_positions(path: str | Path, names: Names = None) -> list[tuple[int, int]]:
    r"""Read lines ``i,j``: a row and a column, by number from 0 on, or by name if the matrix has names.

    Args:
        path: A text file; the first line may be a header ``i,j`` or ``row,column``.
        names: Names of rows and of columns.

    Raises:
        InputError: an unreadable file, or a wrong line, with its number.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "asked.csv")
        ...     _ = file.write_text("i,j\n3,4\n0,12\n")
        ...     read_positions(file)
        [(3, 4), (0, 12)]
    """
    path = as_path(path)
    content = FileKind("the positions", LARGEST_FILE, "give a text file of lines i,j").read(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from None
    places = [{}, {}] if names is None else [{str(name): at for at, name in enumerate(side)} for side in names]
    found: list[tuple[int, int]] = []
    try:
        for line, row in numbered_rows(io.StringIO(text, newline="")):
            if line == 1 and [word.strip().lower() for word in row] in (["i", "j"], ["row", "column"]):
                continue
            if len(row) != 2:
                raise InputError(f"line {line}: expected i,j, not {len(row)} fields")
            i, j = (_place(word.strip(), known, line) for word, known in zip(row, places, strict=True))
            found.append((i, j))
    except InputError as error:
        raise InputError(f"{path}, {error}") from None
    if not found:
        raise InputError(f"{path} holds no position: expected lines i,j")
    return found


def _place(word: str, known: dict[str, int], line: int) -> int:
    if word in known:
        return known[word]
    if re.fullmatch(r"[0-9]{1,18}", word) and not known:
        return int(word)
    expected = "the name of a node" if known else "a whole number of at least 0"
    raise InputError(f"line {line}: expected {expected}, not {word[:40]!r}")


def detections_at(source: MatrixSource, positions: Sequence[tuple[int, int]], maxima: Maxima) -> Detections:
    """Make the table of some positions, in their order.

    Args:
        source: The matrix.
        positions: Rows and columns from 0 on.
        maxima: All maxima of the matrix, of both halves where it is symmetric.

    Returns:
        For each position its value, whether it is a maximum, and a reason, "" where the position is in the matrix and
        was measured. Otherwise value and maximum are None. If the matrix was normalised, also the score; where there is
        none, score and maximum are None and the reason is that of the normalisation.
    """
    n, m = source.shape
    numbers = maxima.rows * m + maxima.columns
    asked = [i * m + j if i < n and j < m else -1 for i, j in positions]
    known = np.isin(np.array(asked, dtype=np.int64), numbers).tolist()
    # After normalisation only the edges of a graph are measured.
    unknown = "no edge" if maxima.mode == "graph" and source.steps else "not measured"
    found: list[tuple[Any, Any, bool | None, str]] = []
    for (i, j), maximal in zip(positions, known, strict=True):
        if i >= n or j >= m:
            found.append((None, None, None, f"outside the matrix of {n} x {m}"))
            continue
        value, reason = _value_at(source.plain, i, j, unknown)
        if reason:
            found.append((value, None, None, reason))
            continue
        reason = "no edge" if maxima.mode == "graph" and value == 0 else ""
        score, lost = _value_at(source, i, j, next((step.reason for step in source.steps if step.lost), ""))
        found.append((value, score, None if lost else maximal, reason or lost))
    values, scores, is_maximum, reasons = zip(*found, strict=True)
    places = np.array(positions, dtype=np.int64).reshape(-1, 2)
    return Detections(
        places[:, 0],
        places[:, 1],
        _masked(values, source.plain.dtype),
        source.plain.dtype,
        undirected=source.undirected,
        steps=tuple(step.name for step in source.steps),
        scores=_masked(scores, np.dtype(np.float64)) if source.steps else None,
        is_maximum=_masked(is_maximum, np.dtype(np.bool_)),
        reasons=np.array(reasons, dtype=object),
    )


def _masked(entries: Sequence[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Make an array that is masked where an entry is None."""
    mask = np.array([entry is None for entry in entries])
    return np.ma.array([0 if entry is None else entry for entry in entries], dtype=dtype, mask=mask)


def _value_at(source: MatrixSource, i: int, j: int, otherwise: str) -> tuple[Any, str]:
    """Read an entry, or give the reason why there is none."""
    block = source.block(i, j, 1, 1, (0, 0))
    return (np.asarray(block.values)[0, 0].item(), "") if block.missing is None else (None, otherwise)
