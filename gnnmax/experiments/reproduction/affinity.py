"""The worth of the order in windows: bumps against the noise of the affinities that show where nodes lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np

from gnnmax.errors import InputError
from gnnmax.evaluation.evaluator import evaluate
from gnnmax.experiments.reproduction.affinity_figure import draw_affinity
from gnnmax.experiments.reproduction.answer import (
    BEST,
    GRAPH,
    NATURAL,
    SERIATED,
    SHUFFLED,
    bump_scorers,
    bump_windows,
)
from gnnmax.experiments.reproduction.cells import CellOptions, Cells, Key
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.task.claims import Check
from gnnmax.task.windows import Windows
from gnnmax.training.threads import one_thread

__all__ = ["affinity"]

SPREADS, QUICK_SPREADS = (0.05, 0.1, 0.2, 0.4, 0.8), (0.1, 0.8)
"""Noise of an affinity; affinities fall from 1 with the distance along the line."""

AMPLITUDES, QUICK_AMPLITUDES = (1.5, 2.0, 3.0), (2.0,)
"""Heights of the bumps."""

HOSTS = 10
"""Hosts of 128 windows, for each cell."""

MEASURED = (
    ("natural", NATURAL),
    ("shuffled", SHUFFLED),
    ("shuffled", SERIATED),
    ("shuffled", GRAPH),
    ("natural", BEST),
)
"""Scorers, and the order of the nodes in which each is measured; the Bayes rule knows the order in both."""

VERSION = 1
"""Version of the measurement: increased when a cell of the same key would change."""


_scorers = cache(bump_scorers)


class _Cell:
    """Windows of one order, seed, spread and amplitude, drawn when they are needed first."""

    def __init__(self, order: str, seed: int, spread: float, amplitude: float) -> None:
        self.order, self.seed, self.spread, self.amplitude = order, seed, spread, amplitude

    @cached_property
    def _windows(self) -> Windows:
        return bump_windows(self.order, self.seed, hosts=HOSTS, spread=self.spread, amplitude=self.amplitude)

    def key(self, scorer: str) -> Key:
        """Return everything that determines the accuracy of a scorer."""
        key: Key = {"table": "affinity", "version": VERSION, "order": self.order, "seed": self.seed, "scorer": scorer}
        return {**key, "spread": self.spread, "amplitude": self.amplitude, "hosts": HOSTS}

    def accuracy(self, scorer: str) -> float:
        """Return the accuracy of a scorer."""
        with one_thread():
            return float(evaluate(np.asarray(_scorers()[scorer](self._windows)), self._windows).accuracy)


def affinity(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Measure image and graph nets on bumps while the affinities among nodes become noise.

    In natural order the image shows which nodes are near each other. In shuffled order the contexts alone do, by
    affinities that fall with the distance and have noise. The nets are the shipped ones, trained at affinity noise 0.1
    and amplitude 2. The image net in natural order, and the Bayes rule, read no affinities.

    Cost: one minute a seed.

    References:
        Those of :func:`gnnmax.experiments.reproduction.answer.answer`.
    """
    if options.sizes is not None or options.nets is not None:
        raise InputError("the table affinity has one size and its own nets: leave out sizes and nets")
    spreads = QUICK_SPREADS if options.quick else SPREADS
    amplitudes = QUICK_AMPLITUDES if options.quick else AMPLITUDES
    cells = Cells(options.folder)
    rows: list[dict[str, Figure]] = []
    for done, amplitude in enumerate(amplitudes):
        for spread in spreads:
            rows.extend(_rows(spread, amplitude, seeds, cells))
        on_progress(done + 1, len(amplitudes))
    return Outcome(
        f"A bump in noise against the noise of the affinities, k = 9, shipped weights, {len(seeds)} seeds, "
        f"{HOSTS * 128:,} windows each",
        "the Bayes rule, which knows the order",
        tuple(rows),
        tuple(_checks(rows)),
        draw_affinity,
    )


def _rows(spread: float, amplitude: float, seeds: Sequence[int], cells: Cells) -> list[dict[str, Figure]]:
    found: dict[str, list[float]] = {scorer: [] for _, scorer in MEASURED}
    for seed in seeds:
        drawn = {order: _Cell(order, seed, spread, amplitude) for order in ("natural", "shuffled")}
        for order, scorer in MEASURED:
            cell = drawn[order]
            found[scorer].append(cells.measured(cell.key(scorer), lambda c=cell, s=scorer: c.accuracy(s)))  # type: ignore[misc]
    rows: list[dict[str, Figure]] = []
    for order, scorer in MEASURED:
        accuracy, error = mean_and_error(found[scorer])
        known = "known" if scorer == BEST else order
        rows.append(
            {
                "amplitude": amplitude,
                "affinity noise": spread,
                "order": known,
                "scorer": scorer,
                "accuracy": accuracy,
                "s.e.": error,
            }
        )
    return rows


def _checks(rows: Sequence[dict[str, Figure]]) -> list[Check]:
    table = {(float(r["amplitude"]), float(r["affinity noise"]), str(r["scorer"])): float(r["accuracy"]) for r in rows}
    spreads = sorted({spread for _, spread, _ in table})
    amplitudes = sorted({amplitude for amplitude, _, _ in table})
    image = max(table[a, s, BEST] - table[a, s, NATURAL] for a in amplitudes for s in spreads)
    sure = [(a, s) for a in amplitudes for s in spreads if s <= 0.1]
    graph = max(table[(*each, BEST)] - table[(*each, GRAPH)] for each in sure)
    lost = min(table[a, spreads[-1], BEST] - table[a, spreads[-1], GRAPH] for a in amplitudes)
    seriated = min(table[a, spreads[-1], BEST] - table[a, spreads[-1], SERIATED] for a in amplitudes)
    return [
        Check("the image net in natural order is within 3 points of the best", image < 0.03, f"farthest {image:.3f}"),
        Check(
            "where affinities are sure, noise 0.1 and less, the graph net needs no order, to 3 points",
            graph < 0.03,
            f"farthest {graph:.3f}",
        ),
        Check(
            f"where they are noise, {spreads[-1]:g}, the graph net and seriation lose 5 points and more",
            min(lost, seriated) > 0.05,
            f"{lost:.3f} and {seriated:.3f}",
        ),
    ]
