"""How much of a lost order seriation brings back: ``python -m benchmarks.seriating [MAP.cool ...]``.

Contact maps of the recipe ``contact-256`` at several depths, and line maps, whose affinities hardly show in the noise;
then each chromosome of contact maps of your own, without its bad bins: counts as they are, and balanced. The nodes are
shuffled and put in order by ``gnnmax.detection.seriate``. The table shows the share of neighbours in the order found
that are neighbours in the true one, the mean number of places by which a node is off, and seconds of processor time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax import InputError, build, load_recipe
from gnnmax.detection import SearchOptions, read_matrix, seriate
from gnnmax.detection.search import prepare_matrix
from gnnmax.report.documents import markdown

MAPS, SEED = 10, 20_261_128
HEADER = ["matrix", "nodes", "neighbours found", "places off", "seconds"]


def row(name: str, matrices: list[npt.NDArray[np.float64]]) -> list[str]:
    """Shuffle matrices, put them in order, and compare; means over the matrices."""
    rng = np.random.default_rng(SEED)
    found = []
    for matrix in matrices:
        place = rng.permutation(len(matrix))
        started = time.process_time()
        order = place[seriate(matrix[np.ix_(place, place)])]
        seconds = time.process_time() - started
        ways = [np.abs(way - np.arange(len(order))).mean() for way in (order, order[::-1])]
        found.append((len(matrix), (np.abs(np.diff(order)) == 1).mean(), min(ways), seconds))
    nodes, near, off, seconds = np.mean(found, axis=0)
    return [name, f"{nodes:,.0f}", f"{100 * near:.0f} %", f"{off:.2f}", f"{seconds:.1f}"]


def drawn(recipe: str, **changes: Any) -> list[npt.NDArray[np.float64]]:
    """Draw maps in natural order."""
    changed = load_recipe(recipe).replace(splits={"test": MAPS}, seed=SEED, **changes)
    return [one.astype(np.float64) for one in build(changed).test.values]


def chromosomes(path: Path) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Yield each chromosome of a contact map, raw and balanced, bins without a weight left out."""
    raw, balanced = (prepare_matrix(read_matrix(path, balanced=way), SearchOptions()) for way in (False, True))
    starts = [0, *balanced.parts.rows.tolist(), balanced.shape[0]]
    for start, end in pairwise(starts):
        side = end - start
        if side < 3:
            continue
        block = balanced.block(start, start, side, side, (0, 0))
        kept = np.flatnonzero(~block.missing.all(axis=1)) if block.missing is not None else np.arange(side)
        name = str(balanced.names[0][start]).partition(":")[0] if balanced.names else f"{path.name} {start}"
        for way, source in (("raw", raw), ("balanced", balanced)):
            values = source.block(start, start, side, side, (0, 0)).values[np.ix_(kept, kept)]
            yield f"{path.name}, {name}, {way}", values.astype(np.float64)


def main(words: list[str]) -> int:
    """Measure and print; return the exit status: 2 for a file that is no contact map."""
    rows = [HEADER]
    rows += [
        row(f"`contact-256`, depth {depth:g}", drawn("contact-256", **{"map.background.depth": depth}))
        for depth in (20.0, 50.0, 200.0)
    ]
    rows.append(row("`contact-256`, 1,000 bins", drawn("contact-256", **{"map.n": 1_000})[:1]))
    rows.append(row("`line-64`", drawn("line-64")))
    try:
        for path in words:
            rows += [row(name, [matrix]) for name, matrix in chromosomes(Path(path))]
    except InputError as error:
        print(f"python -m benchmarks.seriating: {error}", file=sys.stderr)
        return 2
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
