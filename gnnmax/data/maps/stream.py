"""Infinite streams of maps, drawn on demand and not stored."""

from __future__ import annotations

from collections.abc import Iterator

from gnnmax.data.maps.generation import map_from_spec
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe_files import RecipeLike, as_map_recipe
from gnnmax.data.stream import FIRST, check_stream, regrouped
from gnnmax.task.maps import Maps

__all__ = ["stream_maps"]


def stream_maps(
    recipe: RecipeLike | MapRecipe, split: str, batch: int = 16, start: int = 0, *, shard: tuple[int, int] = (0, 1)
) -> Iterator[Maps]:
    """Yield maps from the distribution of a split without end, of hosts that no data set of the recipe contains.

    Seed, split and recipe determine one sequence of maps. Batches of any size and streams from any start are
    consecutive parts of it: a run that has taken ``n`` maps resumes with ``start=n``.

    Args:
        recipe: The recipe, in any form that :func:`gnnmax.build` takes.
        split: The split whose distribution is used, with its shift if it has one.
        batch: Maps per batch.
        start: Number of maps of the shard to skip, at no cost.
        shard: ``(i, n)``: the i-th of n parts of the stream, for one of n workers or processes.

    Yields:
        ``batch`` maps.

    Raises:
        InputError: no such split; or a batch, a start or a shard that is not in range.

    Example:
        >>> stream = stream_maps("line-64-shuffled", "train", batch=2)
        >>> next(stream), next(stream).graph[0] - FIRST
        (Maps(M=2, n=64, structure=symmetric, peaks=2), np.int64(2))
    """
    recipe = as_map_recipe(recipe)
    spec = recipe.of(split).map
    check_stream(batch, start, shard)
    first = (list(recipe.splits).index(split) + 1) * FIRST
    places = range(shard[0] + start * shard[1], FIRST, shard[1])
    return regrouped((map_from_spec(spec, seed=recipe.seed, graph=first + place) for place in places), batch)
