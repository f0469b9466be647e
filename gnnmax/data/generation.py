"""Generation of windows from a recipe. Each graph has its own random streams, so results do not depend on workers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import groupby
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from gnnmax.data.base_windows import draw_base_windows, repeat_windows
from gnnmax.data.chunks import by_chunks
from gnnmax.data.dataset import DataSet, with_names
from gnnmax.data.graph_chunks import Progress, draw_chunks
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.generation import build_maps
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.planting.noise_peaks import draw_amplitudes, plant_noise
from gnnmax.data.planting.plants import CENTRED, Bump, Natural, Noise, Spike, paired_kinds
from gnnmax.data.planting.spikes import plant_spikes
from gnnmax.data.random_streams import stream
from gnnmax.data.recipe import Ingredients, Recipe, parse_recipe
from gnnmax.data.recipe_files import RecipeLike, any_recipe
from gnnmax.errors import InputError
from gnnmax.io.workers import ExecutorLike, check_workers
from gnnmax.task.label import is_centred, kind_of, margin, offset_of
from gnnmax.task.windows import FIELDS, Windows

__all__ = ["build", "generate_graph"]

CHUNK = 8


@overload
def build(
    recipe: MapRecipe, *, workers: int = 1, executor: ExecutorLike | None = None, on_progress: Progress | None = None
) -> MapSet: ...


@overload
def build(
    recipe: Recipe, *, workers: int = 1, executor: ExecutorLike | None = None, on_progress: Progress | None = None
) -> DataSet: ...


@overload
def build(
    recipe: RecipeLike, *, workers: int = 1, executor: ExecutorLike | None = None, on_progress: Progress | None = None
) -> DataSet | Any: ...


def build(
    recipe: RecipeLike | MapRecipe,
    *,
    workers: int = 1,
    executor: ExecutorLike | None = None,
    on_progress: Progress | None = None,
) -> DataSet | MapSet:
    """Draw all windows or maps of a recipe, in memory.

    Args:
        recipe: A recipe of windows or of maps; the name of a shipped one; the path of a ``.toml`` file; or a recipe as
            plain dicts.
        workers: Number of worker processes; the windows do not depend on it, bit for bit.
        executor: Any executor of ``concurrent.futures``, or a function that makes one, in place of worker processes of
            our own; see :func:`gnnmax.io.ordered_map.map_ahead`.
        on_progress: Called with the number of graphs done and in total.

    Raises:
        InputError: ``workers`` is below 1, or the hosts of the recipe do not have enough such windows.
        LostWorkerError: some graphs ended their worker every time.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("spike-9").replace(splits={"train": 2, "test": 1}))
        >>> data.train
        Windows(N=128, k=9, label=observed, centred=0.500)
        >>> build("tiny")
        <DataSet tiny: windows of side 5: ...>
        >>> build(load_recipe("line-64-shuffled").replace(splits={"test": 4})).test
        Maps(M=4, n=64, structure=symmetric, peaks=4)
    """
    recipe = any_recipe(recipe)
    if isinstance(recipe, MapRecipe):
        return build_maps(recipe, workers=workers, executor=executor, on_progress=on_progress)
    check_call(recipe, workers, executor)
    splits = {}
    for split in recipe.splits:
        parts = generate_windows(recipe, recipe.span(split), workers, on_progress, executor=executor)
        drawn = Windows.concatenate(list(parts))
        splits[split] = with_names(recipe, split, drawn)
    return DataSet(recipe, splits)


def check_call(recipe: object, workers: object, executor: object = None) -> None:
    """Check the arguments of a generation before any work is done.

    Raises:
        InputError: not a recipe, not a positive number of workers, or not an executor.

    Example:
        >>> check_call("spike-9", 2)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: expected a Recipe, not str: pass load_recipe(name)
    """
    if not isinstance(recipe, Recipe):
        raise InputError(f"expected a Recipe, not {type(recipe).__name__}: pass load_recipe(name)")
    check_workers(workers, executor)


def generate_windows(
    recipe: Recipe,
    graphs: range,
    workers: int = 1,
    on_progress: Progress | None = None,
    *,
    executor: ExecutorLike | None = None,
    first: int = 0,
) -> Iterator[Windows]:
    """Draw the windows of a range of graphs in order, several graphs at a time.

    Args:
        recipe: The recipe.
        graphs: Indices of the hosts.
        workers: Number of worker processes.
        on_progress: Called with the number of graphs done and in total for the recipe.
        executor: As for :func:`build`.
        first: Number of parts at the start that are left out.

    Yields:
        The windows of up to 8 graphs.

    Raises:
        InputError: ``workers`` is below 1, or the hosts of the recipe do not have enough such windows.
    """
    check_call(recipe, workers, executor)
    draw = functools.partial(generate_graphs, recipe.to_dict())
    return draw_chunks(
        draw,
        graphs,
        CHUNK,
        workers=workers,
        executor=executor,
        total=recipe.graphs,
        on_progress=on_progress,
        first=first,
    )


def generate_graphs(recipe: dict[str, Any], graphs: list[int]) -> Windows:
    """Draw the windows of some graphs in a worker process, from a recipe as plain dicts.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> len(generate_graphs(load_recipe("spike-9").to_dict(), [0, 5]))
        128
    """
    parsed = parse_recipe(recipe, str(recipe.get("name")))
    parts = []
    for split, some in groupby(graphs, parsed.split_of):
        own, first = parsed.of(split), parsed.span(split).start
        parts.append(_described(own, [_planted(own, own.combination(graph - first), graph) for graph in some]))
    return Windows.concatenate(parts)


def generate_graph(recipe: Recipe, graph: int) -> Windows:
    """Draw the windows of one host graph.

    Args:
        recipe: The recipe.
        graph: Index of the host, below ``recipe.graphs``.

    Raises:
        InputError: no host of this recipe has enough such windows.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> generate_graph(load_recipe("real-karate"), 0)
        Windows(N=78, k=9, label=observed, centred=0.038)
    """
    split = recipe.split_of(graph)
    own = recipe.of(split)
    return generate_host(own, own.combination(graph - recipe.span(split).start), graph)


def generate_host(recipe: Recipe, ingredients: Ingredients, graph: int) -> Windows:
    """Draw the windows of a host with given ingredients.

    Args:
        recipe: The recipe, with the shift of its split applied.
        ingredients: The ingredients of the host.
        graph: Index of the host's random streams, any integer from 0 on.

    Raises:
        InputError: no host of this kind has enough windows for the recipe.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("spike-9")
        >>> generate_host(recipe, recipe.combination(0), 10**15)
        Windows(N=64, k=9, label=observed, centred=0.500)
    """
    return _described(recipe, [_planted(recipe, ingredients, graph)])


def _planted(recipe: Recipe, ingredients: Ingredients, graph: int) -> dict[str, npt.NDArray[Any]]:
    """Plant in the windows of a host, and return their fields by the names of :data:`FIELDS`."""
    try:
        base = repeat_windows(draw_base_windows(recipe.host_draw(ingredients, graph)), recipe.twins)
    except InputError as error:
        raise InputError(f"recipe {recipe.name}: {error}") from None
    k, count, plant = recipe.k, len(base.values), recipe.plant
    values, rng = base.values, stream(recipe.seed, "plant", graph)
    windows = values.reshape(count, k, k)
    natural = isinstance(plant, Natural)
    kinds = kind_of(windows) if natural else paired_kinds(recipe.kinds, count, recipe.twins, rng)
    flips = draw_flips(recipe.seed, graph, count=count, share=recipe.label_noise)
    known: dict[str, npt.NDArray[Any] | None] = {
        **{name: array for name, array in vars(base).items() if name in FIELDS},
        "values": windows,
        "planted": np.zeros(count, np.bool_) if natural else (kinds == CENTRED) ^ flips,
        "kind_code": kinds,
        "graph": np.full(count, graph),
    }
    if isinstance(plant, Noise | Bump):
        amplitude = draw_amplitudes(plant, count, recipe.twins, rng)
        nodes = (base.rows, base.columns)
        place = plant_noise(values, nodes, kinds=kinds, amplitude=amplitude, noise=plant.model, rng=rng)
        known["amplitude"] = amplitude
        if recipe.label == "planted":
            known["offset"] = np.stack(np.divmod(place, k), axis=1) - k // 2
    if isinstance(plant, Spike):
        apart: dict[str, int] = {"distractors": plant.distractors, "gap": plant.gap}
        strict = plant_spikes(values, base.edge_mask, kinds, plant.margin, rng, twins=recipe.twins, **apart)
        if not strict.all():
            raise InputError(
                f"recipe {recipe.name}: in graph {graph} a peak exceeds the largest number of float32: choose smaller "
                "weights or a smaller margin"
            )
    return {name: array for name, array in known.items() if array is not None}


def _described(recipe: Recipe, hosts: list[dict[str, npt.NDArray[Any]]]) -> Windows:
    """Join the windows of several hosts and add the fields that follow from their values."""
    known = dict(hosts[0])
    if len(hosts) > 1:
        known = {name: np.concatenate([host[name] for host in hosts]) for name in known}
    for name, function in (("observed", is_centred), ("margin", margin), ("offset", offset_of)):
        if name not in known:
            known[name] = by_chunks(function, known["values"])
    arrays: dict[str, Any] = {name: array.astype(FIELDS[name].dtype, copy=False) for name, array in known.items()}
    return Windows(**arrays, label_rule=recipe.label, noise=recipe.noise)


def draw_flips(seed: int, graph: int, *, count: int, share: float) -> npt.NDArray[np.bool_]:
    """Draw the windows of a host whose planted label is flipped, each independently of everything else.

    Args:
        seed: Seed of the recipe.
        graph: Index of the host.
        count: Number of windows of the host.
        share: Share of flipped labels; 0 draws nothing.

    Example:
        >>> round(draw_flips(0, 0, count=10_000, share=0.25).mean(), 2)
        np.float64(0.25)
    """
    if not share:
        return np.zeros(count, dtype=np.bool_)
    return np.asarray(stream(seed, "label", graph).random(count) < share)
