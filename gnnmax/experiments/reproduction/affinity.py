"""The worth of the order in windows: bumps against the noise of the affinities that show where nodes lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from itertools import product

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
from gnnmax.task.rules import RULES
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows
from gnnmax.training.threads import one_thread

__all__ = ["affinity"]

SPREADS, QUICK_SPREADS = (0.05, 0.1, 0.2, 0.4, 0.8), (0.1, 0.8)
"""Noise of an affinity; affinities fall from 1 with the distance along the line."""

AMPLITUDES, QUICK_AMPLITUDES = (1.5, 2.0, 3.0), (2.0,)
"""Heights of the bumps."""

TRAINED = 9
"""Side of the windows on which the nets were trained."""

HOSTS = 10
"""Hosts of 128 windows, for each cell."""

RULE = "argmax"
"""The explicit rule: how far the centre is above the others; it ignores the order."""

MEASURED = {
    "natural: image net": ("natural", NATURAL),
    "shuffled: image net": ("shuffled", SHUFFLED),
    "shuffled: seriated": ("shuffled", SERIATED),
    "shuffled: graph net": ("shuffled", GRAPH),
    "largest entry": ("shuffled", RULE),
    "best": ("natural", BEST),
}
"""Columns: the order of the nodes, and the scorer; the best, the Bayes rule, knows the order in both."""

VERSION = 1
"""Version of the measurement: increased when a cell of the same key would change."""


@cache
def _scorers() -> dict[str, Scorer]:
    return {**bump_scorers(), RULE: RULES[RULE]}


class _Cell:
    """Windows of one order, seed, side, spread and amplitude, drawn when they are needed first."""

    def __init__(self, order: str, seed: int, *, k: int, spread: float, amplitude: float) -> None:
        self.order, self.seed, self.k, self.spread, self.amplitude = order, seed, k, spread, amplitude

    @cached_property
    def _windows(self) -> Windows:
        return bump_windows(self.order, self.seed, hosts=HOSTS, k=self.k, spread=self.spread, amplitude=self.amplitude)

    def key(self, scorer: str) -> Key:
        """Return everything that determines the accuracy of a scorer."""
        key: Key = {"table": "affinity", "version": VERSION, "order": self.order, "seed": self.seed, "scorer": scorer}
        side: Key = {} if self.k == TRAINED else {"k": self.k}
        return {**key, **side, "spread": self.spread, "amplitude": self.amplitude, "hosts": HOSTS}

    def accuracy(self, scorer: str) -> float:
        """Return the accuracy of a scorer."""
        with one_thread():
            return float(evaluate(np.asarray(_scorers()[scorer](self._windows)), self._windows).accuracy)


def affinity(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Measure image and graph nets on bumps while the affinities among nodes become noise.

    In natural order the image shows which nodes are near each other. In shuffled order the contexts alone do, by
    affinities that fall with the distance and have noise. The nets are the shipped ones, trained at affinity noise 0.1
    and amplitude 2. The image net in natural order, and the Bayes rule, read no affinities. Sizes are sides of windows;
    without any the side is 9, that of the training.

    Cost: one minute a seed at side 9.

    References:
        Those of :func:`gnnmax.experiments.reproduction.answer.answer`.
    """
    if options.nets is not None:
        raise InputError("the table affinity has its own nets: leave out nets")
    sides = tuple(options.sizes or (TRAINED,))
    spreads = QUICK_SPREADS if options.quick else SPREADS
    amplitudes = QUICK_AMPLITUDES if options.quick else AMPLITUDES
    cells = Cells(options.folder)
    rows: list[dict[str, Figure]] = []
    for done, (k, amplitude) in enumerate(product(sides, amplitudes)):
        rows += [_row(k, spread, amplitude, seeds, cells) for spread in spreads]
        on_progress(done + 1, len(sides) * len(amplitudes))
    return Outcome(
        f"A bump in noise against the noise of the affinities, shipped weights, {len(seeds)} seeds, "
        f"{HOSTS * 128:,} windows each",
        "the Bayes rule, which knows the order",
        tuple(rows),
        tuple(_checks(rows)),
        draw_affinity,
        note=cells.cost,
    )


def _row(k: int, spread: float, amplitude: float, seeds: Sequence[int], cells: Cells) -> dict[str, Figure]:
    found: dict[str, list[float]] = {column: [] for column in MEASURED}
    for seed in seeds:
        drawn = {
            order: _Cell(order, seed, k=k, spread=spread, amplitude=amplitude) for order in ("natural", "shuffled")
        }
        for column, (order, scorer) in MEASURED.items():
            cell = drawn[order]
            found[column].append(cells.measured(cell.key(scorer), lambda c=cell, s=scorer: c.accuracy(s)))  # type: ignore[misc]
    means = {column: mean_and_error(accuracies) for column, accuracies in found.items()}
    return {
        "k": k,
        "amplitude": amplitude,
        "affinity noise": spread,
        **{column: mean for column, (mean, _) in means.items()},
        "s.e. at most": max(error for _, error in means.values()),
    }


def _checks(rows: Sequence[dict[str, Figure]]) -> list[Check]:
    """Compare the scorers with the best, at the side of the training."""
    rows = [row for row in rows if row["k"] == TRAINED]
    if not rows:
        return []
    natural, _, seriated, graph, _, best = MEASURED

    def below(column: str, chosen: Sequence[dict[str, Figure]]) -> list[float]:
        return [float(row[best]) - float(row[column]) for row in chosen]

    noisiest = max(float(row["affinity noise"]) for row in rows)
    sure = [row for row in rows if float(row["affinity noise"]) <= 0.1]
    lost = [row for row in rows if row["affinity noise"] == noisiest]
    image, known, unknown = max(below(natural, rows)), max(below(graph, sure)), min(below(graph, lost))
    sorted_ = min(below(seriated, lost))
    return [
        Check("the image net in natural order is within 3 points of the best", image < 0.03, f"farthest {image:.3f}"),
        Check(
            "where affinities are sure, noise 0.1 and less, the graph net needs no order, to 3 points",
            known < 0.03,
            f"farthest {known:.3f}",
        ),
        Check(
            f"where they are noise, {noisiest:g}, the graph net and seriation lose 5 points and more",
            min(unknown, sorted_) > 0.05,
            f"at least {unknown:.3f} and {sorted_:.3f}",
        ),
    ]
