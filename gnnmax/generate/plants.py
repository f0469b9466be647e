"""Plants: what puts a maximum at an entry of a window, so that nothing but its position tells the kinds apart."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.generate.parts import by_parts, parts
from gnnmax.label import KINDS
from gnnmax.noise import NoiseLaw, NoiseModel

__all__ = ["Bump", "Natural", "Noise", "Plant", "Shares", "Spike", "draw_kinds", "plant_noise", "plant_spikes"]

CENTRED, SHIFTED, RUNNER_UP, TIED, BACKGROUND = range(len(KINDS))
Places = npt.NDArray[np.intp]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Amount = Annotated[float, Meta(gt=0.0, le=100.0)]
Flat = npt.NDArray[np.float32]


class Shares(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The share of each kind among the windows of a graph; they sum to one.

    Example:
        >>> Shares(centred=0.5, shifted=0.5).of("shifted")
        0.5
    """

    centred: Share
    shifted: Share = 0.0
    runner_up: Share = 0.0
    tied: Share = 0.0
    background: Share = 0.0

    def __post_init__(self) -> None:
        total = math.fsum(self.of(kind) for kind in KINDS)
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the shares of the kinds must sum to 1, not {total:g}")

    def of(self, kind: str) -> float:
        """Return the share of a kind by its name."""
        return float(getattr(self, kind))


class Spike(Struct, frozen=True, forbid_unknown_fields=True, tag="spike"):
    """One entry is the maximum, by a margin drawn log-uniform.

    In every kind alike the window's largest value is set to the second largest plus the margin and then swapped into
    place, among the window's edges: the multiset of values, the topology and the sum tell nothing about the kind. (In
    ``tied`` the second largest is raised to the largest too; no strict maximum can have such a multiset.)

    Attributes:
        margin: Least and greatest margin, in units of the window's standard deviation.
    """

    margin: tuple[Amount, Amount] = (0.05, 1.0)

    def __post_init__(self) -> None:
        if self.margin[0] > self.margin[1]:
            raise ValueError(f"margin must be [least, greatest], not {list(self.margin)}")


class Noise(Struct, frozen=True, forbid_unknown_fields=True, tag="noise"):
    """One entry of a window of noise is raised by a fixed amplitude.

    The label is ``planted``: which entry was raised, whatever the noise did. The best possible scorer is known.

    Attributes:
        amplitude: Added to unit Gaussian noise; to the logarithm, in lognormal noise; to the mean, in Poisson counts.
        law: Of the noise.
        base: Mean of Poisson counts away from the raised entry.
    """

    amplitude: Amount
    law: NoiseLaw = "gaussian"
    base: Amount = 1.0

    @property
    def model(self) -> NoiseModel:
        """What the Bayes rule knows besides the amplitude."""
        return NoiseModel(self.law, self.base)


class Bump(Struct, frozen=True, forbid_unknown_fields=True, tag="bump"):
    """A peak in unit Gaussian noise that falls off with the distance along the host, over rows and columns.

    ``amplitude * exp(-(d_r^2 + d_c^2) / (2 radius^2))`` is added, with d_r and d_c the distances along the host from
    the planted row and column. The label is ``planted``. In natural order it is a bump of the image; in shuffled order
    only the contexts tell what is near what.
    """

    amplitude: Amount
    radius: Amount

    @property
    def model(self) -> NoiseModel:
        """What the Bayes rule knows besides the amplitude."""
        return NoiseModel(radius=self.radius)


class Natural(Struct, frozen=True, forbid_unknown_fields=True, tag="natural"):
    """Nothing is planted: every edge of the subgraph is the centre of one window, with the weights it has."""


Plant = Spike | Noise | Bump | Natural


