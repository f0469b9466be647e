"""Check the error rate and the power of differences: ``python -m benchmarks.differences``.

Pairs of matrices are drawn repeatedly and compared at a false-discovery rate of 5 %. Without a change, the table shows
the share of pairs in which anything is found; with changes, the share of false ones among those found, on average, and
the share of the changes that is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax import find_differences, find_maxima
from gnnmax.detection.count_tests import binomial_p_values
from gnnmax.report.documents import markdown

__all__ = ["SIMULATIONS", "Simulation", "measure", "small_p_values"]

Matrix = npt.NDArray[np.float64]
Drawn = tuple[Matrix, Matrix, npt.NDArray[np.bool_]]

SIDE = 90
RATE = 0.05
BUMPS = tuple((10 + 9 * at, 22 + 9 * at + 8 * (at % 2)) for at in range(7))
"""Places of bumps on a map: every second one does not change."""


@dataclass(frozen=True)
class Simulation:
    """Pairs of one kind.

    Attributes:
        draw: Draws both matrices, and where the second differs.
        options: Options of :func:`gnnmax.find_differences`.
        changed: Whether anything differs.
    """

    draw: Callable[[np.random.Generator], Drawn]
    options: dict[str, Any] = field(default_factory=dict)
    changed: bool = False


def symmetric(matrix: Matrix) -> Matrix:
    """Mirror the upper triangle."""
    return np.triu(matrix) + np.triu(matrix, 1).T


def expected_map(rng: np.random.Generator, *, peak: float) -> tuple[Matrix, Matrix]:
    """Return expected counts, which fall off with distance and are higher in domains, and the bumps alone."""
    place = np.arange(SIDE)
    apart = np.abs(place[:, None] - place)
    domain = np.searchsorted(np.sort(rng.choice(np.arange(1, SIDE), 4, replace=False)), place, side="right")
    bumps = np.zeros((len(BUMPS), SIDE, SIDE))
    for at, (i, j) in enumerate(BUMPS):
        bumps[at] = peak * np.exp(-((place[:, None] - i) ** 2 + (place - j) ** 2) / (2 * 1.2**2))
    return 60 / (1 + apart) * (1 + 1.5 * (domain[:, None] == domain)), bumps


def thinnings(
    depths: tuple[float, float], *, fold: float = 1.0, scatter: float = 0.0, peak: float = 20.0
) -> Callable[[np.random.Generator], Drawn]:
    """Draw two thinnings of one map with bumps; every second bump is ``fold`` times as high in the second."""

    def draw(rng: np.random.Generator) -> Drawn:
        ground, bumps = expected_map(rng, peak=peak)
        means = [ground + bumps.sum(axis=0), ground + bumps[1::2].sum(axis=0)]
        means[1] = means[1] + fold * bumps[::2].sum(axis=0)
        changed = np.zeros((SIDE, SIDE), dtype=np.bool_)
        for i, j in BUMPS[::2] if fold != 1 else ():
            changed[i - 4 : i + 5, j - 4 : j + 5] = True
        if scatter:
            means = [mean * symmetric(rng.gamma(1 / scatter, scatter, size=mean.shape)) for mean in means]
        a, b = (symmetric(rng.poisson(depth * mean)) for depth, mean in zip(depths, means, strict=True))
        return a, b, changed

    return draw


def graph(mean: float, *, fold: float = 1.0, depth: float = 1.0) -> Callable[[np.random.Generator], Drawn]:
    """Draw counts on the edges of a random graph; a tenth of the edges changes, half of them up and half down."""

    def draw(rng: np.random.Generator) -> Drawn:
        edges = symmetric(np.triu(rng.random((SIDE, SIDE)) < 0.1, 1)).astype(np.float64)
        weights = symmetric(mean * rng.lognormal(0, 0.5, size=(SIDE, SIDE))) * edges
        changed = symmetric(np.triu(rng.random((SIDE, SIDE)) < (0.1 if fold != 1 else 0.0), 1)) > 0
        up = symmetric(np.triu(rng.random((SIDE, SIDE)) < 0.5, 1)) > 0
        factor = np.where(changed, np.where(up, fold, 1 / fold), 1.0)
        return symmetric(rng.poisson(weights)), symmetric(rng.poisson(depth * weights * factor)), changed & (edges > 0)

    return draw


def values(
    noise: Callable[[np.random.Generator], Matrix], *, relative: bool = False, height: float = 0.0
) -> Callable[[np.random.Generator], Drawn]:
    """Draw real values with noise added, or multiplied, in which every second bump is higher in the second matrix."""

    def draw(rng: np.random.Generator) -> Drawn:
        ground, bumps = expected_map(rng, peak=10.0)
        base = np.sqrt(ground + bumps.sum(axis=0))
        changed = np.zeros((SIDE, SIDE), dtype=np.bool_)
        for i, j in BUMPS[::2] if height else ():
            changed[i - 4 : i + 5, j - 4 : j + 5] = True
        means = base, base + height * bumps[::2].sum(axis=0) / 10
        a, b = (mean * np.exp(0.3 * noise(rng)) if relative else mean + noise(rng) for mean in means)
        return symmetric(a), symmetric(b), changed

    return draw


def normal(rng: np.random.Generator) -> Matrix:
    """Draw standard normal noise."""
    return rng.normal(size=(SIDE, SIDE))


def heavy(rng: np.random.Generator) -> Matrix:
    """Draw noise of Student's law with 3 degrees of freedom."""
    return rng.standard_t(3, size=(SIDE, SIDE))


