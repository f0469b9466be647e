"""The explicit scorers: rules without parameters, the Bayes rule for a spike in noise among them, and their ceilings.

A rule is a scorer: windows in, one real score a window out, "centred" iff the score is above 0. Rules are total: any
windows, NaN and infinite entries too, get finite scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from gnnmax.errors import InputError, unknown_name
from gnnmax.label import centre_rank, check_windows, margin
from gnnmax.window import Windows

__all__ = ["RULES", "Ceiling", "Rule", "expected_accuracy", "spike_ceiling", "spike_log_likelihood_ratio"]

Scores = npt.NDArray[np.float64]

_LARGEST = float(np.finfo(np.float64).max)
_BLOCK = 65_536  # windows scored at once: bounds the memory of a rule on a large set


@dataclass(frozen=True)
class Rule:
    """An explicit scorer without parameters; "centred" iff its score is above 0.

    Attributes:
        name: Its key in :data:`RULES`.
        summary: What it computes, in one sentence.
        invariances: Which transformations leave every score as it is, out of ``relabelling`` (of rows and columns
            around a fixed centre), ``transposition`` and ``increasing_map``.
        function: The computation, windows to scores of shape ``(N,)``.

    Example:
        >>> w = Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, 7]], [[9, 1, 2], [3, 8, 4], [5, 6, 7]]])
        >>> RULES["argmax"](w)
        array([ 0.5, -0.5])
    """

    name: str
    summary: str
    invariances: tuple[str, ...]
    function: Callable[[Windows], Scores]

    def __call__(self, windows: Windows) -> Scores:
        """Score each window.

        Returns:
            Finite floats, shape ``(N,)``. What would be NaN (a centre that is not observed) is the lowest float64,
            what would be infinite the largest or the lowest.
        """
        if not isinstance(windows, Windows):
            raise InputError(
                f"rule {self.name!r} scores Windows, not {type(windows).__name__}: say Windows.from_values(values)"
            )
        blocks = [self.function(windows[start : start + _BLOCK]) for start in range(0, len(windows), _BLOCK)]
        scores = np.concatenate([np.zeros(0), *blocks])
        return np.asarray(np.nan_to_num(scores, nan=-_LARGEST, posinf=_LARGEST, neginf=-_LARGEST), dtype=np.float64)


def _argmax(windows: Windows) -> Scores:
    """One half minus the centre's rank: 0.5 where the centre is the strict maximum, else at most -0.5."""
    return np.asarray(0.5 - centre_rank(windows.values), dtype=np.float64)


def _margin(windows: Windows) -> Scores:
    return margin(windows.values)


def _centre_value(windows: Windows) -> Scores:
    """The centre's value; where the amplitude of a spike is known, minus half of it."""
    middle = windows.k // 2
    centre = windows.values[:, middle, middle].astype(np.float64)
    return centre if windows.amplitude is None else centre - windows.amplitude.astype(np.float64) / 2


