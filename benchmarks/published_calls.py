"""Score ``gnnmax detect`` against published calls: ``python -m benchmarks.published_calls MAP.cool CALLS``.

One command searches the map: ``gnnmax detect MAP.cool --balanced --steps distance,smooth --distance 8:50 --k 7``.
Other flags of the search may follow ``--``. CALLS is a list of chromosight, cooltools, Juicer or mustache, or BEDPE.
The table shows the share of the published calls that have a maximum of their own within one bin (``evaluate_peaks``),
and that of a matched control: as many places at the same distances on the same chromosomes, drawn at random among
measured bins. Their ratio says how many times more often a call is met than such a place.

The map of yeast, 236 kB, and the calls that the authors of chromosight show for it, under the MIT licence::

    git clone --depth 1 https://github.com/koszullab/chromosight
    ln -s chromosight/data_test/example.cool chromosight/docs/notebooks/detect/example_loops.tsv .
    python -m benchmarks.published_calls example.cool example_loops.tsv
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax import InputError, evaluate_peaks
from gnnmax.cli.main import main as gnnmax
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.positions import read_positions
from gnnmax.report.documents import markdown

__all__ = ["control_places", "main", "share_found"]

SEARCH = ["--balanced", "--steps", "distance,smooth", "--distance", "8:50", "--k", "7"]

DRAWS = 200
"""Sets of control places."""

Places = npt.NDArray[np.int64]


def control_places(calls: Places, bins: GenomeBins, known: npt.NDArray[np.bool_], rng: np.random.Generator) -> Places:
    """Draw a place for each call: at its distance, on its chromosome, in measured bins.

    Args:
        calls: Rows and columns, ``i <= j``, shape ``(N, 2)``.
        bins: The bins of the map.
        known: Whether each bin was measured.
        rng: The source of the places.

    Returns:
        Shape ``(N, 2)``; a call without such a place has none.
    """
    found = []
    for i, j in calls.tolist():
        rows = np.arange(len(known) - (j - i))
        columns = rows + (j - i)
        free = known[rows] & known[columns]
        free &= (bins.chromosome[rows] == bins.chromosome[i]) & (bins.chromosome[columns] == bins.chromosome[j])
        if len(places := rows[free]):
            row = int(rng.choice(places))
            found.append((row, row + j - i))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def share_found(maxima: npt.NDArray[np.float64], places: Places) -> float:
    """Return the share of some places that have a maximum of their own within one bin.

    Args:
        maxima: The number of the map, 0, rows, columns and scores, shape ``(M, 4)``.
        places: Rows and columns, shape ``(N, 2)``.

    Example:
        >>> share_found(np.array([[0, 3, 9, 1.0]]), np.array([[4, 9], [3, 8]]))
        0.5
    """
    places = np.unique(places, axis=0)
    return float(evaluate_peaks(maxima, places, 1, maps=1, symmetric=True).metrics["recall"])


def searched(path: Path, flags: Sequence[str]) -> npt.NDArray[np.float64]:
    """Run the command on a map; return its table as :func:`share_found` takes it."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "maxima.csv")
        with contextlib.redirect_stdout(io.StringIO()):
            status = gnnmax(["detect", str(path), *flags, "--models", "none", "--out", str(table)])
        if status:
            raise SystemExit(status)
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    score = "score" if rows and "score" in rows[0] else "value"
    return np.array([[0.0, *(float(row[name]) for name in ("i", "j", score))] for row in rows]).reshape(-1, 4)


def main(words: list[str] | None = None) -> int:
    """Print the table; return the exit status."""
    words = sys.argv[1:] if words is None else words
    words, flags = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, SEARCH)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published_calls", description=__doc__)
    parser.add_argument("map", type=Path, help="a contact map, .cool or FILE.mcool::GROUP")
    parser.add_argument("calls", type=Path, help="a list of published calls")
    parser.add_argument("--seed", type=int, default=0, help="seed of the control places")
    options = parser.parse_args(words)
    try:
        return _print(options.map, options.calls, flags, np.random.default_rng(options.seed))
    except InputError as error:
        parser.error(str(error))


def _print(path: Path, listed: Path, flags: Sequence[str], rng: np.random.Generator) -> int:
    """Score one search of one map, and print the table."""
    found: Any = read_matrix(path, balanced="--balanced" in flags)
    calls = np.sort(np.array(read_positions(listed, found.names, found.bins)), axis=1)
    known = np.ones(len(found.bins.start), dtype=np.bool_) if found.missing is None else ~found.missing.rows
    maxima = searched(path, flags)
    drawn = [share_found(maxima, control_places(calls, found.bins, known, rng)) for _ in range(DRAWS)]
    share, control = share_found(maxima, calls), float(np.mean(drawn))
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(f"gnnmax detect {path} {shlex.join(flags)}")
    header = ["published calls", "maxima", "found within one bin", "control (95 % of draws)", "ratio"]
    row = [str(len(calls)), str(len(maxima)), f"{share:.3f}", f"{control:.3f} ({low:.3f} to {high:.3f})"]
    print(markdown([header, [*row, f"{share / control:.1f}" if control else "-"]]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
