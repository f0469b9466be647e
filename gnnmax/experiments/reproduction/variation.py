"""Sources of variation in accuracy: the data drawn, the initial weights, the order of the windows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.experiments.reproduction.training import Net, decided, drawn_for_test, title_of, trained
from gnnmax.task.claims import Check
from gnnmax.training.threads import one_thread

__all__ = ["variance_components", "variation"]

NETS: tuple[Net, ...] = (("question", {}), ("cnn", {}), ("gnn", {}))
FACTORS = ("data", "initial weights", "order")
RECIPE = "noise-9-mu3"
WINDOWS, STEPS = 2_000, 300
LEAST_LEVELS = 3
TESTED = 400
"""Hosts of 128 windows, the same for all."""


def variation(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train nets on 2,000 windows with every combination of data, initial weights and order, and split the variance.

    Each of the three factors takes every seed, at least three, in combination with every seed of the other two.

    Cost: three seeds make 27 trainings of each net, ten seconds each.

    References:
        Bouthillier et al., "Accounting for Variance in Machine Learning Benchmarks", MLSys 2021.
    """
    levels = tuple(seeds) if len(seeds) >= LEAST_LEVELS else tuple(range(LEAST_LEVELS))
    recipe = load_recipe(RECIPE)
    windows = drawn_for_test(recipe, 0, TESTED)
    right = np.zeros((len(NETS), *[len(levels)] * len(FACTORS)))
    combinations = list(itertools.product(range(len(levels)), repeat=len(FACTORS)))
    for done, place in enumerate(combinations):
        data, initial, order = (levels[level] for level in place)
        with one_thread():
            modules = trained(NETS, recipe, data, steps=STEPS, windows=WINDOWS, initial=initial, order=order)
            for number, module in enumerate(modules):
                right[number, *place] = (decided(module, windows) == windows.label).mean()
        on_progress(done + 1, len(combinations))
    rows: list[dict[str, Figure]] = []
    for net, block in zip(NETS, right, strict=True):
        parts = variance_components(block, FACTORS)
        rows.append({"net": title_of(net), "accuracy": float(block.mean()), **parts})
    spread = max(float(row[name]) for row in rows for name in (*FACTORS, REST))
    return Outcome(
        f"Standard deviation of the accuracy on {RECIPE} by varied factor, {len(levels)} levels each, {WINDOWS:,} "
        f"training windows, {len(windows):,} test windows",
        "random effects of crossed factors",
        tuple(rows),
        (Check("nothing moves the accuracy by 3 points", spread < 0.03, f"at most {spread:.4f}"),),
    )


REST = "rest"
"""The variance that no single factor explains: interactions and the remainder."""


def variance_components(figures: npt.ArrayLike, factors: Sequence[str]) -> dict[str, float]:
    """Split the variance of a metric among its factors: random effects of crossed factors.

    Every level of a factor is combined with every level of the others: train with each data seed, each seed of the
    initial weights and each order, and give the accuracies as a block. Components are estimated from the mean squares
    of the main effects and of the rest; a negative estimate becomes 0.

    Args:
        figures: Values of the metric, one axis per factor, each with at least two levels.
        factors: Names of the factors, none of them ``rest``.

    Returns:
        The standard deviation that each factor alone causes, and that of the rest, in units of the metric.

    Raises:
        InputError: not one axis per factor, a factor with one level, or values that are not finite.

    References:
        Searle, Casella, McCulloch, "Variance Components", 1992, section 4.7. Bouthillier et al., "Accounting for
        Variance in Machine Learning Benchmarks", MLSys 2021, for why.

    Example:
        >>> block = np.array([[0.90, 0.90, 0.90], [0.94, 0.94, 0.94]])
        >>> {name: round(part, 4) for name, part in variance_components(block, ("data", "order")).items()}
        {'data': 0.0283, 'order': 0.0, 'rest': 0.0}
    """
    block = np.asarray(figures, dtype=np.float64)
    if block.ndim != len(factors) or len(set(factors)) < len(factors) or REST in factors or not factors:
        raise InputError(
            f"figures need one axis per factor, each with its own name: got {len(factors)} names, {block.ndim} axes"
        )
    if min(block.shape) < 2:
        raise InputError(f"each factor needs at least two levels, and the block is {' x '.join(map(str, block.shape))}")
    if not np.isfinite(block).all():
        raise InputError("figures must be finite: leave out whole levels without values")
    mean = block.mean()
    squares, free = [], []
    for axis, levels in enumerate(block.shape):
        effects = block.mean(axis=tuple(other for other in range(block.ndim) if other != axis)) - mean
        squares.append(float((effects**2).sum()) * block.size / levels)
        free.append(levels - 1)
    left = block.size - 1 - sum(free)
    rest = max(float(((block - mean) ** 2).sum()) - sum(squares), 0.0) / left if left else 0.0
    parts = {
        name: max(total / degrees - rest, 0.0) * levels / block.size
        for name, total, degrees, levels in zip(factors, squares, free, block.shape, strict=True)
    }
    return {name: float(np.sqrt(part)) for name, part in (*parts.items(), (REST, rest))}
