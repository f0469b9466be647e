"""The claims of the table ``order``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.experiments.reproduction.order_study import CLIQUES, PREDICTED, OrderStudy
from gnnmax.task.claims import Check

__all__ = ["order_checks"]

LARGE = 4_000
"""Size from which the theorems for large n are compared with the figures."""

NEAR = 1.1
"""Strength at which the net must find half, at most, as a multiple of that of message passing."""

SCANNED = 1.25
"""The same for the net of box filters, as a multiple of that of the scan."""

CONVOLVED = 2.0
"""The same for the convolution tower, as a multiple of the border of the scan."""


@dataclass(frozen=True)
class _Farthest:
    """The largest of some deviations, and where it occurs."""

    value: float
    text: str


def _farthest(found: list[tuple[float, str]]) -> _Farthest:
    value, text = max(found)
    return _Farthest(value, text)


def order_checks(studies: Sequence[OrderStudy]) -> Iterator[Check]:
    """Check the claims about all sizes.

    Args:
        studies: One for each size.
    """
    large = [study for study in studies if study.n >= LARGE]
    if large:
        off = _farthest(
            [
                (_off_border(study, rule), f"{rule}, n = {study.n:,}")
                for study in large
                for rule in ("amp", "eigenvector")
            ]
        )
        yield Check(
            f"from n = {LARGE:,} on, half is found within 25 % of 1/e by amp, and of 1 by the eigenvector",
            off.value <= 0.25,
            f"farthest {100 * off.value:.0f} %, {off.text}" if off.value < math.inf else f"no crossing: {off.text}",
        )
    scans = [(study, 4 * study.crossings["scan"][1].point / study.borders["scan"]) for study in studies]
    yield Check(
        "with the order known a scan finds nine tenths between 4 ln(n / K) / n and 8 ln n / n",
        all(4 * math.log(study.n / study.nodes) / math.log(study.n) <= each <= 8 for study, each in scans),
        ", ".join(f"{each:.1f} ln n / n at n = {study.n:,}" for study, each in scans),
    )
    yield _predicted(large, PREDICTED[0], 0.02) if large else _predicted(studies, 2.5, 0.05)
    yield _below_the_border(studies)
    yield from _clique_checks(studies)
    ranks = [[_half_point(study, rule) for rule in study.rules] for study in studies]
    right = all(points == sorted(points) for points in ranks)
    names = ", ".join(studies[0].rules)
    yield Check("the rules rank as the theorems say, at every size", right, names if right else str(ranks))
    yield from _net_checks(studies)


def _half_point(study: OrderStudy, rule: str) -> float:
    """Return a rule's 50 % point: 0 where the least strength is enough, infinity where the largest is not."""
    point, overlaps = study.crossings[rule][0].point, study.overlaps[rule]
    if math.isfinite(point):
        return point
    return 0.0 if np.mean(overlaps[min(overlaps)]) >= 0.5 else math.inf


def _off_border(study: OrderStudy, rule: str) -> float:
    """Return how far a rule's 50 % point is from its border, relatively; infinity where no crossing was measured."""
    point = study.crossings[rule][0].point
    return abs(point / study.borders[rule] - 1) if math.isfinite(point) else math.inf


def _below_the_border(studies: Sequence[OrderStudy]) -> Check:
    ahead = _farthest(
        [
            (_errors_below(study, name), f"{name}, n = {study.n:,}")
            for study in studies
            for name, scorer in study.scorers.items()
            if not scorer.reads_order
        ]
    )
    return Check(
        "with the order lost nothing finds half below 1/e by 4 standard errors",
        ahead.value < 4,
        f"nearest {ahead.text}, {ahead.value:.1f} standard errors below it",
    )


def _errors_below(study: OrderStudy, name: str) -> float:
    """Return how many standard errors a scorer's 50 % point is below 1/e; infinity if the least strength is enough."""
    half, overlaps = study.crossings[name][0], study.overlaps[name]
    if math.isfinite(half.point):
        return (1 / math.e - half.point) / max(half.error, 1e-9)
    least = min(overlaps)
    return math.inf if least < 1 / math.e and np.mean(overlaps[least]) >= 0.5 else -math.inf


