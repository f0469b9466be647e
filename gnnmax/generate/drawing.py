"""Build: from a recipe to windows. Every graph is drawn from its own streams, so workers and order change nothing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.generate.amplitudes import draw_amplitudes, plant_noise
from gnnmax.generate.cuts import CUTS, Places, blocks, centres
from gnnmax.generate.dataset import DataSet
from gnnmax.generate.families import Complete, Line
from gnnmax.generate.parts import by_parts
from gnnmax.generate.plants import CENTRED, Bump, Natural, Noise, Spike, paired_kinds
from gnnmax.generate.recipe import Ingredients, Recipe, parse_recipe
from gnnmax.generate.separation import keep_apart
from gnnmax.generate.spikes import plant_spikes, plantable
from gnnmax.generate.streams import stream
from gnnmax.generate.subgraphs import Subgraph
from gnnmax.generate.weights import BoundLaw, sample_weights, weigh
from gnnmax.label import is_centred, kind_of, margin, offset_of
from gnnmax.symmetry import relabellings
from gnnmax.window import Windows

__all__ = ["build", "draw_graph"]

ATTEMPTS = 20
REDRAWS = 50
SEARCHED = 100_000
"""Centres that are looked at in one host, where not any will do."""

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
        >>> from gnnmax.generate.recipe import load_recipe
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
        >>> from gnnmax.generate.recipe import load_recipe
        >>> len(draw_graphs(load_recipe("spike-9").to_dict(), [0, 5]))
        128
    """
    parsed = parse_recipe(recipe, str(recipe.get("name")))
    return Windows.concatenate([draw_graph(parsed, graph) for graph in graphs])


def draw_graph(recipe: Recipe, graph: int) -> Windows:
    """Draw the windows of one host graph.

    Args:
        recipe: What to draw.
        graph: Index of the host, below ``recipe.graphs``.

    Raises:
        InputError: no host of this recipe has the windows it asks for.

    Example:
        >>> from gnnmax.generate.recipe import load_recipe
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
        >>> from gnnmax.generate.recipe import load_recipe
        >>> recipe = load_recipe("spike-9")
        >>> draw_host(recipe, recipe.combination(0), 10**15)
        Windows(N=64, k=9, label=observed, centred=0.500)
    """
    if isinstance(ingredients.host, Complete | Line):
        return _finished(recipe, graph, _fresh(recipe, ingredients, graph))
    for attempt in range(ATTEMPTS):
        cells = _cells(recipe, ingredients, graph, attempt)
        if cells is not None:
            return _finished(recipe, graph, cells)
    raise InputError(
        f"recipe {recipe.name}: {ATTEMPTS} hosts of type {type(ingredients.host).__struct_config__.tag} gave no "
        f"windows of side {recipe.k} {_wanted(recipe, ingredients)}: choose denser hosts, larger subgraphs or a "
        "smaller k"
    )


def _wanted(recipe: Recipe, ingredients: Ingredients) -> str:
    """Say what windows of a host must have."""
    edges = "whose every entry is an edge, as a ladder needs" if recipe.pairing == "ladder" else "with edges enough"
    separation = 0 if ingredients.sampling is None else ingredients.sampling.separation
    return f"{edges} and centres {separation} apart" if separation else edges


@dataclass(frozen=True, eq=False)
class _Cells:
    """Windows before a plant: values and edges flat, ``(W, k * k)``; nodes ``(W, k)``; contexts ``(W, k, k)``."""

    values: npt.NDArray[np.float32]
    joined: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    row_context: npt.NDArray[np.float32] | None
    column_context: npt.NDArray[np.float32] | None


def _twinned(cells: _Cells, twins: int) -> _Cells:
    """Repeat every window for its twins, side by side."""
    if twins == 1:
        return cells
    present: dict[str, Any] = {name: array for name, array in vars(cells).items() if array is not None}
    return dataclasses.replace(cells, **{name: np.repeat(array, twins, axis=0) for name, array in present.items()})


