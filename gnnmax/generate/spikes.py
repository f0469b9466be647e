"""Spikes: a strict maximum by a drawn margin, swapped to where the kind of its window wants it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gnnmax.generate.parts import by_parts, parts
from gnnmax.generate.plants import CENTRED, RUNNER_UP, SHIFTED, TIED

__all__ = ["plant_spikes", "plantable"]

Flat = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


def plantable(values: Flat, joined: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which windows can take a spike of any kind.

    At least four edges must be there, the two largest edges must beat every absent entry, and some entry must be below
    them, for the margin is measured in standard deviations. None of it depends on which edge is where, so what is
    refused says nothing about a kind.

    Args:
        values: Shape ``(W, k * k)``.
        joined: Which entries are edges, shape ``(W, k * k)``.

    Returns:
        Booleans, shape ``(W,)``.

    Example:
        >>> plantable(np.array([[3, 1, 2, 1, 0, 0, 0, 0, 0]], np.float32), np.ones((1, 9), bool))
        array([ True])
    """
    best, least = np.max(values, axis=1), np.min(values, axis=1)
    second = values[np.arange(len(values)), _two_largest(_lowered(values, ~joined))[1]]
    absent = np.max(_lowered(values, joined), axis=1)
    varied = np.asarray(least < second)
    return np.asarray((joined.sum(axis=1) >= 4) & (absent < second) & varied & np.isfinite(best))


def plant_spikes(
    values: Flat,
    joined: npt.NDArray[np.bool_],
    kinds: npt.NDArray[np.uint8],
    margin: tuple[float, float],
    rng: np.random.Generator,
    *,
    twins: int = 1,
) -> npt.NDArray[np.bool_]:
    """Give each window a maximum by a drawn margin, and put it where its kind says, in place.

    Args:
        values: Plantable windows, shape ``(W, k * k)``; changed.
        joined: Which entries are edges, the centre among them, shape ``(W, k * k)``.
        kinds: Codes into :data:`gnnmax.label.KINDS`, shape ``(W,)``.
        margin: Least and greatest margin in standard deviations of the window.
        rng: The only source of randomness.
        twins: How many windows in a row share their margin; where they are ``k * k``, the spike goes to each entry in
            turn, and else to a random edge.

    Returns:
        Whether the largest is strictly above the second largest after rounding to float32, shape ``(W,)``.

    Example:
        >>> values = np.array([[3, 1, 2, 1, 0, 0, 0, 0, 0]], dtype=np.float32)
        >>> joined = np.ones((1, 9), dtype=bool)
        >>> plant_spikes(values, joined, np.array([0], np.uint8), (0.5, 0.5), np.random.default_rng(0))
        array([ True])
        >>> int(values.argmax())
        4
    """
    windows, entries = values.shape
    every, middle = np.arange(windows), entries // 2
    top, second = by_parts(lambda *window: np.stack(_two_largest(_lowered(*window)), axis=1), values, ~joined).T
    draws = rng.uniform(math.log(margin[0]), math.log(margin[1]), size=(windows // twins,))
    margins = np.repeat([math.exp(draw) for draw in draws.tolist()], twins)
    peak = by_parts(_peak, values, top, second, margins)
    strict = np.asarray(peak > values[every, second])
    values[every, top] = peak
    tied = kinds == TIED
    values[tied, second[tied]] = peak[tied]
    ladder = twins == entries
    target = np.tile(np.arange(entries), windows // twins) if ladder else _random_edge(joined, middle, rng)
    centred, moved = (kinds == CENTRED) | tied, (kinds == SHIFTED) | (kinds == RUNNER_UP)
    # A background maximum stays where the host has it, unless that is the centre.
    destination = np.select([centred, moved | (top == middle)], [np.full(windows, middle), target], default=top)
    _swap(values, top, destination)
    # Where the swap moved the second largest, follow it.
    second = np.where(second == destination, top, second)
    rival = np.select([tied, kinds == RUNNER_UP], [target, np.full(windows, middle)], default=second)
    # A shifted window whose centre is second would be a runner-up: give its centre another edge's value.
    rival = np.where((kinds == SHIFTED) & (second == middle), _random_edge(joined, middle, rng, destination), rival)
    _swap(values, second, rival)
    return strict


def _lowered(values: Flat, which: npt.NDArray[np.bool_]) -> Flat:
    """Push the chosen entries below all others; a sum is several times faster than a choice."""
    return np.asarray(values - which * np.finfo(np.float32).max)


def _two_largest(edges: Flat) -> tuple[Places, Places]:
    """Find the largest and the second largest entry; overwrites ``edges``."""
    top = np.argmax(edges, axis=1)
    edges[np.arange(len(edges)), top] = -np.inf
    return top, np.argmax(edges, axis=1)


def _peak(values: Flat, top: Places, second: Places, margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Solve for the largest value whose margin over the second is as asked, the window's own sd included.

    With n entries, b the second largest, a and v mean and variance of all but the largest, c = (n - 1) / n and
    g = b - a, the largest is b + d where d^2 = m^2 (c v + c (g + d)^2 / n): a quadratic with one positive root.
    """
    windows, n = values.shape
    every = np.arange(windows)
    wide = values.astype(np.float64)
    b = wide[every, second]
    total = wide.sum(axis=1) - wide[every, top]
    a = total / (n - 1)
    centred = wide - a[:, None]
    centred[every, top] = 0.0
    v = (centred**2).sum(axis=1) / (n - 1)
    c, g, m2 = (n - 1) / n, b - a, margins**2
    lead = 1.0 - m2 * c / n
    half = m2 * c * g / n
    d = (half + np.sqrt(half**2 + lead * m2 * c * (v + g**2 / n))) / lead
    return np.asarray(b + d, dtype=np.float32)


def _random_edge(
    joined: npt.NDArray[np.bool_],
    middle: int,
    rng: np.random.Generator,
    besides: Places | None = None,
) -> Places:
    """Draw one edge of each window, uniform over all but the centre and ``besides``."""
    drawn = np.empty(len(joined), dtype=np.intp)
    for part in parts(len(joined)):
        keys = rng.random(joined[part].shape, dtype=np.float32)
        keys -= ~joined[part]  # keys are below 1, so an absent entry's is negative
        keys[:, middle] = -1.0
        if besides is not None:
            keys[np.arange(len(keys)), besides[part]] = -1.0
        drawn[part] = np.argmax(keys, axis=1)
    return drawn


def _swap(values: Flat, here: Places, there: Places) -> None:
    every = np.arange(len(values))
    values[every, here], values[every, there] = values[every, there], values[every, here].copy()