def _predicted(studies: Sequence[OrderStudy], least: float, limit: float) -> Check:
    off = _farthest(
        [
            (away, f"at n = {study.n:,} and lam = {strength:.2f}")
            for study in studies
            for away, strength in study.off_prediction(least)
        ]
    )
    lost = max(study.wandering(least) for study in studies)
    return Check(
        f"state evolution predicts amp's median overlap within {limit:g}, from lam = {least:g}/e on",
        off.value <= limit,
        f"farthest {off.value:.3f}, {off.text}; at most {lost} of the matrices of a cell below one half",
    )


def _clique_checks(studies: Sequence[OrderStudy]) -> Iterator[Check]:
    studies = [study for study in studies if study.cliques]
    if not studies:
        return
    below, above = CLIQUES
    found: list[tuple[float, str]] = []
    passes = True
    for study in studies:
        for (multiple, name), overlaps in study.cliques.items():
            if multiple == below:
                mean, error = _mean_and_error(overlaps)
                found.append((mean, f"{name}, n = {study.n:,}"))
                passes &= mean + 4 * error < 0.5
    most = _farthest(found)
    yield Check(
        f"nothing finds half of a hidden clique of {below:g} sqrt(n / e) nodes, by 4 standard errors",
        passes,
        f"at most {most.value:.2f}, {most.text}",
    )
    least = min(_mean_and_error(study.cliques[above, "amp"])[0] for study in studies)
    yield Check(f"amp finds one of {above:g} sqrt(n / e) nodes", least > 0.9, f"at least {least:.2f}")


def _net_checks(studies: Sequence[OrderStudy]) -> Iterator[Check]:
    for net, rule, most, given in (
        ("unrolled-amp", "amp", NEAR, "size and height"),
        ("box-net", "scan", SCANNED, "size"),
    ):
        ratios = _ratios(studies, net, rule)
        if ratios:
            yield Check(
                f"{net} finds half at {most:g} times {rule}'s strength at most, and is not given {given}",
                all(ratio <= most for _, ratio in ratios),
                ", ".join(f"{ratio:.2f} at n = {n:,}" for n, ratio in ratios),
            )
    tower = _ratios(studies, "diagonal-cnn", "scan", of_border=True)
    if tower:
        yield Check(
            f"with the order known diagonal-cnn finds half below {4 * CONVOLVED:g} ln n / n",
            all(ratio <= CONVOLVED for _, ratio in tower),
            ", ".join(f"{4 * ratio:.1f} at n = {n:,}" for n, ratio in tower),
        )
    if any(study.shuffled for study in studies):
        yield _blind(studies)


def _blind(studies: Sequence[OrderStudy]) -> Check:
    most = _farthest(
        [
            (_above_chance(study, found), f"{name}, n = {study.n:,}")
            for study in studies
            for name, found in study.shuffled.items()
        ]
    )
    return Check(
        "with the order lost an image net is blind, to 4 standard errors, at 1, 20 times that strength and more",
        most.value < 4,
        f"at most {most.value:.1f} standard errors above chance, {most.text}",
    )


def _ratios(studies: Sequence[OrderStudy], net: str, rule: str, *, of_border: bool = False) -> list[tuple[int, float]]:
    """Return by size how far a net's 50 % point is above that of a rule, or above the rule's border."""
    return [
        (
            study.n,
            study.crossings[net][0].point / (study.borders[rule] if of_border else study.crossings[rule][0].point),
        )
        for study in studies
        if net in study.nets
    ]


def _above_chance(study: OrderStudy, overlaps: Sequence[float]) -> float:
    """Return how many standard errors some overlaps are above that of random scores."""
    chance = study.nodes / study.n
    error = math.sqrt(chance * (1 - chance) / (study.nodes * len(overlaps)))
    return (float(np.mean(overlaps)) - chance) / error


def _mean_and_error(overlaps: Sequence[float]) -> tuple[float, float]:
    values: npt.NDArray[np.float64] = np.array(overlaps)
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
