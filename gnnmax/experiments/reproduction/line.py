"""Line maps of 64 nodes: an image net at the ceiling where the order is known, a product net where it is lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from msgspec import structs

from gnnmax.data.generation import build
from gnnmax.data.maps.places import peak_distances, top_places
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.data.recipe_files import as_map_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.experiments.single_training import train
from gnnmax.models.maps.trained import TrainedMapModel, load_map_model
from gnnmax.task.claims import Check
from gnnmax.task.lost_order import lost_order_posterior
from gnnmax.task.maps import Maps
from gnnmax.training.config_files import load_config

__all__ = ["line"]

AMPLITUDES = (2.0, 3.0)
MAPS, VALIDATION = 100, 100
"""Test maps of each amplitude, and validation maps, for every seed."""

STEPS = 3000
SWEEPS = 300
SCATTER = 3.0
"""Places by which the true order is blurred where the lower one of the two chains begins."""

IMAGE, PRODUCT, TRAINED = "map-cnn", "map-product", "map-cnn, trained here"
KNOWN, LOST = "order known", "order lost"
UPPER, LOWER = "posterior, chains from the truth", f"posterior, chains {SCATTER:g} places from it"

Scores = npt.NDArray[np.floating]
Scorer = Callable[[Maps], tuple[Scores, Scores]]
"""Scores of the places of some maps: to find the peak exactly, and to come within one place of it."""


@dataclass(frozen=True)
class _Shares:
    """Shares of maps: found exactly, within one place, and the standard errors of both."""

    found: float
    within_one: float
    errors: tuple[float, float]


def line(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Find the peak of line maps by the shipped nets on maps, by nets trained here, by rules and by two ceilings.

    Where the order is lost, the posterior over all orders is bounded from both sides by Markov chains, see
    :func:`gnnmax.task.lost_order.lost_order_posterior`.

    Cost: about twelve minutes of processor time for each seed, most of them for the net that is trained.
    """
    natural, shuffled = as_map_recipe("line-64"), as_map_recipe("line-64-shuffled")
    total = len(seeds) + 2 * len(AMPLITUDES)
    trained = []
    for seed in seeds:
        trained.append(_trained(natural, seed))
        on_progress(len(trained), total)
    image, product = (load_map_model(name, device="cpu") for name in (IMAGE, PRODUCT))
    known = {name: _single(MAP_RULES[name]) for name in ("posterior", "argmax")} | {IMAGE: _single(image.score)}
    lost = {
        UPPER: _chains(0.0),
        LOWER: _chains(SCATTER),
        PRODUCT: _single(product.score),
        "neighbours": _single(MAP_RULES["neighbours"]),
        "argmax": _single(MAP_RULES["argmax"]),
        IMAGE: _single(image.score),
    }
    shares: dict[tuple[str, float, str], _Shares] = {}
    for done, amplitude in enumerate(AMPLITUDES):
        for order, recipe, scorers in ((KNOWN, natural, known), (LOST, shuffled, lost)):
            each = [_drawn(recipe, amplitude, seed) for seed in seeds]
            maps = Maps.concatenate(each)
            for name, scorer in scorers.items():
                shares[order, amplitude, name] = _of_maps(scorer(maps), maps)
            if order == KNOWN:
                shares[order, amplitude, TRAINED] = _of_nets([net.score for net in trained], maps)
            on_progress(len(seeds) + 2 * done + (1 if order == KNOWN else 2), total)
    return Outcome(
        f"Where is the peak of a line map of 64 nodes, {len(seeds)} draws of {MAPS} maps and {len(seeds)} trainings",
        "the posterior is the exact ceiling; where the order is lost, it lies between the two chains",
        tuple(_row(*key, found) for key, found in shares.items()),
        _checks(shares),
    )


