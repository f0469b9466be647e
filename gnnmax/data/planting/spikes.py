"""Spikes: a strict maximum with a random margin, swapped to the position that the kind of the window needs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gnnmax.data.chunks import by_chunks, chunks
from gnnmax.data.planting.distractors import away_from, draw_distractors, lift
from gnnmax.data.planting.plants import CENTRED, CONSTANT, RUNNER_UP, SHIFTED, TIED

__all__ = ["plant_spikes", "plantable"]

Flat = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def plantable(values: Flat, edge_mask: Mask, *, distractors: int = 0) -> Mask:
    """Find the windows that can take a spike of any kind.

    A window needs at least four edges, and one more for each distractor. The two largest edges, and those that become
    distractors, must exceed every absent entry. Some entry must be below them, because the margin is measured in
    standard deviations. These conditions do not depend on the positions of the edges, so a refusal does not depend on
    the kind.

    Args:
        values: Shape ``(W, k * k)``.
        edge_mask: Which entries are edges, shape ``(W, k * k)``.
        distractors: Number of lower peaks in addition.

    Returns:
        Booleans, shape ``(W,)``.

    Example:
        >>> plantable(np.array([[3, 1, 2, 1, 0, 0, 0, 0, 0]], np.float32), np.ones((1, 9), bool))
        array([ True])
    """
    largest = _largest(_lowered(values, ~edge_mask), _rivals(distractors))
    first, last = _at(values, largest[:, 0]), _at(values, largest[:, -1])
    others = _lowered(values, edge_mask)
    absent, least = _at(others, np.argmax(others, axis=1)), _at(values, np.argmin(values, axis=1))
    enough = edge_mask.sum(axis=1, dtype=np.uint16) >= 4 + distractors
    return np.asarray(enough & (absent < last) & (least < last) & np.isfinite(np.maximum(first, absent)))


def plant_spikes(
    values: Flat,
    edge_mask: Mask,
    kinds: npt.NDArray[np.uint8],
    margin: tuple[float, float],
    rng: np.random.Generator,
    *,
    twins: int = 1,
    distractors: int = 0,
    gap: int = 2,
) -> Mask:
    """Plant in each window a maximum with a random margin, at the position that its kind needs, in place.

    Positions and heights of distractors are drawn before the kind is used. The highest of them is the second largest
    entry; if the kind needs that entry elsewhere, the two entries are swapped. The maximum keeps a distance of ``gap``
    from them if the topology allows it.

    Args:
        values: Plantable windows, shape ``(W, k * k)``; changed in place.
        edge_mask: Which entries are edges, including the centre, shape ``(W, k * k)``.
        kinds: Codes into :data:`gnnmax.task.label.KINDS`, shape ``(W,)``.
        margin: Least and greatest margin in standard deviations of the window.
        rng: The only source of randomness.
        twins: Number of consecutive windows that share their margin and their distractors; if ``k * k``, the spike of
            the i-th window is at entry i, else at a random edge.
        distractors: Number of the largest other edges to raise and move apart.
        gap: Least distance of distractors from the centre and from each other.

    Returns:
        Whether the largest is finite and strictly above the second largest, shape ``(W,)``.

    Example:
        >>> values = np.array([[3, 1, 2, 1, 0, 0, 0, 0, 0]], dtype=np.float32)
        >>> edge_mask = np.ones((1, 9), dtype=bool)
        >>> plant_spikes(values, edge_mask, np.array([0], np.uint8), (0.5, 0.5), np.random.default_rng(0))
        array([ True])
        >>> int(values.argmax())
        4
    """
    windows, entries = values.shape
    every, middle, cuts = np.arange(windows), entries // 2, windows // twins
    largest = by_chunks(lambda *window: _largest(_lowered(*window), _rivals(distractors)), values, ~edge_mask)
    apart = np.empty((windows, 0), dtype=np.intp)
    if distractors:
        apart = np.repeat(draw_distractors(edge_mask[::twins], distractors, gap, rng), twins, axis=0)
        lift(values, largest, np.repeat(rng.random((cuts, distractors), dtype=np.float32), twins, axis=0))
    top, second = largest[:, 0], largest[:, 1]
    draws = rng.uniform(math.log(margin[0]), math.log(margin[1]), size=(cuts,))
    margins = np.repeat([math.exp(draw) for draw in draws.tolist()], twins)
    peak = by_chunks(_peak, values, top, second, margins)
    # A margin below the spacing of float32 becomes one unit in the last place.
    peak = np.maximum(peak, np.nextafter(values[every, second], np.float32(np.inf)))
    strict = np.asarray((peak > values[every, second]) & np.isfinite(peak))
    values[every, top] = peak
    tied = kinds == TIED
    values[tied, second[tied]] = peak[tied]
    centred, moved = (kinds == CENTRED) | tied, (kinds == SHIFTED) | (kinds == RUNNER_UP)
    # A background maximum keeps its position, unless that is the centre or the position of a distractor.
    moved |= (top == middle) | (top[:, None] == apart).any(axis=1)
    if twins == entries:
        target = np.tile(np.arange(entries), cuts)
    else:
        target = _random_edge(edge_mask, rng, apart, tied | (moved & ~centred), gap)
    destination = np.select([centred, moved], [np.full(windows, middle), target], default=top)
    if distractors:
        there = np.column_stack([destination, apart])
        there[kinds == RUNNER_UP, 1] = middle
    else:
        # If the swap moves the second largest entry, it stays there.
        left = np.where(second == destination, top, second)
        rival = np.select([tied, kinds == RUNNER_UP], [target, np.full(windows, middle)], default=left)
        # A shifted window whose centre is second would be a runner-up: give its centre another edge's value.
        crowded = (kinds == SHIFTED) & (left == middle)
        other = _random_edge(edge_mask, rng, destination[:, None], crowded)
        there = np.column_stack([destination, np.where(crowded, other, rival)])
    _move(values, largest, there)
    values[kinds == CONSTANT] = 0.0
    return strict


def _at(values: Flat, place: Places) -> npt.NDArray[np.float32]:
    """Return one entry of each window, shape ``(W,)``."""
    return values[np.arange(len(values)), place]


def _rivals(distractors: int) -> int:
    """Return the number of planted entries: the spike, and the second largest entry or the distractors."""
    return 1 + max(distractors, 1)


def _lowered(values: Flat, which: Mask) -> Flat:
    """Push the chosen entries below all others; addition is several times faster than ``where``."""
    return np.asarray(values - which * np.finfo(np.float32).max)


def _largest(edges: Flat, number: int) -> Places:
    """Find the largest entries of each window in decreasing order, shape ``(W, number)``; overwrites ``edges``."""
    every, found = np.arange(len(edges)), np.empty((len(edges), number), dtype=np.intp)
    for turn in range(number):
        found[:, turn] = np.argmax(edges, axis=1)
        edges[every, found[:, turn]] = -np.inf
    return found


def _peak(values: Flat, top: Places, second: Places, margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Solve for the largest value that has the given margin over the second, in units of the new standard deviation.

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


def _random_edge(edge_mask: Mask, rng: np.random.Generator, besides: Places, wanted: Mask, gap: int = 1) -> Places:
    """Draw one edge of each wanted window, uniform over all but the centre and ``besides``, ``(W, n)``.

    With a gap larger than 1, only edges at that distance from ``besides`` are drawn, if there are any. Numbers are
    drawn for all windows, so that the draw for one does not depend on the kinds of the others.
    """
    windows, entries = edge_mask.shape
    drawn = np.full(windows, entries // 2, dtype=np.intp)
    for chunk in chunks(windows):
        keys = rng.random(edge_mask[chunk].shape, dtype=np.float32)
        chosen = np.flatnonzero(wanted[chunk])
        keys, edges, taken = keys[chosen], edge_mask[chunk][chosen], besides[chunk][chosen]
        keys -= ~edges  # keys are below 1, so an absent entry's is negative
        if gap > 1 and taken.shape[1]:
            keys += away_from(taken, gap, entries) & edges
        keys[:, entries // 2] = -1.0
        np.put_along_axis(keys, taken, -1.0, axis=1)
        drawn[chunk][chosen] = np.argmax(keys, axis=1)
    return drawn


def _move(values: Flat, here: Places, there: Places) -> None:
    """Swap the entries at ``here`` and ``there``, shape ``(W, n)`` each, column by column."""
    every, here = np.arange(len(values)), here.copy()
    for turn in range(here.shape[1]):
        a, b = here[:, turn], there[:, turn]
        values[every, a], values[every, b] = values[every, b], values[every, a].copy()
        later = here[:, turn + 1 :]
        here[:, turn + 1 :] = np.where(later == b[:, None], a[:, None], later)
