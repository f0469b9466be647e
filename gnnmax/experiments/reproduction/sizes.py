"""Line maps of many sizes, their order lost: the shipped map product net between the rules and the exact ceiling."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from gnnmax.data.generation import build
from gnnmax.data.maps.places import peak_distances, top_places
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.data.recipe_files import as_map_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.models.maps.trained import load_map_model
from gnnmax.task.claims import Check
from gnnmax.task.lost_order import lost_order_posterior
from gnnmax.task.maps import Maps

__all__ = ["sizes"]

NET = "map-product"
MAPS = {32: 200, 64: 200, 128: 100, 256: 100}
"""Maps of each size for every seed: the net sees 32 to 96 nodes in training."""

AMPLITUDES = (2.0, 3.0)
RULES = ("posterior", "neighbours", "argmax", "spectral_seriation")
TRAINED = 64
CARRIED = 128
"""Up to here the net loses no more than a scorer that knows the order."""

CHAINS = (TRAINED, 256)
"""Sizes at which the ceiling without the order is bounded too, by Markov chains."""

SWEEPS = 60
LOST = "posterior, order lost"

Array = npt.NDArray[np.float64]
Shares = tuple[float, float]


def sizes(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Find the peak of shuffled line maps of 32 to 256 nodes by the shipped net and by rules.

    Rules and net are given where a peak can be; in a row of its own the net names any pair of nodes. Where the order is
    lost, the posterior is that of chains from the truth, which is an upper bound of what can be found, see
    :func:`gnnmax.task.lost_order.lost_order_posterior`.

    Cost: about twenty minutes of processor time per seed, most of them for the chains.
    """
    net = load_map_model(NET, device="cpu")
    rows: list[dict[str, Figure]] = []
    reached: dict[tuple[int, float, str], Shares] = {}
    above = -math.inf
    for done, (n, count) in enumerate(MAPS.items()):
        recipe = as_map_recipe("line-64-shuffled").replace(splits={"test": count}, **{"map.n": n})
        for amplitude in AMPLITUDES:
            changed = recipe.replace(**{"map.plant.amplitude": amplitude})
            maps = Maps.concatenate([build(changed.replace(seed=seed)).test for seed in seeds])
            scores = {name: MAP_RULES[name](maps) for name in RULES} | {NET: net.score(maps).astype(np.float64)}
            shares = {name: _shares((each, each), maps) for name, each in scores.items()}
            everywhere = dataclasses.replace(maps, model=dataclasses.replace(maps.model, diagonal=0))
            shares[f"{NET}, any pair"] = _shares((scores[NET], scores[NET]), everywhere)
            if n in CHAINS:
                lost = lost_order_posterior(maps, sweeps=SWEEPS)
                shares[LOST] = _shares((lost.found, lost.within_one), maps)
            error = 0.5 / math.sqrt(len(maps))
            for name, (found, near) in shares.items():
                reached[n, amplitude, name] = found, near
                figures: dict[str, Figure] = {"found": found, "within one": near, "s.e. at most": error}
                rows.append({"n": n, "amplitude": amplitude, "scorer": name, **figures})
            for ceiling in shares.keys() & {"posterior", LOST}:
                above = max(above, *(np.subtract(shares[NET], shares[ceiling]) / error).tolist())
        on_progress(done + 1, len(MAPS))
    return Outcome(
        f"Where is the peak of a shuffled line map, {len(seeds)} draws of {', '.join(map(str, MAPS.values()))} maps",
        f"the posterior, which knows the order, is the exact ceiling; {LOST} is an upper bound of the one without it",
        tuple(rows),
        _checks(reached, above, {n: count * len(seeds) for n, count in MAPS.items()}),
    )


def _shares(scores: tuple[Array, Array], maps: Maps) -> Shares:
    """Shares of the maps whose peak is found exactly, and within one place, each by scores of its own."""
    far = [peak_distances(maps, top_places(each, maps)) for each in scores]
    return float(np.mean(far[0] == 0)), float(np.mean(far[1] <= 1))


def _checks(reached: dict[tuple[int, float, str], Shares], above: float, drawn: dict[int, int]) -> tuple[Check, ...]:
    """Compare the net with the ceilings and the rules, within one place, and its losses at other sizes with theirs.

    Args:
        reached: Shares of the maps by side, amplitude and scorer.
        above: By how many standard errors the net is above a ceiling, at most.
        drawn: Number of maps of each side and amplitude.
    """

    def least(n: int, rule: str) -> float:
        return min(reached[n, amplitude, NET][1] - reached[n, amplitude, rule][1] for amplitude in AMPLITUDES)

    def beyond(n: int, ceiling: str) -> tuple[float, float]:
        """Return by how much more than a ceiling the net loses from ``TRAINED`` nodes to n, at most, and its error."""
        most = (-math.inf, 0.0)
        for amplitude, measure in product(AMPLITUDES, (0, 1)):
            shares = {(m, name): reached[m, amplitude, name][measure] for m in (TRAINED, n) for name in (ceiling, NET)}
            change = [shares[m, ceiling] - shares[m, NET] for m in (TRAINED, n)]
            error = math.sqrt(sum(each * (1 - each) / drawn[m] for (m, _), each in shares.items()))
            most = max(most, (change[1] - change[0], error))
        return most

    def loses(ceiling: str, words: str, carried: int, points: int) -> list[Check]:
        """Check the losses at all sizes at which this ceiling is known, up to one."""
        sizes = [n for n, a, name in reached if name == ceiling and n != TRAINED and a == AMPLITUDES[0]]
        lost = {n: beyond(n, ceiling) for n in sizes}
        small = [more <= points / 100 for n, (more, _) in lost.items() if n <= carried]
        told = (f"{100 * more:.1f} +- {100 * error:.1f} points at n = {n}" for n, (more, error) in lost.items())
        claim = f"up to n = {carried} the net loses at most {points} points more than {words}"
        return [Check(claim, all(small), ", ".join(told))] if small else []

    argmax, seriation = least(TRAINED, "argmax"), least(TRAINED, "spectral_seriation")
    behind = -least(TRAINED, "posterior")
    return (
        Check("the net is nowhere above a ceiling by 4 standard errors", above < 4, f"at most {above:.1f}"),
        Check(f"n = {TRAINED}: the net is above argmax by 20 points", argmax > 0.2, f"{100 * argmax:.0f} points"),
        Check(f"n = {TRAINED}: it is above seriation by 40 points", seriation > 0.4, f"{100 * seriation:.0f} points"),
        Check(f"n = {TRAINED}: it is within 25 points of the ceiling", behind < 0.25, f"{100 * behind:.0f} points"),
        *loses("posterior", "the ceiling that knows the order", CARRIED, 5),
        *loses(LOST, "the ceiling without the order", max(CHAINS), 10),
    )