def _trained(recipe: MapRecipe, seed: int) -> TrainedMapModel:
    """Train an image net on fresh maps, with the preset of nets on maps."""
    preset = load_config("maps").training
    config = structs.replace(preset, steps=STEPS, evaluate_every=max(1, STEPS // 10))
    few = recipe.replace(seed=1_000 + seed, splits={"train": 1, "val": VALIDATION, "test": 2})
    net = train(few, IMAGE, seed=seed, training=config)
    assert isinstance(net, TrainedMapModel)
    return net


def _drawn(recipe: MapRecipe, amplitude: float, seed: int) -> Maps:
    return build(recipe.replace(seed=seed, splits={"test": MAPS}, **{"map.plant.amplitude": amplitude})).test


def _single(scores: Callable[[Maps], Scores]) -> Scorer:
    """Use the same scores for both questions."""

    def both(maps: Maps) -> tuple[Scores, Scores]:
        found = scores(maps)
        return found, found

    return both


def _chains(scatter: float) -> Scorer:
    def both(maps: Maps) -> tuple[Scores, Scores]:
        posterior = lost_order_posterior(maps, scatter=scatter, sweeps=SWEEPS)
        return posterior.found, posterior.within_one

    return both


def _right(scores: Scores, maps: Maps, tolerance: int) -> npt.NDArray[np.float64]:
    """1 for each map whose best place lies within a tolerance of the peak; scorers are given where a peak can be."""
    return np.asarray(peak_distances(maps, top_places(scores.astype(np.float64), maps)) <= tolerance, dtype=np.float64)


def _of_maps(scores: tuple[Scores, Scores], maps: Maps) -> _Shares:
    right = [_right(each, maps, tolerance) for tolerance, each in enumerate(scores)]
    errors = [float(each.std(ddof=1)) / math.sqrt(len(maps)) for each in right]
    return _Shares(float(right[0].mean()), float(right[1].mean()), (errors[0], errors[1]))


def _of_nets(nets: Sequence[Callable[[Maps], Scores]], maps: Maps) -> _Shares:
    """Return the mean over nets; its errors are those of maps and of trainings together."""
    scores = [net(maps) for net in nets]
    shares = []
    for tolerance in (0, 1):
        right = np.stack([_right(each, maps, tolerance) for each in scores])
        of_nets = float(right.mean(axis=1).var(ddof=1)) / len(nets) if len(nets) > 1 else math.nan
        shares.append((float(right.mean()), math.sqrt(float(right.mean(axis=0).var(ddof=1)) / len(maps) + of_nets)))
    return _Shares(shares[0][0], shares[1][0], (shares[0][1], shares[1][1]))


def _row(order: str, amplitude: float, scorer: str, shares: _Shares) -> dict[str, Figure]:
    figures: dict[str, Figure] = {"found": shares.found, "s.e.": shares.errors[0]}
    figures |= {"within one": shares.within_one, "s.e. within one": shares.errors[1]}
    return {"order": order, "amplitude": amplitude, "scorer": scorer, **figures}


def _checks(shares: dict[tuple[str, float, str], _Shares]) -> tuple[Check, ...]:
    """Compare the nets with the ceilings and with the largest entry."""

    def behind(order: str, ceiling: str, net: str) -> float:
        """Return the largest gap of a net to a ceiling, in found exactly or within one, over the amplitudes."""
        pairs = [(shares[order, a, ceiling], shares[order, a, net]) for a in AMPLITUDES]
        return max(max(top.found - own.found, top.within_one - own.within_one) for top, own in pairs)

    def above(order: str, ceiling: str, net: str) -> float:
        """Return by how many standard errors a net is above a ceiling at most."""
        pairs = [(shares[order, a, ceiling], shares[order, a, net]) for a in AMPLITUDES]
        apart = [
            (
                (own.found - top.found) / max(top.errors[0], 1e-3),
                (own.within_one - top.within_one) / max(top.errors[1], 1e-3),
            )
            for top, own in pairs
        ]
        return max(max(each) for each in apart)

    image = max(behind(KNOWN, "posterior", net) for net in (IMAGE, TRAINED))
    product = max(shares[LOST, a, UPPER].within_one - shares[LOST, a, PRODUCT].within_one for a in AMPLITUDES)
    gain = max(shares[LOST, a, IMAGE].within_one - shares[LOST, a, "argmax"].within_one for a in AMPLITUDES)
    leak = max(above(KNOWN, "posterior", IMAGE), above(KNOWN, "posterior", TRAINED), above(LOST, UPPER, PRODUCT))
    lower = max(shares[LOST, a, LOWER].within_one - shares[LOST, a, UPPER].within_one for a in AMPLITUDES)
    return (
        Check("order known: image nets are within 5 points of the ceiling", image < 0.05, f"{100 * image:.1f} points"),
        Check("order lost: the product net is within 12 points", product < 0.12, f"{100 * product:.1f} points"),
        Check("order lost: the image net falls to the largest entry", gain < 0.1, f"{100 * gain:.1f} points above it"),
        Check("no net is above its ceiling by 4 standard errors", leak < 4, f"at most {leak:.1f}"),
        Check("the lower chains are not above the upper ones", lower < 0.08, f"at most {100 * lower:.1f} points"),
    )
