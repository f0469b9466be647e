"""Check that decoys control the false-discovery rate: ``python -m benchmarks.chance``.

Matrices of noise, with or without bumps, are drawn repeatedly, 48 x 48, and searched with windows of side 5, or as
graphs, a fifth as many with decoys by distance; contact maps of 200 x 200, a tenth as many, are searched with windows
of side 7, or 9 where a row says so. The table shows the share of matrices in which anything is found at a q-value up to
0.1, the share of false calls in contact maps with bumps, and the share of bumps, each with its 95 % interval.
``--seed`` draws other matrices.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from benchmarks.simulated_maps import BORDER as CHROMOSOME
from benchmarks.simulated_maps import BUMPS, ContactMap
from gnnmax.detection import false_discovery
from gnnmax.report.documents import markdown

__all__ = ["SIMULATIONS", "Shares", "Simulation", "intervals", "outcomes", "shares"]

Matrix = npt.NDArray[np.float64]

SIDE = 48
PLACES = ((10, 30), (24, 40), (6, 20))
RATE = 0.1
SEED = 7


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
    options: dict[str, Any] = {"decoys": "distance", "steps": ("distance",)}
    if "distance" in kind:
        options["distance"] = kind.pop("distance")
    if kind.get("chromosomes"):
        options["breaks"] = ([CHROMOSOME], [CHROMOSOME])
    k = kind.pop("k", 7)
    return Simulation(ContactMap(**kind), options, bumps="bumps" in kind, places=BUMPS, k=k, share=1 / 10)


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
    "the same with four bumps, twelvefold": contacts(bumps=12.0),
    "the same with four bumps, `--distance 4:50`": contacts(bumps=3.0, distance="4:50"),
    "contact map, raw counts, domains 2.5 times as high": contacts(domains=2.5),
    "the same with four bumps among domains, raw": contacts(domains=2.5, bumps=3.0),
    "raw counts, domains 2.5 times as high, windows of side 9": contacts(domains=2.5, k=9),
    "the same with four bumps, side 9": contacts(domains=2.5, bumps=3.0, k=9),
    "contact map, balanced, 10 % bad bins": contacts(**BALANCED),
    "the same with four bumps": contacts(**BALANCED, bumps=3.0),
    "the same with four bumps, twelvefold, balanced": contacts(**BALANCED, bumps=12.0),
    "the same, two chromosomes, `breaks`": contacts(**BALANCED, chromosomes=True),
    "the same with four bumps in two chromosomes": contacts(**BALANCED, chromosomes=True, bumps=3.0),
    "balanced, bad bins, domains 2.5 times as high": contacts(**BALANCED, domains=2.5),
    "the same with four bumps among domains": contacts(**BALANCED, domains=2.5, bumps=3.0),
}


class Shares(NamedTuple):
    """Shares in repeated simulations, or the lower or the upper ends of their intervals.

    Attributes:
        anything: The share of matrices in which anything is found.
        false: The share of false ones among the maxima that are found, on average; 0 where nothing is.
        found: The share of the bumps that are found.
    """

    anything: float
    false: float
    found: float


def outcomes(simulation: Simulation, runs: int, *, seed: int = SEED) -> npt.NDArray[np.float64]:
    """Search repeatedly for maxima with a q-value up to the rate.

    Returns:
        For each matrix: whether anything is found, the share of false calls, and the share of bumps that are found,
        shape ``(runs, 3)``.
    """
    found = np.zeros((runs, 3))
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        listed = false_discovery(simulation.draw(rng), simulation.k, rng=rng, **simulation.options)
        calls = np.array([place[:2] for place in listed.maxima[listed.q <= RATE]]).reshape(-1, 1, 2)
        near = np.abs(calls - np.array(simulation.places)).max(axis=-1) <= simulation.reach
        if len(calls):
            false = float(np.mean(~near.any(axis=1))) if simulation.bumps else 1.0
            found[run] = 1.0, false, near.any(axis=0).mean()
    return found


def shares(simulation: Simulation, runs: int, *, seed: int = SEED) -> Shares:
    """Return the shares in some matrices."""
    return Shares(*outcomes(simulation, runs, seed=seed).mean(axis=0).tolist())


def intervals(found: npt.NDArray[np.float64]) -> tuple[Shares, Shares]:
    """Return the lower and the upper ends of the 95 % intervals of shares.

    That of the share of matrices is Wilson's; those of the two means over matrices are normal, and reach no further
    than from 0 to 1.

    Args:
        found: As :func:`outcomes` returns them.

    References:
        Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
        Statistical Association, 1927.

    Example:
        >>> low, high = intervals(np.array([[1.0, 0.0, 0.5]] * 10))
        >>> round(low.anything, 2), round(high.anything, 2), low.found, high.found
        (0.72, 1.0, 0.5, 0.5)
    """
    runs = len(found)
    wilson = binomtest(int(found[:, 0].sum()), runs).proportion_ci(method="wilson")
    means = found[:, 1:].mean(axis=0)
    errors = 1.96 * found[:, 1:].std(axis=0, ddof=1 if runs > 1 else 0) / np.sqrt(runs)
    low, high = (np.clip(means + side * errors, 0, 1).tolist() for side in (-1, 1))
    return Shares(float(wilson.low), *low), Shares(float(wilson.high), *high)


HEADER = ["matrices", "decoys", "drawn", "anything found", "false calls", "bumps found"]


def row(name: str, runs: int, seed: int) -> list[str]:
    """Draw the matrices of a row of the table; each share has its 95 % interval."""
    simulation = SIMULATIONS[name]
    found = outcomes(simulation, max(1, round(runs * simulation.share)), seed=seed)
    low, high = intervals(found)
    anything, false, bumps = (
        f"{mean:.0%} ({least:.0%} to {largest:.0%})"
        for mean, least, largest in zip(found.mean(axis=0), low, high, strict=True)
    )
    decoys = simulation.options["decoys"]
    counted = simulation.bumps and decoys == "distance"
    shown = [anything, false if counted else "", bumps if simulation.bumps else ""]
    return [name, f"`{decoys}`", str(len(found)), *shown]


def main(words: list[str] | None = None) -> int:
    """Print the table, each row as soon as it is there; return the exit status, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chance", description=__doc__)
    parser.add_argument("--repeats", type=int, default=300, help="matrices of a row; fewer by distance, see above")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of all matrices and decoys")
    parser.add_argument("--rows", metavar="TEXT", default="", help="only rows whose names contain this text")
    options = parser.parse_args(words)
    if options.repeats < 1 or options.seed < 0:
        parser.error("--repeats must be at least 1, and --seed at least 0")
    names = [name for name in SIMULATIONS if options.rows in name]
    if not names:
        parser.error(f"no row contains {options.rows!r}; the rows are: {', '.join(SIMULATIONS)}")
    for line in markdown([HEADER]).splitlines():
        print(line)
    for name in names:
        print(markdown([row(name, options.repeats, options.seed)]).splitlines()[0], flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
