"""The Bayes rule on spikes in Gaussian noise: measured accuracy and closed form."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.task.claims import Check
from gnnmax.task.rules import RULES

__all__ = ["bayes_rule"]

SIDES = (3, 5, 9, 15)
AMPLITUDES = (1.0, 2.0, 3.0, 4.0, 5.0)


def bayes_rule(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Score the shipped Bayes rule at every side and amplitude, on windows of the noise recipes.

    Cost: about three seconds per seed.

    References:
        The likelihood ratio of :func:`gnnmax.task.bayes.spike_log_likelihood_ratio`; Neyman, Pearson, "On the Problem
        of the Most Efficient Tests of Statistical Hypotheses", 1933.
    """
    recipe, rule = load_recipe("noise-9-mu3"), RULES["bayes"]
    cells = list(itertools.product(SIDES, AMPLITUDES))
    rows: list[dict[str, Figure]] = []
    farthest = 0.0
    for done, (k, amplitude) in enumerate(cells):
        right = windows = 0
        for seed in seeds:
            data = build(recipe.replace(k=k, seed=seed, splits={"test": 160}, **{"plant.amplitude": amplitude}))
            right += int(((rule(data.test) > 0) == data.test.label).sum())
            windows += len(data.test)
        ceiling = data.ceiling
        assert ceiling is not None
        error = math.sqrt(ceiling * (1 - ceiling) / windows)
        farthest = max(farthest, abs(right / windows - ceiling) / error)
        rows.append(
            {"k": k, "amplitude": amplitude, "accuracy": right / windows, "closed form": ceiling, "s.e.": error}
        )
        on_progress(done + 1, len(cells))
    # The farthest of 20 cells is beyond 3 standard errors in one run of twenty, beyond 4 in one of eight hundred.
    check = Check("every cell within 4 standard errors of the closed form", farthest < 4, f"farthest {farthest:.1f}")
    return Outcome(
        f"The Bayes rule on spikes in Gaussian noise, {len(seeds)} draws of {160 * 128:,} windows a cell",
        "the log likelihood ratio of a spike at the centre and one elsewhere, integrated",
        tuple(rows),
        (check,),
    )
