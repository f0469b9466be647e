"""Check that decoys control the false-discovery rate of a search by nets: ``python -m benchmarks.chance_of_nets``.

Matrices of :mod:`benchmarks.chance` are drawn repeatedly and searched by the scores of shipped nets. The table shows
the share of matrices in which anything is found at a q-value up to 0.1, with its 95 % interval, and the share of
planted bumps that is found. ``--seed`` draws other matrices.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import binomtest

from benchmarks.chance import PLACES, RATE, Simulation, graph, heavy, noise, planted
from gnnmax import build, load_recipe
from gnnmax.detection import find_calls
from gnnmax.detection.net_calls import load_mapper
from gnnmax.report.documents import markdown

__all__ = ["SEARCHES", "SearchByNet", "main", "outcomes_of_calls"]

SEED = 11


def line_map(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw a line map of 64 nodes in random order: near nodes are strongly joined, and there is no peak."""
    recipe = load_recipe("line-64-shuffled").replace(seed=int(rng.integers(2**31)), splits={"test": 1})
    return build(recipe.replace(**{"map.peaks": 0})).test.values[0].astype(np.float64)


@dataclass(frozen=True)
class SearchByNet:
    """Matrices of one kind, and the net whose scores are searched.

    Attributes:
        matrices: The matrices; of their options, those of the search are used.
        net: A shipped model.
        options: Further options of :func:`gnnmax.detection.find_calls`.
    """

    matrices: Simulation
    net: str
    options: dict[str, Any] = field(default_factory=dict)


SEARCHES = {
    "normal noise, `cnn-natural`": SearchByNet(Simulation(noise), "cnn-natural"),
    "symmetric lognormal noise, `gnn`": SearchByNet(Simulation(heavy), "gnn"),
    "three bumps 2 s.d. high in normal noise, `cnn-natural`": SearchByNet(
        Simulation(planted(2.0), bumps=True), "cnn-natural", {"k": 9}
    ),
    "three bumps 3 s.d. high, `cnn-natural`": SearchByNet(
        Simulation(planted(3.0), bumps=True), "cnn-natural", {"k": 9}
    ),
    "graph with exponential weights, `gnn`": SearchByNet(Simulation(graph(0.0, 0.0)), "gnn", {"mode": "graph"}),
    "the same, `product`": SearchByNet(Simulation(graph(0.0, 0.0)), "product", {"mode": "graph"}),
    "line maps without a peak, order lost, `map-product`": SearchByNet(
        Simulation(line_map), "map-product", {"mode": "graph"}
    ),
}


def outcomes_of_calls(search: SearchByNet, runs: int, *, seed: int = SEED, draws: int = 10) -> npt.NDArray[np.float64]:
    """Return for each matrix whether anything is found, and the share of the three places that is, ``(runs, 2)``."""
    torch.set_num_threads(1)
    net, found = load_mapper(search.net, device="cpu"), np.zeros((runs, 2))
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        matrix = search.matrices.draw(rng)
        calls = find_calls(matrix, net, decoys="shuffle", rng=rng, draws=draws, **{"k": 5, **search.options})
        assert calls.q is not None
        places = [place[:2] for place in calls.maxima[calls.q <= RATE]]
        reach = search.matrices.reach
        near = [any(max(abs(i - a), abs(j - b)) <= reach for a, b in places) for i, j in PLACES]
        found[run] = bool(places), np.mean(near)
    return found


def row(name: str, runs: int, seed: int) -> list[str]:
    """Draw the matrices of a row of the table; the share of matrices has its 95 % interval, by Wilson."""
    found = outcomes_of_calls(SEARCHES[name], runs, seed=seed)
    interval = binomtest(int(found[:, 0].sum()), runs).proportion_ci(method="wilson")
    anything, hits = found.mean(axis=0)
    bumps = f"{hits:.0%}" if SEARCHES[name].matrices.bumps else ""
    return [name, str(runs), f"{anything:.1%} ({interval.low:.1%} to {interval.high:.1%})", bumps]


def main(words: list[str] | None = None) -> int:
    """Print the table, each row as soon as it is there; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chance_of_nets", description=__doc__)
    parser.add_argument("--repeats", type=int, default=40, help="matrices of a row")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of all matrices and decoys")
    parser.add_argument("--rows", metavar="TEXT", default="", help="only rows whose names contain this text")
    options = parser.parse_args(words)
    if options.repeats < 1 or options.seed < 0:
        parser.error("--repeats must be at least 1, and --seed at least 0")
    names = [name for name in SEARCHES if options.rows in name]
    if not names:
        parser.error(f"no row contains {options.rows!r}; the rows are: {', '.join(SEARCHES)}")
    print(markdown([["matrices and net", "matrices", "anything found", "bumps found"]]))
    for name in names:
        print(markdown([row(name, options.repeats, options.seed)]).splitlines()[0], flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
