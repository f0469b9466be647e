"""Streams of windows or of maps, drawn in this process or ahead by worker processes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.stream import stream_maps
from gnnmax.data.recipe import Recipe
from gnnmax.data.stream import stream_windows
from gnnmax.io.ordered_map import map_ahead
from gnnmax.io.workers import ExecutorLike, check_executor
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = ["stream_examples"]

IDLE_SECONDS = 120
"""Seconds after which an idle worker ends."""


def stream_examples(
    recipe: Recipe | MapRecipe,
    split: str,
    *,
    batch: int,
    start: int = 0,
    workers: int = 0,
    executor: ExecutorLike | None = None,
) -> Iterator[Windows | Maps]:
    """Yield windows or maps from the distribution of a split without end.

    Args:
        recipe: Of windows or of maps.
        split: The split whose distribution is used.
        batch: Windows or maps at a time.
        start: Number of windows or maps to skip.
        workers: Processes that draw ahead, some batches each; 0 draws in this process. The examples do not depend on
            it. The workers end when the iterator is closed.
        executor: As for :func:`gnnmax.data.generation.build`.

    Raises:
        InputError: as for :func:`gnnmax.data.stream.stream_windows` and :func:`gnnmax.data.maps.stream.stream_maps`.
        LostWorkerError: a batch ended its worker every time.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> next(stream_examples(load_recipe("line-64"), "train", batch=2))
        Maps(M=2, n=64, structure=symmetric, peaks=2)
    """
    check_executor(executor)
    if workers or executor is not None:
        draw = functools.partial(_batch_at, recipe, split, batch)
        starts = itertools.count(start, batch)
        return map_ahead(
            draw,
            starts,
            workers=max(workers, 1),
            timeout=IDLE_SECONDS,
            executor=executor,
            name=lambda first: f"the batch of the stream at {first}",
        )
    if isinstance(recipe, MapRecipe):
        return stream_maps(recipe, split, batch=batch, start=start)
    return stream_windows(recipe, split, batch=batch, start=start)


def _batch_at(recipe: Recipe | MapRecipe, split: str, batch: int, start: int) -> Windows | Maps:
    """Draw one batch, in a worker process."""
    return next(stream_examples(recipe, split, batch=batch, start=start))
