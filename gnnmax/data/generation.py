"""Build: from a recipe to windows. Every graph is drawn from its own streams, so workers and order change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.base_windows import draw_cells
from gnnmax.data.chunks import by_parts
from gnnmax.data.dataset import DataSet
from gnnmax.data.planting.noise_peaks import draw_amplitudes, plant_noise
from gnnmax.data.planting.plants import CENTRED, Bump, Natural, Noise, Spike, paired_kinds
from gnnmax.data.planting.spikes import plant_spikes
from gnnmax.data.random_streams import stream
from gnnmax.data.recipe import Ingredients, Recipe, parse_recipe
from gnnmax.errors import InputError
from gnnmax.task.label import is_centred, kind_of, margin, offset_of
from gnnmax.task.windows import Windows

__all__ = ["build", "draw_graph"]

CHUNK = 8
MOST_WORKERS = 1_000


def build(recipe: Recipe, *, workers: int = 1, on_progress: Callable[[int, int], None] | None = None) -> DataSet:
    """Draw all windows of a recipe, in memory.

    Args:
        recipe: What to draw.
        workers: Processes to draw with; the windows are the same, to the byte, for any number.
        on_progress: Called with the number of graphs done and of all graphs.

    Raises:
        InputError: ``workers`` below 1, or the recipe asks for windows that its hosts do not have.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("spike-9").replace(splits={"train": 2, "test": 1}))
        >>> data.train
        Windows(N=128, k=9, label=observed, centred=0.500)
    """
    check_call(recipe, workers)
    splits = {}
    for split in recipe.splits:
        splits[split] = Windows.concatenate(list(drawn(recipe, recipe.span(split), workers, on_progress)))
    return DataSet(recipe, splits)


def check_call(recipe: object, workers: object) -> None:
    """Refuse what cannot be drawn, before anything is.

    Raises:
        InputError: not a recipe, or not a positive number of workers.

    Example:
        >>> check_call("spike-9", 2)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a Recipe is to be drawn, not str: say load_recipe(name)
    """
    if not isinstance(recipe, Recipe):
        raise InputError(f"a Recipe is to be drawn, not {type(recipe).__name__}: say load_recipe(name)")
    if not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"workers must be an integer and at least 1, at most {MOST_WORKERS}, not {workers!r}")


def drawn(
    recipe: Recipe, graphs: range, workers: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> Iterator[Windows]:
    """Draw the windows of a range of graphs, some graphs at a time, in order.

    Args:
        recipe: What to draw.
        graphs: Indices of the hosts.
        workers: Processes to draw with.
        on_progress: Called with the number of graphs done and of all graphs of the recipe.

    Yields:
        The windows of up to 8 graphs.

    Raises:
        InputError: ``workers`` below 1, or the recipe asks for windows that its hosts do not have.
    """
    check_call(recipe, workers)
    chunks = [list(graphs[start : start + CHUNK]) for start in range(0, len(graphs), CHUNK)]
    plain = recipe.to_dict()
    if workers == 1 or len(chunks) == 1:
        parts = (draw_graphs(plain, chunk) for chunk in chunks)
    else:
        from loky import get_reusable_executor

        # A timeout of its own keeps these workers apart from those that train: loky takes loading torch for a leak.
        executor = get_reusable_executor(max_workers=min(workers, len(chunks)), timeout=20)
        parts = executor.map(draw_graphs, [plain] * len(chunks), chunks)
    for chunk, part in zip(chunks, parts, strict=True):
        yield part
        if on_progress is not None:
            on_progress(chunk[-1] + 1, recipe.graphs)


def draw_graphs(recipe: dict[str, Any], graphs: list[int]) -> Windows:
    """Draw the windows of some graphs of a recipe given as plain dicts; what a worker process runs.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> len(draw_graphs(load_recipe("spike-9").to_dict(), [0, 5]))
        128
    """
    parsed = parse_recipe(recipe, str(recipe.get("name")))
    parts = []
    for split, some in groupby(graphs, parsed.split_of):
        own, first = parsed.of(split), parsed.span(split).start
        parts.append(_described(own, [_planted(own, own.combination(graph - first), graph) for graph in some]))
    return Windows.concatenate(parts)


def draw_graph(recipe: Recipe, graph: int) -> Windows:
    """Draw the windows of one host graph.

    Args:
        recipe: What to draw.
        graph: Index of the host, below ``recipe.graphs``.

    Raises:
        InputError: no host of this recipe has the windows it asks for.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> draw_graph(load_recipe("real-karate"), 0)
        Windows(N=78, k=9, label=observed, centred=0.038)
    """
    split = recipe.split_of(graph)
    own = recipe.of(split)
    return draw_host(own, own.combination(graph - recipe.span(split).start), graph)


def draw_host(recipe: Recipe, ingredients: Ingredients, graph: int) -> Windows:
    """Draw the windows of a host of given ingredients.

    Args:
        recipe: What to draw, with the shift of its split applied.
        ingredients: What the host is made of.
        graph: Names the host's random streams; of any size.

    Raises:
        InputError: no such host has the windows that the recipe asks for.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("spike-9")
        >>> draw_host(recipe, recipe.combination(0), 10**15)
        Windows(N=64, k=9, label=observed, centred=0.500)
    """
    return _described(recipe, [_planted(recipe, ingredients, graph)])


def _planted(recipe: Recipe, ingredients: Ingredients, graph: int) -> dict[str, npt.NDArray[Any]]:
    """Plant in the windows of a host, and write down what was planted, by the names of :class:`Windows`."""
    cells = draw_cells(recipe, ingredients, graph)
    k, count, plant = recipe.k, len(cells.values), recipe.plant
    values, rng = cells.values, stream(recipe.seed, "plant", graph)
    windows = values.reshape(count, k, k)
    natural = isinstance(plant, Natural)
    kinds = kind_of(windows) if natural else paired_kinds(recipe.kinds, count, recipe.twins, rng)
    known: dict[str, npt.NDArray[Any] | None] = {
        "values": windows,
        "planted": np.zeros(count, np.bool_) if natural else (kinds == CENTRED) ^ flipped(recipe, graph, count),
        "kind_code": kinds,
        "graph": np.full(count, graph, dtype=np.int64),
        "rows": cells.rows,
        "columns": cells.columns,
        "row_context": cells.row_context,
        "column_context": cells.column_context,
    }
    if isinstance(plant, Noise | Bump):
        amplitude = draw_amplitudes(plant, count, recipe.twins, rng)
        place = plant_noise(values, (cells.rows, cells.columns), kinds, amplitude, plant.model, rng)
        known["amplitude"] = amplitude.astype(np.float32)
        if recipe.label == "planted":
            known["offset"] = (np.stack(np.divmod(place, k), axis=1) - k // 2).astype(np.int16)
    if isinstance(plant, Spike):
        apart: dict[str, int] = {"distractors": plant.distractors, "gap": plant.gap}
        strict = plant_spikes(values, cells.joined, kinds, plant.margin, rng, twins=recipe.twins, **apart)
        if not strict.all():
            raise InputError(
                f"recipe {recipe.name}: in graph {graph} a margin vanishes in float32: raise the smallest margin, or "
                "choose weights that are less alike"
            )
    return {name: array for name, array in known.items() if array is not None}


def _described(recipe: Recipe, hosts: list[dict[str, npt.NDArray[Any]]]) -> Windows:
    """Put the windows of some hosts together, and write down what is observed of them."""
    known: dict[str, Any] = dict(hosts[0])
    if len(hosts) > 1:
        known = {name: np.concatenate([host[name] for host in hosts]) for name in known}
    values = known["values"]
    if "offset" not in known:
        known["offset"] = by_parts(offset_of, values).astype(np.int16)
    return Windows(
        observed=by_parts(is_centred, values),
        margin=by_parts(margin, values).astype(np.float32),
        label_rule=recipe.label,
        noise=recipe.noise,
        **known,
    )


def flipped(recipe: Recipe, graph: int, count: int) -> npt.NDArray[np.bool_]:
    """Draw which windows of a host have their planted label flipped: each by itself, whatever else is drawn.

    Args:
        recipe: With the shift of its split applied.
        graph: Index of the host.
        count: Windows of the host.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> noisy = load_recipe("noise-9-mu2").replace(label_noise=0.25)
        >>> round(flipped(noisy, 0, 10_000).mean(), 2)
        np.float64(0.25)
    """
    if not recipe.label_noise:
        return np.zeros(count, dtype=np.bool_)
    return np.asarray(stream(recipe.seed, "label", graph).random(count) < recipe.label_noise)