def draw_kinds(shares: Shares, count: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw the kinds of ``count`` windows in the stated shares, each within one window of exact, in random order.

    Example:
        >>> kinds = draw_kinds(Shares(centred=0.5, shifted=0.5), 10, np.random.default_rng(0))
        >>> int((kinds == 0).sum())
        5
    """
    bounds = np.cumsum([shares.of(kind) for kind in KINDS])
    points = (np.arange(count) + rng.random()) / count
    codes = np.minimum(np.searchsorted(bounds, points, side="right"), np.flatnonzero(np.diff(bounds, prepend=0.0))[-1])
    return rng.permutation(codes.astype(np.uint8))


def paired_kinds(shares: Shares | None, count: int, twins: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw the kinds of ``count`` windows, of which ``twins`` in a row come from one cut.

    Args:
        shares: Of the kinds; None for a ladder, where the spike stands at the centre once and elsewhere otherwise.
        count: A multiple of ``twins``.
        twins: 1: kinds are drawn one by one. 2: centred, and a twin of another kind. More: a ladder.
        rng: The only source of randomness.

    Example:
        >>> paired_kinds(Shares(centred=0.5, shifted=0.5), 4, 2, np.random.default_rng(0))
        array([0, 1, 0, 1], dtype=uint8)
    """
    if shares is None:
        kinds = np.full((count // twins, twins), SHIFTED, dtype=np.uint8)
        kinds[:, twins // 2] = CENTRED
        return kinds.reshape(-1)
    if twins == 1:
        return draw_kinds(shares, count, rng)
    others = {kind: shares.of(kind) / (1 - shares.centred) for kind in KINDS[1:]}
    kinds = np.full((count // 2, 2), CENTRED, dtype=np.uint8)
    kinds[:, 1] = draw_kinds(Shares(centred=0.0, **others), count // 2, rng)
    return kinds.reshape(-1)


def plant_noise(
    values: Flat,
    nodes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    kinds: npt.NDArray[np.uint8],
    plant: Noise | Bump,
    rng: np.random.Generator,
) -> Places:
    """Raise one entry of each window in place: the centre where ``kinds`` says centred, else a uniform other entry.

    Args:
        values: Noise, shape ``(W, k * k)``; changed.
        nodes: Those of the rows and of the columns, each ``(W, k)``; their numbers are places along the host.
        kinds: Codes, centred or shifted, shape ``(W,)``.
        plant: How much is added, and how far around.
        rng: The only source of randomness.

    Returns:
        The flat index of the raised entry, shape ``(W,)``.

    Example:
        >>> values, nodes = np.zeros((2, 9), dtype=np.float32), np.tile(np.arange(3), (2, 1))
        >>> kinds = np.array([0, 1], dtype=np.uint8)
        >>> plant_noise(values, (nodes, nodes + 9), kinds, Noise(amplitude=3.0), np.random.default_rng(0))[0]
        np.int64(4)
    """
    windows, entries = values.shape
    middle = entries // 2
    place = rng.integers(entries - 1, size=windows, dtype=np.intp)
    place += place >= middle
    place[kinds == CENTRED] = middle
    every = np.arange(windows)
    if isinstance(plant, Bump):
        values += np.float32(plant.amplitude) * _profile(nodes, place, plant.radius)
    elif plant.law == "lognormal":
        values[every, place] *= np.float32(math.exp(plant.amplitude))
    elif plant.law == "poisson":
        values[every, place] += rng.poisson(plant.amplitude, windows)
    else:
        values[every, place] += np.float32(plant.amplitude)
    return np.asarray(place)


def _profile(nodes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], place: Places, radius: float) -> Flat:
    """The peak around an entry of each window, of height 1, shape ``(W, k * k)``."""
    every, k = np.arange(len(place)), nodes[0].shape[1]
    row, column = (
        np.exp(-((side - side[every, where, None]) ** 2) / (2 * radius**2))
        for side, where in zip(nodes, np.divmod(place, k), strict=True)
    )
    return (row[:, :, None] * column[:, None, :]).reshape(len(place), k * k).astype(np.float32)


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
