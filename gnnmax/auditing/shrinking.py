"""The smallest counter-example: the simplest window and transformation that still show the error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.group_actions import GroupAction, ValueMap, batched, with_values
from gnnmax.auditing.transformations import TRANSFORMATIONS, Pair, cropped
from gnnmax.errors import InputError
from gnnmax.task.equality import EqualByContent
from gnnmax.task.scorers import Scorer, checked_scores
from gnnmax.task.symmetry import keeps_order
from gnnmax.task.windows import Windows

__all__ = ["CounterExample", "shrunk"]

ROUNDS = 200
"""Most searches for a simpler pair."""

AT_ONCE = 32
"""Candidates scored together."""

LEVELS = 9
"""Thresholds that turn a window of a smaller side into zeros and ones."""

Scores = npt.NDArray[np.float64]
Errs = Callable[[Scores, Scores], npt.NDArray[np.bool_]]
Size = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class CounterExample(EqualByContent):
    """One window whose score changes where the label does not.

    Attributes:
        window: The one window, with its contexts.
        action: The action on it.
        before: Its score before the action.
        after: Its score after the action.
    """

    window: Windows
    action: GroupAction
    before: float
    after: float

    def __str__(self) -> str:
        rows = [" ".join(f"{value:>5.3g}" for value in row) for row in self.window.values[0]]
        digits = next((d for d in (6, 9, 17) if f"{self.before:.{d}g}" != f"{self.after:.{d}g}"), 6)
        return "\n".join([*rows, f"{self.action.words()}: {self.before:.{digits}g} becomes {self.after:.{digits}g}"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON: an entry that is not finite is null."""
        rows = [[float(value) if np.isfinite(value) else None for value in row] for row in self.window.values[0]]
        return {"window": rows, "action": self.action.words(), "before": self.before, "after": self.after}


def shrunk(scorer: Scorer, name: str, pair: Pair, errs: Errs, *, any_k: bool = False) -> CounterExample:
    """Make a counter-example smaller until no smaller candidate shows the error.

    Smaller means, in this order: a smaller side, if the scorer takes any; fewer rows and columns moved, or simpler
    numbers in the map; contexts of zeros; fewer values that are not 0; fewer different values; small integers as
    values. Nothing is drawn at random: the same counter-example always shrinks to the same one.

    Args:
        scorer: Windows to scores.
        name: Name of the transformation.
        pair: One window and an action on it that show the error.
        errs: Takes scores before and after, returns whether they show the error.
        any_k: Whether the scorer takes windows of any odd side; else the side stays.

    Example:
        >>> corner = lambda windows: windows.values[:, 0, 0]
        >>> w = Windows.from_values(np.arange(9).reshape(1, 3, 3))
        >>> action = TRANSFORMATIONS["flip"].draw(w, np.random.default_rng(0))
        >>> print(shrunk(corner, "flip", (w, action), np.not_equal))
            0     0     1
            0     0     0
            0     0     0
        swap columns 0 and 2: 0 becomes 1
    """
    if any_k:
        pair = _of_smaller_side(scorer, name, pair, errs)
    for _ in range(ROUNDS):
        sized = [(_size(candidate), candidate) for candidate in _candidates(name, pair)]
        present = _size(pair)
        smaller = [each for each in sized if each[0] < present]
        smaller.sort(key=lambda each: each[0])  # stable, so the first of equal ones is taken
        found = _first(scorer, [candidate for _, candidate in smaller], errs)
        if found is None:
            break
        pair = found
    window, action = pair
    before, after = (float(checked_scores(scorer, each, 1)[0]) for each in (window, action(window)))
    return CounterExample(window, action, before, after)


def _of_smaller_side(scorer: Scorer, name: str, pair: Pair, errs: Errs) -> Pair:
    """Return the pair, or one around the same centre with the smallest side that shows the error.

    For each side the inner window is tried unchanged and as zeros and ones, because some errors need ties.
    """
    window, action = pair
    for k in range(3, window.k, 2):
        inner, same = cropped(window, k), action.cropped(k)
        levels = _levels(inner.values)
        some = levels[np.linspace(0, len(levels) - 1, min(len(levels), LEVELS)).astype(np.intp)]
        windows = [inner, *_with_images(inner, [(inner.values[0] >= level).astype(np.float32) for level in some])]
        pairs = [pair for each in windows for pair in ((each, same), *TRANSFORMATIONS[name].simpler(each, same))]
        found = _first(scorer, pairs, errs)
        if found is not None:
            return found
    return pair


