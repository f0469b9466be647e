"""The measurements of the table ``order`` at one size: overlaps of each scorer with a block, by signal strength."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from gnnmax.data.maps.generation import generate_map
from gnnmax.data.maps.recipe import MapRecipe, parse_map_recipe
from gnnmax.experiments.reproduction.block_training import block_recipe
from gnnmax.experiments.reproduction.cells import Cells, Key
from gnnmax.experiments.reproduction.crossing import Crossing, crossing
from gnnmax.experiments.reproduction.order_scorers import OrderScorer
from gnnmax.experiments.reproduction.outcome import Figure
from gnnmax.task.block_scores import problem_of
from gnnmax.task.block_sweep import height_of
from gnnmax.task.blocks import BlockProblem, block_borders, state_evolution

__all__ = ["CLIQUES", "PREDICTED", "OrderStudy", "matrices_of"]

MATRICES, FEW = 4, 2
"""Matrices of each seed, and of each seed of a large size: the larger, the nearer are their borders."""

LARGE = 2_048
"""Number of nodes beyond which matrices are few, and strengths far from the crossings are left out."""

PREDICTED = (1.75, 2.0, 2.5, 3.5)
"""Multiples of 1/e at which message passing is compared with state evolution, on blocks of 2 sqrt(n) nodes."""

CLIQUES = (0.8, 2.0)
"""Sizes of hidden cliques, as multiples of the hard line sqrt(n / e)."""

CONTROLLED = 4_096
"""Number of nodes up to which hidden cliques are measured."""

LOST = 1.0
"""Strength at which scorers that read the order are measured on shuffled nodes."""

VERSION = 1
"""Version of the measurement: increased when a cell of the same key would change."""


class OrderMatrix:
    """One matrix, drawn when it is needed first, whose block can have any strength.

    It holds the entries once: 1 GB at 16,000 nodes.

    Args:
        recipe: The recipe of the matrix.
        graph: Its index.
    """

    def __init__(self, recipe: MapRecipe, graph: int) -> None:
        self._recipe, self._graph = recipe, graph

    @cached_property
    def _drawn(self) -> tuple[BlockProblem, npt.NDArray[np.intp]]:
        """The problem, and the nodes of its block."""
        one = generate_map(self._recipe, self._graph)
        return problem_of(one, overwrite=True), np.flatnonzero(one.membership)

    @property
    def members(self) -> npt.NDArray[np.intp]:
        """Nodes of the block."""
        return self._drawn[1]

    @cached_property
    def _block(self) -> npt.NDArray[np.float32]:
        """Entries of the block at the amplitude of the map: a cell does not depend on those before."""
        return self._drawn[0].values[np.ix_(self.members, self.members)]

    def _height(self, strength: float) -> float:
        return height_of(strength, len(self._drawn[0].values), len(self.members))

    def problem(self, strength: float) -> BlockProblem:
        """Return the problem with a block of a given strength; it shares its memory with those before."""
        problem, amplitude = self._drawn[0], self._height(strength)
        raised = self._block + np.float32(amplitude - problem.amplitude)
        np.fill_diagonal(raised, 0.0)
        problem.values[np.ix_(self.members, self.members)] = raised
        return BlockProblem(problem.values, problem.size, amplitude, symmetric=True)

    def _share(self, scores: npt.NDArray[np.float64]) -> float:
        """Return the share of the block among as many top nodes as it has."""
        top = np.argsort(-scores, kind="stable")[: len(self.members)]
        return float(np.isin(top, self.members).mean())

    def overlap(self, scorer: OrderScorer, strength: float | None = None) -> float:
        """Return the share of the block that a scorer finds; the strength is that of the map unless one is given."""
        return self._share(scorer.score(self._drawn[0] if strength is None else self.problem(strength)))

    def overlaps(self, scorer: OrderScorer, strengths: tuple[float, ...]) -> dict[float, float]:
        """Return the share of the block that a scorer finds at each of several strengths, in one sweep."""
        assert scorer.sweep is not None
        heights = [self._height(strength) for strength in strengths]
        scores = scorer.sweep(self.problem(strengths[-1]), self.members, heights)
        return {strength: self._share(each) for strength, each in zip(strengths, scores, strict=True)}

    def overlap_when_shuffled(self, scorer: OrderScorer, strength: float) -> float:
        """Return the share of the block that a scorer finds where the order of the nodes is lost."""
        problem = self.problem(strength)
        order = np.random.default_rng(self._graph).permutation(len(problem.values))
        shuffled = np.ascontiguousarray(problem.values[np.ix_(order, order)])
        scores = np.empty(len(order))
        scores[order] = scorer.score(BlockProblem(shuffled, problem.size, problem.amplitude, symmetric=True))
        return self._share(scores)


def matrices_of(n: int) -> int:
    """Return the number of matrices of each seed at a size."""
    return MATRICES if n <= LARGE else FEW


class OrderStudy:
    """All measurements of one size.

    Args:
        n: Number of nodes.
        seeds: Seeds of the matrices.
        cells: Keeps what is measured.
        rules: The rules by name, up to their largest size.
        nets: Trained nets by name, up to their largest size.

    Attributes:
        n: Number of nodes.
        nodes: Number of those in the block.
        borders: Theorem of each rule.
        rules: The rules that are measured at this size.
        nets: The nets that are measured at this size.
        overlaps: Strength to overlaps of all matrices, by scorer.
        predicted: Overlaps of message passing by strength, on the larger blocks.
        shuffled: Overlaps of scorers that read the order where it is lost, by scorer.
        cliques: Overlaps by multiple of the hard line and scorer.
        crossings: 50 % and 90 % point of each scorer.
    """

    def __init__(
        self,
        n: int,
        seeds: Sequence[int],
        cells: Cells,
        *,
        rules: Mapping[str, OrderScorer],
        nets: Mapping[str, OrderScorer],
    ) -> None:
        self.n, self.nodes = n, round(math.sqrt(n))
        self.borders = block_borders(n, self.nodes)
        self.rules = {name: rule for name, rule in rules.items() if n <= rule.largest}
        self.nets = {name: net for name, net in nets.items() if n <= net.largest}
        self.overlaps: dict[str, dict[float, list[float]]] = {name: {} for name in self.scorers}
        self.predicted: dict[float, list[float]] = {}
        self.shuffled: dict[str, list[float]] = {}
        self.cliques: dict[tuple[float, str], list[float]] = {}
        for seed in seeds:
            for graph in range(matrices_of(n)):
                self._measure(seed, graph, cells)
        self.crossings = {name: self._crossing(name) for name in self.scorers}

    @property
    def scorers(self) -> dict[str, OrderScorer]:
        """Rules and nets."""
        return {**self.rules, **self.nets}

    def _multiples(self, scorer: OrderScorer) -> tuple[float, ...]:
        """Return the strengths of a scorer as multiples of its border: of large sizes, those about the crossing."""
        return scorer.near if self.n > LARGE and scorer.near else scorer.multiples

    def _measure(self, seed: int, graph: int, cells: Cells) -> None:
        key: Key = {"table": "order", "version": VERSION, "n": self.n, "seed": seed, "graph": graph}
        matrix = OrderMatrix(_block_recipe(self.n, seed, self.nodes), graph)
        for scorer in self.scorers.values():
            strengths = tuple(multiple * self.borders[scorer.border] for multiple in self._multiples(scorer))
            for strength, found in _on_blocks(matrix, scorer, strengths, cells, {**key, "nodes": self.nodes}):
                self.overlaps[scorer.name].setdefault(strength, []).append(found)
        self._measure_shuffled(matrix, cells, key)
        larger = tuple(multiple / math.e for multiple in PREDICTED)
        matrix = OrderMatrix(_block_recipe(self.n, seed, 2 * self.nodes), graph)
        for strength, found in _on_blocks(matrix, self.rules["amp"], larger, cells, {**key, "nodes": 2 * self.nodes}):
            self.predicted.setdefault(strength, []).append(found)
        self._measure_cliques(seed, graph, cells, key)

    def _measure_shuffled(self, matrix: OrderMatrix, cells: Cells, key: Key) -> None:
        for name, net in self.nets.items():
            if net.reads_order:
                found = cells.measured(
                    {**key, **net.key, "nodes": self.nodes, "shuffled": LOST},
                    lambda net=net: matrix.overlap_when_shuffled(net, LOST),  # type: ignore[misc]
                )
                self.shuffled.setdefault(name, []).append(found)

    def _measure_cliques(self, seed: int, graph: int, cells: Cells, key: Key) -> None:
        for multiple in CLIQUES if self.n <= CONTROLLED else ():
            size = round(multiple * math.sqrt(self.n / math.e))
            clique = OrderMatrix(_clique_recipe(self.n, seed, size), graph)
            for name, scorer in self.scorers.items():
                if scorer.reads_order or (name in self.nets and multiple > 1):
                    continue
                found = cells.measured(
                    {**key, "clique": size, **scorer.graph_key},
                    lambda scorer=scorer, clique=clique: clique.overlap(scorer),  # type: ignore[misc]
                )
                self.cliques.setdefault((multiple, name), []).append(found)

    def _crossing(self, name: str) -> tuple[Crossing, Crossing]:
        strengths = np.array(list(self.overlaps[name]))
        table = np.array(list(self.overlaps[name].values()))
        return crossing(strengths, table, 0.5), crossing(strengths, table, 0.9)

    def rows(self) -> Iterator[dict[str, Figure]]:
        """Yield one row a scorer."""
        for name, (half, most) in self.crossings.items():
            scorer = self.scorers[name]
            yield {
                "n": self.n,
                "K": self.nodes,
                "scorer": name,
                "kind": "rule" if name in self.rules else "net",
                "order": "known" if scorer.reads_order else "lost",
                "border": self.borders[scorer.border],
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


def _on_blocks(
    matrix: OrderMatrix, scorer: OrderScorer, strengths: tuple[float, ...], cells: Cells, key: Key
) -> Iterator[tuple[float, float]]:
    """Yield strength and overlap of a scorer on one matrix with a block."""
    together = cache(lambda: matrix.overlaps(scorer, strengths))
    for strength in strengths:
        found = cells.measured(
            {**key, **scorer.key, "strength": strength},
            lambda strength=strength: (  # type: ignore[misc]
                matrix.overlap(scorer, strength) if scorer.sweep is None else together()[strength]
            ),
        )
        yield strength, found


def _block_recipe(n: int, seed: int, nodes: int) -> MapRecipe:
    return block_recipe(n, 1.0, nodes=nodes, seed=seed, maps=MATRICES)


def _clique_recipe(n: int, seed: int, nodes: int) -> MapRecipe:
    table = {"n": n, "plant": {"type": "block", "amplitude": 1.0, "nodes": nodes}, "noise": "bernoulli", "base": 0.5}
    return parse_map_recipe({"name": "order", "seed": seed, "splits": {"test": MATRICES}, "map": table}, "order")
