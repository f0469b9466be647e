"""Consistency of stored maps: everything that follows from the recipe alone, without drawing any map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.data.maps.recipe import Block, MapRecipe, MapSpec, Tiles, span_of
from gnnmax.errors import InputError
from gnnmax.task.maps import Maps

__all__ = ["MapChecker", "check_maps"]


class MapChecker:
    """Checks the parts of a stored split of maps, one after the other.

    Args:
        recipe: The recipe of the data set.
        split: Name of the split.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> data = build(load_recipe("needle-32").replace(splits={"val": 2, "test": 2}))
        >>> MapChecker(data.recipe, "val").check(data.val, is_last=True)
        >>> MapChecker(data.recipe, "test").check(data.val, is_last=True)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: map 0: hosts are not in the order of the recipe
    """

    def __init__(self, recipe: MapRecipe, split: str) -> None:
        self._spec, self._graphs, self._start = recipe.of(split).map, recipe.span(split), 0

    def check(self, maps: Maps, /, *, is_last: bool) -> None:
        """Check the next maps of the split.

        Args:
            maps: The maps.
            is_last: Whether none follow.

        Raises:
            InputError: a claim does not hold; the message names it and the first map, without the file.
        """
        first = self._graphs.start + self._start
        _refuse("hosts are not in the order of the recipe", maps.graph == np.arange(first, first + len(maps)))
        check_maps(maps, self._spec)
        self._start += len(maps)
        if self._start > len(self._graphs) or (is_last and self._start < len(self._graphs)):
            raise InputError(f"there are {self._start} maps where {len(self._graphs)} were expected")


def check_maps(maps: Maps, spec: MapSpec) -> None:
    """Check stored maps against the table of their recipe and against themselves.

    Raises:
        InputError: a claim does not hold; the message names it and the first map.
    """
    for side, (place, given) in enumerate(
        ((maps.row_place, spec.n), (maps.column_place, spec.n if spec.columns is None else spec.columns))
    ):
        least, most = span_of(given)
        own = maps.size[:, side]
        _refuse(f"its size is not from {least} to {most}", (own >= least) & (own <= most))
        inside = np.arange(place.shape[1]) < own[:, None]
        natural = np.where(inside, np.arange(place.shape[1]), -1)
        beyond = np.where(inside, 0, place.shape[1])  # sorts entries outside behind those inside
        numbered = (np.sort(place + beyond, axis=1) == natural + beyond) & ((place >= 0) == inside)
        _refuse("the true places are no numbering of its nodes", numbered.all(axis=1))
        if spec.order == "natural":
            _refuse("its nodes are not in natural order", (place == natural).all(axis=1))
    inside = (maps.row_place >= 0)[:, :, None] & (maps.column_place >= 0)[:, None, :]
    for name in ("values", "background"):
        array = getattr(maps, name)
        if array is not None:
            fine = np.asarray((np.isfinite(array) == inside).all(axis=(1, 2)))
            _refuse(f"its {name} are not finite inside and NaN outside", fine)
    if isinstance(spec.plant, Block):
        _check_blocks(maps, spec, spec.plant)
    else:
        _check_peaks(maps, spec)


def _check_blocks(maps: Maps, spec: MapSpec, block: Block) -> None:
    assert maps.row_block is not None
    assert maps.column_block is not None
    assert maps.block_amplitude is not None
    _refuse("it has peaks beside its block", maps.peak_count == 0)
    there = maps.row_block.any(axis=1)
    least, most = spec.peak_range
    _refuse(f"its number of blocks is not from {least} to {most}", np.asarray((there >= least) & (there <= most)))
    levels = np.array(block.levels, dtype=np.float32)
    _refuse("an amplitude is none of the recipe's", np.asarray(np.isin(maps.block_amplitude, levels) | ~there))
    for member, place, own, what in (
        (maps.row_block, maps.row_place, block.size[0], "rows"),
        (maps.column_block, maps.column_place, block.size[1], "columns"),
    ):
        _refuse(f"its block does not have {own} {what}", ~there | (member.sum(axis=1) == own))
        first = np.where(member, place, place.shape[1]).min(axis=1)
        last = np.where(member, place, -1).max(axis=1)
        _refuse(f"the {what} of its block are not consecutive along the host", ~there | (last - first == own - 1))


def _check_peaks(maps: Maps, spec: MapSpec) -> None:
    least, most = spec.peak_range
    count = maps.peak_count
    _refuse(f"its number of peaks is not from {least} to {most}", (count >= least) & (count <= most))
    there = maps.peak_position[..., 0] >= 0
    levels = np.array(spec.plant.levels, dtype=np.float32)
    known = np.isin(maps.peak_amplitude, levels) | (np.isnan(maps.peak_amplitude) & ~there)
    _refuse("an amplitude is none of the recipe's", np.asarray(known.all(axis=1)))
    true = maps.along_host()
    fine = np.ones(len(maps), dtype=np.bool_)
    if spec.structure != "bipartite":
        near = np.abs(true.row - true.column) < spec.least_diagonal
        fine[true.map[near]] = False
    _refuse(f"a peak is less than {spec.least_diagonal} from the diagonal", fine)
    if isinstance(spec.peaks, Tiles):
        tile = spec.tile_of_places[true.row, true.column]
        _refuse("a peak lies outside the places of its tile", ~np.isin(np.arange(len(maps)), true.map[tile < 0]))
        both, number = np.unique(np.stack([true.map, tile]), axis=1, return_counts=True)
        _refuse("two peaks lie in one tile", ~np.isin(np.arange(len(maps)), both[0, number > 1]))
    for index in np.flatnonzero(count > 1).tolist():
        place = true.places[true.map == index, 1:]
        far = np.abs(place[:, None] - place).max(axis=2)
        far[np.diag_indices(len(far))] = spec.separation
        if spec.structure == "symmetric":
            turned = np.abs(place[:, None] - place[:, ::-1]).max(axis=2)
            far = np.minimum(far, np.where(np.eye(len(far), dtype=np.bool_), far, turned))
        fine[index] = far.min() >= spec.separation
    _refuse(f"two of its peaks are less than {spec.separation} apart", fine)


def _refuse(claim: str, holds: npt.NDArray[np.bool_]) -> None:
    if not holds.all():
        raise InputError(f"map {int(np.argmin(holds))}: {claim}")
