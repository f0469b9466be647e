"""The files of a table of a sweep: CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from typing import Any

from gnnmax.errors import InputError
from gnnmax.io.json_text import json_text

__all__ = ["TABLE_FILES", "Row"]

Row = dict[str, Any]
Content = dict[str, Any]
"""A table as :meth:`gnnmax.experiments.sweeps.table.SweepTable.to_dict` returns it."""


def _csv(content: Content) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    rows: list[Row] = content["rows"]
    writer.writerow(rows[0])
    writer.writerows([_field(value) for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _field(value: Any) -> Any:
    """Return a value as a field of a table: lists and tables as JSON, nothing for None."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return "" if value is None else value


def _json(content: Content) -> bytes:
    return f"{json_text(content)}\n".encode()


def _parquet(content: Content) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow, which is not installed: pip install 'gnnmax[parquet]'") from None
    rows: list[Row] = content["rows"]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    file = pa.BufferOutputStream()
    parquet.write_table(pa.table({name: _column(values) for name, values in columns.items()}), file)
    return bytes(file.getvalue())


def _column(values: list[Any]) -> list[Any]:
    """Return a column of one type: numbers, or text."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        fractional = any(isinstance(value, float) for value in known)
        return [math.nan if value is None and fractional else value for value in values] if fractional else values
    return [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]


TABLE_FILES: dict[str, Callable[[Content], bytes]] = {".csv": _csv, ".json": _json, ".parquet": _parquet}
"""Writers of a table by the ending of its file."""