def _size(pair: Pair) -> Size:
    window, action = pair
    values = window.values[~np.isnan(window.values)]
    whole = bool(np.isfinite(values).all() and (values == np.round(values)).all())
    contexts = [c for c in (window.row_context, window.column_context) if c is not None]
    largest = float(np.abs(values).max(initial=0))
    return (
        action.size,
        float(sum(np.count_nonzero(c) for c in contexts)),
        float(np.count_nonzero(window.values)),
        float(len(np.unique(values))),
        0.0 if whole else 1.0,
        largest if np.isfinite(largest) else np.finfo(np.float64).max,
    )


def _candidates(name: str, pair: Pair) -> list[Pair]:
    """List candidates that may be smaller: simpler actions, and simpler windows under the same action."""
    window, action = pair
    values = window.values[0]
    levels = _levels(values)
    ranks = np.where(np.isnan(values), np.nan, np.searchsorted(levels, values)).astype(np.float32)
    images = [ranks, *((values >= level).astype(np.float32) for level in levels), *_thinned(values)]
    windows = _with_images(window, images)
    if window.row_context is not None and window.column_context is not None:
        nothing = np.zeros_like(window.row_context)
        windows.append(dataclasses.replace(window, row_context=nothing, column_context=nothing))
    return [*TRANSFORMATIONS[name].simpler(window, action), *((simple, action) for simple in windows)]


def _levels(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.unique(values[~np.isnan(values)])


def _with_images(window: Windows, images: Sequence[npt.NDArray[np.float32]]) -> list[Windows]:
    """Give a window other values: one window for each image."""
    changed = with_values(window[np.zeros(len(images), dtype=np.intp)], np.reshape(images, (-1, window.k, window.k)))
    return [changed[place] for place in range(len(images))]


def _thinned(values: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Replace each row, each column or each entry by 0."""
    k = len(values)
    places: list[Any] = [*((row, slice(None)) for row in range(k)), *((slice(None), column) for column in range(k))]
    places += [(row, column) for row, column in np.argwhere(values != 0).tolist()]
    thinned = []
    for place in places:
        image = values.copy()
        image[place] = 0
        thinned.append(image)
    return thinned


def _first(scorer: Scorer, pairs: Sequence[Pair], errs: Errs) -> Pair | None:
    """Return the first pair that shows the error; several are scored together."""
    for start in range(0, len(pairs), AT_ONCE):
        some = pairs[start : start + AT_ONCE]
        erring = np.flatnonzero(_which_err(scorer, some, errs))
        if len(erring):
            return some[int(erring[0])]
    return None


def _which_err(scorer: Scorer, pairs: Sequence[Pair], errs: Errs) -> npt.NDArray[np.bool_]:
    """Find out which pairs show the error; a pair with a window that the scorer refuses does not."""
    found = np.zeros(len(pairs), dtype=np.bool_)
    for action, places in batched([action for _, action in pairs]):
        windows = Windows.concatenate([pairs[place][0] for place in places])
        found[places] = _shown(scorer, windows, action, errs)
    return found


def _shown(scorer: Scorer, windows: Windows, action: GroupAction, errs: Errs) -> npt.NDArray[np.bool_]:
    n, moved = len(windows), action(windows)
    try:
        found = errs(checked_scores(scorer, windows, n), checked_scores(scorer, moved, n))
    except InputError:  # the scorer refuses some window, or gives it no finite score: find it by bisection
        halves = (slice(0, n // 2), slice(n // 2, n)) if n > 1 else ()
        parts = [_shown(scorer, windows[half], action[half], errs) for half in halves]
        return np.concatenate([*parts, np.zeros(n - sum(map(len, parts)), dtype=np.bool_)])
    return found & keeps_order(windows.values, moved.values) if isinstance(action, ValueMap) else found
