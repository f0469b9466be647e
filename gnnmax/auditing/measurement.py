"""The answer's own experiment: y1 = C(T(x)) beside y2 = C(x), for one transformation T and many windows x."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.actions import Action, ValueMap
from gnnmax.scoring import Scorer, checked_scores
from gnnmax.symmetry import keeps_order
from gnnmax.window import Windows

__all__ = ["Experiment", "experiment"]

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Scores of windows as they are and transformed, and how far apart rounding alone may put them.

    Attributes:
        windows: The windows x, N of them.
        moved: The windows T(x).
        action: The elements T.
        before: C(x), shape ``(N,)``.
        after: C(T(x)), shape ``(N,)``.
        acted: T acting on C(x), where T maps values; else C(x) itself. Shape ``(N,)``.
        tolerance: Part of a score that rounding may change.
    """

    windows: Windows
    moved: Windows
    action: Action
    before: Scores
    after: Scores
    acted: Scores
    tolerance: float

    @property
    def floor(self) -> Scores:
        """Difference that is put down to rounding: the tolerance times the largest score of any window, ``(N,)``."""
        largest = np.abs(np.concatenate([self.before, self.after])).max(initial=0.0)
        return np.full(len(self.before), self.tolerance * largest)

    @property
    def error(self) -> Scores:
        """``|C(T(x)) - C(x)|``, shape ``(N,)``."""
        return np.asarray(np.abs(self.after - self.before))

    @property
    def equivariant(self) -> bool:
        """Whether the score of every window is mapped as its values are: ``C(T(x)) = T(C(x))``."""
        if not isinstance(self.action, ValueMap):
            return False
        largest = np.maximum(np.abs(self.acted), np.abs(self.after)).max(initial=0.0)
        return bool((np.abs(self.after - self.acted) <= self.tolerance * largest).all())


def experiment(
    scorer: Scorer, windows: Windows, action: Action, tolerance: float, *, before: Scores | None = None
) -> Experiment:
    """Score windows as they are and transformed.

    Where rounding made ties of the values of a window, or broke some, that window is left out.

    Args:
        scorer: Windows to scores.
        windows: N windows.
        action: N elements.
        tolerance: Part of a score that rounding may change.
        before: Scores of the windows as they are, where they are known.

    Raises:
        InputError: scores that are not finite or not one a window.

    Example:
        >>> from gnnmax.rules import RULES
        >>> w = Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, 7]]])
        >>> experiment(RULES["argmax"], w, ValueMap.affine([2.0], [0.0]), 1e-5).error
        array([0.])
    """
    moved = action(windows)
    if isinstance(action, ValueMap):
        kept = keeps_order(windows.values, moved.values)
        windows, moved, action = windows[kept], moved[kept], action[kept]
        before = None if before is None else before[kept]
    n = len(windows)
    if before is None:
        before = checked_scores(scorer, windows, n) if n else np.zeros(0)
    after = checked_scores(scorer, moved, n) if n else np.zeros(0)
    acted = action.of_scores(before) if isinstance(action, ValueMap) else before
    return Experiment(windows, moved, action, before, after, acted, tolerance)
