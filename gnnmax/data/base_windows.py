"""Cells: what windows hold before anything is planted, drawn afresh or cut out of a host."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.chunks import by_parts
from gnnmax.data.hosts.families import Complete, Line
from gnnmax.data.hosts.weights import BoundLaw, sample_weights, weigh
from gnnmax.data.planting.plants import Natural, Spike
from gnnmax.data.planting.spikes import plantable
from gnnmax.data.random_streams import stream
from gnnmax.data.recipe import Ingredients, Recipe
from gnnmax.data.subgraphs.min_distance import keep_apart
from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import CUTS, Places, blocks, centres
from gnnmax.errors import InputError
from gnnmax.task.symmetry import relabellings

__all__ = ["Cells", "draw_cells"]

ATTEMPTS = 20
REDRAWS = 50
SEARCHED = 100_000
"""Centres that are looked at in one host, where not any will do."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Windows before a plant: values and edges flat, ``(W, k * k)``; nodes ``(W, k)``; contexts ``(W, k, k)``."""

    values: npt.NDArray[np.float32]
    joined: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    row_context: npt.NDArray[np.float32] | None
    column_context: npt.NDArray[np.float32] | None


def draw_cells(recipe: Recipe, ingredients: Ingredients, graph: int) -> Cells:
    """Draw the windows of a host of given ingredients, each as often as it has twins, with nothing planted.

    Args:
        recipe: What to draw, with the shift of its split applied.
        ingredients: What the host is made of.
        graph: Names the host's random streams; of any size.

    Raises:
        InputError: no such host has the windows that the recipe asks for.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("spike-9")
        >>> draw_cells(recipe, recipe.combination(0), 0).values.shape
        (64, 81)
    """
    if isinstance(ingredients.host, Complete | Line):
        return _twinned(_fresh(recipe, ingredients, graph), recipe.twins)
    for attempt in range(ATTEMPTS):
        cells = _found(recipe, ingredients, graph, attempt)
        if cells is not None:
            return _twinned(cells, recipe.twins)
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


def _twinned(cells: Cells, twins: int) -> Cells:
    """Repeat every window for its twins, side by side."""
    if twins == 1:
        return cells
    present: dict[str, Any] = {name: array for name, array in vars(cells).items() if array is not None}
    return dataclasses.replace(cells, **{name: np.repeat(array, twins, axis=0) for name, array in present.items()})


def _fresh(recipe: Recipe, ingredients: Ingredients, graph: int) -> Cells:
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
    return Cells(values, np.ones(values.shape, dtype=np.bool_), sides[0], sides[1], *contexts)


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


def _found(recipe: Recipe, ingredients: Ingredients, graph: int, attempt: int) -> Cells | None:
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
) -> Cells | None:
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


def _searched(recipe: Recipe, ingredients: Ingredients, subgraph: Subgraph, candidates: Places) -> Cells | None:
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


def _fit(recipe: Recipe, cells: Cells) -> npt.NDArray[np.bool_]:
    """Tell which windows can take what the recipe plants; a ladder takes it through every entry."""
    distractors = recipe.plant.distractors if isinstance(recipe.plant, Spike) else 0
    fit = by_parts(partial(plantable, distractors=distractors), cells.values, cells.joined)
    return fit & cells.joined.all(axis=1) if recipe.pairing == "ladder" else fit


def _cut(recipe: Recipe, subgraph: Subgraph, centre: Places, ingredients: Ingredients) -> Cells:
    assert ingredients.cut is not None
    rows, columns = CUTS[ingredients.cut](subgraph, centre, recipe.k, recipe.overlap)
    count = len(centre)
    return Cells(
        values=blocks(subgraph.adjacency, rows, columns).reshape(count, -1),
        joined=blocks(subgraph.joined, rows, columns).reshape(count, -1),
        rows=subgraph.nodes[rows],
        columns=subgraph.nodes[columns],
        row_context=blocks(subgraph.adjacency, rows, rows) if recipe.contexts else None,
        column_context=blocks(subgraph.adjacency, columns, columns) if recipe.contexts else None,
    )
