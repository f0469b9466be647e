"""The worth of the order: the signal strength from which a hidden block is found, its nodes in order and not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnnmax.data.maps.generation import generate_map
from gnnmax.data.maps.recipe import MapRecipe, parse_map_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.cells import CellOptions, Cells, Key
from gnnmax.experiments.reproduction.crossing import Crossing, crossing
from gnnmax.experiments.reproduction.order_figure import draw_order
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.task.block_scores import amp, block_overlaps, degrees, eigenvector, problem_of, scan
from gnnmax.task.blocks import BlockProblem, block_borders, state_evolution
from gnnmax.task.claims import Check
from gnnmax.task.maps import Maps

__all__ = ["order"]

FULL, QUICK = (1_000, 4_000, 16_000), (500, 1_000)
"""Numbers of nodes."""

MATRICES = 4
"""Matrices of each size and seed."""

RULES = {"scan": scan, "amp": amp, "eigenvector": eigenvector, "degrees": degrees}
LOST = ("amp", "eigenvector", "degrees")
"""Rules that do not read the order of the nodes."""

STRENGTHS = {
    "scan": (0.3, 0.42, 0.6, 0.85, 1.2, 1.7, 2.4),
    "amp": (0.5, 0.8, 1.0, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.5),
    "eigenvector": (0.6, 0.85, 1.0, 1.1, 1.2, 1.35, 1.6, 2.0),
    "degrees": (0.5, 0.7, 0.85, 1.0, 1.2, 1.5),
}
"""Signal strengths of each rule, as multiples of its border."""

PREDICTED = (1.75, 2.0, 2.5, 3.5)
"""Multiples of 1/e at which message passing is compared with state evolution, on blocks of 2 sqrt(n) nodes."""

CLIQUES = (0.8, 2.0)
"""Sizes of hidden cliques, as multiples of the hard line sqrt(n / e)."""

LARGE = 4_000
"""Size from which the theorems for large n are compared with the figures."""

VERSION = 1
"""Version of the measurement: increased when a cell of the same key would change."""


def order(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Measure from which signal strength each rule finds half of a hidden block, against n.

    The block has K = sqrt(n) nodes, so lam = mu^2. Its matrices are in natural order, which the scan reads; the other
    rules move with the nodes, so they find the same in any order. All strengths of a matrix share its noise. State
    evolution is a limit in which mu vanishes, so it is compared on blocks twice as large and half as high.

    Cost: 20 seconds a seed at n = 500 and 1,000, two minutes at 4,000, 20 minutes and 4 GB at 16,000.

    References:
        Those of :func:`gnnmax.task.blocks.block_borders`.
    """
    sizes = options.sizes or (QUICK if options.quick else FULL)
    if not all(100 <= n <= 16_384 for n in sizes) or len(set(sizes)) < len(sizes):
        raise InputError(f"sizes are different numbers of nodes from 100 to 16384, not {list(sizes)}")
    cells = Cells(options.folder)
    studies = []
    for done, n in enumerate(sizes):
        studies.append(_Study(n, seeds, cells))
        on_progress(done + 1, len(sizes))
    rows = tuple(row for study in studies for row in study.rows())
    return Outcome(
        f"Signal strength from which a hidden block is found, {MATRICES * len(seeds)} matrices a size",
        "the theorems for large n: 4 ln n / n with the order known, 1/e and 1 with the order lost",
        rows,
        tuple(_checks(studies)),
        draw_order,
    )


def _nodes(n: int) -> int:
    return round(math.sqrt(n))


def _recipe(n: int, seed: int, nodes: int, *, clique: bool) -> MapRecipe:
    plant = {"type": "block", "amplitude": 1.0, "nodes": nodes}
    law = {"noise": "bernoulli", "base": 0.5} if clique else {}
    table = {"n": n, "plant": plant, **law}
    return parse_map_recipe({"name": "order", "seed": seed, "splits": {"test": MATRICES}, "map": table}, "order")


