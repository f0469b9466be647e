"""Base windows: the values and edges of windows before planting, drawn independently or extracted from a host."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.chunks import by_chunks
from gnnmax.data.hosts.families import Complete, Line
from gnnmax.data.hosts.weights import BoundLaw, sample_weights, weigh
from gnnmax.data.planting.spikes import plantable
from gnnmax.data.random_streams import stream
from gnnmax.data.recipe import HostDraw
from gnnmax.data.subgraphs.min_distance import keep_min_distance
from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import CUTS, Places, blocks, centres
from gnnmax.errors import InputError
from gnnmax.task.symmetry import relabellings

__all__ = ["BaseWindows", "draw_base_windows", "repeat_windows"]

ATTEMPTS = 20
REDRAWS = 50
SEARCHED = 100_000
"""Number of candidate centres per host, where a centre must meet conditions."""


@dataclass(frozen=True, eq=False)
class BaseWindows:
    """Windows before planting: values and edges flattened, ``(W, k * k)``; nodes ``(W, k)``; contexts ``(W, k, k)``."""

    values: npt.NDArray[np.float32]
    edge_mask: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    row_context: npt.NDArray[np.float32] | None
    column_context: npt.NDArray[np.float32] | None


def draw_base_windows(draw: HostDraw) -> BaseWindows:
    """Draw the windows of a host, with nothing planted.

    Args:
        draw: The parameters of the host's windows.

    Raises:
        InputError: no host of this kind has enough such windows.

    Example:
        >>> from gnnmax.data.hosts.weights import Normal
        >>> from gnnmax.data.recipe import Ingredients
        >>> made_of = Ingredients(host=Complete(), law=Normal(), sampling=None, cut=None)
        >>> draw_base_windows(HostDraw(seed=0, graph=0, k=9, ingredients=made_of, cuts=64)).values.shape
        (64, 81)
    """
    host = draw.ingredients.host
    if isinstance(host, Complete | Line):
        return _on_own_nodes(draw)
    for attempt in range(ATTEMPTS):
        base = _cut_from_host(draw, attempt)
        if base is not None:
            return base
    raise InputError(
        f"{ATTEMPTS} hosts of type {host.__struct_config__.tag} gave no windows of side {draw.k} {_needs(draw)}: "
        "choose denser hosts, larger subgraphs or a smaller k"
    )


def _needs(draw: HostDraw) -> str:
    """Describe the windows that a host must have, for an error."""
    edges = "whose every entry is an edge, as a ladder needs" if draw.full else "with enough edges"
    least = 0 if draw.ingredients.sampling is None else draw.ingredients.sampling.separation
    return f"{edges} and centres {least} apart" if least else edges


def repeat_windows(base: BaseWindows, twins: int) -> BaseWindows:
    """Repeat every window for its twins, next to each other.

    Example:
        >>> nodes = np.arange(6).reshape(2, 3)
        >>> base = BaseWindows(np.zeros((2, 9), np.float32), np.ones((2, 9), bool), nodes, nodes, None, None)
        >>> repeat_windows(base, 2).rows[:, 0].tolist()
        [0, 0, 3, 3]
    """
    if twins == 1:
        return base
    present: dict[str, Any] = {name: array for name, array in vars(base).items() if array is not None}
    return dataclasses.replace(base, **{name: np.repeat(array, twins, axis=0) for name, array in present.items()})


def _on_own_nodes(draw: HostDraw) -> BaseWindows:
    """Draw windows on disjoint nodes, in a complete host or along a line."""
    ingredients, k, count = draw.ingredients, draw.k, draw.cuts
    assert ingredients.law is not None and count is not None
    assert not isinstance(ingredients.law, BoundLaw)
    host = ingredients.host
    rng = stream(draw.seed, "weights", draw.graph)
    pairs = k * (k - 1) if draw.contexts and isinstance(host, Complete) else 0
    weights = sample_weights(ingredients.law, (count, k * k + pairs), rng)
    apart = 2 if isinstance(host, Complete) else 20  # stretches of a line are beyond each other's reach
    nodes = (np.arange(2 * count) * (apart // 2) * k)[:, None] + np.arange(k)
    sides = nodes.astype(np.int64).reshape(count, 2, k).transpose(1, 0, 2)  # (2, W, k)
    contexts: list[npt.NDArray[np.float32] | None] = [None, None]
    if isinstance(host, Line):
        assert ingredients.sampling is not None
        if ingredients.sampling.order == "shuffled":
            around = relabellings(2 * count, k, stream(draw.seed, "subgraph", draw.graph)).reshape(2, count, k)
            sides = np.take_along_axis(sides, around, axis=2)
        if draw.contexts:
            spread = rng.standard_normal((2, count, k, k), dtype=np.float32) * np.float32(host.spread)
            contexts = [_along(side, noise, host.reach) for side, noise in zip(sides, spread, strict=True)]
    elif draw.contexts:
        halves = weights[:, k * k :].reshape(count, 2, -1)
        contexts = [_symmetric(halves[:, side], k) for side in range(2)]
    values = np.ascontiguousarray(weights[:, : k * k])
    return BaseWindows(values, np.ones(values.shape, dtype=np.bool_), sides[0], sides[1], *contexts)


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
    # Few distances occur: with a table the bytes do not depend on how a machine rounds vectorised exponentials.
    fall = np.array([math.exp(-d / reach) for d in range(k)], dtype=np.float32)
    return _symmetric(fall[far] + noise[:, *upper], k)


def _cut_from_host(draw: HostDraw, attempt: int) -> BaseWindows | None:
    """Extract windows from one host, or return None if it has too few."""
    ingredients, seed, graph = draw.ingredients, draw.seed, draw.graph
    assert ingredients.sampling is not None and ingredients.cut is not None
    assert not isinstance(ingredients.host, Complete | Line)
    host = ingredients.host.sample(stream(seed, "host", graph, attempt))
    weights = host.weights
    if weights is None:
        assert ingredients.law is not None
        weights = weigh(ingredients.law, host, stream(seed, "weights", graph, attempt))
    subgraph = ingredients.sampling.sample(host, weights, stream(seed, "subgraph", graph, attempt))
    candidates = centres(subgraph, draw.k, ingredients.cut, draw.overlap)
    if draw.cuts is None:
        if not subgraph.directed:
            candidates = candidates[candidates[:, 0] < candidates[:, 1]]
        return _cut(draw, subgraph, candidates) if len(candidates) else None
    return _plantable_windows(draw, subgraph, candidates, stream(seed, "cut", graph, attempt))


def _plantable_windows(
    draw: HostDraw, subgraph: Subgraph, candidates: Places, rng: np.random.Generator
) -> BaseWindows | None:
    """Draw centres until every window can take a plant, or return None if redrawing does not help."""
    assert draw.cuts is not None and draw.ingredients.sampling is not None
    if not len(candidates):
        return None
    if draw.ingredients.sampling.separation or draw.full:
        return _searched(draw, subgraph, rng.permutation(candidates)[:SEARCHED])
    chosen = np.zeros(draw.cuts, dtype=np.intp)
    missing = np.arange(len(chosen))
    for _ in range(REDRAWS):
        chosen[missing] = rng.integers(len(candidates), size=len(missing))
        base = _cut(draw, subgraph, candidates[chosen])
        missing = np.flatnonzero(~_fit(draw, base))
        if not len(missing):
            return base
    return None


def _searched(draw: HostDraw, subgraph: Subgraph, candidates: Places) -> BaseWindows | None:
    """Choose plantable centres in the given order, each once and far enough from the earlier ones."""
    ingredients, count = draw.ingredients, draw.cuts
    assert count is not None and ingredients.sampling is not None and ingredients.cut is not None
    chosen = candidates[:0]
    for start in range(0, len(candidates), 4 * count):
        some = candidates[start : start + 4 * count]
        some = some[_fit(draw, _cut(draw, subgraph, some))]
        chosen = keep_min_distance(
            subgraph, ingredients.cut, some, ingredients.sampling.separation, count=count, chosen=chosen
        )
        if len(chosen) == count:
            return _cut(draw, subgraph, chosen)
    return None


def _fit(draw: HostDraw, base: BaseWindows) -> npt.NDArray[np.bool_]:
    """Return which windows can take the plant; a ladder plants at every entry."""
    fit = by_chunks(partial(plantable, distractors=draw.distractors), base.values, base.edge_mask)
    return fit & base.edge_mask.all(axis=1) if draw.full else fit


def _cut(draw: HostDraw, subgraph: Subgraph, centre: Places) -> BaseWindows:
    assert draw.ingredients.cut is not None
    rows, columns = CUTS[draw.ingredients.cut](subgraph, centre, draw.k, draw.overlap)
    count = len(centre)
    return BaseWindows(
        values=blocks(subgraph.adjacency, rows, columns).reshape(count, -1),
        edge_mask=blocks(subgraph.edge_mask, rows, columns).reshape(count, -1),
        rows=subgraph.nodes[rows],
        columns=subgraph.nodes[columns],
        row_context=blocks(subgraph.adjacency, rows, rows) if draw.contexts else None,
        column_context=blocks(subgraph.adjacency, columns, columns) if draw.contexts else None,
    )