def _fresh(recipe: Recipe, ingredients: Ingredients, graph: int) -> _Cells:
    """Draw windows on nodes of their own, in a complete host or along a line."""
    assert ingredients.law is not None and recipe.windows_per_graph is not None
    assert not isinstance(ingredients.law, BoundLaw)
    host, k, count = ingredients.host, recipe.k, recipe.windows_per_graph // recipe.twins
    rng = stream(recipe.seed, "weights", graph)
    pairs = k * (k - 1) if recipe.contexts and isinstance(host, Complete) else 0
    weights = sample_weights(ingredients.law, (count, k * k + pairs), rng)
    apart = 2 if isinstance(host, Complete) else 20  # stretches of a line are out of each other's reach
    nodes = (np.arange(2 * count) * (apart // 2) * k)[:, None] + np.arange(k)
    sides = nodes.astype(np.int64).reshape(count, 2, k).transpose(1, 0, 2)  # (2, W, k)
    contexts: list[npt.NDArray[np.float32] | None] = [None, None]
    if isinstance(host, Line):
        assert ingredients.sampling is not None
        if ingredients.sampling.order == "shuffled":
            around = relabellings(2 * count, k, stream(recipe.seed, "subgraph", graph)).reshape(2, count, k)
            sides = np.take_along_axis(sides, around, axis=2)
        if recipe.contexts:
            spread = rng.standard_normal((2, count, k, k), dtype=np.float32) * np.float32(host.spread)
            contexts = [_along(side, noise, host.reach) for side, noise in zip(sides, spread, strict=True)]
    elif recipe.contexts:
        halves = weights[:, k * k :].reshape(count, 2, -1)
        contexts = [_symmetric(halves[:, side], k) for side in range(2)]
    values = np.ascontiguousarray(weights[:, : k * k])
    return _Cells(values, np.ones(values.shape, dtype=np.bool_), sides[0], sides[1], *contexts)


def _symmetric(upper: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float32]:
    """Lay out the pairs of ``k`` nodes, shape ``(W, k (k - 1) / 2)``, as symmetric matrices with an empty diagonal."""
    matrices = np.zeros((len(upper), k, k), dtype=np.float32)
    matrices[:, *np.triu_indices(k, 1)] = upper
    return matrices + matrices.transpose(0, 2, 1)


def _along(places: npt.NDArray[np.int64], noise: npt.NDArray[np.float32], reach: float) -> npt.NDArray[np.float32]:
    """Weights between the nodes of each window along a line, shape ``(W, k, k)``, symmetric with an empty diagonal."""
    k = places.shape[1]
    upper = np.triu_indices(k, 1)
    far = np.abs(places[:, upper[0]] - places[:, upper[1]])
    # Few distances occur: a table keeps the bytes free of how a machine rounds a vector of exponentials.
    fall = np.array([math.exp(-d / reach) for d in range(k)], dtype=np.float32)
    return _symmetric(fall[far] + noise[:, *upper], k)


def _cells(recipe: Recipe, ingredients: Ingredients, graph: int, attempt: int) -> _Cells | None:
    """Cut windows out of one host, or None where it has too few of them."""
    assert ingredients.sampling is not None and ingredients.cut is not None
    assert not isinstance(ingredients.host, Complete | Line)
    host = ingredients.host.sample(stream(recipe.seed, "host", graph, attempt))
    weights = host.weights
    if weights is None:
        assert ingredients.law is not None
        weights = weigh(ingredients.law, host, stream(recipe.seed, "weights", graph, attempt))
    subgraph = ingredients.sampling.sample(host, weights, stream(recipe.seed, "subgraph", graph, attempt))
    candidates = centres(subgraph, recipe.k, ingredients.cut, recipe.overlap)
    if isinstance(recipe.plant, Natural):
        if not subgraph.directed:
            candidates = candidates[candidates[:, 0] < candidates[:, 1]]
        return _cut(recipe, subgraph, candidates, ingredients) if len(candidates) else None
    rng = stream(recipe.seed, "cut", graph, attempt)
    return _plantable_cells(recipe, ingredients, subgraph, candidates, rng)


def _plantable_cells(
    recipe: Recipe, ingredients: Ingredients, subgraph: Subgraph, candidates: Places, rng: np.random.Generator
) -> _Cells | None:
    """Draw centres until every window can take a plant, or None where redrawing does not help."""
    assert recipe.windows_per_graph is not None and ingredients.sampling is not None
    if not len(candidates):
        return None
    if ingredients.sampling.separation or recipe.pairing == "ladder":
        return _searched(recipe, ingredients, subgraph, rng.permutation(candidates)[:SEARCHED])
    chosen = np.zeros(recipe.windows_per_graph // recipe.twins, dtype=np.intp)
    missing = np.arange(len(chosen))
    for _ in range(REDRAWS):
        chosen[missing] = rng.integers(len(candidates), size=len(missing))
        cells = _cut(recipe, subgraph, candidates[chosen], ingredients)
        missing = np.flatnonzero(~_fit(recipe, cells))
        if not len(missing):
            return cells
    return None


def _searched(recipe: Recipe, ingredients: Ingredients, subgraph: Subgraph, candidates: Places) -> _Cells | None:
    """Take centres in the order given, each once and far enough from those before, where windows can take a plant."""
    assert recipe.windows_per_graph is not None and ingredients.sampling is not None and ingredients.cut is not None
    count, chosen = recipe.windows_per_graph // recipe.twins, candidates[:0]
    for start in range(0, len(candidates), 4 * count):
        some = candidates[start : start + 4 * count]
        some = some[_fit(recipe, _cut(recipe, subgraph, some, ingredients))]
        chosen = keep_apart(subgraph, ingredients.cut, some, ingredients.sampling.separation, count, chosen)
        if len(chosen) == count:
            return _cut(recipe, subgraph, chosen, ingredients)
    return None


def _fit(recipe: Recipe, cells: _Cells) -> npt.NDArray[np.bool_]:
    """Tell which windows can take what the recipe plants; a ladder takes it through every entry."""
    distractors = recipe.plant.distractors if isinstance(recipe.plant, Spike) else 0
    fit = by_parts(partial(plantable, distractors=distractors), cells.values, cells.joined)
    return fit & cells.joined.all(axis=1) if recipe.pairing == "ladder" else fit


def _cut(recipe: Recipe, subgraph: Subgraph, centre: Places, ingredients: Ingredients) -> _Cells:
    assert ingredients.cut is not None
    rows, columns = CUTS[ingredients.cut](subgraph, centre, recipe.k, recipe.overlap)
    count = len(centre)
    return _Cells(
        values=blocks(subgraph.adjacency, rows, columns).reshape(count, -1),
        joined=blocks(subgraph.joined, rows, columns).reshape(count, -1),
        rows=subgraph.nodes[rows],
        columns=subgraph.nodes[columns],
        row_context=blocks(subgraph.adjacency, rows, rows) if recipe.contexts else None,
        column_context=blocks(subgraph.adjacency, columns, columns) if recipe.contexts else None,
    )


def _finished(recipe: Recipe, graph: int, cells: _Cells) -> Windows:
    """Plant, and write down what was planted and what is observed."""
    cells = _twinned(cells, recipe.twins)
    k, count, plant = recipe.k, len(cells.values), recipe.plant
    values, rng = cells.values, stream(recipe.seed, "plant", graph)
    amplitude = place = None
    natural = isinstance(plant, Natural)
    kinds = kind_of(values.reshape(count, k, k)) if natural else paired_kinds(recipe.kinds, count, recipe.twins, rng)
    if isinstance(plant, Noise | Bump):
        amplitude = draw_amplitudes(plant, count, recipe.twins, rng)
        place = plant_noise(values, (cells.rows, cells.columns), kinds, amplitude, plant.model, rng)
    if isinstance(plant, Spike):
        apart: dict[str, int] = {"distractors": plant.distractors, "gap": plant.gap}
        strict = plant_spikes(values, cells.joined, kinds, plant.margin, rng, twins=recipe.twins, **apart)
        if not strict.all():
            raise InputError(
                f"recipe {recipe.name}: in graph {graph} a margin vanishes in float32: raise the smallest margin, or "
                "choose weights that are less alike"
            )
    windows = values.reshape(count, k, k)
    if place is None or recipe.label == "observed":
        offset = by_parts(offset_of, windows)
    else:
        offset = np.stack(np.divmod(place, k), axis=1) - k // 2
    return Windows(
        values=windows,
        observed=by_parts(is_centred, windows),
        planted=np.zeros(count, np.bool_) if natural else (kinds == CENTRED) ^ flipped(recipe, graph, count),
        kind_code=kinds,
        offset=offset.astype(np.int16),
        margin=by_parts(margin, windows).astype(np.float32),
        graph=np.full(count, graph, dtype=np.int64),
        rows=cells.rows,
        columns=cells.columns,
        label_rule=recipe.label,
        row_context=cells.row_context,
        column_context=cells.column_context,
        amplitude=None if amplitude is None else amplitude.astype(np.float32),
        noise=recipe.noise,
    )


def flipped(recipe: Recipe, graph: int, count: int) -> npt.NDArray[np.bool_]:
    """Draw which windows of a host have their planted label flipped: each by itself, whatever else is drawn.

    Args:
        recipe: With the shift of its split applied.
        graph: Index of the host.
        count: Windows of the host.

    Example:
        >>> from gnnmax.generate.recipe import load_recipe
        >>> noisy = load_recipe("noise-9-mu2").replace(label_noise=0.25)
        >>> round(flipped(noisy, 0, 10_000).mean(), 2)
        np.float64(0.25)
    """
    if not recipe.label_noise:
        return np.zeros(count, dtype=np.bool_)
    return np.asarray(stream(recipe.seed, "label", graph).random(count) < recipe.label_noise)
