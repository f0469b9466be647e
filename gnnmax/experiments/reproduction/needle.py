"""One raised entry in a map of noise: the posterior against the closed form, and a net on maps below both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from gnnmax.data.generation import build
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe_files import as_map_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.models.maps.trained import load_map_model
from gnnmax.task.claims import Check
from gnnmax.task.map_posterior import needle_found, posterior
from gnnmax.task.maps import Maps

__all__ = ["needle"]

NET = "map-cnn"
AMPLITUDES = (4.0, 5.0, 6.0)
MAPS = {9: (1_000, 1_000), 100: (200, 40), 1_000: (20, 2)}
"""Maps by number of nodes, for each seed and amplitude, and how many of them the net scores."""

ENTRIES = 2**21
"""Entries of maps that are scored together."""

Scores = npt.NDArray[np.floating]


def needle(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Find one raised entry in unit noise, as in the recipes ``needle-100`` and ``needle-1000``, at several sizes.

    Cost: about one and a half minutes of processor time for each seed.
    """
    net = load_map_model(NET, device="cpu")
    rows: list[dict[str, Figure]] = []
    farthest, above = 0.0, -math.inf
    for n, (count, scored) in MAPS.items():
        for amplitude in AMPLITUDES:
            recipe = as_map_recipe("needle-100").replace(**{"map.n": n, "map.plant.amplitude": amplitude})
            exact = needle_found(n, amplitude)
            rule = _found(recipe, seeds, count, lambda maps: posterior(maps, logarithm=True))
            right = _found(recipe, seeds, scored, net.score)
            errors = [math.sqrt(exact * (1 - exact) / (each * len(seeds))) for each in (count, scored)]
            farthest = max(farthest, abs(rule - exact) / errors[0])
            above = max(above, (right - exact) / errors[1])
            shares: dict[str, Figure] = {"closed form": exact, "posterior": rule, "s.e.": errors[0]}
            rows.append({"n": n, "amplitude": amplitude, **shares, NET: right, f"s.e. of {NET}": errors[1]})
        on_progress(len(rows) // len(AMPLITUDES), len(MAPS))
    return Outcome(
        f"One raised entry in n x n entries of unit noise: the share of maps where it is found, {len(seeds)} draws",
        "the closed form, an integral over one variable",
        tuple(rows),
        (
            Check(
                "the posterior within 3 standard errors of the closed form", farthest < 3, f"farthest {farthest:.1f}"
            ),
            Check("the net is nowhere above the closed form by 4 s.e.", above < 4, f"at most {above:.1f}"),
        ),
    )


def _found(recipe: MapRecipe, seeds: Sequence[int], count: int, score: Callable[[Maps], Scores]) -> float:
    """Return the share of maps, ``count`` of each seed, whose highest entry is the raised one; a few at a time."""
    together = max(1, ENTRIES // recipe.map.sides[0] ** 2)
    right = 0
    for seed in seeds:
        maps = build(recipe.replace(seed=seed, splits={"test": count})).test
        place = maps.peaks.row * maps.n + maps.peaks.column
        for start in range(0, count, together):
            some = slice(start, start + together)
            right += int((score(maps[some]).reshape(len(place[some]), -1).argmax(axis=1) == place[some]).sum())
    return right / (count * len(seeds))
