"""Worker processes that end with the process that started them, and leave interrupts to it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.reduction import ForkingPickler
from typing import Any

from gnnmax.errors import InputError

__all__ = [
    "MOST_WORKERS",
    "WATCH_SECONDS",
    "ExecutorLike",
    "check_executor",
    "check_sendable",
    "check_workers",
    "interrupts_blocked",
    "is_orphan",
    "own_pool",
]

MOST_WORKERS = 1_000

WATCH_SECONDS = 0.5
"""Seconds between two looks at whether the parent process lives."""

ExecutorLike = Executor | Callable[[], Executor]
"""An executor of ``concurrent.futures``, or a function without arguments that makes one."""


def check_workers(workers: object, executor: object = None) -> None:
    """Check a number of worker processes, and the executor that takes their place if one is given.

    Raises:
        InputError: not an integer from 1 to 1000, or as for :func:`check_executor`.
    """
    if not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"workers must be an integer and at least 1, at most {MOST_WORKERS}, not {workers!r}")
    check_executor(executor)


def check_executor(executor: object) -> None:
    """Check that an object is None, an executor or can be called to make one.

    Raises:
        InputError: it is something else.

    Example:
        >>> check_executor(ProcessPoolExecutor)
        >>> check_executor("dask")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: executor must be a concurrent.futures.Executor, or a function that makes one, not ...
    """
    if executor is not None and not isinstance(executor, Executor) and not callable(executor):
        raise InputError(
            f"executor must be a concurrent.futures.Executor, or a function that makes one, not {executor!r:.80}: pass "
            "for example concurrent.futures.ProcessPoolExecutor(4), or client.get_executor() of dask"
        )


def check_sendable(content: Any, what: str, executor: object = None) -> None:
    """Refuse an object that cannot be sent to worker processes.

    Args:
        content: The object.
        what: Its name, for the message.
        executor: The executor that sends it. The standard pool of processes pickles by reference; all others are taken
            to pickle by value where they must, as loky does.

    Raises:
        InputError: it cannot be pickled.

    Example:
        >>> check_sendable(lambda: 1, "the function")
        >>> check_sendable(threading.Lock(), "the lock")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the lock cannot be sent to worker processes: TypeError: ...
    """
    from loky.backend.reduction import dumps

    try:
        (ForkingPickler.dumps if isinstance(executor, ProcessPoolExecutor) else dumps)(content)
    except Exception as error:
        raise InputError(
            f"{what} cannot be sent to worker processes: {type(error).__name__}: {error}; give it as FILE.py:NAME, or "
            "use one worker"
        ) from None


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Hold interrupts back until the end of the block; worker processes that start in it never get one.

    A terminal sends an interrupt to all processes, and a worker that is still starting would print a traceback.
    """
    from loky.backend import resource_tracker as own_tracker

    if not hasattr(signal, "pthread_sigmask"):
        yield  # Windows
        return
    for tracker in (resource_tracker, own_tracker):  # each lets interrupts pass once it has started: not in the block
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def own_pool(workers: int, *, timeout: int) -> Any:
    """Return the pool of worker processes of this thread: the last one if it is whole and has the same arguments.

    A worker ends within a second of its parent, by whatever signal the parent was killed.

    Args:
        workers: Number of processes.
        timeout: Seconds after which an idle worker ends; pools with different timeouts share no workers.
    """
    from loky import get_reusable_executor

    return get_reusable_executor(
        max_workers=workers, timeout=timeout, initializer=_watch_parent, initargs=(os.getpid(),)
    )


_WATCHED: list[int] = []
"""In a worker of :func:`own_pool`: the id of the process that started it."""


def is_orphan() -> bool:
    """Return whether this is a worker of :func:`own_pool` whose parent has ended.

    Example:
        >>> is_orphan()
        False
    """
    return bool(_WATCHED) and os.getppid() not in _WATCHED


def _watch_parent(parent: int) -> None:
    """End this process once its parent has ended: a thread looks, for the main one may wait for ever."""
    _WATCHED[:] = [parent]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    while not is_orphan():
        time.sleep(WATCH_SECONDS)
    os._exit(1)
