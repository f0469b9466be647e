"""Maps: whole adjacency matrices with planted peaks, as a struct of arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array, is_symmetric, plain_layout
from gnnmax.task.blocks import check_blocks
from gnnmax.task.map_model import MAP_FIELDS, UNIT_NOISE, MapModel, Structure
from gnnmax.task.map_views import MapViews
from gnnmax.task.peaks import Peaks, peaks_by_map

__all__ = ["Maps", "refuse_infinite"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Maps(MapViews):
    """M whole adjacency matrices with the places of their peaks, one array per field, all with the same first axis.

    Maps of different sizes are padded to the largest: entries outside :attr:`size` are NaN, places are -1.

    Attributes:
        values: Weights, shape ``(M, n, m)``, float32. NaN means "not observed", or outside the map.
        size: Numbers of rows and columns of each map, shape ``(M, 2)``, int64.
        graph: Index of the host of each map, shape ``(M,)``, int64.
        row_place: True place of each row's node along the host, shape ``(M, n)``, int64. Nets do not see it.
        column_place: The same for the columns, shape ``(M, m)``.
        peak_position: Row and column of each peak, shape ``(M, P, 2)``, int64, P the most peaks of a map; -1 where
            there are fewer. :attr:`peaks` lists those that are there. In symmetric maps the row is the smaller.
        peak_amplitude: Height of each peak, shape ``(M, P)``, float32; NaN where there are fewer.
        structure: How rows and columns are related, see :data:`Structure`.
        model: The law of the entries.
        background: Mean of the entries without peaks (of their logarithms, if lognormal), shape ``(M, n, m)``; None if
            there is none. Nets do not see it; the exact rules do.
        row_block: Which rows are in the hidden block, shape ``(M, n)``, bool; no row in a map without one. None where
            peaks are planted, and so are the two below. :attr:`membership` joins rows and columns.
        column_block: Which columns are in it, shape ``(M, m)``; those of the same nodes unless the map is bipartite.
        block_amplitude: Height of the block, shape ``(M,)``, float32; NaN in a map without one.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> maps = build(load_recipe("line-64-shuffled").replace(splits={"test": 3})).test
        >>> maps
        Maps(M=3, n=64, structure=symmetric, peaks=3)
        >>> moved = maps.relabelled(np.random.default_rng(0))
        >>> same = maps.values[0, maps.peaks.row[0], maps.peaks.column[0]]
        >>> bool(moved.values[0, moved.peaks.row[0], moved.peaks.column[0]] == same)
        True
    """

    values: npt.NDArray[np.float32]
    size: Integers
    graph: Integers
    row_place: Integers
    column_place: Integers
    peak_position: Integers
    peak_amplitude: npt.NDArray[np.float32]
    structure: Structure = "symmetric"
    model: MapModel = UNIT_NOISE
    background: npt.NDArray[np.float32] | None = None
    row_block: npt.NDArray[np.bool_] | None = None
    column_block: npt.NDArray[np.bool_] | None = None
    block_amplitude: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.structure not in get_args(Structure):
            raise InputError(f"structure must be one of {', '.join(get_args(Structure))}, not {self.structure!r}")
        sizes: dict[str, int] = {}
        for name, given in self.arrays().items():
            field = MAP_FIELDS[name]
            array = plain_layout(np.asarray(given))
            object.__setattr__(self, name, array)
            if array.dtype != field.dtype:
                raise InputError(
                    f"field {name} must be {np.dtype(field.dtype)}, not {array.dtype}: convert it, or pass "
                    "Maps.from_values(values)"
                )
            if array.ndim != len(field.axes):
                raise InputError(f"field {name} must have shape ({', '.join(field.axes)}), not {array.shape}")
            for axis, size in zip(field.axes, array.shape, strict=True):
                wanted = sizes.setdefault(axis, int(axis) if axis.isdecimal() else size)
                if wanted != size:
                    raise InputError(f"field {name} has {axis} = {size} where {axis} = {wanted} was expected")
        self._check_size()
        self._check_peaks()
        block = self.row_block, self.column_block, self.block_amplitude
        check_blocks(*block, size=self.size, bipartite=self.structure == "bipartite")
        if self.structure == "symmetric":
            self._check_symmetry()

    def _check_size(self) -> None:
        n, m = self.values.shape[1:]
        if ((self.size < 1) | (self.size > (n, m))).any():
            raise InputError(f"the size of a map must be from 1 to {n} rows and from 1 to {m} columns")
        if self.structure != "bipartite" and (n != m or (self.size[:, 0] != self.size[:, 1]).any()):
            raise InputError(f"a {self.structure} map has as many rows as columns: use structure = 'bipartite'")
        if self.structure != "bipartite" and not np.array_equal(self.row_place, self.column_place):
            raise InputError(f"rows and columns of a {self.structure} map are the same nodes, in the same places")

    def _check_peaks(self) -> None:
        there = self.peak_position >= 0
        if (there[..., 0] != there[..., 1]).any() or (self.peak_position >= self.size[:, None]).any():
            raise InputError("a peak lies outside its map: give positions below the map's size")
        if self.structure == "symmetric":
            row, column = self.peak_position[..., 0], self.peak_position[..., 1]
            if (there[..., 0] & (row >= column)).any():
                raise InputError("a peak of a symmetric map is listed once, its row above the diagonal: row < column")
        places = self.peaks.places
        if len(np.unique(places, axis=0)) < len(places):
            raise InputError("two peaks of a map have the same place: list each once")

    def _check_symmetry(self) -> None:
        for name in ("values", "background"):
            array = getattr(self, name)
            if array is not None and not is_symmetric(array):
                raise InputError(
                    f"the {name} of a symmetric map differ from their mirror images: give symmetric matrices, or "
                    "structure = 'directed'"
                )

    @classmethod
    def from_values(
        cls,
        values: npt.ArrayLike | Sequence[npt.ArrayLike],
        *,
        peaks: Peaks | npt.ArrayLike | None = None,
        structure: Structure,
        model: MapModel | None = None,
    ) -> Maps:
        """Make maps from your own matrices, in the order in which they are given.

        Args:
            values: Real numbers, shape ``(M, n, m)``; one matrix ``(n, m)``; or a list of matrices of several sizes.
                NaN means "not observed".
            peaks: Known places, as :class:`Peaks` or an array of map, row and column, shape ``(P, 3)``. A place of a
                symmetric map may be given in either orientation. None: no place is known.
            structure: How rows and columns are related, see :data:`Structure`.
            model: The law of the entries, if it is known.

        Raises:
            InputError: no matrices, values beyond float32, matrices that do not fit the structure, peaks outside.

        Example:
            >>> maps = Maps.from_values([np.eye(4), np.ones((3, 3))], structure="directed", peaks=[[1, 2, 0]])
            >>> maps.size.tolist(), maps.peaks.places.tolist()
            ([[4, 4], [3, 3]], [[1, 2, 0]])
        """
        matrices = _matrices(values)
        known = peaks if isinstance(peaks, Peaks) else Peaks.of([] if peaks is None else peaks)
        size = np.array([matrix.shape for matrix in matrices], dtype=np.int64)
        if len(known) and not (known.map >= 0).all() & (known.map < len(matrices)).all():
            raise InputError(f"a peak names a map outside 0 to {len(matrices) - 1}")
        padded = np.full((len(matrices), *size.max(axis=0)), np.nan, dtype=np.float32)
        for index, matrix in enumerate(matrices):
            padded[index, : matrix.shape[0], : matrix.shape[1]] = matrix
        place = [
            np.where(np.arange(most) < own[:, None], np.arange(most), -1)
            for own, most in zip(size.T, padded.shape[1:], strict=True)
        ]
        position, amplitude = peaks_by_map(known, len(matrices), turned=structure == "symmetric")
        return cls(
            values=padded,
            size=size,
            graph=np.arange(len(matrices), dtype=np.int64),
            row_place=place[0],
            column_place=place[1],
            peak_position=position,
            peak_amplitude=amplitude,
            structure=structure,
            model=MapModel(diagonal=int(structure == "symmetric")) if model is None else model,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Maps]) -> Maps:
        """Join maps of the same structure, model and fields, in order; smaller ones are padded.

        Raises:
            InputError: nothing to join, or the parts differ in structure, model or background.

        Example:
            >>> one = Maps.from_values(np.eye(4), structure="directed")
            >>> two = Maps.from_values(np.eye(6), structure="directed")
            >>> Maps.concatenate([one, two]).values.shape
            (2, 6, 6)
        """
        if not isinstance(parts, Sequence) or not parts or not all(isinstance(part, Maps) for part in parts):
            raise InputError("concatenate takes a list of one or more Maps: pass list(parts)")
        if len({(part.structure, part.model, tuple(part.arrays())) for part in parts}) > 1:
            raise InputError("the parts differ in structure, model or background: give parts that agree in these")
        columns: dict[str, Any] = {
            name: _stacked([part.arrays()[name] for part in parts], MAP_FIELDS[name].padding)
            for name in parts[0].arrays()
        }
        return dataclasses.replace(parts[0], **columns)

    @property
    def peaks(self) -> Peaks:
        """The peaks of all maps, map by map."""
        one, which = np.nonzero(self.peak_position[..., 0] >= 0)
        row, column = self.peak_position[one, which].T
        return Peaks(one.astype(np.int64), row, column, self.peak_amplitude[one, which])

    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Where a peak can be, shape ``(M, n, m)``: inside the map, and far enough from the diagonal along the host.

        In a symmetric map an entry and its mirror image are one place, and both are marked.
        """
        inside = (self.row_place >= 0)[:, :, None] & (self.column_place >= 0)[:, None, :]
        if self.structure == "bipartite":
            return inside
        least = max(self.model.diagonal, int(self.structure == "symmetric"))
        return np.asarray(inside & (np.abs(self.row_place[:, :, None] - self.column_place[:, None, :]) >= least))

    def along_host(self, peaks: Peaks | None = None) -> Peaks:
        """Return places as true places along the host, where distances have a meaning in any order.

        Args:
            peaks: Positions in these maps; None takes the planted peaks.

        Raises:
            InputError: a position outside its map.

        Example:
            >>> maps = Maps.from_values(np.eye(4), structure="directed", peaks=[[0, 3, 1]])
            >>> maps.along_host().places.tolist()
            [[0, 3, 1]]
        """
        given = self.peaks if peaks is None else peaks
        if len(given) and (
            (given.places < 0).any()
            or (given.map >= len(self)).any()
            or (given.places[:, 1:] >= self.size[given.map]).any()
        ):
            raise InputError("a place lies outside its map: give positions below the map's size")
        row, column = self.row_place[given.map, given.row], self.column_place[given.map, given.column]
        if self.structure == "symmetric":
            row, column = np.minimum(row, column), np.maximum(row, column)
        return Peaks(given.map, row, column, given.amplitude)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the fields that are arrays and present, by name, in order."""
        return {name: array for name in MAP_FIELDS if (array := getattr(self, name)) is not None}

    def __getitem__(self, index: Any) -> Maps:
        """Select maps by a slice, mask or index array; an integer selects one and keeps the first axis."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"map {index} of {len(self)}")
            index = slice(index, index + 1 or None)
        if hasattr(index, "detach") or hasattr(index, "to_numpy"):
            index = as_array(index, "an index of maps")
        chosen: dict[str, Any] = {name: array[index] for name, array in self.arrays().items()}
        return dataclasses.replace(self, **chosen)

    def relabelled(self, rng: np.random.Generator) -> Maps:
        """Renumber the nodes of each map at random: rows and columns together, but for bipartite maps.

        Values, background, true places and peaks move together: the same graph, named differently.

        Raises:
            InputError: ``rng`` is not a generator.

        Example:
            >>> maps = Maps.from_values(np.arange(9).reshape(1, 3, 3), structure="directed", peaks=[[0, 2, 2]])
            >>> moved = maps.relabelled(np.random.default_rng(0))
            >>> moved.values[0, moved.peaks.row[0], moved.peaks.column[0]]
            np.float32(8.0)
        """
        if not isinstance(rng, np.random.Generator):
            raise InputError(f"rng must be a numpy.random.Generator, not {rng!r}: pass numpy.random.default_rng(seed)")
        rows = _shuffled(self.size[:, 0], self.values.shape[1], rng)
        columns = _shuffled(self.size[:, 1], self.values.shape[2], rng) if self.structure == "bipartite" else rows
        return self.permuted(rows, columns)

    def permuted(self, rows: npt.ArrayLike, columns: npt.ArrayLike | None = None) -> Maps:
        """Put the nodes of each map into another order.

        Args:
            rows: Shape ``(M, n)``: the old position of each new row; positions outside a map stay where they are.
            columns: The same for the columns, shape ``(M, m)``; None takes that of the rows.

        Raises:
            InputError: not one permutation for each map, or two different ones where rows and columns are the same
                nodes.
        """
        orders = (as_array(rows, "rows"), as_array(rows if columns is None else columns, "columns"))
        for name, order, most, own in zip(("rows", "columns"), orders, self.values.shape[1:], self.size.T, strict=True):
            inside = np.arange(most) < own[:, None]
            whole = order.shape == inside.shape and (np.sort(order, axis=1) == np.arange(most)).all()
            if not whole or ((order < own[:, None]) != inside).any():
                raise InputError(f"{name} must hold one permutation of the nodes for each of {len(self)} maps")
        if self.structure != "bipartite" and not np.array_equal(*orders):
            raise InputError(f"rows and columns of a {self.structure} map are the same nodes: permute them together")
        changed: dict[str, Any] = {"peak_position": self._moved_peaks(*(np.argsort(order, axis=1) for order in orders))}
        for name, array in self.arrays().items():
            moved = array
            for axis, order in zip(("n", "m"), orders, strict=True):
                if axis in MAP_FIELDS[name].axes:
                    at = MAP_FIELDS[name].axes.index(axis)
                    wide = np.expand_dims(order, 3 - at) if array.ndim == 3 else order
                    moved = np.take_along_axis(moved, wide, axis=at)
            changed.setdefault(name, moved)
        return dataclasses.replace(self, **changed)

    def _moved_peaks(self, new_row: Integers, new_column: Integers) -> Integers:
        """Return the positions of the peaks, given the new position of each old one."""
        there = self.peak_position[..., 0] >= 0
        each = np.arange(len(self))[:, None]
        row, column = (new[each, self.peak_position[..., side]] for side, new in enumerate((new_row, new_column)))
        if self.structure == "symmetric":
            row, column = np.minimum(row, column), np.maximum(row, column)
        return np.where(there[..., None], np.stack([row, column], axis=-1), -1)


