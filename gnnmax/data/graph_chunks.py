"""Chunks of graphs, drawn one after the other or by worker processes; the result does not depend on their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gnnmax.errors import InputError
from gnnmax.io.workers import map_ahead

__all__ = ["MOST_WORKERS", "Progress", "check_workers", "draw_chunks"]

MOST_WORKERS = 1_000

Progress = Callable[[int, int], None]
"""Called with the number of graphs done and in total."""

T = TypeVar("T")


def check_workers(workers: object) -> None:
    """Check a number of worker processes.

    Raises:
        InputError: not an integer from 1 to 1000.
    """
    if not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"workers must be an integer and at least 1, at most {MOST_WORKERS}, not {workers!r}")


def draw_chunks(
    draw: Callable[[list[int]], T],
    graphs: range,
    size: int,
    *,
    workers: int,
    total: int,
    on_progress: Progress | None = None,
) -> Iterator[T]:
    """Draw a range of graphs in order, chunk by chunk, several chunks at a time.

    Args:
        draw: Draws the graphs with some indices; it is sent to worker processes.
        graphs: Indices of the graphs.
        size: Number of graphs of a chunk.
        workers: Number of worker processes.
        total: Number of graphs of the whole data set, for the progress.
        on_progress: Called after each chunk.

    Example:
        >>> list(draw_chunks(sum, range(4), 2, workers=1, total=4))
        [1, 5]
    """
    chunks = [list(graphs[start : start + size]) for start in range(0, len(graphs), size)]
    parts: Iterator[Any]
    if workers == 1 or len(chunks) == 1:
        parts = (draw(chunk) for chunk in chunks)
    else:
        # A timeout of its own keeps these workers apart from those that train: loky takes loading torch for a leak.
        parts = map_ahead(draw, chunks, workers=min(workers, len(chunks)), timeout=301)
    for chunk, part in zip(chunks, parts, strict=True):
        yield part
        if on_progress is not None:
            on_progress(chunk[-1] + 1, total)
