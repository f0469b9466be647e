"""Maxima as a table: rows of plain values, with what nets say beside them, written as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import Maxima
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.task.label import is_centred

__all__ = ["Rows", "parquet_library", "rows_of", "with_scores", "write_arrays", "write_table", "write_windows"]

Rows = list[dict[str, Any]]


def rows_of(maxima: Maxima) -> Rows:
    """Lay out maxima as dicts of plain values, one a maximum; a margin without bound is None.

    Where steps were applied, ``score`` is what they made of the value, ``margin`` is the scores', and ``steps`` names
    them.

    Example:
        >>> from gnnmax import find_maxima
        >>> rows_of(find_maxima(np.diag([1.0, 5.0, 2.0]), k=3))
        [{'i': 1, 'j': 1, 'value': 5.0, 'margin': 3.0, 'ties': 0, 'missing': 0}]
    """
    rows: Rows = []
    columns = (maxima.values, maxima.margin, maxima.ties, maxima.missing)
    scores = [None] * len(maxima) if maxima.scores is None else maxima.scores.tolist()
    for i, j, value, margin, ties, missing, score in zip(
        maxima.rows.tolist(), maxima.columns.tolist(), *(column.tolist() for column in columns), scores, strict=True
    ):
        scored = {"score": score, "steps": ",".join(maxima.steps)} if maxima.steps else {}
        named = {} if maxima.names is None else {"row": str(maxima.names[0][i]), "column": str(maxima.names[1][j])}
        finite = margin if np.isfinite(margin) else None
        told = {"value": value, **scored, "margin": finite, "ties": ties, "missing": missing}
        rows.append({"i": i, "j": j, **named, **told})
    return rows


def with_scores(
    rows: Rows,
    windows: npt.NDArray[Any],
    scores: Mapping[str, tuple[Sequence[float | None], Sequence[str]]],
    reason: str,
) -> Rows:
    """Add what the exact rule and the nets say of the window of each maximum, and how many nets agree with the rule.

    Args:
        rows: One a maximum, or a position that was asked about.
        windows: Their windows, shape ``(M, k, k)``, NaN where there is none.
        scores: By net, a score a window or None, and why there is none.
        reason: Why there are no windows at all; "" where there are.

    Returns:
        The rows with ``centred`` (the rule on the window: in mode graph it asks more than the edge's ends do), a score
        a net, ``agreement`` and ``reason``.
    """
    centred = is_centred(windows).tolist() if len(windows) else []
    added = []
    for index, row in enumerate(rows):
        found = {name: part[index] for name, (part, _) in scores.items()}
        why = row.get("reason") or reason
        why = why or next((reasons[index] for _, reasons in scores.values() if reasons[index]), "")
        agree = [(score > 0) == centred[index] for score in found.values() if score is not None]
        agreement = sum(agree) / len(agree) if agree else None
        rule = None if why else centred[index]
        known = {name: value for name, value in row.items() if name != "reason"}
        added.append({**known, "centred": rule, **found, "agreement": agreement, "reason": why})
    return added


def write_table(path: Path, rows: Rows) -> None:
    """Write rows as CSV, JSON or Parquet, by the ending of the file."""
    if path.suffix == ".json":
        write_file(path, json.dumps(rows, indent=1) + "\n")
    elif path.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["i", "j", "value"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_file(path, text.getvalue())
    else:
        arrow, parquet = parquet_library()
        buffer = io.BytesIO()
        parquet.write_table(arrow.Table.from_pylist(rows), buffer)
        write_file(path, buffer.getvalue())


def parquet_library() -> Any:
    """Return pyarrow and its part for Parquet.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install 'gnnmax[parquet]', or write .csv or .json") from None
    return pyarrow, parquet


def write_windows(path: Path, rows: Rows, windows: npt.NDArray[Any]) -> None:
    """Write the windows of some places, and the places, into a .npz file."""
    places = np.array([(row["i"], row["j"]) for row in rows], dtype=np.int64).reshape(-1, 2)
    write_arrays(path, {"windows": windows, "rows": places[:, 0], "columns": places[:, 1]})


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name into a .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stubs take names for its own options
    write_file(path, buffer.getvalue())
