"""Coverage of the intervals and false alarms of the tests: ``python -m benchmarks.coverage``.

Data of a known truth are drawn many times. The table shows how often the 95 % interval contained it, or how often a
difference that does not exist was reported, and the same for the naive way: independent windows, a single seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.special import ndtr

from gnnmax import Windows, compare_scores, evaluate

__all__ = ["SIMULATIONS", "Tally", "simulate"]

BySeed = dict[str, list[npt.NDArray[np.float64]]]
Outcome = tuple[bool, bool]
"""Whether ours, and whether the naive way, contained the truth (an interval) or raised an alarm (a test)."""


@dataclass(frozen=True)
class Tally:
    """One row of the table: shares of the repeats."""

    name: str
    stated: float
    ours: float
    naive: float
    repeats: int

    @property
    def holds(self) -> bool:
        """Whether ours is within 1.5 points of the stated rate."""
        return abs(self.ours - self.stated) <= 0.015


def clustered(label: npt.NDArray[np.bool_], graph: npt.NDArray[np.int64]) -> Windows:
    """Make blank windows of given labels and graphs; scores are drawn separately."""
    blank = Windows.from_values(np.zeros((len(label), 3, 3)))
    return replace(blank, observed=label, graph=graph)


def accuracy_interval(rng: np.random.Generator, graphs: int) -> Outcome:
    """Each graph has its own difficulty; on average 0.7 are right."""
    graph, label = np.repeat(np.arange(graphs), 10), rng.random(10 * graphs) < 0.5
    right = rng.random(10 * graphs) < rng.beta(1.4, 0.6, size=graphs)[graph]
    scores = np.where(right == label, 1.0, -1.0)
    ours = evaluate(scores, clustered(label, graph), rng=rng).intervals["accuracy"]
    naive = evaluate(scores, label, rng=rng).intervals["accuracy"]
    return ours[0] <= 0.7 <= ours[1], naive[0] <= 0.7 <= naive[1]


def auroc_interval(rng: np.random.Generator, graphs: int) -> Outcome:
    """Scores of a graph are shifted together: normal of variance 2, means 1.5 apart."""
    graph, label = np.repeat(np.arange(graphs), 10), rng.random(10 * graphs) < 0.5
    scores = rng.normal(size=10 * graphs) + rng.normal(size=graphs)[graph] + 1.5 * label
    truth = float(ndtr(1.5 / 2))  # of two windows of different graphs, the difference has variance 4
    ours = evaluate(scores, clustered(label, graph), rng=rng).intervals["auroc"]
    naive = evaluate(scores, label, rng=rng).intervals["auroc"]
    return ours[0] <= truth <= ours[1], naive[0] <= truth <= naive[1]


def false_alarm(rng: np.random.Generator, graphs: int) -> Outcome:
    """Two equal scorers, each favoured by some graphs on all their windows; naive: the McNemar test."""
    graph, label = np.repeat(np.arange(graphs), 8), rng.random(8 * graphs) < 0.5
    lead = rng.random(8 * graphs) < rng.random(graphs)[graph]
    sign = np.where(label, 1.0, -1.0)
    scores = {"a": np.where(lead, sign, -sign), "b": np.where(lead, -sign, sign)}
    (pair,) = compare_scores(scores, clustered(label, graph), rng=rng).pairs
    return pair.p_value <= 0.05, pair.mcnemar_p_value <= 0.05


def seeds_drawn(rng: np.random.Generator, graphs: int, seeds: int) -> tuple[BySeed, Windows]:
    """Two equal nets whose accuracy varies by seed, by graph and by both."""
    graph, label = np.repeat(np.arange(graphs), 10), rng.random(10 * graphs) < 0.5
    sign = np.where(label, 1.0, -1.0)
    scores: BySeed = {}
    for name in ("a", "b"):
        of_graph, of_both = rng.normal(scale=0.1, size=graphs), rng.normal(scale=0.05, size=(seeds, graphs))
        chance = 0.75 + rng.normal(scale=0.02, size=(seeds, 1)) + of_graph + of_both
        scores[name] = [np.where(rng.random(len(graph)) < c[graph], sign, -sign) for c in chance]
    return scores, clustered(label, graph)


def false_alarm_of_seeds(rng: np.random.Generator, graphs: int, seeds: int) -> Outcome:
    """Two equal nets of a few seeds; naive: the first seed alone stands for the net."""
    scores, windows = seeds_drawn(rng, graphs, seeds)
    (pair,) = compare_scores(scores, windows, rng=rng).pairs
    (first,) = compare_scores({name: parts[0] for name, parts in scores.items()}, windows, rng=rng).pairs
    return pair.p_value <= 0.05, first.p_value <= 0.05


def interval_of_seeds(rng: np.random.Generator, graphs: int, seeds: int) -> Outcome:
    """The interval of the difference of these nets, which is 0; naive: that of the first seed alone."""
    scores, windows = seeds_drawn(rng, graphs, seeds)
    (pair,) = compare_scores(scores, windows, rng=rng).pairs
    (first,) = compare_scores({name: parts[0] for name, parts in scores.items()}, windows, rng=rng).pairs
    return pair.low <= 0 <= pair.high, first.low <= 0 <= first.high


def false_alarm_of_four(rng: np.random.Generator, graphs: int) -> Outcome:
    """Any alarm among the six pairs of four equal scorers; naive: without the correction by Holm."""
    graph, label = np.repeat(np.arange(graphs), 8), rng.random(8 * graphs) < 0.5
    sign = np.where(label, 1.0, -1.0)
    right = rng.random((4, 8 * graphs)) < rng.beta(2, 2, size=(4, graphs))[:, graph]
    scores = {name: np.where(row, sign, -sign) for name, row in zip("abcd", right, strict=True)}
    pairs = compare_scores(scores, clustered(label, graph), rng=rng).pairs
    return any((p.corrected_p_value or 0) <= 0.05 for p in pairs), any(p.p_value <= 0.05 for p in pairs)


SIMULATIONS: dict[str, tuple[float, Callable[[np.random.Generator], Outcome]]] = {
    "interval of the accuracy, 20 graphs": (0.95, lambda rng: accuracy_interval(rng, 20)),
    "interval of the accuracy, 100 graphs": (0.95, lambda rng: accuracy_interval(rng, 100)),
    "interval of the AUROC, 50 graphs": (0.95, lambda rng: auroc_interval(rng, 50)),
    "false alarm, 30 graphs": (0.05, lambda rng: false_alarm(rng, 30)),
    "false alarm among four scorers, 60 graphs": (0.05, lambda rng: false_alarm_of_four(rng, 60)),
    "interval of a difference, 3 seeds, 60 graphs": (0.95, lambda rng: interval_of_seeds(rng, 60, 3)),
    "false alarm, 3 seeds, 60 graphs": (0.05, lambda rng: false_alarm_of_seeds(rng, 60, 3)),
    "false alarm, 8 seeds, 60 graphs": (0.05, lambda rng: false_alarm_of_seeds(rng, 60, 8)),
}
"""By name: the stated rate, and a function that runs one repeat."""


def simulate(name: str, repeats: int, seed: int = 0) -> Tally:
    """Repeat one simulation, each time with its own random stream."""
    stated, once = SIMULATIONS[name]
    outcomes = np.array([once(np.random.default_rng((seed, repeat))) for repeat in range(repeats)])
    ours, naive = outcomes.mean(axis=0)
    return Tally(name, stated, float(ours), float(naive), repeats)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    table = Table(title=f"shares of {repeats:,} repeats, per cent", title_justify="left")
    for column in ("what", "stated", "ours", "naive", "within 1.5"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name in SIMULATIONS:
        tally = simulate(name, repeats)
        cells = [f"{100 * share:.1f}" for share in (tally.stated, tally.ours, tally.naive)]
        table.add_row(name, *cells, "yes" if tally.holds else "no")
    Console().print(table)


if __name__ == "__main__":
    main()
