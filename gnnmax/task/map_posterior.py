"""The best possible rule for one peak in a map, and the chance that it finds the peak: exact ceilings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, logsumexp

from gnnmax.errors import InputError
from gnnmax.task.maps import Maps

__all__ = [
    "PlaceCeiling",
    "evidence",
    "known_amplitude",
    "matched_filter",
    "needle_found",
    "place_ceiling",
    "posterior",
]

Scores = npt.NDArray[np.float64]

GAPS = 2**10
"""Entries that are not observed whose shares of all profiles are subtracted together."""


def needle_found(n: int, amplitude: float, *, symmetric: bool = False) -> float:
    """Return the chance to find a needle: one of N entries of unit Gaussian noise, raised by an amplitude.

    The best rule names the largest entry. It is right with probability

        integral of phi(z - mu) Phi(z)^(N - 1) dz,

    with N = n^2, or N = n (n - 1) / 2 pairs in a symmetric map. From mu = sqrt(2 ln N) on it is more likely than not.

    Args:
        n: Side of the map, at least 2.
        amplitude: mu, in standard deviations of the noise, at least 0.
        symmetric: Whether an entry and its mirror image are one place, and the diagonal none.

    Raises:
        InputError: a side below 2, or an amplitude that is negative or not finite.

    Example:
        >>> [round(needle_found(n, 5.0), 3) for n in (9, 100, 1_000, 10_000)]
        [0.99, 0.864, 0.554, 0.245]
    """
    if not isinstance(n, (int, np.integer)) or n < 2:
        raise InputError(f"a map has an integer number of nodes and at least 2, not {n!r}")
    if not 0 <= amplitude < np.inf:
        raise InputError(f"the amplitude of a peak must be finite and at least 0, not {amplitude!r}")
    places = n * (n - 1) // 2 if symmetric else n * n
    # The trapezoid rule is exact to rounding here: the integrand is smooth and dies out at both ends.
    z, step = np.linspace(-12.0, amplitude + 12.0, 16_384, retstep=True)
    density = np.exp((places - 1) * log_ndtr(z) - (z - amplitude) ** 2 / 2)
    return float(density.sum() * step / math.sqrt(2 * math.pi))


def known_amplitude(maps: Maps) -> Scores:
    """Return the amplitude that the exact rules take for each map, shape ``(M,)``: the mean over its peaks.

    A map without peaks takes the mean over all maps; 1 if there is no peak at all.
    """
    there = np.isfinite(maps.peak_amplitude)
    total = np.where(there, maps.peak_amplitude, 0.0).sum(axis=1, dtype=np.float64)
    count = there.sum(axis=1)
    usual = total.sum() / count.sum() if count.sum() else 1.0
    return np.where(count > 0, total / np.maximum(count, 1), usual)


def evidence(maps: Maps) -> Scores:
    """Return the log likelihood of one peak at each place against none: the knowledge of order and background.

    With T the profile of a peak at (p, q), a its amplitude and x the values minus the background (lognormal: their
    logarithms), ``E_pq = a <x, T> - a^2 |T|^2 / 2``. In Poisson counts x of mean b, E_pq is the sum of
    x log(1 + a T) - a b T. In a symmetric map the sums run over pairs, and T has its mirror image added. Entries that
    are not observed carry no information.

    Args:
        maps: Maps with their true places.

    Returns:
        Shape ``(M, n, m)``; minus infinity where no peak can be, see :attr:`gnnmax.Maps.allowed`.

    Raises:
        InputError: the maps hide a block, not peaks.
    """
    _refuse_blocks(maps)
    function = _poisson_evidence if maps.model.law == "poisson" else _gaussian_evidence
    amplitude = known_amplitude(maps)
    found = np.empty(maps.values.shape)
    for index in range(len(maps)):
        found[index] = function(maps[index], float(amplitude[index]))
    return np.where(maps.allowed, found, -np.inf)


def posterior(maps: Maps, *, logarithm: bool = False) -> Scores:
    """Return the probability of each place, given that the map has exactly one peak, all allowed places equally likely.

    Args:
        maps: Maps with their true places.
        logarithm: Whether to return logarithms, which do not vanish where there are several peaks.

    Returns:
        Shape ``(M, n, m)``. It sums to 1 over a map; in a symmetric map, whose two entries of a pair are one place,
        over the entries above the diagonal.
    """
    found = evidence(maps)
    places = found if maps.structure != "symmetric" else np.where(_upper(maps), found, -np.inf)
    total = logsumexp(places.reshape(len(maps), -1), axis=1)
    found -= np.where(np.isfinite(total), total, 0.0)[:, None, None]  # a map without any place has no total
    return found if logarithm else np.exp(found)


def matched_filter(maps: Maps) -> Scores:
    """Correlate the maps with the profile of a peak, given order and background, in units of the noise's deviation.

    In Gaussian noise the score of a place is ``<x, T> / |T|``: unit noise where there is no peak. In Poisson counts it
    is the evidence itself, which weighs entries by their means.

    Returns:
        Shape ``(M, n, m)``; minus infinity where no peak can be.

    Raises:
        InputError: the maps hide a block, not peaks.
    """
    _refuse_blocks(maps)
    if maps.model.law == "poisson":
        return evidence(maps)
    found = np.empty(maps.values.shape)
    for index in range(len(maps)):
        overlap, energy = _overlap_and_energy(maps[index])
        found[index] = overlap / np.sqrt(np.maximum(energy, 1e-12))
    return np.where(maps.allowed, found, -np.inf)


def _refuse_blocks(maps: Maps) -> None:
    if max(maps.model.block) or maps.model.law == "bernoulli":
        raise InputError(
            "the exact rules of peaks are no rules of blocks: use gnnmax.data.maps.block_rules.BLOCK_RULES"
        )


def _upper(maps: Maps) -> npt.NDArray[np.bool_]:
    """Mark the entries above the diagonal."""
    return np.triu(np.ones(maps.values.shape[1:], dtype=np.bool_), 1)


def _profiles(place: npt.NDArray[np.int64], radius: float) -> Scores:
    """Profile of a peak at each node over all nodes, shape ``(n, n)``; 0 outside the map."""
    there = place >= 0
    far = np.subtract.outer(place, place).astype(np.float64)
    return np.where(there[:, None] & there, np.exp(-(far**2) / (2 * radius**2)), 0.0)


def _overlap_and_energy(one: Maps) -> tuple[Scores, Scores]:
    """Return <x, T> and |T|^2 of a peak at each place of one map; the profile is a product of rows and columns."""
    values = one.values[0].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(values) if one.model.law == "lognormal" else values
    seen = ~np.isnan(values)
    if one.structure == "symmetric":
        np.fill_diagonal(seen, val=False)
    if one.background is not None:
        values = values - one.background[0]
    values = np.where(seen, np.clip(np.nan_to_num(values), -1e150, 1e150), 0.0)
    if not one.model.radius:
        return values, seen.astype(np.float64)
    rows, columns = (_profiles(place[0], one.model.radius) for place in (one.row_place, one.column_place))
    overlap = rows @ values @ columns
    energy = rows**2 @ seen.astype(np.float64) @ columns**2
    if one.structure == "symmetric":
        inside = (one.row_place[0] >= 0)[:, None] & (one.column_place[0] >= 0)
        np.fill_diagonal(inside, val=False)
        # The profile and its mirror image overlap near the diagonal: sum over i != j of u_p u_q (i) u_p u_q (j).
        both = rows @ rows.T
        energy += both**2 - (rows**2) @ (rows**2).T
        gaps = np.argwhere(np.triu(inside & ~seen))
        for start in range(0, len(gaps), GAPS):
            some = gaps[start : start + GAPS]
            shared = rows[:, some[:, 0]] * rows[:, some[:, 1]]
            energy -= 2 * shared @ shared.T
    return overlap, energy


def _gaussian_evidence(one: Maps, amplitude: float) -> Scores:
    overlap, energy = _overlap_and_energy(one)
    return np.asarray(amplitude * overlap - amplitude**2 * energy / 2)


def _poisson_evidence(one: Maps, amplitude: float) -> Scores:
    """Sum the gain of each entry near a place, along the host: ``(2 reach + 1)^2`` shifted sums."""
    row, column = one.row_place[0], one.column_place[0]
    there = (row >= 0)[:, None] & (column >= 0)
    reach, radius = one.model.reach, one.model.radius
    shape = (int(row.max()) + 1 + 2 * reach, int(column.max()) + 1 + 2 * reach)
    at = np.ix_(row[row >= 0] + reach, column[column >= 0] + reach)
    sides = (int((row >= 0).sum()), int((column >= 0).sum()))
    counts, means = np.zeros(shape), np.zeros(shape)
    seen = there & ~np.isnan(one.values[0])
    if one.structure == "symmetric":
        np.fill_diagonal(seen, val=False)
    mean = np.full(seen.shape, one.model.base) if one.background is None else one.background[0].astype(np.float64)
    counts[at] = np.where(seen, np.nan_to_num(one.values[0]), 0.0)[there].reshape(sides)
    means[at] = np.where(seen, mean, 0.0)[there].reshape(sides)
    inner = (shape[0] - 2 * reach, shape[1] - 2 * reach)
    total = np.zeros(inner)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            height = amplitude * (math.exp(-(down**2 + right**2) / (2 * radius**2)) if radius else 1.0)
            part = (
                slice(reach + down, reach + down + inner[0]),
                slice(reach + right, reach + right + inner[1]),
            )
            total += math.log1p(height) * counts[part] - height * means[part]
    found = np.zeros(there.shape)
    found[there] = total[np.ix_(row[row >= 0], column[column >= 0])].reshape(-1)
    return found


Basis = Literal["closed form", "posterior", "posterior by tiles", "matched filter, order known"]


@dataclass(frozen=True, kw_only=True)
class PlaceCeiling:
    """How well the places of peaks can be known.

    Attributes:
        basis: ``closed form``: exact. ``posterior``: the best possible rule for one peak, which knows order, background
            and amplitude, as a mean over drawn maps; a bound where nets do not know them. ``posterior by tiles``: the
            same for at most one peak in each tile, if the number of peaks is known too. ``matched filter, order
            known``: the share of several peaks that is found if their number is known too, a named bound.
        amplitude: The amplitude of the peaks; None for several.
        found: Chance that the named place is the peak's.
        within_one: Chance that the peak lies within one place of it along the host, in rows and columns.
        distance: Expected distance between the two along the host, the larger of rows and columns.
        entropy: Mean entropy of the posterior, in bits.
        found_error: Monte Carlo standard error of ``found``; 0 in closed form.
        within_one_error: The same of ``within_one``.
        maps: Number of maps that the means are over; 0 in closed form.
    """

    basis: Basis
    amplitude: float | None = None
    found: float
    within_one: float | None = None
    distance: float | None = None
    entropy: float | None = None
    found_error: float = 0.0
    within_one_error: float | None = None
    maps: int = 0


def place_ceiling(maps: Maps) -> PlaceCeiling:
    """Return how well the place of one peak can be known on average, from maps of the law that is asked about.

    For each map the posterior gives the chances themselves; their mean over maps has a smaller error than counting.

    Args:
        maps: Maps with exactly one peak each, drawn from their law.

    Raises:
        InputError: no maps, or a map without exactly one peak.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> ceiling = place_ceiling(build(load_recipe("needle-32").replace(splits={"test": 200})).test)
        >>> 0.7 < ceiling.found < 0.98, ceiling.maps
        (True, 200)
    """
    if not len(maps) or (maps.peak_count != 1).any():
        raise InputError("the ceiling of places is that of maps with exactly one peak each: choose such maps")
    whole = posterior(maps)
    figures = np.array([_figures(maps[index], whole[index]) for index in range(len(maps))])
    mean, error = figures.mean(axis=0), figures.std(axis=0, ddof=min(1, len(maps) - 1)) / math.sqrt(len(maps))
    found, within_one, distance, entropy = mean.tolist()
    return PlaceCeiling(
        basis="posterior",
        found=found,
        within_one=within_one,
        distance=distance,
        entropy=entropy,
        found_error=float(error[0]),
        within_one_error=float(error[1]),
        maps=len(maps),
    )


def _figures(one: Maps, probability: Scores) -> list[float]:
    """Chance found, chance within one, expected distance and entropy of one map, given its posterior."""
    if one.structure == "symmetric":
        probability = np.where(np.triu(np.ones(probability.shape, dtype=np.bool_), 1), probability, 0.0)
    row, column = one.row_place[0], one.column_place[0]
    p, q = np.unravel_index(int(np.argmax(probability)), probability.shape)
    far = np.maximum(np.abs(row[:, None] - row[p]), np.abs(column - column[q]))
    if one.structure == "symmetric":
        far = np.minimum(far, np.maximum(np.abs(row[:, None] - column[q]), np.abs(column - row[p])))
    some = probability[probability > 0]
    return [
        float(probability[p, q]),
        float(probability[far <= 1].sum()),
        float((probability * far).sum()),
        float(-(some * np.log2(some)).sum()),
    ]
