"""The order test on whole matrices, against budgets of time and memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import cpu_seconds, one_thread
from gnnmax import order_test

__all__ = ["ROWS"]

MEMORY = 2**30


def dense(n: int) -> Any:
    """Draw a symmetric matrix of float32."""
    half = np.random.default_rng(0).random((n, n), dtype=np.float32)
    half += half.T.copy()
    return half


def banded(n: int) -> Any:
    """Draw a sparse symmetric matrix of counts that fall off with distance, up to a distance of 200."""
    rng, width = np.random.default_rng(0), min(200, n // 2)
    rows = np.repeat(np.arange(n), width)
    apart = np.tile(np.arange(width), n)
    counts, inside = rng.poisson(20 / (1 + apart)), rows + apart < n
    upper = sp.coo_array((counts[inside], (rows[inside], (rows + apart)[inside])), shape=(n, n)).tocsr()
    upper.eliminate_zeros()
    return sp.csr_array(upper + upper.T)


def in_time(draw: Callable[[int], Any], n: int, budget: float, name: str, setting: Setting) -> Row:
    """Time one test with 999 random orders."""
    matrix = draw(setting.size(n, 64))
    with one_thread():
        started = cpu_seconds()
        order_test(matrix, draws=setting.size(999, 19))
        spent = cpu_seconds() - started
    return Row(name, Figure("ours", spent, "call"), Figure("budget", budget, "call"), Target("cost", 1.0))


def in_memory(draw: Callable[[int], Any], n: int, name: str, setting: Setting) -> Row:
    """Measure the memory that a test allocates beside the matrix."""
    matrix = draw(setting.size(n, 64))
    tracemalloc.start()
    try:
        order_test(matrix, draws=setting.size(999, 19))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    allowed = Figure("allowed", float(MEMORY), "call", "B")
    return Row(name, Figure("ours", float(peak), "call", "B"), allowed, Target("cost", 1.0))


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "order: dense, n = 600": partial(in_time, dense, 600, 1.0),
    "order: dense, n = 10,000": partial(in_time, dense, 10_000, 60.0),
    "order: sparse band, n = 20,000": partial(in_time, banded, 20_000, 60.0),
    "order: memory, dense, n = 10,000": partial(in_memory, dense, 10_000),
}
