"""Operating curves: ROC and precision-recall as data, thinned to the resolution of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.metrics import levels_of

__all__ = ["Curves", "operating_curves"]

POINTS = 121


@dataclass(frozen=True)
class Curves:
    """Points of both curves, from the highest threshold down; each tuple has one entry a point.

    Attributes:
        false_positive_rate: Share of the negatives called centred.
        recall: Share of the positives called centred.
        precision: Share of the windows called centred that are positive; 1 where none is called.
    """

    false_positive_rate: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


def operating_curves(scores: npt.NDArray[np.float64], label: npt.NDArray[np.bool_]) -> Curves:
    """Return at most 121 points of both curves, evenly spread along the ROC curve, both ends included.

    Args:
        scores: Finite, shape ``(N,)``.
        label: Of both classes, shape ``(N,)``.

    Example:
        >>> operating_curves(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]))
        Curves(false_positive_rate=(0.0, 0.0, 1.0, 1.0), recall=(0.0, 0.5, 0.5, 1.0), precision=(1.0, 1.0, 0.5, 0.6667))
    """
    level = levels_of(scores)
    counts = (np.bincount(level[mask], minlength=int(level.max()) + 1)[::-1] for mask in (label, ~label))
    found, false = (np.concatenate([[0], np.cumsum(count)]) for count in counts)
    precision = np.where(found + false > 0, found / np.maximum(found + false, 1), 1.0)
    along = found / found[-1] + false / false[-1]
    chosen = np.unique(np.searchsorted(along, np.linspace(0, 2, POINTS) - 1e-12))
    chosen[-1] = len(along) - 1
    return Curves(*(_rounded(curve[chosen]) for curve in (false / false[-1], found / found[-1], precision)))


def _rounded(curve: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.round(curve, 4).tolist())
