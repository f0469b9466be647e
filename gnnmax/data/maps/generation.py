"""Generation of maps from a recipe. Each map has its own random streams, so results do not depend on workers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.graph_chunks import Progress, draw_chunks
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.recipe import Block, MapRecipe, MapSpec, Tiles, parse_map_recipe, span_of
from gnnmax.data.random_streams import stream
from gnnmax.data.subgraphs.node_order import spectral_order
from gnnmax.errors import InputError
from gnnmax.io.workers import ExecutorLike, check_workers
from gnnmax.task.map_model import MapModel
from gnnmax.task.maps import Maps

__all__ = ["build_maps", "draw_maps", "generate_map", "generate_maps", "map_from_spec", "seriated"]

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
MeanOfRow = Callable[[int], Matrix]
"""Maps a row to the means of its entries (of their logarithms, if lognormal), shape ``(m,)``."""

CHUNK = 1_000_000
"""Number of entries that a worker draws at a time."""

STRIP = 256
"""Number of rows whose mirror image is filled in at a time."""

ATTEMPTS = 10_000
"""Number of places that are tried for one peak before its map is given up."""


def build_maps(
    recipe: MapRecipe, *, workers: int = 1, executor: ExecutorLike | None = None, on_progress: Progress | None = None
) -> MapSet:
    """Draw all maps of a recipe, in memory.

    Args:
        recipe: The recipe.
        workers: Number of worker processes; the maps do not depend on it, bit for bit.
        executor: As for :func:`gnnmax.data.generation.build`.
        on_progress: Called with the number of maps done and in total.

    Raises:
        InputError: ``workers`` is not from 1 to 1000, or a map has no room for its peaks.
    """
    return MapSet(
        recipe,
        {
            split: Maps.concatenate(list(draw_maps(recipe, split, workers, on_progress, executor=executor)))
            for split in recipe.splits
        },
    )


def draw_maps(
    recipe: MapRecipe,
    split: str,
    workers: int = 1,
    on_progress: Progress | None = None,
    *,
    executor: ExecutorLike | None = None,
    first: int = 0,
) -> Iterator[Maps]:
    """Draw the maps of a split in order, several at a time, without the ``first`` parts.

    Raises:
        InputError: ``workers`` is not from 1 to 1000, or a map has no room for its peaks.
    """
    check_workers(workers, executor)
    rows, columns = recipe.of(split).map.sides
    size = max(1, min(64, CHUNK // (rows * columns)))
    draw = functools.partial(generate_maps, recipe.to_dict())
    return draw_chunks(
        draw,
        recipe.span(split),
        size,
        workers=workers,
        executor=executor,
        total=recipe.graphs,
        on_progress=on_progress,
        first=first,
    )


def generate_map(recipe: MapRecipe, graph: int) -> Maps:
    """Draw one map.

    Args:
        recipe: The recipe.
        graph: Index of the host, below ``recipe.graphs``.

    Raises:
        InputError: the map has no room for its peaks.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> generate_map(load_recipe("line-64"), 0)
        Maps(M=1, n=64, structure=symmetric, peaks=1)
    """
    return map_from_spec(recipe.of(recipe.split_of(graph)).map, seed=recipe.seed, graph=graph)


def generate_maps(recipe: dict[str, Any], graphs: list[int]) -> Maps:
    """Draw some maps of one split in a worker process, from a recipe as plain dicts.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> len(generate_maps(load_recipe("line-64").to_dict(), [0, 5]))
        2
    """
    parsed = parse_map_recipe(recipe, str(recipe.get("name")))
    try:
        return Maps.concatenate([generate_map(parsed, graph) for graph in graphs])
    except InputError as error:
        raise InputError(f"recipe {parsed.name}: {error}") from None


def map_from_spec(spec: MapSpec, *, seed: int, graph: int) -> Maps:
    """Draw one map from the table of a recipe, padded to the greatest sides and number of peaks of the table.

    Args:
        spec: The table, with the shift of its split applied.
        seed: Seed of the recipe.
        graph: Index of the random streams, any integer from 0 on.

    Raises:
        InputError: there is no room for the peaks.
    """
    rng = stream(seed, "subgraph", graph)
    n = _drawn(spec.n, rng)
    m = n if spec.columns is None else _drawn(spec.columns, rng)
    draw = _block_in_noise if isinstance(spec.plant, Block) else _peaks_in_noise
    return _reordered(draw(spec, n, m, seed=seed, graph=graph), spec, rng)


def _peaks_in_noise(spec: MapSpec, n: int, m: int, *, seed: int, graph: int) -> Maps:
    """Draw a map with peaks in natural order."""
    peaks, amplitude = draw_peaks(spec, n, m, stream(seed, "plant", graph))
    background = None
    if spec.background is not None:
        background = spec.background.mean(n, seed=seed, graph=graph).astype(np.float32)
        if spec.structure == "symmetric":
            np.fill_diagonal(background, 0.0)
    mean = _mean(spec.model, background, signal_of(spec, n, m, peaks, amplitude))
    values = _with_noise(mean.__getitem__, (n, m), spec, stream(seed, "noise", graph))
    position = np.full((1, spec.most_peaks, 2), -1, dtype=np.int64)
    position[0, : len(peaks)] = peaks
    height = np.full((1, spec.most_peaks), np.nan, dtype=np.float32)
    height[0, : len(peaks)] = amplitude
    return _padded(spec, values, background=background, graph=graph, peak_position=position, peak_amplitude=height)


def _block_in_noise(spec: MapSpec, n: int, m: int, *, seed: int, graph: int) -> Maps:
    """Draw a map with a block in natural order; no matrix of means is made, so large maps fit into memory."""
    rng, block = stream(seed, "plant", graph), spec.plant
    assert isinstance(block, Block)
    there = bool(_drawn(spec.peak_range, rng))
    first = [int(rng.integers(all_ - own + 1)) for all_, own in zip((n, m), block.size, strict=True)]
    if spec.structure != "bipartite":
        first[1] = first[0]
    rows, columns = (
        there & (np.arange(side) >= start) & (np.arange(side) < start + own)
        for side, start, own in zip(spec.sides, first, block.size, strict=True)
    )
    height = _level(spec, rng)
    counts = spec.noise in ("poisson", "bernoulli")  # means and probabilities: the block multiplies them
    outside = np.full(m, spec.base if counts else 0.0)
    inside = outside + (spec.base if counts else 1.0) * height * columns[:m]
    values = _with_noise(lambda row: inside if rows[row] else outside, (n, m), spec, stream(seed, "noise", graph))
    return _padded(
        spec,
        values,
        background=None,
        graph=graph,
        peak_position=np.full((1, 0, 2), -1, dtype=np.int64),
        peak_amplitude=np.full((1, 0), np.nan, dtype=np.float32),
        row_block=rows[None],
        column_block=columns[None],
        block_amplitude=np.array([height if there else np.nan], dtype=np.float32),
    )


def _level(spec: MapSpec, rng: np.random.Generator) -> float:
    """Draw one of the levels of an amplitude."""
    levels = spec.plant.levels
    return levels[int(rng.integers(len(levels)))]


def _drawn(given: int | tuple[int, ...], rng: np.random.Generator) -> int:
    """Draw a number from a range, uniformly; nothing is drawn if it is fixed."""
    least, most = span_of(given)
    return least if least == most else int(rng.integers(least, most + 1))


def draw_peaks(spec: MapSpec, n: int, m: int, rng: np.random.Generator) -> tuple[Places, npt.NDArray[np.float64]]:
    """Draw the places of a map's peaks along the host, one after the other, each uniform where it is allowed.

    Returns:
        Rows and columns, shape ``(P, 2)``, the smaller first in symmetric maps; and amplitudes, shape ``(P,)``.

    Raises:
        InputError: no place is left for a peak.
    """
    if isinstance(spec.peaks, Tiles):
        return _with_heights(spec, _one_in_each_tile(spec.tile_of_places, spec.peaks.chance, rng), rng)
    count = _drawn(spec.peak_range, rng)
    least, symmetric = spec.least_diagonal, spec.structure == "symmetric"
    chosen = np.zeros((0, 2), dtype=np.int64)
    for _ in range(count * ATTEMPTS):
        if len(chosen) == count:
            break
        place = np.array([rng.integers(n), rng.integers(m)], dtype=np.int64)
        if spec.structure != "bipartite" and abs(int(place[0] - place[1])) < least:
            continue
        place = np.sort(place) if symmetric else place
        others = np.concatenate([chosen, chosen[:, ::-1]]) if symmetric else chosen
        if (np.abs(others - place).max(axis=1, initial=0) >= spec.separation).all():
            chosen = np.concatenate([chosen, place[None]])
    if len(chosen) < count:
        raise InputError(
            f"a map of {n} x {m} has no room for {count} peaks that are {spec.separation} apart: lower peaks or "
            "separation, or choose a larger n"
        )
    return _with_heights(spec, chosen, rng)


def _one_in_each_tile(tile: Places, chance: float, rng: np.random.Generator) -> Places:
    """Draw which tiles hold a peak, and its place, uniform among those of the tile."""
    found = []
    for number in np.unique(tile[tile >= 0]).tolist():
        places = np.argwhere(tile == number)
        there, place = rng.random() < chance, int(rng.integers(len(places)))
        found += [places[place]] if there else []
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _with_heights(spec: MapSpec, chosen: Places, rng: np.random.Generator) -> tuple[Places, npt.NDArray[np.float64]]:
    """Draw the amplitude of each peak among the levels of the recipe."""
    levels, count = np.array(spec.plant.levels), len(chosen)
    return chosen, levels[rng.integers(len(levels), size=count)] if len(levels) > 1 else np.full(count, levels[0])


def signal_of(spec: MapSpec, n: int, m: int, peaks: Places, amplitude: npt.NDArray[np.float64]) -> Matrix:
    """Sum the profiles of peaks, each times its amplitude, shape ``(n, m)``; with mirror images in symmetric maps."""
    signal = np.zeros((n, m))
    model = spec.model
    far = max(n, m) if model.law != "poisson" else model.reach
    # Few distances occur: with a table the bytes do not depend on how a machine rounds vectorised exponentials.
    fall = np.array([_fall(d, model.radius) if d <= far else 0.0 for d in range(max(n, m))])
    for (row, column), height in zip(peaks.tolist(), amplitude.tolist(), strict=True):
        profile = np.outer(fall[np.abs(np.arange(n) - row)], fall[np.abs(np.arange(m) - column)])
        signal += height * (profile + profile.T if spec.structure == "symmetric" else profile)
    return signal


def _fall(distance: int, radius: float) -> float:
    """Height of a profile at a distance along one axis."""
    return math.exp(-(distance**2) / (2 * radius**2)) if radius else float(distance == 0)


def _mean(model: MapModel, background: npt.NDArray[np.float32] | None, signal: Matrix) -> Matrix:
    """Mean of the entries (of their logarithms, if lognormal)."""
    if model.law == "poisson":
        return (model.base if background is None else background.astype(np.float64)) * (1.0 + signal)
    return signal if background is None else background.astype(np.float64) + signal


def _with_noise(
    mean: MeanOfRow, shape: tuple[int, int], spec: MapSpec, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw the entries row by row, given their means; in a symmetric map each pair once, with an empty diagonal."""
    symmetric = spec.structure == "symmetric"
    values = np.zeros(shape, dtype=np.float32)
    for row in range(shape[0]):
        first = row + 1 if symmetric else 0
        values[row, first:] = _noisy(mean(row)[first:], spec.noise, rng)
    if symmetric:
        for start in range(0, shape[0], STRIP):  # tile by tile: whole columns at once would miss every cache
            stop = start + STRIP
            values[stop:, start:stop] = values[start:stop, stop:].T
            tile = values[start:stop, start:stop]
            tile += tile.T
    return values


