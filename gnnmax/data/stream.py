"""Infinite streams: windows from a split's distribution, generated on demand and not stored."""

from __future__ import annotations

from collections.abc import Iterator

from gnnmax.data.generation import generate_host
from gnnmax.data.planting.plants import Natural
from gnnmax.data.recipe import Recipe
from gnnmax.errors import InputError
from gnnmax.task.windows import Windows

__all__ = ["stream_windows"]

FIRST = 2**48
"""Graph indices of streams: the s-th split (from 0) uses the indices from ``(s + 1) * FIRST`` on.

Stored splits stay far below (200 million graphs at most), and a stream ends before it reaches the next one. So no host
of a stream is in a stored split or in the stream of another split.
"""

LARGEST_BATCH = 1_000_000


def stream_windows(recipe: Recipe, split: str, batch: int = 256, start: int = 0) -> Iterator[Windows]:
    """Yield windows from the distribution of a split without end, from hosts that no data set of the recipe contains.

    Seed, split and recipe determine one sequence of windows. Batches of any size and streams from any start are
    consecutive parts of it. So a run that has taken ``n`` windows resumes with ``start=n``. Hosts are drawn one at a
    time; memory holds one host and one batch.

    Args:
        recipe: The recipe.
        split: The split whose distribution is used, with its shift if it has one.
        batch: Windows per batch.
        start: Number of windows to skip, at no cost.

    Yields:
        ``batch`` windows.

    Raises:
        InputError: no such split, natural windows or fixed hosts, which are finite; or a batch or a
            start that is not an integer in range.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> stream = stream_windows(load_recipe("spike-9"), "train", batch=128)
        >>> next(stream), next(stream).graph[0] - FIRST
        (Windows(N=128, k=9, label=observed, centred=0.500), np.int64(2))
    """
    number = list(recipe.splits).index(split) if recipe.span(split) else 0
    drawn_from = recipe.of(split)
    if isinstance(drawn_from.plant, Natural) or any(host.fixed for host in drawn_from.hosts):
        raise InputError(
            f"recipe {recipe.name} takes every edge of its hosts once: there is no endless stream of them; use build"
        )
    for name, given, least, most in (("batch", batch, 1, LARGEST_BATCH), ("start", start, 0, FIRST - 1)):
        if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
            raise InputError(f"{name} must be an integer from {least} to {most}, not {given!r}")
    return _batches(_hosts(drawn_from, (number + 1) * FIRST, start), batch)


def _hosts(recipe: Recipe, first: int, start: int) -> Iterator[Windows]:
    """Draw host after host, skipping the first ``start`` windows."""
    assert recipe.windows_per_graph is not None
    turn, skipped = divmod(start, recipe.windows_per_graph)
    while turn < FIRST:
        yield generate_host(recipe, recipe.combination(turn), first + turn)[skipped:]
        turn, skipped = turn + 1, 0


def _batches(parts: Iterator[Windows], size: int) -> Iterator[Windows]:
    """Regroup parts of any size into batches of one size."""
    waiting: list[Windows] = []
    held = 0
    for part in parts:
        waiting.append(part)
        held += len(part)
        if held < size:
            continue
        joined = Windows.concatenate(waiting)
        whole = held - held % size
        yield from (joined[at : at + size] for at in range(0, whole, size))
        waiting, held = ([joined[whole:]], held - whole) if held > whole else ([], 0)
