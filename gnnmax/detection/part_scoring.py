"""Scores of the parts of a matrix, in this process or by any executor, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gnnmax.io.ordered_map import map_ahead
from gnnmax.io.workers import ExecutorLike, check_sendable

__all__ = ["scores_of_parts"]

IDLE_SECONDS = 299
"""Time after which an idle worker ends; no other pool has the same."""


def scores_of_parts(
    score: Callable[[Any], Any],
    parts: Iterable[Any],
    *,
    workers: int,
    executor: ExecutorLike | None,
    name: Callable[[Any], str],
) -> Iterator[Any]:
    """Yield the scores of parts that were read; several parts are scored at a time.

    Args:
        score: Scores one part; it holds the net, and is sent to worker processes.
        parts: The parts, each with the entries around it that the net reads; they are taken one by one.
        workers: Number of worker processes; with 1, all parts are scored in this process.
        executor: Scores in place of worker processes, see :func:`gnnmax.io.ordered_map.map_ahead`.
        name: Names a part in an error.

    Raises:
        InputError: the net cannot be sent to worker processes.
        LostWorkerError: a part ended its worker every time.

    Example:
        >>> list(scores_of_parts(abs, [-1, 2], workers=1, executor=None, name=str))
        [1, 2]
    """
    if executor is None and workers == 1:
        return map(score, parts)
    check_sendable(score, "the net", executor)
    return map_ahead(score, parts, workers=workers, timeout=IDLE_SECONDS, executor=executor, name=name)