def _noisy(mean: Matrix, law: str, rng: np.random.Generator) -> Matrix:
    """Draw entries of a law, given their means."""
    if law == "poisson":
        return np.asarray(rng.poisson(mean))
    if law == "lognormal":
        return rng.lognormal(mean, 1.0)
    if law == "bernoulli":
        return np.asarray(rng.random(mean.shape) < mean)
    return mean + rng.standard_normal(mean.shape)


def _padded(
    spec: MapSpec,
    values: npt.NDArray[np.float32],
    *,
    background: npt.NDArray[np.float32] | None,
    graph: int,
    **planted: npt.NDArray[Any],
) -> Maps:
    """Lay out one map in natural order, in the greatest size of its recipe, with the fields of its peaks or block."""
    sides = spec.sides

    def wide(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if matrix.shape == sides:
            return matrix[None]
        whole = np.full((1, *sides), np.nan, dtype=np.float32)
        whole[0, : matrix.shape[0], : matrix.shape[1]] = matrix
        return whole

    size = np.array([values.shape], dtype=np.int64)
    places = [
        np.where(np.arange(side) < own, np.arange(side), -1)[None] for side, own in zip(sides, size[0], strict=True)
    ]
    return Maps(
        values=wide(values),
        size=size,
        graph=np.array([graph], dtype=np.int64),
        row_place=places[0],
        column_place=places[1],
        structure=spec.structure,
        model=spec.model,
        background=None if background is None else wide(background),
        **planted,
    )


def _reordered(maps: Maps, spec: MapSpec, rng: np.random.Generator) -> Maps:
    """Put the nodes into the order of the recipe: along the host, shuffled, or shuffled and then seriated."""
    if spec.order == "natural":
        return maps
    shuffled = maps.relabelled(rng)
    return shuffled if spec.order == "shuffled" else seriated(shuffled)


def seriated(maps: Maps) -> Maps:
    """Put the nodes of each map along the Fiedler vector of its own matrix; the cost is cubic in n.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("line-64-shuffled").replace(**{"map.background.affinity": 100.0})
        >>> places = seriated(generate_map(recipe, 0)).row_place[0]
        >>> bool((np.abs(np.diff(places)) <= 3).all())
        True
    """
    order = np.tile(np.arange(maps.n), (len(maps), 1))
    for index, (own, _) in enumerate(maps.size.tolist()):
        matrix = np.nan_to_num(maps.values[index, :own, :own])
        order[index, :own] = spectral_order(matrix, matrix != 0)
    return maps.permuted(order)
