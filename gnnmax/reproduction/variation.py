"""What the accuracy of a trained net varies by: the data drawn, the initial weights, the order of the windows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from gnnmax.generate.recipe import load_recipe
from gnnmax.judgement.variation import REST, variance_components
from gnnmax.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.reproduction.threads import one_thread
from gnnmax.reproduction.training import Net, decided, drawn_for_test, title_of, trained
from gnnmax.verification import Check

__all__ = ["variation"]

NETS: tuple[Net, ...] = (("question", {}), ("cnn", {}), ("gnn", {}))
FACTORS = ("data", "initial weights", "order")
RECIPE = "noise-9-mu3"
WINDOWS, STEPS = 2_000, 300
LEAST_LEVELS = 3
TESTED = 400
"""Hosts of 128 windows, the same for all."""


def variation(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train nets on 2,000 windows with every combination of data, initial weights and order, and split the spread.

    Each of the three is drawn from every seed, at least from three, while the other two keep theirs.

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
        f"Standard deviation of the accuracy on {RECIPE} by what is drawn anew, {len(levels)} levels each, {WINDOWS:,} "
        f"training windows, {len(windows):,} test windows",
        "random effects of crossed factors",
        tuple(rows),
        (Check("nothing moves the accuracy by 3 points", spread < 0.03, f"at most {spread:.4f}"),),
    )
