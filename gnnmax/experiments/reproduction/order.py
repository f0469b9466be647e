"""The worth of the order: the signal strength from which a hidden block is found, its nodes in order and not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.cells import CellOptions, Cells
from gnnmax.experiments.reproduction.order_checks import order_checks
from gnnmax.experiments.reproduction.order_figure import OverlapCurves, draw_order
from gnnmax.experiments.reproduction.order_scorers import RULES, chosen_nets, net_scorers
from gnnmax.experiments.reproduction.order_study import OrderStudy, matrices_of
from gnnmax.experiments.reproduction.outcome import Outcome, Progress

__all__ = ["order"]

FULL, QUICK = (1_000, 4_000, 8_000, 16_000), (500, 1_000)
"""Numbers of nodes."""


def order(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Measure from which signal strength each rule and net finds half of a hidden block, against n.

    The block has K = sqrt(n) nodes, so lam = mu^2. Its matrices are in natural order, which the scan and the image net
    read; the others move with the nodes, so they find the same in any order. All strengths of a matrix share its
    noise. State evolution is a limit in which mu vanishes, so it is compared on blocks twice as large and half as high.

    ``refined_eigenvector`` is measured up to n = 8,192: it takes an eigenvector of its own at each strength.

    Nets are trained once, on blocks in maps of at most 1,000 nodes, and are not given the size and the height of a
    block, which the rules are. They are measured up to n = 8,192, ``diagonal-cnn`` up to 2,048, and ``map-product``,
    whose cost grows as n^3, up to 1,024.

    Cost: the table ends with the processor time of its cells, trainings included. It grows as n^2, and takes 4 GB at
    16,000.

    References:
        Those of :func:`gnnmax.task.blocks.block_borders`.
    """
    sizes = options.sizes or (QUICK if options.quick else FULL)
    if not all(100 <= n <= 16_384 for n in sizes) or len(set(sizes)) < len(sizes):
        raise InputError(f"sizes are different numbers of nodes from 100 to 16384, not {list(sizes)}")
    names = chosen_nets(options.nets, quick=options.quick)
    cells = Cells(options.folder)
    nets = net_scorers(names, options.folder)
    studies = []
    for done, n in enumerate(sizes):
        studies.append(OrderStudy(n, seeds, cells, rules=RULES, nets=nets))
        on_progress(done + 1, len(sizes))
    return Outcome(
        f"Signal strength from which a hidden block is found, {_matrices(sizes, len(seeds))} matrices a size",
        "the theorems for large n: 4 ln n / n with the order known, 1/e and 1 with the order lost",
        tuple(row for study in studies for row in study.rows()),
        tuple(order_checks(studies)),
        partial(draw_order, curves=_curves(studies)),
        note=cells.cost,
    )


def _matrices(sizes: Sequence[int], seeds: int) -> str:
    """Return the numbers of matrices of all sizes."""
    return " or ".join(str(each * seeds) for each in sorted({matrices_of(n) for n in sizes}, reverse=True))


def _curves(studies: Sequence[OrderStudy]) -> OverlapCurves:
    """Return the mean overlap of each scorer by strength, at the largest size at which all are measured."""
    study = max(studies, key=lambda one: (len(one.scorers), one.n))
    means = {
        name: {strength: float(np.mean(found)) for strength, found in by_strength.items()}
        for name, by_strength in study.overlaps.items()
    }
    return OverlapCurves(study.n, study.nodes, means)