def refuse_infinite(maps: Maps, what: str = "maps") -> None:
    """Refuse maps with infinite values, which no scorer can compare.

    Raises:
        InputError: with the number of such maps.
    """
    broken = int(np.isinf(maps.values).any(axis=(1, 2)).sum())
    if broken:
        raise InputError(f"{broken} of {len(maps)} {what} hold infinite values: give finite ones, and NaN for gaps")


def _matrices(values: Any) -> list[npt.NDArray[np.float32]]:
    """Return matrices in float32, or refuse them."""
    ragged = isinstance(values, (list, tuple)) and any(np.ndim(matrix) == 2 for matrix in values)
    whole = values if ragged else as_array(values, "the values of maps")
    stack = [as_array(matrix, "a map") for matrix in (whole[None] if not ragged and whole.ndim == 2 else whole)]
    if not stack or any(each.ndim != 2 or each.dtype.kind not in "biuf" or not each.size for each in stack):
        raise InputError("maps must be matrices of real numbers, shape (M, n, m) or a list of matrices (n, m)")
    with np.errstate(over="ignore"):
        stored = [matrix.astype(np.float32) for matrix in stack]
    if any((np.isinf(after) & np.isfinite(before)).any() for before, after in zip(stack, stored, strict=True)):
        raise InputError("some values are beyond what float32 can hold (3.4e38): rescale them")
    return stored


def _shuffled(sizes: Integers, most: int, rng: np.random.Generator) -> Integers:
    """Draw a permutation of each map's own positions; positions outside stay in place."""
    keys = np.where(np.arange(most) < sizes[:, None], rng.random((len(sizes), most)), 1.0 + np.arange(most))
    return np.argsort(keys, axis=1)


def _stacked(arrays: list[npt.NDArray[Any]], padding: float) -> npt.NDArray[Any]:
    """Join arrays along their first axis, padding the others to the largest."""
    most = np.max([array.shape[1:] for array in arrays], axis=0).astype(int).tolist() if arrays[0].ndim > 1 else []
    if all(list(array.shape[1:]) == most for array in arrays):
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    joined = np.full((sum(map(len, arrays)), *most), padding, dtype=arrays[0].dtype)
    start = 0
    for array in arrays:
        joined[(slice(start, start + len(array)), *map(slice, array.shape[1:]))] = array
        start += len(array)
    return joined
