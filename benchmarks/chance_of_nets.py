"""Check that decoys control the false-discovery rate of a search by nets: ``python -m benchmarks.chance_of_nets``.

Matrices of :mod:`benchmarks.chance` are drawn repeatedly and searched by the scores of shipped nets. The table shows
the share of matrices in which anything is found at a q-value up to 0.1, and the share of planted bumps that is found.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from benchmarks.chance import PLACES, RATE, Simulation, graph, heavy, noise, planted
from gnnmax import load_model
from gnnmax.detection import find_calls
from gnnmax.report.documents import markdown

__all__ = ["SEARCHES", "SearchByNet", "shares_of_calls"]


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
}


def shares_of_calls(search: SearchByNet, runs: int, *, draws: int = 10) -> tuple[float, float]:
    """Return the share of matrices in which anything is found, and the share of the three places that are found."""
    torch.set_num_threads(1)
    net, anything, hits = load_model(search.net, device="cpu"), 0, 0
    for run in range(runs):
        rng = np.random.default_rng([11, run])
        matrix = search.matrices.draw(rng)
        calls = find_calls(matrix, net, decoys="shuffle", rng=rng, draws=draws, **{"k": 5, **search.options})
        assert calls.q is not None
        places = [place[:2] for place in calls.maxima[calls.q <= RATE]]
        anything += bool(places)
        reach = search.matrices.reach
        hits += sum(any(max(abs(i - a), abs(j - b)) <= reach for a, b in places) for i, j in PLACES)
    return anything / runs, hits / runs / len(PLACES)


def table(runs: int) -> str:
    """Write the table in Markdown."""
    rows = [["matrices and net", "anything found", "bumps found"]]
    for name, search in SEARCHES.items():
        anything, hits = shares_of_calls(search, runs)
        rows.append([name, f"{anything:.0%}", f"{hits:.0%}" if search.matrices.bumps else ""])
    return markdown(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chance_of_nets", description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    print(table(parser.parse_args().repeats))


if __name__ == "__main__":
    main()
