"""A spike in Gaussian noise: nets compared with the Bayes rule on the same windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.experiments.reproduction.training import Net, decided, drawn_for_test, title_of, trained
from gnnmax.task.claims import Check
from gnnmax.task.rules import RULES
from gnnmax.training.threads import one_thread

__all__ = ["noise"]

NETS: tuple[Net, ...] = (("cnn", {}), ("exchangeable", {}), ("gnn", {}))
RECIPES = ("noise-9-mu2", "noise-9-mu3")
STEPS = 1_500
TESTED = 400
"""Hosts of 128 windows."""

CLOSE = 0.007


def noise(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train an image net, a set net and a graph net on noisy spikes; measure how far below the Bayes rule they are.

    Cost: about three minutes a seed.

    References:
        The Bayes rule of a spike of known height: :mod:`gnnmax.task.bayes`.
    """
    right: dict[tuple[str, str], list[npt.NDArray[np.bool_]]] = {}
    rounds = [(name, seed) for name in RECIPES for seed in seeds]
    for done, (name, seed) in enumerate(rounds):
        recipe = load_recipe(name)
        with one_thread():
            nets = trained(NETS, recipe, seed, steps=STEPS)
            windows = drawn_for_test(recipe, seed, TESTED)
            decisions = [RULES["bayes"](windows) > 0, *(decided(net, windows) for net in nets)]
        for scorer, called in zip(("bayes", *map(title_of, NETS)), decisions, strict=True):
            right.setdefault((name, scorer), []).append(called == windows.label)
        on_progress(done + 1, len(rounds))
    rows: list[dict[str, Figure]] = []
    farthest, above = 0.0, -math.inf
    for (name, scorer), found in right.items():
        mean, error = mean_and_error([float(one.mean()) for one in found])
        behind = [best.astype(float) - one for best, one in zip(right[name, "bayes"], found, strict=True)]
        gap, gap_error = mean_and_error([float(one.mean()) for one in behind])
        rows.append(
            {
                "recipe": name,
                "scorer": scorer,
                "accuracy": mean,
                "s.e. over seeds": error,
                "below Bayes": gap,
                "its s.e.": gap_error,
            }
        )
        if scorer != "bayes":
            windows_error = float(np.concatenate(behind).std()) / math.sqrt(sum(map(len, behind)))
            farthest, above = max(farthest, gap), max(above, -gap / windows_error)
    checks = (
        Check(f"every net comes within {CLOSE} of the Bayes rule", farthest <= CLOSE, f"farthest {farthest:.4f} below"),
        Check("no net passes it by 4 standard errors", above < 4, f"at most {above:.1f}"),
    )
    return Outcome(
        f"A spike in Gaussian noise, k = 9, {len(seeds)} seeds, {TESTED * 128:,} test windows each",
        "the Bayes rule on the same windows",
        tuple(rows),
        checks,
    )