def _nms(windows: Windows) -> Scores:
    """One half minus the distance from the centre of the position that max pooling returns.

    Pooling returns the first maximum in row-major order. So the rule is not strict: a centre tied with a later entry
    passes, a centre tied with an earlier one does not, and relabelling the nodes changes which.
    """
    n, k = windows.values.shape[:2]
    entries = np.where(np.isnan(windows.values), -np.inf, windows.values).reshape(n, k * k)
    row, column = np.divmod(np.argmax(entries, axis=1), k)
    return np.asarray(0.5 - np.maximum(np.abs(row - k // 2), np.abs(column - k // 2)), dtype=np.float64)


def _sorted_entries(windows: Windows) -> Scores:
    """Gap between the largest and the second largest entry: the margin once the largest is put in the centre."""
    n, k = windows.values.shape[:2]
    entries = windows.values.reshape(n, k * k)
    observed = np.count_nonzero(~np.isnan(entries), axis=1)
    order = np.argsort(entries, axis=1)  # NaN last
    window = np.arange(n)
    best = order[window, np.maximum(observed - 1, 0)]
    swapped = entries.copy()
    swapped[window, best] = entries[:, k * k // 2]
    swapped[:, k * k // 2] = entries[window, best]
    return margin(swapped.reshape(n, k, k))


def _bayes(windows: Windows) -> Scores:
    """The log likelihood ratio of a spike in noise; where nothing was added to noise, the margin."""
    if windows.amplitude is None:
        return margin(windows.values)
    return spike_log_likelihood_ratio(windows.values, windows.amplitude)


def spike_log_likelihood_ratio(values: npt.ArrayLike, amplitude: npt.ArrayLike, log_prior_odds: float = 0.0) -> Scores:
    """Return the log odds that a spike stands at the centre and not at a uniformly random other entry.

    Each entry is standard Gaussian noise, and one of them has ``amplitude`` mu added. With n other entries

        log LR = mu x_c - log( (1/n) sum over j != c of exp(mu x_j) ),

    plus the log prior odds. "Centred" iff above 0 is the best possible decision. An entry that is not observed (NaN)
    says nothing: its likelihood is the same with and without the spike. Invariant under relabelling around a fixed
    centre and transposition, up to rounding; not under increasing maps.

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
    """The best possible accuracy and the standard error with which it is known.

    Attributes:
        accuracy: Probability that the best rule is right.
        standard_error: Of the Monte Carlo mean; 0 where the figure is exact.
    """

    accuracy: float
    standard_error: float


def spike_ceiling(k: int, amplitude: float) -> Ceiling:
    """Return the accuracy of the Bayes rule for a spike in unit Gaussian noise, both classes equally likely.

    Negatives carry the spike at a uniformly random other entry. Conditional Monte Carlo: the other entries are drawn
    (from a seed of the function's own, so the figure never changes), the centre is integrated exactly. Cached; the
    first call for a pair takes about half a second, and its standard error is below 2e-4.

    Args:
        k: Side of the window, odd and at least 3.
        amplitude: Of the spike, in standard deviations of the noise, at least 0.

    Raises:
        InputError: an even or small side, or a negative or infinite amplitude.

    Example:
        >>> round(spike_ceiling(9, 3.0).accuracy, 3)
        0.949
    """
    _check_spike(k, amplitude)
    return Ceiling(0.5, 0.0) if amplitude == 0 else _spike_ceiling(int(k), float(amplitude))


@lru_cache(maxsize=256)
def _spike_ceiling(k: int, mu: float) -> Ceiling:
    n = k * k - 1
    draws = max(2_000, min(200_000, 16_000_000 // n))  # a larger window leaves less to chance
    rng = np.random.default_rng(12_010)
    chunk = max(1, 500_000 // n)
    sizes = [min(chunk, draws - start) for start in range(0, draws, chunk)]
    right = np.concatenate([_conditional_accuracy(rng.standard_normal((size, n)), mu) for size in sizes])
    return Ceiling(float(right.mean()), float(right.std(ddof=1) / np.sqrt(draws)))


def _conditional_accuracy(others: Scores, mu: float) -> Scores:
    """Accuracy of the Bayes rule given the noise at the other entries, shape ``(draws, n)`` to ``(draws,)``.

    The rule says "centred" iff the centre exceeds a threshold that only the other entries decide.
    """
    without_spike = _log_mean_exp(mu * others) / mu
    others[:, 0] += mu
    with_spike = _log_mean_exp(mu * others) / mu
    return np.asarray((ndtr(mu - without_spike) + ndtr(with_spike)) / 2)


def expected_accuracy(name: str, k: int, amplitude: float) -> float | None:
    """Return the accuracy that a rule must have on a spike in unit Gaussian noise, or None where no closed form is.

    Classes and noise as in :func:`spike_ceiling`, which has the Bayes rule's. ``centre_value``: Phi(mu / 2) for every
    k. ``argmax``, ``margin`` and ``nms`` take the same decisions where nothing ties: P(the centre is the largest), an
    integral over one variable. ``sorted_entries`` always says "centred": 1/2.

    Args:
        name: Of a rule in :data:`RULES`.
        k: Side of the window, odd and at least 3.
        amplitude: Of the spike, in standard deviations of the noise, at least 0.

    Raises:
        InputError: an unknown rule, an even or small side, or a negative or infinite amplitude.

    Example:
        >>> [round(expected_accuracy(name, 9, 3.0), 4) for name in ("argmax", "centre_value")]
        [0.8492, 0.9332]
    """
    _check_spike(k, amplitude)
    if name not in RULES:
        raise unknown_name("rule", name, RULES)
    if name == "centre_value":
        return float(ndtr(amplitude / 2))
    if name in ("argmax", "margin", "nms"):
        return _argmax_accuracy(int(k), float(amplitude))
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


RULES: dict[str, Rule] = {
    "argmax": Rule(
        "argmax",
        "Centre rank: is the centre the strict maximum? It is the observed label itself.",
        ("relabelling", "transposition", "increasing_map"),
        _argmax,
    ),
    "margin": Rule(
        "margin",
        "Centre minus the largest other entry, in standard deviations of the window.",
        ("relabelling", "transposition"),
        _margin,
    ),
    "centre_value": Rule(
        "centre_value",
        "The centre's value alone, against half the spike's amplitude where it is known, else against 0.",
        ("relabelling", "transposition"),
        _centre_value,
    ),
    "nms": Rule(
        "nms",
        "Non-maximum suppression: is the position that max pooling returns the centre? Not strict at ties.",
        ("increasing_map",),
        _nms,
    ),
    "sorted_entries": Rule(
        "sorted_entries",
        "Probe: is there a strict maximum anywhere? No function of the sorted entries can know more.",
        ("relabelling", "transposition"),
        _sorted_entries,
    ),
    "bayes": Rule(
        "bayes",
        "Best possible: log likelihood ratio of a spike in noise; the margin where nothing was added to noise.",
        ("relabelling", "transposition"),
        _bayes,
    ),
}
"""The rules by name."""
