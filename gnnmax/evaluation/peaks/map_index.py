"""The maps of an evaluation: their numbers or names, their shapes, and places numbered by map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.peaks.place_columns import PlaceColumns
from gnnmax.task.arrays import as_array

__all__ = ["MapIndex", "PlaceList"]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlaceList:
    """Distinct places of numbered maps, sorted by map, row and column.

    Attributes:
        map: Number of the map in the index, shape ``(N,)``.
        row: Shape ``(N,)``.
        column: Shape ``(N,)``.
        score: The highest is best, shape ``(N,)``; None without scores.
        source: Index of each among the places that were given, shape ``(N,)``.
        repeated: Number of places left out because they repeat a place.
    """

    map: Indices
    row: Indices
    column: Indices
    score: npt.NDArray[np.float64] | None
    source: npt.NDArray[np.intp]
    repeated: int = 0

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, index: npt.NDArray[Any]) -> PlaceList:
        """Select places by mask or indices."""
        score = None if self.score is None else self.score[index]
        return replace(
            self,
            map=self.map[index],
            row=self.row[index],
            column=self.column[index],
            score=score,
            source=self.source[index],
        )


@dataclass(frozen=True, eq=False)
class MapIndex:
    """The maps that are evaluated, in the order of their numbers, or of their names.

    Attributes:
        names: Numbers or names of the maps, as text, shape ``(M,)``.
        shapes: Rows and columns of each, shape ``(M, 2)``; None where they are not known.
    """

    names: tuple[str, ...]
    shapes: Indices | None

    @classmethod
    def of(cls, truth: PlaceColumns, maps: Any, shape: Any) -> MapIndex:
        """Make the index from the truth and from what the caller says of the maps.

        Args:
            truth: The peaks.
            maps: Number of maps, then numbered from 0; or their numbers or names; None takes those with a peak.
            shape: Side of square maps, or rows and columns of all, or of each, shape ``(M, 2)``; None where not known.

        Raises:
            InputError: an impossible number, a name twice, or a shape that is none.

        Example:
            >>> truth = PlaceColumns(np.array(["chr2", "chr10"]), np.array([0, 1]), np.array([2, 3]))
            >>> MapIndex.of(truth, None, 9).names
            ('chr10', 'chr2')
        """
        given = _given_names(maps)
        found = {"0"} if truth.map is None else set(truth.map.tolist())
        names = sorted(found, key=_order_of) if given is None else given
        return cls(tuple(names), _shapes(shape, len(names)))

    def number(self, places: PlaceColumns, what: str, *, symmetric: bool, duplicates: str) -> PlaceList:
        """Number places by map, sort them, and refuse or drop those that repeat a place.

        Args:
            places: As read.
            what: Their name in an error.
            symmetric: Whether (i, j) and (j, i) are one place.
            duplicates: Whether a place that is there twice is refused, or the best of them is kept.

        Raises:
            InputError: a map that the index does not have, a place outside its map, a place twice.
        """
        number = self._numbers(places, what)
        row, column = places.row, places.column
        self._check_inside(number, row, column, what)
        if symmetric:
            turned = row > column
            if places.between is not None:
                turned &= ~places.between
            row, column = np.where(turned, column, row), np.where(turned, row, column)
        best = np.zeros(len(row)) if places.score is None else -places.score
        if places.score is None and places.amplitude is not None:
            best = -places.amplitude
        order = np.lexsort((best, column, row, number))
        sorted_places = np.stack([number, row, column])[:, order]
        first = np.ones(len(row), dtype=np.bool_)
        first[1:] = (sorted_places[:, 1:] != sorted_places[:, :-1]).any(axis=0)
        repeated = int((~first).sum())
        if repeated and duplicates == "refuse":
            place = sorted_places[:, np.flatnonzero(~first)[0]]
            raise InputError(
                f"the place ({place[1]}, {place[2]}) of map {self.names[place[0]]} is twice among {what}"
                f"{' (both halves are one)' if symmetric else ''}: give each once, or duplicates='best' to keep the "
                "best of each"
            )
        kept = order[first]
        score = None if places.score is None else places.score[kept]
        return PlaceList(number[kept], row[kept], column[kept], score, kept, repeated)

    def check_square(self) -> None:
        """Refuse symmetry where rows and columns of a map differ in number.

        Raises:
            InputError: a map that is not square.
        """
        if self.shapes is not None and (self.shapes[:, 0] != self.shapes[:, 1]).any():
            rows, columns = self.shapes[np.argmax(self.shapes[:, 0] != self.shapes[:, 1])]
            raise InputError(f"a map of {rows} x {columns} is not symmetric: leave symmetric out, or give square maps")

    def _numbers(self, places: PlaceColumns, what: str) -> Indices:
        if places.map is None:
            if len(self.names) > 1 and len(places.row):
                raise InputError(
                    f"no column says on which of {len(self.names)} maps {what} lie: add a column map, or name it"
                )
            return np.zeros(len(places.row), np.int64)
        names, code = np.unique(places.map, return_inverse=True)
        known = {name: place for place, name in enumerate(self.names)}
        unknown = [name for name in names.tolist() if name not in known]
        if unknown:
            raise InputError(
                f"the map {unknown[0]!r:.40} of {what} is none of the {len(self.names)} maps evaluated, those of the "
                "truth: name all maps, also those without a peak, by the option maps"
            )
        numbers = np.array([known[name] for name in names.tolist()], dtype=np.int64)
        return numbers[code] if len(names) else np.zeros(0, np.int64)

    def _check_inside(self, number: Indices, row: Indices, column: Indices, what: str) -> None:
        if self.shapes is None:
            return
        rows, columns = self.shapes[number].T
        outside = np.flatnonzero((row >= rows) | (column >= columns))
        if len(outside):
            at = outside[0]
            raise InputError(
                f"the place ({row[at]}, {column[at]}) among {what} lies outside map {self.names[number[at]]} of "
                f"{rows[at]} x {columns[at]}: are truth and calls of the same maps?"
            )


def _order_of(name: str) -> tuple[bool, int, str]:
    """Sort numbers by size, before names."""
    return (False, int(name), "") if name.isdigit() else (True, 0, name)


def _given_names(maps: Any) -> list[str] | None:
    if maps is None:
        return None
    if isinstance(maps, (int, np.integer)) and not isinstance(maps, bool):
        if maps < 1:
            raise InputError(f"maps must be the number of maps, at least 1, or their names, not {maps}")
        return [str(number) for number in range(int(maps))]
    if isinstance(maps, str) or not isinstance(maps, (Sequence, np.ndarray)) or not len(maps):
        raise InputError(f"maps must be the number of maps, or a list of their numbers or names, not {maps!r:.40}")
    names = [str(name) for name in maps]
    if len(set(names)) < len(names):
        raise InputError(f"maps names a map twice among its {len(names)}: name each once")
    return names


def _shapes(shape: Any, maps: int) -> Indices | None:
    """Return rows and columns of each map."""
    if shape is None:
        return None
    array = as_array(shape, "shape")
    good = array.dtype.kind in "iu" and array.size > 0 and bool((array >= 1).all())
    if not good or array.shape not in ((), (2,), (maps, 2)):
        raise InputError(
            f"shape must be the side of the maps, or (rows, columns), or such a pair for each of {maps} maps, not "
            f"{shape!r:.60}"
        )
    return np.broadcast_to(array.astype(np.int64), (maps, 2))
