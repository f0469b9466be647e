"""Compare widths of the step ``smooth`` on simulated contact maps: ``python -m benchmarks.smoothing_widths``.

Validation maps of the recipe ``contact-256`` at several depths and amplitudes are searched with
``--steps distance,smooth:WIDTH --distance 8: --k 7``. The table shows the share of planted peaks that are found within
one bin at 10 % false discoveries, and the mean of each width over all rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np

from benchmarks.peaks import AMPLITUDES, DEPTHS
from benchmarks.peers.callers import Call
from benchmarks.peers.cells import Cell
from benchmarks.peers.judged import METRIC, verdict_on
from gnnmax import Maps, find_maxima
from gnnmax.report.documents import markdown

__all__ = ["WIDTHS", "recall_of", "table"]

WIDTHS = (0.7, 1.0, 1.25, 1.5, 2.0)


def recall_of(maps: Maps, width: float) -> float:
    """Return the share of the peaks of some maps that are found at 10 % false discoveries with a width."""
    calls: list[Call] = []
    for at, values in enumerate(np.asarray(maps.values, dtype=np.float64)):
        found = find_maxima(values, 7, steps=("distance", f"smooth:{width:g}"), distance="8:", directed=False)
        assert found.scores is not None
        places = zip(found.rows.tolist(), found.columns.tolist(), found.scores.tolist(), strict=True)
        calls += [(at, row, column, score) for row, column, score in places]
    return float(verdict_on(calls, maps).metrics[METRIC] or 0.0)


def table(count: int) -> Iterator[list[str]]:
    """Yield the rows of the table, each when it is measured; ``count`` maps of each depth and amplitude."""
    yield ["depth", "amplitude", *(f"`smooth:{width:g}`" for width in WIDTHS)]
    every = []
    for depth, amplitude in product(DEPTHS, AMPLITUDES):
        maps = Cell(depth, amplitude, "natural").maps("val", count)
        every.append([recall_of(maps, width) for width in WIDTHS])
        yield [f"{depth:g}", f"{amplitude:g}", *(f"{share:.3f}" for share in every[-1])]
    yield ["mean", "", *(f"{share:.3f}" for share in np.mean(every, axis=0))]


def main(words: list[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smoothing_widths", description=__doc__)
    parser.add_argument("--maps", type=int, default=10, help="maps of each depth and amplitude")
    options = parser.parse_args(words)
    if options.maps < 1:
        parser.error("--maps must be at least 1")
    for number, row in enumerate(table(options.maps)):
        print(markdown([row]) if number == 0 else markdown([row]).splitlines()[0], flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