class _Matrix:
    """One matrix, drawn when it is needed first, whose block can have any strength."""

    def __init__(self, recipe: MapRecipe, graph: int) -> None:
        self._recipe, self._graph = recipe, graph

    @cached_property
    def maps(self) -> Maps:
        """The map itself, its block of amplitude 1."""
        return generate_map(self._recipe, self._graph)

    @cached_property
    def _problem(self) -> BlockProblem:
        return problem_of(self.maps)

    @cached_property
    def _block(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Nodes of the block, and its entries at the amplitude of the map: a cell does not depend on those before."""
        members = np.flatnonzero(self.maps.membership)
        return members, self._problem.values[np.ix_(members, members)]

    def problem(self, strength: float) -> BlockProblem:
        """Return the problem with a block of a given strength; it shares its memory with those before."""
        problem, (members, block) = self._problem, self._block
        amplitude = math.sqrt(strength * len(problem.values)) / len(members)
        raised = block + np.float32(amplitude - problem.amplitude)
        np.fill_diagonal(raised, 0.0)
        problem.values[np.ix_(members, members)] = raised
        return BlockProblem(problem.values, problem.size, amplitude, symmetric=True)

    def overlap(self, rule: str, strength: float | None = None) -> float:
        """Return the share of the block that a rule finds; its strength is that of the map unless one is given."""
        problem = self._problem if strength is None else self.problem(strength)
        scores, _ = RULES[rule](problem)
        return float(block_overlaps(scores[None], self.maps)[0])


class _Study:
    """All measurements of one size.

    Attributes:
        n: Number of nodes.
        nodes: Number of those in the block.
        borders: Theorem of each rule.
        overlaps: Strength to overlaps of all matrices, by rule.
        predicted: Overlaps of message passing by strength, on the larger blocks.
        cliques: Overlaps of each rule, by multiple of the hard line and rule.
        crossings: 50 % and 90 % point of each rule.
    """

    def __init__(self, n: int, seeds: Sequence[int], cells: Cells) -> None:
        self.n, self.nodes = n, _nodes(n)
        self.borders = block_borders(n, self.nodes)
        self.overlaps: dict[str, dict[float, list[float]]] = {rule: {} for rule in RULES}
        self.predicted: dict[float, list[float]] = {}
        self.cliques: dict[tuple[float, str], list[float]] = {}
        for seed in seeds:
            for graph in range(MATRICES):
                self._measure(seed, graph, cells)
        self.crossings = {rule: self._crossing(rule) for rule in RULES}

    def _measure(self, seed: int, graph: int, cells: Cells) -> None:
        key: Key = {"table": "order", "version": VERSION, "n": self.n, "seed": seed, "graph": graph}
        for rule, strength, found in self._blocks(self.nodes, list(self._grid()), (seed, graph), cells, key):
            self.overlaps[rule].setdefault(strength, []).append(found)
        larger = [("amp", multiple / math.e) for multiple in PREDICTED]
        for _, strength, found in self._blocks(2 * self.nodes, larger, (seed, graph), cells, key):
            self.predicted.setdefault(strength, []).append(found)
        self._measure_cliques(seed, graph, cells, key)

    def _blocks(
        self, nodes: int, grid: list[tuple[str, float]], place: tuple[int, int], cells: Cells, key: Key
    ) -> Iterator[tuple[str, float, float]]:
        """Yield rule, strength and overlap on one matrix with a block."""
        matrix = _Matrix(_recipe(self.n, place[0], nodes, clique=False), place[1])
        for rule, strength in grid:
            found = cells.measured(
                {**key, "nodes": nodes, "rule": rule, "strength": strength},
                lambda rule=rule, strength=strength: matrix.overlap(rule, strength),  # type: ignore[misc]
            )
            yield rule, strength, found

    def _measure_cliques(self, seed: int, graph: int, cells: Cells, key: Key) -> None:
        for multiple in CLIQUES:
            size = round(multiple * math.sqrt(self.n / math.e))
            clique = _Matrix(_recipe(self.n, seed, size, clique=True), graph)
            for rule in LOST:
                found = cells.measured(
                    {**key, "clique": size, "rule": rule},
                    lambda rule=rule, clique=clique: clique.overlap(rule),  # type: ignore[misc]
                )
                self.cliques.setdefault((multiple, rule), []).append(found)

    def _grid(self) -> Iterator[tuple[str, float]]:
        for rule, multiples in STRENGTHS.items():
            for multiple in multiples:
                yield rule, multiple * self.borders[rule]

    def _crossing(self, rule: str) -> tuple[Crossing, Crossing]:
        strengths = np.array(list(self.overlaps[rule]))
        table = np.array(list(self.overlaps[rule].values()))
        return crossing(strengths, table, 0.5), crossing(strengths, table, 0.9)

    def rows(self) -> Iterator[dict[str, Figure]]:
        """Yield one row a rule."""
        for rule, (half, most) in self.crossings.items():
            yield {
                "n": self.n,
                "K": self.nodes,
                "rule": rule,
                "order": "lost" if rule in LOST else "known",
                "border": self.borders[rule],
                "50 % point": half.point,
                "from": half.low,
                "to": half.high,
                "90 % point": most.point,
            }

    def off_prediction(self, least: float) -> list[tuple[float, float]]:
        """Return how far message passing is from state evolution, and the strength, from a multiple of 1/e on.

        State evolution is the typical course: the median over matrices. On few, whose first messages are low by
        chance, message passing wanders and finds nothing.
        """
        share = 2 * self.nodes / self.n
        return [
            (abs(float(np.median(found)) - float(state_evolution(strength, share, 300)[-1])), strength)
            for strength, found in self.predicted.items()
            if strength > 0.999 * least / math.e
        ]

    def wandering(self, least: float) -> int:
        """Return in how many matrices of a cell message passing finds less than half, at most."""
        chosen = [found for strength, found in self.predicted.items() if strength > 0.999 * least / math.e]
        return max(sum(one < 0.5 for one in found) for found in chosen)


@dataclass(frozen=True)
class _Farthest:
    """The largest of some deviations, and where it occurs."""

    value: float
    text: str


def _farthest(found: list[tuple[float, str]]) -> _Farthest:
    value, text = max(found)
    return _Farthest(value, text)


def _checks(studies: Sequence[_Study]) -> Iterator[Check]:
    large = [study for study in studies if study.n >= LARGE]
    if large:
        off = _farthest(
            [
                (abs(study.crossings[rule][0].point / study.borders[rule] - 1), f"{rule}, n = {study.n:,}")
                for study in large
                for rule in ("amp", "eigenvector")
            ]
        )
        yield Check(
            f"from n = {LARGE:,} on, half is found within 25 % of 1/e by amp, and of 1 by the eigenvector",
            off.value <= 0.25,
            f"farthest {100 * off.value:.0f} %, {off.text}",
        )
    scans = [4 * study.crossings["scan"][1].point / study.borders["scan"] for study in studies]
    yield Check(
        "with the order known a scan finds nine tenths between 4 and 8 ln n / n",
        all(4 <= each <= 8 for each in scans),
        ", ".join(f"{each:.1f}" for each in scans),
    )
    yield _predicted(large, PREDICTED[0], 0.02) if large else _predicted(studies, 2.5, 0.05)
    ahead = _farthest(
        [
            ((1 / math.e - half.point) / max(half.error, 1e-9), f"{rule}, n = {study.n:,}")
            for study in studies
            for rule in LOST
            for half in (study.crossings[rule][0],)
        ]
    )
    yield Check(
        "with the order lost nothing finds half below 1/e by 4 standard errors",
        ahead.value < 4,
        f"nearest {ahead.text}, {ahead.value:.1f} standard errors below it",
    )
    yield from _clique_checks(studies)
    ranks = [[study.crossings[rule][0].point for rule in RULES] for study in studies]
    right = all(points == sorted(points) for points in ranks)
    yield Check("the rules rank as the theorems say, at every size", right, ", ".join(RULES) if right else str(ranks))


def _predicted(studies: Sequence[_Study], least: float, limit: float) -> Check:
    off = _farthest(
        [
            (away, f"at n = {study.n:,} and lam = {strength:.2f}")
            for study in studies
            for away, strength in study.off_prediction(least)
        ]
    )
    lost = max(study.wandering(least) for study in studies)
    return Check(
        f"state evolution predicts amp's median overlap within {limit:g}, from lam = {least:g}/e on",
        off.value <= limit,
        f"farthest {off.value:.3f}, {off.text}; at most {lost} of the matrices of a cell below one half",
    )


def _clique_checks(studies: Sequence[_Study]) -> Iterator[Check]:
    below, above = CLIQUES
    found: list[tuple[float, str]] = []
    passes = True
    for study in studies:
        for rule in LOST:
            mean, error = _mean_and_error(study.cliques[below, rule])
            found.append((mean, f"{rule}, n = {study.n:,}"))
            passes &= mean + 4 * error < 0.5
    most = _farthest(found)
    yield Check(
        f"no rule finds half of a hidden clique of {below:g} sqrt(n / e) nodes, by 4 standard errors",
        passes,
        f"at most {most.value:.2f}, {most.text}",
    )
    least = min(_mean_and_error(study.cliques[above, "amp"])[0] for study in studies)
    yield Check(f"amp finds one of {above:g} sqrt(n / e) nodes", least > 0.9, f"at least {least:.2f}")


def _mean_and_error(overlaps: Sequence[float]) -> tuple[float, float]:
    values: npt.NDArray[np.float64] = np.array(overlaps)
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
