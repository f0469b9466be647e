"""Check that decoys control the false-discovery rate: ``python -m benchmarks.chance``.

Matrices of noise, with or without bumps, are drawn repeatedly, 48 x 48, and searched with windows of side 5, or as
graphs. The table shows the share of matrices in which anything is found at a q-value up to 0.1, and the share of bumps.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection import false_discovery
from gnnmax.report.documents import markdown

__all__ = ["SIMULATIONS", "Simulation", "shares"]

Matrix = npt.NDArray[np.float64]

SIDE = 48
PLACES = ((10, 30), (24, 40), (6, 20))
RATE = 0.1


@dataclass(frozen=True)
class Simulation:
    """Matrices of one kind, and how they are searched.

    Attributes:
        draw: Draws a matrix.
        options: Options of :func:`gnnmax.detection.false_discovery`.
        bumps: Whether there is anything to find.
        reach: Largest distance of a maximum from its true position, in rows and columns.
    """

    draw: Callable[[np.random.Generator], Matrix]
    options: dict[str, Any] = field(default_factory=lambda: {"decoys": "shuffle"})
    bumps: bool = False
    reach: int = 2


def symmetric(matrix: Matrix) -> Matrix:
    """Mirror the upper triangle."""
    return np.triu(matrix) + np.triu(matrix, 1).T


def noise(rng: np.random.Generator) -> Matrix:
    """Draw normal noise, not symmetric."""
    return rng.normal(size=(SIDE, SIDE))


def heavy(rng: np.random.Generator) -> Matrix:
    """Draw symmetric lognormal noise."""
    return symmetric(rng.lognormal(size=(SIDE, SIDE)))


def fading(rng: np.random.Generator) -> Matrix:
    """Draw exponential noise that falls off with distance."""
    apart = np.abs(np.subtract.outer(np.arange(SIDE), np.arange(SIDE)))
    return symmetric(rng.exponential(size=(SIDE, SIDE))) / (1 + apart)


def chromosomes(rng: np.random.Generator) -> Matrix:
    """Draw two such matrices, and weak noise between them."""
    part = np.arange(SIDE) >= SIDE // 2
    return fading(rng) * np.where(part[:, None] == part, 1.0, 0.02)


def planted(height: float, *, alone: bool = False) -> Callable[[np.random.Generator], Matrix]:
    """Draw normal noise of standard deviation 1 with three bumps of this height, or three single entries."""

    def draw(rng: np.random.Generator) -> Matrix:
        matrix, places = symmetric(rng.normal(size=(SIDE, SIDE))), np.arange(SIDE)
        for i, j in PLACES:
            near = (places - i)[:, None] ** 2 + (places - j) ** 2
            bump = height * (near == 0 if alone else np.exp(-near / 4))
            matrix = matrix + bump + bump.T
        return matrix

    return draw


def graph(strong: float, raised: float) -> Callable[[np.random.Generator], Matrix]:
    """Draw a graph with exponential weights of standard deviation 1, and three strong edges.

    All other edges at their six ends are raised.
    """

    def draw(rng: np.random.Generator) -> Matrix:
        weights = rng.exponential(size=(SIDE, SIDE)) * (rng.random((SIDE, SIDE)) < 0.2)
        ends = np.isin(np.arange(SIDE), PLACES)
        weights[(weights > 0) & (ends[:, None] | ends)] += raised
        weights[tuple(np.transpose(PLACES))] += strong
        return symmetric(weights)

    return draw


AS_GRAPH = {"decoys": "shuffle", "mode": "graph"}

OVER_EXPECTED = {"decoys": "distance", "steps": ("distance", "rank")}

BORDER = ([SIDE // 2], [SIDE // 2])

SIMULATIONS = {
    "normal noise": Simulation(noise),
    "symmetric lognormal noise": Simulation(heavy),
    "exponential noise that fades with distance": Simulation(fading, {"decoys": "distance"}),
    "the same, `--steps distance,rank`": Simulation(fading, OVER_EXPECTED),
    "the same, the wrong decoys": Simulation(fading),
    "two chromosomes of such noise, `breaks`": Simulation(chromosomes, {**OVER_EXPECTED, "breaks": BORDER}),
    "the same, wrongly without breaks": Simulation(chromosomes, OVER_EXPECTED),
    "three bumps 1 s.d. high in normal noise": Simulation(planted(1.0), bumps=True),
    "three bumps 2 s.d. high": Simulation(planted(2.0), bumps=True),
    "three bumps 3 s.d. high": Simulation(planted(3.0), bumps=True),
    "three single entries 10 s.d. high": Simulation(planted(10.0, alone=True), bumps=True),
    "graph with exponential weights": Simulation(graph(0.0, 0.0), AS_GRAPH),
    "three strong edges of it, 10 s.d. high": Simulation(graph(10.0, 0.0), AS_GRAPH, bumps=True, reach=0),
    "the other edges at their ends 1 s.d. higher": Simulation(graph(10.0, 1.0), AS_GRAPH, bumps=True, reach=0),
    "the same, 2 s.d. higher": Simulation(graph(10.0, 2.0), AS_GRAPH, bumps=True, reach=0),
}


def shares(simulation: Simulation, runs: int) -> tuple[float, float]:
    """Return the share of matrices in which anything is found, and the share of the three places that are found."""
    anything, hits = 0, 0
    for run in range(runs):
        rng = np.random.default_rng([7, run])
        found = false_discovery(simulation.draw(rng), 5, rng=rng, **simulation.options)
        places = [place[:2] for place in found.maxima[found.q <= RATE]]
        anything += bool(places)
        hits += sum(any(max(abs(i - a), abs(j - b)) <= simulation.reach for a, b in places) for i, j in PLACES)
    return anything / runs, hits / runs / len(PLACES)


def table(runs: int) -> str:
    """Write the table in Markdown."""
    rows = [["matrices", "decoys", "anything found", "bumps found"]]
    for name, simulation in SIMULATIONS.items():
        anything, hits = shares(simulation, runs)
        bumps = f"{hits:.0%}" if simulation.bumps else ""
        rows.append([name, f"`{simulation.options['decoys']}`", f"{anything:.0%}", bumps])
    return markdown(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chance", description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    print(table(parser.parse_args().repeats))


if __name__ == "__main__":
    main()
