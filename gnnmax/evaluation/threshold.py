"""The threshold of a decision, chosen on validation windows and never on the test split."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.task.scorers import checked_scores, labels_of, refuse_windows
from gnnmax.task.windows import Windows

__all__ = ["best_threshold"]


def best_threshold(scores: Any, windows: Windows | npt.ArrayLike) -> float:
    """Return the threshold of the highest accuracy on these windows: give it validation windows.

    Between two scores it lies in the middle of their gap; among thresholds of equal accuracy it is the one in the
    middle. Chosen and evaluated on the same windows, it is too optimistic.

    Args:
        scores: As in :func:`gnnmax.evaluate`.
        windows: Windows, or a label array of shape ``(N,)``.

    Returns:
        A finite number; "centred" iff a score is strictly above it. Cost: a sort.

    Raises:
        InputError: as :func:`gnnmax.evaluate`.

    Example:
        >>> best_threshold(np.array([0.2, 0.4, 0.8, 0.9]), np.array([False, False, True, True])).__round__(2)
        0.6
    """
    refuse_windows(scores)
    label = labels_of(windows)
    array = checked_scores(scores, windows, len(label))
    levels, place = np.unique(array, return_inverse=True)
    positive = np.bincount(place[label], minlength=len(levels))
    negative = np.bincount(place[~label], minlength=len(levels))
    # With the threshold below level i, levels 0 .. i - 1 are called "not centred".
    right = np.concatenate([[0], np.cumsum(negative)]) + np.concatenate([np.cumsum(positive[::-1])[::-1], [0]])
    best = np.flatnonzero(right == right.max())
    cut = int(best[(len(best) - 1) // 2])
    if cut == 0:
        return float(max(np.nextafter(levels[0], -np.inf), -np.finfo(np.float64).max))
    if cut == len(levels):
        return float(levels[-1])
    low, high = levels[cut - 1], levels[cut]
    middle = low / 2 + high / 2
    return float(middle if low <= middle < high else low)
