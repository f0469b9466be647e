"""Infinite streams: windows from a split's distribution, generated on demand and not stored."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any, TypeVar

from gnnmax.data.generation import generate_host
from gnnmax.data.imported import Imported
from gnnmax.data.planting.plants import Natural
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import RecipeLike, as_recipe
from gnnmax.errors import InputError
from gnnmax.task.windows import Windows

__all__ = ["FIRST", "check_stream", "regrouped", "stream_windows"]

T = TypeVar("T", bound=Sized)

FIRST = 2**48
"""Graph indices of streams: the s-th split (from 0) uses the indices from ``(s + 1) * FIRST`` on.

Stored splits stay far below (200 million graphs at most), and a stream ends before it reaches the next one. So no host
of a stream is in a stored split or in the stream of another split.
"""

LARGEST_BATCH = 1_000_000

MOST_SHARDS = 1_000_000


def stream_windows(
    recipe: RecipeLike | Imported, split: str, batch: int = 256, start: int = 0, *, shard: tuple[int, int] = (0, 1)
) -> Iterator[Windows]:
    """Yield windows from the distribution of a split without end, from hosts that no data set of the recipe contains.

    Seed, split and recipe determine one sequence of windows. Batches of any size and streams from any start are
    consecutive parts of it. So a run that has taken ``n`` windows resumes with ``start=n``. Hosts are drawn one at a
    time; memory holds one host and one batch.

    Args:
        recipe: The recipe, in any form that :func:`gnnmax.build` takes.
        split: The split whose distribution is used, with its shift if it has one.
        batch: Windows per batch.
        start: Number of windows of the shard to skip, at no cost.
        shard: ``(i, n)``: the i-th of n parts of the stream, for one of n workers or processes. No host is in two
            shards, and every shard holds all combinations of ingredients in equal numbers. ``(0, 1)`` is the whole.

    Yields:
        ``batch`` windows.

    Raises:
        InputError: no such split, natural windows, fixed hosts or imported windows, which are finite; or a batch, a
            start or a shard that is not in range.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> stream = stream_windows(load_recipe("spike-9"), "train", batch=128)
        >>> next(stream), next(stream).graph[0] - FIRST
        (Windows(N=128, k=9, label=observed, centred=0.500), np.int64(2))
    """
    if isinstance(recipe, Imported):
        raise InputError(
            f"{recipe.name} holds imported windows: there is no endless stream of them; use the stored ones"
        )
    recipe = as_recipe(recipe)
    number = list(recipe.splits).index(split) if recipe.span(split) else 0
    drawn_from = recipe.of(split)
    if isinstance(drawn_from.plant, Natural) or any(host.fixed for host in drawn_from.hosts):
        raise InputError(
            f"recipe {recipe.name} takes every edge of its hosts once: there is no endless stream of them; use build"
        )
    check_stream(batch, start, shard)
    return regrouped(_hosts(drawn_from, (number + 1) * FIRST, start, shard), batch)


def check_stream(batch: object, start: object, shard: object) -> None:
    """Refuse a batch, a start or a shard that is not in range.

    Example:
        >>> check_stream(0, 0, (0, 1))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: batch must be an integer from 1 to 1000000, not 0
    """
    for name, given, least, most in (("batch", batch, 1, LARGEST_BATCH), ("start", start, 0, FIRST - 1)):
        if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
            raise InputError(f"{name} must be an integer from {least} to {most}, not {given!r}")
    whole = isinstance(shard, (tuple, list)) and len(shard) == 2 and all(type(each) is int for each in shard)
    if not whole or not 0 <= shard[0] < shard[1] <= MOST_SHARDS:  # type: ignore[index]
        raise InputError(
            f"shard must be (i, n), the i-th of n parts, from (0, n) to (n - 1, n) with n up to {MOST_SHARDS}, "
            f"not {shard!r:.60}"
        )


def _hosts(recipe: Recipe, first: int, start: int, shard: tuple[int, int]) -> Iterator[Windows]:
    """Draw host after host of a shard, skipping its first ``start`` windows.

    A shard takes every n-th round of all combinations of ingredients: single hosts would give it some of these only.
    """
    assert recipe.windows_per_graph is not None
    index, shards = shard
    turn, skipped = divmod(start, recipe.windows_per_graph)
    while True:
        rounds, inside = divmod(turn, recipe.combinations)
        place = (rounds * shards + index) * recipe.combinations + inside
        if place >= FIRST:
            return
        yield generate_host(recipe, recipe.combination(place), first + place)[skipped:]
        turn, skipped = turn + 1, 0


def regrouped(parts: Iterator[T], size: int) -> Iterator[T]:
    """Regroup windows or maps, in parts of any size, into batches of one size."""
    waiting: list[Any] = []
    held = 0
    for part in parts:
        waiting.append(part)
        held += len(part)
        if held < size:
            continue
        joined = type(waiting[0]).concatenate(waiting)
        whole = held - held % size
        yield from (joined[at : at + size] for at in range(0, whole, size))
        waiting, held = ([joined[whole:]], held - whole) if held > whole else ([], 0)
