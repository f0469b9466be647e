"""Timing on a GPU by its own events, and the place of the figures in the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

__all__ = ["peak", "timed", "write_part"]

REPEATS = 20


def timed(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median seconds of a call on the GPU, by device events, after warming up."""
    for _ in range(3):
        run()
    found = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        found.append(start.elapsed_time(end) / 1000)
    return float(np.median(found))


def peak(dtype: torch.dtype, n: int = 8192) -> float:
    """Return the operations per second of a large matrix product on random data."""
    a, b = (torch.randn(n, n, device="cuda", dtype=dtype) for _ in range(2))
    return 2 * n**3 / timed(lambda: a @ b)


def write_part(page: Path, name: str, lines: list[str]) -> None:
    """Put lines between the marks ``<!-- name -->`` and ``<!-- /name -->`` of a page."""
    head, mark, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, tail = rest.partition(f"<!-- /{name} -->")
    assert mark and end, f"{page} has no place for the figures of {name}"
    page.write_text(head + mark + "\n".join(lines) + "\n" + end + tail, encoding="utf-8")
