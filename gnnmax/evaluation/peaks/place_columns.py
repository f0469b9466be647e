"""Places from callers: arrays, data frames, mappings, objects and tables of other programs, as columns by role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError, unknown_name
from gnnmax.io.place_tables import (
    INDEX_LAYOUTS,
    INTERVAL_LAYOUTS,
    intervals_of,
    layout_in,
    names_of,
    numbers_of,
    whole_numbers,
)
from gnnmax.io.table_columns import TableColumns
from gnnmax.task.arrays import as_array

__all__ = ["ROLES", "PlaceColumns", "read_places"]

Columns = Mapping[str, Any]

ROLES = ("map", "row", "column", "score", "amplitude")
"""Roles of columns, in the order of the columns of a plain array."""

DEFAULTS = {
    "map": ("map",),
    "score": ("score", "scores", "value", "values", "amplitude"),
    "amplitude": ("amplitude",),
}
"""Names of the other columns; the first that is there and holds anything is taken."""


@dataclass(frozen=True, eq=False)
class PlaceColumns:
    """Places as columns of one length, checked one by one.

    Attributes:
        map: Number or name of the map of each, as text, shape ``(N,)``; None where no column holds it.
        row: Shape ``(N,)``, int64, not negative.
        column: Likewise.
        score: Of calls: finite floats, higher is better; None without a column of scores.
        amplitude: Of peaks: floats, NaN where unknown; None without such a column.
        between: Whether the map lies between two chromosomes, so that its rows and its columns are other bins; None
            for maps of one set of nodes.
        others: All columns by name, for slices.
    """

    map: npt.NDArray[np.str_] | None
    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64] | None = None
    amplitude: npt.NDArray[np.float64] | None = None
    between: npt.NDArray[np.bool_] | None = None
    others: Mapping[str, Any] = field(default_factory=dict)


def read_places(
    given: Any,
    what: str,
    *,
    columns: Mapping[str, str] | None = None,
    resolution: int | None = None,
    height: Literal["score", "amplitude"] = "score",
) -> PlaceColumns:
    """Read places from anything that holds them.

    Nothing is guessed: a column is found by its role in ``columns``, else by a stated name, else it is missing. Row and
    column are called ``i, j``, ``row, column`` or ``rows, columns``, in this order of preference; a score ``score``,
    else ``value``, else ``amplitude``; a map ``map``; an amplitude ``amplitude``. Places in base pairs (BEDPE, Juicer, mustache) become the
    bins of their middles, and the pair of chromosomes is the map.

    Args:
        given: An array of the columns row, column, or map, row, column, or map, row, column, score; a structured
            array; a data frame; a mapping of names to columns; or an object with attributes of these names.
        what: Its name in an error.
        columns: Names of columns by role (``map``, ``row``, ``column``, ``score``, ``amplitude``). A minus before the
            name of the scores says that the lowest is best: ``{"score": "-FDR"}``.
        resolution: Base pairs of a bin, for places in base pairs.
        height: Whether the places are calls with a score, or peaks with an amplitude.

    Raises:
        InputError: no such object or column, columns of different lengths, places that are no whole numbers from 0 on,
            scores that are NaN or infinite, places in base pairs without a resolution.

    Example:
        >>> read_places(np.array([[0, 3, 4, 0.5]]), "the calls").score
        array([0.5])
        >>> read_places({"y": [3], "x": [4], "q": [0.01]}, "the calls", columns={"row": "y", "column": "x", "score": "-q"}).score
        array([-0.01])
    """  # noqa: E501
    chosen = _checked_roles(columns or {}, what)
    table = _table_of(given, what)
    if not table:  # an empty list of objects
        return PlaceColumns(None, np.zeros(0, np.int64), np.zeros(0, np.int64))
    for name in chosen.values():
        if name not in table and not (name.startswith("-") and name[1:] in table):
            raise unknown_name(f"column of {what}", name, list(table))
    maps, row, column, between = _places_in(table, chosen, what, resolution)
    source = chosen.get(height) or _default(table, height)
    heights = None if source is None else _heights(table, source, f"the {height}s of {what}", finite=height == "score")
    found = PlaceColumns(
        map=maps,
        row=row,
        column=column,
        **{height: heights},
        between=between,
        others=table,
    )
    for role, each in (("map", found.map), ("column", column), (height, heights)):
        if each is not None and len(each) != len(row):
            raise InputError(f"{what}: {role} has {len(each)} entries and row has {len(row)}: give one for each place")
    return found


def _checked_roles(columns: Mapping[str, str], what: str) -> dict[str, str]:
    if not isinstance(columns, Mapping):
        raise InputError(f"the columns of {what} must map roles to names, not be {columns!r:.40}: {{'score': 'q'}}")
    for role, name in columns.items():
        if role not in ROLES:
            raise unknown_name(f"role of a column of {what}", str(role), ROLES)
        if not isinstance(name, str):
            raise InputError(f"the {role} of {what} must be the name of a column, not {name!r:.40}")
    if ("row" in columns) != ("column" in columns):
        raise InputError(f"the columns of {what} name one of row and column: name both")
    return dict(columns)


def _table_of(given: Any, what: str) -> Columns:
    """Return the columns of anything that holds places, by name; their entries are read later."""
    if isinstance(given, Mapping):
        return given
    if hasattr(given, "column_names"):  # a table of pyarrow
        return {name: given[name] for name in given.column_names}
    if hasattr(given, "columns") and hasattr(given, "__getitem__") and callable(getattr(given, "rows", str)):
        return {str(name): given[name] for name in given.columns}
    for row, column in INDEX_LAYOUTS:
        if getattr(given, row, None) is not None and getattr(given, column, None) is not None:
            names = (row, column, *(name for known in DEFAULTS.values() for name in known))
            found = {name: getattr(given, name, None) for name in names}
            return {name: each for name, each in found.items() if each is not None and not callable(each)}
    array = as_array(given, what)
    if array.dtype.names is not None:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim == 1 and array.size == 0:
        array = array.reshape(0, 3)
    if array.ndim != 2 or array.shape[1] not in (2, 3, 4):
        raise InputError(
            f"expected {what} as an array of columns (map, row, column) or (map, row, column, score), or (row, column) "
            f"of a single map, not of shape {array.shape}: give a data frame or a mapping for columns by name"
        )
    roles = ROLES[1:3] if array.shape[1] == 2 else ROLES[: array.shape[1]]
    return {role: array[:, place] for place, role in enumerate(roles)}


def _where_in(table: Columns) -> Callable[[int], str]:
    """Return what says in an error where a place stands: in a line, if the table comes from a text."""
    if isinstance(table, TableColumns) and table.lines:
        return lambda place: f"in {table.where(place)}"
    return "at index {}".format


def _default(table: Columns, role: str) -> str | None:
    """Return the default name of a column that is there and holds anything."""
    return next((name for name in DEFAULTS[role] if name in table and not _is_blank(name, table[name])), None)


def _is_blank(name: str, column: Any) -> bool:
    """Return whether a column holds nothing: points alone, as in BEDPE, or amplitudes that are all unknown."""
    if not isinstance(column, np.ndarray) or not column.size:
        return False
    if column.dtype.kind == "U":
        return bool((column == ".").all())
    return name == "amplitude" and column.dtype.kind == "f" and bool(np.isnan(column).all())


def _places_in(
    table: Columns, chosen: Mapping[str, str], what: str, resolution: int | None
) -> tuple[npt.NDArray[np.str_] | None, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_] | None]:
    """Return maps, rows, columns, and whether each map lies between two chromosomes."""
    named = (chosen["row"], chosen["column"]) if "row" in chosen else None
    pair, where = named or layout_in(table, INDEX_LAYOUTS), _where_in(table)
    if pair is not None:
        name = chosen.get("map") or _default(table, "map")
        of_maps = f"the maps of {what}"
        maps = None if name is None else names_of(as_array(table[name], of_maps, names=True), of_maps)
        row, column = (_indices(table[each], f"{what}, column {each}:", where) for each in pair)
        return maps, row, column, None
    names = layout_in(table, INTERVAL_LAYOUTS)
    if names is None:
        raise InputError(
            f"no columns i, j or row, column or those of BEDPE among {what}, but {', '.join(map(str, table))[:80]}: "
            "say which hold row and column"
        )
    if resolution is None:
        raise InputError(f"the places of {what} are base pairs: give the resolution, the base pairs of a bin")
    columns = {name: as_array(table[name], f"{what}, column {name}:", names=True) for name in names}
    (first, second), middles = intervals_of(columns, names, what, where=where)
    row, column = (middle // resolution for middle in middles)
    swapped = first > second  # between two chromosomes there is one map, whichever comes first
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    maps = np.where(first == second, first, np.char.add(np.char.add(first, ","), second))
    return maps, np.where(swapped, column, row), np.where(swapped, row, column), first != second


def _indices(given: Any, what: str, where: Callable[[int], str]) -> npt.NDArray[np.int64]:
    """Return a column of whole numbers from 0 on."""
    return whole_numbers(as_array(given, what, names=True), what, where=where)


def _heights(table: Columns, name: str, what: str, *, finite: bool) -> npt.NDArray[np.float64]:
    """Return scores or amplitudes; a minus before the name of a column turns its sign."""
    sign, where = 1.0 if name in table else -1.0, _where_in(table)
    found = sign * numbers_of(as_array(table[name if sign > 0 else name[1:]], what, names=True), what, where=where)
    wrong = np.flatnonzero(~np.isfinite(found))
    if finite and len(wrong):
        at = int(wrong[0])
        raise InputError(f"{what} have {found[at]:g} {where(at)}: give finite ones, or leave such calls out")
    return found
