"""Worker processes that end with the process that started them, and leave interrupts to it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any

from gnnmax.errors import InputError

__all__ = ["AHEAD", "WATCH_SECONDS", "check_sendable", "map_ahead", "starting_workers"]

AHEAD = 4
"""Results that each worker may finish before the first of them is taken."""

WATCH_SECONDS = 0.5
"""Seconds between two looks at whether the parent process lives."""


def check_sendable(content: Any, what: str) -> None:
    """Refuse an object that cannot be sent to worker processes.

    Raises:
        InputError: it cannot be pickled, even by value.

    Example:
        >>> check_sendable(lambda: 1, "the function")
        >>> check_sendable(threading.Lock(), "the lock")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the lock cannot be sent to worker processes: TypeError: ...
    """
    from loky.backend.reduction import dumps

    try:
        dumps(content)
    except Exception as error:
        raise InputError(
            f"{what} cannot be sent to worker processes: {type(error).__name__}: {error}; give it as FILE.py:NAME, or "
            "use one worker"
        ) from None


@contextlib.contextmanager
def starting_workers(workers: int, *, timeout: int) -> Iterator[Any]:
    """Give a pool of worker processes; work is submitted inside the block, and done after it as well.

    The next call with the same arguments gets the same pool. A worker ends within a second of its parent, by whatever
    signal the parent was killed. Interrupts wait until the end of the block, and workers, which start in it, never get
    one: a terminal sends it to all, and a worker that is still starting would print a traceback of its own.

    Args:
        workers: Number of processes.
        timeout: Seconds after which an idle worker ends; pools with different timeouts share no workers.

    Yields:
        An executor of loky.
    """
    from loky import get_reusable_executor
    from loky.backend import resource_tracker as own_tracker

    for tracker in (resource_tracker, own_tracker):  # each lets interrupts pass once it has started: not in the block
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield get_reusable_executor(
            max_workers=workers, timeout=timeout, initializer=_watch_parent, initargs=(os.getpid(),)
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def map_ahead(function: Callable[[Any], Any], items: Iterable[Any], *, workers: int, timeout: int) -> Iterator[Any]:
    """Yield the results of a function for many items, in order, computed by worker processes.

    At most :data:`AHEAD` results for each worker wait to be taken, so memory does not grow if the caller is slow. If
    the caller stops before the last result, the workers end at once.

    Args:
        function: Called with one item, in a worker.
        items: The items; they are taken one by one.
        workers: Number of processes.
        timeout: As for :func:`starting_workers`.
    """
    waiting: deque[Any] = deque()
    remaining = iter(items)

    def submit(count: int) -> Any:
        with starting_workers(workers, timeout=timeout) as executor:  # idle workers may have ended: some may start
            waiting.extend(executor.submit(function, item) for item in islice(remaining, count))
        return executor

    executor = submit(AHEAD * workers)
    try:
        while waiting:
            result = waiting[0].result()
            waiting.popleft()  # by now no worker is at it
            executor = submit(1)
            yield result
    finally:
        if not all(future.done() for future in waiting):
            executor.shutdown(kill_workers=True)


def _watch_parent(parent: int) -> None:
    """End this process once its parent has ended: a thread looks, for the main one may wait for ever."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
