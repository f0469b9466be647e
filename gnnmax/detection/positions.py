"""Positions from a file: a table in their order, with a reason where there is no result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.table import Detections
from gnnmax.errors import InputError
from gnnmax.io.paths import as_path
from gnnmax.io.place_tables import INDEX_LAYOUTS, INTERVAL_LAYOUTS, intervals_of, layout_in
from gnnmax.io.plain_numbers import plain_float
from gnnmax.io.table_columns import TableColumns, read_table_columns
from gnnmax.io.table_files import UNNAMED

__all__ = ["detections_at", "read_positions"]

LARGEST = 2**53
"""Largest number of a row: float64 holds all whole numbers up to it."""

Names = tuple[tuple[Any, ...], tuple[Any, ...]] | None


def read_positions(path: str | Path, names: Names = None, bins: GenomeBins | None = None) -> list[tuple[int, int]]:
    r"""Read positions from a list or a table.

    The columns are found by their names, in this order:

    - intervals of a genome, as chromosight, cooltools, Juicer and mustache write them, and BEDPE: each is the bin that
      holds its middle, if the rows are bins of a genome;
    - ``row`` and ``column``, if the matrix has names: a table of ours is read by its names;
    - ``i`` and ``j``, ``row`` and ``column``, or ``rows`` and ``columns``: numbers from 0 on, or names;
    - ``bin1`` and ``bin2``, the numbers of bins of chromosight, if the rows are no bins of a genome.

    Args:
        path: A table, see :func:`gnnmax.io.table_columns.read_table_columns`; or a text of lines ``i,j``, with or
            without a header.
        names: Names of rows and of columns.
        bins: The bins of a genome that rows and columns are.

    Raises:
        InputError: an unreadable file, no such columns, or a wrong position; the message says in which line.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "asked.csv")
        ...     _ = file.write_text("i,j\n3,4\n0,12\n")
        ...     read_positions(file)
        [(3, 4), (0, 12)]
    """
    path = as_path(path)
    table = _table_of(path)
    try:
        return _positions_in(table, names, bins)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _table_of(path: Path) -> TableColumns:
    """Read a table; an array without names holds rows and columns."""
    table = read_table_columns(path, headerless=INDEX_LAYOUTS[0])
    array = table.get(UNNAMED)
    if array is None:
        return table
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"{path}: expected an array of rows and columns, shape (N, 2), not {array.shape}")
    return TableColumns(dict(zip(INDEX_LAYOUTS[0], array.T, strict=True)))


def _positions_in(table: TableColumns, names: Names, bins: GenomeBins | None) -> list[tuple[int, int]]:
    if not table:  # an empty list of objects
        return []
    intervals = layout_in(table, INTERVAL_LAYOUTS)
    if intervals is not None and bins is not None:
        return _bins_of(table, intervals, bins)
    pair = layout_in(table, INDEX_LAYOUTS if names is None else (NAMED, *INDEX_LAYOUTS))
    if pair is None and intervals is not None:
        pair = layout_in(table, (NUMBERED_BINS,))
        if pair is None:
            raise InputError("its places are base pairs, and the matrix has no bins of a genome: give numbers i,j")
    if pair is None:
        listed = ", ".join(table)[:80] or "none"
        raise InputError(f"no columns i, j or row, column or those of BEDPE, but {listed}: name row and column i and j")
    lengths = [column.shape for column in (table[pair[0]], table[pair[1]])]
    if lengths[0] != lengths[1] or len(lengths[0]) != 1:
        raise InputError(f"columns {pair[0]} and {pair[1]} must have one entry for each place, not shapes {lengths}")
    known = [{}, {}] if names is None else [_places_of(side) for side in names]
    # Names of bins are intervals, so that a number is never one of them.
    numbered = names is None or bins is not None
    if pair == NAMED and any(-1 in side.values() for side in known) and layout_in(table, INDEX_LAYOUTS[:1]):
        pair, known, numbered = INDEX_LAYOUTS[0], [{}, {}], True  # a table of ours has both
    sides = [
        [_place(entry, places, table.where(at), numbered=numbered) for at, entry in enumerate(table[column].tolist())]
        for column, places in zip(pair, known, strict=True)
    ]
    return list(zip(*sides, strict=True))


NAMED = ("row", "column")
"""Columns with the names of rows and columns in a table of ours."""

NUMBERED_BINS = ("bin1", "bin2")
"""Columns of chromosight with the numbers of bins in the whole map."""


def _bins_of(table: TableColumns, layout: tuple[str, ...], bins: GenomeBins) -> list[tuple[int, int]]:
    """Return the bins that hold the middles of intervals."""
    chromosomes, middles = intervals_of(table, layout, "the positions", where=lambda at: f"in {table.where(at)}")
    sides = []
    for names, middle in zip(chromosomes, middles, strict=True):
        places = bins.holding(names, middle)
        if len(outside := np.flatnonzero(places < 0)):
            at = int(outside[0])
            raise InputError(
                f"{table.where(at)}: no bin of the matrix holds {names[at]}:{middle[at]}: are these positions of the "
                "same genome?"
            )
        sides.append(places.tolist())
    return list(zip(*sides, strict=True))


def _places_of(names: Sequence[Any]) -> dict[str, int]:
    """Return the place of each name, -1 for one that comes twice."""
    found: dict[str, int] = {}
    for at, name in enumerate(map(str, names)):
        found[name] = -1 if name in found else at
    return found


def _place(entry: Any, known: dict[str, int], where: str, *, numbered: bool) -> int:
    word = str(entry)
    if known.get(word) == -1:
        raise InputError(f"{where}: the matrix has several nodes called {word[:40]!r}: give numbers under i,j")
    if word in known:
        return known[word]
    if numbered and _is_whole(word):
        return int(float(word))
    expected = "a whole number of at least 0" if numbered else "the name of a node"
    raise InputError(f"{where}: expected {expected}, not {word[:40]!r}")


def _is_whole(word: str) -> bool:
    try:
        number = plain_float(word)
    except ValueError:
        return False
    return 0 <= number <= LARGEST and number.is_integer()


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
    values, scores, is_maximum, reasons = zip(*found, strict=True) if found else ((), (), (), ())
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
        bins=source.bins,
    )


def _masked(entries: Sequence[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Make an array that is masked where an entry is None."""
    mask = np.array([entry is None for entry in entries])
    return np.ma.array([0 if entry is None else entry for entry in entries], dtype=dtype, mask=mask)


def _value_at(source: MatrixSource, i: int, j: int, otherwise: str) -> tuple[Any, str]:
    """Read an entry, or give the reason why there is none."""
    block = source.block(i, j, 1, 1, (0, 0))
    return (np.asarray(block.values)[0, 0].item(), "") if block.missing is None else (None, otherwise)
