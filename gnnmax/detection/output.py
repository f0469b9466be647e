"""The table of a detection: its columns in one place, written as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import Maxima, Places
from gnnmax.detection.permutation_null import Discoveries
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.ownership import MADE_BY, is_ours
from gnnmax.io.reading import read_ends
from gnnmax.task.label import is_centred

__all__ = [
    "COLUMNS",
    "Column",
    "Detections",
    "Rows",
    "detections_of",
    "is_table",
    "parquet_library",
    "with_net_scores",
    "write_arrays",
    "write_table",
    "write_windows",
]

Rows = list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Detections:
    """The maxima of a matrix, or given positions, with all results for them.

    Attributes:
        rows: Row of each, shape ``(M,)``.
        columns: Column of each.
        values: Value of each, None where it was not measured.
        type: Type of the values.
        names: Names of all rows and columns of the matrix, or None.
        steps: Names of the normalisations.
        scores: The values after these, None where there is no score.
        maxima: The maxima, if the table lists these.
        is_maximum: For positions: whether each is a maximum, None if that is unknown.
        discoveries: The maxima with their q-values, if there were decoys.
        centred: Whether the window of each is centred by the exact rule, None where there is no window.
        net_scores: Scores of the windows, by net.
        agreement: The share of the nets that agree with the rule.
        reasons: Why a result is missing, "" if none is.
    """

    rows: Places
    columns: Places
    values: Sequence[Any]
    type: np.dtype[Any]
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    steps: tuple[str, ...] = ()
    scores: Sequence[float | None] | None = None
    maxima: Maxima | None = None
    is_maximum: Sequence[bool | None] | None = None
    discoveries: Discoveries | None = None
    centred: Sequence[bool | None] | None = None
    net_scores: Mapping[str, Sequence[float | None]] | None = None
    agreement: Sequence[float | None] | None = None
    reasons: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def filled(self) -> dict[str, _Filled]:
        """Return the columns that this table has, by name."""
        filled: dict[str, _Filled] = {}
        for column in COLUMNS:
            found = column.read(self)
            named = found.items() if isinstance(found, Mapping) else [] if found is None else [(column.name, found)]
            for name, entries in named:
                plain = entries.tolist() if isinstance(entries, np.ndarray) else list(entries)
                filled[name] = _Filled(column, self.type if column.type is None else np.dtype(column.type), plain)
        return filled

    def as_rows(self) -> Rows:
        """Return the table row by row, as dicts of plain values.

        Example:
            >>> from gnnmax import find_maxima
            >>> detections_of(find_maxima(np.diag([1.0, 5.0, 2.0]), k=3)).as_rows()
            [{'i': 1, 'j': 1, 'value': 5.0, 'margin': 3.0, 'ties': 0, 'missing': 0}]
        """
        filled = self.filled()
        return [dict(zip(filled, row, strict=True)) for row in zip(*(f.entries for f in filled.values()), strict=True)]


class Column(NamedTuple):
    """One column of the table.

    ``read`` returns its entries; None if a table has no such column; or, by name, those of several columns. ``type`` is
    the type of the entries, None for that of the matrix.
    """

    name: str
    holds: str
    type: Any
    read: Callable[[Detections], Sequence[Any] | npt.NDArray[Any] | Mapping[str, Sequence[Any]] | None]


class _Filled(NamedTuple):
    """A column of one table, with its entries."""

    column: Column
    type: np.dtype[Any]
    entries: list[Any]


def _names(table: Detections, axis: int) -> list[str] | None:
    places = (table.rows, table.columns)[axis].tolist()
    listed = table.names if table.maxima is not None else None
    return None if listed is None else [str(listed[axis][place]) for place in places]


def _of_maxima(name: str) -> Callable[[Detections], npt.NDArray[Any] | None]:
    return lambda table: None if table.maxima is None else getattr(table.maxima, name)


def _of_discoveries(name: str) -> Callable[[Detections], npt.NDArray[Any] | None]:
    return lambda table: None if table.discoveries is None else getattr(table.discoveries, name)


def _margin(table: Detections) -> list[float | None] | None:
    if table.maxima is None:
        return None
    return [margin if np.isfinite(margin) else None for margin in table.maxima.margin.tolist()]


COLUMNS: tuple[Column, ...] = (
    Column("i", "row, from 0", int, lambda table: table.rows),
    Column("j", "column, from 0", int, lambda table: table.columns),
    Column("row", "name of the row", str, lambda table: _names(table, 0)),
    Column("column", "name of the column", str, lambda table: _names(table, 1)),
    Column("value", "entry of the matrix", None, lambda table: table.values),
    Column("score", "the value after the steps", float, lambda table: table.scores),
    Column("steps", "names of the steps", str, lambda t: [",".join(t.steps)] * len(t) if t.steps else None),
    Column("margin", "excess over the largest other entry of the window; empty if there is none", float, _margin),
    Column("ties", "number of other entries of the window that are as large", int, _of_maxima("ties")),
    Column("missing", "number of missing entries of the window", int, _of_maxima("missing")),
    Column("maximum", "whether the position is a maximum", bool, lambda table: table.is_maximum),
    Column("statistic", "mean of the window, compared with decoys; in mode graph the z-score of the other edges at "
           "the two ends", float, _of_discoveries("statistic")),
    Column("q", "least false-discovery rate of a list that contains the maximum", float, _of_discoveries("q")),
    Column("centred", "whether the exact rule calls the window centred", bool, lambda table: table.centred),
    Column("net", "score of the window by a net, one column for each net", float, lambda table: table.net_scores),
    Column("agreement", "share of the nets that agree with the rule", float, lambda table: table.agreement),
    Column("reason", "why a result is missing", str, lambda table: table.reasons),
)  # fmt: skip
"""The columns of the table, in their order; every format is made from these, empty tables too."""


def detections_of(maxima: Maxima, discoveries: Discoveries | None = None) -> Detections:
    """Make the table of maxima, with q-values if there are any."""
    return Detections(
        maxima.rows,
        maxima.columns,
        maxima.values.tolist(),
        maxima.values.dtype,
        names=maxima.names,
        steps=maxima.steps,
        scores=None if maxima.scores is None else maxima.scores.tolist(),
        maxima=maxima,
        discoveries=discoveries,
    )


def with_net_scores(
    table: Detections,
    windows: npt.NDArray[Any],
    scores: Mapping[str, tuple[Sequence[float | None], Sequence[str]]],
    reason: str,
) -> Detections:
    """Add the decisions of the exact rule and the scores of nets on the windows of a table.

    Args:
        table: Maxima or positions.
        windows: Their windows, shape ``(M, k, k)``, NaN where there is none.
        scores: By net, the score of each window or None, and why there is none.
        reason: Why there are no windows at all; "" otherwise.

    Returns:
        The table with ``centred`` (the rule on the window, which is stricter in mode graph than the rule on the edge's
        ends), the scores of the nets, ``agreement`` and ``reasons``.
    """
    on_windows = is_centred(windows).tolist() if len(windows) else []
    reasons, centred, agreement = [], [], []
    for index, rule in enumerate(on_windows):
        why = ("" if table.reasons is None else table.reasons[index]) or reason
        why = why or next((given[index] for _, given in scores.values() if given[index]), "")
        agree = [(part[index] > 0) == rule for part, _ in scores.values() if part[index] is not None]  # type: ignore[operator]
        reasons.append(why)
        centred.append(None if why else rule)
        agreement.append(sum(agree) / len(agree) if agree else None)
    net_scores = {name: part for name, (part, _) in scores.items()}
    return replace(table, centred=centred, net_scores=net_scores, agreement=agreement, reasons=reasons)


def write_table(path: Path, table: Detections) -> None:
    """Write a table as CSV, JSON or Parquet, by the ending of the file; an empty one has its columns too."""
    if path.suffix == ".json":
        write_file(path, json.dumps(table.as_rows(), indent=1) + "\n")
    elif path.suffix == ".csv":
        text = io.StringIO(newline="")
        filled = table.filled()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(filled)
        writer.writerows(zip(*(column.entries for column in filled.values()), strict=True))
        write_file(path, text.getvalue())
    else:
        arrow, parquet = parquet_library()
        arrays = {
            name: arrow.array(column.entries, type=_arrow_type(arrow, column.type))
            for name, column in table.filled().items()
        }
        buffer = io.BytesIO()
        parquet.write_table(arrow.table(arrays).replace_schema_metadata({"generator": MADE_BY}), buffer)
        write_file(path, buffer.getvalue())


def is_table(path: Path) -> bool:
    """Return whether a file is a table that :func:`write_table` wrote: CSV and JSON show it by their columns."""
    if path.suffix == ".parquet":
        return is_ours(path)
    head = read_ends(path, 4096)[0].decode(errors="replace")
    if path.suffix == ".json" and head.strip() == "[]":
        return True  # an empty table
    keys = re.findall(r'"(\w+)":', head.partition("}")[0])
    first = keys if path.suffix == ".json" else head.split("\n")[0].split(",")
    return first[:2] == ["i", "j"] and "value" in first and not {"margin", "maximum"}.isdisjoint(first)


def _arrow_type(arrow: Any, dtype: np.dtype[Any]) -> Any:
    wide = {"f": arrow.float64(), "i": arrow.int64(), "u": arrow.uint64(), "b": arrow.bool_()}
    return wide.get(dtype.kind, arrow.string())


def parquet_library() -> Any:
    """Return pyarrow and its module for Parquet.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install 'gnnmax[parquet]', or write .csv or .json") from None
    return pyarrow, parquet


def write_windows(path: Path, table: Detections, windows: npt.NDArray[Any]) -> None:
    """Write the windows of a table, and their positions, into a .npz file."""
    write_arrays(path, {"windows": windows, "rows": table.rows, "columns": table.columns})


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name into a .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stubs mistake names for options of savez
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = MADE_BY.encode()
    write_file(path, buffer.getvalue())
