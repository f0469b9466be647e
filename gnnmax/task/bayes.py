"""The best possible scorer of a noisy plant, and the accuracy that it reaches: the ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, pdtr

from gnnmax.errors import InputError, unknown_name
from gnnmax.task.label import check_windows
from gnnmax.task.noise import SPIKE, NoiseModel
from gnnmax.task.windows import Windows

__all__ = [
    "Ceiling",
    "ceiling_of",
    "entry_log_likelihoods",
    "expected_accuracy",
    "log_likelihood_ratio",
    "spike_log_likelihood_ratio",
]

Scores = npt.NDArray[np.float64]

SEED = 12_010
"""Seed of the Monte Carlo draws behind every ceiling; it is fixed, so a ceiling never changes."""

BLOCK = 2_048
"""Number of windows whose likelihoods are computed at a time: their arrays fit into a cache."""


def log_likelihood_ratio(windows: Windows) -> Scores:
    """Return the log odds that the peak is at the centre rather than at a uniformly random other entry.

    With E_pq the log likelihood of the peak at (p, q) against no peak, and n other entries,

        log LR = E_c - log( (1/n) sum over (p, q) != c of exp(E_pq) );

    "centred" iff above 0 is the best possible decision if both are equally likely. In unit Gaussian noise E is
    ``<x, T> - |T|^2 / 2`` with T the peak's profile; in lognormal noise the same for log x; in Poisson counts
    ``x log(1 + amplitude / base) - amplitude``. The distances of a peak with a radius are those of the nodes' numbers,
    so this scorer knows the order even where rows and columns are shuffled; there it is an upper bound.

    An entry that is not observed (NaN) carries no information.

    If a share e of the labels was flipped, the result is the log odds of the label as written, L with e^L replaced by
    ((1 - e) e^L + e) / (e e^L + 1 - e): the same decisions with less confidence.

    Args:
        windows: Windows with amplitudes.

    Returns:
        Floats, shape ``(N,)``.

    Raises:
        InputError: the windows have no amplitude.

    References:
        Neyman and Pearson, "On the problem of the most efficient tests of statistical hypotheses", Phil. Trans. R.
        Soc. A 231, 1933. Ours is the ratio of one position against the mean over the others.
    """
    ratio = _log_ratio(windows, _amplitude_of(windows), windows.noise)
    return ratio if windows.noise.flips == 0 else _as_written(ratio, windows.noise.flips)


def _as_written(ratio: Scores, flips: float) -> Scores:
    """Convert log odds of the true label to those of a randomly flipped label; sign and order are kept."""
    less = np.expm1(-np.abs(ratio))  # from 0 down to -1: nothing overflows, and 0 stays 0
    return np.asarray(-np.sign(ratio) * np.log1p((1 - 2 * flips) * less / (1 + flips * less)))


def entry_log_likelihoods(windows: Windows) -> Scores:
    """Return the log likelihood of the peak at each entry against none: with a softmax, the posterior of its place.

    The best guess of the place is the largest, if all places are equally likely. See :func:`log_likelihood_ratio`.

    Args:
        windows: Windows with amplitudes.

    Returns:
        Floats, shape ``(N, k, k)``; 0 at an entry that is not observed and whose neighbours are not.

    Raises:
        InputError: the windows have no amplitude.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> w = build(load_recipe("bump-9-natural").replace(splits={"test": 1})).test
        >>> entry_log_likelihoods(w).shape
        (128, 9, 9)
    """
    return _evidence(windows, _amplitude_of(windows), windows.noise)


def _amplitude_of(windows: Windows) -> Scores:
    if windows.amplitude is None:
        raise InputError("a likelihood ratio needs windows with an amplitude: those of a noise or bump recipe")
    return windows.amplitude.astype(np.float64)


def _log_ratio(windows: Windows, amplitude: Scores, noise: NoiseModel) -> Scores:
    if noise.radius == 0 and noise.law == "gaussian":
        return spike_log_likelihood_ratio(windows.values, amplitude)
    return _against_others(_evidence(windows, amplitude, noise))


def _evidence(windows: Windows, amplitude: Scores, noise: NoiseModel) -> Scores:
    """Log likelihood of the peak at each entry against none, shape ``(N, k, k)``."""
    values = windows.values.astype(np.float64)
    with np.errstate(divide="ignore"):
        values = np.log(values) if noise.law == "lognormal" else values
    if noise.radius > 0:
        nodes = (windows.rows.astype(np.float64), windows.columns.astype(np.float64))
        return _bump_evidence(values, nodes, amplitude, noise.radius)
    gain = np.log1p(amplitude / noise.base) if noise.law == "poisson" else amplitude
    cost = amplitude if noise.law == "poisson" else amplitude**2 / 2
    evidence = gain[:, None, None] * np.clip(values, -1e150, 1e150) - cost[:, None, None]
    return np.where(np.isnan(values), 0.0, evidence)


def _bump_evidence(values: Scores, nodes: tuple[Scores, Scores], amplitude: Scores, radius: float) -> Scores:
    """Log likelihood of the peak at each entry against none, shape ``(N, k, k)``; the profile is a product."""
    seen = ~np.isnan(values)
    rows, columns = (np.exp(-((x[:, :, None] - x[:, None, :]) ** 2) / (2 * radius**2)) for x in nodes)
    a = amplitude[:, None, None]
    overlap = rows @ np.where(seen, np.clip(values, -1e150, 1e150), 0.0) @ columns
    energy = rows**2 @ seen.astype(np.float64) @ columns**2
    return np.asarray(a * overlap - a**2 * energy / 2)


def _consecutive_evidence(values: Scores, amplitude: float, profiles: Scores) -> Scores:
    """Return what :func:`_bump_evidence` does, transposed, where all entries are seen and all nodes are consecutive.

    Args:
        values: Shape ``(N, k, k)``.
        amplitude: Of all windows.
        profiles: Those of a peak at each place, shape ``(k, k)``, the same for rows and columns of every window.
    """
    k = len(profiles)
    along_rows = (values.reshape(-1, k) @ profiles).reshape(-1, k, k)
    overlap = (along_rows.transpose(0, 2, 1).reshape(-1, k) @ profiles).reshape(-1, k, k)
    energy = (profiles**2).sum(axis=0)
    return np.asarray(amplitude * overlap - amplitude**2 * np.outer(energy, energy) / 2)


def _against_others(evidence: Scores) -> Scores:
    """Centre against the mean over the other entries, shape ``(N, k, k)`` to ``(N,)``."""
    entries = evidence.reshape(len(evidence), -1)
    middle = entries.shape[1] // 2
    return np.asarray(entries[:, middle] - _log_mean_exp(np.delete(entries, middle, axis=1)))


def spike_log_likelihood_ratio(values: npt.ArrayLike, amplitude: npt.ArrayLike, log_prior_odds: float = 0.0) -> Scores:
    """Return the log odds that a spike is at the centre rather than at a uniformly random other entry.

    Each entry is standard Gaussian noise, and ``amplitude`` mu is added to one of them. With n other entries

        log LR = mu x_c - log( (1/n) sum over j != c of exp(mu x_j) ),

    plus the log prior odds. "Centred" iff above 0 is the best possible decision. An entry that is not observed (NaN)
    carries no information: its likelihood is the same with and without the spike. Invariant under relabelling around a
    fixed centre and transposition, up to rounding; not under increasing maps.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.
        amplitude: mu, in standard deviations of the noise, shape ``(...,)`` or one number.
        log_prior_odds: log of P(centred) / P(not centred).

    Returns:
        Floats, shape ``(...,)``, finite for finite values however large.

    Raises:
        InputError: the values are not real numbers or not square, odd-sided windows.

    References:
        J. Neyman and E. S. Pearson, "On the problem of the most efficient tests of statistical hypotheses", Phil.
        Trans. R. Soc. A 231, 1933. Ours is the ratio of one position against the mean over the others.

    Example:
        >>> window = np.zeros((3, 3))
        >>> window[1, 1] = 2.0
        >>> float(spike_log_likelihood_ratio(window, 3.0))
        6.0
    """
    array = check_windows(values)
    entries = array.reshape(*array.shape[:-2], -1).astype(np.float64)  # (..., k*k)
    mu = np.asarray(amplitude, dtype=np.float64)[..., None]
    # Beyond 1e150 an entry decides alone; the clip keeps its products finite.
    evidence = np.where(np.isnan(entries), 0.0, mu * np.clip(entries, -1e150, 1e150) - mu * mu / 2)
    middle = entries.shape[-1] // 2
    others = np.delete(evidence, middle, axis=-1)
    return np.asarray(evidence[..., middle] - _log_mean_exp(others) + log_prior_odds)


def _log_mean_exp(exponents: Scores) -> Scores:
    """Log of the mean of the exponentials over the last axis, safe against overflow."""
    peak = exponents.max(axis=-1, keepdims=True)
    return np.asarray((peak + np.log(np.mean(np.exp(exponents - peak), axis=-1, keepdims=True)))[..., 0])


@dataclass(frozen=True)
class Ceiling:
    """The best possible accuracy and its standard error.

    Attributes:
        accuracy: Probability that the best rule is right.
        standard_error: Standard error of the Monte Carlo mean; 0 if the accuracy is exact.
    """

    accuracy: float
    standard_error: float


def ceiling_of(k: int, amplitude: float | Sequence[float], noise: NoiseModel = SPIKE) -> Ceiling:
    """Return the accuracy of the Bayes rule for a peak in noise, both classes equally likely.

    Negatives carry the peak at a uniformly random other entry. The Monte Carlo seed is fixed, so the result never
    changes; for a spike the other entries are drawn and the centre is integrated exactly. Cached; the first call takes
    about half a second. Standard error: below 2e-4 for a spike, 5e-4 for a peak with a radius, whose rows and columns
    are taken as consecutive, their order known.

    For several levels in equal shares it is the mean over the levels: the rule knows the level of each window, so a
    scorer that has to guess it stays below. The draws of all levels are the same, so the stated standard error, the
    mean of theirs, is an upper bound. If a share e of the labels is flipped, a scorer that is right with probability p
    agrees with the stored label with probability (1 - 2 e) p + e, exactly.

    Args:
        k: Side of the window, odd and at least 3.
        amplitude: Amplitude of the peak, in standard deviations of the noise (Poisson: in counts), at least 0; or
            several.
        noise: Law of the noise, radius of the peak and share of flipped labels.

    Raises:
        InputError: an even or small side, no amplitude, or a negative or infinite one.

    Example:
        >>> round(ceiling_of(9, 3.0).accuracy, 3), round(ceiling_of(9, 2.0, NoiseModel(radius=1.2)).accuracy, 2)
        (0.949, 0.96)
        >>> round(ceiling_of(9, [1.0, 3.0]).accuracy, 3), round(ceiling_of(9, 3.0, NoiseModel(flips=0.1)).accuracy, 3)
        (0.821, 0.859)
    """
    levels = amplitude if isinstance(amplitude, Sequence) else (amplitude,)
    if not levels:
        raise InputError("a ceiling needs at least one amplitude, not an empty list: give the levels that occur")
    for level in levels:
        _check_spike(k, level)
    pure = replace(noise, flips=0.0)
    single = [Ceiling(0.5, 0.0) if level == 0 else _ceiling(int(k), float(level), pure) for level in levels]
    kept = 1 - 2 * noise.flips
    accuracy = kept * fmean(one.accuracy for one in single) + noise.flips
    return Ceiling(accuracy, kept * fmean(one.standard_error for one in single))


@lru_cache(maxsize=256)
def _ceiling(k: int, mu: float, noise: NoiseModel) -> Ceiling:
    n = k * k - 1
    draws = max(2_000, min(200_000, 16_000_000 // n))  # a larger window needs fewer draws
    rng = np.random.default_rng(SEED)
    chunk = max(1, 500_000 // n)
    sizes = [min(chunk, draws - start) for start in range(0, draws, chunk)]
    if noise.radius > 0:
        parts = [_bump_right(k, mu, noise.radius, size, rng) for size in sizes]
    elif noise.law == "poisson":
        parts = [_poisson_right(rng.poisson(noise.base, (size, n)), mu, noise.base, rng) for size in sizes]
    else:
        parts = [_conditional_accuracy(rng.standard_normal((size, n)), mu) for size in sizes]
    right = np.concatenate(parts)
    return Ceiling(float(right.mean()), float(right.std(ddof=1) / np.sqrt(len(right))))


def _bump_right(k: int, mu: float, radius: float, size: int, rng: np.random.Generator) -> Scores:
    """Draw ``size`` windows of each class and return which the Bayes rule gets right, shape ``(2 * size,)``."""
    half, place = k // 2, rng.integers(k * k - 1, size=size)
    place += place >= k * k // 2
    away = np.arange(k, dtype=np.float64) - half
    profiles = np.exp(-((away - away[:, None]) ** 2) / (2 * radius**2))  # row p: the profile of a peak at p
    row, column = np.concatenate([np.stack(np.divmod(place, k)), np.full((2, size), half)], axis=1)
    noise, ratio = rng.standard_normal((2 * size, k, k)), np.empty(2 * size)
    for first in range(0, 2 * size, BLOCK):
        part = slice(first, first + BLOCK)
        peak = profiles[row[part], :, None] * profiles[column[part], None, :]
        ratio[part] = _against_others(_consecutive_evidence(noise[part] + mu * peak, mu, profiles))
    return np.asarray((ratio > 0) == (np.arange(2 * size) >= size), dtype=np.float64)


def _poisson_right(others: npt.NDArray[np.int64], mu: float, base: float, rng: np.random.Generator) -> Scores:
    """Accuracy of the Bayes rule given the counts at the other entries, shape ``(draws, n)`` to ``(draws,)``.

    The rule says "centred" iff the centre's count exceeds a threshold that only the other entries decide.
    """
    gain = np.log1p(mu / base)
    without_spike = _log_mean_exp(gain * others) / gain
    others[:, 0] += rng.poisson(mu, len(others))
    with_spike = _log_mean_exp(gain * others) / gain
    found = 1 - pdtr(np.floor(without_spike), base + mu)
    return np.asarray((found + pdtr(np.floor(with_spike), base)) / 2)


def _conditional_accuracy(others: Scores, mu: float) -> Scores:
    """Accuracy of the Bayes rule given the noise at the other entries, shape ``(draws, n)`` to ``(draws,)``.

    The rule says "centred" iff the centre exceeds a threshold that only the other entries decide.
    """
    without_spike = _log_mean_exp(mu * others) / mu
    others[:, 0] += mu
    with_spike = _log_mean_exp(mu * others) / mu
    return np.asarray((ndtr(mu - without_spike) + ndtr(with_spike)) / 2)


def expected_accuracy(name: str, k: int, amplitude: float) -> float | None:
    """Return the expected accuracy of a rule on a spike in unit Gaussian noise, or None if there is no closed form.

    Classes and noise are as in :func:`ceiling_of`, which gives the accuracy of the Bayes rule. ``centre_value``: Phi(mu
    / 2) for every k. ``argmax``, ``margin`` and ``nms`` make the same decisions where nothing ties: P(the centre is the
    largest), an integral over one variable. ``sorted_entries`` always says "centred": 1/2.

    Args:
        name: Name of a rule in :data:`gnnmax.task.rules.RULES`.
        k: Side of the window, odd and at least 3.
        amplitude: Amplitude of the spike, in standard deviations of the noise, at least 0.

    Raises:
        InputError: an unknown rule, an even or small side, or a negative or infinite amplitude.

    Example:
        >>> [round(expected_accuracy(name, 9, 3.0), 4) for name in ("argmax", "centre_value")]
        [0.8492, 0.9332]
    """
    _check_spike(k, amplitude)
    if name == "centre_value":
        return float(ndtr(amplitude / 2))
    if name in ("argmax", "margin", "nms"):
        return _argmax_accuracy(int(k), float(amplitude))
    if name not in ("sorted_entries", "bayes"):
        raise unknown_name("rule", name, ("argmax", "margin", "nms", "centre_value", "sorted_entries", "bayes"))
    return 0.5 if name == "sorted_entries" else None


def _argmax_accuracy(k: int, mu: float) -> float:
    # The trapezoid rule is exact to rounding here: the integrands are smooth and die out at both ends.
    x, step = np.linspace(-12.0, mu + 12.0, 8192, retstep=True)
    n = k * k - 1
    density = step / np.sqrt(2 * np.pi)
    spike_wins = np.sum(density * np.exp(-((x - mu) ** 2) / 2) * ndtr(x) ** n)
    noise_wins = np.sum(density * np.exp(-(x**2) / 2) * ndtr(x) ** (n - 1) * ndtr(x - mu))
    return float((spike_wins + 1 - noise_wins) / 2)


def _check_spike(k: int, amplitude: float) -> None:
    if not isinstance(k, (int, np.integer)) or k < 3 or k % 2 == 0:
        raise InputError(f"a window's side k must be an odd integer and at least 3, not {k!r}: choose 3, 5, 7, ...")
    if not isinstance(amplitude, (int, float, np.number)) or not 0 <= amplitude < np.inf:
        raise InputError(f"a spike's amplitude must be a finite number and at least 0, not {amplitude!r}: choose one")
