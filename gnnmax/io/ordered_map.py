"""A function mapped over many items by an executor: results in order, bounded memory, lost work given out again."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from itertools import islice
from typing import Any

from gnnmax.errors import InputError, LostWorkerError
from gnnmax.io.workers import ExecutorLike, interrupts_blocked, own_pool

__all__ = ["AHEAD", "TRIES", "map_ahead"]

AHEAD = 4
"""Results that each worker may finish before the first of them is taken."""

TRIES = 3
"""Number of times that an item is given out before a lost worker is an error."""

POLL_SECONDS = 0.5
"""Seconds between two calls of ``on_wait``."""


def map_ahead(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    workers: int,
    timeout: int,
    executor: ExecutorLike | None = None,
    name: Callable[[Any], str] = str,
    on_wait: Callable[[], None] | None = None,
    on_failure: Callable[[Any, Exception], Any] | None = None,
) -> Iterator[Any]:
    """Yield the results of a function for many items, in order, computed by an executor.

    At most :data:`AHEAD` results for each worker wait to be taken, so memory does not grow if the caller is slow. If
    the caller stops before the last result, workers of our own end at once, and other executors are asked to begin no
    more items.

    An executor that loses a worker cannot say which item was at fault. The lost items are given out again to a fresh
    executor, at most :data:`TRIES` times each, the last time alone. So one item that ends its worker every time is
    named, and never its neighbour. The function must be pure, or able to begin again.

    Args:
        function: Called with one item, in a worker.
        items: The items; they are taken one by one.
        workers: Number of worker processes. With an executor, the number of its workers; 1 takes the number that the
            executor states, or of cores.
        timeout: As for :func:`gnnmax.io.workers.own_pool`.
        executor: Computes in place of worker processes of our own. It is never shut down. A function that makes
            executors is called again after a loss; what it made is shut down at the end.
        name: Names an item in an error.
        on_wait: Called every half second while a result is awaited.
        on_failure: Called with an item and the error that it ended with; the return value stands for its result, and
            the other items go on. None raises the error. A given executor that is broken cannot go on: its error is
            raised all the same.

    Raises:
        LostWorkerError: an item ended its worker :data:`TRIES` times, or a given executor is broken.
        InputError: the executor accepts no work.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor(2) as pool:
        ...     list(map_ahead(abs, [-1, -2, -3], workers=2, timeout=10, executor=pool))
        [1, 2, 3]
    """
    pool = _Pool(executor, workers, timeout)
    remaining = iter(items)
    waiting: deque[_Unit] = deque()
    try:
        while True:
            room = AHEAD * pool.workers - len(waiting)
            waiting.extend(_Unit(item) for item in islice(remaining, room))
            if not waiting:
                return
            _give_out(function, waiting, pool)
            _await(waiting[0].future, on_wait)
            if waiting[0].lost is None:
                unit = waiting.popleft()
                _give_out(function, waiting, pool)
                yield _result_of(unit, on_failure)
            else:
                _take_back(waiting, pool, name, forgive=on_failure is not None)
    finally:
        pool.close([unit.future for unit in waiting])


class _Unit:
    """An item, the future of its result once it is given out, and how often a worker was lost that may have had it."""

    def __init__(self, item: Any) -> None:
        self.item, self.losses = item, 0
        self.future: Future[Any] = _NOT_GIVEN_OUT

    @property
    def is_out(self) -> bool:
        return self.future is not _NOT_GIVEN_OUT

    @property
    def is_suspect(self) -> bool:
        return self.losses == TRIES - 1

    @property
    def lost(self) -> BrokenExecutor | None:
        """The error of the executor that lost this unit, if it was lost."""
        if not self.future.done() or self.future.cancelled():
            return None
        error = self.future.exception()
        return error if isinstance(error, BrokenExecutor) else None


_NOT_GIVEN_OUT: Future[Any] = Future()
_NOT_GIVEN_OUT.cancel()


def _result_of(unit: _Unit, on_failure: Callable[[Any, Exception], Any] | None) -> Any:
    try:
        return unit.future.result()
    except Exception as error:
        if on_failure is None:
            raise
        return on_failure(unit.item, error)


def _give_out(function: Callable[[Any], Any], waiting: Iterable[_Unit], pool: _Pool) -> None:
    """Submit, in order, all units that are not given out; a suspect waits until it is alone, and the others for it."""
    busy = False
    for unit in waiting:
        if not unit.is_out:
            if unit.is_suspect and busy:
                return
            unit.future = pool.submit(function, unit.item)
            if unit.is_suspect:
                return
        if unit.lost is not None or (unit.is_suspect and not unit.future.done()):
            return
        busy = busy or not unit.future.done()


def _await(future: Future[Any], on_wait: Callable[[], None] | None) -> None:
    if on_wait is None:
        wait([future])
        return
    while not wait([future], POLL_SECONDS).done:
        on_wait()
    on_wait()


def _take_back(waiting: Iterable[_Unit], pool: _Pool, name: Callable[[Any], str], *, forgive: bool) -> None:
    """Prepare the units that a broken executor lost to be given out again; count those that may have been at work.

    Executors start units in order, so those were the first that are not done, one for each worker. A unit that was lost
    too often ends the map, or, where that is to be forgiven, its future holds the error.
    """
    wait([unit.future for unit in waiting if unit.is_out])  # a broken executor ends all of them
    lost = [unit for unit in waiting if unit.lost is not None]
    error = lost[0].lost
    for unit in lost[: pool.workers]:
        unit.losses += 1
        if unit.losses == TRIES or not pool.can_restart:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            reason = next((line for line in lines if "exit codes" in line), lines[0])
            final = LostWorkerError(pool.complaint(name(unit.item), reason))
            if not forgive or not pool.can_restart:
                raise final from error
            unit.future = Future()
            unit.future.set_exception(final)
    for unit in lost:
        if unit.losses < TRIES:
            unit.future = _NOT_GIVEN_OUT
    pool.restart()


class _Pool:
    """The executor of one map: worker processes of our own, an executor that was given, or those that a function makes.

    Args:
        executor: An executor, a function that makes one, or None.
        workers: As for :func:`map_ahead`.
        timeout: Seconds after which an idle worker of our own ends.
    """

    def __init__(self, executor: ExecutorLike | None, workers: int, timeout: int) -> None:
        self._given, self._timeout = executor, timeout
        self._made: Executor | None = None
        self.can_restart = not isinstance(executor, Executor)
        self.workers = workers
        if executor is not None and workers == 1:
            with interrupts_blocked():
                stated = getattr(self._executor(), "_max_workers", None)
            self.workers = stated if isinstance(stated, int) else os.cpu_count() or 1

    def _executor(self) -> Any:
        if self._given is None:
            self._made = own_pool(self.workers, timeout=self._timeout)  # idle workers may have ended: some may start
            return self._made
        if isinstance(self._given, Executor):
            return self._given
        if self._made is None:
            made = self._given()
            if not isinstance(made, Executor):
                raise InputError(
                    f"executor() must return a concurrent.futures.Executor, not {made!r:.80}: pass a function that "
                    "makes one"
                )
            self._made = made
        return self._made

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Submit a unit; if the executor is broken, return a future that says so."""
        with interrupts_blocked():
            try:
                submitted: Future[Any] = self._executor().submit(function, item)
                return submitted
            except BrokenExecutor as error:
                lost: Future[Any] = Future()
                lost.set_exception(error)
                return lost
            except RuntimeError as error:
                raise InputError(f"the executor accepts no work: {error}; give one that is not shut down") from error

    def restart(self) -> None:
        """Let go of a broken executor of a function, once its last worker has ended."""
        if self._given is not None and self._made is not None:
            self._made.shutdown(wait=True)
            self._made = None

    def complaint(self, unit: str, reason: str) -> str:
        """Say in one line that a unit was lost."""
        if self.can_restart:
            return (
                f"{unit}: the worker process ended {TRIES} times before the result was there, the last time alone "
                f"({reason}); run where there is more memory, or with one worker to see the fault"
            )
        return (
            f"{unit}: the given executor lost a worker and cannot go on ({reason}); give a function that makes the "
            "executor in its place, and lost work is given out again"
        )

    def close(self, futures: list[Future[Any]]) -> None:
        """End the work on the futures that nobody will take."""
        finished = all(future.done() for future in futures)
        if self._given is None:
            if self._made is not None and not finished:
                # Its thread fails on futures that are cancelled.
                self._made.shutdown(kill_workers=True)  # type: ignore[call-arg]  # loky's
            return
        for future in futures:
            future.cancel()
        if self._made is not None:
            self._made.shutdown(wait=finished)
