"""Calibration: probabilities from scores, their bins, and the reliability diagram.

Scores are probabilities only where their scale is declared; it is never read off the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError

__all__ = [
    "BINS",
    "Reliability",
    "Scale",
    "bins_of",
    "check_scale",
    "like_probabilities",
    "probabilities_of",
    "reliability",
]

Floats = npt.NDArray[np.float64]
Scale = Literal["logits", "probabilities"]

BINS = 15
"""Bins of equal width between 0 and 1."""


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram as data: the observed share of centred windows in each bin of stated probabilities.

    Attributes:
        count: Windows in each bin, :data:`BINS` of equal width.
        stated: Mean stated probability of "centred"; None in an empty bin.
        observed: Share of those windows whose label is "centred"; None in an empty bin.
    """

    count: tuple[int, ...]
    stated: tuple[float | None, ...]
    observed: tuple[float | None, ...]


def check_scale(scale: Any, threshold: float) -> None:
    """Refuse an unknown scale, and a threshold that is no probability.

    Raises:
        InputError: another word, or probabilities with a threshold that is not between 0 and 1.

    Example:
        >>> check_scale("probabilities", 0.0)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a threshold of 0.0 decides nothing about probabilities: pass threshold=0.5
    """
    if scale is not None and (not isinstance(scale, str) or scale not in get_args(Scale)):
        raise InputError(f"scale must be 'logits', 'probabilities' or None (real scores of no scale), not {scale!r}")
    if scale == "probabilities" and not 0 < threshold < 1:
        raise InputError(f"a threshold of {threshold} decides nothing about probabilities: pass threshold=0.5")


def probabilities_of(scores: Floats, scale: Scale, what: str = "scores") -> Floats:
    """Return the probability of "centred" from scores on their declared scale.

    Args:
        scores: Finite, shape ``(N,)``.
        scale: ``logits``, natural log odds, or ``probabilities``.
        what: Name of the scores in a message.

    Raises:
        InputError: probabilities outside [0, 1]; logits that all lie in [0, 1] and are not all equal, which no
            trained net returns, and every column of probabilities does.

    Example:
        >>> probabilities_of(np.array([0.0, 1000.0]), "logits")
        array([0.5, 1. ])
    """
    from scipy.special import expit

    if scale == "probabilities":
        outside = np.flatnonzero((scores < 0) | (scores > 1))
        if len(outside):
            wrong = int(outside[0])
            raise InputError(
                f"{what} were declared probabilities, and the one at index {wrong} is {scores[wrong]:g}: "
                "pass scale='logits' if they are log odds"
            )
        return scores
    if like_probabilities(scores):
        raise InputError(
            f"{what} were declared logits, and all lie in [0, 1] as probabilities do: "
            "pass scale='probabilities' and threshold=0.5, or leave scale away"
        )
    return np.asarray(expit(scores), dtype=np.float64)


def like_probabilities(scores: Floats) -> bool:
    """Return whether scores all lie in [0, 1] and are not all equal.

    Example:
        >>> like_probabilities(np.array([0.0, 0.7])), like_probabilities(np.zeros(2))
        (True, False)
    """
    return bool(((scores >= 0) & (scores <= 1)).all() and scores.min() < scores.max())


def bins_of(probability: Floats) -> npt.NDArray[np.intp]:
    """Return the bin of each probability, closed below and open above, 1 in the last.

    Example:
        >>> bins_of(np.array([0.0, 1 / 15, 0.5, 1.0]))
        array([ 0,  1,  7, 14])
    """
    return np.minimum((probability * BINS).astype(np.intp), BINS - 1)


def reliability(probability: Floats, label: npt.NDArray[np.bool_], weight: Floats | None = None) -> Reliability:
    """Compare stated probabilities with the observed share of centred windows, bin by bin.

    Args:
        probability: Of "centred", shape ``(N,)``.
        label: Shape ``(N,)``.
        weight: Of each window, shape ``(N,)``; None weighs all the same.

    References:
        A. Niculescu-Mizil and R. Caruana, "Predicting good probabilities with supervised learning", ICML 2005.

    Example:
        >>> found = reliability(np.array([0.9, 0.91, 0.1]), np.array([True, False, False]))
        >>> found.count[13], found.stated[13], found.observed[13]
        (2, 0.905, 0.5)
    """
    where = bins_of(probability)
    count, each = np.bincount(where, minlength=BINS), np.ones(len(label)) if weight is None else weight
    total, stated, observed = (np.bincount(where, weights=x * each, minlength=BINS) for x in (1, probability, label))
    return Reliability(tuple(map(int, count)), *(_means(found, total) for found in (stated, observed)))


def _means(total: npt.NDArray[Any], count: npt.NDArray[Any]) -> tuple[float | None, ...]:
    return tuple(float(t / c) if c else None for t, c in zip(total, count, strict=True))
