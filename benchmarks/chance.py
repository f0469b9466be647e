"""Check that decoys control the false-discovery rate: ``python -m benchmarks.chance``.

Matrices of noise, with or without bumps, are drawn repeatedly, 48 x 48, and searched with windows of side 5, or as
graphs, a fifth as many with decoys by distance; contact maps of 200 x 200, a tenth as many, are searched with windows
of side 7. The table shows the share of matrices in which anything is found at a q-value up to 0.1, the share of false
calls in contact maps with bumps, and the share of bumps.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.simulated_maps import BORDER as CHROMOSOME
from benchmarks.simulated_maps import BUMPS, ContactMap
from gnnmax.detection import false_discovery
from gnnmax.report.documents import markdown

__all__ = ["SIMULATIONS", "Shares", "Simulation", "shares"]

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
        places: Where the bumps are.
        k: Side of the windows.
        share: Which share of the repeats is drawn.
    """

    draw: Callable[[np.random.Generator], Matrix]
    options: dict[str, Any] = field(default_factory=lambda: {"decoys": "shuffle"})
    bumps: bool = False
    reach: int = 2
    places: tuple[tuple[int, int], ...] = PLACES
    k: int = 5
    share: float = 1.0


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


def contacts(**kind: Any) -> Simulation:
    """Search contact maps of a kind by distance, as one would a map of a genome."""
    options = {"decoys": "distance", "steps": ("distance",)}
    if kind.get("chromosomes"):
        options["breaks"] = ([CHROMOSOME], [CHROMOSOME])
    return Simulation(ContactMap(**kind), options, bumps="bumps" in kind, places=BUMPS, k=7, share=1 / 10)


BALANCED = {"balanced": True, "bad": 0.1}

SIMULATIONS = {
    "normal noise": Simulation(noise),
    "symmetric lognormal noise": Simulation(heavy),
    "exponential noise that fades with distance": Simulation(fading, {"decoys": "distance"}, share=1 / 5),
    "the same, `--steps distance,rank`": Simulation(fading, OVER_EXPECTED, share=1 / 5),
    "the same, the wrong decoys": Simulation(fading),
    "two chromosomes of such noise, `breaks`": Simulation(
        chromosomes, {**OVER_EXPECTED, "breaks": BORDER}, share=1 / 5
    ),
    "the same, wrongly without breaks": Simulation(chromosomes, OVER_EXPECTED, share=1 / 5),
    "three bumps 1 s.d. high in normal noise": Simulation(planted(1.0), bumps=True),
    "three bumps 2 s.d. high": Simulation(planted(2.0), bumps=True),
    "three bumps 3 s.d. high": Simulation(planted(3.0), bumps=True),
    "three single entries 10 s.d. high": Simulation(planted(10.0, alone=True), bumps=True),
    "graph with exponential weights": Simulation(graph(0.0, 0.0), AS_GRAPH),
    "three strong edges of it, 10 s.d. high": Simulation(graph(10.0, 0.0), AS_GRAPH, bumps=True, reach=0),
    "the other edges at their ends 1 s.d. higher": Simulation(graph(10.0, 1.0), AS_GRAPH, bumps=True, reach=0),
    "the same, 2 s.d. higher": Simulation(graph(10.0, 2.0), AS_GRAPH, bumps=True, reach=0),
    "contact map, raw counts with biases of its bins": contacts(),
    "the same with four bumps, threefold": contacts(bumps=3.0),
    "contact map, balanced, 10 % bad bins": contacts(**BALANCED),
    "the same with four bumps": contacts(**BALANCED, bumps=3.0),
    "the same, two chromosomes, `breaks`": contacts(**BALANCED, chromosomes=True),
    "the same with four bumps in two chromosomes": contacts(**BALANCED, chromosomes=True, bumps=3.0),
    "balanced, bad bins, domains 2.5 times as high": contacts(**BALANCED, domains=2.5),
    "the same with four bumps among domains": contacts(**BALANCED, domains=2.5, bumps=3.0),
}


class Shares(NamedTuple):
    """Shares in repeated simulations.

    Attributes:
        anything: The share of matrices in which anything is found.
        false: The share of false ones among the maxima that are found, on average; 0 where nothing is.
        found: The share of the bumps that are found.
    """

    anything: float
    false: float
    found: float


def shares(simulation: Simulation, runs: int) -> Shares:
    """Search repeatedly for maxima with a q-value up to the rate."""
    anything, hits, false = 0, 0, 0.0
    for run in range(runs):
        rng = np.random.default_rng([7, run])
        found = false_discovery(simulation.draw(rng), simulation.k, rng=rng, **simulation.options)
        calls = [place[:2] for place in found.maxima[found.q <= RATE]]
        near = np.array(
            [[max(abs(i - a), abs(j - b)) <= simulation.reach for a, b in simulation.places] for i, j in calls]
        )
        anything += bool(calls)
        if calls:
            hits += int(near.any(axis=0).sum())
            false += float(np.mean(~near.any(axis=1))) if simulation.bumps else 1.0
    return Shares(anything / runs, false / runs, hits / runs / len(simulation.places))


def table(runs: int) -> str:
    """Write the table in Markdown."""
    rows = [["matrices", "decoys", "anything found", "false calls", "bumps found"]]
    for name, simulation in SIMULATIONS.items():
        found = shares(simulation, max(1, round(runs * simulation.share)))
        decoys = simulation.options["decoys"]
        false = f"{found.false:.0%}" if simulation.bumps and decoys == "distance" else ""
        bumps = f"{found.found:.0%}" if simulation.bumps else ""
        rows.append([name, f"`{decoys}`", f"{found.anything:.0%}", false, bumps])
    return markdown(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chance", description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    print(table(parser.parse_args().repeats))


if __name__ == "__main__":
    main()
