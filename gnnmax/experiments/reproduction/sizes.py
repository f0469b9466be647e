"""Line maps of many sizes, their order lost: the shipped map product net between the rules and the exact ceiling."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from gnnmax.data.generation import build
from gnnmax.data.maps.places import peak_distances, top_places
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.data.recipe_files import as_map_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.models.maps.trained import TrainedMapModel, load_map_model
from gnnmax.task.claims import Check
from gnnmax.task.lost_order import lost_order_posterior
from gnnmax.task.maps import Maps

__all__ = ["sizes"]

NET = "map-product"
MAPS = {32: 200, 64: 1000, 128: 300, 256: 500}
"""Maps of each size for every seed: the net sees 32 to 96 nodes in training."""

AMPLITUDES = (2.0, 3.0)
RULES = ("posterior", "neighbours", "argmax", "spectral_seriation")
TRAINED = 64
CARRIED = 128
"""Up to here the net loses no more than a scorer that knows the order."""

CHAINS = {TRAINED: 200, 256: 100}
"""Sizes at which the ceiling without the order is bounded too, and on how many maps of each seed: by Markov chains."""

SWEEPS = 60
LOST = "posterior, order lost"

Array = npt.NDArray[np.float64]
Shares = tuple[float, float]


@dataclass(frozen=True)
class _Reached:
    """Shares of some maps whose peak is found exactly, and within one place.

    Attributes:
        shares: Both shares.
        maps: Number of maps.
    """

    shares: Shares
    maps: int

    @property
    def error(self) -> float:
        """Standard error of a share of one half."""
        return 0.5 / math.sqrt(self.maps)

    def variance(self, measure: int) -> float:
        """Variance of one of the shares."""
        share = self.shares[measure]
        return share * (1 - share) / self.maps


def sizes(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Find the peak of shuffled line maps of 32 to 256 nodes by the shipped net and by rules.

    Rules and net are given where a peak can be; in a row of its own the net names any pair of nodes. Where the order is
    lost, the posterior is that of chains from the truth, which is an upper bound of what can be found, see
    :func:`gnnmax.task.lost_order.lost_order_posterior`.

    Cost: about half an hour of processor time per seed, most of it for the chains.
    """
    net = load_map_model(NET, device="cpu")
    rows: list[dict[str, Figure]] = []
    reached: dict[tuple[int, float, str], _Reached] = {}
    for done, (n, count) in enumerate(MAPS.items()):
        recipe = as_map_recipe("line-64-shuffled").replace(splits={"test": count}, **{"map.n": n})
        for amplitude in AMPLITUDES:
            changed = recipe.replace(**{"map.plant.amplitude": amplitude})
            each, chained = [], []
            for seed in seeds:  # the maps of one seed at a time, for the sake of memory
                maps = build(changed.replace(seed=seed)).test
                each.append(_found(net, maps))
                chained.append(maps[np.arange(min(CHAINS.get(n, 0), count))])
            far = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
            here = {name: _shares(distances, distances) for name, distances in far.items()}
            if n in CHAINS:
                maps = Maps.concatenate(chained)
                lost = lost_order_posterior(maps, sweeps=SWEEPS)
                here[LOST] = _shares(*(_distances(scores, maps) for scores in (lost.found, lost.within_one)))
            for name, one in here.items():
                reached[n, amplitude, name] = one
                found, near = one.shares
                figures: dict[str, Figure] = {"found": found, "within one": near, "s.e. at most": one.error}
                rows.append({"n": n, "amplitude": amplitude, "scorer": name, "maps": one.maps, **figures})
        on_progress(done + 1, len(MAPS))
    return Outcome(
        f"Where is the peak of a shuffled line map, {len(seeds)} draws of {', '.join(map(str, MAPS.values()))} maps",
        f"the posterior, which knows the order, is the exact ceiling; {LOST} is an upper bound of the one without it",
        tuple(rows),
        _checks(reached),
    )


def _found(net: TrainedMapModel, maps: Maps) -> dict[str, Array]:
    """Return how far the best place of each scorer is from the peak of each map, shape ``(M,)`` each."""
    own = net.score(maps).astype(np.float64)
    everywhere = dataclasses.replace(maps, model=dataclasses.replace(maps.model, diagonal=0))
    rules = {name: _distances(MAP_RULES[name](maps), maps) for name in RULES}
    return rules | {NET: _distances(own, maps), f"{NET}, any pair": _distances(own, everywhere)}


def _distances(scores: Array, maps: Maps) -> Array:
    return np.asarray(peak_distances(maps, top_places(scores, maps)), dtype=np.float64)


def _shares(exact: Array, near: Array) -> _Reached:
    """Shares of the maps whose peak is found exactly, and within one place, each by distances of its own."""
    return _Reached((float(np.mean(exact == 0)), float(np.mean(near <= 1))), len(exact))


def _checks(reached: dict[tuple[int, float, str], _Reached]) -> tuple[Check, ...]:
    """Compare the net with the ceilings and the rules, within one place, and its losses at other sizes with theirs.

    Args:
        reached: Shares of the maps by side, amplitude and scorer.
    """

    def least(n: int, rule: str) -> float:
        pairs = ((reached[n, amplitude, name].shares[1] for name in (NET, rule)) for amplitude in AMPLITUDES)
        return min(net - other for net, other in pairs)

    def above(key: tuple[int, float, str], ceiling: _Reached) -> float:
        """Return by how many standard errors the net is above a ceiling."""
        net = reached[(*key[:2], NET)]
        more = max(one - other for one, other in zip(net.shares, ceiling.shares, strict=True))
        return more / max(net.error, ceiling.error)

    def beyond(n: int, ceiling: str) -> tuple[float, float]:
        """Return by how much more than a ceiling the net loses from ``TRAINED`` nodes to n, at most, and its error."""
        most = (-math.inf, 0.0)
        for amplitude, measure in product(AMPLITUDES, (0, 1)):
            four = {(m, name): reached[m, amplitude, name] for m in (TRAINED, n) for name in (ceiling, NET)}
            behind = [four[m, ceiling].shares[measure] - four[m, NET].shares[measure] for m in (TRAINED, n)]
            error = math.sqrt(sum(one.variance(measure) for one in four.values()))
            most = max(most, (behind[1] - behind[0], error))
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
    highest = max(above(key, one) for key, one in reached.items() if key[2] in ("posterior", LOST))
    return (
        Check("the net is nowhere above a ceiling by 4 standard errors", highest < 4, f"at most {highest:.1f}"),
        Check(f"n = {TRAINED}: the net is above argmax by 20 points", argmax > 0.2, f"{100 * argmax:.0f} points"),
        Check(f"n = {TRAINED}: it is above seriation by 40 points", seriation > 0.4, f"{100 * seriation:.0f} points"),
        Check(f"n = {TRAINED}: it is within 25 points of the ceiling", behind < 0.25, f"{100 * behind:.0f} points"),
        *loses("posterior", "the ceiling that knows the order", CARRIED, 5),
        *loses(LOST, "the ceiling without the order", max(CHAINS), 8),
    )
