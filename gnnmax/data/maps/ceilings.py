"""Ceilings of a recipe of maps: how well the places of its peaks can be known, exactly or by a named bound."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import msgspec
from msgspec import structs

from gnnmax.data.maps.generation import map_from_spec
from gnnmax.data.maps.imported import ImportedMaps
from gnnmax.data.maps.places import peak_distances, share_of_peaks, top_places
from gnnmax.data.maps.recipe import Block, MapRecipe, MapSpec, RaisedEntry, Tiles
from gnnmax.task.bayes import SEED
from gnnmax.task.map_posterior import PlaceCeiling, matched_filter, needle_found, place_ceiling
from gnnmax.task.maps import Maps
from gnnmax.task.tile_posterior import tile_ceiling

__all__ = ["ceiling_spec", "ceilings_of"]

ENTRIES = 4_000_000
"""Number of entries that are drawn for one ceiling."""


def ceiling_spec(recipe: MapRecipe, split: str) -> MapSpec:
    """Return what decides the ceilings of a split: all of its map but the order.

    To a rule that knows the order it does not matter; the natural one needs no eigenvectors.

    Raises:
        InputError: no such split.
    """
    return structs.replace(recipe.of(split).map, order="natural")


def ceilings_of(recipe: MapRecipe | ImportedMaps, split: str) -> tuple[PlaceCeiling, ...]:
    """Return the ceilings of a split: one for each amplitude if every map has one peak, else one for all.

    It is exact for one peak a map, and for peaks of one amplitude in tiles; else a named bound. Blocks have none: their
    card states the borders instead, see :mod:`gnnmax.data.maps.block_card`. Nor have maps of your own: their law is not
    known.

    The Monte Carlo seed is fixed, so the result never changes. Cached; the first call takes seconds for maps with
    profiles.

    Raises:
        InputError: no such split.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> [round(one.found, 3) for one in ceilings_of(load_recipe("needle-1000"), "test")]
        [0.201, 0.554, 0.865]
    """
    if isinstance(recipe, ImportedMaps):
        recipe.of(split)  # refuses a split that is not there
        return ()
    return _ceilings(msgspec.json.encode(ceiling_spec(recipe, split)))


@lru_cache(maxsize=64)
def _ceilings(encoded: bytes) -> tuple[PlaceCeiling, ...]:
    spec = msgspec.json.decode(encoded, type=MapSpec)
    if spec.peak_range == (0, 0) or isinstance(spec.plant, Block):
        return ()
    if isinstance(spec.peaks, Tiles) and len(spec.plant.levels) == 1:
        return (replace(tile_ceiling(_drawn(spec), spec.tile_of_places), amplitude=spec.plant.levels[0]),)
    if spec.peak_range != (1, 1):
        return (_bound(spec),)
    levels = spec.plant.levels
    return tuple(_of_one_peak(structs.replace(spec, plant=structs.replace(spec.plant, amplitude=a)), a) for a in levels)


def _of_one_peak(spec: MapSpec, amplitude: float) -> PlaceCeiling:
    full = spec.least_diagonal == int(spec.structure == "symmetric") and spec.background is None
    low, high = spec.rows
    full &= isinstance(spec.plant, RaisedEntry) and spec.columns is None and spec.noise != "poisson"
    if full and low == high:
        # Lognormal noise is an increasing map of Gaussian noise: the largest entry does not change.
        found = needle_found(low, amplitude, symmetric=spec.structure == "symmetric")
        return PlaceCeiling(basis="closed form", amplitude=amplitude, found=found)
    return replace(place_ceiling(_drawn(spec)), amplitude=amplitude)


def _drawn(spec: MapSpec) -> Maps:
    rows, columns = spec.sides
    count = max(8, min(1_000, ENTRIES // (rows * columns)))
    return Maps.concatenate([map_from_spec(spec, seed=SEED, graph=graph) for graph in range(count)])


def _bound(spec: MapSpec) -> PlaceCeiling:
    """Share of the peaks that the matched filter finds, given their number; its error has maps as clusters."""
    maps = _drawn(spec)
    calls = top_places(matched_filter(maps), maps, maps.peak_count, separation=max(spec.separation, 1))
    far = peak_distances(maps, calls)
    level = spec.plant.levels[0] if len(spec.plant.levels) == 1 else None
    found, found_error = share_of_peaks(far <= 0, maps)
    within_one, within_one_error = share_of_peaks(far <= 1, maps)
    return PlaceCeiling(
        basis="matched filter, order known",
        amplitude=level,
        found=found,
        within_one=within_one,
        found_error=found_error,
        within_one_error=within_one_error,
        maps=len(maps),
    )
