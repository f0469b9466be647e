"""The line map: where is the peak, the order of the nodes known, found by seriation, and lost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gnnmax.data.generation import build
from gnnmax.data.maps.places import peak_distances, top_places
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.data.recipe_files import as_map_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.task.claims import Check
from gnnmax.task.map_posterior import place_ceiling
from gnnmax.task.maps import Maps

__all__ = ["places"]

MAPS = 200
RULES = ("posterior", "neighbours", "argmax", "rcm_seriation", "spectral_seriation", "laplacian_of_gaussian")
CELLS = {
    (4.0, 2.0): {"posterior": (0.55, 0.87), "argmax": (0.08, 0.24), "neighbours": (0.17, 0.52)},
    (4.0, 3.0): {"posterior": (0.84, 0.99), "argmax": (0.24, 0.60), "neighbours": (0.41, 0.89)},
    (2.0, 3.0): {"posterior": (0.85, 1.00), "argmax": (0.28, 0.66), "neighbours": (0.29, 0.79)},
}
"""Affinity and amplitude: shares found exactly and within one place, measured before with errors up to .03."""

KNOWN_ERROR = 0.03


def places(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Find the peak of shuffled line maps by the explicit rules, each given where a peak can be.

    Cost: about half a minute per seed.

    References:
        Atkins, Boman and Hendrickson, "A spectral algorithm for seriation and the consecutive ones problem", SIAM
        Journal on Computing, 1998: the order from the Fiedler vector.
    """
    recipe = as_map_recipe("line-64-shuffled").replace(splits={"test": MAPS})
    rows: list[dict[str, Figure]] = []
    farthest = apart = 0.0
    ordered = True
    for done, ((affinity, amplitude), known) in enumerate(CELLS.items()):
        changes = {"map.background.affinity": affinity, "map.plant.amplitude": amplitude}
        maps = Maps.concatenate([build(recipe.replace(seed=seed, **changes)).test for seed in seeds])
        found = {name: _shares(name, maps) for name in RULES}
        ceiling = place_ceiling(maps)
        assert ceiling.within_one is not None
        for name, shares in found.items():
            rows.append({"affinity": affinity, "amplitude": amplitude, "rule": name, **_figures(shares, len(maps))})
            for mine, other in zip(shares, known.get(name, ()), strict=False):
                error = math.hypot(math.sqrt(other * (1 - other) / len(maps)), KNOWN_ERROR)
                farthest = max(farthest, abs(mine - other) / error)
        for mine, exact in zip(found["posterior"], (ceiling.found, ceiling.within_one), strict=True):
            apart = max(apart, abs(mine - exact) / math.sqrt(max(exact * (1 - exact), 1e-4) / len(maps)))
        best = [found[name][1] for name in ("posterior", "neighbours", "argmax", "spectral_seriation")]
        ordered &= best == sorted(best, reverse=True)
        on_progress(done + 1, len(CELLS))
    where = "in every cell" if ordered else "not in every cell"
    return Outcome(
        f"Where is the peak of a line map of 64 nodes, {len(seeds)} draws of {MAPS} maps a cell",
        "an independent measurement; the posterior integrates exactly",
        tuple(rows),
        (
            Check("every known share within 3 standard errors", farthest < 3, f"farthest {farthest:.1f}"),
            Check("the posterior rule finds what the posterior says, within 4", apart < 4, f"farthest {apart:.1f}"),
            Check("within one place: posterior, neighbours, argmax, seriation, in this order", ordered, where),
        ),
    )


def _shares(name: str, maps: Maps) -> tuple[float, float]:
    """Shares of the maps whose peak a rule finds exactly, and within one place."""
    far = peak_distances(maps, top_places(MAP_RULES[name](maps), maps))
    return float(np.mean(far == 0)), float(np.mean(far <= 1))


def _figures(shares: tuple[float, float], count: int) -> dict[str, Figure]:
    return {"found": shares[0], "within one": shares[1], "s.e. at most": 0.5 / math.sqrt(count)}
