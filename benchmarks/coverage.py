"""Coverage of the intervals and false alarms of the tests: ``python -m benchmarks.coverage``.

Windows of a known truth are drawn many times, in 5 to 50 graphs. The table shows how often the 95 % interval contained
the truth, and how often a difference that does not exist was reported; beside it the same of the percentile bootstrap
over graphs that stood here before.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.percentile_bootstrap import before
from gnnmax import Windows, compare_scores
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.metrics import auroc, average_precision, levels_of

__all__ = ["GRAPHS", "METRICS", "SCENARIOS", "Sample", "Tally", "draw", "simulate", "truth"]

Floats = npt.NDArray[np.float64]

GRAPHS = (5, 10, 20, 50)
METRICS = ("accuracy", "recall", "auroc", "average_precision", "found", "difference", "false alarm")


@dataclass(frozen=True, eq=False)
class Scenario:
    """How windows are spread over graphs, and how well they are scored.

    Attributes:
        size: Draws the number of windows of each graph, ``(rng, G)`` to ``(G,)``.
        positive: Draws the labels, ``(rng, graph)`` to ``(N,)``.
        score: Draws scores from labels, ``(rng, label, graph)`` to ``(scorers, seeds, N)``.
        seeds: Seeds of each scorer.
    """

    size: Callable[[np.random.Generator, int], npt.NDArray[np.intp]]
    positive: Callable[[np.random.Generator, npt.NDArray[np.intp]], npt.NDArray[np.bool_]]
    score: Callable[..., Floats]
    seeds: int = 1


@dataclass(frozen=True, eq=False)
class Sample:
    """Windows of one repeat, and the scores of two equal scorers, shape ``(2, seeds, N)``."""

    label: npt.NDArray[np.bool_]
    graph: npt.NDArray[np.intp]
    scores: Floats


def equal_sizes(_: np.random.Generator, graphs: int, size: int) -> npt.NDArray[np.intp]:
    """Give every graph as many windows."""
    return np.full(graphs, size)


def unequal_sizes(rng: np.random.Generator, graphs: int) -> npt.NDArray[np.intp]:
    """Give graphs 2 to 200 windows, log-normal, the median 20."""
    return np.clip(np.rint(20 * np.exp(rng.normal(size=graphs))), 2, 200).astype(np.intp)


def by_window(rng: np.random.Generator, graph: npt.NDArray[np.intp], share: float) -> npt.NDArray[np.bool_]:
    """Label every window by a coin."""
    return np.asarray(rng.random(len(graph)) < share)


def by_graph(rng: np.random.Generator, graph: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Label all windows of a graph by one coin."""
    return np.asarray(rng.random(graph.max() + 1) < 0.5)[graph]


def clustered(
    rng: np.random.Generator, label: npt.NDArray[np.bool_], graph: npt.NDArray[np.intp], seeds: int
) -> Floats:
    """Each graph has its own difficulty and its own shift, in part the same for both scorers, and so has each seed."""
    graphs = int(graph.max()) + 1
    ease = rng.normal(1.0, 0.35, graphs) + rng.normal(0, 0.35, (2, 1, graphs))
    shift = rng.normal(0, 0.35, graphs) + rng.normal(0, 0.35, (2, 1, graphs))
    if seeds > 1:
        ease = ease + rng.normal(0, 0.1, (2, seeds, 1)) + rng.normal(0, 0.1, (2, seeds, graphs))
    noise = rng.normal(0, 0.7, len(label)) + rng.normal(0, 0.7, (2, seeds, len(label)))
    return np.asarray(np.where(label, 1, -1) * ease[..., graph] + shift[..., graph] + noise)


def near_the_ceiling(
    rng: np.random.Generator, label: npt.NDArray[np.bool_], graph: npt.NDArray[np.intp], seeds: int
) -> Floats:
    """Seven graphs in a hundred have 30 % errors, the others none."""
    wrong = rng.random((2, 1, int(graph.max()) + 1)) < 0.07
    flipped = wrong[..., graph] & (rng.random((2, seeds, len(label))) < 0.3)
    return np.asarray(np.where(label ^ flipped, 1, -1) * rng.uniform(0.5, 1.5, flipped.shape))


SCENARIOS: dict[str, Scenario] = {
    "equal sizes": Scenario(partial(equal_sizes, size=20), partial(by_window, share=0.5), clustered),
    "unequal sizes": Scenario(unequal_sizes, partial(by_window, share=0.5), clustered),
    "rare class": Scenario(partial(equal_sizes, size=40), partial(by_window, share=0.05), clustered),
    "one class a graph": Scenario(partial(equal_sizes, size=20), by_graph, clustered),
    "three seeds": Scenario(partial(equal_sizes, size=20), partial(by_window, share=0.5), clustered, seeds=3),
    "near the ceiling": Scenario(partial(equal_sizes, size=20), partial(by_window, share=0.5), near_the_ceiling),
}


