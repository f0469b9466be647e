"""The explicit scorers: rules without parameters, including the Bayes rule for a peak in noise.

A rule is a scorer: windows in, one real score a window out, "centred" iff the score is above 0. Rules are total: all
windows get finite scores, even with NaN and infinite entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.bayes import log_likelihood_ratio
from gnnmax.task.label import centre_rank, margin
from gnnmax.task.windows import Windows

__all__ = ["RULES", "Rule"]

Scores = npt.NDArray[np.float64]

_LARGEST = float(np.finfo(np.float64).max)
_BLOCK = 65_536  # windows scored together: bounds the memory of a rule on a large set


@dataclass(frozen=True)
class Rule:
    """An explicit scorer without parameters; "centred" iff its score is above 0.

    Attributes:
        name: Its key in :data:`RULES`.
        summary: Its computation, in one sentence.
        invariances: The transformations that change no score, among ``relabelling`` (of rows and columns around a fixed
            centre), ``transposition`` and ``increasing_map``.
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
            Finite floats, shape ``(N,)``. NaN (a centre that is not observed) becomes the lowest float64, and infinite
            scores the largest or the lowest.
        """
        if not isinstance(windows, Windows):
            raise InputError(
                f"rule {self.name!r} scores Windows, not {type(windows).__name__}: pass Windows.from_values(values)"
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
    """The centre's value, minus the value that is equally likely with and without the peak, if that is known."""
    middle = windows.k // 2
    centre = windows.values[:, middle, middle].astype(np.float64)
    if windows.amplitude is None:
        return centre
    amplitude = windows.amplitude.astype(np.float64)
    if windows.noise.law == "lognormal":
        return np.asarray(np.log(np.maximum(centre, np.finfo(np.float64).tiny)) - amplitude / 2)
    if windows.noise.law == "poisson":
        return np.asarray(centre - amplitude / np.log1p(amplitude / windows.noise.base))
    return np.asarray(centre - amplitude / 2)


def _nms(windows: Windows) -> Scores:
    """One half minus the distance from the centre of the position that max pooling returns.

    Pooling returns the first maximum in row-major order. So the rule is not strict: a centre tied with a later entry
    passes, a centre tied with an earlier one does not, and relabelling the nodes can change this.
    """
    n, k = windows.values.shape[:2]
    entries = np.where(np.isnan(windows.values), -np.inf, windows.values).reshape(n, k * k)
    row, column = np.divmod(np.argmax(entries, axis=1), k)
    return np.asarray(0.5 - np.maximum(np.abs(row - k // 2), np.abs(column - k // 2)), dtype=np.float64)


def _sorted_entries(windows: Windows) -> Scores:
    """Gap between the largest and the second largest entry: the margin if the largest were at the centre."""
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
    """The log likelihood ratio of a peak in noise; the margin if the label is the observed one."""
    planted = windows.amplitude is not None and windows.label_rule == "planted"
    return log_likelihood_ratio(windows) if planted else margin(windows.values)


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
        "The centre's value alone, minus the value equally likely with and without the peak if known, else 0.",
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
        "Best possible: log likelihood ratio of a peak in noise; the margin if the label is the observed one.",
        ("relabelling", "transposition"),
        _bayes,
    ),
}
"""The rules by name."""
