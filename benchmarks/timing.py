"""Time two contestants alternately, on one thread, and take medians."""

from __future__ import annotations

import gc
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.rows import Figure, Row, Setting, Target

__all__ = ["Lane", "cpu_seconds", "one_thread", "race", "time_alone", "without_collector"]

BURST = 0.02
"""Least duration of one timing in seconds: shorter work is called several times."""

REPEATS = 7
LONG = 1.0
"""A contestant that takes longer than this, in seconds, is timed only three times."""


@dataclass(frozen=True, eq=False)
class Lane:
    """A contestant.

    Attributes:
        label: Its name in the table.
        run: One call of the work.
        items: Number of items that one call processes.
    """

    label: str
    run: Callable[[], Any]
    items: int = 1


def race(name: str, ours: Lane, other: Lane, item: str, target: Target, setting: Setting) -> Row:
    """Time two contestants alternately after a warm-up of each, and compare their medians per item.

    The clock is the processor time of this process and of its finished children, so other load on the machine matters
    little; the garbage collector is off.

    Args:
        name: Name of the row.
        ours: Our contestant.
        other: The floor or the peer.
        item: The counted item, in the singular.
        target: Reading and bound of the ratio.
        setting: Quick or full.
    """
    lanes = (ours, other)
    with one_thread(), without_collector():
        warm = [_timed(lane.run, 1) for lane in lanes]
        calls = [1 if setting.quick else max(1, math.ceil(BURST / max(seconds, 1e-9))) for seconds in warm]
        repeats = 1 if setting.quick else 3 if max(warm) > LONG else REPEATS
        turns = [[_timed(lane.run, n) for lane, n in zip(lanes, calls, strict=True)] for _ in range(repeats)]
    medians = [statistics.median(times) for times in zip(*turns, strict=True)]
    figures = [Figure(lane.label, time / lane.items, item) for lane, time in zip(lanes, medians, strict=True)]
    return Row(name, figures[0], figures[1], target)


def time_alone(lane: Lane, item: str, setting: Setting) -> Figure:
    """Time one contestant as :func:`race` does, where the other one is not there."""
    return race("", lane, Lane("nothing", lambda: None), item, Target("speed"), setting).ours


def _timed(run: Callable[[], Any], calls: int) -> float:
    started = cpu_seconds()
    for _ in range(calls):
        run()
    return max((cpu_seconds() - started) / calls, 1e-9)


def cpu_seconds() -> float:
    """Return the processor time of this process and of its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextmanager
def without_collector() -> Iterator[None]:
    """Disable the garbage collector: its cost depends on all earlier allocations."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and torch, if loaded, to one thread."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else None
    with threadpool_limits(1):
        if torch is not None:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)
