"""Chunks of graphs, drawn one after the other or by worker processes; the result does not depend on their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gnnmax.io.ordered_map import map_ahead
from gnnmax.io.workers import ExecutorLike

__all__ = ["Progress", "draw_chunks"]

Progress = Callable[[int, int], None]
"""Called with the number of graphs done and in total."""

T = TypeVar("T")


def draw_chunks(
    draw: Callable[[list[int]], T],
    graphs: range,
    size: int,
    *,
    workers: int,
    total: int,
    executor: ExecutorLike | None = None,
    on_progress: Progress | None = None,
    first: int = 0,
) -> Iterator[T]:
    """Draw a range of graphs in order, chunk by chunk, several chunks at a time.

    Args:
        draw: Draws the graphs with some indices; it is sent to worker processes.
        graphs: Indices of the graphs.
        size: Number of graphs of a chunk.
        workers: Number of worker processes.
        executor: Draws in place of worker processes, see :func:`gnnmax.io.ordered_map.map_ahead`.
        total: Number of graphs of the whole data set, for the progress.
        on_progress: Called after each chunk.
        first: Number of chunks at the start that are left out.

    Raises:
        LostWorkerError: some graphs ended their worker every time.

    Example:
        >>> list(draw_chunks(sum, range(4), 2, workers=1, total=4))
        [1, 5]
    """
    chunks = [list(graphs[start : start + size]) for start in range(first * size, len(graphs), size)]
    parts: Iterator[Any]
    if executor is None and (workers == 1 or len(chunks) <= 1):
        parts = (draw(chunk) for chunk in chunks)
    else:
        # A timeout of its own keeps these workers apart from those that train: loky takes loading torch for a leak.
        count = min(workers, max(len(chunks), 1))
        parts = map_ahead(draw, chunks, workers=count, timeout=301, executor=executor, name=_name_of)
    for chunk, part in zip(chunks, parts, strict=True):
        yield part
        if on_progress is not None:
            on_progress(chunk[-1] + 1, total)


def _name_of(chunk: list[int]) -> str:
    return f"graph {chunk[0]}" if len(chunk) == 1 else f"graphs {chunk[0]} to {chunk[-1]}"