def draw(scenario: Scenario, graphs: int, rng: np.random.Generator) -> Sample:
    """Draw windows of both classes."""
    while True:
        graph = np.repeat(np.arange(graphs), scenario.size(rng, graphs))
        label = scenario.positive(rng, graph)
        if label.any() and not label.all():
            return Sample(label, graph, scenario.score(rng, label, graph, scenario.seeds))


@lru_cache
def truth(name: str) -> dict[str, float]:
    """Return each metric over a very large number of graphs, and of seeds."""
    rng, scenario, found = np.random.default_rng(0), SCENARIOS[name], []
    for _ in range(20 if scenario.seeds == 1 else 200):
        sample = draw(scenario, 4000 if scenario.seeds == 1 else 400, rng)
        found += [
            _metrics(sample.label, sample.graph, scores) for scores in sample.scores.reshape(-1, len(sample.label))
        ]
    means = {metric: float(np.mean([each[metric] for each in found])) for metric in found[0]}
    return means | {"difference": 0.0, "false alarm": 0.0}


def _metrics(label: npt.NDArray[np.bool_], graph: npt.NDArray[np.intp], scores: Floats) -> dict[str, float]:
    level = levels_of(scores)
    tables = [np.bincount(level[mask], minlength=int(level.max()) + 1) for mask in (label, ~label)]
    order = np.lexsort((scores, graph))
    best = order[np.flatnonzero(np.diff(graph[order], append=-1))]
    held = np.bincount(graph, weights=label) > 0
    return {
        "accuracy": float(((scores > 0) == label).mean()),
        "recall": float((scores[label] > 0).mean()),
        "auroc": float(auroc(*tables)),
        "average_precision": float(average_precision(*tables)),
        "found": float(label[best][held].mean()),
    }


def once(name: str, graphs: int, rng: np.random.Generator) -> dict[str, tuple[bool, bool]]:
    """Return for each metric whether our interval, and that of before, contained the truth; for p-values, alarms."""
    sample, known = draw(SCENARIOS[name], graphs, rng), truth(name)
    blank = Windows.from_values(np.zeros((len(sample.label), 3, 3)))
    windows = replace(blank, observed=sample.label, graph=sample.graph)
    table = compare_scores({"a": list(sample.scores[0]), "b": list(sample.scores[1])}, windows)
    verdict, pair = table.verdicts["a"], table.pairs[0]
    ours = {metric: verdict.interval(metric) for metric in METRICS[:5]} | {"difference": (pair.low, pair.high)}
    theirs, p_value = before(EvaluationSet.of(windows), sample.scores, rng)
    found = {
        metric: (_contains(ours[metric], known[metric]), _contains(theirs[metric], known[metric])) for metric in ours
    }
    return found | {"false alarm": (pair.p_value <= 0.05, p_value <= 0.05)}


def _contains(interval: tuple[float, float] | None, value: float) -> bool:
    return interval is not None and interval[0] - 1e-9 <= value <= interval[1] + 1e-9


@dataclass(frozen=True)
class Tally:
    """One cell of the table: shares of the repeats."""

    scenario: str
    graphs: int
    metric: str
    ours: float
    before: float
    repeats: int

    @property
    def error(self) -> float:
        """Standard error of ours, by Monte Carlo."""
        return math.sqrt(self.ours * (1 - self.ours) / self.repeats)


def simulate(name: str, graphs: int, repeats: int, seed: int = 0) -> list[Tally]:
    """Repeat one scenario, each time with its own random stream, and count for each metric."""
    found = [once(name, graphs, np.random.default_rng((seed, graphs, repeat))) for repeat in range(repeats)]
    shares = {metric: np.mean([each[metric] for each in found], axis=0) for metric in found[0]}
    return [Tally(name, graphs, metric, float(a), float(b), repeats) for metric, (a, b) in shares.items()]


def rows(repeats: int) -> Iterable[list[str]]:
    """Return the rows of the table, one a scenario and number of graphs: ours, and what stood before in brackets."""
    for name in SCENARIOS:
        for graphs in GRAPHS:
            tallies = simulate(name, graphs, repeats)
            yield [name, str(graphs), *(f"{100 * t.ours:.1f} ({100 * t.before:.1f})" for t in tallies)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--repeats", type=int, default=500)
    repeats = parser.parse_args().repeats
    error = 100 * math.sqrt(0.05 * 0.95 / repeats)
    title = f"per cent of {repeats:,} repeats, standard error {error:.1f} at 95; in brackets: before"
    table = Table("windows", "graphs", *METRICS, title=title, title_justify="left")
    for row in rows(repeats):
        table.add_row(*row)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