GRAPH = {"mode": "graph"}

SIMULATIONS = {
    "two thinnings of one map": Simulation(thinnings((1.0, 1.0))),
    "the same, depths 1 and 4": Simulation(thinnings((0.5, 2.0))),
    "the same, depths 1 and 1, a tenth of the counts": Simulation(thinnings((0.1, 0.1))),
    "the same, more scatter than Poisson's law": Simulation(thinnings((1.0, 1.0), scatter=0.2)),
    "counts on a graph": Simulation(graph(20.0), GRAPH),
    "the same, mean 2, depths 1 and 3": Simulation(graph(2.0, depth=3.0), GRAPH),
    "real values, normal noise": Simulation(values(normal)),
    "the same as a graph": Simulation(values(normal), GRAPH),
    "real values, heavy noise": Simulation(values(heavy)),
    "the same as a graph, heavy noise": Simulation(values(heavy), GRAPH),
    "the same as a graph, noise that grows with the value": Simulation(values(normal, relative=True), GRAPH),
    "bumps of 20 counts, four of seven twice as high": Simulation(thinnings((1.0, 1.0), fold=2.0), changed=True),
    "the same, depths 1 and 4, twice": Simulation(thinnings((0.5, 2.0), fold=2.0), changed=True),
    "bumps of 20 counts, four of seven gone, `steps = distance`": Simulation(
        thinnings((1.0, 1.0), fold=0.0), {"steps": ("distance",)}, changed=True
    ),
    "a tenth of the edges of mean 20 twice or half": Simulation(graph(20.0, fold=2.0), GRAPH, changed=True),
    "a tenth of the edges of mean 100 twice or half": Simulation(graph(100.0, fold=2.0), GRAPH, changed=True),
    "real values, four of seven bumps 4 s.d. higher, `steps = distance`": Simulation(
        values(normal, height=4.0), {"steps": ("distance",)}, changed=True
    ),
}


@dataclass(frozen=True)
class Measured:
    """What a simulation found: share of pairs with any discovery, mean share of false ones, share of changes found."""

    anything: float
    false: float
    power: float


def measure(simulation: Simulation, runs: int, *, find: Callable[..., Any] = find_differences, k: int = 9) -> Measured:
    """Draw and compare pairs."""
    anything, false, found, there = 0, 0.0, 0, 0
    for run in range(runs):
        rng = np.random.default_rng([11, run])
        a, b, changed = simulation.draw(rng)
        differences = find(a, b, k, rate=RATE, **simulation.options)
        called = differences[differences.change != "kept"]
        right = changed[called.rows, called.columns]
        anything += len(called) > 0
        false += float((~right).mean()) if len(called) else 0.0
        if simulation.options.get("mode") == "graph":
            tested = changed[differences.rows, differences.columns]
            found, there = found + int(right.sum()), there + int(tested.sum())
        elif changed.any():
            places = np.array(BUMPS[::2])
            near = np.abs(np.stack([called.rows, called.columns], axis=1)[:, None] - places).max(axis=2) <= 2
            found, there = found + int(near.any(axis=0).sum()), there + len(places)
    return Measured(anything / runs, false / runs, found / max(there, 1))


def small_p_values(runs: int) -> tuple[float, float]:
    """Choose places where nothing changed by either matrix alone, or by the sum; return the shares of p up to 5 %.

    The maxima of one matrix lean to it by chance.
    """
    by_either, by_sum = [], []
    for run in range(runs):
        rng = np.random.default_rng([13, run])
        a, b = rng.poisson(20.0, size=(2, SIDE, SIDE))
        own = [find_maxima(one, 9) for one in (a, b)]
        rows, columns = (np.concatenate([getattr(one, axis) for one in own]) for axis in ("rows", "columns"))
        first, second = a[rows, columns].astype(np.float64), b[rows, columns].astype(np.float64)
        by_either.append(binomial_p_values(first, first + second, np.full(len(rows), 0.5)))
        by_sum.append(find_differences(a, b, around=1).p)
    small = [float((np.concatenate(values) <= RATE).mean()) for values in (by_either, by_sum)]
    return small[0], small[1]


def table(runs: int, part: str = "") -> str:
    """Write the table in Markdown."""
    rows = [["pairs", "anything found", "of these false", "changes found"]]
    for name, simulation in ((name, one) for name, one in SIMULATIONS.items() if part in name):
        found = measure(simulation, runs)
        more = [f"{found.false:.1%}", f"{found.power:.0%}"] if simulation.changed else ["", ""]
        rows.append([name, f"{found.anything:.1%}", *more])
    return markdown(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.differences", description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--only", default="", help="a part of the names of the simulations to run")
    arguments = parser.parse_args()
    print(table(arguments.repeats, arguments.only))
    if not arguments.only:
        by_either, by_sum = small_p_values(max(1, arguments.repeats // 10))
        shares = f"{by_either:.1%} of the maxima of either matrix, {by_sum:.1%} of those of the sum"
        print(f"\nwithout a change, p up to .05: {shares}")


if __name__ == "__main__":
    main()
